#! /usr/bin/env atf-sh
#
# Two copies of an account, each served by a suite of its own as one host of a
# pair; their files go to and fro by hand, and sessions see what comes.

. "$(atf_get_srcdir)/suite.sh"

# app_password USER-NUMBER
app_password() {
	printf '%s\n' "$password" |
	    "$(suite_top)/usr.bin/sealmail/sealmail" app add -j -s \
	    -C "$cafile" -h "$host" -p "$imaps_port" -S imap \
	    "user000$1@$domain" phone |
	    sed -n 's/.*"password":"\([^"]*\)".*/\1/p'
}

free_account() {
	flock -n "$data_dir/accounts/$domain/$1/lock" true
}

start_other() {
	mkdir -p other/mail
	cp -Rp "$data_dir/accounts" other/mail/
	cp suite/password other/
	printf 'host index 1\nlinger 1\n' >other/extra.conf
	env RUN="$PWD/other" PORT=auto COST=low USERS=2 \
	    sh "$(suite_top)/mk/run.sh" >other.out 2>&1 </dev/null &
	echo $! >other.pid
	wait_for 120 test -f other/server.json ||
	    fail_with other.out "the other host did not start"
}

atf_test_case two_hosts cleanup
two_hosts_head() {
	atf_set descr "sessions see what another host's files bring"
	atf_set timeout 600
}
two_hosts_body() {
	need python3 flock
	mkdir suite
	echo 'linger 1' >suite/extra.conf
	start_suite USERS=2
	python3 - "$suite/server.json" <<'END' || atf_fail "no first mail"
import imaplib, json, ssl, sys
s = json.load(open(sys.argv[1]))
c = ssl.create_default_context(cafile=s["cafile"])
c.check_hostname = False
m = imaplib.IMAP4_SSL(s["host"], s["imaps_port"], ssl_context=c)
m.login(s["user_pattern"] % 1, s["password"])
for x in b"one", b"two":
    assert m.append("INBOX", None, None, b"Subject: %s\r\n\r\n" % x)[0] == "OK"
assert m.create("Plans")[0] == "OK"
m.logout()
END
	one=$(app_password 1) two=$(app_password 2)
	if [ -z "$one" ] || [ -z "$two" ]; then
		atf_fail "no app passwords"
	fi
	for user in user0001 user0002; do
		wait_for 60 free_account $user || atf_fail "$user is in use"
	done
	printf '%s\n' "$password" |
	    "$(atf_get_srcdir)/pairtool" "$data_dir" "user0001@$domain" ||
	    atf_fail "it is not paired"
	start_other
	python3 "$(suite_top)/regress/suite/two_hosts.py" "$suite/server.json" \
	    "$PWD/other/server.json" "$one" "$two" >hosts.out 2>&1 || {
		tail -n 40 other/*.log
		fail_with hosts.out "the two hosts"
	}
	cat hosts.out
	suite_alive
	kill -0 "$(cat other.pid)" || fail_with other.out "the other has died"
	grep -h "read-only" suite/*.log && atf_fail "an account is read-only"
	stop_other
	stop_suite
}
two_hosts_cleanup() {
	stop_other
	stop_suite
}

stop_other() {
	[ -f other.pid ] || return 0
	mv other.pid other.ending
	mv suite.pid suite.kept 2>/dev/null
	mv other.ending suite.pid
	stop_suite
	mv suite.kept suite.pid 2>/dev/null
	return 0
}

atf_init_test_cases() {
	atf_add_test_case two_hosts
}
