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
	for d in sealimapd sealsmtpd sealrelayd; do
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
	inside sh -s <"$(suite_top)/regress/suite/leaves.sh" >leaves.out 2>&1 || {
		cat leaves.out
		inside journalctl --no-pager -n 40
		atf_fail "no mail leaves"
	}
	relay_readers
	# Not for the daemons that strangers call.
	for d in sealimapd sealsmtpd; do
		main=$(inside systemctl show -P MainPID "$d")
		[ "$(nsenter -t "$leader" -p -m -- nsenter -t "$main" -n -- \
		    cat /proc/net/route | wc -l)" -le 1 ] ||
		    atf_fail "$d has a way out"
	done
	! inside sealctl show processes | grep -E ' (partial|none) ' ||
	    atf_fail "a process is not wholly confined"
	inside journalctl --no-pager -o short SYSLOG_FACILITY=2 >log
	inside sealctl trace -l - alice@example.org <log | grep -q result=done ||
	    atf_fail "the journal does not tell of mail as sealctl(8) says"
}

# To another host, where the users have other numbers, as sealmail(7) says.
moved() {
	inside sh -ec 'systemctl stop sealimapd.socket sealsmtpd.socket \
		sealrelayd-readers.socket sealrelayd.socket
	    systemctl stop sealimapd sealsmtpd sealrelayd
	    tar -C /var/db -cpf /root/sealmail.tar sealmail
	    rm -rf /var/db/sealmail
	    usermod -u 4711 _sealvault
	    groupmod -g 4712 _sealmail
	    systemd-tmpfiles --create sealmail.conf
	    tar -C /var/db -xpf /root/sealmail.tar
	    sealctl verify
	    systemctl enable --now sealimapd sealsmtpd sealrelayd
	    printf "Subject: moved\n\nx\n" | sealmail deliver alice@example.org
	    sealctl verify
	    sealctl user show alice' >out 2>&1 || {
		cat out
		atf_fail "it cannot be moved"
	}
	grep -q '^alice@example.org *active' out || atf_fail "$(cat out)"
}

# As sealrelayd(8) says, with an editor that is none.
relay_readers() {
	inside groupadd readers
	inside useradd -g readers reader
	inside chmod o+r /etc/sealmail.conf
	inside sh -c 'mkdir -p /etc/systemd/system/sealrelayd-readers.socket.d &&
	    printf "[Socket]\nSocketGroup=readers\nSocketMode=0660\n" \
	    >/etc/systemd/system/sealrelayd-readers.socket.d/override.conf &&
	    systemctl daemon-reload'
	! inside su reader -c 'sealctl show stats' >out 2>&1 ||
	    ! grep -q '^sealrelayd smtp-relay ' out || atf_fail "anybody reads"
	inside systemctl stop sealrelayd.socket sealrelayd ||
	    atf_fail "sealrelayd does not stop"
	inside systemctl enable --now sealrelayd-readers.socket || {
		inside journalctl --no-pager -n 20
		atf_fail "no socket for readers"
	}
	inside systemctl start sealrelayd || atf_fail "sealrelayd is gone"
	inside su reader -c 'sealctl show stats' >out 2>&1
	grep -q '^sealrelayd smtp-relay ' out || {
		cat out
		atf_fail "readers do not read"
	}
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
	moved
}
walk_cleanup() {
	debian_end
}

# What README.md says, as it stands: its commands, and those that make run
# prints for sending and reading.
readme_script() {
	cat <<'END'
set -e
exec 2>&1
cd /root/sealmail
sed -n 's/^    \(make run\) .*/\1/p' README.md >/root/run
grep -q . /root/run
sh /root/run >/root/run.out 2>&1 </dev/null &
run=$!
i=0
until [ -f run/server.json ]; do
	i=$((i + 1))
	kill -0 $run && [ $i -lt 6000 ] || { cat /root/run.out; exit 1; }
	sleep 0.1
done
sed -n '/^Send:/,/^Read:/p' /root/run.out | sed '1d;$d' >/root/send
sed -n '/^Read:/,/mbsync/p' /root/run.out | sed '1d;$d' >/root/read
sed -n '/^Look:/,$p' /root/run.out | sed 1d >/root/look
for f in send read look; do
	grep -q . /root/$f
	sh -e /root/$f >/root/$f.out || { cat /root/run.out; exit 1; }
done
grep -qE "^Subject: (Welcome|hello)" /root/read.out
grep -q imap-engine /root/look.out
kill $run
wait $run || :
make -s install DESTDIR=/root/there
/root/there/usr/local/sbin/sealctl 2>&1 | grep -q usage
make -s clean
echo "README was followed"
END
}

atf_test_case readme cleanup
readme_head() {
	atf_set descr "README.md from an empty Debian to mail that was read"
	atf_set timeout 1800
}
readme_body() {
	debian_need
	debian_new root
	line=$(sed -n 's/^    \(sh mk\/packages.sh [a-z ]*[a-z]\) .*/\1/p' \
	    "$(suite_top)/README.md")
	[ -n "$line" ] || atf_fail "README.md does not say how to begin"
	# shellcheck disable=SC2046
	$(debian_inside "$PWD/root") /bin/sh -c "$line" >out 2>&1 </dev/null || {
		tail -n 20 out
		atf_fail "the packages"
	}
	readme_script >root/root/readme.sh
	# shellcheck disable=SC2086
	$nspawn -D root --private-network \
	    --system-call-filter="$landlock" /bin/sh /root/readme.sh \
	    >out 2>&1 </dev/null || {
		tail -n 40 out
		atf_fail "it cannot be followed"
	}
	grep -q "README was followed" out || atf_fail "not to the end"
}
readme_cleanup() {
	debian_end
}

atf_init_test_cases() {
	atf_add_test_case walk
	atf_add_test_case readme
}
