#! /usr/bin/env atf-sh
#
# sealmail deliver against an LMTP server that is played: what it sends, and
# what its exit codes tell a mail server.

. "$(atf_get_srcdir)/../../suite/suite.sh"

sealmail=$(suite_top)/usr.bin/sealmail/sealmail

fake() {
	need python3
	python3 "$(atf_get_srcdir)/fake_lmtp.py" "$PWD/s" &
	echo $! >fake.pid
	wait_for 20 test -s s.up || atf_fail "no fake server"
}

stop_fake() {
	[ ! -f fake.pid ] || kill "$(cat fake.pid)"
}

# deliver CODE STDERR-REGEX ARGS...: of the file msg.
deliver() {
	code=$1
	regex=$2
	shift 2
	if [ -n "$regex" ]; then
		atf_check -s exit:"$code" -e match:"$regex" \
		    -x "$sealmail -s s deliver $* <msg"
	else
		atf_check -s exit:"$code" -x "$sealmail -s s deliver $* <msg"
	fi
}

# octets FORMAT: the server must have got just these.
octets() {
	# shellcheck disable=SC2059
	printf "$1" >want
	cmp want s.msg || atf_fail "$(od -c s.msg | head -n 20)"
}

atf_test_case message cleanup
message_head() {
	atf_set descr "line ends, dots, mbox line, a last line without end"
}
message_body() {
	fake
	printf 'Subject: x\n\n.one\n..two\r\n.\nend' >msg
	deliver 0 "" a@one.test
	octets 'Subject: x\r\n\r\n..one\r\n...two\r\n..\r\nend\r\n'
	printf 'From a Mon Jan  1 00:00:00 2026\nFrom: b\n\nFrom c\n' >msg
	deliver 0 "" a@one.test
	octets 'From: b\r\n\r\nFrom c\r\n'
	printf 'a\rb\r\r\n\r' >msg
	deliver 0 "" a@one.test
	octets 'a\rb\r\r\n\r\n'
	: >msg
	deliver 0 "" a@one.test
	octets ''
	printf 'Fro' >msg
	deliver 0 "" a@one.test
	octets 'Fro\r\n'
	printf 'x\000y\n' >msg
	deliver 0 "" a@one.test
	octets 'x\000y\r\n'
}
message_cleanup() {
	stop_fake
}

atf_test_case large cleanup
large_head() {
	atf_set descr "a large message of one line costs no memory"
}
large_body() {
	grep -q '^CONFIGURED_SAN = .*address' "$(suite_top)/config.mk" &&
	    atf_skip "AddressSanitizer wants more memory than that"
	fake
	head -c 20000000 /dev/zero | tr '\0' x >msg
	(ulimit -v 40000 && "$sealmail" -s s deliver a@one.test <msg) ||
	    atf_fail "20 MB did not go through 40 MB of memory"
	[ "$(wc -c <s.msg)" -eq 20000002 ] || atf_fail "octets are missing"
}
large_cleanup() {
	stop_fake
}

atf_test_case codes cleanup
codes_body() {
	fake
	echo x >msg
	deliver 0 "" a@one.test b@one.test
	deliver 67 "no@one.test: 550 5.1.1" no@one.test
	deliver 69 "bad@one.test: 554" bad@one.test
	deliver 75 "full@one.test: 452" full@one.test
	deliver 75 "late@one.test: 451" late@one.test
	deliver 75 "hung up" hang@one.test
	# Some reached, some not: the worst decides.
	deliver 67 "no@one" a@one.test no@one.test
	deliver 75 "late@one" late@one.test no@one.test a@one.test
	# A server that says yes to what was not asked has taken nothing.
	deliver 75 "make no sense" odd@one.test
	deliver 75 "make no sense" -f refused@one.test a@one.test
}
codes_cleanup() {
	stop_fake
}

atf_test_case envelope cleanup
envelope_body() {
	fake
	echo x >msg
	deliver 0 "" -f s@two.test a@one.test
	grep -q '^MAIL FROM:<s@two.test> BODY=8BITMIME.$' s.mail ||
	    atf_fail "$(cat s.mail)"
	deliver 0 "" a@one.test
	deliver 0 "" "-f '<>'" a@one.test
	[ "$(grep -c '^MAIL FROM:<> ' s.mail)" -eq 2 ] ||
	    atf_fail "$(cat s.mail)"
	deliver 0 "" "$(printf 'j\303\266rg@one.test')"
	grep -q 'SMTPUTF8.$' s.mail || atf_fail "$(cat s.mail)"
	for bad in "'a b@one.test'" "'a>@one.test'" "''" \
	    "'$(printf 'a\r\nQUIT')'" "'$(printf '%600s' x | tr ' ' x)'"; do
		deliver 65 "not an address" "$bad"
		[ "$bad" = "''" ] || deliver 65 "not an address" -f "$bad" a@b
	done
}
envelope_cleanup() {
	stop_fake
}

atf_test_case usage
usage_body() {
	atf_check -s exit:64 -e match:usage "$sealmail"
	atf_check -s exit:64 -e match:usage "$sealmail" nonsense
	atf_check -s exit:64 -e match:usage "$sealmail" deliver
	atf_check -s exit:64 -e match:usage "$sealmail" deliver -x a@b
	atf_check -s exit:75 -e match:"no-such: No such file" \
	    "$sealmail" -s no-such deliver a@b
}

atf_init_test_cases() {
	atf_add_test_case message
	atf_add_test_case large
	atf_add_test_case codes
	atf_add_test_case envelope
	atf_add_test_case usage
}
