#! /usr/bin/env atf-sh
#
# Horde_Imap_Client, the IMAP library of PHP that webmails use.

. "$(atf_get_srcdir)/../suite/suite.sh"

atf_test_case horde cleanup
horde_head() {
	atf_set descr "names, parts, searches, threads, QRESYNC, annotations"
	atf_set timeout 300
}
horde_body() {
	need php
	php -r 'exit(stream_resolve_include_path(
	    "Horde/Imap/Client/Socket.php") === false ? 1 : 0);' ||
	    atf_skip "Horde_Imap_Client is not installed"
	start_suite
	php "$(atf_get_srcdir)/horde_client.php" "$suite/server.json" \
	    >client.out 2>&1 || fail_with client.out "it went wrong"
	grep -qx 'done' client.out || fail_with client.out "not to the end"
	suite_alive
}
horde_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case horde
}
