#! /usr/bin/env atf-sh
#
# The first installation of sealmail(7), its mail that leaves and its
# certificates, typed as the page says, over empty folders.  regress/interop
# follows the first on an empty Debian, under systemd.

. "$(atf_get_srcdir)/suite.sh"

atf_test_case followed
followed_head() {
	atf_set descr "from make install to mail that leaves and renewals"
	atf_set require.user root
	atf_set require.progs "unshare systemd-sysusers systemd-tmpfiles ip \
	    nsenter nsd ldns-keygen ldns-signzone"
	atf_set timeout 300
}
followed_body() {
	top=$(suite_top)
	for want in "PREFIX = /usr/local" "SYSCONFDIR = /etc" \
	    "STATEDIR = /var/db/sealmail" "OS = linux"; do
		grep -qx "$want" "$top/config.mk" ||
		    atf_skip "the tree is configured for other places"
	done
	mkdir ns
	unshare -m -n -p --fork --mount-proc sh -c \
	    "mount -t overlay overlay -o lowerdir=/etc:/usr/local '$PWD/ns'" \
	    >out 2>&1 || atf_skip "no namespace with overlays: $(cat out)"
	unshare -m -n -p --fork --mount-proc \
	    sh "$(atf_get_srcdir)/walk_ns.sh" "$top" "$PWD/ns" \
	    >out 2>&1 </dev/null || {
		tail -n 40 out
		atf_fail "it cannot be followed"
	}
	grep -q '^Hello\.' out || {
		tail -n 20 out
		atf_fail "no message was read"
	}
	grep -q '^it was tried' out || {
		tail -n 20 out
		atf_fail "no mail leaves"
	}
	grep -q '^mail has left' out || {
		tail -n 20 out
		atf_fail "mail does not arrive"
	}
	[ ! -e /run/sealimapd.log ] || atf_fail "it wrote outside"
}

atf_init_test_cases() {
	atf_add_test_case followed
}
