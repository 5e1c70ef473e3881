#!/bin/sh
# Runs the suite in the foreground on loopback, out of one folder, with a demo
# account: what `make run` does once everything is built.  Ctrl-C ends it; the
# mail stays for the next time.
#
# Variables:
#   RUN=DIR    the folder (run): configuration, certificate, mail, logs
#   USERS=N    accounts user0001@sealmail.test and so on, beside the demo one
#   PORT=auto  free ports; PORT=N: from N on, N+9 for mail that leaves;
#              PORT=own: those of the protocols; default 10993
#   COST=low   passwords cost an intruder little: for tests, 1,000 users in
#              seconds
# And for tests of hosts that send each other mail (regress/sites):
#   RUN_DOMAIN=D   another domain than sealmail.test
#   RUN_NAME=HOST  the host's name (localhost)
#   RUN_LISTEN=*   where it listens (127.0.0.1, where clients are sent)
#   RUN_RELAY=dns  mail that leaves goes where DNS says, not to a port here
#   RUN_AGAIN=yes  a daemon that ends is started again
set -u
umask 022

top=$(cd "$(dirname "$0")/.." && pwd)
USERS=${USERS:-1}
PORT=${PORT:-10993}
COST=${COST:-normal}
waiters=
domain=${RUN_DOMAIN:-sealmail.test}
host=127.0.0.1
RUN_LISTEN=${RUN_LISTEN:-$host}
RUN_RELAY=${RUN_RELAY:-port}
RUN_AGAIN=${RUN_AGAIN:-no}
sealimapd=$top/usr.sbin/sealimapd/parent/sealimapd
sealsmtpd=$top/usr.sbin/sealsmtpd/parent/sealsmtpd
sealrelayd=$top/usr.sbin/sealrelayd/parent/sealrelayd
sealctl=$top/usr.sbin/sealctl/sealctl
sealmail=$top/usr.bin/sealmail/sealmail

die() {
	echo "run: $*" >&2
	exit 1
}

case $USERS in
'' | *[!0-9]*) die "USERS=$USERS: not a number" ;;
esac
case $COST in
low | normal) ;;
*) die "COST=$COST: low, or nothing" ;;
esac
case $PORT in
auto | own) ;;
*[!0-9]*) die "PORT=$PORT: a number, auto or own" ;;
esac

mkdir -p "${RUN:=run}" || exit 1
RUN=$(cd "$RUN" && pwd) || exit 1
case $RUN in
*[!A-Za-z0-9/._+-]*) die "$RUN: no blanks or quotes in its name, please" ;;
esac
if [ -f "$RUN/run.pid" ] && kill -0 "$(cat "$RUN/run.pid")" 2>/dev/null; then
	die "a suite runs in $RUN already (pid $(cat "$RUN/run.pid"))"
fi
echo $$ >"$RUN/run.pid"
chmod 755 "$RUN"
rm -f "$RUN/server.json" "$RUN/ended"

# The name of a socket has at most some 100 octets.
sock=$RUN/sock
[ "${#RUN}" -le 80 ] || sock=$(mktemp -d "${TMPDIR:-/tmp}/sealmail.XXXXXX")
mkdir -p "$sock" "$RUN/mail" "$RUN/dkim"
chmod 755 "$sock"
conf=$RUN/sealmail.conf
cert=$RUN/cert.pem
key=$RUN/key.pem
ctl="$sealctl -f $conf"

# ---- What is made once

# random N: that many letters and digits.
random() {
	dd if=/dev/urandom bs=512 count=1 2>/dev/null | LC_ALL=C \
	    tr -dc 'a-km-z2-9' | cut -c "1-$1" | head -n 1
}

make_certificate() {
	if [ -f "$key" ] && openssl x509 -in "$cert" -noout -checkend 86400 \
	    >/dev/null 2>&1; then
		return 0
	fi
	(umask 077 && openssl req -x509 -newkey ec \
	    -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
	    -subj /CN=localhost \
	    -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
	    -keyout "$key" -out "$cert" >"$RUN/openssl.log" 2>&1) || {
		cat "$RUN/openssl.log" >&2
		die "openssl made no certificate"
	}
	rm -f "$RUN/openssl.log"
	chmod 644 "$cert"
}

make_password() {
	[ -s "$RUN/password" ] ||
	    (umask 077 && random 16 >"$RUN/password")
	password=$(cat "$RUN/password")
}

# ---- Ports and configuration

# Ports that something listens on or uses, in decimal, one per line.
ports_in_use() {
	if [ -r /proc/net/tcp ]; then
		cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
		    sed -n 's/^ *[0-9]*: [0-9A-F]*:\([0-9A-F]*\) .*/\1/p' |
		    sort -u | while read -r hex; do
			echo $((0x$hex))
		done
	else
		netstat -an | sed -n 's/.*[.:]\([0-9][0-9]*\) .*/\1/p'
	fi
}

# Ports below those that the system gives to clients.
choose_ports() {
	if [ "$PORT" = own ]; then
		imaps_port=993
		smtp_port=25
		lmtp_port=24
		relay_port=10025
		submission_port=587
		submissions_port=465
		return
	fi
	if [ "$PORT" != auto ]; then
		imaps_port=$PORT
		smtp_port=$((PORT + 1))
		lmtp_port=$((PORT + 2))
		relay_port=$((PORT + 9))
		submission_port=$((PORT + 3))
		submissions_port=$((PORT + 4))
		return
	fi
	ports_in_use >"$RUN/ports"
	set --
	while [ $# -lt 6 ]; do
		p=$(dd if=/dev/urandom bs=2 count=1 2>/dev/null | od -An -tu2)
		p=$((20000 + p % 12000))
		case " $* " in
		*" $p "*) continue ;;
		esac
		grep -qx "$p" "$RUN/ports" || set -- "$@" "$p"
	done
	rm -f "$RUN/ports"
	imaps_port=$1
	smtp_port=$2
	lmtp_port=$3
	relay_port=$4
	submission_port=$5
	submissions_port=$6
}

# As root every role has a uid of its own, without a passwd entry.
conf_users() {
	[ "$(id -u)" -eq 0 ] || return 0
	cat <<END
group mail 50010
user keys 50001:50001
user net 50002:50002
user vault 50003:50010
user work 50004:50004
user mail 50005:50010
user queue 50006
END
}

# Mail that leaves goes to a port where a test may listen, and no farther.
conf_relay() {
	echo "relay from $host"
	[ "$RUN_RELAY" = port ] || return 0
	echo "route relay.test host $host port $relay_port"
	grep -qs '^route "\*"' "$RUN/extra.conf" ||
	    echo "route \"*\" host $host port $relay_port"
}

conf_cost() {
	[ "$COST" = low ] || return 0
	echo "kdf low"
}

make_conf() {
	touch "$RUN/aliases"
	{
		echo "# Made anew by every make run."
		echo "hostname \"${RUN_NAME:-localhost}\""
		echo "domain \"$domain\""
		echo "postmaster \"demo@$domain\""
		echo "directory \"$RUN/mail\""
		echo "run directory \"$sock\""
		echo "libexec \"$top/libexec\""
		echo "certificate \"run\" cert \"$cert\" key \"$key\""
		echo "listen on \"$RUN_LISTEN\" imaps port $imaps_port"
		echo "listen on \"$RUN_LISTEN\" smtp port $smtp_port"
		echo "listen on \"$host\" lmtp port $lmtp_port"
		echo "listen on socket \"$sock/lmtp.sock\" lmtp"
		echo "listen on \"$RUN_LISTEN\" submission port $submission_port"
		echo "listen on \"$RUN_LISTEN\" submissions port $submissions_port"
		echo "queue key \"$RUN/queue.key\""
		echo "dkim directory \"$RUN/dkim\""
		echo "table local \"file:$RUN/aliases\""
		echo "aliases local"
		# All clients of a bench have one address.
		echo "limit connections 20000"
		echo "limit connections-per-source 20000"
		echo "limit messages-per-hour 0"
		echo "limit recipients-per-hour 0"
		conf_cost
		conf_relay
		conf_users
		[ ! -f "$RUN/extra.conf" ] || cat "$RUN/extra.conf"
	} >"$conf.new" && chmod 600 "$conf.new" && mv "$conf.new" "$conf"
	$ctl check >/dev/null || die "its own configuration is refused"
}

# ---- The daemons

# start PROGRAM NAME: writes NAME.pid, and NAME to the pipe when it ended.
start() {
	(
		"$1" -d -f "$conf" >>"$RUN/$2.log" 2>&1 </dev/null &
		echo $! >"$RUN/$2.pid"
		wait $!
		echo "$2 ended with status $?" >>"$RUN/ended"
	) &
	waiters="$waiters $!"
}

stop_daemons() {
	left=$(sh "$RUN/pids.sh")
	for d in sealsmtpd sealrelayd sealimapd; do
		[ ! -f "$RUN/$d.pid" ] ||
		    kill -TERM "$(cat "$RUN/$d.pid")" 2>/dev/null
	done
	# Interrupted once is not stopped: wait for all to be gone.
	for d in sealsmtpd sealrelayd sealimapd; do
		tenths=250
		while [ -f "$RUN/$d.pid" ] && [ "$tenths" -gt 0 ] &&
		    ! grep -q "^$d " "$RUN/ended" 2>/dev/null; do
			tenths=$((tenths - 1))
			sleep 0.1
		done
		[ "$tenths" -gt 0 ] || {
			echo "run: $d does not end; killing it" >&2
			kill -KILL "$(cat "$RUN/$d.pid")"
		}
	done
	# shellcheck disable=SC2086
	[ -z "$waiters" ] || wait $waiters
	waiters=
	# Vaults end by themselves when their master has gone.
	tenths=100
	for p in $left; do
		while kill -0 "$p" 2>/dev/null && [ "$tenths" -gt 0 ]; do
			tenths=$((tenths - 1))
			sleep 0.1
		done
	done
	rm -f "$RUN/sealimapd.pid" "$RUN/sealsmtpd.pid" \
	    "$RUN/sealrelayd.pid" "$RUN/ended"
}

finish() {
	trap '' HUP INT TERM
	rm -f "$RUN/server.json"
	stop_daemons
	rm -f "$RUN/run.pid"
	[ "$sock" = "$RUN/sock" ] || rm -rf "$sock"
}

# shellcheck disable=SC2317
stop() {
	echo
	finish
	echo "stopped"
	exit 0
}

give_up() {
	tail -n 15 "$RUN/sealimapd.log" "$RUN/sealsmtpd.log" \
	    "$RUN/sealrelayd.log" >&2
	finish
	die "$*"
}

# ready: the daemons answer, and no role of theirs is missing.
ready() {
	$ctl -j show processes >"$RUN/processes" 2>/dev/null || return 1
	grep -q '"daemon": "sealimapd"' "$RUN/processes" &&
	    grep -q '"daemon": "sealsmtpd"' "$RUN/processes" &&
	    grep -q '"daemon": "sealrelayd"' "$RUN/processes" &&
	    ! grep -q '"pid": 0,' "$RUN/processes" &&
	    $ctl user list >/dev/null 2>&1 # a process may not be ready yet
}

# 0: they run; 1: one of them ended.
start_daemons() {
	: >"$RUN/sealimapd.log"
	: >"$RUN/sealsmtpd.log"
	: >"$RUN/sealrelayd.log"
	rm -f "$RUN/ended"
	start "$sealimapd" sealimapd
	start "$sealsmtpd" sealsmtpd
	start "$sealrelayd" sealrelayd
	tenths=300
	until ready; do
		[ ! -s "$RUN/ended" ] || return 1
		tenths=$((tenths - 1))
		[ "$tenths" -gt 0 ] || give_up "the daemons do not get ready"
		sleep 0.1
	done
	rm -f "$RUN/processes"
}

# ---- Accounts and mail

make_users() {
	{
		echo "demo@$domain"
		awk -v n="$USERS" -v d="$domain" 'BEGIN {
			for (i = 1; i <= n; i++)
				printf("user%04u@%s\n", i, d) }'
	} >"$RUN/wanted"
	$ctl user list >"$RUN/have" || give_up "the accounts cannot be listed"
	awk -v p="$password" 'NR == FNR { have[$1] = 1; next }
	    !($1 in have) { print $1, p }' "$RUN/have" "$RUN/wanted" \
	    >"$RUN/missing"
	if [ -s "$RUN/missing" ]; then
		$ctl user import "$RUN/missing" >"$RUN/created" ||
		    give_up "accounts could not be made"
		(umask 077 && cat "$RUN/created" >>"$RUN/recovery-codes")
	fi
	new=$(grep -c "^demo@" "$RUN/missing")
	rm -f "$RUN/wanted" "$RUN/have" "$RUN/missing" "$RUN/created"
}

welcome() {
	[ "$new" -ne 0 ] || return 0
	curl -sS --crlf --ssl-reqd --cacert "$cert" --max-time 30 \
	    --mail-from "postmaster@$domain" --mail-rcpt "demo@$domain" \
	    -T - "smtp://localhost:$smtp_port" <<END || give_up "no mail goes in"
From: Sealmail <postmaster@$domain>
To: demo@$domain
Subject: Welcome to Sealmail
Date: $(date -u '+%a, %d %b %Y %H:%M:%S +0000')
Message-ID: <welcome.$(random 12)@$domain>
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii

This message came in by SMTP and was sealed to your account's key before it
touched the disk.  Nobody who copies $RUN/mail can read it:
your password opens it, and nothing else does.

sealmail(7) draws the processes that it went through.
END
}

client_files() {
	(umask 077
	mkdir -p "$RUN/maildir"
	cat >"$RUN/mbsyncrc" <<END
IMAPAccount demo
Host localhost
Port $imaps_port
User demo@$domain
Pass $password
SSLType IMAPS
CertificateFile $cert

IMAPStore there
Account demo

MaildirStore here
Path $RUN/maildir/
Inbox $RUN/maildir/INBOX
SubFolders Verbatim

Channel demo
Far :there:
Near :here:
Patterns *
Create Both
Expunge Both
SyncState *
END
	cat >"$RUN/neomuttrc" <<END
set certificate_file = $cert
set ssl_force_tls = yes
set imap_user = demo@$domain
set imap_pass = $password
set folder = imaps://localhost:$imaps_port/
set spoolfile = +INBOX
set record = +Sent
set postponed = +Drafts
set trash = +Trash
set from = demo@$domain
set smtp_url = smtp://localhost:$smtp_port/
END
	)
}

# Prints the pids of all processes: the daemons and what descends from them.
pids_script() {
	cat >"$RUN/pids.sh" <<EOT
#!/bin/sh
# The pids of all processes of the suite that runs in this folder.
cd "$RUN" || exit 1
if [ -r /proc/self/stat ]; then
	cat /proc/[0-9]*/stat 2>/dev/null | sed 's/(.*)/x/' |
	    awk '{ print \$1, \$4 }'
else
	ps -A -o pid= -o ppid=
fi | awk -v roots="\$(cat sealimapd.pid sealsmtpd.pid \\
    sealrelayd.pid 2>/dev/null | tr '\n' ' ')" '
	{ parent[\$1] = \$2 }
	END {
		n = split(roots, r, " ")
		for (i = 1; i <= n; i++)
			ours[r[i]] = 1
		for (p in parent) {
			for (q = p; q > 1 && !(q in ours); q = parent[q])
				continue
			if (q in ours)
				print p
		}
	}'
EOT
	chmod 755 "$RUN/pids.sh"
}

server_json() {
	(umask 077 && cat >"$RUN/server.json.new" <<END
{
  "name": "sealmail",
  "host": "$host",
  "imaps_port": $imaps_port,
  "imap_port": null,
  "lmtp_port": $lmtp_port,
  "lmtp_unix": "$sock/lmtp.sock",
  "smtp_port": $smtp_port,
  "relay_port": $relay_port,
  "submission_port": $submission_port,
  "submissions_port": $submissions_port,
  "user_pattern": "user%04u@$domain",
  "users": $USERS,
  "password": "$password",
  "pids_cmd": "sh $RUN/pids.sh",
  "data_dir": "$RUN/mail",
  "domain": "$domain",
  "cafile": "$cert",
  "conf": "$conf",
  "sealctl": "$ctl",
  "sealmail": "$sealmail -s $sock/lmtp.sock",
  "log": "$RUN/sealimapd.log"
}
END
	) && mv "$RUN/server.json.new" "$RUN/server.json"
}

instructions() {
	cat <<END

Sealmail runs in $RUN; Ctrl-C stops it, the mail stays.
  IMAPS localhost:$imaps_port   SMTP localhost:$smtp_port   LMTP $sock/lmtp.sock
  account demo@$domain, password $password   (users: $USERS more)
  logs $RUN/sealimapd.log, sealsmtpd.log, sealrelayd.log

Send:
  printf 'From: me@example.org\nSubject: hello\n\nHello.\n' |
    curl -sS --crlf --ssl-reqd --cacert $cert --mail-from me@example.org \\
      --mail-rcpt demo@$domain -T - smtp://localhost:$smtp_port
  printf 'Subject: hello\n\nHello.\n' |
    $sealmail -s $sock/lmtp.sock deliver demo@$domain

Read:
  curl -sS --cacert $cert -u demo@$domain:$password \\
    'imaps://localhost:$imaps_port/INBOX;MAILINDEX=1'
  mbsync -c $RUN/mbsyncrc demo          # into $RUN/maildir
  neomutt -F $RUN/neomuttrc

Look:
  $ctl show processes
END
}

# Those that have ended; false: they are not to be.
start_again() {
	[ "$RUN_AGAIN" = yes ] || return 1
	mv "$RUN/ended" "$RUN/again"
	while read -r d _; do
		start "$top/usr.sbin/$d/parent/$d" "$d"
	done <"$RUN/again"
}

# ---- All of it

trap stop HUP INT TERM
make_certificate
make_password
pids_script
tries=5
choose_ports
make_conf
until start_daemons; do
	why=$(cat "$RUN/ended")
	tries=$((tries - 1))
	if [ "$PORT" != auto ] || [ "$tries" -eq 0 ] ||
	    ! grep -qi 'address already in use' "$RUN/sealimapd.log" \
	    "$RUN/sealsmtpd.log"; then
		! grep -qi 'address already in use' "$RUN/sealimapd.log" \
		    "$RUN/sealsmtpd.log" ||
		    give_up "a port is taken: try make run PORT=auto"
		give_up "$why"
	fi
	stop_daemons
	choose_ports
	make_conf
done
make_users
welcome
client_files
server_json
instructions

# Waiting in wait(1) lets the traps run at once.
while [ ! -s "$RUN/ended" ] || start_again; do
	sleep 1 &
	wait $!
done
give_up "$(cat "$RUN/ended")"
