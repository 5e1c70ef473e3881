#! /usr/bin/env atf-sh
#
# ImapFlow, the IMAP client library of Node.js.

. "$(atf_get_srcdir)/../suite/suite.sh"

SEALMAIL_CACHE=${SEALMAIL_CACHE:-/var/cache/sealmail-regress}
# The newest whose own needs the registry has; tried in this order.
VERSIONS="latest 2.1.2 2.0.0 1"

modules() {
	modules=$SEALMAIL_CACHE/npm/node_modules
	[ ! -d "$modules/imapflow" ] || return 0
	[ -n "${INTEROP-}" ] || atf_skip "imapflow is fetched by make interop"
	need npm
	mkdir -p "$SEALMAIL_CACHE/npm" || atf_skip "no $SEALMAIL_CACHE"
	echo '{ "private": true }' >"$SEALMAIL_CACHE/npm/package.json"
	for v in $VERSIONS; do
		(cd "$SEALMAIL_CACHE/npm" && npm install --no-audit \
		    --no-fund --ignore-scripts "imapflow@$v") >npm.out 2>&1 &&
		    return 0
	done
	atf_skip "npm does not get imapflow: $(head -n 1 npm.out)"
}

atf_test_case imapflow cleanup
imapflow_head() {
	atf_set descr "lists, appends, parts, searches, flags, moves, idles"
	atf_set timeout 300
}
imapflow_body() {
	need node
	modules
	start_suite
	node "$(atf_get_srcdir)/imapflow_client.js" "$suite/server.json" \
	    "$modules" >client.out 2>&1 || fail_with client.out "it went wrong"
	grep -qx 'done' client.out || fail_with client.out "not to the end"
	suite_alive
}
imapflow_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case imapflow
}
