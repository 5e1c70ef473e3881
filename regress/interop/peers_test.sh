#! /usr/bin/env atf-sh
#
# Postfix and OpenSMTPD exchange mail with a suite, both ways, each in a
# network of its own with signed names: peers.py.

. "$(atf_get_srcdir)/../sites/world.sh"

SEALMAIL_CACHE=${SEALMAIL_CACHE:-/var/cache/sealmail-regress}

# peer_case NAME DESCRIPTION
peer_case() {
	eval "atf_test_case $1
	$1_head() {
		atf_set descr '$2'
		atf_set require.user root
		atf_set require.progs '$WORLD_PROGS unbound'
		atf_set timeout 600
	}
	$1_body() {
		[ -n \"\${INTEROP-}\" ] ||
		    atf_skip 'takes a minute: make interop runs it'
		get_$1
		in_world python3 \"\$(atf_get_srcdir)/peers.py\" $1
	}"
}

get_postfix() {
	command -v postfix >/dev/null || atf_skip "postfix is not installed"
}

# Its package and Postfix's shut each other out: unpacked, it runs as well.
get_opensmtpd() {
	OPENSMTPD=$SEALMAIL_CACHE/opensmtpd
	export OPENSMTPD
	[ ! -x "$OPENSMTPD/usr/sbin/smtpd" ] || return 0
	mkdir -p "$OPENSMTPD.new" || atf_skip "no $SEALMAIL_CACHE"
	(cd "$OPENSMTPD.new" && apt-get -q download opensmtpd &&
	    dpkg-deb -x opensmtpd_*.deb . && rm opensmtpd_*.deb) >get.out 2>&1 ||
	    atf_skip "no package of OpenSMTPD: $(tail -n 1 get.out)"
	mv "$OPENSMTPD.new" "$OPENSMTPD"
}

peer_case postfix "Postfix: DANE, CHUNKING, SMTPUTF8, DSN, 20 MB, both ways"
peer_case opensmtpd "OpenSMTPD: DSN, 8BITMIME, 20 MB, both ways"

atf_init_test_cases() {
	for tc in postfix opensmtpd; do
		atf_add_test_case "$tc"
	done
}
