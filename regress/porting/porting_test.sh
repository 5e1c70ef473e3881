#! /usr/bin/env atf-sh
#
# What can be said here of systems that are not here: all code outside
# libcompat compiles against headers that declare only what OpenBSD and
# FreeBSD have, written from their manual pages; of libevent only the calls of
# 1.4 are linked; promises are pledge(2)'s, and enough for what a role calls.
#
# A name that both systems have may be added to the headers, with the pages of
# both at hand; one that only one of them has belongs behind libcompat.

. "$(atf_get_srcdir)/../suite/suite.sh"

# Libraries that come as packages there: their headers as they are here.
packages() {
	mkdir -p third/sys third/openssl third/bsd/sys
	for h in sodium.h sodium tls.h zlib.h zconf.h zstd.h zstd_errors.h \
	    zdict.h utf8proc.h unbound.h unbound-event.h; do
		for d in /usr/include /usr/include/*-linux-gnu; do
			[ ! -e "$d/$h" ] || ln -sfn "$d/$h" "third/$h"
		done
	done
	for d in /usr/include /usr/include/*-linux-gnu; do
		[ ! -d "$d/openssl" ] || ln -sf "$d"/openssl/*.h third/openssl/
	done
	# Both systems have these two, of the same origin.
	for h in queue.h tree.h; do
		[ -f "/usr/include/bsd/sys/$h" ] || atf_skip "no libbsd here"
		ln -s "/usr/include/bsd/sys/$h" third/sys/
	done
	ln -s "$(suite_top)/regress/porting/include/sys/cdefs.h" third/bsd/sys/
}

# check SYSTEM FILES...: what the compiler says of them is its output.
check() {
	system=$1
	shift
	top=$(suite_top)
	include=$(for d in "$top"/lib/lib*; do printf ' -I%s' "$d"; done)
	more=
	[ "$system" != __FreeBSD__ ] ||
	    more="-include $top/lib/libcompat/freebsd.h"
	# shellcheck disable=SC2086
	$cc -fsyntax-only -std=c11 -ffreestanding -nostdinc \
	    -isystem "$top/regress/porting/include" \
	    -isystem third -U__linux__ -U__linux -U__gnu_linux__ -Ulinux \
	    "-D$system=1" -Werror=implicit-function-declaration \
	    -Werror=implicit-int -Werror=int-conversion $more -I"$top" \
	    $include -I"$top/usr.sbin/sealimapd" "$@"
}

# compiles SYSTEM LIBCOMPAT-FILE OTHERS-FILE: the last one is not compiled there.
compiles() {
	top=$(suite_top)
	cc=$(sed -n 's/^CC = //p' "$top/config.mk")
	packages
	# It can fail: what only this system has is not there.
	cat >good.c <<'END'
#include <sys/socket.h>
#include <unistd.h>
int f(int, char *);
int f(int s, char *p) { return accept4(s, 0, 0, 0) + (int)read(s, p, 1); }
END
	check "$1" good.c >out 2>&1 || fail "$1"
	for call in 'epoll_create1(0)' 'memfd_create("x", 0)' 'syncfs(1)' \
	    'open("x", O_PATH)' 'getrandom(0, 0, 0)' 'strchrnul("a", 1) != 0' \
	    'prctl(1)' 'signalfd(1, 0, 0)'; do
		cat >bad.c <<END
#include <sys/types.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int f(void);
int f(void) { return $call; }
END
		! check "$1" bad.c >/dev/null 2>&1 ||
		    atf_fail "$1 is said to have $call"
	done
	find "$top/lib" "$top/usr.sbin" "$top/usr.bin" -name '*.c' |
	    grep -v -e '/lib/libcompat/' -e "/lib/libseal/$3" >files
	echo "$top/lib/libcompat/$2" >>files
	[ "$(wc -l <files)" -gt 100 ] || atf_fail "hardly any files"
	set -- "$1" "$2"
	# Some at a time, so that a message is near its cause.
	: >out
	while read -r f; do
		set -- "$@" "$f"
		[ $# -lt 60 ] && continue
		slice "$@"
		set -- "$1" "$2"
	done <files
	[ $# -le 2 ] || slice "$@"
}

slice() {
	slice_system=$1
	shift 2
	check "$slice_system" "$@" >out 2>&1 || fail "$slice_system"
}

fail() {
	grep -E 'error' out | head -n 20
	atf_fail "something that $1 does not have"
}

atf_test_case openbsd
openbsd_head() {
	atf_set descr "all code compiles against what OpenBSD declares"
	atf_set timeout 600
}
openbsd_body() {
	compiles __OpenBSD__ openbsd.c secret_sodium.c
}

atf_test_case freebsd
freebsd_head() {
	atf_set descr "all code compiles against what FreeBSD declares"
	atf_set timeout 600
}
freebsd_body() {
	compiles __FreeBSD__ freebsd.c secret_mmap.c
}

atf_test_case libevent
libevent_head() {
	atf_set descr "only the calls of libevent 1.4 are linked"
}
libevent_body() {
	need python3 nm
	cd "$(suite_top)" || exit 1
	# shellcheck disable=SC2046
	python3 regress/porting/porting.py events \
	    regress/porting/include/event.h \
	    $(find lib usr.sbin usr.bin -name '*.o') ||
	    atf_fail "not of libevent 1.4"
}

atf_test_case promises
promises_head() {
	atf_set descr "promises are pledge(2)'s and allow what roles call"
}
promises_body() {
	need python3 nm
	python3 "$(atf_get_srcdir)/porting.py" promises "$(suite_top)" ||
	    atf_fail "a role would be killed"
}

# BSD make reads every folder's file and knows what to do for all of it.
atf_test_case makefiles
makefiles_body() {
	need bmake
	top=$(suite_top)
	(cd "$top" && find . -name Makefile -not -path './Makefile') >files
	[ "$(wc -l <files)" -gt 50 ] || atf_fail "$(cat files)"
	while read -r file; do
		bmake -n -C "$top/${file%/Makefile}" all >out 2>&1 || {
			echo "$file"
			tail -n 3 out
		}
	done <files >bad
	[ ! -s bad ] || fail_with bad "BSD make does not read them"
}

atf_init_test_cases() {
	atf_add_test_case openbsd
	atf_add_test_case freebsd
	atf_add_test_case libevent
	atf_add_test_case promises
	atf_add_test_case makefiles
}
