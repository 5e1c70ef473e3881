#! /usr/bin/env atf-sh
#
# sealctl user disable, enable, quota and rename, as users and mail notice.

# shellcheck disable=SC2086

. "$(atf_get_srcdir)/suite.sh"

# login CODE PASSWORD USER: a login over IMAPS ends so.
login() {
	got=0
	printf '%s\n' "$2" | "$(suite_top)/usr.bin/sealmail/sealmail" \
	    app list -s -C "$cafile" -h "$host" -p "$imaps_port" \
	    "$3@$domain" >login.out 2>login.err || got=$?
	[ "$got" -eq "$1" ] ||
	    atf_fail "login of $3: $got, not $1: $(cat login.err)"
}

# deliver CODE USER: of the file msg.
deliver() {
	got=0
	$sealmail deliver "$2@$domain" <msg 2>deliver.err || got=$?
	[ "$got" -eq "$1" ] ||
	    atf_fail "mail for $2: $got, not $1: $(cat deliver.err)"
}

atf_test_case disable cleanup
disable_head() {
	atf_set timeout 120
}
disable_body() {
	start_suite USERS=2
	printf 'Subject: x\n\nx\n' >msg
	login 0 "$password" user0001
	deliver 0 user0001
	atf_check $sealctl user disable user0001
	login 69 "$password" user0001
	grep -q disabled login.err || atf_fail "$(cat login.err)"
	# Only who knows the password is told.
	login 77 wrong user0001
	got=0
	$sealmail deliver "user0001@$domain" <msg 2>/dev/null || got=$?
	[ "$got" -ne 0 ] || atf_fail "mail for a disabled account was taken"
	login 0 "$password" user0002
	atf_check -o match:disabled $sealctl user show user0001
	atf_check $sealctl user enable user0001
	login 0 "$password" user0001
	deliver 0 user0001
	atf_check -s exit:1 -e match:"no such account" \
	    $sealctl user disable nobody
	suite_alive
}
disable_cleanup() {
	stop_suite
}

# A session under way ends when its account is disabled.
atf_test_case kicked cleanup
kicked_head() {
	atf_set timeout 120
}
kicked_body() {
	need python3
	start_suite USERS=2
	cat >idle.py <<'END'
import json, socket, ssl, sys
c = json.load(open(sys.argv[1]))
s = ssl.create_default_context(cafile=c["cafile"]).wrap_socket(
    socket.create_connection((c["host"], c["imaps_port"]), 60),
    server_hostname=c["host"])
s.sendall(b'a LOGIN user0001@%s "%s"\r\n'
          % (c["domain"].encode(), c["password"].encode()))
data = b""
while b"a OK" not in data:
    data += s.recv(4096)
open("ready", "w").close()
while True:
    more = s.recv(4096)
    if not more:
        break
    data += more
assert b"* BYE" in data, data
END
	python3 idle.py "$suite/server.json" 2>idle.err &
	idle=$!
	wait_for 20 test -f ready || atf_fail "no session: $(cat idle.err)"
	atf_check $sealctl user disable user0001
	wait $idle || atf_fail "$(cat idle.err)"
	suite_alive
}
kicked_cleanup() {
	stop_suite
}

atf_test_case quota cleanup
quota_head() {
	atf_set timeout 120
}
quota_body() {
	start_suite USERS=2
	printf 'Subject: x\n\nx\n' >msg
	deliver 0 user0001
	atf_check $sealctl user quota user0001 1K
	got=0
	$sealmail deliver "user0001@$domain" <msg 2>/dev/null || got=$?
	[ "$got" -eq 75 ] || atf_fail "over quota: $got"
	deliver 0 user0002
	atf_check -o match:1024 $sealctl user show user0001
	atf_check $sealctl user quota user0001 2g
	atf_check -o match:2147483648 $sealctl user show user0001
	deliver 0 user0001
	# A quota stays what it was while the account is disabled.
	atf_check $sealctl user disable user0001
	atf_check $sealctl user enable user0001
	atf_check -o match:2147483648 $sealctl user show user0001
	atf_check $sealctl user quota user0001 none
	for size in "" 0 -1 x 1X 1KK 99999999999999999999 99999999T; do
		atf_check -s exit:2 -o ignore -e match:size \
		    $sealctl user quota user0001 "$size"
	done
	suite_alive
}
quota_cleanup() {
	stop_suite
}

atf_test_case rename cleanup
rename_head() {
	atf_set timeout 120
}
rename_body() {
	start_suite USERS=2
	printf 'Subject: x\n\nx\n' >msg
	deliver 0 user0001
	login 0 "$password" user0001
	atf_check -s exit:1 -e match:"new name" \
	    $sealctl user rename user0001 user0002
	atf_check -s exit:1 -e match:"no domain" \
	    $sealctl user rename user0001 a@elsewhere.test
	atf_check -s exit:1 -e match:"no such account" \
	    $sealctl user rename nobody anybody
	atf_check $sealctl user rename user0001 Renamed
	login 77 "$password" user0001
	login 0 "$password" renamed
	deliver 67 user0001
	deliver 0 renamed
	atf_check $sealctl user rename renamed user0001
	login 0 "$password" user0001
	login 0 "$password" user0002
	suite_alive
}
rename_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	for part in disable kicked quota rename; do
		atf_add_test_case "$part"
	done
}
