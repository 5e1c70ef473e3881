#! /usr/bin/env atf-sh
#
# The extensions that imap-engine advertises, and IMAP4rev2, within a running
# suite.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

parts="Strict Esearch Ids Lists Rev2 Binary Multiappend Ranges"

for part in $parts; do
	client_case extension "$part"
done

atf_init_test_cases() {
	for part in $parts; do
		atf_add_test_case "$part"
	done
}
