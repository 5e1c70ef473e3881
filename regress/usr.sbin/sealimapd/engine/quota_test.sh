#! /usr/bin/env atf-sh
#
# Quotas (RFC 9208) within a running suite, of which one user administers them.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

parts="Own Messages Set"

for part in $parts; do
	client_case quota "$part" \
	    'administrator "user0003@sealmail.test"'
done

atf_init_test_cases() {
	for part in $parts; do
		atf_add_test_case "$part"
	done
}
