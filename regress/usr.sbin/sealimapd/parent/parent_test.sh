#! /usr/bin/env atf-sh
#
# sealimapd, sealsmtpd and sealrelayd as programs: options, what they refuse to
# start with, and a start to the point where every role is in its sandbox.

top() {
	(cd "$(atf_get_srcdir)/../../../.." && pwd)
}

daemon() {
	echo "$(top)/usr.sbin/$1/parent/$1"
}

ctl() {
	"$(top)/usr.sbin/sealctl/sealctl" -f "$(pwd)/conf" "$@"
}

# Ports that nobody else asks for at this moment.
port() {
	echo $((20000 + ($$ * 7 + $1) % 12000))
}

# prepare [LINES...] : a configuration in ./conf
prepare() {
	chmod 755 .
	d=$(pwd)
	[ -f key.pem ] || (umask 077 && openssl req -x509 -newkey ec \
	    -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
	    -subj /CN=localhost -keyout key.pem -out cert.pem) \
	    >/dev/null 2>&1 || atf_fail "no certificate"
	mkdir -p mail
	# The name of a socket is short.
	[ -f sockdir ] || mktemp -d /tmp/parent.XXXXXX >sockdir
	chmod 755 "$(cat sockdir)"
	{
		echo 'hostname "localhost"'
		echo 'domain "example.org"'
		echo "directory \"$d/mail\""
		echo "queue key \"$d/queue.key\""
		echo "run directory \"$(cat sockdir)\""
		echo "libexec \"$(top)/libexec\""
		echo "certificate \"one\" cert \"$d/cert.pem\" key \"$d/key.pem\""
		echo "listen on \"127.0.0.1\" imaps port $(port 1)"
		echo "listen on \"127.0.0.1\" smtp port $(port 2)"
		echo "listen on socket lmtp"
		if [ "$(id -u)" -eq 0 ]; then
			echo 'group mail 50010'
			echo 'user keys 50001:50001'
			echo 'user net 50002:50002'
			echo 'user vault 50003:50010'
			echo 'user work 50004:50004'
			echo 'user mail 50005:50010'
			echo 'user queue 50006'
		fi
		for line; do
			echo "$line"
		done
	} >conf
	chmod 600 conf
}

# start NAME : and wait until all its roles are ready
start() {
	"$(daemon "$1")" -d -f conf >"$1.log" 2>&1 &
	echo $! >"$1.pid"
	tenths=100
	until grep -q "$1 .* ready" "$1.log"; do
		tenths=$((tenths - 1))
		[ "$tenths" -gt 0 ] || {
			cat "$1.log" >&2
			atf_fail "$1 does not get ready"
		}
		sleep 0.1
	done
}

stop() {
	kill -TERM "$(cat "$1.pid")"
	tenths=150
	while kill -0 "$(cat "$1.pid")" 2>/dev/null; do
		tenths=$((tenths - 1))
		[ "$tenths" -gt 0 ] || atf_fail "$1 does not stop"
		sleep 0.1
	done
	rm -f "$1.pid"
}

tidy() {
	for p in *.pid; do
		[ ! -f "$p" ] || kill -KILL "$(cat "$p")" 2>/dev/null
	done
	[ ! -f sockdir ] || rm -rf "$(cat sockdir)"
}

atf_test_case options
options_body() {
	for d in sealimapd sealsmtpd sealrelayd; do
		atf_check -s exit:1 -e match:usage "$(daemon $d)" -z
		atf_check -s exit:1 -e match:usage "$(daemon $d)" -d extra
		atf_check -s exit:0 -o match:'^.It Nm s[em]' \
		    "$(daemon $d)" -nP
	done
	"$(daemon sealimapd)" -nP >table
	for role in sealkeys imap-store imap-worker imap-engine; do
		grep -q "^.It Nm $role\$" table || atf_fail "no $role"
	done
	{
		echo '.Dd January 1, 2026'
		echo '.Dt T 8'
		echo '.Os'
		echo '.Sh NAME'
		echo '.Nm t'
		echo '.Nd t'
		echo '.Sh PROCESSES'
		cat table
	} >page
	if command -v mandoc >/dev/null; then
		atf_check -s exit:0 mandoc -Tlint -Wwarning page
	fi
}

atf_test_case check cleanup
check_body() {
	prepare
	atf_check -s exit:0 -e ignore "$(daemon sealimapd)" -n -f conf
	atf_check -s exit:0 -o match:example.org \
	    "$(daemon sealimapd)" -nv -f conf
	echo 'nonsense here' >>conf
	atf_check -s exit:1 -e match:'conf:.*:' \
	    "$(daemon sealimapd)" -n -f conf
	atf_check -s exit:1 -e not-empty "$(daemon sealimapd)" -d -f none
}
check_cleanup() {
	tidy
}

atf_test_case refused cleanup
refused_head() {
	atf_set descr "a key that others may read, a listener that is taken"
}
refused_body() {
	prepare
	chmod 644 key.pem
	atf_check -s exit:1 -e match:key.pem "$(daemon sealimapd)" -d -f conf
	chmod 600 key.pem
	mv cert.pem away.pem
	atf_check -s exit:1 -e match:cert.pem "$(daemon sealimapd)" -d -f conf
	mv away.pem cert.pem
	start sealimapd
	# Its own socket tells that it runs.
	atf_check -s exit:1 -e match:'already running' \
	    "$(daemon sealimapd)" -d -f conf
	stop sealimapd
}
refused_cleanup() {
	tidy
}

atf_test_case whole cleanup
whole_head() {
	atf_set descr "all start, sandboxed, and reload"
}
whole_body() {
	[ -x "$(top)/libexec/imap-engine" ] || atf_skip "roles are not built"
	prepare
	start sealsmtpd
	start sealrelayd
	start sealimapd
	ctl -j show processes >list || atf_fail "sealctl"
	for role in sealimapd imap-store imap-worker imap-engine sealsmtpd \
	    smtp-engine smtp-deliver smtp-queue sealrelayd smtp-relay \
	    smtp-resolver sealkeys; do
		grep -q "\"$role\"" list || atf_fail "no $role"
	done
	if grep -q '"pid": 0,' list; then
		atf_fail "one does not run"
	fi
	ctl reload || atf_fail "reload"
	# What cannot change while running is said.
	prepare "listen on \"127.0.0.1\" imaps port $(port 3)"
	atf_check -s not-exit:0 -o ignore -e match:restart \
	    "$(top)/usr.sbin/sealctl/sealctl" -f "$(pwd)/conf" reload
	if [ "$(id -u)" -eq 0 ]; then
		atf_check -o inline:'2750 50003 50010\n' \
		    stat -c '%a %u %g' mail/accounts
		atf_check -o inline:'700 50003 50010\n' \
		    stat -c '%a %u %g' mail/head
	fi
	atf_check -o inline:'400\n' stat -c %a mail/log.key
	stop sealimapd
	stop sealsmtpd
	stop sealrelayd
}
whole_cleanup() {
	tidy
}

atf_init_test_cases() {
	atf_add_test_case options
	atf_add_test_case check
	atf_add_test_case refused
	atf_add_test_case whole
}
