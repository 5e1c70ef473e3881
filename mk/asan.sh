#!/bin/sh
# The whole suite under AddressSanitizer and UndefinedBehaviorSanitizer, in a
# build of its own below DIR, so that this tree keeps its configuration; then
# all of regress, and the libraries' tests again with the search for leaks.
# usage: sh mk/asan.sh [DIR]	DIR: asan.build
#
# In a sandboxed role a finding is seen as "killed by its sandbox
# syscall=readlink" or "=open" in the daemon's log: the report wants files.
# gdb -p PID with breakpoints at __asan::ReportGenericError and
# __ubsan_handle_* shows where.
set -eu
cd "$(dirname "$0")/.."
top=$PWD
dir=${1:-asan.build}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

# What git knows and what is new, without what was built.
git ls-files -co --exclude-standard | while read -r name; do
	[ ! -f "$name" ] || echo "$name"
done | tar cf - -T - | (cd "$dir" && tar xf -)
cd "$dir"
grep -q '^CONFIGURED_SAN = address,undefined' config.mk 2>/dev/null ||
    ./configure --sanitize=address,undefined >/dev/null
make -s -j"$(getconf _NPROCESSORS_ONLN)" regress

# What this is, for tests that scan or measure memory.
SANITIZED=1
# libatf leaks, and a leak check in a sandboxed role is a forbidden call.
ASAN_OPTIONS=detect_leaks=0:abort_on_error=1
UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export SANITIZED ASAN_OPTIONS UBSAN_OPTIONS
status=0
sh mk/test.sh || status=1

ASAN_OPTIONS=abort_on_error=1
LSAN_OPTIONS=suppressions=$top/mk/leaks.txt:print_suppressions=0
export LSAN_OPTIONS
for lib in libcodec libmime libimap libseal libstore libconf; do
	kyua -v parallelism="$(getconf _NPROCESSORS_ONLN)" test \
	    -k "regress/lib/$lib/Kyuafile" --results-file="$dir/leaks.db" \
	    >leaks.out 2>&1 </dev/null || status=1
	grep -v 'passed  \[' leaks.out | grep -e '->' || true
	kyua report --results-file="$dir/leaks.db" --verbose \
	    --results-filter=broken,failed | grep -A12 'LeakSanitizer' || true
	rm -f "$dir/leaks.db"
	echo "leaks: $lib done"
done
exit "$status"
