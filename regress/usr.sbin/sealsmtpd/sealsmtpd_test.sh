#! /usr/bin/env atf-sh
#
# sealsmtpd alone, with accounts made by mailtool: what it says to clients is
# tried by smtp_cases.py, what it delivered is opened by mailtool.

. "$(atf_get_srcdir)/../../suite/suite.sh"

top=$(suite_top)
src=$(atf_get_srcdir)

# configure LINES: a config of its own, under numeric uids as root.
configure() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj /CN=mx.test -addext subjectAltName=DNS:mx.test \
	    -keyout key.pem -out cert.pem 2>/dev/null ||
	    atf_fail "no certificate"
	chmod 600 key.pem
	mkdir -p libexec
	cp "$top/usr.sbin/sealsmtpd/engine/smtp-engine" \
	    "$top/usr.sbin/sealsmtpd/deliver/smtp-deliver" \
	    "$top/usr.sbin/sealsmtpd/queue/smtp-queue" \
	    "$top/usr.sbin/sealkeys/sealkeys" libexec/ ||
	    atf_fail "programs are missing"
	# shellcheck disable=SC2046
	set -- "$1" $(free_ports 2)
	smtp_port=$2
	lmtp_port=$3
	{
		cat <<END
hostname "mx.test"
domain "example.org"
domain "other.test"
certificate "mx" cert "$PWD/cert.pem" key "$PWD/key.pem"
directory "$PWD/base"
run directory "$PWD/r"
libexec "$PWD/libexec"
queue key "$PWD/queue.key"
listen on 127.0.0.1 smtp port $smtp_port
listen on 127.0.0.1 lmtp port $lmtp_port
listen on socket "$PWD/r/lmtp.sock" lmtp
limit connections-per-source 1000
limit connection-rate 100000
limit messages-per-session 100000
limit message-size 20M
limit received-lines 50
limit recipients 100
$1
END
		[ "$(id -u)" -ne 0 ] || cat <<END
user keys 50001:50001
user net 50002:50002
user vault 50003:50010
user work 50004:50004
user mail 50005:50010
user queue 50006
group mail 50010
END
	} >conf
	chmod 600 conf
}

# start LINES: the daemon, with three accounts.
start() {
	configure "$1"
	run
	"$src/mailtool" create base anna@example.org bob@example.org \
	    full@example.org gone@example.org || atf_fail "no accounts"
	"$src/mailtool" limits base gone@example.org 0 disabled
	"$src/mailtool" limits base full@example.org 1000
}

run() {
	"$top/usr.sbin/sealsmtpd/parent/sealsmtpd" -d -f conf >>log 2>&1 \
	    </dev/null &
	echo $! >suite.pid
	wait_for 20 grep -q ready log || atf_fail "$(cat log)"
	wait_for 20 python3 "$src/smtp_cases.py" up "$smtp_port" ||
	    atf_fail "$(cat log)"
}

# try CASE ...: some of smtp_cases.py.
try() {
	python3 "$src/smtp_cases.py" "$1" "$smtp_port" "$lmtp_port" \
	    "$(cat suite.pid)" || {
		tail -20 log
		atf_fail "$1"
	}
}

# dump ACCOUNT: bodies to out/ACCOUNT/, a line each to out/ACCOUNT.list.
dump() {
	mkdir -p out
	"$src/mailtool" dump base "$1@example.org" "out/$1" \
	    >"out/$1.list" || atf_fail "what was delivered does not open"
}

# count ACCOUNT NUMBER
count() {
	dump "$1"
	atf_check_equal "$2" "$(grep -c '^message' "out/$1.list")"
	atf_check_equal 0 "$(grep -c '^partial' "out/$1.list")"
}

end() {
	kill -0 "$(cat suite.pid)" || atf_fail "the daemon has died"
	stop_suite
	if grep -E 'bad message|signal=|Sanitizer' log; then
		atf_fail "see the log"
	fi
}

# simple CASE DESCRIPTION: a case without anything around it.
simple() {
	atf_test_case "$1" cleanup
	eval "$1_head() { atf_set descr '$2'; }
	$1_body() { start ''; try $1; end; }
	$1_cleanup() { stop_suite; }"
}

simple relay "no way to make it a relay"
simple commands "commands out of order, unknown, too long, too many"
simple pipelining "commands and data in one packet"
simple lmtp "one reply for each recipient"
simple chunking "BDAT"
simple smuggling "every sloppy end of data"
simple limits "sizes, recipients, hops"
simple endless "what is far too large ends"
simple starttls "STARTTLS, and what may not come before it"
simple states "unknown, disabled and full accounts"
simple utf8 "SMTPUTF8"

atf_test_case identity cleanup
identity_head() {
	atf_set descr "messages come through as they were sent"
}
identity_body() {
	start ""
	try identity
	count anna 9
	for f in sent/*; do
		id=$(basename "$f")
		got=$(grep -al "^X-Case: $id" out/anna/*) ||
		    atf_fail "$id is not there"
		# Trace fields end with the date of Received.
		size=$(wc -c <"$f")
		tail -c "$size" "$got" | cmp - "$f" || atf_fail "$id differs"
		head -1 "$got" | grep -q '^Return-Path: <a@b.test>' ||
		    atf_fail "$id: no Return-Path"
		grep -aq '^	by mx.test with ' "$got" ||
		    atf_fail "$id: no Received"
	done
	end
}
identity_cleanup() {
	stop_suite
}

atf_test_case aliases cleanup
aliases_head() {
	atf_set descr "aliases, details, postmaster"
}
aliases_body() {
	start 'table aliases { "both" = "anna, bob",
	    "chain" = "both", "loop" = "pool", "pool" = "loop",
	    "anna@example.org" = "anna@example.org, bob@example.org",
	    "bob+x@example.org" = "anna@example.org",
	    "half" = "bob, nobody", "@other.test" = "bob" }
postmaster "bob@example.org"'
	try aliases
	count bob 7
	count anna 4
	end
}
aliases_cleanup() {
	stop_suite
}

atf_test_case partial cleanup
partial_head() {
	atf_set descr "some recipients fail after the data: no loss, no double"
}
partial_body() {
	start ""
	try partial
	count anna 5
	count bob 3
	end
}
partial_cleanup() {
	stop_suite
}

atf_test_case vanish cleanup
vanish_head() {
	atf_set descr "clients that go away amid a message leave nothing"
}
vanish_body() {
	start ""
	try vanish
	count anna 1
	end
}
vanish_cleanup() {
	stop_suite
}

atf_test_case silence cleanup
silence_head() {
	atf_set descr "silent clients are sent away, busy ones are not"
}
silence_body() {
	start "limit command-timeout 10"
	try silence
	count anna 0
	end
}
silence_cleanup() {
	stop_suite
}

atf_test_case nospace cleanup
nospace_head() {
	atf_set descr "no mail is taken when the file system is full"
}
nospace_body() {
	start "limit free-space 1000000G"
	try nospace
	count anna 0
	end
}
nospace_cleanup() {
	stop_suite
}

atf_test_case thousand cleanup
thousand_head() {
	atf_set descr "1,000 messages over SMTP and LMTP"
}
thousand_body() {
	start ""
	try thousand
	count anna 1000
	atf_check_equal 1000 "$(cat out/anna/* | grep -a '^X-Id: ' |
	    sort -u | wc -l)"
	end
}
thousand_cleanup() {
	stop_suite
}

atf_test_case killed cleanup
killed_head() {
	atf_set descr "roles are killed under load: what had 250 is there"
}
killed_body() {
	start ""
	try killed
	dump anna
	cat out/anna/* | grep -a '^X-Id: ' | tr -d '\r' | sort -u >have
	sort -u acked >want
	[ "$(wc -l <want)" -gt 100 ] || atf_fail "hardly anything went in"
	missing=$(comm -23 want have | wc -l)
	atf_check_equal 0 "$missing"
	kill -0 "$(cat suite.pid)" || atf_fail "the daemon has died"
	stop_suite
}
killed_cleanup() {
	stop_suite
}

atf_test_case forgets cleanup
forgets_head() {
	atf_set descr "what opens the last second's mail leaves the memory"
	atf_set require.user root
}
forgets_body() {
	[ -z "${SANITIZED-}" ] ||
	    atf_skip "memory cannot be scanned under sanitizers"
	start ""
	try forgets
	end
}
forgets_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	for tc in relay commands pipelining lmtp chunking smuggling limits \
	    endless \
	    starttls states utf8 identity aliases partial vanish silence nospace thousand \
	    killed forgets; do
		atf_add_test_case "$tc"
	done
}
