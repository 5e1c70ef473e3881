#! /usr/bin/env atf-sh
#
# imap-engine within a running suite, octet for octet: what imaplib and other
# clients would not send, or would not look at.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

parts="States Login Append Sections Large Headers Pipeline News Hostile Rest"
boxes="Boxes Copy Search"

for part in $parts; do
	client_case engine "$part"
done
for part in $boxes; do
	client_case boxes "$part"
done

atf_init_test_cases() {
	for part in $parts $boxes; do
		atf_add_test_case "$part"
	done
}
