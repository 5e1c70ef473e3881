#! /usr/bin/env atf-sh
#
# Hostile clients on every port, beside an honest one.

. "$(atf_get_srcdir)/../suite/suite.sh"

# Two free ports, and short limits.
extra() {
	mkdir -p suite
	# shellcheck disable=SC2046
	set -- $(free_ports 2)
	printf 'listen on "127.0.0.1" imap port %s\n' \
	    "$1 starttls" "$2" >suite/extra.conf
	printf 'limit %s 5s\n' login-timeout command-timeout \
	    >>suite/extra.conf
}

atf_test_case clients cleanup
clients_head() {
	atf_set descr "hostile clients get an error, cost little, delay nobody"
	atf_set timeout 1800
}
clients_body() {
	need python3 openssl
	extra
	start_suite USERS=3
	# shellcheck disable=SC2046
	python3 "$(atf_get_srcdir)/hostile.py" "$suite/server.json" \
	    $(full "" long) >client.out 2>&1 ||
	    fail_with client.out 'an attack had an effect'
	cat client.out
	suite_alive
}
clients_cleanup() {
	stop_suite
}

atf_test_case bombs cleanup
bombs_head() {
	atf_set descr "little that becomes much, silence, a protocol's edges"
	atf_set timeout 1800
}
bombs_body() {
	need python3 openssl
	extra
	echo "limit idle-timeout 5s" >>suite/extra.conf
	start_suite USERS=3
	# shellcheck disable=SC2046
	python3 "$(atf_get_srcdir)/bombs.py" "$suite/server.json" \
	    $(full "" long) >client.out 2>&1 ||
	    fail_with client.out 'an attack had an effect'
	cat client.out
	suite_alive
}
bombs_cleanup() {
	stop_suite
}

atf_test_case crowd cleanup
crowd_head() {
	atf_set descr "one user with as many sessions as there may be"
	atf_set timeout 1800
}
crowd_body() {
	need python3 openssl
	extra
	sed -i '/^limit/d' suite/extra.conf
	echo "limit sessions-per-user $(full 200 1000)" >>suite/extra.conf
	start_suite USERS=3
	# shellcheck disable=SC2046
	python3 "$(atf_get_srcdir)/crowd.py" "$suite/server.json" \
	    $(full "" long) >client.out 2>&1 ||
	    fail_with client.out 'it was not borne'
	cat client.out
	suite_alive
}
crowd_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case bombs
	atf_add_test_case clients
	atf_add_test_case crowd
}
