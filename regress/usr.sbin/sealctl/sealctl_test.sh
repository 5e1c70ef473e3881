#! /usr/bin/env atf-sh
#
# sealctl against a daemon that is played: command words, what goes over the
# control socket, what is printed, exit codes.

. "$(atf_get_srcdir)/../../suite/suite.sh"

sealctl=$(suite_top)/usr.sbin/sealctl/sealctl

configure() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj /CN=x -keyout key.pem -out cert.pem 2>/dev/null ||
	    atf_fail "no certificate"
	chmod 600 key.pem
	cat >conf <<END
hostname "mx.one.test"
domain "one.test"
domain "two.test"
run directory "$PWD"
certificate "x" cert "$PWD/cert.pem" key "$PWD/key.pem"
user keys 50001
user net 50002
user vault 50003
user work 50004
user mail 50005
user queue 50006
group mail 50010
END
	chmod 600 conf
	printf '#!/bin/sh\nexec %s -f conf "$@"\n' "$sealctl" >ctl
	chmod 755 ctl
}

# fake DAEMON [strange]
fake() {
	need python3
	python3 "$(atf_get_srcdir)/fake_daemon.py" "$PWD/$1.sock" "$@" &
	echo $! >>fakes
	wait_for 20 test -s "$1.sock.log" || atf_fail "no fake daemon"
}

stop_fakes() {
	[ ! -f fakes ] || while read -r pid; do
		kill "$pid" 2>/dev/null
	done <fakes
}

atf_test_case usage
usage_body() {
	configure
	for words in "" "nonsense" "user" "user add" "user add a b" "check x" \
	    "show" "show nothing" "user del" "user import" "log loud" "kick" "show stats -x" "-x"; do
		# shellcheck disable=SC2086
		atf_check -s exit:2 -e match:"usage" "$sealctl" -f conf $words
	done
	# Of one word only its own commands are shown, of one command only it.
	atf_check -s exit:2 -e not-match:"reload" ./ctl user
	atf_check -s exit:2 -e match:"user: another word must follow" ./ctl user
	atf_check -s exit:2 -e match:"ad: there is no such command" ./ctl user ad x
	atf_check -s exit:2 -e match:"usr: there is no such command" ./ctl usr
	atf_check -s exit:2 -e match:"user add" -e not-match:"user del" \
	    -e not-match:"no such" ./ctl user add
	atf_check -s exit:2 -e match:"^[a-z]*ctl.*option" ./ctl user add -x
	# A word too many: nothing is done, least of all to another daemon.
	for words in "stop sealrelayd" "reload x" "log brief x" \
	    "show sessions x" "help check x" "help a b c"; do
		# shellcheck disable=SC2086
		atf_check -s exit:2 -e match:"usage" ./ctl $words
	done
}

atf_test_case help
help_body() {
	for words in help -h "help user" "help queue list"; do
		# shellcheck disable=SC2086
		atf_check -o save:out "$sealctl" $words
		grep -q '^usage: sealctl ' out || atf_fail "$words: $(cat out)"
		[ "$(awk 'length > 79' out)" = "" ] || atf_fail "$words is wide"
	done
	[ "$(grep -c '^  ' out)" -eq 1 ] || atf_fail "$(cat out)"
	atf_check -s exit:2 -e match:"help usr: there is no such" \
	    "$sealctl" help usr
}

# Whatever becomes of it, with -j an array is what is printed.
atf_test_case arrays cleanup
arrays_body() {
	configure
	n=0
	for words in "check" "show sessions" "user list" "user quota a 1G" \
	    "user del a" "queue list" "stop" "kick b" "user add 'a b'" \
	    "dkim show" "trace -l conf x@y" "verify -k b" "nonsense.test"; do
		[ "$words" != nonsense.test ] || words="dns nonsense.test"
		for ctl in "./ctl" "$sealctl -f nowhere"; do
			n=$((n + 1))
			eval "$ctl -j $words" >"out$n" 2>/dev/null </dev/null
		done
	done
	python3 -c 'import json, sys
for name in sys.argv[1:]:
    text = open(name).read()
    assert isinstance(json.loads(text), list), text' out* ||
	    atf_fail "no array"
	fake sealimapd
	# Its greeting is the same; none of these has anything to say.
	for words in "user quota b 1G" "user disable b" "user del b"; do
		# shellcheck disable=SC2086
		atf_check -o inline:"[]\n" ./ctl -j $words
	done
}
arrays_cleanup() {
	stop_fakes
}

atf_test_case check
check_body() {
	configure
	atf_check -o match:"valid" ./ctl check
	atf_check -o match:'"valid"' ./ctl -j check
	echo "domian \"x.test\"" >>conf
	atf_check -s exit:1 -e match:"conf:[0-9]*:1: .*domian" ./ctl check
	atf_check -s exit:1 -e inline:"nowhere: No such file or directory\n" \
	    "$sealctl" -f nowhere check
	# What is missing is said once.
	configure
	rm cert.pem
	atf_check -s exit:1 -e save:errors ./ctl check
	[ "$(grep -c cert.pem errors)" -eq 1 ] || atf_fail "$(cat errors)"
}

# A daemon may start with these, but not work as it is meant.
atf_test_case site
site_body() {
	configure
	cp conf good
	while read -r statement; do
		{ cat good; echo "$statement"; } >conf
		atf_check -s exit:1 -e match:"^${statement%% \"*}: .*elsewhere" \
		    ./ctl check
	done <<END
postmaster "a@elsewhere"
administrator "a@elsewhere"
directory "$PWD/conf/elsewhere"
libexec "$PWD/elsewhere"
END
	# An alias may lead it to an account.
	{
		cat good
		echo 'table aliases { "a@elsewhere" = "b@one.test" }'
		echo 'postmaster "a@elsewhere"'
	} >conf
	atf_check -o match:valid ./ctl check
	{ cat good; echo "queue key \"$PWD/queue.key\""; } >conf
	atf_check -o match:valid ./ctl check
	echo 0123456789abcdef0123456789abcde >queue.key
	chmod 644 queue.key
	atf_check -s exit:1 -e match:"chmod 600 .*queue.key" ./ctl check
	chmod 600 queue.key
	atf_check -o match:valid ./ctl check
	# Without a staple it serves all the same.
	{
		cat good
		echo "certificate y cert \"$PWD/cert.pem\" key \"$PWD/key.pem\"" \
		    "ocsp \"$PWD/no.staple\""
	} >conf
	atf_check -o match:valid -e match:"no.staple: No such.* y goes" ./ctl check
}

# A certificate that a daemon could not serve, or nobody would believe.
atf_test_case pairs
pairs_body() {
	configure
	cp key.pem good.pem
	openssl ecparam -name prime256v1 -genkey -noout -out key.pem
	chmod 600 key.pem
	atf_check -o match:"valid" \
	    -e match:"cert.pem: certificate x has another key" \
	    ./ctl check
	echo "no key" >key.pem
	atf_check -s exit:1 -e match:"key.pem" ./ctl check
	cp good.pem key.pem
	atf_check -o match:"valid" ./ctl check
	chmod 644 key.pem
	atf_check -s exit:1 -e match:"key.pem" ./ctl check
	chmod 600 key.pem
	openssl x509 -in cert.pem -signkey key.pem -days -1 -out old.pem \
	    2>/dev/null || atf_fail "no old certificate"
	mv old.pem cert.pem
	atf_check -o match:"valid" -e match:"certificate x has expired" \
	    ./ctl check
}

# The sample must be valid but for the files that it names.
atf_test_case sample
sample_body() {
	"$sealctl" -f "$(suite_top)/etc/sealmail.conf" check >out 2>&1
	if grep -v -e '^/etc/' -e 'mx1' -e '_seal' -e 'aliases' out; then
		atf_fail "the sample is refused"
	fi
	! grep -q 'sealmail.conf:[0-9]' out || atf_fail "$(cat out)"
}

# So must the manual's examples.
atf_test_case manual
manual_body() {
	page=$(suite_top)/share/man/man5/sealmail.conf.5
	awk '/^\.Bd -literal/ { n++; on = 1; next } /^\.Ed/ { on = 0 }
	    on { print > ("example" n) }' "$page"
	[ -f example2 ] || atf_fail "the page has no examples"
	for f in example*; do
		chmod 600 "$f"
		"$sealctl" -f "$f" check >out 2>&1
		! grep -q "^$f:[0-9]" out || atf_fail "$f: $(cat out)"
	done
}

atf_test_case not_running
not_running_body() {
	configure
	for words in "show processes" "reload" "stop" "user list" \
	    "show version" "log verbose"; do
		# shellcheck disable=SC2086
		atf_check -s exit:3 -o ignore \
		    -e match:"sealimapd is not running.*start it" ./ctl $words
	done
}

atf_test_case show cleanup
show_body() {
	configure
	fake sealimapd
	atf_check -o save:out -e match:"sealsmtpd is not running" \
	    ./ctl show processes
	grep -q '^sealimapd *sealimapd *0 *4711 *50001 *full *0 *3 *[0-9]* *[0-9]* *2026-' out ||
	    atf_fail "$(cat out)"
	# Nothing that a terminal could obey.
	! LC_ALL=C grep -q '[^ -~]' out || atf_fail "escapes get through"
	fake sealsmtpd
	atf_check -o save:out ./ctl show processes -j
	python3 -c 'import json
d = json.load(open("out"))
assert len(d) == 4, d
assert d[0]["pid"] == 4711 and d[0]["sandbox"] == "full", d
assert d[1]["role"] == "a\x1b]0;x\x07b\ufffd\u202e", d' || atf_fail "$(cat out)"
	atf_check -o match:"^sealimapd *9.9" ./ctl show version
	atf_check -o match:"connections *- *1099511627776" ./ctl show stats
	atf_check -o save:out ./ctl show stats -p
	grep -q '^sealmail_connections{daemon="sealimapd",role="role",instance="0"} 1099511627776$' out ||
	    atf_fail "$(cat out)"
	[ "$(grep -c '^# TYPE sealmail_b_total counter$' out)" -eq 1 ] ||
	    atf_fail "a family is torn: $(cat out)"
	! grep -q 'bad name' out || atf_fail "a bad name gets through"
	atf_check -o match:"log" -x "echo log; $sealctl -f conf log verbose"
	grep -q "kind 5 b'.x01'" sealimapd.sock.log || atf_fail "no log message"
}
show_cleanup() {
	stop_fakes
}

atf_test_case sessions cleanup
sessions_body() {
	configure
	fake sealimapd
	atf_check -o save:out -e ignore ./ctl -j show sessions
	python3 -c 'import json
d = json.load(open("out"))
assert [x["id"] for x in d] == ["7", "8", "7", "8"], d
assert d[0]["tls"] == "TLSv1.3" and d[0]["sent"] == 2000, d
assert d[0]["account"] == "a@one.test" and d[1]["account"] == "", d' ||
	    atf_fail "$(cat out)"
}
sessions_cleanup() {
	stop_fakes
}

atf_test_case kick cleanup
kick_body() {
	configure
	fake sealimapd
	atf_check -o match:"^4" -e ignore ./ctl kick B
	grep -qF 'kick 2 0 [b@one.test]' sealimapd.sock.log || atf_fail "whom? $(tr "\n" "~" <sealimapd.sock.log)"
	grep -q 'store 92 .* name b@one.test' sealimapd.sock.log ||
	    atf_fail "the vault was not ended"
	atf_check -o match:"^4" -e ignore ./ctl kick 2001:DB8:0:0::1
	grep -qF 'kick 3 0 [2001:db8::1]' sealimapd.sock.log || atf_fail "whom? $(tr "\n" "~" <sealimapd.sock.log)"
	atf_check -s exit:1 -e match:"12: no such session" ./ctl kick 12
	atf_check -s exit:1 -e match:"192.0.2.9: no session from" \
	    ./ctl kick 192.0.2.9
	grep -qF 'kick 1 12 []' sealimapd.sock.log || atf_fail "which?"
	atf_check -s exit:1 -e match:"no domain" ./ctl kick x@three.test
}
kick_cleanup() {
	stop_fakes
}

atf_test_case user_add cleanup
user_add_body() {
	configure
	fake sealimapd
	atf_check -o match:"^c@one.test *made-up *reco-very" ./ctl user add C
	atf_check -o match:'"recovery": "reco-very"' ./ctl -j user add c@two.test
	atf_check -o match:"^d@two.test *- *reco-very" \
	    -x "echo 'a b c d e' | $sealctl -f conf user add -p d@two.test"
	grep -qF 'password [a b c d e]' sealimapd.sock.log ||
	    atf_fail "the password did not arrive"
	atf_check -s exit:1 -e match:"at least 8 characters" \
	    -x "echo 'smaller' | $sealctl -f conf user add -p e@two.test"
	grep -qF 'connect imap-store 0, 1 descriptor' sealimapd.sock.log ||
	    atf_fail "no descriptor was passed"
	atf_check -s exit:1 -o ignore -e match:"taken@one.test: there is such" \
	    ./ctl user add taken
	atf_check -s exit:1 -e match:"three.test.*no domain of" \
	    ./ctl user add d@three.test
	for name in "" "a b" "@one.test" "x@"; do
		atf_check -s exit:1 -e match:"[a-z]" ./ctl user add "$name"
	done
	atf_check -s exit:1 -e match:"no password" \
	    -x "$sealctl -f conf user add -p d@two.test </dev/null"
	long=$(printf '%400s' x | tr ' ' x)
	atf_check -s exit:1 -e match:"longer than 319" ./ctl user add "$long"
}
user_add_cleanup() {
	stop_fakes
}

atf_test_case user_import cleanup
user_import_body() {
	configure
	fake sealimapd
	{
		echo "# a list"
		echo
		awk 'BEGIN { for (i = 0; i < 100; i++) print "u" i, "password " i }'
		echo "taken secretly"
		echo "u100"
		printf 'last\tall words'
	} >list
	atf_check -o save:out ./ctl user import list
	grep -q '^taken@one.test *exists *- *-$' out || atf_fail "$(cat out)"
	[ "$(grep -c '^u[0-9]*@one.test' out)" -eq 101 ] || atf_fail "$(cat out)"
	grep -qF 'password [password 99]' sealimapd.sock.log ||
	    atf_fail "no password 99"
	grep -q '^u100@one.test *made *made-up' out || atf_fail "u100: none made up"
	grep -qF 'password [all words]' sealimapd.sock.log ||
	    atf_fail "no last line"
	atf_check -o match:"^x@two.test" \
	    -x "echo x@two.test yyyyyyyy | $sealctl -f conf user import -"
	atf_check -s exit:1 -e match:"nothere" ./ctl user import nothere
	# One wrong line, and no account is made.
	: >sealimapd.sock.log
	long=$(printf '%3000s' x | tr ' ' y)
	{
		echo "good1 password"
		echo "bad@nowhere.test password"
		echo "good2 {SSHA}c2VjcmV0"
		echo "good3 \$2b\$10\$abcdefghijk"
		echo "good1@one.test another one"
		echo "good4 $long"
		echo "@one.test x"
		echo "good5 {x} is no hash"
		echo "good6 smaller"
		printf 'good7 \303\251\303\251\303\251\303\251\n'
		echo "good8 password"
	} >list
	atf_check -s exit:1 -o empty -e save:err ./ctl user import list
	for line in 2:.*no.domain 3:.*hash 4:.*hash 5:.*twice 6:.*longer \
	    7:.*LOCAL 9:.*least.8 10:.*least.8 \
	    "8 lines"; do
		grep -q "list:.*$line" err || atf_fail "$line: $(cat err)"
	done
	! grep -q ':\([18]\|11\): ' err || atf_fail "$(cat err)"
	! grep -q password sealimapd.sock.log || atf_fail "one was made"
}
user_import_cleanup() {
	stop_fakes
}

atf_test_case users cleanup
users_body() {
	configure
	fake sealimapd
	atf_check -o match:"^b@one.test *active *0 *4096 *2 *0 *0 *2026.* 17 *20$" \
	    ./ctl user list
	atf_check -o match:"^b@one.test" ./ctl show users one.test
	atf_check -o match:"^e@one.test" ./ctl user show e
	# Who can read UTF-8 is shown names in it: a file, or such a terminal.
	atf_check -o match:"^zoë@one.test " env LC_ALL=C ./ctl user show zoë
	cat >terminal <<END
import os, pty, subprocess, sys
master, slave = pty.openpty()
subprocess.run(sys.argv[1:], stdout=slave, check=True)
os.close(slave)
try:
    while data := os.read(master, 4096):
        sys.stdout.buffer.write(data)
except OSError:
    pass
END
	atf_check -o match:"^zo[?]@one.test " \
	    env LC_ALL=C python3 terminal ./ctl user show zoë
	atf_check -o match:"^zoë@one.test " \
	    env LC_ALL=C.UTF-8 python3 terminal ./ctl user show zoë
	# The names of columns stand above an empty list, not above an error.
	atf_check -o match:"^ACCOUNT " -o not-match:@ ./ctl user list TWO.test
	atf_check -s exit:1 -e match:"nowhere.test: no domain" \
	    ./ctl user list nowhere.test
	atf_check ./ctl user del e
	atf_check -s exit:1 -e match:"none@one.test: no such account" \
	    ./ctl user del none
}
users_cleanup() {
	stop_fakes
}

atf_test_case refusals cleanup
refusals_body() {
	configure
	fake sealimapd
	fake sealsmtpd strange
	atf_check -s exit:1 -e match:"sealimapd: reload: .*3:1: syntax" \
	    ./ctl reload
	atf_check -s exit:1 -o ignore -e match:"sealsmtpd: .*another question" \
	    ./ctl show processes
	# stop: one daemon ends, the other answers nonsense.
	atf_check -s exit:1 -e match:"sealsmtpd" ./ctl stop
	atf_check -s exit:3 -e match:"sealimapd is not running" ./ctl user list
}
refusals_cleanup() {
	stop_fakes
}

atf_init_test_cases() {
	atf_add_test_case usage
	atf_add_test_case help
	atf_add_test_case arrays
	atf_add_test_case check
	atf_add_test_case site
	atf_add_test_case pairs
	atf_add_test_case sample
	atf_add_test_case manual
	atf_add_test_case not_running
	atf_add_test_case show
	atf_add_test_case sessions
	atf_add_test_case kick
	atf_add_test_case user_add
	atf_add_test_case user_import
	atf_add_test_case users
	atf_add_test_case refusals
}
