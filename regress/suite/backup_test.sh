#! /usr/bin/env atf-sh
#
# sealctl verify, backup and restore beside a suite at work, and without it.

. "$(atf_get_srcdir)/suite.sh"

busy() {
	python3 "$(suite_top)/regress/suite/busy.py" "$suite/server.json" "$@"
}

start_work() {
	busy work acknowledged >work.out 2>&1 &
	echo $! >work.pid
}

stop_work() {
	[ -f work.pid ] || return 0
	kill "$(cat work.pid)" 2>/dev/null
	rm -f work.pid
}

# lacks_nothing FILE: every subject in it is in a mailbox.
lacks_nothing() {
	busy lacks "$1" >lacks.out 2>&1 || fail_with lacks.out "no list"
	[ ! -s lacks.out ] || fail_with lacks.out "messages are not there"
}

count() {
	[ -f "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ]
}

atf_test_case at_work cleanup
at_work_head() {
	atf_set descr "what was acknowledged before a backup is restored"
	atf_set timeout 300
}
at_work_body() {
	need python3
	start_suite USERS=3
	start_work
	wait_for 60 count acknowledged 20 || fail_with work.out "no work"
	# Several runs into one copy, and the suite verified meanwhile.
	for i in 1 2 3 4 5; do
		cp acknowledged "before$i"
		# shellcheck disable=SC2086
		$sealctl backup copy >backup.out 2>&1 ||
		    fail_with backup.out "backup $i failed"
		# shellcheck disable=SC2086
		$sealctl verify >verify.out 2>&1 ||
		    fail_with verify.out "findings while it works"
		sleep 1
	done
	kill -0 "$(cat work.pid)" || fail_with work.out "the work has ended"
	stop_work
	atf_check "${sealctl%% *}" -f "$conf" verify -d copy

	# Into the running suite, for an account that was removed.
	atf_check -o ignore "${sealctl%% *}" -f "$conf" user del "user0001@$domain"
	atf_check -o match:"user0001.*whole" "${sealctl%% *}" -f "$conf" \
	    restore copy "user0001@$domain"
	atf_check -s exit:1 -o ignore -e match:"exists; not touched" \
	    "${sealctl%% *}" -f "$conf" restore copy "user0001@$domain"
	lacks_nothing before5
	suite_alive

	# Elsewhere: another directory, which has never seen the account.
	stop_suite
	mv suite old
	mkdir -p suite/mail
	cp old/password suite/
	sed "s,$PWD/suite/\(key\|cert\|aliases\),$PWD/old/\1,g" \
	    old/sealmail.conf >conf
	chmod 600 conf
	# A path that was mistyped is no sound backup.
	mkdir nothing
	for command in "verify -d" restore; do
		# shellcheck disable=SC2086
		atf_check -s exit:1 -o ignore \
		    -e match:"nothing: there is no folder accounts in it" \
		    "${sealctl%% *}" -f conf $command nothing
	done
	atf_check -s exit:2 -e match:"^  verify" "${sealctl%% *}" \
	    -f conf verify -q
	atf_check -o match:"user0003.*whole" "${sealctl%% *}" -f conf \
	    restore copy
	atf_check "${sealctl%% *}" -f conf verify
	start_suite USERS=3
	lacks_nothing before5
	suite_alive
	stop_suite
	atf_check "${sealctl%% *}" -f conf verify
	[ ! -e "suite/mail/accounts/$domain/user0001/restored" ] ||
	    atf_fail "the mark is still there"
}
at_work_cleanup() {
	stop_work
	stop_suite
}

# flip FILE: another octet in its middle.
flip() {
	python3 -c 'import os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
at = int(sys.argv[2])
old = os.pread(fd, 1, at)
os.pwrite(fd, bytes([old[0] ^ 64]), at)' "$1" "$2"
}

atf_test_case repair cleanup
repair_head() {
	atf_set descr "a damaged log: found, rebuilt, and all mail is there"
	atf_set timeout 300
}
repair_body() {
	need python3
	start_suite USERS=2
	start_work
	wait_for 60 count acknowledged 40 || fail_with work.out "no work"
	stop_work
	stop_suite
	user=suite/mail/accounts/$domain/user0001
	atf_check "${sealctl%% *}" -f "$conf" verify
	for log in "$user"/log/*.1; do
		flip "$log" 9000
	done
	atf_check -s exit:1 -o match:"user0001@.*: log/.*: damaged at octet" \
	    "${sealctl%% *}" -f "$conf" verify
	atf_check -s exit:1 -o match:'"file": "log/.*"advice": "' \
	    "${sealctl%% *}" -f "$conf" verify -j user0001
	atf_check -o match:"user0001.*aside/1" "${sealctl%% *}" -f "$conf" \
	    rebuild user0001
	atf_check "${sealctl%% *}" -f "$conf" verify
	start_suite USERS=2
	lacks_nothing acknowledged
	suite_alive
	stop_suite
	atf_check "${sealctl%% *}" -f "$conf" verify
	[ ! -e "$user/rebuild" ] || atf_fail "the mark is still there"
}
repair_cleanup() {
	stop_work
	stop_suite
}

# seen COMMAND ...: what a terminal is shown on its standard error.
seen() {
	python3 -c 'import os, pty, subprocess, sys
ours, theirs = pty.openpty()
p = subprocess.Popen(sys.argv[1:], stdout=open("said", "w"), stderr=theirs)
os.close(theirs)
while True:
    try:
        data = os.read(ours, 4096)
    except OSError:
        break
    if not data:
        break
    os.write(1, data)
sys.exit(p.wait())' "$@" >seen.out || fail_with seen.out "failed: $*"
}

# bar TEXT COMMAND ...: it is drawn for a terminal, beside -j's answer.
bar() {
	text=$1
	shift
	seen "$@" <secret
	grep -qE "$text" seen.out || fail_with seen.out "no bar: $*"
	python3 -c 'import json; json.load(open("said"))' ||
		fail_with said "no JSON: $*"
}

atf_test_case bars cleanup
bars_head() {
	atf_set descr "what takes long tells a terminal how far it is," \
	    "and what it did in JSON"
	atf_set timeout 120
}
bars_body() {
	need python3
	start_suite USERS=1
	mkmaildir mail 100 7
	imapdo append 1 INBOX mail >/dev/null || atf_fail "cannot append"
	printf '%s\n' "$password" >secret
	octets='\[#*\.*\] +[0-9]+ %  [0-9]+ of [0-9]+ MB'
	ctl="${sealctl%% *} -f $conf"
	# shellcheck disable=SC2086
	{
		bar "$octets" $ctl -j backup copy
		bar "$octets" $ctl -j verify
		$ctl verify >quiet.out 2>quiet.err
		bar 'INBOX [0-9]+ of 100' "${sealmail%% *}" export -j -s \
		    -C "$cafile" -h localhost -p "$imaps_port" \
		    "user0001@$domain" out
		bar '[0-9]+ of 100 messages' "${sealmail%% *}" verify -j -s \
		    -C "$cafile" -h localhost -p "$imaps_port" \
		    "user0001@$domain"
		$ctl user del "user0001@$domain" >/dev/null
		bar "$octets" $ctl -j restore copy "user0001@$domain"
		suite_alive
		stop_suite
		bar '\[#*\.*\] +[0-9]+ %' $ctl -j rebuild \
		    "user0001@$domain"
	}
	[ ! -s quiet.err ] || fail_with quiet.err "a bar in a file"
}
bars_cleanup() {
	stop_suite
}

atf_test_case merge_check cleanup
merge_check_head() {
	atf_set descr "sealctl merge-check of two copies of an account"
	atf_set timeout 300
}
merge_check_body() {
	need python3
	start_suite USERS=2
	mkmaildir mail 5 3
	imapdo append 1 INBOX mail >/dev/null || atf_fail "cannot append"
	atf_check -o ignore -e ignore "${sealctl%% *}" -f "$conf" backup copy
	imapdo append 1 INBOX mail >/dev/null || atf_fail "cannot append"
	stop_suite
	one=$suite/mail/accounts/$domain/user0001
	two=copy/accounts/$domain/user0001
	[ -d "$two" ] || two=$(find copy -type d -name user0001)
	# What one has more than the other is no conflict.
	atf_check -o match:"blob/" "${sealctl%% *}" -f "$conf" merge-check \
	    "$one" "$two"
	"${sealctl%% *}" -f "$conf" -j merge-check "$one" "$two" >out ||
	    fail_with out "merge-check -j"
	python3 -c 'import json, sys
found = json.load(sys.stdin)
assert len(found) >= 5, found
assert all(x["file"] and x["finding"] for x in found)' <out ||
	    fail_with out "not JSON"
	# The same copy twice: nothing to tell.
	atf_check -o not-match:"blob/|log/" "${sealctl%% *}" -f "$conf" \
	    merge-check "$two" "$two"
	# Another account, and an account that is none.
	atf_check -s exit:1 -o match:"account" -e ignore "${sealctl%% *}" \
	    -f "$conf" merge-check "$one" "${one%1}2"
	atf_check -s exit:1 -o ignore -e match:. "${sealctl%% *}" -f "$conf" \
	    merge-check "$one" "$suite"
	atf_check -s exit:1 -e match:"No such file" "${sealctl%% *}" \
	    -f "$conf" merge-check "$one" nowhere
	atf_check -s exit:2 -e match:usage "${sealctl%% *}" -f "$conf" \
	    merge-check "$one"
}
merge_check_cleanup() {
	stop_suite
}

# alert TEXT, or nothing: what user0001's login says; two of them.
alert() {
	python3 - "$suite/server.json" "$1" <<'END' || atf_fail "ALERT: not '$1'"
import imaplib, json, ssl, sys
s = json.load(open(sys.argv[1]))
c = ssl.create_default_context(cafile=s["cafile"])
c.check_hostname = False
kept = []
for _ in range(2):
    m = imaplib.IMAP4_SSL(s["host"], s["imaps_port"], ssl_context=c)
    m.login(s["user_pattern"] % 1, s["password"])
    said = [x.decode() for x in m.untagged_responses.get("OK", [])
            if b"[ALERT]" in x]
    if (len(said) != 1 or sys.argv[2] not in said[0]) if sys.argv[2] else said:
        sys.exit("it says %r" % said)
    kept.append(m)
END
}

no_vault() {
	flock -n "$user/lock" true
}

atf_test_case put_back cleanup
put_back_head() {
	atf_set descr "an older copy in the place of an account: its user is told"
	atf_set timeout 300
}
put_back_body() {
	need python3 flock
	mkdir suite
	echo 'linger 1' >suite/extra.conf
	start_suite USERS=2
	user=$data_dir/accounts/$domain/user0001
	mkmaildir mail 3 3
	imapdo append 1 INBOX mail >/dev/null || atf_fail "cannot append"
	alert ""
	wait_for 60 no_vault || atf_fail "the vault stays"
	cp -Rp "$user" older
	imapdo append 1 INBOX mail >/dev/null || atf_fail "cannot append"
	wait_for 60 no_vault || atf_fail "the vault stays"
	mv "$user" newer
	mv older "$user"
	alert "put back from an earlier copy"
	grep -q "account=.* was put back" \
	    suite/sealimapd.log || fail_with suite/sealimapd.log "no log line"
	[ "$(imapdo count 1 INBOX)" = 3 ] || atf_fail "not the older copy"
	# It is the one that counts now; and then it is damaged.
	wait_for 60 no_vault || atf_fail "the vault stays"
	alert ""
	wait_for 60 no_vault || atf_fail "the vault stays"
	for log in "$user"/log/*.1; do
		flip "$log" 900
	done
	rm -rf "$user"/snap/*
	alert "can only be read"
	stop_suite
}
put_back_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case bars
	atf_add_test_case merge_check
	atf_add_test_case put_back
	atf_add_test_case at_work
	atf_add_test_case repair
}
