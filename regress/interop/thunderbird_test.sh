#! /usr/bin/env atf-sh
#
# Thunderbird without a screen, driven by its own remote control.

. "$(atf_get_srcdir)/../suite/suite.sh"

atf_test_case thunderbird cleanup
thunderbird_head() {
	atf_set descr "lists, syncs, parts, flags, searches, moves, idles"
	atf_set timeout 600
}
thunderbird_body() {
	[ -n "${INTEROP-}" ] || atf_skip "make interop runs it"
	need thunderbird python3
	start_suite
	mkdir -p three/cur
	printf 'From: alice <alice@example.net>\nSubject: first\n%s\n\nx\n' \
	    'Message-ID: <1@bird.test>' >three/cur/1
	printf 'From: bob <bob@example.net>\nSubject: second\n%s\n\n%s\n' \
	    'Message-ID: <2@bird.test>' 'A needle in it.' >three/cur/2
	cat >three/cur/3 <<'END'
From: carol <carol@example.net>
Subject: parts
Message-ID: <3@bird.test>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8

Body of parts.
--b
Content-Type: application/octet-stream; name=a.bin
Content-Disposition: attachment; filename=a.bin
Content-Transfer-Encoding: base64

YXR0YWNoZWQ=
--b--
END
	imapdo append 1 INBOX three || atf_fail "appending"
	HOME=$PWD
	export HOME
	python3 "$(atf_get_srcdir)/thunderbird.py" "$suite/server.json" \
	    "$PWD/profile" "$sealmail deliver user0001@$domain" \
	    >bird.out 2>&1 || fail_with bird.out "it went wrong"
	for want in 'syncs INBOX: \["first", "parts", "second"\]' \
	    'parts: \["a.bin", "Body of parts."\]' \
	    'searches at the server: \["second"\]' '^done$'; do
		grep -q "$want" bird.out || fail_with bird.out "not $want"
	done
	# What the server has of it.
	[ "$(imapdo count 1 INBOX)" -eq 2 ] || atf_fail "INBOX"
	for box in Archive Trash Sent; do
		[ "$(imapdo count 1 "$box")" -eq 1 ] || atf_fail "$box"
	done
	imapdo boxes 1 | grep -q 'Gr&APYA3w-e' || atf_fail "no new mailbox"
	suite_alive
}
thunderbird_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case thunderbird
}
