#! /usr/bin/env atf-sh
#
# Two suites in two networks of their own, with names that are signed or have
# policies, send each other mail; others are on the way: sites.py.

SRC=$(atf_get_srcdir)

# site_case NAME SECONDS DESCRIPTION: a case of sites.py.
site_case() {
	eval "atf_test_case $1
	$1_head() {
		atf_set descr '$3'
		atf_set require.user root
		atf_set require.progs \
		    'ip unshare nsenter nsd ldns-keygen ldns-signzone openssl python3'
		atf_set timeout $2
	}
	$1_body() {
		run_case $1
	}"
}

# Its processes are gone with the first of them.
run_case() {
	PATH=$PATH:/usr/sbin
	unshare -m -n -p --fork --mount-proc \
	    ip link add name v0 type veth peer name v1 \
	    2>ns || atf_skip "no networks of their own: $(cat ns)"
	mkdir world
	# The shell waits for whoever has lost its parent.
	unshare -m -n -p --fork --kill-child --mount-proc \
	    sh -c 'python3 -B "$@"; exit $?' sh "$SRC/sites.py" "$1" \
	    "$PWD/world" >result 2>&1 </dev/null
	cat result
	[ "$(tail -n 1 result)" = "all is well" ] || {
		tail -n 40 world/*/seal*d.log
		atf_fail "see above"
	}
}

site_case both 300 "both ways over DANE and MTA-STS; reports, 8 bit, 20 MB"
site_case refused 300 "who is on the way gets nothing, and nothing is lost"
site_case queue 300 "what an administrator does with mail that waits"
site_case killed 300 "processes die, the link goes: nothing lost, or twice"

atf_init_test_cases() {
	for tc in both refused queue killed; do
		atf_add_test_case "$tc"
	done
}
