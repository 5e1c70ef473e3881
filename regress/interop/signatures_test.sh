#! /usr/bin/env atf-sh
#
# dkimpy, OpenDKIM and mailauth accept the signatures of 200 messages, with
# keys from a name server, and refuse what was changed: signatures.py.

. "$(atf_get_srcdir)/../sites/world.sh"

SEALMAIL_CACHE=${SEALMAIL_CACHE:-/var/cache/sealmail-regress}

# A python that has dkimpy.
find_python() {
	for p in python3 /usr/bin/python3; do
		"$p" -c 'import dkim, nacl, dns' 2>/dev/null && python=$p
	done
	[ -n "$python" ] || atf_skip "python3-dkim is not installed"
}

find_modules() {
	modules=$SEALMAIL_CACHE/npm/node_modules
	[ ! -d "$modules/mailauth" ] || return 0
	command -v npm >/dev/null || atf_skip "npm is not installed"
	mkdir -p "$SEALMAIL_CACHE/npm" || atf_skip "no $SEALMAIL_CACHE"
	[ -f "$SEALMAIL_CACHE/npm/package.json" ] ||
	    echo '{ "private": true }' >"$SEALMAIL_CACHE/npm/package.json"
	(cd "$SEALMAIL_CACHE/npm" && npm install --no-audit --no-fund \
	    --ignore-scripts mailauth) >npm.out 2>&1 ||
	    atf_skip "npm does not get mailauth: $(head -n 1 npm.out)"
}

atf_test_case accepted
accepted_head() {
	atf_set descr "three verifiers accept 200 messages, and none changed"
	atf_set require.user root
	atf_set require.progs "$WORLD_PROGS opendkim-testmsg node"
	atf_set timeout 600
}
accepted_body() {
	[ -n "${INTEROP-}" ] || atf_skip "takes a minute: make interop runs it"
	find_python
	find_modules
	in_world "$python" "$(atf_get_srcdir)/signatures.py" "$modules"
}

atf_init_test_cases() {
	atf_add_test_case accepted
}
