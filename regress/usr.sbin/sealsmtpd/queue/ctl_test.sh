#! /usr/bin/env atf-sh
#
# sealctl queue against a running suite, whose queue was filled before.
#
# sealctl is a command with its options.
# shellcheck shell=sh disable=SC2154,SC2086

. "$(atf_get_srcdir)/../../../suite/suite.sh"

SRC=$(atf_get_srcdir)
BIN=$SRC/../../../../usr.sbin

# sink NAME: a mail server, its port in PORT, what it gets in NAME/
sink() {
	python3 "$SRC/../../sealrelayd/relay/sink.py" "$@" >"$1.log" 2>&1 &
	echo $! >>children
	wait_for 60 test -s "$1/port" || atf_fail "sink: $(cat "$1.log")"
	PORT=$(cat "$1/port")
}

stop_all() {
	[ ! -f children ] || while read -r pid; do
		kill "$pid" 2>/dev/null || :
	done <children
	stop_suite
}

# fill CONFIGURATION [SENDER]: three messages to far.test, where nobody answers,
# one of them to near.test too, two from SENDER, and a report; then the suite
# with that queue.
fill() {
	printf 'From: a@here.test\r\nSubject: x\r\n\r\nthe body\r\n' >mail
	sink near
	mkdir -p base/queue suite/mail
	{
		echo "route far.test 127.0.0.1 1 1"
		echo "route near.test 127.0.0.1 1 1"
	} >config
	"$SRC/../../sealrelayd/relay/outbox" "$BIN" base config >out 2>err <<-EOT ||
		send a@here.test b@far.test,c@near.test mail
		send ${2-a@here.test} d@far.test mail
		send ${2-o@here.test} e@far.test mail
		send <> f@far.test mail
		wait 0
	EOT
	    atf_fail "outbox: $(cat err)"
	grep -q '^left 4' out || fail_with_files "cat out"
	mv base/queue suite/mail/queue
	chmod 700 suite/mail/queue
	[ "$(id -u)" -ne 0 ] || chown -R 50006:50006 suite/mail/queue
	# outbox's key: three letters and zeros.
	(umask 077 && { printf key; head -c 29 /dev/zero; } >suite/queue.key)
	cat >suite/extra.conf <<-EOT
	log addresses yes
	limit queue-retry 1h
	limit queue-retry-longest 2h
	route "far.test" host "127.0.0.1" port 1 tls none
	route "near.test" host "127.0.0.1" port $PORT tls none
	$1
	EOT
	start_suite
}

# q WORD...: sealctl queue, JSON to json, which python3 sees as q.
q() {
	$sealctl queue "$@" -j >json 2>q.err
}

# is EXPRESSION: of python3, about what q printed.
is() {
	python3 -c "import json
q = json.load(open('json'))
assert $1, q" || atf_fail "$1"
}

# The word and the bound are the condition's, about q list.
holds() {
	q list && python3 -c "import json, sys
q = json.load(open('json'))
sys.exit(not ($1))"
}

# fail_with_files COMMAND: what it prints tells why.
fail_with_files() {
	$1
	atf_fail "$1"
}

# The log is written by another process than the one that answered.
traced() {
	cat "$suite/sealsmtpd.log" >log
	$sealctl trace -l log trace >lines
	grep -q 'unreachable trace=trace .*refused' lines
}

# How often far.test could not be reached.
failures() {
	grep -c 'unreachable .*dest=far.test' "$suite/sealsmtpd.log"
}

more_failures() {
	[ "$(failures)" -gt "$1" ]
}

atf_test_case list cleanup
list_head() {
	atf_set descr "what waits, and why, by each filter"
}
list_body() {
	need python3
	fill ""
	wait_for 40 holds "len(q) == 4 and all(r['tries'] for r in q)" ||
	    fail_with_files "cat json"
	[ -f near/1.eml ] || atf_fail "near.test got nothing"
	is "all(r['state'] == 'waits' and r['status'] for r in q)"
	q list -s a@here.test
	is "sorted(r['recipient'] for r in q) == ['b@far.test', 'd@far.test']"
	q list -r e@far.test
	is "len(q) == 1 and q[0]['sender'] == 'o@here.test'"
	id=$(python3 -c 'import json; print(json.load(open("json"))[0]["id"])')
	q list -d nowhere.test
	is "q == []"
	q show "$id"
	is "q[0]['destination'] == 'far.test' and q[0]['trace'] == 'trace'"
	is "q[0]['expiry'] - q[0]['arrival'] == 432000 and q[0]['text']"
	q show
	is "q[0]['messages'] == 4 and q[0]['recipients'] == 4"
	is "q[0]['held'] == 'no'"
	$sealctl queue message "$id" >got || atf_fail "message"
	{ printf 'Received: by outbox\r\n'; cat mail; } | cmp - got ||
	    atf_fail "another message"
	$sealctl queue list >text
	[ "$(wc -l <text)" -eq 5 ] || fail_with_files "cat text"
	# The words of a server stand whole in the last column.
	$sealctl queue show "$id" >shown
	grep -q 'onnection refused$' shown || fail_with_files "cat shown"
	# What is not there, and what is no command line.
	atf_check -s exit:1 -o ignore -e match:"no such message" \
	    $sealctl queue list 00000000000000000000000000000000
	atf_check -s exit:1 -e match:"no such message" \
	    $sealctl queue message 00000000000000000000000000000000
	for words in "remove" "remove -a $id" "message" "flush a b" "show -x" \
	    "reschedule $id"; do
		atf_check -s exit:2 -e match:usage $sealctl queue $words
	done
	atf_check -s exit:1 -e match:"no time" \
	    $sealctl queue reschedule -t soon "$id"
	# The way of a message in the log, to the server that refused.
	wait_for 60 traced || fail_with_files "tail -n 30 log lines"
	suite_alive
}
list_cleanup() {
	stop_all
}

atf_test_case change cleanup
change_head() {
	atf_set descr "flush, pause, resume, reschedule, remove"
}
change_body() {
	need python3
	fill "" user0001@sealmail.test
	wait_for 40 holds "len(q) == 4 and all(r['tries'] for r in q)" ||
	    fail_with_files "cat json"
	# Held: no flush moves it, and a new start forgets nothing.
	q pause -r b@far.test || fail_with_files "cat q.err"
	is "q[0]['recipients'] == 1"
	q pause -d near.test || fail_with_files "cat q.err"
	holds "[r['recipient'] for r in q if r['state'] == 'held'] == \
	    ['b@far.test']" || fail_with_files "cat json"
	failed=$(failures)
	q flush || fail_with_files "cat q.err"
	wait_for 60 more_failures "$failed" || atf_fail "nothing was flushed"
	holds "[r['recipient'] for r in q if r['state'] == 'held'] == \
	    ['b@far.test']" || fail_with_files "cat json"
	q pause || fail_with_files "cat q.err"
	q show
	is "q[0]['held'] == 'yes'"
	stop_suite
	start_suite
	q show
	is "q[0]['held'] == 'yes' and q[0]['messages'] == 4"
	q resume || fail_with_files "cat q.err"
	holds "[r['recipient'] for r in q if r['state'] == 'held'] == \
	    ['b@far.test']" || fail_with_files "cat json"
	q resume -r b@far.test || fail_with_files "cat q.err"
	# Later, at a time of one's own.
	q reschedule -t 2099-01-01T00:00:00Z -s user0001@sealmail.test ||
	    fail_with_files "cat q.err"
	holds "[r['next'] for r in q if r['sender'] == 'user0001@sealmail.test'] == \
	    [4070908800] * 2" || fail_with_files "cat json"
	# Away: a report fills the sender's quota, and the next one waits.
	$sealctl user quota user0001@sealmail.test 1 || atf_fail quota
	q remove -r d@far.test || fail_with_files "cat q.err"
	is "q[0]['recipients'] == 1"
	wait_for 60 holds "len(q) == 3" || fail_with_files "cat json"
	q remove -r e@far.test || fail_with_files "cat q.err"
	is "q[0]['recipients'] == 1"
	holds "[r['recipient'] for r in q if r['state'] == 'reports'] == \
	    ['e@far.test']" || fail_with_files "cat json"
	q remove -r e@far.test && atf_fail "removed twice"
	grep -q 'of 1 recipients only a report' q.err ||
	    fail_with_files "cat q.err"
	holds "len(q) == 3" || fail_with_files "cat json"
	q remove -n -r e@far.test || fail_with_files "cat q.err"
	is "q[0]['recipients'] == 1"
	[ ! -s q.err ] || fail_with_files "cat q.err"
	holds "len(q) == 2" || fail_with_files "cat json"
	q remove -n -r e@far.test && atf_fail "removed thrice"
	# All; files too.
	q remove -n -a || fail_with_files "cat q.err"
	holds "q == []" || fail_with_files "cat json"
	wait_for 60 sh -c "[ -z \"\$(ls '$suite/mail/queue/msg')\" ]" ||
	    atf_fail "files are left"
	suite_alive
}
change_cleanup() {
	stop_all
}

atf_test_case rights cleanup
rights_head() {
	atf_set descr "readers read, operators do, others see nothing"
	atf_set require.user root
}
rights_body() {
	need python3 setpriv
	fill "control operators 60001
	control readers 60002"
	chmod 755 . && chmod 644 "$conf"
	setpriv --reuid=60009 --regid=60009 --clear-groups \
	    test -r "$conf" 2>/dev/null ||
	    atf_skip "another user does not come as far as $conf"
	cat >as <<-'EOT'
	#!/bin/sh
	gid=$1
	shift
	exec setpriv --reuid=60009 --regid="$gid" --clear-groups \
	    $SEALCTL queue "$@"
	EOT
	chmod 755 as
	SEALCTL=$sealctl
	export SEALCTL
	atf_check -o match:far.test ./as 60002 list
	atf_check -o match:no ./as 60002 show
	for words in "flush" "pause" "remove -a" "reschedule -t +1h"; do
		atf_check -s exit:1 -e match:"not allowed" ./as 60002 $words
	done
	$sealctl queue list -j -r e@far.test >json
	id=$(python3 -c 'import json; print(json.load(open("json"))[0]["id"])')
	atf_check -s exit:1 -e match:"not allowed" ./as 60002 message "$id"
	atf_check -o match:"the body" ./as 60001 message "$id"
	atf_check -o ignore ./as 60001 pause
	atf_check -s exit:3 -e match:"not allowed" ./as 60009 list
	suite_alive
}
rights_cleanup() {
	stop_all
}

atf_init_test_cases() {
	atf_add_test_case list
	atf_add_test_case change
	atf_add_test_case rights
}
