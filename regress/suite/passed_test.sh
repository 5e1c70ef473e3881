#! /usr/bin/env atf-sh
#
# Sockets that a service manager passes.

. "$(atf_get_srcdir)/suite.sh"

# configure LISTEN...: a configuration of its own; port is a free one.
configure() {
	port=$(free_ports 1)
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj /CN=x -keyout key.pem -out cert.pem 2>/dev/null ||
	    atf_fail "no certificate"
	{
		cat <<END
hostname "localhost"
domain "one.test"
certificate "x" cert "$PWD/cert.pem" key "$PWD/key.pem"
directory "$PWD/mail"
run directory "$PWD/run"
libexec "$(suite_top)/libexec"
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
		for l; do
			echo "listen on $l" | sed "s/PORT/$port/"
		done
	} >conf
	chmod 600 conf key.pem
	chmod 755 .
	mkdir -p run mail
	daemon=$(suite_top)/usr.sbin/sealimapd/parent/sealimapd
}

# start OPTIONS: of passed.py.
start() {
	rm -f ready
	python3 "$(atf_get_srcdir)/passed.py" "$@" -N "$PWD/ready" \
	    "$daemon" -d -f "$PWD/conf" >daemon.log 2>&1 </dev/null &
	echo $! >daemon.pid
	wait_for 60 test -s ready || {
		cat daemon.log
		atf_fail "it does not get ready"
	}
	[ "$(cat ready)" = "READY=1" ] || atf_fail "it says $(cat ready)"
}

stop() {
	[ -f daemon.pid ] || return 0
	pid=$(cat daemon.pid)
	kill -TERM "$pid" 2>/dev/null
	i=0
	while kill -0 "$pid" 2>/dev/null && [ "$i" -lt 200 ]; do
		i=$((i + 1))
		sleep 0.1
	done
	rm -f daemon.pid
}

# greeted ADDRESS: somebody speaks IMAP with TLS there.
greeted() {
	python3 - "$1" "$port" <<'END'
import socket, ssl, sys
c = ssl.create_default_context()
c.check_hostname = False
c.verify_mode = ssl.CERT_NONE
s = c.wrap_socket(socket.create_connection((sys.argv[1], int(sys.argv[2])), 20))
sys.exit(not s.recv(1000).startswith(b"* OK"))
END
}

# refused MESSAGE OPTIONS...
refused() {
	want=$1
	shift
	python3 "$(atf_get_srcdir)/passed.py" "$@" "$daemon" -d -f "$PWD/conf" \
	    >daemon.log 2>&1 </dev/null && atf_fail "it started"
	grep -q "$want" daemon.log || atf_fail "$(cat daemon.log)"
}

atf_test_case taken cleanup
taken_head() {
	atf_set descr "one of both families, one of each, none but its own"
}
taken_body() {
	configure "* imaps port PORT"
	start -b "$port"
	greeted 127.0.0.1 || atf_fail "not by IPv4"
	greeted ::1 || atf_fail "not by IPv6"
	grep -q 'peer=127.0.0.1' daemon.log || atf_fail "$(cat daemon.log)"
	stop
	start -4 "$port" -6 "$port"
	greeted 127.0.0.1 || atf_fail "not by IPv4, apart"
	greeted ::1 || atf_fail "not by IPv6, apart"
	stop
	start -4 "$port"
	greeted 127.0.0.1 || atf_fail "not by IPv4 alone"
	stop
	# Meant for somebody else: it makes its own.
	port2=$((port == 65535 ? 1024 : port + 1))
	start -w -4 "$port2"
	greeted 127.0.0.1 || atf_fail "not by its own"
}
taken_cleanup() {
	stop
}

atf_test_case no_network cleanup
no_network_head() {
	atf_set descr "passed ones work without a network of its own"
	atf_set require.user root
}
no_network_body() {
	configure "* imaps port PORT"
	python3 "$(atf_get_srcdir)/passed.py" -n /bin/true 2>out ||
	    atf_skip "$(cat out)"
	start -b "$port" -n
	greeted 127.0.0.1 || atf_fail "not by IPv4"
	greeted ::1 || atf_fail "not by IPv6"
}
no_network_cleanup() {
	stop
}

atf_test_case differ
differ_head() {
	atf_set descr "what is passed is what is configured, or nothing starts"
}
differ_body() {
	configure "127.0.0.1 imaps port PORT"
	refused "address=127.0.0.1 port=$port: the service manager passes" \
	    -4 "$port"
	configure "* imaps port PORT"
	other=$((port == 65535 ? 1024 : port + 1))
	refused "address=0.0.0.0 port=$other, and no listen line wants it" \
	    -b "$port" -4 "$other"
	refused "the service manager passes sockets, but none of these" \
	    -4 "$other"
	LISTEN_FDS=99999999 python3 -c '
import os, sys
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[1], sys.argv[1:])' "$daemon" -d -f "$PWD/conf" \
	    >daemon.log 2>&1 && atf_fail "it started"
	grep -q 'LISTEN_FDS is too large' daemon.log ||
	    atf_fail "$(cat daemon.log)"
	LISTEN_FDS=1 python3 -c '
import os, sys
os.dup2(os.open("/dev/null", os.O_RDONLY), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[1], sys.argv[1:])' "$daemon" -d -f "$PWD/conf" \
	    >daemon.log 2>&1 && atf_fail "it started"
	grep -q 'passes descriptor 3' daemon.log ||
	    atf_fail "$(cat daemon.log)"
}

atf_test_case local cleanup
local_head() {
	atf_set descr "a daemon of no rights, on control sockets of root's"
	atf_set require.user root
}
local_body() {
	configure "* imaps port PORT" "127.0.0.1 smtp port PORT"
	daemon=$(suite_top)/usr.sbin/sealrelayd/parent/sealrelayd
	chgrp 50007 conf
	chmod 640 conf
	head -c 32 /dev/urandom >mail/log.key
	chgrp 50007 mail/log.key
	chmod 440 mail/log.key
	start -s "$PWD/run/sealrelayd.sock" -s "$PWD/run/sealrelayd.wire" \
	    -u 50007
	"$(suite_top)/usr.sbin/sealctl/sealctl" -f conf -j show processes \
	    >all 2>err || atf_fail "$(cat err)"
	[ "$(grep -c '"uid": 50007,.*"sandbox": "full"' all)" -eq 3 ] ||
	    fail_show all
	# Nothing of its own is left in the run directory or on the disk.
	[ -z "$(find run mail -user 50007)" ] || fail_show daemon.log
	# Other users cannot ask.
	python3 - "$PWD/run/sealrelayd.wire" <<'END' || atf_fail "it got in"
import os, socket, sys
os.setgid(50002)
os.setuid(50002)
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
try:
    s.connect(sys.argv[1])
except PermissionError:
    sys.exit(0)
sys.exit(1)
END
	kill -HUP "$(cat daemon.pid)"
	wait_for 60 grep -q 'config reloaded' daemon.log || fail_show daemon.log
	# A configuration that it may not read: it goes on with the old one.
	chgrp 0 conf
	kill -HUP "$(cat daemon.pid)"
	wait_for 60 grep -q 'reload failed.*[Pp]ermission' daemon.log ||
	    fail_show daemon.log
	chgrp 50007 conf
	stop
	refused "path=$PWD/run/other.sock, which is none of ours" \
	    -s "$PWD/run/sealrelayd.sock" -s "$PWD/run/sealrelayd.wire" \
	    -s "$PWD/run/other.sock" -u 50007
	# One that is missing cannot be made by it.
	refused "bind path=$PWD/run/sealrelayd.wire" \
	    -s "$PWD/run/sealrelayd.sock" -u 50007
	# Readers would want one more: without it the rest works.
	echo 'control readers 50008' >>conf
	start -s "$PWD/run/sealrelayd.sock" -s "$PWD/run/sealrelayd.wire" \
	    -u 50007
	grep -q 'control readers: the service manager' daemon.log ||
	    fail_show daemon.log
}
local_cleanup() {
	stop
}

# as UID GID COMMAND...: by nobody in particular.
as() {
	python3 -c 'import os, sys
os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[1]))
os.execv(sys.argv[3], sys.argv[3:])' "$@"
}

atf_test_case readers cleanup
readers_head() {
	atf_set descr "the socket of control readers, passed to one of no rights"
	atf_set require.user root
}
readers_body() {
	configure "* imaps port PORT" "127.0.0.1 smtp port PORT"
	daemon=$(suite_top)/usr.sbin/sealrelayd/parent/sealrelayd
	ctl=$(suite_top)/usr.sbin/sealctl/sealctl
	as 50009 50008 /bin/test -x "$ctl" ||
	    atf_skip "the programs are not to be reached by other users"
	chgrp 50007 conf
	chmod 644 conf
	head -c 32 /dev/urandom >mail/log.key
	chgrp 50007 mail/log.key
	chmod 440 mail/log.key
	# With the line of the configuration, and without it: whom the manager
	# lets in may ask.
	for line in 'control readers 50008' ''; do
		[ -z "$line" ] || echo "$line" >>conf
		start -s "$PWD/run/sealrelayd.sock" \
		    -s "$PWD/run/sealrelayd.wire" \
		    -g 50008 "$PWD/run/sealrelayd.read.sock" -u 50007
		! grep 'control readers' daemon.log || atf_fail "not taken"
		as 50009 50008 "$ctl" -f conf show stats >out 2>err ||
		    fail_show err daemon.log
		grep -q '^sealrelayd smtp-relay ' out || fail_show out
		as 50009 50008 "$ctl" -f conf show processes >out 2>err ||
		    fail_show err
		[ "$(grep -c smtp-re out)" -eq 2 ] || fail_show out
		as 50009 50008 "$ctl" -f conf reload >out 2>err &&
		    atf_fail "a reader changes something"
		! grep 'config reloaded' daemon.log || atf_fail "it reloaded"
		as 50009 50009 "$ctl" -f conf show stats >out 2>err &&
		    atf_fail "another group reads"
		stop
		sed -i '/^control readers/d' conf
	done
}
readers_cleanup() {
	stop
}

fail_show() {
	cat "$@"
	atf_fail "see above"
}

atf_init_test_cases() {
	atf_add_test_case local
	atf_add_test_case readers
	atf_add_test_case taken
	atf_add_test_case no_network
	atf_add_test_case differ
}
