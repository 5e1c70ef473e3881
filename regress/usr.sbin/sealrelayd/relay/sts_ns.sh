#!/bin/sh
# In namespaces of its own (network, mounts), where ports 25, 53 and 443 are
# free and the system's roots are ours: domains with DANE and MTA-STS whose
# servers are as they should be, or are not.
# usage: unshare -n -m sh sts_ns.sh SRC BIN CERTIFICATES
# Ends with "all is well" or a line of what is not.
set -u
SRC=$1
BIN=$2
roots=$3
pids=
. "$SRC/../../../suite/nsd.sh"
trap 'nsd_stop; for p in $pids; do kill "$p" 2>/dev/null; done' EXIT

fail() {
	echo "FAILED: $*"
	exit 1
}

wait_for() {
	n=300
	until "$@"; do
		n=$((n - 1))
		[ "$n" -gt 0 ] || fail "$*"
		sleep 0.1
	done
}

python3 "$SRC/../../../suite/lo.py" 198.18.9.1 2001:2:0:9::6 ||
    fail "no addresses"

# certificate NAME ISSUER SAN: by the CA, or by itself.
certificate() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
	echo "subjectAltName=$3" >"$1.ext"
	if [ "$2" = self ]; then
		openssl x509 -req -in "$1.csr" -signkey "$1.key" -days 30 \
		    -extfile "$1.ext" -out "$1.pem" 2>/dev/null
	else
		openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key \
		    -CAcreateserial -days 30 -extfile "$1.ext" \
		    -out "$1.pem" 2>/dev/null
	fi || fail "certificate $1"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
    -subj /CN=ca -keyout ca.key -out ca.pem 2>/dev/null || fail "no CA"
mount --bind ca.pem "$roots" || fail "mount"
sts="sts strip self other testing moved short"
certificate good ca "DNS:mx.sts.example,DNS:mx.other.example,DNS:mx.moved.example,DNS:mx.login.example,DNS:mx.short.example"
certificate self self "DNS:mx.self.example,DNS:mx.testing.example"
certificate dane self "DNS:elsewhere.test"
names=
for d in $sts; do
	names=$names${names:+,}DNS:mta-sts.$d.example
done
certificate web ca "$names"

# ---- Names: test. is signed, example. is not.

# domain NAME ADDRESS-OF-MX
domain() {
	echo "$1. 300 MX 10 mx.$1."
	echo "mx.$1. 300 A $2"
}

tlsa=$(openssl x509 -in dane.pem -pubkey -noout |
    openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)
{
	nsd_head test
	domain dane.test 198.18.9.12
	domain wrong.test 198.18.9.12
	domain naked.test 198.18.9.10
	echo "_25._tcp.mx.dane.test. 300 TLSA 3 1 1 $tlsa"
	echo "_25._tcp.mx.wrong.test. 300 TLSA 3 1 1 $(echo x | sha256sum |
	    cut -d' ' -f1)"
	echo "_25._tcp.mx.naked.test. 300 TLSA 3 1 1 $tlsa"
} >test.zone
nsd_sign test || fail "sign: $(cat nsd.out)"
cp test.ds anchors
{
	nsd_head example ns.test
	domain plain.example 198.18.9.10
	domain sts.example 198.18.9.11
	domain strip.example 198.18.9.10
	domain self.example 198.18.9.13
	domain other.example 198.18.9.11
	domain testing.example 198.18.9.13
	domain moved.example 198.18.9.10
	domain login.example 198.18.9.14
	domain short.example 198.18.9.11
	for d in $sts; do
		echo "_mta-sts.$d.example. 300 TXT \"v=STSv1; id=1\""
		echo "mta-sts.$d.example. 300 A 127.0.0.3"
	done
} >example.zone
name_server() {
	nsd_start 127.0.0.1 53 test test.signed example example.zone ||
	    fail "nsd: $(cat nsd.out nsd.log)"
}
name_server

# ---- The web server, and mail servers.

# policy DOMAIN MODE MX
policy() {
	printf 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n%s' \
	    "version: STSv1
mode: $2
mx: $3
max_age: ${4-86400000}
" >"web/mta-sts.$1"
}
mkdir web
policy sts.example enforce "*.sts.example"
policy strip.example enforce mx.strip.example
policy self.example enforce mx.self.example
policy other.example enforce mx.sts.example
policy testing.example testing mx.testing.example
# No age below a day counts.
policy short.example enforce mx.short.example 100
printf 'HTTP/1.1 302 Found\r\nContent-Type: text/plain\r\n%s\r\n\r\n' \
    'Location: https://mta-sts.strip.example/' >web/mta-sts.moved.example
python3 "$SRC/https.py" 127.0.0.3 443 web.pem web.key web 2>web.log &
web=$!
pids="$pids $web"
sink() {
	name=$1
	shift
	python3 "$SRC/sink.py" "$name" "$@" >"$name.log" 2>&1 &
	pids="$pids $!"
	wait_for test -s "$name/port"
}
sink naked listen=198.18.9.10:25
sink good listen=198.18.9.11:25 "tls=$PWD/good.pem,$PWD/good.key"
sink dane listen=198.18.9.12:25 "tls=$PWD/dane.pem,$PWD/dane.key" requiretls
sink login listen=198.18.9.14:25 "tls=$PWD/good.pem,$PWD/good.key" auth=LOGIN
sink self listen=198.18.9.13:25 "tls=$PWD/self.pem,$PWD/self.key"
wait_for test -s web/up

# ---- Mail.

# got SINK RECIPIENT yes|no
got() {
	cat "$1"/*.env >"$1.envs" 2>/dev/null
	if grep -q "RCPT TO:<$2>" "$1.envs"; then
		[ "$3" = yes ] || fail "$2 came to $1 all the same"
	else
		[ "$3" = no ] || fail "$2 did not come to $1: $(cat out)"
	fi
}
mkdir -p base/queue
printf 'forward 127.0.0.1@53\nanchors %s/anchors\nretry 2\n' "$PWD" >config
echo "route smart.test mx.login.example 25 2 joe:se:cret" >>config
printf 'From: a@here.test\r\n\r\nx\r\n' >mail
{
	for d in plain.example sts.example strip.example self.example \
	    other.example testing.example moved.example short.example \
	    dane.test wrong.test naked.test; do
		echo "send a@here.test b@$d mail"
	done
	# REQUIRETLS: where the server offers it, is proved, and is the domain's.
	for d in dane.test sts.example plain.example testing.example; do
		echo "send a@here.test r@$d mail 4"
	done
	# TLS-Required: No, whatever the domain says.
	for d in strip.example wrong.test naked.test; do
		echo "send a@here.test o@$d mail 8"
	done
	echo "send a@here.test d@wrong.test mail"
	echo "send a@here.test b@smart.test mail"
	# Those that must not go are left.
	echo "settle 7 120"
} >commands
"$SRC/outbox" "$BIN" base config <commands >out 2>err ||
    fail "outbox: $(cat err)"
got naked b@plain.example yes
got naked b@moved.example yes
got naked b@strip.example no
got naked b@naked.test no
got good b@sts.example yes
got good b@other.example no
got good b@short.example yes
got self b@testing.example yes
got self b@self.example no
got dane b@dane.test yes
got dane b@wrong.test no
grep -q '^left 7$' out || fail "$(cat out)"
got login b@smart.test yes
# joe, se:cret
[ "$(cat login/auth)" = "AUTH LOGIN|am9l|c2U6Y3JldA==" ] ||
    fail "$(cat login/auth)"
got dane r@dane.test yes
grep -q '^MAIL FROM:<a@here.test>.* REQUIRETLS' dane/*.env ||
    fail "no REQUIRETLS: $(cat dane.envs)"
got good r@sts.example no
got naked r@plain.example no
got self r@testing.example no
grep -q '^report failed r@sts.example 5.7.30 .*not offer REQUIRETLS' out ||
    fail "$(cat out)"
grep -q '^report failed r@plain.example 5.7.30 .*Neither DNSSEC' out ||
    fail "$(cat out)"
! grep -q '^report failed r@testing.example' out || fail "$(cat out)"
got naked o@strip.example yes
got naked o@naked.test yes
got dane o@wrong.test yes
# Such a connection is of no use to mail that heeds the domain.
got dane d@wrong.test no
for s in good dane self; do
	! grep -q '^plain' "$s.envs" || fail "$s: in clear"
done
grep -q '^mta-sts.sts.example GET /.well-known/mta-sts.txt HTTP/1.1$' \
    web/requests || fail "$(cat web/requests)"

# ---- A policy lives on: no web server, no record, another process.

kill "$web"
sed -i '/_mta-sts/d;s/^mx.sts.example. .*/mx.sts.example. 300 A 198.18.9.10/' \
    example.zone
name_server
{
	echo "send a@here.test c@sts.example mail"
	echo "sleep 3"
	echo "settle 8 60"
} >commands
"$SRC/outbox" "$BIN" base config <commands >out 2>err ||
    fail "outbox: $(cat err)"
grep -q '^left 8$' out || fail "$(cat out)"
got naked c@sts.example no

# ---- And it ends: what was proved meanwhile holds longer, but not for good.

mkdir -p quick/sealrelayd/relay
ln -s "$(cd "$BIN" && pwd)/sealsmtpd" quick/sealsmtpd
ln -s "$(cd "$BIN" && pwd)/sealrelayd/resolver" quick/sealrelayd/resolver
ln -s "$SRC/quickrelay" quick/sealrelayd/relay/smtp-relay

# later SECONDS RCPT LEFT: the relay's clock is ahead; so many are left.
later() {
	{
		[ -z "$2" ] || echo "send a@here.test $2 mail"
		# What is not to go has to be tried first.
		[ -z "$2" ] || echo "sleep 1"
		echo "settle $3 60"
	} >commands
	LATER=$1 "$SRC/outbox" quick base config <commands >out 2>err ||
	    fail "outbox: $(cat err)"
	grep -q "^left $3\$" out || fail "$1: $(cat out)"
}
sed -i 's/^short.example. .* MX .*/short.example. 300 MX 10 mx.login.example./' \
    example.zone
name_server
later 80000 e@short.example 9
got login e@short.example no
later 100000 "" 8
got login e@short.example yes
! grep -q '^plain' login/*.env || fail "login: in clear"
sed -i 's/^short.example. .* MX .*/short.example. 300 MX 10 mx.plain.example./' \
    example.zone
name_server
later 200000 f@short.example 9
got naked f@short.example no
later 1500000 "" 8
got naked f@short.example yes
echo "all is well"
