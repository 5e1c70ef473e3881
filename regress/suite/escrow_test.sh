#! /usr/bin/env atf-sh
#
# A domain whose administrator holds a key: the slot comes and goes with the
# configuration, its user sees it, and it opens the account while nobody else
# does.

# shellcheck disable=SC2086

. "$(atf_get_srcdir)/suite.sh"

phrase='a pass phrase'

# list FILE [PASSWORD]: what opens user0001's account, as JSON.
list() {
	printf '%s\n' "${2-$password}" |
	    "$(suite_top)/usr.bin/sealmail/sealmail" app list -j -s \
	    -C "$cafile" -h "$host" -p "$imaps_port" \
	    "user0001@$domain" >"$1" 2>list.err
}

# slots FILE: its escrow slots' labels, in one line.
slots() {
	sed -n 's/.*"kind":"escrow".*"label":"\([^"]*\)".*/\1/p' "$1"
}

# shows WORDS: these escrow slots, at the next login.
shows() {
	list list.out || atf_fail "no login: $(cat list.err)"
	[ "$(slots list.out)" = "$1" ] ||
	    fail_with list.out "the list has not just: $1"
}

# make_key NAME: the pair of files, and the key's id in $key.
make_key() {
	printf '%s\n' "$phrase" | $ctl escrow key "$1" >key.out ||
	    atf_fail "no key was made"
	key=$(sed -n "s/^\([0-9a-f]\{16\}\).*/\1/p" key.out)
	[ -n "$key" ] || fail_with key.out "no id"
}

# no_vault: of user0001; the linger is one second.
no_vault() {
	sleep 1.2
	flock -n "$data_dir/accounts/$domain/user0001/lock" true
}

# stay ACCOUNT: somebody is logged in until the file "staying" is removed.
stay() {
	: >staying
	python3 - "$host" "$imaps_port" "$cafile" "$1" "$password" <<'EOS' &
import imaplib, os, ssl, sys, time
host, port, cafile, account, password = sys.argv[1:]
context = ssl.create_default_context(cafile=cafile)
context.check_hostname = False
m = imaplib.IMAP4_SSL(host, int(port), ssl_context=context)
m.login(account, password)
open("stays", "w").close()
end = time.time() + 60
while os.path.exists("staying") and time.time() < end:
    time.sleep(0.05)
m.logout()
EOS
	wait_for 30 test -f stays || atf_fail "no session stays"
}

# open_account CODE STDIN ARGS...
open_account() {
	want=$1
	printf '%s' "$2" >secrets
	shift 2
	got=0
	$sealctl escrow open "$@" <secrets >open.out 2>open.err || got=$?
	[ "$got" -eq "$want" ] || {
		cat open.out open.err
		atf_fail "escrow open $*: $got, not $want"
	}
}

atf_test_case slot cleanup
slot_head() {
	atf_set descr "made with an account and at a login, changed, removed"
	atf_set timeout 120
}
slot_body() {
	ctl=$(suite_top)/usr.sbin/sealctl/sealctl
	make_key one.key
	one=$key
	[ "$(stat -c %a one.key 2>/dev/null || stat -f %Lp one.key)" = 600 ] ||
	    atf_fail "the secret key's mode"
	atf_check -s exit:1 -e match:"File exists" -x \
	    "echo long enough | $ctl escrow key one.key"
	make_key two.key
	two=$key
	[ "$one" != "$two" ] || atf_fail "one key twice"
	mkdir suite
	echo "escrow \"$PWD/one.key.pub\"" >suite/extra.conf
	start_suite
	# Made with the account: nobody has logged in.
	keys=$data_dir/accounts/$domain/user0001/keys
	cp "$keys"/slots.0.* before
	shows "$one"
	cmp -s before "$keys"/slots.0.* ||
	    atf_fail "a login changed what was there"
	# Another key, by reload, at a session's living vault too.
	sed -i "s|one.key.pub|two.key.pub|" "$conf"
	atf_check -o ignore $sealctl reload
	shows "$two"
	shows "$two"
	# The domain says no.
	sed -i "s|^escrow .*|escrow none|" "$conf"
	atf_check -o ignore $sealctl reload
	shows ""
	# What is not a key, or may be changed by others, is not taken.
	sed -i "s|^escrow .*|escrow \"$PWD/one.key.pub\"|" "$conf"
	chmod 666 one.key.pub
	atf_check -s exit:1 -e match:"others may change it" $sealctl check
	atf_check -s not-exit:0 -o ignore -e ignore $sealctl reload
	chmod 644 one.key.pub
	echo 00 >>one.key.pub
	atf_check -s exit:1 -e match:"not a public key" $sealctl check
	shows ""
	suite_alive
}
slot_cleanup() {
	stop_suite
}

atf_test_case opens cleanup
opens_head() {
	atf_set descr "a new password by the administrator's key, on files"
	atf_set timeout 120
}
opens_body() {
	need flock
	ctl=$(suite_top)/usr.sbin/sealctl/sealctl
	make_key firm.key
	make_key other.key
	mkdir suite
	{
		echo "escrow \"$PWD/firm.key.pub\""
		echo "linger 1"
	} >suite/extra.conf
	start_suite
	a=user0001@$domain
	printf 'Subject: before\n\nx\n' | $sealmail deliver "$a" ||
	    atf_fail "no mail"
	list list.out || atf_fail "no login"
	printf '%s\n' "$password" | "$(suite_top)/usr.bin/sealmail/sealmail" \
	    app add -j -s -C "$cafile" -h "$host" -p "$imaps_port" $a phone \
	    >app.out || atf_fail "no app password"
	app=$(sed -n 's/.*"password":"\([^"]*\)".*/\1/p' app.out)
	# While a vault lives it is refused; wrong secrets change nothing.
	stay $a
	open_account 1 "$phrase
a new password
" -k firm.key $a
	grep -q "logged in" open.err || fail_with open.err "not that"
	rm staying
	wait_for 20 no_vault || atf_fail "the vault stays"
	open_account 1 "wrong
a new password
" -k firm.key $a
	grep -q "phrase is wrong" open.err || fail_with open.err "not that"
	open_account 1 "$phrase
a new password
" -k other.key $a
	grep -q "sealed to the key" open.err || fail_with open.err "not that"
	open_account 1 "$phrase
$app
" -k firm.key $a
	open_account 1 "$phrase
x
" -k firm.key nobody@$domain
	open_account 2 "" $a
	list list.out || atf_fail "the old password is gone"
	wait_for 20 no_vault || atf_fail "the vault stays"
	# A new password; app passwords stay.
	open_account 0 "$phrase
a new password
" -k firm.key $a
	! list list.out || atf_fail "the old password opens"
	list list.out "a new password" || fail_with list.err "not the new one"
	[ -n "$(slots list.out)" ] || atf_fail "the slot is gone"
	list list.out "$app" || atf_fail "the app password is gone"
	wait_for 20 no_vault || atf_fail "the vault stays"
	# All else goes with -a, and there is a new recovery code.
	open_account 0 "$phrase
yet another
" -a -k firm.key $a -j
	code=$(sed -n 's/.*"recovery": *"\([^"]*\)".*/\1/p' open.out)
	grep -q '"revoked": *1' open.out || fail_with open.out "not one"
	! list list.out "$app" || atf_fail "the app password opens"
	! list list.out "a new password" || atf_fail "the password opens"
	printf '%s\n%s\n' "$code" "$password" |
	    "$(suite_top)/usr.bin/sealmail/sealmail" passwd -s -C "$cafile" \
	    -h "$host" -p "$imaps_port" $a || atf_fail "the code is wrong"
	list list.out || atf_fail "not the password of the code"
	# A rekey keeps it, and a reader needs nothing but the key.
	printf '%s\n' "$password" | "$(suite_top)/usr.bin/sealmail/sealmail" \
	    rekey -s -C "$cafile" -h "$host" -p "$imaps_port" $a >rekey.out ||
	    atf_fail "no rekey"
	list list.out || atf_fail "no login after the rekey"
	[ -n "$(slots list.out)" ] || atf_fail "the rekey has lost the slot"
	if /usr/bin/python3 -c 'import nacl' 2>/dev/null; then
		printf '%s\n' "$phrase" | /usr/bin/python3 \
		    "$(suite_top)/regress/reader/sealreader" \
		    "$data_dir/accounts/$domain/user0001" --password-stdin \
		    --json --escrow-key=firm.key >read.json 2>read.err ||
		    fail_with read.err "the reader cannot"
		grep -q sha256 read.json || fail_with read.json "no mail"
	fi
	suite_alive
}
opens_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case slot
	atf_add_test_case opens
}
