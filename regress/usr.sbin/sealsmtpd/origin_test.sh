#! /usr/bin/env atf-sh
#
# Where a stranger's mail is from: sealsmtpd and sealrelayd with all their
# roles, a name server of ours with SPF, DKIM and DMARC records, and clients
# from two addresses (origin_cases.py).

. "$(atf_get_srcdir)/../../suite/suite.sh"

top=$(suite_top)
src=$(atf_get_srcdir)

# start LINES
start() {
	mkdir -p libexec
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj /CN=mx.test -addext subjectAltName=DNS:mx.test \
	    -keyout key.pem -out cert.pem 2>/dev/null ||
	    atf_fail "no certificate"
	openssl genpkey -algorithm ed25519 -out ed.pem 2>/dev/null
	openssl genrsa -out rsa.pem 2048 2>/dev/null
	chmod 600 key.pem
	for r in sealsmtpd/engine/smtp-engine sealsmtpd/deliver/smtp-deliver \
	    sealsmtpd/queue/smtp-queue sealrelayd/relay/smtp-relay \
	    sealrelayd/resolver/smtp-resolver; do
		cp "$top/usr.sbin/$r" libexec/
	done
	cp "$top/usr.sbin/sealkeys/sealkeys" libexec/
	python3 "$src/origin_cases.py" zone >names ||
	    atf_fail "no zone"
	python3 "$src/origin_cases.py" dns names >dns.port 2>dns.log &
	echo $! >dns.pid
	wait_for 60 test -s dns.port || atf_fail "no name server"
	port=$(free_ports 1)
	configure "$1"
	"$top/usr.sbin/sealsmtpd/parent/sealsmtpd" -d -f conf >>log 2>&1 \
	    </dev/null &
	echo $! >suite.pid
	wait_for 60 grep -q ready log || atf_fail "$(cat log)"
	"$top/usr.sbin/sealrelayd/parent/sealrelayd" -d -f conf >>log 2>&1 \
	    </dev/null &
	echo $! >relayd.pid
	"$src/mailtool" create base bob@example.org ||
	    atf_fail "no account"
}

# Nothing is signed: what proves a zone is of one that nobody asks about.
configure() {
	echo "unused.test. DS 1 15 2 $(printf 'ab%.0s' $(seq 32))" >anchors
	{
		cat <<END
hostname "mx.test"
domain "example.org"
certificate "mx" cert "$PWD/cert.pem" key "$PWD/key.pem"
directory "$PWD/base"
run directory "$PWD/r"
libexec "$PWD/libexec"
queue key "$PWD/queue.key"
listen on 127.0.0.1 smtp port $port
resolver forward 127.0.0.1 port $(cat dns.port)
resolver anchors "$PWD/anchors"
limit connections-per-source 1000
limit connection-rate 100000
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
	python3 "$src/origin_cases.py" "$1" "$port" \
	    "$src/../../lib/libdkim/dkimsign" \
	    "$top/usr.sbin/sealctl/sealctl" || {
		grep -v ' debug' log | tail -30
		cat dns.log
		atf_fail "$1"
	}
}

dump() {
	mkdir -p out
	"$src/mailtool" dump base bob@example.org out/bob >out/bob.list ||
	    atf_fail "what was delivered does not open"
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
	for p in relayd dns; do
		[ ! -f $p.pid ] || kill "$(cat $p.pid)" 2>/dev/null
		rm -f $p.pid
	done
}

atf_test_case results cleanup
results_head() {
	atf_set descr "pass, fail, none and errors of SPF, DKIM and DMARC"
}
results_body() {
	start "dmarc except 192.0.2.1"
	try up
	try results
	try counted
	try stopped
	dump
	try read
	grep -q 'origin .*DNS has no answer' log || atf_fail "it was not slow"
	end
}
results_cleanup() {
	stop
}

atf_test_case enforce cleanup
enforce_head() {
	atf_set descr "what a From domain does not want is refused"
}
enforce_body() {
	start "dmarc enforce
dmarc except 192.0.2.1"
	try up
	try enforce
	try refused
	dump
	try suspect
	if grep -lE 'X-Number: (spoofed|large|bdat|two)' out/bob/*; then
		atf_fail "a message that was refused is there"
	fi
	end
}
enforce_cleanup() {
	stop
}

atf_test_case except cleanup
except_head() {
	atf_set descr "nobody looks at mail of this host, unless told to"
}
except_body() {
	start "dmarc enforce"
	try off
	if grep 'origin conn' log; then
		atf_fail "somebody has looked"
	fi
	end
}
except_cleanup() {
	stop
}

atf_init_test_cases() {
	atf_add_test_case results
	atf_add_test_case enforce
	atf_add_test_case except
}
