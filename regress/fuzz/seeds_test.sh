#! /usr/bin/env atf-sh
# The seeds of the fuzzers, whole, cut and changed, through the real decoders.

targets="clerk deliver engine forker keys master opener origin out parent
    queue relay resolver role_deliver role_engine role_keys role_queue
    role_relay role_resolver role_smtpd role_store role_worker sealctl
    sealmail smtpd store vault worker"

replay_body() {
	srcdir=$(atf_get_srcdir)
	# In memory, if that is to be had: a store syncs.
	TMPDIR=$(mktemp -d /dev/shm/seeds.XXXXXX 2>/dev/null) || TMPDIR=$PWD
	export TMPDIR
	"$srcdir/$1_replay" "$srcdir/$1_seeds" >out 2>&1
	rc=$?
	[ "$TMPDIR" = "$PWD" ] || rm -rf "$TMPDIR"
	cat out
	[ "$rc" -eq 0 ] || atf_fail "exit status $rc"
	grep -Eq '^[1-9][0-9]* seeds$' out || atf_fail "no seeds"
}

for name in $targets; do
	eval "atf_test_case $name
	${name}_body() { replay_body $name; }"
done

atf_init_test_cases() {
	for name in $targets; do
		atf_add_test_case "$name"
	done
}
