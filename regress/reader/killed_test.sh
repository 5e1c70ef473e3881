#! /usr/bin/env atf-sh
#
# Vaults and engines are killed in the midst of what takes long; the reader,
# which has none of our code, and a fresh login see the same, and all that was
# acknowledged.  SEED=n begins with that seed.

. "$(atf_get_srcdir)/../suite/suite.sh"

atf_test_case killed cleanup
killed_head() {
	atf_set descr "COPY, MOVE, EXPUNGE, REPLACE and APPEND cut off anywhere"
	atf_set timeout 14400
}
killed_body() {
	[ -x /usr/bin/python3 ] ||
	    atf_skip "no /usr/bin/python3"
	/usr/bin/python3 -c 'import nacl' 2>/dev/null ||
	    atf_skip "no python3-nacl"
	seeds=$(full 1 10)
	start_suite USERS="$seeds"
	/usr/bin/python3 "$(atf_get_srcdir)/killed.py" "$suite/server.json" \
	    "${SEED:-$(full 1 "$(date +%s)")}" "$seeds" \
	    "$(full 600 1500)" "$(full 6 60)" >client.out 2>&1 ||
	    fail_with client.out 'a kill has done harm'
	sed -n '/^seed/p; /^seen/,$p' client.out
	suite_alive
	stop_suite
	for n in $(seq "$seeds"); do
		$sealctl verify "$(printf 'user%04d@%s' "$n" "$domain")" \
		    >verified 2>&1 || fail_with verified "it does not verify"
	done
}
killed_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case killed
}
