#!/bin/sh
# The libraries' tests under valgrind: memory that is read before it is
# written, as on a wire or a disk, and memory that is misused.
# usage: sh mk/valgrind.sh [LIBRARY ...]
# The cases that run for minutes there (property, fault and power tests, whose
# code the others run too) or measure time are left out unless ALL=1.
set -u
cd "$(dirname "$0")/.." || exit 1
[ $# -gt 0 ] || set -- libmsg libcodec libseal libmime libimap libstore libconf
command -v valgrind >/dev/null || {
	echo "valgrind is not installed"
	exit 1
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
long='^(hostile_test|seeds_test|copyfault_test|mergefault_test|fault_test|power_test|alloc_test|merge_test|random_test|mutant_test)$'
long_case='^(backup_test:(beside|killed)|scram_test:of_password|rebuild_test:(killed|login_killed)|verify_test:(beside|flips)|wire_test:fair)$'

passed=0
failed=0
left=0
for lib; do
	for program in "regress/lib/$lib"/*_test; do
		name=$(basename "$program")
		if [ ! -f "$program.c" ] || [ ! -x "$program" ]; then
			continue
		fi
		for case in $("$program" -l 2>/dev/null |
		    sed -n 's/^ident: //p'); do
			if [ -z "${ALL-}" ] && {
				echo "$name" | grep -Eq "$long" ||
				    echo "$name:$case" | grep -Eq "$long_case"
			}; then
				left=$((left + 1))
				continue
			fi
			rm -rf "$tmp/work"
			mkdir "$tmp/work"
			if (cd "$tmp/work" && timeout 600 valgrind -q \
			    --error-exitcode=99 --leak-check=no \
			    --suppressions="$OLDPWD/mk/valgrind.supp" \
			    --track-origins=yes \
			    --log-file="$tmp/log" \
			    "$OLDPWD/$program" -s "$OLDPWD/regress/lib/$lib" \
			    -r "$tmp/result" "$case" >"$tmp/out" 2>&1) &&
			    [ ! -s "$tmp/log" ]; then
				passed=$((passed + 1))
			elif grep -q '^skipped' "$tmp/result" 2>/dev/null &&
			    [ ! -s "$tmp/log" ]; then
				left=$((left + 1))
			else
				failed=$((failed + 1))
				echo "$lib/$name:$case"
				head -n 40 "$tmp/log"
				cat "$tmp/result" 2>/dev/null
			fi
			rm -f "$tmp/log" "$tmp/result"
		done
	done
	echo "$lib done"
done
echo "$passed passed, $failed failed, $left left out"
[ "$failed" -eq 0 ]
