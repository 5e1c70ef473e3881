#!/bin/sh
# Runs the regress tree with Kyua, prints failures whole and skips with their
# reasons, and closes with "N passed, N failed[, N skipped]".
#
# The counts come from `kyua report`: the last line of `kyua test` counts
# skipped tests and expected failures as passed.  A known bug (an expected
# failure) is counted with the skipped ones here.
# usage: sh mk/test.sh [PART ...]	parts as kyua names them; default all
set -u
cd "$(dirname "$0")/.." || exit 1

parts=$*
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
# Kyua keeps its results under HOME and wants to write there.
if [ ! -w "${HOME-/nonexistent}" ]; then
	HOME=$tmp
	export HOME
fi
results=$tmp/results.db

set -- -v "parallelism=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)"
if [ "$(id -u)" -eq 0 ]; then
	# Tests for ordinary users need to get at the tree as one.
	if su -s /bin/sh nobody -c "test -r '$PWD/regress/Kyuafile'" \
	    >/dev/null 2>&1; then
		set -- "$@" -v unprivileged_user=nobody
	else
		echo "nobody cannot read $PWD: tests for ordinary users skip"
	fi
fi

# Long forms take longer than what is given to the short ones.
tests="-k regress/Kyuafile"
if [ -n "${STRESS-}" ]; then
	find regress -name Kyuafile | while read -r f; do
		mkdir -p "$tmp/${f%/*}"
		sed -e 's/timeout=[0-9]*/timeout=86400/;t' \
		    -e 's/^\(atf_test_program{.*\)}$/\1, timeout=86400}/' \
		    "$f" >"$tmp/$f"
	done
	tests="-k $tmp/regress/Kyuafile --build-root=regress"
fi

# shellcheck disable=SC2086
kyua "$@" test $tests --results-file="$results" $parts </dev/null
rc=$?
[ -f "$results" ] || {
	echo "0 passed, 1 failed"
	exit 1
}

kyua report --results-file="$results" --verbose \
    --results-filter=broken,failed >"$tmp/failures" 2>&1
kyua report --results-file="$results" \
    --results-filter=skipped,xfail,broken,failed >"$tmp/report" 2>&1

# Test cases: 6 total, 1 skipped, 2 expected failures, 0 broken, 0 failed
counts=$(sed -n 's/^Test cases: //p' "$tmp/report" | tr -d ',' | awk '{
	for (i = 1; i < NF; i++) {
		if ($(i + 1) == "expected")
			n["xfail"] = $i
		else
			n[$(i + 1)] = $i
	}
	printf("%d %d %d\n",
	    n["total"] - n["skipped"] - n["xfail"] - n["broken"] - n["failed"],
	    n["broken"] + n["failed"], n["skipped"] + n["xfail"])
}')
[ -n "$counts" ] || counts="0 1 0"
# shellcheck disable=SC2086
set -- $counts

if [ "$2" -ne 0 ]; then
	echo
	# Whole, but for the environment of the run and empty metadata; reasons
	# of several lines, which Kyua calls broken, as lines.
	awk '/^(Environment variables|Metadata):/ { skip = 1 }
	    /^===>/ || /^$/ { skip = 0 }
	    !skip { gsub(/<<NEWLINE>>/, "\n"); print }' "$tmp/failures"
fi
if [ "$3" -ne 0 ]; then
	echo
	echo "Skipped:"
	grep -E '  ->  (skipped|expected_failure)' "$tmp/report"
fi
# Once more by name: who sees only the end of the output sees these.
if [ "$2" -ne 0 ]; then
	echo
	echo "Failed:"
	grep -E '  ->  (broken|failed)' "$tmp/report" |
	    sed -e 's/<<NEWLINE>>.*<<NEWLINE>>/ ... /' -e 's/<<NEWLINE>>/ ... /'
fi
echo
summary="$1 passed, $2 failed"
[ "$3" -eq 0 ] || summary="$summary, $3 skipped"
echo "$summary"
[ "$rc" -eq 0 ] && [ "$2" -eq 0 ] && [ "$1" -gt 0 ]
