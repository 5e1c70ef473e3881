#!/bin/sh
# Starts the suite in a folder of its own with cheap passwords and looks how it
# bears many: connections that idle, users that come back after a restart, a
# large mailbox.
# usage: make bench-scale [USERS=1000] [CONNECTIONS=5000] [LARGE=1000000]
set -u
cd "$(dirname "$0")/.." || exit 1

# shellcheck disable=SC3045
ulimit -n "$(ulimit -H -n)"
tmp=$(mktemp -d)
pid=
scale=regress/bench/scale.py
USERS=${USERS:-1000}
[ "$USERS" -ge 2 ] || USERS=1000

start() {
	RUN=$tmp PORT=auto COST=low USERS=$USERS sh mk/run.sh >"$tmp.out" 2>&1 &
	pid=$!
	until [ -f "$tmp/server.json" ]; do
		kill -0 "$pid" 2>/dev/null || {
			cat "$tmp.out" >&2
			exit 1
		}
		sleep 0.2
	done
}

stop() {
	kill "$pid" 2>/dev/null
	wait "$pid"
}

trap 'stop; rm -rf "$tmp" "$tmp.out"' EXIT
trap 'exit 1' HUP INT TERM
start
python3 "$scale" "$tmp/server.json" idle "${CONNECTIONS:-5000}"
stop
start
python3 "$scale" "$tmp/server.json" reconnect "$USERS"
python3 "$scale" "$tmp/server.json" large "${LARGE:-1000000}"
