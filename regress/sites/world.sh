# Runs what needs a world of its own (world.py).  A test program sources this
# file.
#
# shellcheck shell=sh disable=SC2034

WORLD_PROGS="ip unshare nsenter nsd ldns-keygen ldns-signzone openssl python3"
PATH=$PATH:/usr/sbin

# in_world PYTHON SCRIPT [ARGUMENT ...]: with a folder as the last argument;
# its last line says whether all is well.
in_world() {
	unshare -m -n -p --fork --mount-proc \
	    ip link add name v0 type veth peer name v1 2>ns ||
	    atf_skip "no networks of their own: $(cat ns)"
	mkdir world
	# The shell waits for whoever has lost its parent; with the first of
	# them, all processes are gone.
	unshare -m -n -p --fork --kill-child --mount-proc \
	    sh -c '"$@"; exit $?' sh "$1" -B "$2" "$3" "$PWD/world" \
	    >result 2>&1 </dev/null
	cat result
	[ "$(tail -n 1 result)" = "all is well" ] || {
		tail -n 40 world/*/seal*d.log
		atf_fail "see above"
	}
}
