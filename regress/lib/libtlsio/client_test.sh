#! /usr/bin/env atf-sh
#
# Sessions that are the client, against openssl s_server with chains of all
# kinds: what is believed, and what it is called where it is not.

# make_key NAME
make_key() {
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	    -out "$1.key" 2>/dev/null
}

# issue NAME ISSUER DAYS EXTENSION...: a certificate; ISSUER may be NAME.
issue() {
	name=$1
	issuer=$2
	days=$3
	shift 3
	[ -f "$name.key" ] || make_key "$name"
	printf '%s\n' "$@" >"$name.ext"
	openssl req -new -key "$name.key" -subj "/CN=$name" -out "$name.csr"
	if [ "$name" = "$issuer" ]; then
		set -- -signkey "$name.key"
	else
		set -- -CA "$issuer.crt" -CAkey "$issuer.key"
	fi
	openssl x509 -req -in "$name.csr" "$@" -set_serial "$(date +%N | sed 's/^0*//')1" \
	    -days "$days" -extfile "$name.ext" -out "$name.crt" 2>/dev/null ||
	    atf_fail "no certificate $name"
}

ca='basicConstraints=critical,CA:TRUE'
san='subjectAltName=DNS:mx.mail.test,DNS:*.wild.test'

# A root, what it has issued by an intermediate, and what nobody has.
make_chains() {
	issue root root 100 "$ca"
	issue middle root 100 "$ca"
	issue leaf middle 50 "$san"
	issue old middle -1 "$san"
	issue alone alone -1 'subjectAltName=DNS:other.test'
	issue common middle 50 'basicConstraints=CA:FALSE'
	issue other_root other_root 100 "$ca"
	# What is sent beside the server's own.
	for k in whole bare; do
		cp leaf.key $k.key
		cp leaf.crt $k.crt
	done
	for k in leaf old common; do
		cp middle.crt $k.chain
	done
	cat middle.crt root.crt >whole.chain
}

# serve NAME [OPTIONS]: sets port.
serve() {
	served=$1
	shift
	stop_server
	: >server.out
	[ ! -f "$served.chain" ] || set -- "$@" -cert_chain "$served.chain"
	openssl s_server -accept 127.0.0.1:0 -rev -cert "$served.crt" \
	    -key "$served.key" "$@" >server.out 2>&1 </dev/null &
	echo $! >server.pid
	tenths=100
	until grep -q '^ACCEPT ' server.out; do
		tenths=$((tenths - 1))
		[ "$tenths" -gt 0 ] || atf_fail "s_server: $(cat server.out)"
		sleep 0.1
	done
	port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' server.out)
}

stop_server() {
	[ -f server.pid ] || return 0
	kill "$(cat server.pid)" 2>/dev/null
	wait "$(cat server.pid)" 2>/dev/null
	rm -f server.pid
}

# says RESULT END OPTIONS...: what the client makes of the server.
says() {
	want="$1	$2"
	shift 2
	got=$("$(atf_get_srcdir)/tlsclient" "$port" "$@" 2>&1)
	case $got in
	"$want	"*) echo "ok: $served $*: $got" ;;
	*) atf_fail "$served $*: not $want but $got" ;;
	esac
}

# digest FILE SELECTOR MATCHING: the data of a TLSA record, in hex.
digest() {
	case $2 in
	0) openssl x509 -in "$1" -outform DER ;;
	1) openssl x509 -in "$1" -noout -pubkey |
	    openssl pkey -pubin -outform DER ;;
	esac | case $3 in
	0) cat ;;
	1) openssl dgst -sha256 -binary ;;
	2) openssl dgst -sha512 -binary ;;
	esac | od -An -tx1 -v | tr -d ' \n'
}

# tlsa USAGE SELECTOR MATCHING FILE
tlsa() {
	echo "tlsa=$1,$2,$3,$(digest "$4" "$2" "$3")"
}

atf_test_case opportunistic cleanup
opportunistic_head() {
	atf_set descr "no verification: whoever it is"
	atf_set require.progs openssl
}
opportunistic_body() {
	make_chains
	for chain in leaf old alone bare; do
		serve $chain
		says ok secure trust=none
		says ok secure trust=none sni=mx.mail.test
	done
	serve leaf -tls1_2 -cipher ECDHE-ECDSA-AES128-SHA
	says ok secure trust=none
	serve leaf -tls1_1 -cipher ALL:@SECLEVEL=0
	says validation-failure closed trust=none
	serve leaf -verify 1 -tls1_2
	says ok secure trust=none
	stop_server
	# A certificate of ours is never shown, not even when asked for.
	! grep -q 'Client certificate' server.out ||
	    atf_fail "a client's certificate"
}
opportunistic_cleanup() { stop_server; }

atf_test_case webpki cleanup
webpki_head() {
	atf_set descr "a chain to a root and a name"
	atf_set require.progs openssl
}
webpki_body() {
	make_chains
	pki='trust=webpki roots=root.crt'
	serve leaf
	# shellcheck disable=SC2086
	{
		says ok secure $pki name=mx.mail.test
		says ok secure $pki name=MX.Mail.TEST
		says ok secure $pki name=no.test name=mx.mail.test
		says ok secure $pki name=a.wild.test
		says certificate-host-mismatch closed $pki name=a.b.wild.test
		says certificate-host-mismatch closed $pki name=wild.test
		says certificate-host-mismatch closed $pki name=mail.test
		says certificate-host-mismatch closed $pki
		says certificate-host-mismatch secure $pki name=x.test go-on=yes
		says certificate-not-trusted closed trust=webpki \
		    roots=other_root.crt name=mx.mail.test
		says certificate-not-trusted closed trust=webpki \
		    name=mx.mail.test
		serve old
		says certificate-expired closed $pki name=mx.mail.test
		serve alone
		says certificate-not-trusted closed $pki name=other.test
		says certificate-not-trusted secure $pki name=other.test \
		    go-on=yes
		serve bare
		says certificate-not-trusted closed $pki name=mx.mail.test
		# A common name is no name (RFC 8461 4.1).
		serve common
		says certificate-host-mismatch closed $pki name=common
	}
}
webpki_cleanup() { stop_server; }

atf_test_case dane_ee cleanup
dane_ee_head() {
	atf_set descr "DANE-EE: the key alone, whatever name and date"
	atf_set require.progs openssl
}
dane_ee_body() {
	make_chains
	for chain in leaf alone old bare; do
		serve $chain
		for selector in 0 1; do
			for matching in 0 1 2; do
				says ok secure trust=dane \
				    "$(tlsa 3 $selector $matching $chain.crt)"
			done
		done
	done
	serve leaf
	says certificate-not-trusted closed trust=dane \
	    "$(tlsa 3 1 1 middle.crt)" name=mx.mail.test
	says certificate-not-trusted closed trust=dane \
	    "$(tlsa 3 0 1 old.crt)" name=mx.mail.test
	says certificate-not-trusted secure trust=dane go-on=yes \
	    "$(tlsa 3 1 1 middle.crt)"
	# One of several is enough: a key that will come, or one of before.
	says ok secure trust=dane "$(tlsa 3 1 1 old.crt)" \
	    "$(tlsa 3 1 1 leaf.crt)"
	# The best digest counts, for each use by itself (RFC 7671 9).
	says certificate-not-trusted closed trust=dane \
	    "$(tlsa 3 1 2 old.crt)" "$(tlsa 3 1 1 leaf.crt)"
	says ok secure trust=dane "$(tlsa 3 0 2 old.crt)" \
	    "$(tlsa 3 1 1 leaf.crt)"
	says ok secure trust=dane "tlsa=3,1,2,00" "$(tlsa 3 1 1 leaf.crt)"
}
dane_ee_cleanup() { stop_server; }

atf_test_case dane_ta cleanup
dane_ta_head() {
	atf_set descr "DANE-TA: a chain to the anchor, name and dates"
	atf_set require.progs openssl
}
dane_ta_body() {
	make_chains
	n=name=mx.mail.test
	for chain in leaf whole; do
		serve $chain
		for selector in 0 1; do
			for matching in 0 1 2; do
				says ok secure trust=dane $n \
				    "$(tlsa 2 $selector $matching middle.crt)"
			done
		done
	done
	serve whole
	says ok secure trust=dane $n "$(tlsa 2 0 1 root.crt)"
	says certificate-host-mismatch closed trust=dane \
	    name=other.test "$(tlsa 2 0 1 root.crt)"
	says certificate-not-trusted closed trust=dane $n \
	    "$(tlsa 2 0 1 other_root.crt)"
	# An anchor that is not sent can be found where the record has it.
	serve leaf
	says certificate-not-trusted closed trust=dane $n \
	    "$(tlsa 2 0 1 root.crt)"
	says ok secure trust=dane $n "$(tlsa 2 0 0 root.crt)"
	says ok secure trust=dane $n "$(tlsa 2 1 0 root.crt)"
	serve bare
	says ok secure trust=dane $n "$(tlsa 2 0 0 middle.crt)"
	says ok secure trust=dane $n "$(tlsa 2 1 0 middle.crt)"
	says certificate-not-trusted closed trust=dane $n \
	    "$(tlsa 2 1 0 root.crt)"
	# The server's own certificate is no anchor of itself.
	says certificate-not-trusted closed trust=dane $n \
	    "$(tlsa 2 1 1 leaf.crt)"
	serve old
	says certificate-expired closed trust=dane $n \
	    "$(tlsa 2 1 1 middle.crt)"
	# A common name will do here (RFC 7672 3.2.3).
	serve common
	says ok secure trust=dane name=common "$(tlsa 2 1 1 middle.crt)"
}
dane_ta_cleanup() { stop_server; }

atf_test_case unusable cleanup
unusable_head() {
	atf_set descr "TLSA records that are not for mail, or not whole"
	atf_set require.progs openssl
}
unusable_body() {
	make_chains
	serve leaf
	for usage in 0 1 4 255; do
		says tlsa-invalid closed trust=dane name=mx.mail.test \
		    "$(tlsa $usage 1 1 leaf.crt)" \
		    "$(tlsa $usage 1 1 middle.crt)"
	done
	good=$(digest leaf.crt 1 1)
	for record in "3,2,1,$good" "3,1,3,$good" "3,1,1,${good}00" \
	    "3,1,1,${good%??}" "3,1,2,$good" "3,1,0,$good" "3,1,1," \
	    "3,1,0,$(digest leaf.crt 1 0)00" "2,0,0,$(digest leaf.crt 1 0)"; do
		says tlsa-invalid closed trust=dane "tlsa=$record"
	done
	says tlsa-invalid closed trust=dane
	says tlsa-invalid secure trust=dane go-on=yes
	# Beside one that is, they do no harm.
	says ok secure trust=dane "tlsa=3,1,1,00" "$(tlsa 1 1 1 leaf.crt)" \
	    "$(tlsa 3 1 1 leaf.crt)"
}
unusable_cleanup() { stop_server; }

atf_test_case starttls cleanup
starttls_head() {
	atf_set descr "what stands behind the answer to STARTTLS is not taken"
	atf_set require.progs "openssl python3"
}
starttls_body() {
	make_chains
	for extra in '' '250 injected\r\n'; do
		cat >server.py <<-END
		import socket, ssl, sys
		l = socket.socket()
		l.bind(("127.0.0.1", 0))
		l.listen()
		print(l.getsockname()[1], flush=True)
		s, _ = l.accept()
		s.recv(100)
		s.sendall(b"220 go ahead\r\n$extra")
		c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		c.load_cert_chain("leaf.crt", "leaf.key")
		try:
		    c.wrap_socket(s, server_side=True).recv(100)
		except (OSError, ssl.SSLError):
		    pass
		END
		rm -f port
		python3 server.py >port &
		echo $! >server.pid
		until [ -s port ]; do sleep 0.1; done
		port=$(cat port)
		served=starttls
		if [ -z "$extra" ]; then
			says ok secure trust=dane starttls=yes \
			    "$(tlsa 3 1 1 leaf.crt)"
		else
			says ok refused trust=none starttls=yes
		fi
		stop_server
	done
	# No TLS at all behind it, and nobody there.
	printf 'import socket\nl=socket.socket()\nl.bind(("127.0.0.1",0))\n%s' \
	    'l.listen()
print(l.getsockname()[1],flush=True)
for text in b"554 no TLS for you\r\n", b"":
    s,_=l.accept()
    s.sendall(text)
    s.close()
' >server.py
	rm -f port
	python3 server.py >port &
	echo $! >server.pid
	until [ -s port ]; do sleep 0.1; done
	port=$(cat port)
	says validation-failure closed trust=none
	says validation-failure closed trust=none
}
starttls_cleanup() { stop_server; }

atf_init_test_cases() {
	atf_add_test_case opportunistic
	atf_add_test_case webpki
	atf_add_test_case dane_ee
	atf_add_test_case dane_ta
	atf_add_test_case unusable
	atf_add_test_case starttls
}
