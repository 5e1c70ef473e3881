#! /usr/bin/env atf-sh
#
# TLS of the whole suite, as clients see it; and files of certificates as those
# who renew them handle them.

. "$(atf_get_srcdir)/suite.sh"

# tls NAME DESCRIPTION [ARGS]: a case that runs a command of tls.py.
tls() {
	atf_test_case "$1" cleanup
	eval "$1_head() { atf_set descr '$2'; atf_set timeout 120; }
	$1_body() {
		tool=\$(suite_top)/regress/suite/tls.py
		mkdir -p suite certs
		chmod 755 certs
		python3 \"\$tool\" EXTRA \"\$PWD/certs\" $1 >suite/extra.conf ||
		    atf_fail 'no certificates'
		start_suite
		if ! python3 \"\$tool\" \"\$suite/server.json\" $1 ${3-} \
		    >out 2>&1; then
			cat out
			atf_fail 'not as it should be'
		fi
		cat out
		suite_alive
	}
	$1_cleanup() {
		stop_suite
	}"
}

tls versions 'versions, ciphers, ALPN'
tls resume 'sessions go on with any engine'
tls names 'names of servers, staples, expiry'
tls renew 'certificates are renewed, and wrong ones are not taken'
tls nothing 'a certificate that cannot be served, until it can'
tls clear 'STARTTLS, and loopback without TLS'
tls stalled 'handshakes that stall delay nobody' 300

atf_init_test_cases() {
	for case in versions resume names renew nothing clear stalled; do
		atf_add_test_case "$case"
	done
}
