#!/bin/sh
# Starts the suite in a folder of its own with cheap passwords and lets
# mailbench.py, whose folder BENCH names, measure it.  WORK lists the
# workloads, OTHERS more server descriptions to compare with.
# usage: make bench BENCH=DIR [WORK=W1,W3] [OTHERS='-s dovecot.json'] [OUT=DIR]
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
trap 'kill "$pid" 2>/dev/null; wait "$pid"; rm -rf "$tmp" "$tmp.out"' EXIT
trap 'exit 1' HUP INT TERM
until [ -f "$tmp/server.json" ]; do
	kill -0 "$pid" 2>/dev/null || {
		cat "$tmp.out" >&2
		exit 1
	}
	sleep 0.2
done
# shellcheck disable=SC2086
python3 "$BENCH/mailbench.py" run -s "$tmp/server.json" ${OTHERS:-} \
    -w "${WORK:-W1,W3,W4,W5,W6,W7}" --out "$out"
