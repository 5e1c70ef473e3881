#! /usr/bin/env atf-sh
#
# getmail(1) keeps, then takes, into a Maildir.

. "$(atf_get_srcdir)/../suite/suite.sh"

# get OPTION=VALUE...: of its section [options].
get() {
	mkdir -p conf got/cur got/new got/tmp
	user=
	if [ "$(id -u)" -eq 0 ]; then
		# It delivers for nobody as root.
		chown -R nobody got
		chmod 755 .
		user="user = nobody"
	fi
	cat >conf/getmailrc <<END
[retriever]
type = SimpleIMAPSSLRetriever
server = localhost
port = $imaps_port
username = user0001@$domain
password = $password
mailboxes = ("INBOX", "Archive")
ca_certs = $cafile
[destination]
type = Maildir
path = $PWD/got/
$user
[options]
delivered_to = false
received = false
verbose = 2
$(printf '%s\n' "$@")
END
	chmod 600 conf/getmailrc
	getmail -g "$PWD/conf" >get.out 2>&1 </dev/null ||
	    fail_with get.out "it went wrong"
}

atf_test_case getmail cleanup
getmail_head() {
	atf_set descr "keeps, sees nothing new, takes"
	atf_set timeout 300
}
getmail_body() {
	need getmail python3
	start_suite
	mkmaildir mail 25 7
	imapdo append 1 INBOX mail || atf_fail "appending"
	mkmaildir more 5 8
	imapdo append 1 Archive more || atf_fail "appending"
	get "read_all = false" "delete = false"
	[ "$(find got/new -type f | wc -l)" -eq 30 ] ||
	    fail_with get.out "not all of them"
	for f in mail/cur/* more/cur/*; do
		grep -i '^Message-ID:' "$f" | head -n 1
	done | sort >want
	for f in got/new/*; do
		grep -i '^Message-ID:' "$f" | head -n 1
	done | sort >have
	cmp want have || atf_fail "other messages"
	get "read_all = false" "delete = false"
	[ "$(find got/new -type f | wc -l)" -eq 30 ] ||
	    fail_with get.out "some came twice"
	get "read_all = true" "delete = true"
	[ "$(imapdo count 1 INBOX)" -eq 0 ] || atf_fail "INBOX is not empty"
	[ "$(imapdo count 1 Archive)" -eq 0 ] || atf_fail "Archive is not"
	suite_alive
}
getmail_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case getmail
}
