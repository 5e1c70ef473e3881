#! /usr/bin/env atf-sh
#
# DANE (RFC 7672) and MTA-STS (RFC 8461) on the way out, with name servers, a
# web server and mail servers on their real ports: sts_ns.sh.

SRC=$(atf_get_srcdir)
BIN=$SRC/../../../../usr.sbin

atf_test_case downgrade
downgrade_head()
{
	atf_set descr "mail goes where DANE and MTA-STS let it, nowhere else"
	atf_set require.user root
	atf_set require.progs "openssl nsd ldns-keygen ldns-signzone python3"
	atf_set timeout 300
}
downgrade_body()
{
	unshare -n -m true 2>/dev/null || atf_skip "no namespaces here"
	roots=$("$SRC/outbox" roots)
	[ -f "$roots" ] || atf_skip "no roots at $roots"
	PATH=$PATH:/usr/sbin unshare -n -m sh "$SRC/sts_ns.sh" "$SRC" "$BIN" \
	    "$roots" >result 2>&1
	[ "$(tail -n 1 result)" = "all is well" ] || {
		cat result
		atf_fail "see above"
	}
}

atf_init_test_cases()
{
	atf_add_test_case downgrade
}
