#!/bin/sh
# Builds each fuzz entry, regress/fuzz/NAME_fuzz.c, the libraries and what else
# of the programs it needs (regress/fuzz/Makefile says what) with clang's
# libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer in a folder of
# their own, and runs each for FUZZ_SECONDS (60; 0: builds only) from the seeds
# in regress/fuzz/NAME_seeds and what earlier runs have found.  FUZZ_ONLY names
# some of them.  Fails where one crashes; the input is kept.
set -u
cd "$(dirname "$0")/.." || exit 1
seconds=${FUZZ_SECONDS:-60}
out=regress/fuzz/build
flags="-g -O1 -fsanitize=fuzzer-no-link,address,undefined \
    -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
failed=0

conf() {
	sed -n "s/^$1 = //p" config.mk
}

# What a variable of a Makefile is.
ask() {
	# shellcheck disable=SC2016
	printf 'include Makefile\nasked:\n\t@echo ${%s}\n' "$2" |
	    ${MAKE:-make} -s -C "$1" -f - asked
}

command -v clang >/dev/null 2>&1 || {
	echo "fuzz: clang is not installed" >&2
	exit 1
}
includes=-I.
for d in lib/lib* usr.sbin/sealimapd usr.sbin/sealsmtpd usr.sbin/sealrelayd \
    usr.sbin/sealkeys; do
	includes="$includes -I$d"
done
mkdir -p "$out/found"
# Accounts of the fuzzers, in memory if that is to be had: a store syncs.
TMPDIR=$(mktemp -d /dev/shm/fuzz.XXXXXX 2>/dev/null) || TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 1' HUP INT TERM
rm -f "$out"/*.o "$out/libs.a"

# shellcheck disable=SC2046,SC2086
compile() {
	clang -std=c11 $(conf CPPFLAGS) $includes $flags -c -o "$2" "$1"
}

for d in lib/lib*; do
	for f in $(ask "$d" SRCS); do
		compile "$d/$f" "$out/${d##*/}-${f%.c}.o" || exit 1
	done
done
ar rcs "$out/libs.a" "$out"/lib*.o

# A source becomes an object of the folder $out, named after both.
object() {
	to=$out/$(echo "${1%.c}" | tr './' '__').o
	[ -f "$to" ] || compile "$1" "$to" || exit 1
}

# Those of ADD_NAME, and an archive of what lies in the folders DIRS_NAME.  An
# object that a folder shares with others has its source somewhere near.
program() {
	objects=
	for o in $(ask regress/fuzz "ADD_$1"); do
		object "regress/fuzz/${o%.o}.c"
		objects="$objects $to"
	done
	[ -n "$objects" ] || return 0
	rm -f "$out/$1.a"
	for d in $(ask regress/fuzz "DIRS_$1"); do
		d=regress/fuzz/$d
		for o in $(ask "$d" SRCS) $(ask "$d" OBJADD); do
			f=$d/${o%.[co]}.c
			[ "$o" != main.c ] || continue
			[ -f "$f" ] || f=$d/../parent/$(basename "$f")
			[ -f "$f" ] || f=$d/../$(basename "$f")
			[ -f "$f" ] || f=usr.sbin/sealsmtpd/$(basename "$f")
			object "$f"
			${AR:-ar} rcs "$out/$1.a" "$to"
		done
	done
	[ ! -f "$out/$1.a" ] || objects="$objects $out/$1.a"
}

for name in ${FUZZ_ONLY:-$(cd regress/fuzz && echo *_fuzz.c)}; do
	name=${name%_fuzz.c}
	program "$name"
	wrap=
	[ -z "$objects" ] || wrap="$(ask regress/fuzz WRAP) \
	    $(ask regress/fuzz "WRAP_$name")"
	# shellcheck disable=SC2046,SC2086
	clang -std=c11 $(conf CPPFLAGS) $includes $flags -fsanitize=fuzzer \
	    -o "$out/${name}_fuzz" "regress/fuzz/${name}_fuzz.c" $objects \
	    "$out/libs.a" $(conf EVENT_LIBS) $(conf TLS_LIBS) \
	    $(conf SODIUM_LIBS) $(conf ZSTD_LIBS) $(conf Z_LIBS) -lutf8proc \
	    $(conf BSD_LIBS) $wrap || exit 1
	[ "$seconds" -gt 0 ] || continue
	mkdir -p "$out/corpus-${name}_fuzz"
	echo "fuzz: $name, $seconds seconds"
	if ! "$out/${name}_fuzz" -max_total_time="$seconds" -timeout=10 \
	    -rss_limit_mb=1024 -artifact_prefix="$out/found/$name-" \
	    "$out/corpus-${name}_fuzz" "regress/fuzz/${name}_seeds" \
	    >"$out/${name}_fuzz.log" 2>&1; then
		echo "fuzz: $name failed; see $out/${name}_fuzz.log, $out/found"
		tail -n 30 "$out/${name}_fuzz.log"
		failed=1
	else
		tail -n 1 "$out/${name}_fuzz.log"
	fi
done
exit "$failed"
