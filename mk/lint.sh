#!/bin/sh
# The checks of `make lint`: formatting, static analysis, manual pages, shell
# scripts, and the rules of the house style that a script can see.  Prints
# what is wrong, one line each where it can, and fails if anything is.
# Lists of files and flags are split at blanks on purpose:
# shellcheck disable=SC2046,SC2086
set -u
cd "$(dirname "$0")/.." || exit 1
LC_ALL=C
export LC_ALL

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
failed=0
NCPU=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)

# files PATTERN... : tracked files, or all of a tree without git.
files() {
	if [ -d .git ]; then
		git ls-files -- "$@"
	else
		for pattern; do
			find . -name "${pattern##*/}" -type f |
			    sed 's,^\./,,'
		done
	fi | while read -r f; do
		[ ! -f "$f" ] || echo "$f"
	done
}

# verdict NAME : what the check left in $tmp/out is its complaint.
verdict() {
	if [ -s "$tmp/out" ]; then
		echo "lint: $1:"
		sed 's/^/  /' "$tmp/out"
		failed=$((failed + 1))
	fi
	: >"$tmp/out"
}

# forbid NAME REGEX FILES... : lines that may not be.
forbid() {
	name=$1
	regex=$2
	shift 2
	[ $# -eq 0 ] || grep -nHE -e "$regex" "$@" >"$tmp/out"
	verdict "$name"
}

# flags NAME : a variable of config.mk
flags() {
	sed -n "s/^$1 = //p" config.mk
}

format() {
	clang-format --dry-run -Werror $SOURCES 2>&1 |
	    grep 'error: ' >"$tmp/out"
	verdict "clang-format"
}

analyse() {
	# The macros of sys/queue.h and sys/tree.h must be known to it.
	q=
	for h in /usr/include/bsd/sys/queue.h /usr/include/bsd/sys/tree.h; do
		[ ! -f "$h" ] || q="$q --include=$h"
	done
	cppcheck -q -j "$NCPU" --std=c11 --language=c --inline-suppr --error-exitcode=1 \
	    --enable=warning,portability --max-configs=1 \
	    --suppressions-list=mk/cppcheck.txt \
	    --template='{file}:{line}: {severity}: {message} [{id}]' \
	    $q -I. $INCLUDES $PROGRAM_C >"$tmp/out" 2>&1 && : >"$tmp/out"
	verdict "cppcheck"
}

# Each header must compile with nothing before it.
headers() {
	for h in $HEADERS; do
		echo "#include \"$h\"" | $(flags CC) -std=c11 -x c \
		    -fsyntax-only -Wall -Wextra -Werror -I. $INCLUDES \
		    $(flags CPPFLAGS) - >>"$tmp/out" 2>&1 ||
		    echo "$h does not compile alone" >>"$tmp/out"
	done
	verdict "headers compile alone"
}

# Functions begin and end with a brace in column 0.
sizes() {
	for f in $SOURCES; do
		awk -v f="$f" '
		/^\{/ { start = NR }
		/^\}/ { if (start && NR - start - 1 > 100)
			printf("%s:%d: function of %d lines (100)\n",
			    f, start, NR - start - 1); start = 0 }
		END { if (NR > 1200)
			printf("%s: %d lines (1200)\n", f, NR) }' "$f"
	done >"$tmp/out"
	verdict "sizes of functions and files"
}

columns() {
	for f in $SOURCES $GRAMMARS; do
		expand "$f" | awk -v f="$f" 'length($0) > 80 {
			printf("%s:%d: %d columns\n", f, NR, length($0)) }'
	done >"$tmp/out"
	verdict "lines of at most 80 columns"
}

licences() {
	for f in $SOURCES $GRAMMARS; do
		head -n 3 "$f" | grep -q 'Copyright (c) 20[0-9][0-9]' ||
		    echo "$f"
	done >"$tmp/out"
	verdict "licence at the head"
}

names() {
	for f in $SOURCES; do
		case ${f##*/} in
		util.[ch] | misc.[ch] | common.[ch]) echo "$f" ;;
		esac
	done >"$tmp/out"
	verdict "file names that say nothing"
}

# promises ROLE : what the parents' tables let it do.
promises() {
	cat usr.sbin/*/parent/procs.c | awk -v role="$1" -F '"' '
	/\.name = "/ { ours = $2 == role }
	/\.promises = "/ && ours { on = 1 }
	on { text = text $2 }
	on && /",/ { print text; exit }'
}

# The role block of each main.c, compared with folder and role table.
roles() {
	for f in $ROLE_MAINS; do
		prog=$(sed -n 's/^PROG = *//p' "${f%/*}/Makefile")
		block=$(sed -n '1,60p' "$f")
		for word in Process "Runs as" "May do" "Talks to" Holds \
		    Trusts; do
			printf '%s\n' "$block" | grep -q "^ \* $word:" ||
			    echo "$f: no \"$word:\" in a role block"
		done
		printf '%s\n' "$block" |
		    grep -q "^ \* Process: *$prog\$" ||
		    echo "$f: Process: is not $prog"
		may=$(promises "$prog")
		case $f in
		*/parent/*) continue ;;
		esac
		printf '%s\n' "$block" | sed -n '/^ \* May do:/,/^ \* Talks/p' |
		    sed 's/^ \* *//;s/^May do: *//' | tr '\n' ' ' |
		    grep -q "^$may;" ||
		    echo "$f: May do: is not \"$may\" as in procs.c"
	done >"$tmp/out"
	verdict "role blocks"
}

# Every word of the grammar stands in the manual.
keywords() {
	page=share/man/man5/sealmail.conf.5
	[ -f lib/libconf/parse.y ] && [ -f "$page" ] || return 0
	sed -n 's/^[[:space:]]*{ *"\([a-z-]*\)", *[A-Z0-9_]* *},\{0,1\}.*/\1/p' \
	    lib/libconf/*.[cy] | sort -u | while read -r word; do
		grep -qE "(^\.(It )?|[[:space:]])(Ic|Cm) $word( |\$)" \
		    "$page" || echo "$word is not in $page"
	done >"$tmp/out"
	verdict "keywords in sealmail.conf(5)"
}

pages() {
	for f in $PAGES; do
		mandoc -Tlint -Wwarning "$f"
		awk -v f="$f" '/^[^.].*[a-z]{3}[.] +[A-Z]/ {
			printf("%s:%d: two sentences on a line\n", f, NR) }' "$f"
	done >"$tmp/out" 2>&1
	verdict "manual pages"
}

shells() {
	shellcheck -s sh -e SC1008,SC1091,SC2154,SC2034,SC3045 $SCRIPTS >"$tmp/out" 2>&1 &&
	    : >"$tmp/out"
	verdict "shellcheck"
	# rc.subr(8) reads variables and calls functions of theirs.
	shellcheck -s ksh -e SC1091,SC2034,SC2086,SC2317 $RC_SCRIPTS \
	    >"$tmp/out" 2>&1 && : >"$tmp/out"
	verdict "shellcheck of rc.d scripts"
}

SOURCES=$(files '*.c' '*.h')
GRAMMARS=$(files '*.y')
HEADERS=$(files 'lib/*.h' 'usr.sbin/*.h' 'usr.bin/*.h')
PROGRAM_C=$(files 'lib/*.c' 'usr.sbin/*.c' 'usr.bin/*.c')
# What other systems declare is told apart by system, of course.
OUTSIDE=$(printf '%s\n' $SOURCES $GRAMMARS |
    grep -v -e '^lib/libcompat/' -e '^regress/porting/include/')
ROLE_MAINS=$(files 'usr.sbin/*/*/main.c' 'usr.sbin/sealkeys/main.c')
PAGES=$(files 'share/man/*.[1578]')
SCRIPTS="configure .ci/run $(files '*.sh')"
RC_SCRIPTS=$(files 'etc/rc.d.*/*.in' 'regress/suite/rc.subr.*')
INCLUDES=$(for d in lib/lib*; do printf ' -I%s' "$d"; done)
: >"$tmp/out"

format
sizes
columns
licences
names
headers
roles
keywords
pages
shells

# A constant is no variable; a pointer that is no constant itself is one.
grep -nHE '^extern ' $HEADERS |
    grep -vE ':extern const ([^*]*|.*\* ?const [a-z_]+(\[.*\])?);' >"$tmp/out"
verdict "extern variables in headers"
forbid "#ifdef for a system outside libcompat" \
    '^#[[:space:]]*(if|ifdef|ifndef|elif).*__(linux__|linux|OpenBSD__|FreeBSD__|NetBSD__|APPLE__|unix__)' \
    $OUTSIDE
forbid "sandbox calls outside libproc" \
    '^[^*]*[^a-z_>.](pledge|unveil|sandbox_enter)[[:space:]]*\(' \
    $(printf '%s\n' $PROGRAM_C | grep -vE '^lib/lib(compat|proc)/')
forbid "structs on a wire" \
    'msg_put_[a-z]+\(.*sizeof ?\((struct|\*)' $PROGRAM_C
forbid "secrets in log lines" \
    '(log_(info|debug|warn|warnx)|fatalx?)\(.*,.*[^a-z_"](password|passwd|secret|amk|kek|master_key)[^a-z_"(]' \
    $PROGRAM_C
forbid "alloca" '[^a-z_]alloca[[:space:]]*\(' $PROGRAM_C
forbid "while (1)" '^[^*]*while \(1\)' $SOURCES
forbid "libevent beyond 1.4" \
    '[^a-z_](event_base_(new|dispatch|loop)|bufferevent_socket_new|evbuffer_peek|event_new|evtimer_new)[[:space:]]*\(' \
    $PROGRAM_C
forbid "blanks at the end of a line" '[[:space:]]$' $SOURCES $GRAMMARS \
    $SCRIPTS $PAGES
analyse

if [ "$failed" -ne 0 ]; then
	echo "lint: $failed checks failed"
	exit 1
fi
echo "lint: clean"
