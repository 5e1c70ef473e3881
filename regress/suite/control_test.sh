#! /usr/bin/env atf-sh
#
# What an administrator sees and does of a running suite: control.py.

. "$(atf_get_srcdir)/suite.sh"

# control COMMAND: of control.py.
control() {
	python3 "$(atf_get_srcdir)/control.py" "$suite/server.json" "$@" \
	    >control.out 2>&1 ||
	    fail_with control.out "$1: $(tail -n 1 control.out)"
}

# with LINE...: statements of the configuration.
with() {
	mkdir -p suite
	printf '%s\n' "$@" >suite/extra.conf
}

atf_test_case show cleanup
show_body() {
	start_suite USERS=3
	control show
	suite_alive
}
show_cleanup() {
	stop_suite
}

atf_test_case reload cleanup
reload_head() {
	atf_set descr "what a reload takes, and what it does not, is so"
}
reload_body() {
	start_suite
	control reload
	suite_alive
}
reload_cleanup() {
	stop_suite
}

atf_test_case count cleanup
count_body() {
	start_suite
	control count
	suite_alive
}
count_cleanup() {
	stop_suite
}

atf_test_case waiting cleanup
waiting_body() {
	with "linger 10m"
	start_suite
	control waiting
	suite_alive
}
waiting_cleanup() {
	stop_suite
}

atf_test_case kick cleanup
kick_body() {
	start_suite
	control kick
	suite_alive
}
kick_cleanup() {
	stop_suite
}

atf_test_case garbage cleanup
garbage_body() {
	start_suite
	control garbage
	suite_alive
}
garbage_cleanup() {
	stop_suite
}

atf_test_case rights cleanup
rights_head() {
	atf_set require.user root
}
rights_body() {
	with "control operators 60001" "control readers 60002"
	start_suite
	# Others must come as far as the sockets and the configuration; the
	# folders above are none of ours to change.
	chmod 755 . && chmod 644 "$conf"
	setpriv --reuid=60009 --regid=60009 --clear-groups \
	    test -r "$conf" 2>/dev/null ||
	    atf_skip "another user does not come as far as $conf"
	control rights
	suite_alive
}
rights_cleanup() {
	stop_suite
}

# limited COMMAND LINE...: control.py with these limits.
limited() {
	command=$1
	shift
	with "$@"
	start_suite USERS=3
	control "$command"
	suite_alive
}

atf_test_case sources cleanup
sources_body() {
	limited sources "limit connections-per-source 4"
}
sources_cleanup() {
	stop_suite
}

atf_test_case trusted cleanup
trusted_body() {
	limited trusted "limit connections-per-source 4" \
	    "limit connection-rate 3" \
	    "limit login-failures-per-source 1" \
	    "limit login-failures-per-user 0" \
	    "trust 127.0.0.0/8"
}
trusted_cleanup() {
	stop_suite
}

atf_test_case rate cleanup
rate_body() {
	limited rate "limit connection-rate 5"
}
rate_cleanup() {
	stop_suite
}

atf_test_case failures cleanup
failures_body() {
	limited failures "limit login-failures-per-source 4" \
	    "limit login-failures-per-user 3"
}
failures_cleanup() {
	stop_suite
}

atf_test_case secrets cleanup
secrets_body() {
	start_suite
	control secrets
	suite_alive
}
secrets_cleanup() {
	stop_suite
}

atf_test_case trace cleanup
trace_body() {
	start_suite
	control trace
	suite_alive
}
trace_cleanup() {
	stop_suite
}

atf_test_case clear cleanup
clear_body() {
	limited clear "log addresses yes"
}
clear_cleanup() {
	stop_suite
}

atf_test_case isolated cleanup
isolated_head() {
	atf_set timeout 120
}
isolated_body() {
	[ -r /proc/self/task/self/children ] || [ -d /proc/self/task ] ||
	    atf_skip "no proc(5) with children of processes"
	with "sessions isolated"
	start_suite USERS=3
	control isolated
	control show
	control kick
	control garbage
	suite_alive
}
isolated_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case show
	atf_add_test_case reload
	atf_add_test_case count
	atf_add_test_case waiting
	atf_add_test_case kick
	atf_add_test_case garbage
	atf_add_test_case rights
	atf_add_test_case sources
	atf_add_test_case trusted
	atf_add_test_case rate
	atf_add_test_case failures
	atf_add_test_case secrets
	atf_add_test_case trace
	atf_add_test_case clear
	atf_add_test_case isolated
}
