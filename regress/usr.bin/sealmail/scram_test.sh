#! /usr/bin/env atf-sh
#
# App passwords that are proved and not shown, by a client of another author.

. "$(atf_get_srcdir)/../../suite/suite.sh"

atf_test_case scram cleanup
scram_head() {
	atf_set timeout 120
}
scram_body() {
	need python3 openssl
	mkdir suite
	printf 'scram yes\nlinger 1\n' >suite/extra.conf
	start_suite USERS=2
	python3 "$(atf_get_srcdir)/scram_client.py" "$suite/server.json" 1.5 \
	    >client.out 2>&1 || fail_with client.out "it went wrong"
	suite_alive
}
scram_cleanup() {
	stop_suite
}

atf_test_case silent cleanup
silent_head() {
	atf_set descr "without a word in the configuration it is not offered"
	atf_set timeout 120
}
silent_body() {
	need python3
	start_suite USERS=1
	atf_check -o inline:'NO\n' python3 - "$suite/server.json" <<'EOT'
import imaplib, json, ssl, sys
server = json.load(open(sys.argv[1]))
context = ssl.create_default_context(cafile=server["cafile"])
context.check_hostname = False
m = imaplib.IMAP4_SSL(server["host"], server["imaps_port"],
                      ssl_context=context)
assert "AUTH=PLAIN" in m.capabilities
assert "AUTH=SCRAM-SHA-256" not in m.capabilities
print(m._simple_command("AUTHENTICATE", "SCRAM-SHA-256")[0])
EOT
	suite_alive
}
silent_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case scram
	atf_add_test_case silent
}
