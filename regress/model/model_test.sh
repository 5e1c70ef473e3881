#! /usr/bin/env atf-sh
#
# Eight sessions of one user over two mailboxes, random commands, held against
# a reference model.  SEED=n runs one seed, STRESS=1 a thousand.

. "$(atf_get_srcdir)/../suite/suite.sh"

atf_test_case sessions cleanup
sessions_head() {
	atf_set descr "sessions of one user agree with a reference model"
	atf_set timeout 7200
}
sessions_body() {
	need python3
	mkdir suite
	echo 'administrator "user0002@sealmail.test"' >suite/extra.conf
	start_suite USERS=2
	python3 "$(atf_get_srcdir)/model.py" "$suite/server.json" \
	    "${SEED:-1}" "$([ -z "${SEED-}" ] && full 30 1000 || echo 1)" \
	    >client.out 2>&1 || fail_with client.out 'the model disagrees'
	suite_alive
}
sessions_cleanup() {
	stop_suite
}

atf_test_case killed cleanup
killed_head() {
	atf_set descr "the same while the vault and engines are killed at random"
	atf_set timeout 7200
}
killed_body() {
	need python3
	mkdir suite
	echo 'administrator "user0002@sealmail.test"' >suite/extra.conf
	start_suite USERS=2
	python3 "$(atf_get_srcdir)/model.py" "$suite/server.json" \
	    "${SEED:-1}" "$([ -z "${SEED-}" ] && full 5 200 || echo 1)" kill \
	    >client.out 2>&1 || fail_with client.out 'the model disagrees'
	suite_alive
}
killed_cleanup() {
	stop_suite
}

atf_test_case crowd cleanup
crowd_head() {
	atf_set descr "the same over more messages than a command deals with"
	atf_set timeout 7200
}
crowd_body() {
	need python3
	mkdir suite
	cat >suite/extra.conf <<-E
	administrator "user0002@sealmail.test"
	limit command-messages 1000
	E
	start_suite USERS=2
	python3 "$(atf_get_srcdir)/model.py" "$suite/server.json" \
	    "${SEED:-1}" "$([ -z "${SEED-}" ] && full 1 40 || echo 1)" crowd \
	    >client.out 2>&1 || fail_with client.out 'the model disagrees'
	suite_alive
}
crowd_cleanup() {
	stop_suite
}

atf_test_case bulk cleanup
bulk_head() {
	atf_set descr "very many are copied and moved while the vault is killed"
	atf_set timeout 7200
}
bulk_body() {
	need python3
	mkdir suite
	echo 'administrator "user0002@sealmail.test"' >suite/extra.conf
	start_suite USERS=2
	python3 "$(atf_get_srcdir)/model.py" "$suite/server.json" \
	    "${SEED:-1}" "$([ -z "${SEED-}" ] && full 1 100 || echo 1)" \
	    kill bulk >client.out 2>&1 ||
	    fail_with client.out 'the model disagrees'
	suite_alive
}
bulk_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case sessions
	atf_add_test_case killed
	atf_add_test_case crowd
	atf_add_test_case bulk
}
