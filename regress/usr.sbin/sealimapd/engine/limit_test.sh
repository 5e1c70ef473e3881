#! /usr/bin/env atf-sh
#
# MESSAGELIMIT (RFC 9738) within a running suite.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

parts="Limited Search"

for part in $parts; do
	client_case limit "$part" 'limit command-messages 1000'
done

atf_init_test_cases() {
	for part in $parts; do
		atf_add_test_case "$part"
	done
}
