#! /usr/bin/env atf-sh
#
# sealmail export: every message, with its octets, flags and date, in the
# folder that it is in; what was fetched is not fetched again.

. "$(atf_get_srcdir)/suite.sh"

export_mail() {
	printf '%s\n' "$password" | "${sealmail%% *}" export -s -C "$cafile" \
	    -h localhost -p "$imaps_port" "$@" >export.out 2>export.err
}

atf_test_case whole cleanup
whole_head() {
	atf_set descr "all of an account, killed and run again"
	atf_set timeout 300
}
whole_body() {
	need python3
	start_suite USERS=2
	mkmaildir mail 300 7
	imapdo append 1 INBOX mail >/dev/null || atf_fail "cannot append"
	python3 - "$suite/server.json" <<'END' || atf_fail "cannot append"
import imaplib, json, ssl, sys
s = json.load(open(sys.argv[1]))
c = ssl.create_default_context(cafile=s["cafile"])
c.check_hostname = False
m = imaplib.IMAP4_SSL(s["host"], s["imaps_port"], ssl_context=c)
m.login(s["user_pattern"] % 1, s["password"])
name = '"Caf&AOk-/v1.2 "'
assert m.create(name)[0] == "OK"
date = '"05-Mar-2019 10:11:12 +0100"'
assert m.append(name, r"(\Flagged \Answered red $Forwarded blue)", date,
                b"Subject: x\r\n\r\none\r\n")[0] == "OK"
END
	# Killed in between, several times, and then to its end.
	for tenths in 1 2 3; do
		# The last of a pipeline is what $! names.
		printf '%s\n' "$password" | "${sealmail%% *}" export -s \
		    -C "$cafile" -h localhost -p "$imaps_port" \
		    "user0001@$domain" out >killed.out 2>&1 &
		sleep "0.$tenths"
		kill -KILL $! 2>/dev/null
		wait $! 2>/dev/null
	done
	export_mail "user0001@$domain" out || fail_with export.err "no export"
	imapdo hashes 1 INBOX >want || atf_fail "no hashes"
	python3 - out >have <<'END' || atf_fail "no hashes of what came"
import hashlib, os, sys
d = sys.argv[1] + "/cur"
print("\n".join(sorted(
    hashlib.sha256(open(d + "/" + f, "rb").read().replace(b"\n", b"\r\n"))
    .hexdigest() for f in os.listdir(d))))
END
	python3 -c 'import json, sys
text = open("want").read()
try:
    want = json.loads(text)
except ValueError:
    want = text.split()
have = open("have").read().split()
assert len(have) >= 300, len(have)
assert sorted(want) == have, (len(want), len(have))' ||
	    atf_fail "other messages"
	set -- "out/.Caf&AOk-.v1&AC4-2 /cur/"*:2,FPRab
	[ -f "$1" ] || atf_fail "no folder, or other flags: $(find out -name '.*')"
	[ "$(stat -c %Y "$1")" = 1551777072 ] || atf_fail "another date"
	sort "out/.Caf&AOk-.v1&AC4-2 /dovecot-keywords" >keywords
	printf '0 red\n1 blue\n' | cmp - keywords ||
	    fail_with keywords "other keywords"
	[ -f "out/.Caf&AOk-.v1&AC4-2 /maildirfolder" ] || atf_fail "no mark"

	# Again: nothing is new; -j is JSON.
	find out -type f | sort >before
	export_mail -j "user0001@$domain" out || fail_with export.err "no export"
	find out -type f | sort | cmp - before || atf_fail "fetched again"
	python3 -c 'import json
for box in json.load(open("export.out")):
    assert box["new"] == 0, box' || fail_with export.out "not JSON"
	printf 'wrong\n' | "${sealmail%% *}" export -s -C "$cafile" \
	    -h localhost -p "$imaps_port" "user0001@$domain" other 2>err
	[ $? -eq 77 ] || fail_with err "a wrong password"
	[ ! -e other ] || atf_fail "a Maildir in spite of a wrong password"
	suite_alive
}
whole_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case whole
}
