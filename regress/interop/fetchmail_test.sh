#! /usr/bin/env atf-sh
#
# fetchmail(1) takes mail away, and leaves it where it is told to.

. "$(atf_get_srcdir)/../suite/suite.sh"

# fetch OPTIONS: appends what it gets to the file got, as an mbox.
fetch() {
	cat >fetchmailrc <<END
poll localhost protocol IMAP port $imaps_port
  user "user0001@$domain" password "$password"
  ssl sslcertfile "$cafile" sslproto "auto" sslcertck
  mda "cat >> $PWD/got; echo >> $PWD/got"
  $1
END
	chmod 600 fetchmailrc
	fetchmail -f fetchmailrc --pidfile "$PWD/pid" --nosyslog -v \
	    >fetch.out 2>&1
}

atf_test_case fetchmail cleanup
fetchmail_head() {
	atf_set descr "keeps, then takes"
	atf_set timeout 300
}
fetchmail_body() {
	need fetchmail python3
	start_suite
	mkmaildir mail 25 5
	imapdo append 1 INBOX mail ||
	    atf_fail "appending"
	fetch "keep fetchall" || fail_with fetch.out "it went wrong"
	[ "$(grep -c '^Message-ID: <5\.' got)" -eq 25 ] ||
	    fail_with fetch.out "it went wrong"
	[ "$(imapdo count 1 INBOX)" -eq 25 ] || atf_fail "they were to be kept"
	# All are seen by now: nothing new (1).
	fetch "keep"
	[ $? -eq 1 ] || fail_with fetch.out "it went wrong"
	fetch "nokeep fetchall" || fail_with fetch.out "it went wrong"
	[ "$(imapdo count 1 INBOX)" -eq 0 ] || atf_fail "they were not taken"
	suite_alive
}
fetchmail_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case fetchmail
}
