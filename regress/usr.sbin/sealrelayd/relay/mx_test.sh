#! /usr/bin/env atf-sh
#
# Where a domain's mail goes (RFC 5321 5.1, RFC 7505), by name servers and mail
# servers on their real ports: mx_ns.sh.

SRC=$(atf_get_srcdir)
BIN=$SRC/../../../../usr.sbin

atf_test_case hosts
hosts_head()
{
	atf_set descr "MX: order, chance, none, null, our own; IPv6 and IPv4"
	atf_set require.user root
	atf_set require.progs "nsd ldns-keygen ldns-signzone python3"
}
hosts_body()
{
	unshare -n true 2>/dev/null || atf_skip "no namespaces here"
	PATH=$PATH:/usr/sbin unshare -n sh "$SRC/mx_ns.sh" "$SRC" "$BIN" \
	    >result 2>&1
	[ "$(tail -n 1 result)" = "all is well" ] || {
		cat result
		atf_fail "see above"
	}
}

atf_init_test_cases()
{
	atf_add_test_case hosts
}
