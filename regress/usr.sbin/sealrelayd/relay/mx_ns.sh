#!/bin/sh
# In a network namespace of its own, where ports 25 and 53 are free: domains
# whose mail goes to one server or another.
# usage: unshare -n sh mx_ns.sh SRC BIN
# Ends with "all is well" or a line of what is not.
set -u
SRC=$1
BIN=$2
pids=
. "$SRC/../../../suite/nsd.sh"
trap 'nsd_stop; for p in $pids; do kill "$p" 2>/dev/null; done' EXIT

fail() {
	echo "FAILED: $*"
	exit 1
}

wait_for() {
	n=600
	until "$@"; do
		n=$((n - 1))
		[ "$n" -gt 0 ] || fail "$*"
		sleep 0.1
	done
}

python3 "$SRC/../../../suite/lo.py" 198.18.9.1 2001:2:0:9::6 ||
    fail "no addresses"

# ---- Names: nobody is at 198.18.9.99, nor at ::2.

{
	nsd_head example
	cat <<-END
	a.example. 300 A 198.18.9.10
	b.example. 300 A 198.18.9.11
	six.example. 300 AAAA 2001:2:0:9::6
	two.example. 300 AAAA ::2
	two.example. 300 A 198.18.9.10
	dead.example. 300 A 198.18.9.99
	alias.example. 300 CNAME a.example.
	m-implicit.example. 300 A 198.18.9.10
	m-null.example. 300 MX 0 .
	m-order.example. 300 MX 20 a.example.
	m-order.example. 300 MX 10 dead.example.
	m-order.example. 300 MX 30 b.example.
	m-six.example. 300 MX 10 six.example.
	m-two.example. 300 MX 10 two.example.
	m-alias.example. 300 MX 10 alias.example.
	m-own.example. 300 MX 10 out.example.org.
	m-own.example. 300 MX 20 a.example.
	m-behind.example. 300 MX 10 b.example.
	m-behind.example. 300 MX 20 out.example.org.
	m-behind.example. 300 MX 30 a.example.
	here.example. 300 A 127.0.0.1
	here.example. 300 AAAA ::1
	zero.example. 300 A 0.0.0.0
	zero.example. 300 AAAA ::
	mapped.example. 300 AAAA ::ffff:127.0.0.2
	m-here.example. 300 MX 10 here.example.
	m-here.example. 300 MX 20 zero.example.
	m-mapped.example. 300 MX 10 mapped.example.
	m-hither.example. 300 A 127.1.2.3
	m-half.example. 300 MX 10 here.example.
	m-half.example. 300 MX 20 b.example.
	m-nowhere.example. 300 MX 10 no-such-host.example.
	END
	for i in $(seq 0 99); do
		echo "m-hundred.example. 300 MX $i h$i.example."
		echo "h$i.example. 300 A 198.18.9.99"
	done
	for i in $(seq 0 19); do
		echo "r$i.example. 300 MX 10 a.example."
		echo "r$i.example. 300 MX 10 b.example."
	done
} >example.zone
nsd_start 127.0.0.1 53 example example.zone ||
    fail "nsd: $(cat nsd.out nsd.log)"

sink() {
	python3 "$SRC/sink.py" "$1" "listen=$2" >"$1.log" 2>&1 &
	pids="$pids $!"
	wait_for test -s "$1/port"
}
sink a 198.18.9.10:25
sink b 198.18.9.11:25
sink here 127.0.0.1:25
sink seven ::1:25
sink six 2001:2:0:9::6:25

# ---- Mail.

# got SINK RECIPIENT yes|no
got() {
	cat "$1"/*.env >"$1.envs" 2>/dev/null
	if grep -q "RCPT TO:<$2>" "$1.envs"; then
		[ "$3" = yes ] || fail "$2 came to $1"
	else
		[ "$3" = no ] || fail "$2 did not come to $1: $(cat out)"
	fi
}
mkdir -p base/queue
# Of another zone: this one is not signed.
nsd_key test || fail "a key"
printf 'forward 127.0.0.1@53\nanchors %s/test.ds\nretry 1000\n' "$PWD" >config
printf 'From: a@here.test\r\n\r\nx\r\n' >mail
{
	for d in implicit null order six two alias own behind nowhere \
	    hundred missing here mapped hither half; do
		echo "send a@here.test x@m-$d.example mail"
	done
	echo "send a@here.test x@[127.0.0.1] mail"
	echo "send a@here.test x@[IPv6:::1] mail"
	for i in $(seq 0 19); do
		echo "send a@here.test x@r$i.example mail"
	done
	echo "settle 2 100"
} >commands
"$SRC/outbox" "$BIN" base config <commands >out 2>err ||
    fail "outbox: $(cat err)"
got a x@m-implicit.example yes
got a x@m-order.example yes
got b x@m-order.example no
got six x@m-six.example yes
got a x@m-two.example yes
got a x@m-alias.example yes
# Behind ourselves there is nobody: that would be a loop.
got a x@m-own.example no
got b x@m-behind.example yes
got a x@m-behind.example no
grep -q '^report failed x@m-null.example 5.1.10 ' out || fail "$(cat out)"
grep -q '^report failed x@m-own.example 5.4.6 ' out || fail "$(cat out)"
grep -q '^report failed x@m-missing.example 5.1.2 ' out || fail "$(cat out)"
# Nobody's domain is served by this host's own loopback.
got b x@m-half.example yes
for r in x@m-here.example x@m-mapped.example x@m-hither.example \
    'x@\[127.0.0.1]' 'x@\[IPv6:::1]'; do
	grep -q "^report failed $r 5.4.6 " out || fail "$r: $(cat out)"
done
[ -z "$(ls here/*.env seven/*.env 2>/dev/null)" ] || fail "here: $(cat out)"
# Equals have their share; that all go to one happens once in 524,288 times.
[ "$(cat a/*.env | grep -c 'RCPT TO:<x@r')" -gt 0 ] || fail "all to b"
[ "$(cat b/*.env | grep -c 'RCPT TO:<x@r')" -gt 0 ] || fail "all to a"
[ "$(cat ./?/*.env | grep -c 'RCPT TO:<x@r')" -eq 20 ] || fail "twice"
# Nobody of a hundred is there, and what is no host may be one soon.
grep -q '^left 2$' out || fail "$(cat out)"
grep -q '^jobs 0$' out || fail "$(cat out)"

# ---- Servers have to prove their names: nobody here has TLS.

# deliver LEFT RECIPIENT ...
deliver() {
	left=$1
	shift
	for r in "$@"; do
		echo "send a@here.test $r mail"
	done >commands
	echo "settle $left 100" >>commands
	"$SRC/outbox" "$BIN" base config <commands >out 2>err ||
	    fail "outbox: $(cat err)"
	grep -q "^left $left\$" out || fail "$(cat out)"
}
# Those of one domain.
cp config each
echo "route m-alias.example - 25 2" >>config
deliver 3 u@m-six.example u@m-alias.example
got six u@m-six.example yes
got a u@m-alias.example no
# All, but for those of one.
cp each config
printf 'tls 2\nroute m-six.example - 25 1\n' >>config
deliver 5 v@m-implicit.example v@m-six.example v@m-alias.example
got a v@m-implicit.example no
got six v@m-six.example yes
got a v@m-alias.example no
echo "all is well"
