#! /usr/bin/env atf-sh
#
# neomutt(1) and mutt(1), driven by keys over a pseudo-terminal.

. "$(atf_get_srcdir)/../suite/suite.sh"

# keys STRING: $mutt in the INBOX of user0001 executes the keys and quits.
keys() {
	cat >muttrc <<END
set certificate_file = $cafile
set ssl_force_tls = yes
set imap_user = user0001@$domain
set imap_pass = $password
set folder = imaps://localhost:$imaps_port/
set spoolfile = +INBOX
set record = ""
set confirmappend = no
set confirmcreate = no
set delete = yes
set quit = yes
set wait_key = no
set pipe_decode = no
set header_cache = ""
set mail_check = 1
set tmpdir = $PWD
END
	chmod 600 muttrc
	python3 - "$mutt" "$1" <<'END' >mutt.out 2>&1 || fail_with mutt.out "$mutt went wrong"
import os
import pty
import select
import signal
import sys
import time
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execvp(sys.argv[1], [sys.argv[1], "-n", "-F", "muttrc", "-e",
                            "push '%s'" % sys.argv[2]])
end = time.time() + 60
while time.time() < end:
    if select.select([fd], [], [], 0.2)[0]:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
else:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    sys.exit("it did not end")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
}

# session: with the program mutt.
session() {
	need "$mutt" python3
	start_suite
	mkmaildir mail 5 4
	imapdo append 1 INBOX mail ||
	    atf_fail "appending"
	keys "<first-entry><pipe-message>cat > piped<enter><quit>"
	tr -d '\r' <piped >got
	set -- mail/cur/*
	cmp got "$1" || atf_fail "another message: $(diff got "$1" | head)"
	keys "<first-entry><copy-message>=Archive<enter><quit>"
	[ "$(imapdo count 1 Archive)" -eq 1 ] || atf_fail "no copy"
	keys "<first-entry><next-entry><flag-message><sync-mailbox><quit>"
	keys "<last-entry><delete-message><sync-mailbox><quit>"
	[ "$(imapdo count 1 INBOX)" -eq 4 ] || atf_fail "not deleted"
	keys "<first-entry><save-message>=Trash<enter><sync-mailbox><quit>"
	[ "$(imapdo count 1 Trash)" -eq 1 ] || atf_fail "not moved"
	[ "$(imapdo count 1 INBOX)" -eq 3 ] || atf_fail "moved and kept"
	suite_alive
}

atf_test_case neomutt cleanup
neomutt_head() {
	atf_set descr "neomutt opens, reads, flags, copies, deletes"
	atf_set timeout 300
}
neomutt_body() {
	mutt=neomutt
	session
}
neomutt_cleanup() {
	stop_suite
}

atf_test_case mutt cleanup
mutt_head() {
	atf_set descr "mutt does the same"
	atf_set timeout 300
}
mutt_body() {
	mutt=mutt
	session
}
mutt_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case neomutt
	atf_add_test_case mutt
}
