#!/bin/sh
# Runs configure where it has not run, where it has changed since, or where
# make was told another SAN or PREFIX than it was.
# usage: sh mk/config.sh SAN PREFIX	("as-configured": no wish)
set -eu
cd "$(dirname "$0")/.."

# was NAME: what configure was told, from config.mk.
was() {
	[ ! -f config.mk ] || sed -n "s/^$1 = //p" config.mk
}

san=$1
prefix=$2
[ "$san" != as-configured ] || san=$(was CONFIGURED_SAN)
[ "$prefix" != as-configured ] || prefix=$(was PREFIX)

# config.log is written by every run; config.mk only when it changes.
if [ -f config.mk ] && [ -f config.h ] && [ -f config.log ] &&
    [ "$san" = "$(was CONFIGURED_SAN)" ] &&
    [ "$prefix" = "$(was PREFIX)" ] &&
    [ -z "$(find configure -newer config.log)" ]; then
	exit 0
fi

set --
if [ -f config.mk ]; then
	set -- "--sysconfdir=$(was SYSCONFDIR)" \
	    "--localstatedir=$(was STATEDIR)" "--rundir=$(was RUNDIR)"
	case $(was CFLAGS) in
	*" -Werror "*) set -- "$@" --werror ;;
	esac
	CC=$(was CC)
	export CC
fi
[ -z "$prefix" ] || set -- "$@" "--prefix=$prefix"
echo "configure --sanitize=$san $*"
./configure "--sanitize=$san" "$@"
