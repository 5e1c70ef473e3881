#! /usr/bin/env atf-sh
#
# Python's imaplib, as scripts use it; and what only a script can look at.

. "$(atf_get_srcdir)/../suite/suite.sh"

# run CLASS: the cases of imaplib_client.py of that name.
run() {
	need python3
	start_suite USERS=4
	python3 "$(atf_get_srcdir)/imaplib_client.py" "$suite/server.json" \
	    "$1" >client.out 2>&1 || fail_with client.out "it went wrong"
	suite_alive
}

for part in Session Boxes Octets Flags Idle Search; do
	eval "
atf_test_case $part cleanup
${part}_head() {
	atf_set timeout 300
}
${part}_body() {
	run $part
}
${part}_cleanup() {
	stop_suite
}"
done

atf_test_case idle_1000 cleanup
idle_1000_head() {
	atf_set descr "1,000 idle connections are nothing special"
	atf_set timeout 600
}
idle_1000_body() {
	need python3
	n=$(full 200 1000)
	start_suite USERS=10
	python3 "$(atf_get_srcdir)/imaplib_client.py" "$suite/server.json" \
	    connections "$n" >client.out 2>&1 ||
	    fail_with client.out "it went wrong"
	suite_alive
}
idle_1000_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	for part in Session Boxes Octets Flags Idle Search; do
		atf_add_test_case $part
	done
	atf_add_test_case idle_1000
}
