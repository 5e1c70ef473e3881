#! /usr/bin/env atf-sh
#
# NOTIFY (RFC 5465) within a running suite.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

parts="Grammar Other Names Selected"

for part in $parts; do
	client_case notify "$part"
done

atf_init_test_cases() {
	for part in $parts; do
		atf_add_test_case "$part"
	done
}
