#! /usr/bin/env atf-sh
#
# Secrets of an account, over the network: the IMAP command, and the program.

. "$(atf_get_srcdir)/../../suite/suite.sh"

atf_test_case command cleanup
command_head() {
	atf_set timeout 300
}
command_body() {
	need python3
	start_suite USERS=5
	python3 "$(atf_get_srcdir)/xsealmail_client.py" \
	    "$suite/server.json" >client.out 2>&1 || {
		cat client.out
		atf_fail 'it went wrong'
	}
	suite_alive
}
command_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case command
}
