#!/bin/sh
# What sealmail(7) says of certificates and of mail that leaves, typed as it
# stands there after the first installation, in its namespaces (walk_ns.sh).
# The world is one more host: names, the mail server of example.net, and a
# provider.  ACME clients are none: they make a certificate where theirs would
# put it, and call their hook.
# usage: walk_out.sh TOP DIR prepare|run
# "run" ends with "mail has left" or fails.
set -eu
TOP=$1
DIR=$2/out
PAGE=$TOP/share/man/man7/sealmail.7
ROOTS=/etc/ssl/certs/ca-certificates.crt
mkdir -p "$DIR"
cd "$DIR"
. "$TOP/regress/suite/nsd.sh"

fail() {
	echo "FAILED: $*"
	exit 1
}

wait_for() {
	tries=600
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || fail "$*"
		sleep 0.1
	done
}

# walk SECTION FROM TO
walk() {
	python3 "$TOP/regress/suite/walk.py" "$PAGE" "$1" run "$2" "$3" sh \
	    "su nobody -s /bin/sh" >walk.out || {
		cat walk.out
		fail "$1 cannot be followed"
	}
	cat walk.out
}

# configure SECTION N: its display N, as the page says, in the configuration.
configure() {
	python3 "$TOP/regress/suite/walk.py" "$PAGE" "$1" shows |
	    sed -n "s/^$2: //p" >lines
	[ -s lines ] || fail "$1 shows nothing"
	cat lines >>/etc/sealmail.conf
	sealctl check || fail "$(cat lines)"
}

# certificate NAME SAN: NAME.pem, NAME.key, by the world's authority.
certificate() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
	echo "subjectAltName=DNS:$2" >"$1.ext"
	openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key \
	    -CAcreateserial -days 30 -extfile "$1.ext" -out "$1.pem" \
	    2>/dev/null || fail "certificate $1"
}

# In the other network: 192.0.2.2 is the world, .3 the provider, .17 a printer.
outside() {
	nsenter -t "$(cat outside.pid)" -n "$@"
}

sink() {
	name=$1
	shift
	outside python3 "$TOP/regress/usr.sbin/sealrelayd/relay/sink.py" \
	    "$name" "$@" >"$name.log" 2>&1 &
	wait_for test -s "$name/port"
}

prepare() {
	unshare -n sh -c 'echo $$ >outside.pid; exec sleep 3600' &
	wait_for test -s outside.pid
	ip link add v0 type veth peer name v1
	ip link set v1 netns "$(cat outside.pid)"
	ip address add 192.0.2.1/24 dev v0
	ip link set v0 up
	outside ip link set lo up
	for a in 2 3 17; do
		outside ip address add 192.0.2.$a/24 dev v1
	done
	outside ip link set v1 up
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -days 30 -subj /CN=ca -keyout ca.key -out ca.pem 2>/dev/null
	cat ca.pem >>"$ROOTS"
	certificate provider smtp.provider.example
	{
		nsd_head example.net
		echo "example.net. 300 MX 10 mx.example.net."
		echo "mx.example.net. 300 A 192.0.2.2"
	} >example.net.zone
	nsd_sign example.net || fail "$(cat nsd.out)"
	{
		nsd_head provider.example
		echo "smtp.provider.example. 300 A 192.0.2.3"
	} >provider.example.zone
	cp example.net.ds /etc/ssl/anchors
	cat >outside.sh <<-END
	. "$TOP/regress/suite/nsd.sh"
	nsd_start 192.0.2.2 53 example.net example.net.signed \
	    provider.example provider.example.zone || cat nsd.out nsd.log
	END
	outside sh outside.sh >outside.out 2>&1
	[ ! -s outside.out ] || fail "$(cat outside.out)"
	sink world listen=192.0.2.2:25
	sink provider listen=192.0.2.3:465 first auth=PLAIN \
	    "tls=$DIR/provider.pem,$DIR/provider.key"
}

# came SINK N: it has so many messages.
came() {
	[ "$(cat "$1"/*.eml 2>/dev/null | grep -c '^Hello\.')" -eq "$2" ]
}

left() {
	[ -z "$(sealctl -j queue list | tr -d '[] \n')" ]
}

leaves() {
	configure "MAIL THAT LEAVES" 1
	sealctl reload
	walk "MAIL THAT LEAVES" 2 3
	wait_for came world 1
	grep -q "MAIL FROM:<alice@example.org>" world/*.env || fail "envelope"
	# A printer says no password; its neighbour may not do so.
	printf 'From: printer@example.org\n\nHello.\n' >page
	outside curl -sS --crlf --interface 192.0.2.17 \
	    --mail-from printer@example.org --mail-rcpt bob@example.net \
	    -T page smtp://192.0.2.1 || fail "the printer"
	outside curl -sS --crlf --interface 192.0.2.3 \
	    --mail-from printer@example.org --mail-rcpt bob@example.net \
	    -T page smtp://192.0.2.1 2>/dev/null && fail "an open relay"
	wait_for came world 2
	# By the provider.
	(umask 077 && echo 'joe:se:cret' >/etc/sealmail.auth)
	configure "MAIL THAT LEAVES" 2
	walk "MAIL THAT LEAVES" 1 1
	sealctl reload
	walk "MAIL THAT LEAVES" 2 3
	wait_for came provider 1
	# joe, se:cret
	grep -q '^AUTH PLAIN AGpvZQBzZTpjcmV0' provider/auth ||
	    fail "$(cat provider/auth)"
	came world 2 || fail "the world has it, too"
	wait_for left
}

# What is served at port 993, and what a file has.
served() {
	openssl s_client -connect mx1.example.org:993 </dev/null 2>/dev/null |
	    openssl x509 -noout -fingerprint -sha256
}

in_file() {
	openssl x509 -in "$1" -noout -fingerprint -sha256
}

renewals() {
	live=/etc/letsencrypt/live/mx1.example.org
	cat >/usr/local/sbin/certbot <<-END
	#!/bin/sh
	[ "\$1 \$2 \$3 \$4 \$5" = \
	    "certonly --standalone -d mx1.example.org --deploy-hook" ] || exit 2
	mkdir -p $live && cp new.key $live/privkey.pem &&
	    cp new.pem $live/fullchain.pem && chmod 600 $live/privkey.pem &&
	    sh -c "\$6"
	END
	cat >/usr/local/sbin/uacme <<-END
	#!/bin/sh
	[ "\$1 \$3 \$4" = "-h issue mx1.example.org" ] || exit 2
	cat next.key >$live/privkey.pem && cat next.pem >$live/fullchain.pem
	END
	cat >/usr/local/sbin/ocspcheck <<-'END'
	#!/bin/sh
	[ "$1" = -o ] || exit 2
	openssl ocsp -issuer ca.pem -cert "$3" -reqout request >/dev/null &&
	    openssl ocsp -index index -CA ca.pem -rsigner ca.pem -rkey ca.key \
	    -reqin request -ndays 1 -respout "$2" >/dev/null 2>&1
	END
	chmod 755 /usr/local/sbin/certbot /usr/local/sbin/uacme \
	    /usr/local/sbin/ocspcheck
	certificate new mx1.example.org
	certificate next mx1.example.org
	# The page: "with the paths ... in sealmail.conf".
	sed -i -e "/^certificate/s,/etc/ssl/mx1.pem,$live/fullchain.pem," \
	    -e "/^certificate/s,/etc/ssl/private/mx1.key,$live/privkey.pem," \
	    /etc/sealmail.conf
	before=$(served)
	walk CERTIFICATES 1 1
	[ "$(served)" = "$(in_file new.pem)" ] || fail "certbot: $before"
	walk CERTIFICATES 2 2
	[ "$(served)" = "$(in_file next.pem)" ] || fail "uacme"
	sealctl show certificates | grep -q mx1 || fail "show certificates"
	# A staple, where the configuration names one.
	cp next.pem /etc/ssl/mx1.pem
	cp next.key /etc/ssl/private/mx1.key
	printf 'V\t491231235959Z\t\t%s\tunknown\t/CN=mx1\n' \
	    "$(openssl x509 -in next.pem -noout -serial | cut -d= -f2)" >index
	walk CERTIFICATES 3 3
	sed -i '/^certificate/s,$, ocsp "/etc/ssl/mx1.ocsp",' /etc/sealmail.conf
	sealctl reload
	openssl s_client -status -connect mx1.example.org:993 </dev/null \
	    2>/dev/null | grep -q 'OCSP Response Status: successful' ||
	    fail "no staple"
}

case $3 in
prepare) prepare ;;
run)
	cat >>/etc/sealmail.conf <<-END
	resolver forward "192.0.2.2"
	resolver anchors "/etc/ssl/anchors"
	END
	leaves
	renewals
	echo "mail has left"
	;;
esac
