#! /usr/bin/env atf-sh
#
# sealreader, which was written from sealstore(5) alone, reads what the suite
# wrote, and sees what IMAP shows.

. "$(atf_get_srcdir)/../suite/suite.sh"

here=$(atf_get_srcdir)
reader=$here/sealreader
client=$here/reader_client.py

need_reader() {
	[ -x /usr/bin/python3 ] ||
	    atf_skip "no /usr/bin/python3"
	/usr/bin/python3 -c 'import nacl' 2>/dev/null ||
	    atf_skip "no python3-nacl"
}

# account N: the directory of a user.
account() {
	printf '%s/accounts/%s/user%04d' "$data_dir" "$domain" "$1"
}

# read_account DIR [SECRET] >FILE
read_account() {
	printf '%s\n' "${2-$password}" |
	    "$reader" "$1" --password-stdin --json
}

# Reads while nobody is logged in, then compares with what IMAP shows.
compare() {
	read_account "$(account "$1")" >read.json ||
	    fail_with read.json "the account cannot be read"
	"$client" "$suite/server.json" "$1" compare read.json >compared 2>&1 ||
	    fail_with compared "the reader and IMAP differ"
	cat compared
}

# deliver ADDRESS SIZE
deliver() {
	{
		printf 'From: b@example.org\nSubject: %s octets\n\n' "$2"
		awk -v n="$2" 'BEGIN { for (; n > 0; n -= 50)
			print "This line has a number, and compresses well: "n }'
	} | $sealmail deliver "$1" || atf_fail "not delivered"
}


atf_test_case waiting cleanup
waiting_head() {
	atf_set descr "mail in in/: before the first login, and beside a vault's"
	atf_set timeout 300
}
waiting_body() {
	need_reader
	start_suite
	for size in 1 4000 65000 66000 300000; do
		deliver "user0001@$domain" "$size"
	done
	deliver "user0001+Archive@$domain" 10
	{
		printf 'Subject: an attachment\n\nSee below.\n'
		head -c 150000 /dev/urandom | base64
		printf 'A table:\n'
		seq 20000 | base64
	} | $sealmail deliver "user0001@$domain" || atf_fail "not delivered"
	read_account "$(account 1)" >read.json || atf_fail "not read"
	atf_check -o inline:'7\n' grep -c '"uid": 0' read.json
	compare 1
	"$client" "$suite/server.json" 1 work || atf_fail "no work was done"
	stop_suite
	# Now no vault lives that would take anything in.
	start_suite
	deliver "user0001@$domain" 20
	deliver "user0001+Row/Two@$domain" 30
	deliver "user0001+Spam@$domain" 40
	deliver "user0001+Sent@$domain" 50
	compare 1
	atf_check -o match:'4 of them waiting in in/' cat compared
	compare 1
	atf_check -o match:' 0 of them waiting in in/' cat compared
	suite_alive
}
waiting_cleanup() {
	stop_suite
}

atf_test_case operations cleanup
operations_head() {
	atf_set descr "what every operation leaves, beside a living vault" \
	    "and after it; without the snapshot as with it"
	atf_set timeout 300
}
operations_body() {
	need_reader
	start_suite
	"$client" "$suite/server.json" 1 work >worked 2>&1 ||
	    fail_with worked "the reader and IMAP differ in a session"
	compare 1
	stop_suite
	cp -Rp "$(account 1)" copy
	rm -rf copy/snap copy/quota copy/lock
	read_account "$PWD/copy" >copy.json ||
	    atf_fail "it cannot be read without the snapshot"
	cmp read.json copy.json || atf_fail "it reads otherwise"
}
operations_cleanup() {
	stop_suite
}

atf_test_case codecs cleanup
codecs_head() {
	atf_set descr "bodies stored, by deflate and by zstd"
	atf_set timeout 300
}
codecs_body() {
	need_reader
	n=0
	mkdir suite
	for codec in none deflate zstd; do
		n=$((n + 1))
		echo "compression $codec" >suite/extra.conf
		start_suite USERS=3
		for size in 10 65000 200000 1000000; do
			deliver "user000$n@$domain" "$size"
		done
		"$client" "$suite/server.json" "$n" work >worked 2>&1 ||
		    fail_with worked "$codec: they differ"
		compare "$n"
		# What was not compressed takes its room.
		du -sk "$(account "$n")/blob" | cut -f 1 >"$codec.size"
		stop_suite
	done
	for codec in deflate zstd; do
		[ "$(cat none.size)" -gt $((2 * $(cat $codec.size))) ] ||
		    atf_fail "$codec made nothing smaller"
	done
}
codecs_cleanup() {
	stop_suite
}

atf_test_case checkpoint cleanup
checkpoint_head() {
	atf_set descr "a log whose beginning has gone: checkpoints"
	atf_set timeout 900
}
checkpoint_body() {
	need_reader
	start_suite
	"$client" "$suite/server.json" 1 work >worked 2>&1 ||
	    fail_with worked "they differ"
	# Each round writes 2 * 12 octets for each message; 16 MiB are needed.
	atf_check "$client" "$suite/server.json" 1 fill 3000
	atf_check "$client" "$suite/server.json" 1 flags 250
	compare 1
	# A second one, which goes on from the first; read while it is made.
	"$client" "$suite/server.json" 1 flags 250 >flags.out 2>&1 &
	flags_pid=$!
	while kill -0 $flags_pid 2>/dev/null; do
		read_account "$(account 1)" >read.json ||
		    fail_with read.json "not read beside a busy vault"
	done
	wait $flags_pid || fail_with flags.out "no second checkpoint"
	deliver "user0001@$domain" 60
	compare 1
	stop_suite
}
checkpoint_cleanup() {
	stop_suite
}

atf_test_case secrets cleanup
secrets_head() {
	atf_set descr "password and recovery code open; what is wrong does not"
	atf_set timeout 300
}
secrets_body() {
	need_reader
	start_suite
	deliver "user0001@$domain" 10
	read_account "$(account 1)" >right || atf_fail "the password is refused"
	code=$(sed -n "s/^user0001@$domain .* //p" "$suite/recovery-codes")
	[ -n "$code" ] || atf_fail "no recovery code is known"
	for secret in "$code" "$(echo "$code" | tr 'a-z-' 'A-Z ')"; do
		read_account "$(account 1)" "$secret" >read.json ||
		    atf_fail "the recovery code is refused"
		cmp read.json right || atf_fail "it shows something else"
	done
	# One symbol wrong; another account's; empty; as good as right.
	other=$(sed -n "s/^user0002@$domain .* //p" "$suite/recovery-codes")
	case $code in
	0*) wrong=1${code#?} ;;
	*) wrong=0${code#?} ;;
	esac
	for secret in "$wrong" "$other" '' "$password " "x$password"; do
		atf_check -s exit:1 -e inline:'sealreader: wrong password\n' \
		    -x "printf '%s\n' '$secret' | $reader $(account 1) \
		    --password-stdin --json"
	done
	atf_check -s exit:2 -e match:usage "$reader"
}
secrets_cleanup() {
	stop_suite
}

atf_test_case damage cleanup
damage_head() {
	atf_set descr "a torn end of the log, a hole in it, a damaged body"
	atf_set timeout 300
}
damage_body() {
	need_reader
	start_suite
	"$client" "$suite/server.json" 1 work >worked 2>&1 ||
	    fail_with worked "they differ"
	compare 1
	# The last frame has a message, and nothing that upkeep acts upon.
	mkmaildir last 1 9
	imapdo append 1 INBOX last >/dev/null || atf_fail "cannot append"
	stop_suite
	read_account "$(account 1)" >read.json || atf_fail "it cannot be read"
	set -- "$(account 1)"/log/*.1
	[ -f "$1" ] || atf_fail "no log"
	segment=log/${1##*/}

	# The last octet of the last frame: all but that frame is there.
	cp -Rp "$(account 1)" torn
	/usr/bin/python3 - "torn/$segment" <<'END'
import sys
with open(sys.argv[1], "r+b") as f:
    data = f.read()
    f.truncate(len(data.rstrip(b"\0")) - 1)
END
	read_account "$PWD/torn" >torn.json || atf_fail "a torn end is fatal"
	! cmp -s read.json torn.json || atf_fail "nothing was torn"

	# An octet in the midst, with frames after it: told, and not passed over.
	cp -Rp "$(account 1)" hole
	/usr/bin/python3 - "hole/$segment" <<'END'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(4000)
    octet = f.read(1)[0]
    f.seek(4000)
    f.write(bytes([octet ^ 1]))
END
	read_account "$PWD/hole" >hole.json 2>told
	[ $? -eq 2 ] || atf_fail "a hole in the log passes"
	atf_check -o match:'damaged' cat told

	# Bodies, half of them: these messages alone have no sum.
	cp -Rp "$(account 1)" body
	chmod -R u+w body
	for blob in body/blob/[0-7]*; do
		printf x | dd of="$blob" bs=1 seek=100 conv=notrunc 2>/dev/null
	done
	read_account "$PWD/body" >body.json 2>told
	[ $? -eq 2 ] || atf_fail "damaged bodies pass"
	atf_check -o match:'the checksum is wrong' cat told
	for sum in null '"'; do
		[ "$(grep -c "\"sha256\": $sum" body.json)" -ge 10 ] ||
		    atf_fail "not those messages alone"
	done
}
damage_cleanup() {
	stop_suite
}

atf_test_case put_back cleanup
put_back_head() {
	atf_set descr "an old copy put back: the log of a second writer"
	atf_set timeout 300
}
put_back_body() {
	need_reader
	start_suite
	"$client" "$suite/server.json" 1 work >worked 2>&1 ||
	    fail_with worked "they differ"
	stop_suite
	cp -Rp "$(account 1)" old
	start_suite
	"$client" "$suite/server.json" 1 append || atf_fail "no append"
	compare 1
	stop_suite
	rm -rf "$(account 1)"
	cp -Rp old "$(account 1)"
	start_suite
	compare 1
	"$client" "$suite/server.json" 1 append || atf_fail "no append"
	deliver "user0001@$domain" 70
	compare 1
	set -- "$(account 1)"/log/*.1
	[ $# -eq 2 ] || atf_fail "one series where two must be"
	suite_alive
}
put_back_cleanup() {
	stop_suite
}

atf_test_case rebuilt cleanup
rebuilt_head() {
	atf_set descr "a log that was cut where it was damaged"
	atf_set timeout 300
}
rebuilt_body() {
	need_reader
	start_suite
	"$client" "$suite/server.json" 1 work >worked 2>&1 ||
	    fail_with worked "they differ"
	stop_suite
	set -- "$(account 1)"/log/*.1
	/usr/bin/python3 - "$1" <<'END'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(7000)
    octet = f.read(1)[0]
    f.seek(7000)
    f.write(bytes([octet ^ 1]))
END
	read_account "$(account 1)" >read.json 2>told
	[ $? -eq 2 ] || fail_with told "a hole in the log passes"
	$sealctl rebuild "user0001@$domain" >rebuilt 2>&1 ||
	    fail_with rebuilt "it is not rebuilt"
	read_account "$(account 1)" >read.json || atf_fail "it cannot be read"
	atf_check -o match:'[0-9]{2}' grep -c '"uid": 0' read.json
	start_suite
	compare 1
	compare 1
	atf_check -o match:' 0 of them waiting in in/' cat compared
	suite_alive
}
rebuilt_cleanup() {
	stop_suite
}

# change SECRETS VALUE ARGS...: what sealmail prints of the value.
change() {
	change_secrets=$1
	change_value=$2
	change_command=$3
	shift 3
	# shellcheck disable=SC2086
	printf '%b' "$change_secrets" | "$top/usr.bin/sealmail/sealmail" \
	    $change_command -j -s -C "$cafile" -h "$host" -p "$imaps_port" \
	    "user0001@$domain" "$@" >changed ||
	    fail_with changed "sealmail $change_command"
	/usr/bin/python3 -c 'import json, sys
print(json.load(open("changed")).get(sys.argv[1], ""))' "$change_value"
}

opens() {
	read_account "$(account 1)" "$1" >read.json 2>told ||
	    fail_with told "$2 opens nothing"
	atf_check -o inline:"$3\n" grep -c '"sha256": "' read.json
}

opens_not() {
	read_account "$(account 1)" "$1" >read.json 2>told
	[ $? -eq 1 ] || fail_with told "$2 opens it still"
}

atf_test_case keys cleanup
keys_head() {
	atf_set descr "what password change, app passwords, a new recovery" \
	    "code and new keys leave"
	atf_set timeout 300
}
keys_body() {
	need_reader
	start_suite
	"$client" "$suite/server.json" 1 append || atf_fail "no append"
	deliver "user0001@$domain" 10
	first=$(sed -n "s/^user0001@$domain .* //p" "$suite/recovery-codes")
	app=$(change "$password\n" password "app add" phone)
	lost=$(change "$password\n" password "app add" lost)
	id=$(/usr/bin/python3 -c 'import json
print(json.load(open("changed"))["id"])')
	opens "$app" "an app password" 31
	opens "$lost" "another app password" 31
	change "$password\n" id "app revoke" "$id"
	opens_not "$lost" "a revoked app password"
	change "$password\nanother one\n" id passwd
	opens_not "$password" "the old password"
	opens "another one" "the new password" 31
	opens "$app" "an app password" 31
	second=$(change "another one\n" recovery recover)
	opens_not "$first" "the old recovery code"
	opens "$second" "the new recovery code" 31
	# New keys: what is written now, and what was written before them.
	third=$(change "another one\n" recovery rekey)
	deliver "user0001@$domain" 20
	opens_not "$app" "an app password of the old keys"
	opens_not "$second" "the recovery code of the old keys"
	opens "$third" "the recovery code of the new keys" 32
	change "another one\n$password\n" id passwd
	"$client" "$suite/server.json" 1 append || atf_fail "no append"
	deliver "user0001@$domain" 30
	opens "$password" "the password" 63
	compare 1
	suite_alive
}
keys_cleanup() {
	stop_suite
}

atf_test_case merged
merged_head() {
	atf_set descr "random runs of two hosts: the reader sees what" \
	    "libstore sees, before they have merged and after it"
	atf_set timeout 3000
}
merged_body() {
	need_reader
	store=$here/../lib/libstore
	[ -x "$store/merge_test" ] || atf_skip "no merge_test"
	RUNS=$(full 10 300) READER=$here/merged_check.py \
	    "$store/merge_test" -s "$store" -r result property \
	    >out 2>err || fail_with out "$(cat result)"
	tail -n 1 out
	atf_check -o match:' [0-9]{2,} times read' tail -n 1 out
	atf_check -o inline:'passed\n' cat result
}

atf_test_case unfinished
unfinished_head() {
	atf_set descr "a copy of many without an end, of one of two hosts," \
	    "behind a checkpoint: it is not there"
}
unfinished_body() {
	need_reader
	store=$here/../lib/libstore
	[ -x "$store/rules_test" ] || atf_skip "no rules_test"
	READER=$here/merged_check.py "$store/rules_test" -s "$store" \
	    -r result unfinished >out 2>err || fail_with out "$(cat result)"
	atf_check -o inline:'4 times read\n' tail -n 1 out
	atf_check -o inline:'passed\n' cat result
}

atf_init_test_cases() {
	atf_add_test_case waiting
	atf_add_test_case operations
	atf_add_test_case codecs
	atf_add_test_case checkpoint
	atf_add_test_case secrets
	atf_add_test_case damage
	atf_add_test_case put_back
	atf_add_test_case keys
	atf_add_test_case rebuilt
	atf_add_test_case merged
	atf_add_test_case unfinished
}
