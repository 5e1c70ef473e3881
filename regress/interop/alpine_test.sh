#! /usr/bin/env atf-sh
#
# alpine(1) in a terminal.

. "$(atf_get_srcdir)/../suite/suite.sh"
. "$(atf_get_srcdir)/terminal.sh"

configure() {
	cat >pinerc <<END
personal-name=User One
user-domain=$domain
inbox-path={localhost:$imaps_port/ssl/user=user0001@$domain}INBOX
folder-collections=Mail {localhost:$imaps_port/ssl/user=user0001@$domain}[]
default-fcc=Sent
postponed-folder=Drafts
smtp-server=localhost:$smtp_port
feature-list=quit-without-confirm,expunge-without-confirm,
	expunge-without-confirm-everywhere,enable-aggregate-command-set,
	enable-flag-cmd,fcc-without-attachments
END
	HOME=$PWD
	SSL_CERT_FILE=$cafile
	TERM=screen
	export HOME SSL_CERT_FILE TERM
	mkdir -p mail
}

give() {
	printf 'From: %s\nSubject: %s\n\nBody of %s.\n' "$1@example.net" "$2" \
	    "$2" | $sealmail deliver "user0001@$domain" || atf_fail "deliver"
}

atf_test_case alpine cleanup
alpine_head() {
	atf_set descr "reads, saves, flags, searches, writes, expunges, hears"
	atf_set timeout 300
}
alpine_body() {
	# Keys typed at a screen: a slow machine can lose the race.
	[ -n "${INTEROP-}" ] || atf_skip "make interop runs it"
	need alpine tmux python3
	start_suite
	configure
	mkdir -p three/cur
	i=0
	for who in alice:first bob:second carol:third; do
		i=$((i + 1))
		printf 'From: %s@example.net\nSubject: %s\n\nBody of %s.\n' \
		    "${who%:*}" "${who#*:}" "${who#*:}" >"three/cur/$i"
	done
	imapdo append 1 INBOX three || atf_fail "appending"
	term_start "alpine -p $PWD/pinerc -i"
	term_wait 'Exit this greeting|ENTER PASSWORD'
	if term_has 'Exit this greeting'; then
		term_keys e
	fi
	term_wait 'ENTER PASSWORD'
	term_keys -l "$password"
	term_keys Enter
	term_wait 'Preserve password|opened with 3 messages'
	if term_has 'Preserve password'; then
		term_keys n
	fi
	term_wait '3 .*carol@example.net'
	term_keys Home Enter
	term_wait 'Body of first'
	term_keys s
	term_wait 'SAVE Msg #1'
	term_keys C-u
	term_keys -l Archive
	term_keys Enter
	# Where that takes a while it shows how far it is, and that last.
	term_wait 'copied to folder "Archive" and deleted|Saving +DONE'
	[ "$(imapdo count 1 Archive)" -eq 1 ] || atf_fail "not in Archive"
	term_keys i
	term_wait 'MESSAGE INDEX'
	term_keys 3
	term_wait 'Jump to|number'
	term_keys Enter
	term_wait 'Message 3 of 3'
	term_keys '*'
	term_wait 'Important'
	term_keys Enter
	term_wait '\* .*3 .*carol'
	# Select by a search of the server's.
	term_keys '\;'
	term_wait 'SELECT criteria'
	term_keys t
	term_wait '[Ss]ubject|Participant'
	term_keys s
	term_wait 'SUBJECT'
	term_keys -l second
	term_keys Enter
	term_wait '1 message selected|Selected 1|X .*2 .*bob|message 2'
	term_keys x
	term_wait 'Expunged 1|1 message|2 messages'
	wait_for 20 holds INBOX 2 || atf_fail "not expunged"
	term_keys c
	term_wait 'COMPOSE MESSAGE|Compose'
	term_keys -l "user0002@$domain"
	term_keys Enter Enter Enter
	term_keys -l 'from alpine'
	term_keys Enter
	term_keys -l 'written here'
	term_keys C-x
	term_wait 'Send message'
	term_keys y
	wait_for 20 holds Sent 1 || {
		term_screen
		atf_fail "nothing in Sent"
	}
	imapdo wait 2 INBOX 1 || atf_fail "it did not get there"
	# New mail is noticed.
	give dave fourth
	term_wait 'MESSAGE INDEX'
	term_keys C-l
	term_wait 'New mail! From dave|dave@example.net'
	term_keys q
	wait_for 20 term_ended || {
		term_screen
		atf_fail "it does not end"
	}
	suite_alive
}
alpine_cleanup() {
	term_end
	stop_suite
}

# holds BOX COUNT: of user0001.
holds() {
	[ "$(imapdo count 1 "$1")" -eq "$2" ]
}

atf_init_test_cases() {
	atf_add_test_case alpine
}
