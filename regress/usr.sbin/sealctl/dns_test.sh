#! /usr/bin/env atf-sh
#
# sealctl dkim and dns against sealsmtpd, sealrelayd and a name server that has exactly
# the zone which sealctl printed, signed.
#
# shellcheck shell=sh disable=SC2154,SC2094

. "$(atf_get_srcdir)/../../suite/suite.sh"
. "$(atf_get_srcdir)/../../suite/nsd.sh"

top=$(suite_top)

configure() {
	# shellcheck disable=SC2046
	set -- $(free_ports 3)
	dns_port=$3
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj "/O=Let's Encrypt/CN=mx.one.test" -keyout key.pem \
	    -out cert.pem 2>/dev/null || atf_fail "no certificate"
	: >anchors
	cat >conf <<-END
	hostname "mx.one.test"
	domain "one.test"
	domain "two.test"
	directory "$PWD/mail"
	run directory "$PWD/run"
	libexec "$top/libexec"
	certificate "x" cert "$PWD/cert.pem" key "$PWD/key.pem"
	listen on 127.0.0.1 imaps port $1
	listen on 127.0.0.1 smtp port $2
	relay source 192.0.2.9
	queue key "$PWD/queue.key"
	dkim directory "$PWD/dkim"
	resolver forward "127.0.0.1" port $dns_port
	resolver anchors "$PWD/anchors"
	user keys 50001:50001
	user net 50002:50002
	user vault 50003:50010
	user work 50004:50004
	user mail 50005:50010
	user queue 50006
	group mail 50010
	END
	chmod 600 conf key.pem
	chmod 755 .
	printf '#!/bin/sh\nexec %s -f conf "$@"\n' \
	    "$top/usr.sbin/sealctl/sealctl" >ctl
	chmod 755 ctl
}

daemon() {
	"$top/usr.sbin/sealsmtpd/parent/sealsmtpd" -d -f conf >smtpd.log 2>&1 &
	echo $! >>children
	"$top/usr.sbin/sealrelayd/parent/sealrelayd" -d -f conf >relayd.log \
	    2>&1 &
	echo $! >>children
	wait_for 60 ready || atf_fail "the daemons do not start"
}

ready() {
	./ctl -j show processes >roles 2>/dev/null &&
	    grep -q '"daemon": "sealsmtpd"' roles &&
	    grep -q '"daemon": "sealrelayd"' roles &&
	    ! grep -q '"pid": 0,' roles
}

# zone NAME FILE...: signed, with what every zone begins with.
zone() {
	name=$1
	shift
	{
		nsd_head "$name"
		cat "$@"
	} >"$name.zone"
	nsd_sign "$name" || atf_fail "$name: $(cat nsd.out)"
}

serve() {
	nsd_start 127.0.0.1 "$dns_port" one.test one.test.signed \
	    two.test two.test.signed || atf_fail "$(cat nsd.out nsd.log)"
}

keys() {
	for z in one.test two.test; do
		nsd_key "$z" || atf_fail "$(cat nsd.out)"
		cat "$z.ds" >>anchors
	done
}

# The daemon's resolver keeps what it saw: a new one sees it anew.
fresh() {
	./ctl reload >reload.out 2>&1 || fail_show reload.out
}

fail_show() {
	cat "$@"
	atf_fail "see above"
}

stop_all() {
	nsd_stop
	[ ! -f children ] || while read -r pid; do
		kill "$pid" 2>/dev/null || :
	done <children
}

atf_test_case dkim cleanup
dkim_head() {
	atf_set descr "keys are made, published, rotated; nobody reads them"
}
dkim_body() {
	need openssl python3
	configure
	rm anchors
	sed -i.bak '/^resolver anchors/d' conf
	chmod 600 conf
	atf_check -s exit:1 -e match:"no domain of the configuration" \
	    ./ctl dkim new three.test
	daemon
	./ctl dkim new two.test >new 2>err || fail_show err
	[ "$(grep -c '_domainkey.two.test. 3600 IN TXT "v=DKIM1' new)" -eq 2 ] ||
	    fail_show new
	# The record is the key's: openssl says so.
	for f in dkim/two.test/*r.pem; do
		[ "$(find "$f" -perm 400)" = "$f" ] || atf_fail "mode of $f"
		openssl pkey -in "$f" -pubout | sed '/^-/d' | tr -d '\n' >pub
		tr -d '" ' <new | grep -qF "p=$(cat pub)" || fail_show new pub
		openssl rsa -in "$f" -noout -text 2>/dev/null |
		    grep -q '2048 bit' || atf_fail "no RSA of 2048 bits"
	done
	[ "$(find dkim -maxdepth 1 -type d -perm 700 | wc -l)" -eq 2 ] ||
	    [ "$(find dkim -type d -perm 700 | wc -l)" -eq 2 ] ||
	    fail_show "$(find dkim -ls)"
	./ctl -j dkim show >show
	python3 -c 'import json
r = json.load(open("show"))
assert sorted(x["algorithm"] for x in r) == ["ed25519", "rsa"], r
assert all(x["state"] == "signs" for x in r), r' || atf_fail "show"
	# A second time is a rotation; what is not published does not sign.
	./ctl dkim rotate two.test >next 2>err || fail_show err
	grep -q 'next key' next || fail_show next
	atf_check -s exit:1 -e match:"that wait" ./ctl dkim new two.test
	./ctl dkim rotate -f two.test >out 2>err || fail_show err
	./ctl -j dkim show two.test >show
	python3 -c 'import json
r = json.load(open("show"))
assert sorted(x["state"] for x in r) == ["old", "old", "signs", "signs"], r' ||
	    atf_fail "rotated"
	# The old private keys are gone, their records are not.
	! grep -l PRIVATE dkim/two.test/*.old || atf_fail "a key is left"
	./ctl dns two.test >zone || atf_fail "dns"
	[ "$(grep -c '_domainkey.*IN TXT' zone)" -eq 4 ] || fail_show zone
	# Who may write there would sign in our name.
	chmod 777 dkim/two.test
	atf_check -s exit:1 -o ignore -e match:"others may put keys there" \
	    ./ctl dkim show
	kill -0 "$(head -n 1 children)" || fail_show smtpd.log
}
dkim_cleanup() {
	stop_all
}

atf_test_case zone cleanup
zone_head() {
	atf_set descr "a name server takes what is printed; all of it is seen"
}
zone_body() {
	# shellcheck disable=SC2086
	need $NSD_PROGS openssl
	configure
	keys
	daemon
	./ctl dkim new one.test >/dev/null 2>err || fail_show err
	# Each domain's zone; both lie in zones of their own.
	./ctl dns one.test >one || atf_fail "dns one.test"
	./ctl dns two.test >two || atf_fail "dns two.test"
	grep -q '^_[0-9]*._tcp.mx.one.test. 3600 IN TLSA 3 1 1 ' one ||
	    fail_show one
	grep -q 'IN CAA 0 issue "letsencrypt.org"' one || fail_show one
	grep -v '^mx.one.test. ' two >two.rest
	echo "mx.one.test. 300 A 192.0.2.1" >a
	zone one.test one a
	zone two.test two.rest
	serve
	fresh
	# Only the web server's half of MTA-STS is not there.
	./ctl dns -c >checked 2>err && fail_show checked err
	[ "$(grep -c ' ok ' checked)" -ge 14 ] || fail_show checked
	[ "$(grep -c '^https://mta-sts.*txt *STS *missing *others cannot' \
	    checked)" -eq 2 ] || fail_show checked
	grep -v '^https://mta-sts' checked >rest
	! grep -E ' (missing|differs|unsigned|bogus|unknown) ' rest ||
	    fail_show checked
	# The next keys are asked for before they sign.
	./ctl dkim rotate one.test >next 2>err || fail_show err
	atf_check -s exit:1 -e match:"missing" -e match:"not published yet" \
	    ./ctl dkim rotate one.test
	# Records that are not there, are others, are forged.
	grep -q '^one.test. .* "v=spf1 mx ip4:192.0.2.9 -all"' one ||
	    fail_show one
	grep -v -e _dmarc -e '^mx.one.test.*TLSA' one |
	    sed -e '/^one.test./s/v=spf1 .*/v=spf1 ?all  -all"/' -e 's/^\(_imaps.*\) 1 \([0-9]*\) /\1 1 1 /' \
	    -e 's/TLSA 3 1 1 0/TLSA 3 1 1 x1/' \
	    -e 's/TLSA 3 1 1 [1-9a-f]/TLSA 3 1 1 0/' \
	    -e 's/TLSA 3 1 1 x/TLSA 3 1 1 /' >less
	cat next >>less
	echo '_mta-sts.one.test. 300 TXT "v=STSv1; id=2"' >>less
	zone one.test less a
	sed 's/v=TLSRPTv1/v=TLSRPTv9/' two.test.signed >forged
	mv forged two.test.signed
	serve
	fresh
	./ctl dns -c >checked 2>err && fail_show checked
	grep -q '^_dmarc.one.test *TXT *missing *publish: v=DMARC1' checked ||
	    fail_show checked
	grep -q '^_imaps._tcp.one.test *SRV *differs *publish: 0 1' checked ||
	    fail_show checked
	grep -q '^_[0-9]*._tcp.mx.one.test *TLSA *differs' checked ||
	    fail_show checked
	grep -q '^_smtp._tls.two.test *TXT *bogus *mend' checked ||
	    fail_show checked
	grep -q '^one.test *TXT *differs *publish: v=spf1 mx .*now: .*?all' \
	    checked || fail_show checked
	grep -q '^_mta-sts.one.test *TXT *differs .*several' checked ||
	    fail_show checked
	# SPF is evaluated: two.test's own, and what it includes.
	sed '/^two.test./s/v=spf1 .*/v=spf1 mx ip4:192.0.2.0\/29 -all"/' \
	    two.rest >spf
	zone two.test spf
	serve
	fresh
	./ctl dns -c two.test >checked 2>err && fail_show checked
	grep -q '^two.test *TXT *differs *publish: v=spf1 mx .*now: 192.0.2.9 gets "fail" by v=spf1 mx' \
	    checked || fail_show checked
	sed -i.bak '/^two.test./s/v=spf1 .*/v=spf1 include:lets.two.test -all"/' \
	    spf
	echo 'lets.two.test. 300 TXT "v=spf1 ip4:192.0.2.8/30 -all"' >lets
	zone two.test spf lets
	serve
	fresh
	./ctl dns -c two.test >checked 2>err && fail_show checked
	grep -q '^two.test *TXT *ok ' checked || fail_show checked
	./ctl -j dns -c one.test >json
	python3 -c 'import json
r = json.load(open("json"))
assert {x["state"] for x in r} == {"ok", "missing", "differs"}, r' ||
	    fail_show json
	# Now they are there.
	./ctl dkim rotate one.test >out 2>err || fail_show err
	./ctl dkim show one.test | grep -q ' old ' || atf_fail "not rotated"
}
zone_cleanup() {
	stop_all
}

atf_init_test_cases() {
	atf_add_test_case dkim
	atf_add_test_case zone
}
