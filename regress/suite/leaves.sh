#!/bin/sh
# After the first installation: mail for elsewhere leaves by sealrelayd, which
# has a network and nothing else, and not by sealsmtpd, which has none.  The
# next host is a port of the loopback where nobody listens.
set -eu

as_relay() {
	for p in /proc/[0-9]*; do
		case $({ tr '\0:' '  ' <"$p/cmdline"; } 2>/dev/null) in
		*sealrelayd\ * | *smtp-relay\ * | *smtp-resolver\ *)
			stat -c %U "$p"
			grep -H '^Cap\(Prm\|Eff\|Bnd\)' "$p/status" |
			    grep -v '0000000000000000$' >&2 &&
			    echo "with capabilities"
			;;
		esac
	done | sort | uniq -c | awk '{ print $1, $2 }'
}

cat >>/etc/sealmail.conf <<END
relay from 127.0.0.1
relay tls none
route "*" host 127.0.0.1 port 9
END
sealctl reload
printf 'From: alice@example.org\r\nSubject: out\r\n\r\nHello.\r\n' |
    curl -sS --mail-from alice@example.org --mail-rcpt bob@example.net -T - \
    smtp://127.0.0.1
tries=300
until sealctl queue list | grep -F " 4.4.1 "; do
	tries=$((tries - 1))
	[ $tries -gt 0 ] || {
		sealctl queue list
		exit 1
	}
	sleep 0.1
done
[ "$(as_relay)" = "3 _sealrelay" ] || {
	as_relay
	exit 1
}
echo "it was tried"
