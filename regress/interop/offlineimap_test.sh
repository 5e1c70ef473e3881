#! /usr/bin/env atf-sh
#
# OfflineIMAP syncs all folders with a Maildir, both ways.

. "$(atf_get_srcdir)/../suite/suite.sh"

sync() {
	cat >rc <<END
[general]
accounts = a
metadata = $PWD/meta
ui = quiet
socktimeout = 60
[Account a]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = $PWD/near
[Repository far]
type = IMAP
remotehost = localhost
remoteport = $imaps_port
remoteuser = user0001@$domain
remotepass = $password
ssl = yes
sslcacertfile = $cafile
END
	chmod 600 rc
	offlineimap -c rc -o >sync.out 2>&1 ||
	    fail_with sync.out "it went wrong"
}

atf_test_case offlineimap cleanup
offlineimap_head() {
	atf_set descr "pulls, pushes, removes"
	atf_set timeout 600
}
offlineimap_body() {
	need offlineimap python3
	start_suite
	# It stumbles over octets that no charset explains.
	mkmaildir mail 40 6 tame
	imapdo append 1 INBOX mail ||
	    atf_fail "appending"
	sync
	[ "$(find near/INBOX -type f -path '*/cur/*' | wc -l)" -eq 40 ] ||
	    [ "$(find near/INBOX -type f | wc -l)" -eq 40 ] ||
	    atf_fail "$(find near | head -n 50)"
	# What it stored is what was appended, but for the line ends.
	for f in near/INBOX/cur/* near/INBOX/new/*; do
		[ ! -f "$f" ] || tr -d '\r' <"$f" | sha256sum
	done | sort >got
	for f in mail/cur/*; do
		sha256sum <"$f"
	done | sort >want
	cmp want got || atf_fail "the octets differ"
	# Locally: one goes, a new one comes.
	set -- near/INBOX/cur/* near/INBOX/new/*
	for f; do
		[ -f "$f" ] && rm "$f" && break
	done
	printf 'Subject: new\nMessage-ID: <new@x.test>\n\nnew\n' \
	    >near/INBOX/new/1780000001.1_1.host
	sync
	[ "$(imapdo count 1 INBOX)" -eq 40 ] || fail_with sync.out "it went wrong"
	imapdo hashes 1 INBOX >there
	[ "$(wc -l <there)" -eq 40 ] || atf_fail "not 40 messages there"
	suite_alive
}
offlineimap_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case offlineimap
}
