#! /usr/bin/env atf-sh
#
# Text searches with the index and without it find the same.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

atf_test_case searches cleanup
searches_head() {
	atf_set timeout 300
}
searches_body() {
	need python3
	start_suite USERS=1
	python3 "$(atf_get_srcdir)/index_client.py" "$suite/server.json" \
	    >client.out 2>&1 || fail_with client.out 'it went wrong'
	suite_alive
}
searches_cleanup() {
	stop_suite
}

atf_test_case full cleanup
full_head() {
	atf_set descr "segments that are full are not merged again and again"
	atf_set timeout 300
}
full_body() {
	need python3
	start_suite USERS=1
	python3 "$(atf_get_srcdir)/index_client.py" "$suite/server.json" full \
	    >client.out 2>&1 || fail_with client.out 'it went wrong'
	suite_alive
}
full_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case searches
	atf_add_test_case full
}
