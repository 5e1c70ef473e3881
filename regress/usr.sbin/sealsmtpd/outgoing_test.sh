#! /usr/bin/env atf-sh
#
# Mail that leaves: sealsmtpd and sealrelayd with all their roles, a client
# (outgoing_cases.py) and, instead of the world, a server that writes down what
# it gets (sink.py).  What was delivered here is opened by mailtool.

. "$(atf_get_srcdir)/../../suite/suite.sh"

top=$(suite_top)
src=$(atf_get_srcdir)

# start LINES [WORD...]: the daemon, accounts, and a sink of these words.
start() {
	lines=$1
	shift
	mkdir -p sink libexec dkim
	python3 "$src/../sealrelayd/relay/sink.py" "$PWD/sink" "$@" &
	echo $! >sink.pid
	wait_for 60 test -s sink/port || atf_fail "no sink"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj /CN=mx.test -addext subjectAltName=DNS:mx.test \
	    -keyout key.pem -out cert.pem 2>/dev/null ||
	    atf_fail "no certificate"
	chmod 600 key.pem
	for r in sealsmtpd/engine/smtp-engine sealsmtpd/deliver/smtp-deliver \
	    sealsmtpd/queue/smtp-queue sealrelayd/relay/smtp-relay \
	    sealrelayd/resolver/smtp-resolver; do
		cp "$top/usr.sbin/$r" libexec/
	done
	cp "$top/usr.sbin/sealkeys/sealkeys" libexec/
	# shellcheck disable=SC2046
	set -- $(free_ports 2)
	smtp_port=$1
	lmtp_port=$2
	configure "$lines"
	"$top/usr.sbin/sealsmtpd/parent/sealsmtpd" -d -f conf >>log 2>&1 \
	    </dev/null &
	echo $! >suite.pid
	wait_for 60 grep -q ready log || atf_fail "$(cat log)"
	wait_for 60 python3 "$src/outgoing_cases.py" up "$smtp_port" ||
	    atf_fail "$(cat log)"
	relayd
	"$src/mailtool" create base anna@example.org bob@example.org ||
	    atf_fail "no accounts"
}

# The other daemon, which outgoing_cases.py may start again.
relayd() {
	cat >relayd.sh <<END
"$top/usr.sbin/sealrelayd/parent/sealrelayd" -d -f conf >>log 2>&1 </dev/null &
echo \$! >relayd.pid
END
	[ -n "${ALONE-}" ] || sh ./relayd.sh
}

configure() {
	{
		cat <<END
hostname "mx.test"
domain "example.org"
certificate "mx" cert "$PWD/cert.pem" key "$PWD/key.pem"
directory "$PWD/base"
run directory "$PWD/r"
libexec "$PWD/libexec"
queue key "$PWD/queue.key"
dkim directory "$PWD/dkim"
listen on 127.0.0.1 smtp port $smtp_port
listen on 127.0.0.1 lmtp port $lmtp_port
relay from 127.0.0.1
relay tls none
route "*" host 127.0.0.1 port $(cat sink/port)
limit connections-per-source 1000
limit connection-rate 100000
limit messages-per-session 100000
limit received-lines 50
limit queue-retry 1s
log addresses yes
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

# try CASE
try() {
	python3 "$src/outgoing_cases.py" "$1" "$smtp_port" "$lmtp_port" \
	    "$(cat suite.pid)" || {
		tail -20 log
		atf_fail "$1"
	}
}

# dump ACCOUNT: what it has, to out/ACCOUNT/.
dump() {
	mkdir -p out
	"$src/mailtool" dump base "$1@example.org" "out/$1" \
	    >"out/$1.list" || atf_fail "what was delivered does not open"
}

end() {
	kill -0 "$(cat suite.pid)" || atf_fail "the daemon has died"
	kill -0 "$(cat relayd.pid)" || atf_fail "sealrelayd has died"
	stop
	if grep -E 'bad message|signal=|Sanitizer' log; then
		atf_fail "see the log"
	fi
}

stop() {
	stop_suite
	[ ! -f relayd.pid ] || kill "$(cat relayd.pid)" 2>/dev/null
	rm -f relayd.pid
	[ ! -f sink.pid ] || kill "$(cat sink.pid)" 2>/dev/null
	rm -f sink.pid
}

atf_test_case matrix cleanup
matrix_head() {
	atf_set descr "who may send to whom: an open relay for nobody"
}
matrix_body() {
	start ""
	try matrix
	end
}
matrix_cleanup() {
	stop
}

atf_test_case through cleanup
through_head() {
	atf_set descr "messages come out as they went in"
}
through_body() {
	start "" dsn
	try through
	dump anna
	atf_check_equal 2 "$(grep -c '^message' out/anna.list)"
	dump bob
	atf_check_equal 0 "$(grep -c '^message' out/bob.list)"
	end
}
through_cleanup() {
	stop
}

atf_test_case reports cleanup
reports_head() {
	atf_set descr "what senders are told, and what nobody is"
}
reports_body() {
	start ""
	try reports
	dump anna
	python3 "$src/outgoing_cases.py" read out/anna ||
	    atf_fail "anna's reports"
	end
}
reports_cleanup() {
	stop
}

atf_test_case signed cleanup
signed_head() {
	atf_set descr "DKIM signatures by all keys of the From domain"
}
signed_body() {
	for p in python3 /usr/bin/python3; do
		"$p" -c 'import dkim, nacl' 2>/dev/null && python=$p
	done
	[ -n "$python" ] ||
	    atf_skip "python3-dkim and python3-nacl are not installed"
	openssl genpkey -algorithm ed25519 -out e.pem 2>/dev/null
	openssl genrsa -out r.pem 2048 2>/dev/null
	chmod 600 e.pem r.pem
	start "dkim example.org selector e key \"$PWD/e.pem\""
	try signed
	configure "dkim example.org selector e key \"$PWD/e.pem\"
dkim example.org selector r key \"$PWD/r.pem\""
	kill -HUP "$(cat suite.pid)"
	try signed_twice
	"$python" "$src/outgoing_cases.py" verify ||
	    atf_fail "signatures"
	end
}
signed_cleanup() {
	stop
}

atf_test_case killed cleanup
killed_head() {
	atf_set descr "roles and a whole daemon are killed under load: what had" \
	    "250 arrives"
}
killed_body() {
	start ""
	try killed
	dump anna
	cat out/anna/* | grep -a '^X-Id: ' | tr -d '\r' | sort -u >have
	sort -u acked >want
	[ "$(wc -l <want)" -gt 20 ] || atf_fail "hardly anything went in"
	atf_check_equal 0 "$(comm -23 want have | wc -l)"
	kill -0 "$(cat suite.pid)" || atf_fail "the daemon has died"
	stop
}
killed_cleanup() {
	stop
}

atf_test_case relays cleanup
relays_head() {
	atf_set descr "sealrelayd and its processes are killed: nothing is" \
	    "lost, and twice only what was under way"
}
relays_body() {
	start ""
	try relays
	kill -0 "$(cat suite.pid)" || atf_fail "the daemon has died"
	stop
}
relays_cleanup() {
	stop
}

atf_test_case told cleanup
told_head() {
	atf_set descr "who asked hears of a delivery here, whatever is killed"
}
told_body() {
	start ""
	try told
	dump anna
	cat out/anna/* | grep -a '^X-Id: ' | tr -d '\r' | sort -u >have
	sort -u acked >want
	atf_check_equal 0 "$(comm -23 want have | wc -l)"
	kill -0 "$(cat suite.pid)" || atf_fail "the daemon has died"
	stop
}
told_cleanup() {
	stop
}

atf_test_case alone cleanup
alone_head() {
	atf_set descr "without sealrelayd mail waits, which is said once"
}
alone_body() {
	ALONE=1
	start ""
	try waiting
	! ls sink/*.env 2>/dev/null || atf_fail "who sent it?"
	wait_for 60 grep -q 'mail waits, and there is no smtp-relay' log ||
	    atf_fail "nothing is said"
	try waiting
	sh ./relayd.sh
	try sent
	wait_for 60 grep -q 'there is a smtp-relay again' log ||
	    atf_fail "nothing is said of the end"
	atf_check_equal 1 "$(grep -c 'mail waits' log)"
	end
}
alone_cleanup() {
	stop
}

atf_init_test_cases() {
	for tc in matrix through reports signed killed relays told alone; do
		atf_add_test_case "$tc"
	done
}
