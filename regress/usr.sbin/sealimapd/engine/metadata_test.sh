#! /usr/bin/env atf-sh
#
# METADATA (RFC 5464) and LIST-METADATA (RFC 9590) within a running suite.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

parts="Values Listed Events"

for part in $parts; do
	client_case metadata "$part"
done

atf_init_test_cases() {
	for part in $parts; do
		atf_add_test_case "$part"
	done
}
