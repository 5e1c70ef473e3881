#! /usr/bin/env atf-sh
# smtp-resolver against a name server with signed, unsigned and forged zones:
# RFC 4033-4035, 5321 5.1, 6698, 7505.

SRC=$(atf_get_srcdir)
. "$SRC/../../../suite/nsd.sh"
PROGRAM=$SRC/../../../../usr.sbin/sealrelayd/resolver/smtp-resolver

# sign ZONE: ZONE.zone -> ZONE.signed, ZONE.ds
sign()
{
	nsd_sign "$1" || atf_fail "$1: $(cat nsd.out)"
}

zones()
{
	{
		nsd_head bad.test ns.test
		echo "bad.test. 300 MX 10 evil.example."
		echo "www.bad.test. 300 A 192.0.2.66"
	} >bad.test.zone
	sign bad.test
	# After the signature.
	sed 's/192\.0\.2\.66/192.0.2.67/' bad.test.signed >bad.test.forged

	{
		nsd_head plain.test ns.test
		echo "plain.test. 300 MX 10 a.test."
		echo "host.plain.test. 300 A 192.0.2.9"
	} >plain.test.zone

	{
		nsd_head test
		cat <<-EOT
		test. 300 MX 20 b.test.
		test. 300 MX 10 a.test.
		test. 300 TXT "v=one" " joined"
		a.test. 300 A 192.0.2.1
		a.test. 300 A 192.0.2.2
		a.test. 300 AAAA 2001:db8::1
		b.test. 300 A 192.0.2.3
		null.test. 300 MX 0 .
		_25._tcp.a.test. 300 TLSA 3 1 1 $(printf 'ab%.0s' $(seq 32))
		alias.test. 300 CNAME a.test.
		loop1.test. 300 CNAME loop2.test.
		loop2.test. 300 CNAME loop1.test.
		1.2.0.192.in-addr.test. 300 PTR a.test.
		plain.test. 300 NS ns.test.
		bad.test. 300 NS ns.test.
		odd.test. 300 MX 10 b\\032ad.test.
		odd.test. 300 MX 20 a.test.
		EOT
		cat bad.test.ds
		i=1
		while [ $i -le 8 ]; do
			echo "c$i.test. 300 CNAME c$((i + 1)).test."
			i=$((i + 1))
		done
		echo "c9.test. 300 A 192.0.2.4"
		echo "c0.test. 300 CNAME c1.test."
		i=0
		while [ $i -lt 100 ]; do
			echo "many.test. 300 MX $((i / 10)) h$i.test."
			i=$((i + 1))
		done
		text=$(printf 'x%.0s' $(seq 250))
		printf 'huge.test. 300 TXT'
		i=0
		while [ $i -lt 30 ]; do
			printf ' "%s"' "$text"
			i=$((i + 1))
		done
		printf '\nbomb.test. 300 TXT'
		i=0
		while [ $i -lt 40 ]; do
			printf ' "%s"' "$text"
			i=$((i + 1))
		done
		echo
	} >test.zone
	sign test
}

# serve: nsd on a free port of the loopback address, in PORT.
serve()
{
	PORT=$(nsd_port)
	nsd_start 127.0.0.1 "$PORT" test test.signed \
	    bad.test bad.test.forged plain.test plain.test.zone ||
	    atf_fail "$(cat nsd.out nsd.log)"
}

need()
{
	! lacks=$(nsd_lacks) || atf_skip "$lacks is not installed"
}

# ask QUESTION ANSWER ...: each answered as said.
ask()
{
	: >questions
	: >expected
	while [ $# -gt 0 ]; do
		echo "$1" >>questions
		[ -z "$2" ] || echo "$2" >>expected
		shift 2
	done
	atf_check -o file:expected "$SRC/asker" "$PROGRAM" \
	    "127.0.0.1@$PORT" test.ds <questions
}

atf_test_case signed cleanup
signed_head()
{
	atf_set descr "what DNSSEC proves, what it does not, what it refutes"
}
signed_body()
{
	need
	zones
	serve
	ask "mx test" "ok secure test 10:a.test 20:b.test" \
	    "mx null.test" "ok secure null.test 0:." \
	    "mx a.test" "nodata secure a.test" \
	    "mx none.test" "nxdomain secure none.test" \
	    "tlsa a.test 25" \
	    "ok secure _25._tcp.a.test 3-1-1-$(printf 'ab%.0s' $(seq 32))" \
	    "tlsa b.test 25" "nxdomain secure _25._tcp.b.test" \
	    "txt test" "ok secure test [12:v=one joined]" \
	    "mx plain.test" "ok insecure plain.test 10:a.test" \
	    "mx none.plain.test" "nxdomain insecure none.plain.test" \
	    "ipv4 www.bad.test" "bogus insecure www.bad.test" \
	    "mx bad.test" "ok secure bad.test 10:evil.example"
}
signed_cleanup()
{
	nsd_stop
}

atf_test_case addresses cleanup
addresses_head()
{
	atf_set descr "both families, aliases, and names that there cannot be"
}
addresses_body()
{
	need
	zones
	serve
	printf '%s\n' "address a.test" "address alias.test" >questions
	"$SRC/asker" "$PROGRAM" "127.0.0.1@$PORT" test.ds <questions >out ||
	    atf_fail "asker: $?"
	for a in 192.0.2.1 192.0.2.2 2001:db8::1; do
		[ "$(grep -c "ok secure.* $a\\b" out)" -eq 2 ] ||
		    atf_fail "$a: $(cat out)"
	done
	ask "ipv4 b.test" "ok secure b.test 192.0.2.3" \
	    "address b.test" "ok secure b.test 192.0.2.3" \
	    "address none.test" "nxdomain secure none.test" \
	    "address null.test" "nodata secure null.test" \
	    "mx a..test" "nxdomain insecure " \
	    "mx .test" "nxdomain insecure " \
	    "mx a!test" "nxdomain insecure " \
	    "ptr 1.2.3" "nxdomain insecure "
}
addresses_cleanup()
{
	nsd_stop
}

atf_test_case hostile cleanup
hostile_head()
{
	atf_set descr "chains, loops, a hundred MX, huge texts, odd names"
}
hostile_body()
{
	need
	zones
	serve
	best="0:h0.test 0:h1.test 0:h2.test 0:h3.test 0:h4.test"
	ask "ipv4 c1.test" "ok secure c1.test 192.0.2.4" \
	    "ipv4 c0.test" "broken insecure c0.test" \
	    "mx odd.test" "ok secure odd.test 20:a.test" \
	    "txt bomb.test" "broken insecure bomb.test"
	printf '%s\n' "mx loop1.test" "txt huge.test" "mx many.test" >questions
	"$SRC/asker" "$PROGRAM" "127.0.0.1@$PORT" test.ds <questions >out ||
	    atf_fail "asker: $?"
	sed -n 1p out | grep -Eq '^(broken|servfail) ' || atf_fail "$(cat out)"
	sed -n 2p out | grep -q 'secure huge.test \[7500:xxx' ||
	    atf_fail "$(cat out)"
	# The twenty of the lowest preferences: of 0 and of 1.
	sed -n 3p out | tr ' ' '\n' | grep -c '^[01]:h1*[0-9].test' |
	    grep -qx 20 || atf_fail "$(cat out) not $best ..."
}
hostile_cleanup()
{
	nsd_stop
}

atf_test_case withdrawn cleanup
withdrawn_head()
{
	atf_set descr "who asks and goes away, too many questions, a reload"
}
withdrawn_body()
{
	need
	zones
	serve
	ask "many 500" "asked" \
	    "mx null.test" "ok secure null.test 0:." \
	    "many 3000" "asked" \
	    "reload" "" \
	    "mx null.test" "ok secure null.test 0:."
}
withdrawn_cleanup()
{
	nsd_stop
}

atf_init_test_cases()
{
	atf_add_test_case signed
	atf_add_test_case addresses
	atf_add_test_case hostile
	atf_add_test_case withdrawn
}
