#!/bin/sh
# Starts the suite in a folder of its own with cheap passwords and lets
# mailbench.py, whose folder BENCH names, measure it.  WORK lists the
# workloads, PEERS the servers that peers.sh of that folder starts beside it (as
# root, after its "setup"), OTHERS more server descriptions to compare with.
# All are measured in turn in one run; what comes of it is a table of ratios.
# usage: make bench BENCH=DIR [WORK=W1,W3] [OUT=DIR] [REPEAT=3]
#            [PEERS='dovecot-sdbox dovecot-crypt cyrus'] [OTHERS='-s x.json']
set -u
cd "$(dirname "$0")/.." || exit 1

if [ ! -f "${BENCH:-}/mailbench.py" ]; then
	sed -n 's/^# usage: /usage: /p' "$0" >&2
	exit 1
fi
tmp=$(mktemp -d)
out=${OUT:-bench-results}
mkdir -p "$out"
RUN=$tmp PORT=auto COST=low USERS=1100 sh mk/run.sh >"$tmp.out" 2>&1 &
pid=$!
started=
finish() {
	for peer in $started; do
		"$BENCH/peers.sh" stop "$peer" >/dev/null
	done
	kill "$pid" 2>/dev/null
	wait "$pid"
	rm -rf "$tmp" "$tmp.out"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM
until [ -f "$tmp/server.json" ]; do
	kill -0 "$pid" 2>/dev/null || {
		cat "$tmp.out" >&2
		exit 1
	}
	sleep 0.2
done
others=${OTHERS:-}
for peer in ${PEERS:-}; do
	"$BENCH/peers.sh" start "$peer" --users 1120 >"$tmp/$peer.json" || exit 1
	started="$started $peer"
	others="$others -s $tmp/$peer.json"
done
# shellcheck disable=SC2086
python3 "$BENCH/mailbench.py" run -s "$tmp/server.json" $others \
    -w "${WORK:-W1,W3,W4,W5,W6,W7,W8,W9}" -n "${REPEAT:-3}" --out "$out" &&
	python3 regress/bench/ratios.py "$out"
