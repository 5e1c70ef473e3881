#! /usr/bin/env atf-sh
# Logging in with a smarthost: with our own submission, and with servers that do
# SCRAM-SHA-256 otherwise than they should.
# shellcheck disable=SC1091,SC2154,SC2034,SC2016
. "$(atf_get_srcdir)/../../../suite/suite.sh"

SRC=$(atf_get_srcdir)
BIN=$SRC/../../../../usr.sbin

# ours CA ...: from now on these alone are the relay's roots.
ours() {
	cat "$@" >roots.pem
	roots=$("$SRC/outbox" roots)
	[ -f "$roots" ] || atf_skip "no roots at $roots"
	unshare -m true 2>/dev/null || atf_skip "no namespaces here"
}

# relay: runs the commands on standard input, output to out.
relay() {
	mkdir -p base/queue
	unshare -m sh -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' sh \
	    "$PWD/roots.pem" "$roots" "$SRC/outbox" "$BIN" base config \
	    >out 2>err || atf_fail "outbox: $? $(cat err)"
}

# message SENDER
message() {
	printf 'From: %s\r\nSubject: x\r\n\r\nbody\r\n' "$1" >mail
}

# logins MECHANISM: how many the suite has seen.
logins() {
	cat "$suite"/*.log run.out 2>/dev/null |
	    grep -c "smtp-engine.*login conn=.*mechanism=$1\$"
}

atf_test_case submission cleanup
submission_head() {
	atf_set descr "our own submission: bound SCRAM, PLAIN where it must be"
	atf_set require.user root
}
submission_body() {
	mkdir suite
	echo "scram yes" >suite/extra.conf
	start_suite USERS=2
	port=$(suite_get submission_port)
	printf '%s\n' "$password" | $sealmail app add -j -s -C "$cafile" \
	    -h "$host" -p "$imaps_port" -S submission "user0001@$domain" a \
	    >app.json 2>err || fail_with err "app add"
	code=$(sed -n 's/.*"password": *"\([^"]*\)".*/\1/p' app.json)
	ours "$cafile"
	message "user0001@$domain"
	for secret in "$code" "$password"; do
		rm -rf base
		echo "route $domain localhost $port 2" \
		    "user0001@$domain:$secret" >config
		# Two connections: the second one knows what the first was told.
		relay <<-EOT
		send user0001@$domain user0002@$domain mail
		wait 60
		sleep 7
		send user0001@$domain user0002@$domain mail
		wait 60
		EOT
		[ "$(grep -c '^empty' out)" -eq 2 ] || atf_fail "$(cat out)"
	done
	[ "$(logins SCRAM-SHA-256-PLUS)" -eq 2 ] || fail_with run.out "PLUS"
	[ "$(logins PLAIN)" -eq 2 ] || fail_with run.out "PLAIN"
	refused=$(cat "$suite"/*.log run.out 2>/dev/null |
	    grep -c "smtp-engine.*login refused")
	[ "$refused" -eq 1 ] || atf_fail "$refused were refused"
	suite_alive
}
submission_cleanup() {
	stop_suite
}

stop_sinks() {
	[ ! -f children ] || while read -r pid; do
		kill "$pid" 2>/dev/null || :
	done <children
}

# sink NAME WORD ...: a server within TLS, routed to as NAME.test.
sink() {
	name=$1
	shift
	python3 "$SRC/sink.py" "$name" "tls=$PWD/cert.pem,$PWD/key.pem" \
	    "secret=se:cret" "$@" >"$name.log" 2>&1 &
	echo $! >>children
	wait_for 60 test -s "$name/port" || fail_with "$name.log" sink
	echo "route $name.test localhost $(cat "$name/port") 2" \
	    "jo=e:se:cret" >>config
	echo "send a@here.test b@$name.test mail" >>commands
}

atf_test_case servers cleanup
servers_head() {
	atf_set descr "the best that is offered; what a server may not do"
	atf_set require.user root
}
servers_body() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -days 30 -subj /CN=localhost -addext \
	    subjectAltName=DNS:localhost -keyout key.pem -out cert.pem \
	    2>/dev/null || atf_fail "no certificate"
	ours cert.pem
	message a@here.test
	echo "retry 100" >config
	scram="PLAIN LOGIN SCRAM-SHA-256"
	# Those that get the mail.
	sink best "auth=$scram"
	sink alone auth=SCRAM-SHA-256
	sink refuses "auth=$scram" scram=refuse
	sink login "auth=LOGIN XSCRAM-SHA-256" scram=refuse
	sink most "auth=$scram" rounds=2000000
	# And those that do not, nor the password.
	sink strict auth=SCRAM-SHA-256 scram=refuse
	for wrong in skip mute liar nonce; do
		sink $wrong "auth=$scram" scram=$wrong
	done
	sink few "auth=$scram" rounds=4095
	sink many "auth=$scram" rounds=2000001
	sink none auth=XPLAIN
	echo "settle 8 100" >>commands
	relay <commands
	grep -q '^left 8$' out || atf_fail "$(cat out err)"
	for name in best alone refuses login most; do
		[ -f "$name/1.eml" ] || atf_fail "nothing came to $name"
	done
	for name in best most; do
		[ "$(cat $name/auth)" = "SCRAM-SHA-256 n=jo=3De" ] ||
		    atf_fail "$name: $(cat $name/auth)"
	done
	[ "$(cat refuses/auth)" = "AUTH PLAIN AGpvPWUAc2U6Y3JldA==" ] ||
	    atf_fail "$(cat refuses/auth)"
	for name in strict skip liar nonce few many none; do
		[ ! -f "$name/1.eml" ] || atf_fail "it came to $name"
		[ ! -f "$name/auth" ] || atf_fail "$name: $(cat "$name/auth")"
	done
	[ ! -f mute/1.eml ] || atf_fail "it came to mute"
}
servers_cleanup() {
	stop_sinks
}

atf_init_test_cases() {
	atf_add_test_case submission
	atf_add_test_case servers
}
