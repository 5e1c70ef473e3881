#! /usr/bin/env atf-sh
#
# What starts the daemons on each system.

. "$(atf_get_srcdir)/suite.sh"

# What systemd's rating of a service must stay under, in tenths.
EXPOSURE=20

atf_test_case rated
rated_head() {
	atf_set descr "systemd rates each unit below 2.0; one has a network"
	atf_set require.progs systemd-analyze
}
rated_body() {
	# A tree of its own, in which only the units are.
	top=$(suite_top)
	units=root/etc/systemd/system
	mkdir -p "$units"
	for d in sealimapd sealsmtpd sealrelayd; do
		for f in "$top"/etc/systemd/"$d".*; do
			sed -e 's,@PREFIX@,/usr/local,g' \
			    -e 's,@SYSCONFDIR@,/etc,g' \
			    -e 's,@STATEDIR@,/var/db/sealmail,g' \
			    -e 's,@RUNDIR@,/run/sealmail,g' \
			    "$f" >"$units/$(basename "$f" .in)"
		done
	done
	for d in sealimapd sealsmtpd sealrelayd; do
		systemd-analyze security --offline=true --root="$PWD/root" \
		    --no-pager "$d.service" >out 2>err
		rating=$(sed -n 's/.*Overall exposure level for .*: \([0-9.]*\) .*/\1/p' \
		    out)
		[ -n "$rating" ] || atf_skip "no offline rating: $(head -n 1 err)"
		echo "$d: $rating"
		[ "$(echo "$rating" | tr -d .)" -lt "$EXPOSURE" ] || {
			grep '✗' out
			atf_fail "$d.service is rated $rating"
		}
		for line in TasksMax=infinity MemorySwapMax=0 LimitCORE=0 \
		    LimitNOFILE=524288; do
			grep -qx "$line" "$units/$d.service" ||
			    atf_fail "$d.service has no $line"
		done
	done
	# Who is called by strangers calls nobody.
	for d in sealimapd sealsmtpd; do
		for line in PrivateNetwork=yes RestrictAddressFamilies=AF_UNIX \
		    IPAddressDeny=any; do
			grep -qx "$line" "$units/$d.service" ||
			    atf_fail "$d.service has no $line"
		done
	done
	# Who calls strangers has nothing else; and can call them.
	for line in User=_sealrelay CapabilityBoundingSet=; do
		grep -qx "$line" "$units/sealrelayd.service" ||
		    atf_fail "sealrelayd.service has no $line"
	done
	! grep '^PrivateNetwork=yes\|^IPAddressDeny\|^ReadWritePaths' \
	    "$units/sealrelayd.service" ||
	    atf_fail "sealrelayd.service lets no mail out, or writes"
	# A rating without a mark could not fail.
	sed -i '/^User=/d;/^NoNewPriv/d;/^CapabilityB/d;/^SystemCallF/d' \
	    "$units/sealrelayd.service"
	systemd-analyze security --offline=true --root="$PWD/root" \
	    --no-pager --threshold="$EXPOSURE" sealrelayd.service \
	    >/dev/null 2>&1 && atf_fail "any unit is rated well"
	return 0
}

# site SYSTEM: its scripts, filled in for this folder, in ./rc, with daemons
# of this folder, a configuration, and an install(1) that tells what it makes.
site() {
	top=$(suite_top)
	mkdir -p p/sbin bin state run mail
	for d in sealimapd sealsmtpd sealrelayd; do
		cp "$top/usr.sbin/$d/parent/$d" "p/sbin/$d"
		sed -e "s,@PREFIX@,$PWD/p,g" -e "s,@SYSCONFDIR@,$PWD,g" \
		    -e "s,@STATEDIR@,$PWD/state,g" \
		    -e "s,@RUNDIR@,$PWD/run,g" \
		    -e "s,^\. /etc.*rc.subr,. $(atf_get_srcdir)/rc.subr.$1," \
		    "$top/etc/rc.d.$1/$d.in" >"rc.$d"
		sh -n "rc.$d" || atf_fail "the script for $d"
	done
	cat >bin/install <<'END'
#!/bin/sh
echo "$@" >>"${0%/*}/../installed"
END
	chmod 755 bin/install .
	PATH=$PWD/bin:$PATH
	export PATH
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj /CN=x -keyout key.pem -out cert.pem 2>/dev/null ||
	    atf_fail "no certificate"
	cat >sealmail.conf <<END
hostname "localhost"
domain "one.test"
certificate "x" cert "$PWD/cert.pem" key "$PWD/key.pem"
directory "$PWD/mail"
run directory "$PWD/run"
libexec "$top/libexec"
queue key "$PWD/queue.key"
kdf low
user keys 50001:50001
user net 50002:50002
user vault 50003:50010
user work 50004:50004
user mail 50005:50010
user queue 50006
group mail 50010
END
	ports=$(free_ports 2)
	echo "listen on 127.0.0.1 imaps port ${ports% *}" >>sealmail.conf
	echo "listen on 127.0.0.1 smtp port ${ports#* }" >>sealmail.conf
	chmod 600 sealmail.conf key.pem
	pwd -P >where
}

ctl() {
	"$(suite_top)/usr.sbin/sealctl/sealctl" -f sealmail.conf "$@"
}

not_running() {
	! sh "./rc.$1" "$2"
}

all_ready() {
	ctl -j show processes >roles 2>/dev/null &&
	    grep -q "\"daemon\": \"$1\"" roles &&
	    ! grep -q '"pid": 0,' roles
}

# The life of a daemon; the word for "does it run" is $1.
life() {
	for d in sealimapd sealsmtpd sealrelayd; do
		not_running "$d" "$1" || atf_fail "$d runs already"
		sh "./rc.$d" start || atf_fail "$d does not start"
		wait_for 30 sh "./rc.$d" "$1" || atf_fail "$d is not found"
		wait_for 30 all_ready "$d" || atf_fail "$d is not ready"
		grep -q -- "-m 0755 $PWD/run $PWD/state" installed ||
		    atf_fail "no directories: $(cat installed)"
		sh "./rc.$d" configtest || atf_fail "configtest"
		# A bad configuration is found before the daemon hears of it.
		cp sealmail.conf good
		echo "nonsense" >>sealmail.conf
		sh "./rc.$d" reload >out 2>&1 && atf_fail "a bad one is taken"
		cat good >sealmail.conf
		sh "./rc.$d" reload || atf_fail "$d does not reload"
		sh "./rc.$d" "$1" || atf_fail "$d has ended"
		sh "./rc.$d" stop || atf_fail "$d does not stop"
		wait_for 30 not_running "$d" "$1" || atf_fail "$d still runs"
	done
}

# Whatever a failed test left.
end_daemons() {
	[ -f where ] || return 0
	for p in /proc/[0-9]*; do
		case $(readlink "$p/exe") in
		"$(cat where)"/p/sbin/seal*)
			[ ! -d "$p" ] || kill "${p#/proc/}" 2>/dev/null
			;;
		esac
	done
}

atf_test_case openbsd cleanup
openbsd_head() {
	atf_set descr "the rc.d scripts for OpenBSD, over its rc.subr"
	atf_set require.user root
	atf_set require.progs "openssl python3 ps"
}
openbsd_body() {
	[ -e /proc/self/exe ] || atf_skip "no /proc"
	site openbsd
	life check
}
openbsd_cleanup() {
	end_daemons
}

atf_test_case freebsd cleanup
freebsd_head() {
	atf_set descr "the rc.d scripts for FreeBSD, over its rc.subr"
	atf_set require.user root
	atf_set require.progs "openssl python3 ps"
}
freebsd_body() {
	[ -e /proc/self/exe ] || atf_skip "no /proc"
	site freebsd
	RC_CONF=$PWD/rc.conf
	export RC_CONF
	not_running sealimapd start || atf_fail "it starts without being enabled"
	echo 'sealimapd_enable=YES sealsmtpd_enable=YES sealrelayd_enable=YES' \
	    >rc.conf
	life status
	[ "$(sed -n 's/^# PROVIDE: //p' rc.sealimapd rc.sealsmtpd \
	    rc.sealrelayd |
	    tr '\n' ' ')" = "sealimapd sealsmtpd sealrelayd " ] || atf_fail "PROVIDE"
}
freebsd_cleanup() {
	end_daemons
}

atf_init_test_cases() {
	atf_add_test_case rated
	atf_add_test_case openbsd
	atf_add_test_case freebsd
}
