# An empty Debian 12 in a folder, and systemd in it.  A test program sources
# this file after suite.sh.
#
# The base and the packages that were fetched are kept in SEALMAIL_CACHE
# (/var/cache/sealmail-regress), so that the network is asked once.
#
# shellcheck shell=sh disable=SC2154

DEBIAN_MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
SEALMAIL_CACHE=${SEALMAIL_CACHE:-/var/cache/sealmail-regress}

# What nspawn refuses by itself, and our roles need.
landlock="landlock_create_ruleset landlock_add_rule landlock_restrict_self"
nspawn="systemd-nspawn -q --register=no --keep-unit"

# Skips the test where there can be none.
debian_need() {
	[ -n "${INTEROP-}" ] || atf_skip "takes minutes: make interop runs it"
	[ "$(id -u)" -eq 0 ] || atf_skip "needs root"
	need debootstrap systemd-nspawn nsenter
	[ -f "$SEALMAIL_CACHE/base.tar" ] && return 0
	mkdir -p "$SEALMAIL_CACHE/archives/partial"
	rm -rf "$SEALMAIL_CACHE/base"
	debootstrap --variant=minbase --include=systemd-sysv,dbus bookworm \
	    "$SEALMAIL_CACHE/base" "$DEBIAN_MIRROR" >debootstrap.log 2>&1 || {
		tail -n 5 debootstrap.log
		rm -rf "$SEALMAIL_CACHE/base"
		atf_skip "no Debian from $DEBIAN_MIRROR"
	}
	rm -f "$SEALMAIL_CACHE"/base/var/cache/apt/archives/*.deb
	tar -cf "$SEALMAIL_CACHE/base.tar.new" -C "$SEALMAIL_CACHE/base" .
	mv "$SEALMAIL_CACHE/base.tar.new" "$SEALMAIL_CACHE/base.tar"
	rm -rf "$SEALMAIL_CACHE/base"
}

# debian_new DIR: an empty Debian with the sources in its /root/sealmail.
debian_new() {
	mkdir -p "$1" "$SEALMAIL_CACHE/archives/partial"
	tar -xf "$SEALMAIL_CACHE/base.tar" -C "$1" || atf_fail "no base"
	mkdir -p "$1/root/sealmail" /run/systemd
	# What git knows, or all that was not built.
	(cd "$(suite_top)" && if [ -d .git ]; then
		git -c safe.directory='*' ls-files -z | tar -cf - --null -T -
	else
		tar -cf - --exclude='*.o' --exclude='*.a' --exclude='*.d' \
		    --exclude=config.mk --exclude=config.h --exclude=run .
	fi) | tar -xf - -C "$1/root/sealmail" || atf_fail "no sources"
	echo 127.0.0.1 mx1.example.org >>"$1/etc/hosts"
}

# debian_inside DIR: the command that runs another one in there, with the
# network of this host and the packages that are kept.
debian_inside() {
	echo "$nspawn -D $1" \
	    "--bind=$SEALMAIL_CACHE/archives:/var/cache/apt/archives" \
	    "--chdir=/root/sealmail"
}

# debian_boot DIR: starts systemd in there, without a network, and sets
# leader to the process whose namespaces are its.
debian_boot() {
	# shellcheck disable=SC2086
	$nspawn -D "$1" --private-network \
	    --system-call-filter="$landlock" --boot \
	    >boot.log 2>&1 </dev/null &
	echo $! >nspawn.pid
	boot_tenths=600
	while :; do
		leader=$(cat "/proc/$(cat nspawn.pid)/task/"*/children \
		    2>/dev/null | tr ' ' '\n' | head -n 1)
		case $([ -z "$leader" ] || nsenter -t "$leader" -a \
		    systemctl is-system-running 2>/dev/null) in
		running | degraded) return 0 ;;
		esac
		boot_tenths=$((boot_tenths - 1))
		[ "$boot_tenths" -gt 0 ] || break
		kill -0 "$(cat nspawn.pid)" 2>/dev/null || break
		sleep 0.1
	done
	tail -n 5 boot.log
	debian_end
	atf_skip "systemd does not boot in a container here"
}

# debian_processes DIR: the processes whose root it is, of whatever parent.
debian_processes() {
	for end_proc in /proc/[0-9]*; do
		# shellcheck disable=SC3013
		[ "$end_proc/root" -ef "$1" ] && echo "${end_proc#/proc/}"
	done 2>/dev/null
}

# debian_end: for the cleanup part of a test too.  A test that has ended,
# or took too long, takes nspawn with it, which leaves behind what it started:
# so that is looked for by its root.  With the first process of a container
# all others end.
debian_end() {
	end_dir=root
	[ -d "$end_dir" ] || return 0
	end_tenths=300
	while :; do
		end_pids=$(debian_processes "$end_dir")
		[ -n "$end_pids" ] || break
		# shellcheck disable=SC2086
		kill -KILL $end_pids 2>/dev/null
		end_tenths=$((end_tenths - 1))
		[ "$end_tenths" -gt 0 ] || {
			echo "processes of $end_dir live on: $end_pids"
			return 1
		}
		sleep 0.1
	done
	rm -f nspawn.pid
}
