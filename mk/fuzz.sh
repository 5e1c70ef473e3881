#!/bin/sh
# Builds each fuzz entry, regress/fuzz/NAME_fuzz.c, and the libraries with
# clang's libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer in a
# folder of their own, and runs each for FUZZ_SECONDS (60) from the seeds in
# regress/fuzz/NAME_seeds.  Fails where one crashes; the input is kept.
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

command -v clang >/dev/null 2>&1 || {
	echo "fuzz: clang is not installed" >&2
	exit 1
}
includes=-I.
for d in lib/lib* usr.sbin/sealimapd usr.sbin/sealsmtpd usr.sbin/sealkeys; do
	includes="$includes -I$d"
done
mkdir -p "$out/found"
rm -f "$out"/*.o "$out/libs.a"

# Which sources a library has, its Makefile says.
# shellcheck disable=SC2046,SC2086
for d in lib/lib*; do
	for f in $(make -s -C "$d" -f - sources <<'END'
include Makefile
sources:
	@echo ${SRCS}
END
	); do
		clang -std=c11 $(conf CPPFLAGS) $includes $flags -c \
		    -o "$out/${d##*/}-${f%.c}.o" "$d/$f" || exit 1
	done
done
ar rcs "$out/libs.a" "$out"/*.o

for f in regress/fuzz/*_fuzz.c; do
	[ -f "$f" ] || continue
	name=${f##*/}
	name=${name%.c}
	# shellcheck disable=SC2046,SC2086
	clang -std=c11 $(conf CPPFLAGS) $includes $flags -fsanitize=fuzzer \
	    -o "$out/$name" "$f" "$out/libs.a" $(conf EVENT_LIBS) \
	    $(conf TLS_LIBS) $(conf SODIUM_LIBS) $(conf ZSTD_LIBS) \
	    $(conf Z_LIBS) -lutf8proc $(conf BSD_LIBS) || exit 1
	mkdir -p "$out/corpus-$name"
	echo "fuzz: $name, $seconds seconds"
	if ! "$out/$name" -max_total_time="$seconds" -timeout=10 \
	    -rss_limit_mb=1024 -artifact_prefix="$out/found/$name-" \
	    "$out/corpus-$name" "regress/fuzz/${name%_fuzz}_seeds" \
	    >"$out/$name.log" 2>&1; then
		echo "fuzz: $name failed; see $out/$name.log, $out/found"
		tail -n 30 "$out/$name.log"
		failed=1
	else
		tail -n 1 "$out/$name.log"
	fi
done
exit "$failed"
