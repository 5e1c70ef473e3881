#!/bin/sh
# Measures handshakes of a running suite, and of others at the given ports in
# turn: full and resumed, TLS 1.2 and 1.3, at 1 and 8 connections.
# usage: make bench-tls [OTHER_PORTS='10993 ...'] [SECONDS_EACH=3]
set -eu
cd "$(dirname "$0")/.."
tmp=$(mktemp -d)
RUN=$tmp/run PORT=auto COST=low USERS=1 sh mk/run.sh >"$tmp/out" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null || :; wait "$pid" || :; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
until [ -f "$tmp/run/server.json" ]; do
	kill -0 "$pid" 2>/dev/null || {
		cat "$tmp/out" >&2
		exit 1
	}
	sleep 0.2
done
ours=$(sed -n 's/^  "imaps_port": \([0-9]*\),$/\1/p' "$tmp/run/server.json")
for version in 1.3 1.2; do
	for kind in full resumed; do
		for n in 1 8; do
			for port in $ours ${OTHER_PORTS:-}; do
				[ "$port" = "$ours" ] && printf 'sealmail: ' ||
				    printf '%s: ' "$port"
				regress/bench/tls_bench "$port" "$n" \
				    "${SECONDS_EACH:-3}" "$kind" "$version" ||
				    [ "$port" != "$ours" ]
			done
		done
	done
done
