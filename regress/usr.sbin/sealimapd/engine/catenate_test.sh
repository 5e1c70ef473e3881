#! /usr/bin/env atf-sh
#
# CATENATE (RFC 4469) within a running suite.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

parts="Parts Urls Together"

for part in $parts; do
	client_case catenate "$part" 'limit message-size 3000000'
done

atf_init_test_cases() {
	for part in $parts; do
		atf_add_test_case "$part"
	done
}
