#! /usr/bin/env atf-sh
#
# swaks and smtplib deliver by SMTP and LMTP; sealmail deliver as well.

. "$(atf_get_srcdir)/../suite/suite.sh"

atf_test_case logged_out cleanup
logged_out_head() {
	atf_set descr "messages for a logged-out user are all there at login"
	atf_set timeout 1800
}
logged_out_body() {
	need swaks python3
	n=$(full 50 1000)
	start_suite
	i=0
	while [ "$i" -lt "$n" ]; do
		i=$((i + 1))
		swaks --server "$host:$smtp_port" --silent 2 \
		    --from "s$i@example.net" --to "user0001@$domain" \
		    --header "Subject: number $i" --body "body $i" \
		    --header "Message-ID: <$i@swaks.test>" >swaks.out 2>&1 ||
		    atf_fail "$i: $(cat swaks.out)"
	done
	[ "$(imapdo count 1 INBOX)" -eq "$n" ] || atf_fail "some are missing"
	[ "$(imapdo hashes 1 INBOX | sort -u | wc -l)" -eq "$n" ] ||
	    atf_fail "some are there twice"
	suite_alive
}
logged_out_cleanup() {
	stop_suite
}

atf_test_case protocol cleanup
protocol_head() {
	atf_set descr "relaying, unknown users, SIZE, CHUNKING, smuggling"
	atf_set timeout 300
}
protocol_body() {
	need python3
	start_suite USERS=4
	python3 "$(atf_get_srcdir)/smtp_client.py" "$suite/server.json" \
	    >client.out 2>&1 || fail_with client.out "it went wrong"
	suite_alive
}
protocol_cleanup() {
	stop_suite
}

atf_test_case lmtp cleanup
lmtp_head() {
	atf_set descr "LMTP by swaks over the socket, and sealmail deliver"
	atf_set timeout 300
}
lmtp_body() {
	need swaks python3
	start_suite
	swaks --protocol LMTP --socket "$lmtp_unix" --from s@example.net \
	    --to "user0001@$domain,user0002@$domain" --body "lmtp" \
	    --silent 2 >swaks.out 2>&1 || fail_with swaks.out "it went wrong"
	[ "$(imapdo count 1 INBOX)" -eq 1 ] || atf_fail "not with user 1"
	[ "$(imapdo count 2 INBOX)" -eq 1 ] || atf_fail "not with user 2"
	printf 'Subject: mda\n\n.dot\n' >msg
	atf_check -x "$sealmail deliver -f s@example.net user0001@$domain <msg" ||
	    atf_fail "sealmail deliver"
	[ "$(imapdo count 1 INBOX)" -eq 2 ] || atf_fail "it is not there"
	atf_check -s exit:67 -e match:"nobody@$domain: 550" \
	    -x "$sealmail deliver nobody@$domain <msg"
	suite_alive
}
lmtp_cleanup() {
	stop_suite
}

atf_test_case tls cleanup
tls_head() {
	atf_set descr "swaks sends over STARTTLS and verifies the certificate"
	atf_set timeout 300
}
tls_body() {
	need swaks python3 perl
	perl -MNet::SSLeay -e 1 2>/dev/null ||
	    atf_skip "libnet-ssleay-perl is not installed"
	start_suite
	swaks --server "localhost:$smtp_port" --tls --tls-verify \
	    --tls-ca-path "$cafile" --from s@example.net \
	    --to "user0001@$domain" --header "Subject: over TLS" \
	    --body "sealed on the way" >swaks.out 2>&1 ||
	    fail_with swaks.out "it went wrong"
	grep -q 'TLS started with cipher TLSv1.3' swaks.out ||
	    fail_with swaks.out "not with TLS 1.3"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj /CN=localhost -keyout other.key -out other.pem 2>/dev/null ||
	    atf_fail "no certificate"
	! swaks --server "localhost:$smtp_port" --tls --tls-verify \
	    --tls-ca-path other.pem --from s@example.net \
	    --to "user0001@$domain" >swaks.out 2>&1 ||
	    fail_with swaks.out "it verifies nothing"
	swaks --server "localhost:$smtp_port" --tls --tls-protocol tlsv1_2 \
	    --from s@example.net --to "user0001@$domain" >swaks.out 2>&1 ||
	    fail_with swaks.out "not with TLS 1.2"
	! swaks --server "localhost:$smtp_port" --tls --tls-protocol tlsv1_1 \
	    --from s@example.net --to "user0001@$domain" >swaks.out 2>&1 ||
	    fail_with swaks.out "TLS 1.1 was taken"
	[ "$(imapdo count 1 INBOX)" -eq 2 ] || atf_fail "they are not there"
	suite_alive
}
tls_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case logged_out
	atf_add_test_case protocol
	atf_add_test_case lmtp
	atf_add_test_case tls
}
