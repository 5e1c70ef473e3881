#! /usr/bin/env atf-sh
#
# An empty Debian 12: the first installation of sealmail(7) to the letter, with
# systemd; and the commands of README.md.

. "$(atf_get_srcdir)/../suite/suite.sh"
. "$(atf_get_srcdir)/debian.sh"

# walk FROM TO ROOT-SHELL USER-SHELL: types commands of the page.
walk() {
	python3 "$(suite_top)/regress/suite/walk.py" \
	    "$(suite_top)/share/man/man7/sealmail.7" "FIRST INSTALLATION" \
	    run "$@" >>walk.out 2>&1 </dev/null || {
		tail -n 40 walk.out
		[ -z "${leader-}" ] || nsenter -t "$leader" -a \
		    journalctl --no-pager -n 40
		atf_fail "it cannot be followed"
	}
}

# inside COMMAND...: in the container that was booted.
inside() {
	nsenter -t "$leader" -a -- "$@"
}

# The services under systemd: their rating there, reload with a session that
# goes on, restart with sockets that stay.
services() {
	for d in sealimapd sealsmtpd; do
		inside systemctl is-active -q "$d" || atf_fail "$d is not active"
		main=$(inside systemctl show -P MainPID "$d")
		for c in $(inside cat "/proc/$main/task/$main/children"); do
			inside grep -q '^Seccomp:.2' "/proc/$c/status" ||
			    atf_fail "a role of $d is not confined"
			inside grep -q '^CapEff:.0000000000000000' \
			    "/proc/$c/status" ||
			    atf_fail "a role of $d has capabilities"
		done
		inside systemctl reload "$d" || atf_fail "$d does not reload"
		inside systemctl restart "$d" || atf_fail "$d does not restart"
		inside systemctl is-active -q "$d" || atf_fail "$d is gone"
		inside journalctl --no-pager -u "$d" >log
		! grep -iE 'cannot be started|audit|killed|signal=' log ||
		    atf_fail "$d: $(tail -n 5 log)"
	done
	! inside sealctl show processes | grep -E ' (partial|none) ' ||
	    atf_fail "a process is not wholly confined"
}

atf_test_case walk cleanup
walk_head() {
	atf_set descr "sealmail(7) from an empty Debian to a message over TLS"
	atf_set timeout 1800
}
walk_body() {
	debian_need
	need python3
	debian_new root
	: >walk.out
	started=$(date +%s)
	walk 1 3 "$(debian_inside root) /bin/sh" sh
	echo "built and installed after $(($(date +%s) - started)) s"
	debian_boot root
	walk 4 end "nsenter -t $leader -a su - root -s /bin/sh" \
	    "nsenter -t $leader -a su - nobody -s /bin/sh"
	echo "mail was read after $(($(date +%s) - started)) s"
	grep -q '^Hello\.' walk.out || atf_fail "no message was read"
	services
}
walk_cleanup() {
	debian_end
}

atf_init_test_cases() {
	atf_add_test_case walk
}
