#! /usr/bin/env atf-sh
#
# sealmail with a server that is none of ours, and in a Maildir that somebody
# else has prepared.

. "$(atf_get_srcdir)/../../suite/suite.sh"

sealmail=$(suite_top)/usr.bin/sealmail/sealmail

fake() {
	need python3
	need openssl
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj /CN=localhost -addext subjectAltName=DNS:localhost -days 2 \
	    -keyout key.pem -out cert.pem 2>openssl.err ||
	    fail_with openssl.err "no certificate"
	python3 "$(atf_get_srcdir)/fake_imaps.py" >fake.out 2>&1 &
	echo $! >fake.pid
	wait_for 60 test -s fake.port || fail_with fake.out "no fake server"
}

stop_fake() {
	[ ! -f fake.pid ] || kill "$(cat fake.pid)"
}

# export_to CODE MAILDIR [OPTION]: what it says goes to export.out.
export_to() {
	got=0
	printf 'x\n' | "$sealmail" export ${3:+"$3"} -s -C cert.pem \
	    -h localhost -p "$(cat fake.port)" user@example.org "$2" \
	    >export.out 2>&1 || got=$?
	[ "$got" -eq "$1" ] ||
	    fail_with export.out "export ended with $got instead of $1"
}

# obeys FILE: is there something in it that a terminal would act upon?
obeys() {
	python3 -c 'import sys
sys.exit(not any(c < 0x20 and c != 10 or c == 0x7f or c == 0x9b
                 for c in open(sys.argv[1], "rb").read()))' "$1"
}

atf_test_case escapes cleanup
escapes_head() {
	atf_set descr "what a server says moves no cursor"
}
escapes_body() {
	fake
	# One box has a name that no folder can have.
	export_to 69 out
	grep -q '^Evil.*: 1 messages, 1 new$' export.out ||
	    fail_with export.out "the box is not told"
	! obeys export.out || fail_with export.out "a terminal would obey"
	set -- out/.Evil*/cur/*.V7U3.sealmail,*
	[ -f "$1" ] || atf_fail "not exported: $(find out)"
	! obeys out/.Evil*/dovecot-keywords || atf_fail "keywords"
	export_to 69 json -j
	! obeys export.out || fail_with export.out "a terminal would obey JSON"
	got=0
	printf 'x\n' | "$sealmail" export -s -C cert.pem -h localhost \
	    -p "$(cat fake.port)" refused@example.org other \
	    >export.out 2>&1 || got=$?
	[ "$got" -eq 65 ] || fail_with export.out "ended with $got"
	grep -q 'Never' export.out || fail_with export.out "not told why"
	! obeys export.out || fail_with export.out "a terminal would obey NO"
}
escapes_cleanup() {
	stop_fake
}

# ask CODE WORD...: a command of user@example.org.
ask() {
	got=0 code=$1
	shift
	printf 'x\n' | "$sealmail" "$@" -s -C cert.pem -h localhost \
	    -p "$(cat fake.port)" user@example.org >ask.out 2>ask.err || got=$?
	[ "$got" -eq "$code" ] ||
	    fail_with ask.err "$* ended with $got instead of $code"
}

atf_test_case literals cleanup
literals_head() {
	atf_set descr "a string of an answer may be a literal"
}
literals_body() {
	fake
	ask 0 app list
	grep -q "^ *7  app  imap  .*  scram  Zo.*'s \"phone\" .\$" ask.out ||
	    fail_with ask.out "the label is not told"
	[ "$(grep -c . ask.out)" -eq 3 ] || fail_with ask.out "other lines"
	! obeys ask.out || fail_with ask.out "a terminal would obey"
	ask 0 app list -j
	python3 -c 'import json
d = json.load(open("ask.out"))
assert [x["id"] for x in d] == [7, 8, 9], d
assert d[0]["label"] == "Zo\u00eb\x27s \"phone\" \\", d
assert d[0]["scram"] and not d[1]["scram"] and d[1]["label"] == "", d
assert d[2]["label"] == "a??* b" + d[2]["label"][6:], d' ||
	    fail_with ask.out "other JSON"
	# One that is larger than any answer.
	ask 75 set list
	grep -q 'too long' ask.err || fail_with ask.err "taken"
}
literals_cleanup() {
	stop_fake
}

# A file of the victim, which no link may lead to.
atf_test_case links cleanup
links_head() {
	atf_set descr "links in a Maildir lead nowhere"
}
links_body() {
	fake
	mkdir victim
	echo precious >victim/sealmail
	cp victim/sealmail victim/dovecot-keywords
	for name in tmp cur; do
		mkdir "in.$name"
		ln -s "$PWD/victim" "in.$name/$name"
		export_to 73 "in.$name"
	done
	mkdir -p folder out
	export_to 69 out
	# What is there of the other folder becomes links.
	set -- out/.Evil*
	[ -d "$1" ] || atf_fail "no folder"
	box=${1#out/}
	for name in maildirfolder dovecot-keywords; do
		mkdir -p "$name/$box"
		ln -s "$PWD/victim/made" "$name/$box/$name"
		got=0
		printf 'x\n' | "$sealmail" export -s -C cert.pem -h localhost \
		    -p "$(cat fake.port)" user@example.org "$name" \
		    >export.out 2>&1 || got=$?
		[ "$got" -eq 73 ] || [ "$got" -eq 74 ] ||
		    fail_with export.out "$name: ended with $got"
	done
	# Left by a run that was killed, or put there: it is replaced.
	mkdir -p again/tmp
	ln -s "$PWD/victim/sealmail" again/tmp/sealmail
	ln -s "$PWD/victim/dovecot-keywords" again/tmp/dovecot-keywords
	export_to 69 again
	[ -f again/dovecot-keywords ] || atf_fail "no keywords"
	[ ! -L again/dovecot-keywords ] || atf_fail "keywords by a link"
	ls victim >names
	printf 'dovecot-keywords\nsealmail\n' | cmp - names ||
	    fail_with names "something was made through a link"
	for f in victim/*; do
		[ "$(cat "$f")" = precious ] || fail_with "$f" "$f was written"
	done
}
links_cleanup() {
	stop_fake
}

atf_init_test_cases() {
	atf_add_test_case escapes
	atf_add_test_case literals
	atf_add_test_case links
}
