# A name server for tests, with zones of theirs, signed or not.  A test program,
# or a script in a namespace of its own, sources this file:
#
#	. "$(suite_top)/regress/suite/nsd.sh"
#
# Everything lies in the working folder.  What fails returns 1 and says why
# in nsd.out and nsd.log.
#
# shellcheck shell=sh

NSD_PROGS="nsd ldns-keygen ldns-signzone python3"
PATH=$PATH:/usr/sbin

# nsd_lacks: prints which program is not here; fails if there is none.
nsd_lacks() {
	for nsd_prog in $NSD_PROGS; do
		command -v "$nsd_prog" >/dev/null || {
			echo "$nsd_prog"
			return 0
		}
	done
	return 1
}

# nsd_port: a port of 127.0.0.1 that is free for queries.
nsd_port() {
	python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# nsd_head ZONE [SERVER]: how a zone begins.  Without a server elsewhere it is
# ns.ZONE at 127.0.0.1.
nsd_head() {
	nsd_server=${2-ns.$1}
	printf '%s. 300 SOA %s. h.test. 1 3600 600 86400 300\n' \
	    "$1" "$nsd_server"
	printf '%s. 300 NS %s.\n' "$1" "$nsd_server"
	[ $# -eq 2 ] || printf '%s. 300 A 127.0.0.1\n' "$nsd_server"
}

# nsd_key ZONE: a key; ZONE.ds is what proves it.
nsd_key() {
	ldns-keygen -k -a ED25519 "$1." >"$1.key" 2>>nsd.out &&
	    cp "$(cat "$1.key").ds" "$1.ds"
}

# nsd_sign ZONE: ZONE.zone -> ZONE.signed, by its key.
nsd_sign() {
	[ -f "$1.key" ] || nsd_key "$1" || return 1
	ldns-signzone -o "$1." -f "$1.signed" "$1.zone" "$(cat "$1.key")" \
	    >>nsd.out 2>&1
}

# nsd_start ADDRESS PORT ZONE FILE ...: serves these, and no others any more.
nsd_start() {
	nsd_stop
	cat >nsd.conf <<-END
	server:
		ip-address: $1@$2
		username: ""
		chroot: ""
		zonesdir: "$PWD"
		database: ""
		pidfile: "$PWD/nsd.pid"
		logfile: "$PWD/nsd.log"
		xfrdfile: "$PWD/xfrd"
		xfrdir: "$PWD"
		zonelistfile: "$PWD/zonelist"
		cookie-secret-file: ""
		server-count: 1
	remote-control:
		control-enable: no
	END
	nsd_at="$1 $2 $3"
	shift 2
	while [ $# -ge 2 ]; do
		printf 'zone:\n\tname: "%s."\n\tzonefile: "%s"\n' "$1" "$2"
		shift 2
	done >>nsd.conf
	nsd -d -c nsd.conf >>nsd.out 2>&1 &
	echo $! >nsd.child
	nsd_tries=300
	# shellcheck disable=SC2086
	until nsd_answers $nsd_at; do
		nsd_tries=$((nsd_tries - 1))
		[ "$nsd_tries" -gt 0 ] || return 1
		kill -0 "$(cat nsd.child)" || return 1
	done 2>>nsd.out
}

# nsd_answers ADDRESS PORT ZONE: is there an answer within a fifth of a second?
nsd_answers() {
	python3 - "$@" <<-END
	import socket, sys, time
	address, port, zone = sys.argv[1:]
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.settimeout(0.2)
	name = b"".join(bytes([len(x)]) + x.encode() for x in zone.split("."))
	try:
	    s.connect((address, int(port)))
	    s.send(b"\\1\\2\\0\\0\\0\\1\\0\\0\\0\\0\\0\\0" + name +
	           b"\\0\\0\\6\\0\\1")
	    sys.exit(s.recv(512)[3] & 15)
	except OSError:
	    time.sleep(0.2)
	    sys.exit(1)
	END
}

# nsd_stop: also for the cleanup part of a test.  It has ended when this does.
nsd_stop() {
	[ -f nsd.child ] || return 0
	nsd_pid=$(cat nsd.child)
	rm -f nsd.child
	kill "$nsd_pid" 2>/dev/null || return 0
	nsd_tries=300
	while kill -0 "$nsd_pid" 2>/dev/null; do
		nsd_tries=$((nsd_tries - 1))
		[ "$nsd_tries" -gt 0 ] || {
			kill -KILL "$nsd_pid"
			return 0
		}
		sleep 0.1
	done
}
