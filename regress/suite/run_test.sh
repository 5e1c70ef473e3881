#! /usr/bin/env atf-sh
#
# `make run`: starts, says where, keeps the mail, stops cleanly.

. "$(atf_get_srcdir)/suite.sh"

atf_test_case start_stop cleanup
start_stop_head() {
	atf_set descr "starts, writes server.json, delivers, stops, keeps mail"
	atf_set timeout 300
}
start_stop_body() {
	need python3 curl
	start_suite
	python3 -c 'import json, sys; d = json.load(open(sys.argv[1]))
for k in ("name host imaps_port imap_port lmtp_port smtp_port user_pattern "
          "users password pids_cmd data_dir cafile conf sealctl "
          "sealmail").split():
    assert k in d, k' "$suite/server.json" || atf_fail "server.json lacks keys"
	atf_check -o match:"Welcome to Sealmail" curl -sS --cacert "$cafile" \
	    -u "demo@$domain:$password" \
	    "imaps://localhost:$imaps_port/INBOX;MAILINDEX=1"
	suite_alive
	pids=$(sh -c "$pids_cmd")
	stop_suite
	[ ! -e "$suite/server.json" ] || atf_fail "server.json is still there"
	for p in $pids; do
		! kill -0 "$p" 2>/dev/null || atf_fail "process $p is left"
	done
	tail -n 1 run.out | grep -q '^stopped$' || atf_fail "no clean stop"

	start_suite
	atf_check -o match:"Welcome to Sealmail" curl -sS --cacert "$cafile" \
	    -u "demo@$domain:$password" \
	    "imaps://localhost:$imaps_port/INBOX;MAILINDEX=1"
	stop_suite
}
start_stop_cleanup() {
	stop_suite
}

atf_test_case taken_port cleanup
taken_port_head() {
	atf_set descr "a port that is taken: an error that says what to do"
	atf_set timeout 120
}
taken_port_body() {
	start_suite
	atf_check -s exit:1 -o ignore -e match:"PORT=auto" \
	    env RUN="$PWD/second" PORT="$imaps_port" COST=low \
	    sh "$(suite_top)/mk/run.sh"
	suite_alive
}
taken_port_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case start_stop
	atf_add_test_case taken_port
}
