#! /usr/bin/env atf-sh
# Mail on its way out: smtp-queue, smtp-relay and smtp-resolver as they are,
# servers of all kinds at the other end.

SRC=$(atf_get_srcdir)
BIN=$SRC/../../../../usr.sbin

# sink NAME WORD ...: a server, its port in PORT, what it gets in NAME/
sink()
{
	name=$1
	shift
	python3 "$SRC/sink.py" "$name" "$@" >"$name.log" 2>&1 &
	echo $! >>children
	n=0
	until [ -s "$name/port" ]; do
		n=$((n + 1))
		[ $n -lt 100 ] || atf_fail "sink: $(cat "$name.log")"
		sleep 0.1
	done
	PORT=$(cat "$name/port")
}

# relay: runs the commands on standard input, output to out.
relay()
{
	mkdir -p base/queue
	touch config
	"$SRC/outbox" "$BIN" base config >out 2>err ||
	    atf_fail "outbox: $? $(cat err)"
}

has()
{
	grep -q -- "$1" "$2" || atf_fail "no '$1' in $2: $(cat "$2")"
}

message()
{
	printf 'From: a@here.test\r\nSubject: x\r\n\r\nbody\r\n' >mail
}

stop()
{
	[ ! -f children ] || while read -r pid; do
		kill "$pid" 2>/dev/null || :
	done <children
}

atf_test_case delivered cleanup
delivered_head()
{
	atf_set descr "what arrives is what was sent, once, with its envelope"
}
delivered_body()
{
	sink mx
	printf 'From: a@here.test\r\n\r\n.dot\r\n..\r\n.\r\nend' >mail
	echo "route far.test 127.0.0.1 $PORT 1" >config
	relay <<-EOT
	send a@here.test b@far.test,c@far.test mail
	send <> d@far.test mail 1
	many 30 a@here.test far.test mail
	wait 20
	sleep 4
	EOT
	has '^empty' out
	[ "$(find mx -name '*.eml' | wc -l)" -eq 32 ] ||
	    atf_fail "$(find mx)"
	{
		printf 'Received: by outbox\r\n'
		cat mail
		printf '\r\n'
	} >want
	# On the wire each leading dot was doubled (RFC 5321 4.5.2).
	for f in mx/*.eml; do
		sed 's/^\.\././' "$f" | cmp - want || atf_fail "$f differs"
	done
	cat mx/*.env >envelopes
	has 'MAIL FROM:<a@here.test> SIZE=' envelopes
	has 'MAIL FROM:<> SIZE=.* BODY=8BITMIME' envelopes
	has 'RCPT TO:<c@far.test>' envelopes
	# No more at once than a destination may have.
	[ "$(cat mx/most)" -le 5 ] || atf_fail "$(cat mx/most) at once"
	# A connection carries several.
	[ "$(cat mx/conns)" -lt 20 ] || atf_fail "$(cat mx/conns) connections"
	[ -z "$(ls base/queue/msg)" ] || atf_fail "files are left"
}
delivered_cleanup()
{
	stop
}

atf_test_case refused cleanup
refused_head()
{
	atf_set descr "4yz is tried again, 5yz reported, nobody twice"
}
refused_body()
{
	sink mx
	message
	printf 'route far.test 127.0.0.1 %s 1\nretry 1\nsource 1\n' \
	    "$PORT" >config
	relay <<-EOT
	send a@here.test never@far.test,once@far.test,b@far.test mail
	send <> never2@far.test mail
	send a@here.test never3@far.test mail 0 1
	wait 20
	EOT
	has '^empty' out
	has '^report failed never@far.test 5.1.1 5.1.1 no such user' out
	[ "$(grep -c '^report' out)" -eq 1 ] || atf_fail "$(cat out)"
	[ "$(cat mx/*.env | grep -c 'RCPT TO:<once@')" -eq 1 ] || atf_fail once
	[ "$(cat mx/*.env | grep -c 'RCPT TO:<b@')" -eq 1 ] || atf_fail b
	# Called from the address that the configuration says.
	cat mx/*.env | grep '^peer' | sort -u >peers
	[ "$(cat peers)" = "peer 127.0.0.77" ] || atf_fail "$(cat peers)"
}
refused_cleanup()
{
	stop
}

atf_test_case servers cleanup
servers_head()
{
	atf_set descr "servers that refuse, lie, hang up, speak no SMTP"
}
servers_body()
{
	message
	: >config
	for word in greet-421 greet-554 close-at-mail drop-at-dot lie-size \
	    no-esmtp bare starttls-broken hang=greeting slow bdat-502 \
	    8bit=no ehlo-450; do
		sink "$word" "$word"
		echo "route $word.test 127.0.0.1 $PORT 1" >>config
	done
	sink good
	echo "route good.test 127.0.0.1 $PORT 1" >>config
	{
		for word in greet-421 greet-554 close-at-mail drop-at-dot \
		    lie-size no-esmtp bare starttls-broken hang=greeting \
		    slow bdat-502; do
			echo "send a@here.test b@$word.test mail"
		done
		echo "send a@here.test b@8bit=no.test mail 1"
		# Who is busy may well take 8 bits another time.
		echo "send a@here.test b@ehlo-450.test mail 1"
		echo "send a@here.test b@good.test mail"
		echo "wait 8"
	} >commands
	relay <commands
	has '^report failed b@greet-554.test 5.7.1 ' out
	has '^report failed b@lie-size.test 5.3.4 ' out
	has '^report failed b@8bit=no.test 5.6.3 ' out
	[ "$(grep -c '^report' out)" -eq 3 ] || atf_fail "$(cat out)"
	# The message that was dropped at its dot comes once more.
	for word in drop-at-dot no-esmtp starttls-broken bdat-502 good; do
		[ -f "$word/1.eml" ] || atf_fail "$word: $(cat out)"
		[ ! -f "$word/2.eml" ] || atf_fail "$word: twice"
	done
	# One octet a second is no reason to wait for, nor to give up.
	has '^left 6' out
}
servers_cleanup()
{
	stop
}

atf_test_case copies cleanup
copies_head()
{
	atf_set descr "who takes mail and never says so gets few copies"
}
copies_body()
{
	message
	sink mute always-drop
	printf 'route mute.test 127.0.0.1 %s 1\nretry 1\n' "$PORT" >config
	printf 'send a@here.test b@mute.test mail\nwait 12\n' >commands
	relay <commands
	# After 1, 2, 4, 8 seconds at least, and not each two seconds.
	n=$(find mute -name '*.eml' | wc -l)
	[ "$n" -ge 1 ] || atf_fail "$n: $(cat out)"
	[ "$n" -le 5 ] || atf_fail "$n copies"
	has '^left 1' out
}
copies_cleanup()
{
	stop
}

atf_test_case replies cleanup
replies_head()
{
	atf_set descr "replies that nobody asked for, without end, or in clear"
}
replies_body()
{
	message
	: >config
	sink endless endless=greeting
	echo "route endless.test 127.0.0.1 $PORT 1" >>config
	for word in data-250 extra starttls-inject; do
		sink "$word" "$word"
		echo "route $word.test 127.0.0.1 $PORT 1" >>config
	done
	sink strict starttls-inject
	echo "route strict.test 127.0.0.1 $PORT 2" >>config
	{
		for word in data-250 starttls-inject endless strict; do
			echo "send a@here.test b@$word.test mail"
		done
		echo "many 20 a@here.test extra.test mail"
		echo "sleep 5"
		echo "settle 3 30"
	} >commands
	echo "retry 1" >>config
	relay <commands
	# What is out of step is never taken for a success.
	[ ! -f data-250/1.eml ] || atf_fail "data-250: $(cat out)"
	[ ! -f endless/1.eml ] || atf_fail "endless: $(cat out)"
	# What came before TLS is not believed: in clear where that is allowed.
	has '^plain' starttls-inject/1.env
	[ ! -f strict/1.eml ] || atf_fail "strict: $(cat out)"
	! grep '^report' out || atf_fail "reports"
	for i in $(seq 0 19); do
		cat extra/*.env | grep -q "RCPT TO:<rcpt$i@extra.test>" ||
		    atf_fail "rcpt$i is lost: $(cat out)"
	done
	has '^left 3' out
}
replies_cleanup()
{
	stop
}

# impatient: the relay waits for a part of its time, as QUICKER says.
impatient()
{
	mkdir -p quick/sealrelayd/relay
	ln -s "$(cd "$BIN" && pwd)/sealsmtpd" quick/sealsmtpd
	ln -s "$(cd "$BIN" && pwd)/sealrelayd/resolver" quick/sealrelayd/resolver
	ln -s "$SRC/quickrelay" quick/sealrelayd/relay/smtp-relay
	BIN=$PWD/quick
}

# frugal: no server has made the relay keep more than 32 MiB.
frugal()
{
	n=$(sed -n 's/^memory //p' out)
	# A sanitizer's own would count, too.
	[ -n "${SANITIZED-}" ] || [ "$n" -lt 32768 ] || atf_fail "$n KiB"
}

# hostile NAME WORD ...: a server, routed to as NAME.test, that gets 1 MB.
hostile()
{
	sink "$@"
	echo "route $1.test 127.0.0.1 $PORT 1" >>config
	echo "send a@here.test b@$1.test large" >>commands
}

atf_test_case hung cleanup
hung_head()
{
	atf_set descr "servers that hang at each stage are given up, each in time"
}
hung_run()
{
	stop
	rm -rf base children commands at-* chunk tls
	echo "retry 1000" >config
	for stage in $stages; do
		hostile "at-$stage" "tls=$PWD/cert.pem,$PWD/key.pem" \
		    "hang=$stage"
	done
	hostile chunk chunking hang=body
	hostile tls "tls=$PWD/cert.pem,$PWD/key.pem" hang=tls
	{
		echo "settle 9 100"
		echo "memory"
	} >>commands
	relay <commands
	for stage in $stages; do
		grep -q "^$stage\$" "at-$stage/hung" || return 1
	done
	[ -f chunk/hung ] && [ -f tls/hung ]
}
hung_body()
{
	impatient
	message
	{ cat mail; head -c 1000000 /dev/zero | tr '\0' x | fold -w 70 |
	    sed 's/$/\r/'; } >large
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -days 30 -subj /CN=mx -keyout key.pem -out cert.pem 2>/dev/null
	stages="greeting ehlo starttls mail rcpt data body final"
	# On a slow machine even servers that do not hang may take too long.
	export QUICKER=60
	hung_run || { QUICKER=15; hung_run; } || atf_fail "$(cat out err)"
	# All others are left, and nobody has them any more.
	has '^left 9$' out
	has '^jobs 0$' out
	for stage in $stages; do
		[ ! -f "at-$stage/1.eml" ] || atf_fail "$stage: it came"
	done
	# Nobody was to be believed there: it goes without TLS.
	has '^plain' tls/1.env
	frugal
}
hung_cleanup()
{
	stop
}

atf_test_case endless cleanup
endless_head()
{
	atf_set descr "replies without end at each stage cost little, for a moment"
}
endless_body()
{
	message
	cp mail large
	echo "retry 1000" >config
	for stage in greeting ehlo rcpt; do
		hostile $stage endless=$stage
		hostile line-$stage endless=$stage endless-line
	done
	sink good
	echo "route good.test 127.0.0.1 $PORT 1" >>config
	{
		echo "many 20 a@here.test good.test mail"
		echo "settle 6 100"
		echo "memory"
	} >>commands
	relay <commands
	has '^left 6$' out
	has '^jobs 0$' out
	[ "$(find good -name '*.eml' | wc -l)" -eq 20 ] || atf_fail "$(cat out)"
	! grep '^report' out || atf_fail "reports"
	frugal
}
endless_cleanup()
{
	stop
}

atf_test_case chunked cleanup
chunked_head()
{
	atf_set descr "BDAT where it is offered, octet by octet the same"
}
chunked_body()
{
	sink mx chunking
	printf 'From: a@here.test\r\n\r\n.dot\r\n..\r\n.\r\nend\r\n' >mail
	{
		printf 'From: a@here.test\r\n\r\n'
		head -c 300000 /dev/urandom | base64 | sed 's/$/\r/'
	} >large
	sink early chunking refuse-early
	cat >config <<-EOT
	route far.test 127.0.0.1 $(cat mx/port) 1
	route early.test 127.0.0.1 $(cat early/port) 1
	EOT
	relay <<-EOT
	send a@here.test b@far.test mail
	send a@here.test c@far.test large
	many 5 a@here.test far.test mail
	send a@here.test b@early.test large
	wait 20
	EOT
	has '^empty' out
	has '^report failed b@early.test 5.3.4 ' out
	for f in mail large; do
		{ printf 'Received: by outbox\r\n'; cat "$f"; } >want.$f
	done
	n=0
	for f in mx/*.eml; do
		cmp -s "$f" want.mail || cmp -s "$f" want.large ||
		    atf_fail "$f differs"
		n=$((n + 1))
	done
	[ $n -eq 7 ] || atf_fail "$n messages"
	cat mx/*.env >envelopes
	[ "$(grep -c '^BDAT [0-9]* LAST$' envelopes)" -eq 7 ] ||
	    atf_fail "$(cat envelopes)"
}
chunked_cleanup()
{
	stop
}

atf_test_case dead cleanup
dead_head()
{
	atf_set descr "what waits for a dead host slows no other"
}
dead_body()
{
	sink mx
	message
	if [ -n "${STRESS-}" ]; then n=10000; else n=300; fi
	printf 'route dead.test 127.0.0.1 1 1\nroute far.test 127.0.0.1 %s 1\n' \
	    "$PORT" >config
	# It is tried again each second, by one message.
	relay <<-EOT
	many $n a@here.test dead.test mail
	many 40 a@here.test far.test mail
	settle $n 15
	EOT
	has "^left $n" out
	[ "$(find mx -name '*.eml' | wc -l)" -eq 40 ] || atf_fail "$(cat out)"
}
dead_cleanup()
{
	stop
}

atf_test_case smuggled cleanup
smuggled_head()
{
	atf_set descr "no CR or LF leaves on its own, whatever was queued"
}
smuggled_body()
{
	sink data
	sink bdat chunking
	cat >config <<-EOT
	route data.test 127.0.0.1 $(cat data/port) 1
	route bdat.test 127.0.0.1 $(cat bdat/port) 1
	EOT
	i=0
	: >commands
	for end in '\n.\n' '\n.\r\n' '\r.\r\n' '\r\n.\n' '\r\n.\r' '\r.\r' \
	    '\r\r\n.\r\r\n' '\r\n\0.\r\n' '\n\n.\n\n' '\r'; do
		i=$((i + 1))
		# shellcheck disable=SC2059
		printf "From: a@here.test\r\n\r\nx${end}MAIL FROM:<evil@x.test>\r\n.$end" \
		    >"mail$i"
		echo "send a@here.test b@data.test mail$i" >>commands
		echo "send a@here.test b@bdat.test mail$i" >>commands
	done
	echo "wait 20" >>commands
	relay <commands
	has '^empty' out
	for d in data bdat; do
		[ "$(find $d -name '*.eml' | wc -l)" -eq $i ] ||
		    atf_fail "$d: $(find $d)"
		! cat $d/*.env | grep evil || atf_fail "smuggled into $d"
	done
	python3 - <<-EOT || atf_fail "a CR or LF on its own"
	import glob, re, sys
	bad = [f for f in glob.glob("*/*.eml")
	       if re.search(rb"\r(?!\n)|(?<!\r)\n", open(f, "rb").read())]
	sys.exit(bool(bad))
	EOT
}
smuggled_cleanup()
{
	stop
}

atf_test_case tls cleanup
tls_head()
{
	atf_set descr "TLS where it is offered, and no mail where it must be"
}
tls_body()
{
	message
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -days 30 -subj /CN=mx -keyout key.pem -out cert.pem 2>/dev/null
	sink mx "tls=$PWD/cert.pem,$PWD/key.pem"
	cat >config <<-EOT
	route may.test 127.0.0.1 $PORT 1
	route must.test 127.0.0.1 $PORT 2
	route none.test 127.0.0.1 $PORT 0
	EOT
	relay <<-EOT
	send a@here.test b@may.test mail
	send a@here.test b@none.test mail
	send a@here.test b@must.test mail
	wait 5
	EOT
	# Self-signed: good enough against listeners, not as a proof.
	has '^left 1' out
	cat mx/*.env >envelopes
	[ "$(grep -c '^tls' envelopes)" -eq 1 ] || atf_fail "$(cat envelopes)"
	[ "$(grep -c '^plain' envelopes)" -eq 1 ] || atf_fail "$(cat envelopes)"
	# A password goes to nobody who has not proved who it is.
	echo "route far.test 127.0.0.1 $PORT 1 joe:secret" >config
	rm -rf base
	relay <<-EOT
	send a@here.test b@far.test mail
	wait 3
	EOT
	has '^left 1' out
	[ ! -f mx/auth ] || atf_fail "the password was given away"
}
tls_cleanup()
{
	stop
}

atf_test_case remembered cleanup
remembered_head()
{
	atf_set descr "who once had TLS gets no mail without it"
}
remembered_body()
{
	message
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -days 30 -subj /CN=mx -keyout key.pem -out cert.pem 2>/dev/null
	sink mx "tls=$PWD/cert.pem,$PWD/key.pem"
	echo "route far.test 127.0.0.1 $PORT 1" >config
	relay <<-EOT
	send a@here.test b@far.test mail
	wait 10
	EOT
	has '^empty' out
	stop
	sink stripped
	echo "route far.test 127.0.0.1 $PORT 1" >config
	relay <<-EOT
	send a@here.test b@far.test mail
	wait 3
	EOT
	has '^left 1' out
	[ ! -f stripped/1.eml ] || atf_fail "sent in clear"
}
remembered_cleanup()
{
	stop
}

atf_test_case killed cleanup
killed_head()
{
	atf_set descr "kill -9 of queue and relay: nothing is lost"
}
killed_body()
{
	sink mx
	message
	echo "route far.test 127.0.0.1 $PORT 1" >config
	relay <<-EOT
	many 60 a@here.test far.test mail
	kill relay
	many 20 a@here.test far.test mail
	kill queue
	send a@here.test last@far.test mail
	kill relay
	wait 30
	EOT
	has '^empty' out
	cat mx/*.env | grep '^RCPT' | sort -u >got
	for i in $(seq 0 59); do
		has "RCPT TO:<rcpt$i@far.test>" got
	done
	has 'RCPT TO:<last@far.test>' got
}
killed_cleanup()
{
	stop
}

atf_test_case reported cleanup
reported_head()
{
	atf_set descr "a report that was due when the queue died comes after it"
}
reported_body()
{
	sink mx
	message
	echo "route far.test 127.0.0.1 $PORT 1" >config
	relay <<-EOT
	mute 1
	send a@here.test never@far.test,b@far.test mail
	settle 1 60
	mute 0
	kill queue
	wait 60
	EOT
	has '^empty' out
	sed -n '/^restarted/,$p' out >after
	has '^report failed never@far.test 5.1.1 5.1.1 no such user' after
	[ "$(grep -c '^report' after)" -eq 1 ] || atf_fail "$(cat out)"
}
reported_cleanup()
{
	stop
}

atf_test_case delayed cleanup
delayed_head()
{
	atf_set descr "who wants to know hears once that his mail is late"
}
delayed_body()
{
	message
	printf 'route far.test 127.0.0.1 1 1\nwarn 1\n' >config
	# NOTIFY: not said, of failures alone, of delays alone.
	relay <<-EOT
	send a@here.test b@far.test mail
	send <> c@far.test mail
	send a@here.test d@far.test mail 0 4
	send a@here.test e@far.test mail 0 8
	sleep 2
	kill queue
	reports 2 60
	send a@here.test f@far.test mail 0 1
	kill queue
	settle 5 60
	EOT
	has '^report delayed b@far.test ' out
	has '^report delayed e@far.test ' out
	[ "$(grep -c '^report' out)" -eq 2 ] || atf_fail "$(cat out)"
	has '^left 5' out
}
delayed_cleanup()
{
	stop
}

atf_test_case expired cleanup
expired_head()
{
	atf_set descr "what nobody takes is returned when its time is over"
}
expired_body()
{
	message
	echo "route far.test 127.0.0.1 1 1" >config
	echo "lifetime 1" >>config
	# It looks when it starts, and each half a minute.
	relay <<-EOT
	send a@here.test b@far.test mail
	send <> c@far.test mail
	send a@here.test d@far.test mail 0 8
	sleep 2
	kill queue
	wait 90
	EOT
	has '^empty' out
	has '^report failed b@far.test 4.4.7 ' out
	[ "$(grep -c '^report' out)" -eq 1 ] || atf_fail "$(cat out)"
}
expired_cleanup()
{
	stop
}

atf_init_test_cases()
{
	atf_add_test_case delivered
	atf_add_test_case refused
	atf_add_test_case servers
	atf_add_test_case copies
	atf_add_test_case replies
	atf_add_test_case hung
	atf_add_test_case endless
	atf_add_test_case chunked
	atf_add_test_case smuggled
	atf_add_test_case dead
	atf_add_test_case tls
	atf_add_test_case remembered
	atf_add_test_case killed
	atf_add_test_case reported
	atf_add_test_case delayed
	atf_add_test_case expired
}
