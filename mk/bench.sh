#!/bin/sh
# Starts the suite in a folder of its own with cheap passwords and lets
# mailbench.py, whose folder BENCH names, measure it beside the servers that
# peers.sh of that folder starts (as root, after its "setup").
#
# Without WORK: the whole table of figures, each beside the peers that it is
# compared with, in one run of some ten minutes; PEERS names those that take
# part.  With WORK: those workloads, with all of PEERS and OTHERS, which are
# more server descriptions to compare with.
# usage: make bench BENCH=DIR [OUT=DIR] [REPEAT=1]
#            [PEERS='dovecot-sdbox dovecot-crypt cyrus postfix']
#        make bench BENCH=DIR WORK=W1,W3 [OUT=DIR] [REPEAT=3] [PEERS=...]
#            [OTHERS='-s x.json']
set -u
cd "$(dirname "$0")/.." || exit 1

if [ ! -f "${BENCH:-}/mailbench.py" ]; then
	sed -n 's/^# usage: /usage: /p' "$0" >&2
	exit 1
fi
tmp=$(mktemp -d)
out=${OUT:-bench-results}
mkdir -p "$out"
out=$(cd "$out" && pwd)
whole=
[ -n "${WORK:-}" ] || whole=1
[ -z "$whole" ] || PEERS=${PEERS:-dovecot-sdbox dovecot-crypt cyrus postfix}
RUN=$tmp PORT=auto COST=low USERS=1100 sh mk/run.sh >"$tmp.out" 2>&1 &
pid=$!
started=

# peer NAME [OPTION ...]: starts it; its description is $tmp/NAME.json.
peer() {
	name=$1
	shift
	"$BENCH/peers.sh" start "$name" "$@" >"$tmp/$name.json" || return 1
	started="$started $name"
}

stop_peer() {
	left=
	for p in $started; do
		if [ "$p" = "$1" ]; then
			"$BENCH/peers.sh" stop "$p" >/dev/null
		else
			left="$left $p"
		fi
	done
	started=$left
}

finish() {
	for p in $started; do
		stop_peer "$p"
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

# measure PART WORKLOADS OPTION ...: into a folder of the part's name.
measure() {
	part=$1
	work=$2
	shift 2
	rm -rf "${out:?}/$part"
	python3 "$BENCH/mailbench.py" run -s "$tmp/server.json" -w "$work" \
	    -n "${REPEAT:-1}" --out "$out/$part" "$@"
}

wanted() {
	case " $PEERS " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

field() {
	sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\).*/\1/p" "$2"
}

# The index of the search's account is made in quiet moments: wait for one.
index_ready() {
	user=$(field user_pattern "$tmp/server.json" | sed 's/%04u/0025/')
	dir=$(field data_dir "$tmp/server.json")/accounts/${user#*@}/${user%@*}/idx
	before=
	tenths=600
	while [ "$tenths" -gt 0 ]; do
		tenths=$((tenths - 60))
		sleep 6
		now=$(ls -l "$dir" 2>/dev/null)
		[ -z "$now" ] || [ "$now" != "$before" ] || return 0
		before=$now
	done
	echo "bench: no index in $dir" >&2
}

if [ -z "$whole" ]; then
	others=${OTHERS:-}
	for p in ${PEERS:-}; do
		peer "$p" --users 1120 || exit 1
		others="$others -s $tmp/$p.json"
	done
	# shellcheck disable=SC2086
	REPEAT=${REPEAT:-3} measure chosen "$WORK" $others
	python3 regress/bench/ratios.py "$out"
	exit
fi

if wanted dovecot-sdbox; then
	peer dovecot-sdbox --users 1120 || exit 1
	measure imap W1,W3,W4,W5,W7,W8,W9 -s "$tmp/dovecot-sdbox.json" \
	    --seconds 3 --big 0 --idle 1000 --idle-same 1 --settle 3 --watch 3 \
	    --copies 500 --fsyncs 0
	index_ready
	REPEAT=1 measure index W8
fi
if wanted dovecot-crypt; then
	peer dovecot-crypt --users 60 || exit 1
	measure crypt W5 -s "$tmp/dovecot-crypt.json" --bulk 300
	stop_peer dovecot-crypt
fi
if wanted cyrus; then
	peer cyrus --users 60 || exit 1
	measure cyrus W6 -s "$tmp/cyrus.json" --fsyncs 0
	stop_peer cyrus
fi
if wanted postfix; then
	peer postfix --opt \
	    "relay=127.0.0.1:$(field relay_port "$tmp/server.json")" || exit 1
	measure mta W11 -s "$tmp/postfix.json" --seconds 4 --fsyncs 0
	stop_peer postfix
fi
if wanted postfix && wanted dovecot-sdbox; then
	peer postfix --opt \
	    "lmtp=127.0.0.1:$(field lmtp_port "$tmp/dovecot-sdbox.json")" ||
	    exit 1
	python3 "$BENCH/mailbench.py" merge "$tmp/dovecot-sdbox.json" \
	    "$tmp/postfix.json" >"$tmp/both.json" || exit 1
	measure in W2 -s "$tmp/both.json" --count 400 --seconds 3
fi
python3 regress/bench/ratios.py "$out"
