#! /usr/bin/env atf-sh
#
# Deletes that wait, deletes that need no key, and quotas, in a whole suite.

. "$(atf_get_srcdir)/suite.sh"

as_user() {
	python3 "$(suite_top)/regress/suite/retention.py" \
	    "$suite/server.json" "$@"
}

must() {
	"$@" >out 2>&1 || fail_with out "$*"
}

# says WHAT COMMAND ARGS...: that is all it prints.
says() {
	want=$1
	shift
	must "$@"
	[ "$(cat out)" = "$want" ] || fail_with out "$*: not $want"
}

# files DIR: how many files lie in that directory of user0001.
files() {
	find "$suite/mail/accounts/$domain/user0001/$1" -type f \
	    ! -name ".*" 2>/dev/null | wc -l
}

ctl() {
	"${sealctl%% *}" -f "$conf" "$@"
}

# swept COUNT: a sweep moves so many to trash/.
swept() {
	must ctl -j sweep
	grep -q "\"trashed\": $1[,}]" out || fail_with out "not $1 trashed"
}

# told OCTETS: the file that deliverers read says at least so many.
told() {
	[ "$(sed -n 's/^live //p' \
	    "$suite/mail/accounts/$domain/user0001/quota")" \
	    -ge "$1" ]
}

# undeleted list|restore ARGS...: sealmail undelete, as user0001.
undeleted() {
	what=$1
	shift
	case ${1-} in
	-*)
		options=$1
		shift
		;;
	*)
		options=
		;;
	esac
	# shellcheck disable=SC2086
	echo "$password" | "${sealmail%% *}" undelete "$what" -s $options \
	    -C "$cafile" -h "$host" -p "$imaps_port" "user0001@$domain" "$@"
}

has_files() {
	[ "$(files "$1")" -eq "$2" ]
}

atf_test_case brake cleanup
brake_head() {
	atf_set descr "a mass delete waits until the administrator confirms it"
	atf_set timeout 300
}
brake_body() {
	need python3
	start_suite
	must as_user fill 1 120
	must as_user delete 1 60
	says 60 imapdo count 1 INBOX
	# Upkeep signs the deletes within seconds; the blobs stay.
	wait_for 30 has_files del 1 || fail_with run.out "no list of deletes"
	sleep 3
	has_files blob 120 || fail_with run.out "blobs: $(files blob)"
	# A few more at another time go with them: it is the same hour.
	stop_suite
	start_suite
	swept 0
	has_files blob 120 || fail_with run.out "blobs: $(files blob)"
	must ctl user confirm-delete user0001
	swept 60
	has_files blob 60 || fail_with run.out "blobs: $(files blob)"
	has_files trash 60 || fail_with run.out "trash: $(files trash)"
	says 60 imapdo count 1 INBOX
	ctl user confirm-delete nobody >out 2>&1 &&
	    fail_with out "an account that does not exist"
	grep -q "no such account" out || fail_with out "no reason"
	suite_alive
	stop_suite
}
brake_cleanup() {
	stop_suite
}

# deletes confirm|purge: sealmail deleted, as user0001.
deletes() {
	echo "$password" | "${sealmail%% *}" deleted "$1" -s \
	    -C "$cafile" -h "$host" -p "$imaps_port" "user0001@$domain"
}

# confirmed N: the user says so until that many lie in trash/; what was deleted
# just now is signed when the vault comes to it.
confirmed() {
	deletes confirm >out 2>&1 && has_files trash "$1"
}

atf_test_case user_decides cleanup
user_decides_head() {
	atf_set descr "a mass delete is shown, confirmed or taken back; purged"
	atf_set timeout 300
}
user_decides_body() {
	need python3
	start_suite
	must as_user fill 1 120
	must as_user delete 1 60
	wait_for 30 has_files del 1 || fail_with run.out "no list of deletes"
	must undeleted list
	grep -q "^60 belong to a mass delete" out ||
	    fail_with out "no word of the mass delete"
	[ "$(grep -c "(held until " out)" -eq 60 ] || fail_with out "not held"
	id=$(sed -n 's/ .*//p;q' out)
	must undeleted restore "$id"
	password_was=$password
	password=wrong
	deletes confirm >out 2>&1 && fail_with out "by a wrong password"
	deletes purge >out 2>&1 && fail_with out "by a wrong password"
	password=$password_was
	says "confirmed: 59" deletes confirm
	wait_for 30 has_files trash 59 || fail_with run.out "not in trash/"
	has_files blob 61 || fail_with run.out "blobs: $(files blob)"
	must undeleted list
	grep -q "mass delete" out && fail_with out "still held"
	says "purged: 59" deletes purge
	has_files trash 0 || fail_with run.out "trash: $(files trash)"
	must undeleted list -j
	grep -q '"id"' out && fail_with out "still there"
	says 61 imapdo count 1 INBOX
	# The administrator, beside a living vault and without one.
	must as_user delete 1 2
	wait_for 30 confirmed 2 || fail_with run.out "not in trash/"
	must ctl -j sweep -n 0 user0001
	grep -q '"removed": 2[,}]' out || fail_with out "not 2 removed"
	must as_user delete 1 1
	wait_for 30 confirmed 1 || fail_with run.out "not in trash/"
	must ctl sweep -n 7
	has_files trash 1 || fail_with run.out "removed too early"
	stop_suite
	start_suite
	must ctl sweep -n 0
	has_files trash 0 || fail_with run.out "trash: $(files trash)"
	ctl sweep -n 8 >out 2>&1 && fail_with out "-n 8"
	ctl sweep nobody >out 2>&1 && fail_with out "nobody"
	suite_alive
	stop_suite
}
user_decides_cleanup() {
	stop_suite
}

# audited: sealmail verify, as user0001.
audited() {
	# shellcheck disable=SC2086
	echo "$password" | "${sealmail%% *}" verify -s ${1-} \
	    -C "$cafile" -h "$host" -p "$imaps_port" "user0001@$domain"
}

atf_test_case verify_inside cleanup
verify_inside_head() {
	atf_set descr "sealmail verify opens all, beside sessions at work"
	atf_set timeout 300
}
verify_inside_body() {
	need python3
	start_suite
	must as_user fill 1 150
	must ctl user quota user0001 6M
	must as_user full 1 2000000 INBOX
	must as_user copy 1 Archive
	must audited
	grep -q "^30[0-9] messages, [0-9]* octets: 0 findings" out ||
	    fail_with out "findings in what is whole"
	must audited -j
	python3 -c 'import json, sys
a = json.load(sys.stdin)
sys.exit(a["findings"] != 0 or a["faults"] != [] or a["octets"] < 2000000)' \
	    <out || fail_with out "not JSON, or not that"
	# The administrator may let it be done, and learns numbers only.
	must ctl verify -k user0001
	grep -q "^user0001@.*: messages 30[0-9], octets [0-9]*, findings 0$" \
	    out || fail_with out "the administrator's"
	must ctl verify -j -k user0001
	grep -q '"findings": 0' out || fail_with out "not JSON"
	ctl verify -k user0002 >out 2>&1 && fail_with out "without a key"
	grep -q 'nobody is logged in' out || fail_with out "nobody"
	# A session has its turn while it runs, and may change what it reads.
	audited >audit.out 2>&1 &
	must as_user delete 1 3
	wait $! || fail_with audit.out "beside a session"
	# A key holder alone can see that a message is another's.
	set -- "$suite/mail/accounts/$domain/user0001/blob"/*
	chmod 600 "$1"
	dd if=/dev/zero of="$1" bs=1 seek=100 count=8 conv=notrunc 2>/dev/null
	audited >out 2>&1 && fail_with out "a damaged message is not seen"
	grep -q "UID [0-9]*: " out || fail_with out "no message is named"
	ctl verify -k user0001 >out 2>&1 && fail_with out "not seen with -k"
	grep -q 'findings [1-9]' out || fail_with out "no findings"
	audited -j >out 2>&1
	grep -q '"mailbox":"' out || fail_with out "no mailbox is named"
	suite_alive
	stop_suite
}
verify_inside_cleanup() {
	stop_suite
}

atf_test_case few cleanup
few_head() {
	atf_set descr "a few deletes go at once, and Trash is signed ahead"
	atf_set timeout 300
}
few_body() {
	need python3
	start_suite
	must as_user fill 1 10
	must as_user delete 1 3
	wait_for 30 has_files trash 3 || fail_with run.out "not in trash/"
	has_files blob 7 || fail_with run.out "blobs: $(files blob)"
	must as_user trash 1 4
	wait_for 30 has_files del 2 || fail_with run.out "Trash: not signed"
	# It is cancelled before the answer to the MOVE.
	must as_user back 1 2
	has_files del 3 || fail_with run.out "nothing was cancelled"
	stop_suite
	start_suite
	swept 0
	says 5 imapdo count 1 INBOX
	says 2 imapdo count 1 Trash
	suite_alive
	stop_suite
}
few_cleanup() {
	stop_suite
}

atf_test_case undelete cleanup
undelete_head() {
	atf_set descr "XSEALMAIL UNDELETE brings deleted messages back"
	atf_set timeout 300
}
undelete_body() {
	need python3
	start_suite
	must as_user fill 1 5
	says 5 imapdo count 1 INBOX
	imapdo hashes 1 INBOX >before
	must as_user delete 1 2
	wait_for 30 has_files trash 2 || fail_with run.out "not in trash/"
	must as_user xdeleted 1
	[ "$(grep -c '^\* XSEALMAIL DELETED [0-9a-f]* [0-9]* [0-9]* [0-9]* 0 '"\
"'"INBOX" ".*" ".*@.*"$' out)" -eq 2 ] || fail_with out "not two of them"
	ids=$(awk '{ print s $4; s = "," }' ORS= out)
	as_user undelete 1 00000000000000000000000000000000 >out 2>&1 &&
	    fail_with out "restored what is not there"
	grep -q NONEXISTENT out || fail_with out "not NONEXISTENT"
	as_user undelete 1 "$ids,x" >out 2>&1 && fail_with out "not BAD"
	must as_user undelete 1 "$ids"
	says 5 imapdo count 1 INBOX
	imapdo hashes 1 INBOX >after
	cmp before after || fail_with out "other messages"
	must as_user xdeleted 1
	grep -q DELETED out && fail_with out "still deleted"
	# The same by the program.
	must as_user delete 1 3
	wait_for 30 has_files trash 3 || fail_with run.out "not in trash/"
	must undeleted list -j
	[ "$(grep -c '"deleted"' out)" -eq 3 ] || fail_with out "not three"
	must undeleted list
	id=$(sed -n 's/ .*//p;q' out)
	must undeleted restore "$id"
	says 3 imapdo count 1 INBOX
	undeleted restore nonsense >out 2>&1 && fail_with out "nonsense"
	must undeleted restore all
	imapdo hashes 1 INBOX >after
	cmp before after || fail_with out "other messages"
	# Where it was: not Trash, through which it went; or where it is told.
	must as_user trash 1 2
	must as_user empty 1 Trash
	wait_for 30 has_files trash 2 || fail_with run.out "not in trash/"
	must undeleted list -j
	[ "$(grep -c '"mailbox":"INBOX"' out)" -eq 2 ] ||
	    fail_with out "another mailbox than INBOX"
	grep -q '"subject":"[^"]' out || fail_with out "no subject"
	id=$(sed -n 's/^{"id":"\([0-9a-f]*\)".*/\1/p' out | head -n 1)
	must undeleted restore "-b Archive" "$id"
	says 1 imapdo count 1 Archive
	undeleted restore "-b Nowhere" all >out 2>&1 &&
	    fail_with out "into a mailbox that is not there"
	must undeleted restore all
	says 4 imapdo count 1 INBOX
	must as_user empty 1 Archive
	must undeleted restore all
	says 1 imapdo count 1 Archive
	must as_user copy 1 Archive
	must as_user empty 1 Archive
	must undeleted restore "-b INBOX" all
	imapdo hashes 1 INBOX >after
	cmp before after || fail_with out "other messages"
	# They stay, whoever sweeps.
	stop_suite
	start_suite
	swept 0
	imapdo hashes 1 INBOX >after
	cmp before after || fail_with out "other messages after all"
	suite_alive
	stop_suite
}
undelete_cleanup() {
	stop_suite
}

atf_test_case quota cleanup
quota_head() {
	atf_set descr "what is too much is refused, by IMAP and LMTP"
	atf_set timeout 300
}
quota_body() {
	need python3
	start_suite
	must ctl user quota user0001 200K
	must as_user full 1 40000 INBOX
	grep -q "^5 .*OVERQUOTA" out || fail_with out "not refused in time"
	# The vault tells deliverers within seconds.
	wait_for 30 told 150000 || fail_with run.out "the quota is not told"
	as_user lmtp 1 40000 >out 2>&1
	grep -q "^452 4.2.2" out || fail_with out "not 452 4.2.2"
	# A copy takes no room.
	must as_user copy 1 Archive
	grep -q "^OK" out || fail_with out "COPY was refused"
	must as_user delete 1 4
	must as_user full 1 40000 INBOX
	grep -q "^0 .*OVERQUOTA" out || fail_with out "the copies are not kept"
	must as_user empty 1 Archive
	must as_user full 1 40000 INBOX
	grep -q "^4 .*OVERQUOTA" out || fail_with out "still full"
	# Of a new account: its domain's.
	sed "s/^domain \"*$domain\"*\$/domain \"$domain\" { quota 5M }/" \
	    "$conf" >conf.new
	cmp -s conf.new "$conf" && fail_with conf.new "no line of the domain"
	cat conf.new >"$conf"
	must ctl reload
	must ctl user add newcomer
	must ctl -j user show newcomer
	grep -q '"quota": 5242880' out || fail_with out "not the default quota"
	suite_alive
	stop_suite
}
quota_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case brake
	atf_add_test_case few
	atf_add_test_case user_decides
	atf_add_test_case verify_inside
	atf_add_test_case undelete
	atf_add_test_case quota
}
