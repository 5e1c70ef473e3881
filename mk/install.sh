#!/bin/sh
# Lays out a system under DESTDIR: daemons and control tool in sbin, roles in
# libexec/sealmail, the users' program in bin, manual pages, a sample of the
# configuration, and what starts the daemons on each system.  With -u it takes
# the same files away; a configuration that was changed stays, as does mail.
# usage: sh mk/install.sh [-u] DESTDIR
set -eu
cd "$(dirname "$0")/.."
remove=no
if [ "$1" = -u ]; then
	remove=yes
	shift
fi
dest=$1

conf() {
	sed -n "s/^$1 = //p" config.mk
}
PREFIX=$(conf PREFIX)
SYSCONFDIR=$(conf SYSCONFDIR)
STATEDIR=$(conf STATEDIR)
RUNDIR=$(conf RUNDIR)
case $(conf OS) in
linux | freebsd) man=$PREFIX/share/man ;;
*) man=$PREFIX/man ;;
esac
[ "$(conf OS)" != freebsd ] || man=$PREFIX/man

# put MODE FILE TARGET : one file, its folder made.  A daemon that runs may
# start the program at any moment: the name is never without one.
put() {
	if [ "$remove" = yes ]; then
		rm -f "$dest$3"
		return
	fi
	mkdir -p "$dest${3%/*}"
	rm -f "$dest$3.new"
	cp "$2" "$dest$3.new"
	chmod "$1" "$dest$3.new"
	mv -f "$dest$3.new" "$dest$3"
}

# fill MODE FILE TARGET : the same, with @NAMES@ filled in.
fill() {
	sed -e "s,@PREFIX@,$PREFIX,g" -e "s,@SYSCONFDIR@,$SYSCONFDIR,g" \
	    -e "s,@STATEDIR@,$STATEDIR,g" -e "s,@RUNDIR@,$RUNDIR,g" \
	    "$2" >"$tmp"
	put "$1" "$tmp" "$3"
}
tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT

for p in sealimapd/parent/sealimapd sealsmtpd/parent/sealsmtpd \
    sealrelayd/parent/sealrelayd sealctl/sealctl; do
	put 755 "usr.sbin/$p" "$PREFIX/sbin/${p##*/}"
done
put 755 usr.bin/sealmail/sealmail "$PREFIX/bin/sealmail"
for p in libexec/*; do
	put 755 "$p" "$PREFIX/libexec/sealmail/${p##*/}"
done
for p in share/man/man*/*.[1578]; do
	put 644 "$p" "$man/${p#share/man/}"
done
put 644 etc/sealmail.conf "$PREFIX/share/examples/sealmail/sealmail.conf"
conf=$SYSCONFDIR/sealmail.conf
if [ "$remove" = no ]; then
	[ -e "$dest$conf" ] || put 640 etc/sealmail.conf "$conf"
elif cmp -s etc/sealmail.conf "$dest$conf"; then
	put 640 etc/sealmail.conf "$conf"
fi

case $(conf OS) in
linux)
	# A unit under /usr belongs to the system's own folder.
	case $PREFIX in
	/usr) lib=/usr/lib ;;
	*) lib=/etc ;;
	esac
	[ "$lib" = /etc ] && users=/etc/sysusers.d || users=$lib/sysusers.d
	[ "$lib" = /etc ] && tmpf=/etc/tmpfiles.d || tmpf=$lib/tmpfiles.d
	for d in sealimapd sealsmtpd sealrelayd; do
		fill 644 "etc/systemd/$d.service.in" \
		    "$lib/systemd/system/$d.service"
	done
	for d in sealimapd sealsmtpd; do
		put 644 "etc/systemd/$d.socket" \
		    "$lib/systemd/system/$d.socket"
	done
	put 644 etc/systemd/sealmail.sysusers "$users/sealmail.conf"
	# /var/run is a link to /run there, and systemd wants to be told so.
	RUNDIR=${RUNDIR#/var}
	for d in sealrelayd sealrelayd-readers; do
		fill 644 "etc/systemd/$d.socket.in" \
		    "$lib/systemd/system/$d.socket"
	done
	fill 644 etc/systemd/sealmail.tmpfiles.in "$tmpf/sealmail.conf"
	;;
openbsd)
	for d in sealimapd sealsmtpd sealrelayd; do
		fill 555 "etc/rc.d.openbsd/$d.in" "/etc/rc.d/$d"
	done
	;;
freebsd)
	for d in sealimapd sealsmtpd sealrelayd; do
		fill 555 "etc/rc.d.freebsd/$d.in" "$PREFIX/etc/rc.d/$d"
	done
	;;
esac
if [ "$remove" = yes ]; then
	for d in libexec/sealmail share/examples/sealmail; do
		[ ! -d "$dest$PREFIX/$d" ] || rmdir "$dest$PREFIX/$d"
	done
fi
