#! /usr/bin/env atf-sh
#
# imap-engine within a running suite, octet for octet: what imaplib and other
# clients would not send, or would not look at.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

for part in States Login Append Sections Large Headers Pipeline News Boxes \
    Copy Search Hostile; do
	eval "
atf_test_case $part cleanup
${part}_head() {
	atf_set timeout 300
}
${part}_body() {
	need python3
	start_suite USERS=3
	python3 \"\$(atf_get_srcdir)/engine_client.py\" \
	    \"\$suite/server.json\" $part >client.out 2>&1 ||
	    fail_with client.out 'it went wrong'
	suite_alive
}
${part}_cleanup() {
	stop_suite
}"
done

atf_init_test_cases() {
	for part in States Login Append Sections Large Headers Pipeline News \
	    Boxes Copy Search Hostile; do
		atf_add_test_case "$part"
	done
}
