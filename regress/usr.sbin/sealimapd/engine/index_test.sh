#! /usr/bin/env atf-sh
#
# Text searches with the index and without it find the same.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

atf_test_case searches cleanup
searches_head() {
	atf_set timeout 900
}
searches_body() {
	need python3
	start_suite USERS=1
	python3 "$(atf_get_srcdir)/index_client.py" "$suite/server.json" \
	    >client.out 2>&1 || fail_with client.out 'it went wrong'
	suite_alive
}
searches_cleanup() {
	stop_suite
}

client() {
	python3 "$(atf_get_srcdir)/index_client.py" "$suite/server.json" "$1" \
	    >client.out 2>&1 || fail_with client.out "$1: it went wrong"
}

# reindexed [OPTION]: sealmail reindex, as user0001.
reindexed() {
	# shellcheck disable=SC2086
	echo "$password" | "${sealmail%% *}" reindex -s ${1-} \
	    -C "$cafile" -h "$host" -p "$imaps_port" "user0001@$domain"
}

atf_test_case again cleanup
again_head() {
	atf_set descr "the index is made anew at will, and is in no backup"
	atf_set timeout 900
}
again_body() {
	need python3
	start_suite USERS=1
	client again
	atf_check -o ignore "${sealctl%% *}" -f "$conf" backup copy
	atf_check test -d copy
	find copy "$suite/mail/accounts" -path '*/idx/*' >found
	grep -q "^$suite" found || fail_with found "there was no index"
	grep -q "^copy" found && fail_with found "it is in the backup"
	reindexed >out 2>&1 || fail_with out "sealmail reindex"
	grep -q '^segments removed: 1, octets: [0-9]*, messages to index: 400$' out ||
	    fail_with out "its words"
	reindexed -j >out 2>&1 || fail_with out "sealmail reindex -j"
	python3 -c 'import json, sys
a = json.load(sys.stdin)
sys.exit(a["messages"] != 400 or a["segments"] not in (0, 1) or
    (a["octets"] > 0) != (a["segments"] > 0))' \
	    <out || fail_with out "not JSON, or not that"
	atf_check -o ignore "${sealctl%% *}" -f "$conf" user del \
	    "user0001@$domain"
	atf_check -o match:"user0001.*whole" "${sealctl%% *}" -f "$conf" \
	    restore copy "user0001@$domain"
	client restored
	suite_alive
}
again_cleanup() {
	stop_suite
}

atf_test_case equal cleanup
equal_head() {
	atf_set descr "500 substrings are found by index as by scan"
	atf_set timeout 300
}
equal_body() {
	need python3
	start_suite USERS=1
	python3 "$(atf_get_srcdir)/equal_client.py" "$suite/server.json" \
	    >client.out 2>&1 || fail_with client.out 'it went wrong'
	suite_alive
}
equal_cleanup() {
	stop_suite
}

atf_test_case full cleanup
full_head() {
	atf_set descr "segments that are full are not merged again and again"
	atf_set timeout 900
}
full_body() {
	need python3
	start_suite USERS=1
	python3 "$(atf_get_srcdir)/index_client.py" "$suite/server.json" full \
	    >client.out 2>&1 || fail_with client.out 'it went wrong'
	suite_alive
}
full_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case searches
	atf_add_test_case again
	atf_add_test_case equal
	atf_add_test_case full
}
