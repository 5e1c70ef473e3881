#! /usr/bin/env atf-sh
#
# mbsync(1) pushes a mailbox to the suite and pulls it into another Maildir:
# nothing may differ, in octets or in flags.

. "$(atf_get_srcdir)/../suite/suite.sh"

# rc NAME: a configuration that syncs all boxes with the Maildir NAME.
rc() {
	mkdir -p "$1"
	cat >"$1.rc" <<END
IMAPAccount a
Host localhost
Port $imaps_port
User user0001@$domain
Pass $password
SSLType IMAPS
CertificateFile $cafile

IMAPStore far
Account a

MaildirStore near
Path $PWD/$1/
Inbox $PWD/$1/INBOX
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
END
	chmod 600 "$1.rc"
}

# digest DIR: a line per message: what it holds, and its flags.
digest() {
	python3 - "$1" <<'END'
import glob
import hashlib
import os
import re
import sys
lines = []
for path in glob.glob(sys.argv[1] + "/cur/*") + glob.glob(
        sys.argv[1] + "/new/*"):
    data = open(path, "rb").read().replace(b"\r\n", b"\n")
    # What mbsync adds to find a message again.
    data = re.sub(rb"^X-TUID: .*\n", b"", data, flags=re.M)
    flags = os.path.basename(path).partition(":2,")[2]
    lines.append(hashlib.sha256(data).hexdigest() + " " +
                 "".join(sorted(flags)))
print("\n".join(sorted(lines)))
END
}

sync() {
	mbsync -q -c "$1.rc" c >mbsync.out 2>&1 ||
	    fail_with mbsync.out "mbsync went wrong"
}

atf_test_case there_and_back cleanup
there_and_back_head() {
	atf_set descr "push, pull elsewhere, compare"
	atf_set timeout 1800
}
there_and_back_body() {
	need mbsync python3
	n=$(full 500 5000)
	start_suite
	mkmaildir one/Many "$n" 1
	mkmaildir one/INBOX 20 2
	rc one
	rc two
	sync one
	[ "$(imapdo count 1 Many)" -eq "$n" ] || atf_fail "not all arrived"
	sync two
	for box in Many INBOX; do
		digest one/$box >one.sum
		digest two/$box >two.sum
		cmp one.sum two.sum ||
		    atf_fail "$box: $(diff one.sum two.sum | head -n 10)"
	done
	suite_alive
}
there_and_back_cleanup() {
	stop_suite
}

atf_test_case changes cleanup
changes_head() {
	atf_set descr "flags and removals travel both ways"
	atf_set timeout 600
}
changes_body() {
	need mbsync python3
	start_suite
	mkmaildir one/INBOX 30 3
	rc one
	rc two
	sync one
	sync two
	# On one side a removal and a flag, on the other another flag.
	set -- one/INBOX/cur/*
	mv "$1" "${1%:2,*}:2,FS"
	rm "$2"
	set -- two/INBOX/cur/*
	shift 4
	mv "$1" "${1%:2,*}:2,RS"
	for i in one two one; do
		sync $i
	done
	digest one/INBOX >one.sum
	digest two/INBOX >two.sum
	cmp one.sum two.sum || atf_fail "$(diff one.sum two.sum)"
	[ "$(wc -l <one.sum)" -eq 29 ] || atf_fail "a removal was lost"
	grep -q ' FS$' one.sum || atf_fail "a flag was lost"
	grep -q ' RS$' one.sum || atf_fail "a flag was lost"
	suite_alive
}
changes_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case there_and_back
	atf_add_test_case changes
}
