#! /usr/bin/env atf-sh
#
# curl(1) as a mail program: sends by SMTP, reads and stores by IMAPS.

. "$(atf_get_srcdir)/../suite/suite.sh"

# imap PATH [OPTIONS]: as user0001.
imap() {
	path=$1
	shift
	curl -sS --cacert "$cafile" -u "user0001@$domain:$password" \
	    "imaps://localhost:$imaps_port/$path" "$@"
}

atf_test_case curl cleanup
curl_head() {
	atf_set descr "send, list, fetch, append, search, flags"
	atf_set timeout 300
}
curl_body() {
	need curl python3
	start_suite
	imap "" >out || atf_fail "no list"
	for box in INBOX Archive Drafts Sent Spam Trash; do
		grep -q "$box" out || atf_fail "no $box: $(cat out)"
	done
	printf 'From: a@example.net\r\nSubject: one\r\n\r\nBody one.\r\n' >one
	curl -sS --ssl-reqd --cacert "$cafile" --mail-from a@example.net \
	    --mail-rcpt "user0001@$domain" -T one \
	    "smtp://localhost:$smtp_port" || atf_fail "curl did not send"
	imapdo wait 1 INBOX 1 || atf_fail "it never came"
	imap "INBOX;MAILINDEX=1" >got || atf_fail "curl did not fetch"
	# Trace headers stand before what was sent.
	tail -c "$(wc -c <one)" got | cmp - one || fail_with got "it went wrong"
	head -n 1 got | grep -q '^Return-Path: \|^Received: ' ||
	    atf_fail "no trace header: $(head -n 3 got)"
	imap "INBOX;MAILINDEX=1;SECTION=HEADER.FIELDS%20(SUBJECT)" >got
	grep -q '^Subject: one' got || fail_with got "it went wrong"
	imap INBOX -T one || atf_fail "curl did not append"
	imap "INBOX;MAILINDEX=2" >got || atf_fail "the appended is not there"
	cmp got one || atf_fail "not what was appended"
	imap "INBOX?SUBJECT%20one" >got
	grep -q '\* SEARCH 1 2' got || fail_with got "search went wrong"
	imap INBOX -X 'STORE 1 +FLAGS (\Flagged Work)' >got
	grep -qi 'Flagged' got || fail_with got "store went wrong"
	imap INBOX -X 'FETCH 1:* (FLAGS)' >got
	grep -q '1 FETCH.*Work' got || fail_with got "flags went wrong"
	atf_check -s not-exit:0 -o ignore -e ignore curl -sS \
	    --cacert "$cafile" -u "user0001@$domain:wrong" \
	    "imaps://localhost:$imaps_port/"
	suite_alive
}
curl_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case curl
}
