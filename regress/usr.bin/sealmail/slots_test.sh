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

# program CODE SECRETS ARGS...: sealmail, its secrets by printf's format.
program() {
	want=$1
	# shellcheck disable=SC2059
	printf "$2" >secrets
	shift 2
	got=0
	"$(suite_top)/usr.bin/sealmail/sealmail" "$@" <secrets >out 2>err ||
	    got=$?
	[ "$got" -eq "$want" ] || {
		cat out err
		atf_fail "sealmail $1 ended with $got instead of $want"
	}
}

# value KEY: of the JSON object in out.
value() {
	sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" out
}

atf_test_case program cleanup
program_head() {
	atf_set descr "sealmail passwd, app, recover, rekey over IMAPS"
	atf_set timeout 300
}
program_body() {
	start_suite USERS=2
	a=user0001@sealmail.test
	o="-s -C $cafile -h $host -p $imaps_port"
	# shellcheck disable=SC2086
	{
		program 77 "wrong\nsome new one\n" passwd $o $a
		program 0 "$password\nsome new one\n" passwd $o $a
		[ ! -s out ] || atf_fail "$(cat out)"
		program 77 "$password\nx\n" passwd $o $a
		program 0 "some new one\n$password\n" passwd -j $o $a
		[ -n "$(value id)" ] || atf_fail "$(cat out)"
		program 65 "$password\n" passwd $o $a
		program 65 "$password\nsmaller\n" passwd $o $a
		grep -q "at least 8 characters" err || atf_fail "$(cat err)"
		program 64 "" passwd $o $a extra
		# It may be proved, or no more.
		program 77 "wrong\n" passwd --scram $o $a
		program 0 "$password\n" passwd --scram $o $a
		[ ! -s out ] || atf_fail "$(cat out)"
		program 0 "$password\n" app list $o $a
		grep -q '  main  .*  scram  ' out || atf_fail "$(cat out)"
		program 0 "$password\n" passwd --no-scram -j $o $a
		[ -n "$(value id)" ] || atf_fail "$(cat out)"
		program 0 "$password\n" app list $o $a
		grep -q '  main  .*  -  ' out || atf_fail "$(cat out)"
		program 64 "" passwd --scram --no-scram $o $a
		# App passwords, to their end.
		program 0 "$password\n" app add -j $o -S imap,submission \
		    $a 'The "phone" of Zoë'
		id=$(value id) app=$(value password)
		program 64 "$password\n" app add $o -S 'x y' $a label
		program 64 "$password\n" app add $o -S nothing $a label
		program 64 "$password\n" app add $o -S imap,,manage $a label
		program 64 "" app list -s -h "$host" -p 65536 $a
		program 64 "" app list -s -h "$host" -p imaps $a
		program 0 "$password\n" app list $o $a
		grep -q "$id  app  imap,submission  .*  The \"phone\" of Zoë$" out ||
		    atf_fail "$(cat out)"
		program 0 "$app\n" app list -j $o $a
		python3 -c 'import json; json.load(open("out"))' ||
		    atf_fail "$(cat out)"
		program 77 "$app\n" app revoke $o $a "$id"
		program 0 "$password\n" app revoke $o $a "$id"
		program 65 "$password\n" app revoke $o $a "$id"
		program 77 "$app\n" app list $o $a
		# The recovery code, then new keys.
		program 0 "$password\n" recover $o $a
		code=$(sed -n 's/^recovery code: //p' out)
		program 0 "$code\nforgotten no more\n" passwd $o $a
		program 65 "$code\n" rekey $o $a
		program 0 "forgotten no more\n" rekey -j $o $a
		new=$(value recovery)
		program 77 "$code\n$password\n" passwd $o $a
		program 0 "$new\n$password\n" passwd $o $a
		# A server that is not the certificate's, and none at all.
		program 75 "$password\n" recover -s -h "$host" \
		    -p "$imaps_port" $a
		grep -q certificate err || atf_fail "$(cat err)"
		program 75 "$password\n" recover -s -h "$host" -p 1 $a
	}
	suite_alive
}
program_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case command
	atf_add_test_case program
}
