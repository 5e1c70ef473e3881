#! /usr/bin/env atf-sh
#
# Postfix and OpenSMTPD exchange mail with a suite, both ways, each in a
# network of its own with signed names: peers.py.

SRC=$(atf_get_srcdir)
SEALMAIL_CACHE=${SEALMAIL_CACHE:-/var/cache/sealmail-regress}
PATH=$PATH:/usr/sbin

# peer_case NAME DESCRIPTION
peer_case() {
	eval "atf_test_case $1
	$1_head() {
		atf_set descr '$2'
		atf_set require.user root
		atf_set require.progs \
		    'ip unshare nsenter nsd unbound ldns-keygen ldns-signzone openssl python3'
		atf_set timeout 600
	}
	$1_body() {
		[ -n \"\${INTEROP-}\" ] ||
		    atf_skip 'takes a minute: make interop runs it'
		get_$1
		exchange $1
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

exchange() {
	mkdir world
	unshare -m -n -p --fork --kill-child --mount-proc \
	    sh -c 'python3 -B "$@"; exit $?' sh "$SRC/peers.py" "$1" \
	    "$PWD/world" >result 2>&1 </dev/null
	cat result
	[ "$(tail -n 1 result)" = "all is well" ] || {
		tail -n 40 world/*/seal*d.log world/peer/out
		atf_fail "see above"
	}
}

peer_case postfix "Postfix: DANE, CHUNKING, SMTPUTF8, DSN, 20 MB, both ways"
peer_case opensmtpd "OpenSMTPD: DSN, 8BITMIME, 20 MB, both ways"

atf_init_test_cases() {
	for tc in postfix opensmtpd; do
		atf_add_test_case "$tc"
	done
}
