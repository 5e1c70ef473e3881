#! /usr/bin/env atf-sh
#
# What a running suite says of messages' parts is what it serves, for all
# fixtures of the parser, malformed mail, and forged summaries.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

for part in Fixtures Malformed Made Forged Fields; do
	eval "
atf_test_case $part cleanup
${part}_head() {
	atf_set timeout 300
}
${part}_body() {
	need python3
	start_suite USERS=3
	python3 \"\$(atf_get_srcdir)/mime_client.py\" \
	    \"\$suite/server.json\" $part \
	    \"\$(suite_top)/regress/fuzz/mime_seeds\" \
	    \"\$(atf_get_srcdir)/forge\" >client.out 2>&1 ||
	    fail_with client.out 'it went wrong'
	suite_alive
}
${part}_cleanup() {
	stop_suite
}"
done

atf_init_test_cases() {
	for part in Fixtures Malformed Made Forged Fields; do
		atf_add_test_case "$part"
	done
}
