#! /usr/bin/env atf-sh
#
# aerc(1) in a terminal.

. "$(atf_get_srcdir)/../suite/suite.sh"
. "$(atf_get_srcdir)/terminal.sh"

configure() {
	mkdir -p home/.config/aerc three/cur
	cat >home/.config/aerc/accounts.conf <<END
[one]
source = imaps://user0001%40$domain@localhost:$imaps_port
source-cred-cmd = echo $password
outgoing = smtp+plain://localhost:$smtp_port
from = User One <user0001@$domain>
copy-to = Sent
archive = Archive
cache-headers = false
END
	chmod 600 home/.config/aerc/accounts.conf
	HOME=$PWD/home
	SSL_CERT_FILE=$cafile
	TERM=screen
	EDITOR=true
	export HOME SSL_CERT_FILE TERM EDITOR
	unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME
	i=0
	for who in alice:first bob:second carol:third; do
		i=$((i + 1))
		cat >"three/cur/$i" <<END
From: ${who%:*} <${who%:*}@example.net>
To: user0001@$domain
Subject: ${who#*:}
Date: Fri, 2 Jan 2026 03:04:0$i +0000
Message-ID: <$i@aerc.test>
MIME-Version: 1.0
Content-Type: text/plain

Body of ${who#*:}.
END
	done
	imapdo append 1 INBOX three || atf_fail "appending"
}

# command TEXT: as typed behind a colon.
command_line() {
	term_keys :
	term_keys -l "$1"
	term_keys Enter
}

# holds BOX COUNT: of user0001.
holds() {
	[ "$(imapdo count 1 "$1")" -eq "$2" ]
}

atf_test_case aerc cleanup
aerc_head() {
	atf_set descr "lists, reads, flags, searches, moves, deletes, hears"
	atf_set timeout 300
}
aerc_body() {
	# Keys typed at a screen: a slow machine can lose the race.
	[ -n "${INTEROP-}" ] || atf_skip "make interop runs it"
	need aerc tmux python3
	start_suite
	configure
	term_start aerc
	term_wait 'Archive'
	term_wait 'carol.*third'
	term_keys Enter
	term_wait 'Body of third'
	command_line close
	term_wait 'alice.*first'
	command_line flag
	wait_for 4 has_flag Flagged || {
		term_screen
		atf_fail "not flagged"
	}
	command_line 'filter second'
	wait_for 20 term_lacks 'alice.*first' || atf_fail "not filtered"
	term_wait 'bob.*second'
	command_line 'select 0'
	command_line 'move Archive'
	wait_for 4 holds Archive 1 || {
		term_screen
		atf_fail "not moved"
	}
	command_line clear
	term_wait 'alice.*first'
	command_line 'copy Drafts'
	wait_for 4 holds Drafts 1 || atf_fail "not copied"
	command_line delete
	wait_for 4 holds INBOX 1 || atf_fail "not deleted"
	command_line 'mkdir Made'
	term_wait 'Made'
	command_line 'cf INBOX'
	term_wait '(alice|carol).*(first|third)'
	# New mail is noticed by IDLE.
	printf 'From: dave <dave@example.net>\nSubject: fourth\n\nx\n' |
	    $sealmail deliver "user0001@$domain" || atf_fail "deliver"
	term_wait 'fourth'
	command_line 'quit -f'
	# It may ask whether to: what it did is what counts.
	wait_for 4 term_ended || term_screen
	suite_alive
}
aerc_cleanup() {
	term_end
	stop_suite
}

term_lacks() {
	! term_has "$1"
}

# has_flag NAME: some message of INBOX has it.
has_flag() {
	curl -sS --cacert "$cafile" -u "user0001@$domain:$password" \
	    "imaps://localhost:$imaps_port/INBOX" -X 'FETCH 1:* (FLAGS)' |
	    grep -q "$1"
}

atf_init_test_cases() {
	atf_add_test_case aerc
}
