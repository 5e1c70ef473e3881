#! /usr/bin/env atf-sh
#
# The committed accounts read as they did when they were committed: `made` was
# computed from sealstore(5) by vectors.py, `suite` was written by the suite.

here=$(atf_get_srcdir)
made=$here/made/accounts/vectors.example/someone
suite=$here/suite/accounts/sealmail.test/user0001

need_nacl() {
	/usr/bin/python3 -c 'import nacl' 2>/dev/null ||
	    atf_skip "no /usr/bin/python3 with python3-nacl"
}

# reads ACCOUNT JSON SECRET
reads() {
	printf '%s\n' "$3" | /usr/bin/python3 "$here/../reader/sealreader" \
	    "$1" --password-stdin --json ${4:+"$4"} >read.json ||
	    atf_fail "$1 cannot be read"
	cmp read.json "$2" || atf_fail "$1 reads otherwise"
}

# vector NAME
vector() {
	sed -n "s/^$1 //p" "$here/vectors.txt"
}

atf_test_case computed
computed_head() {
	atf_set descr "what the page says makes these octets and no others"
}
computed_body() {
	need_nacl
	atf_check -o match:'vectors, 65 files' \
	    /usr/bin/python3 "$here/vectors.py" check "$here"
}

atf_test_case made
made_head() {
	atf_set descr "the account that was made from the page"
}
made_body() {
	need_nacl
	reads "$made" "$here/made.json" "correct horse battery staple"
	reads "$made" "$here/made.json" "$(vector code.app)"
	reads "$made" "$here/made.json" "$(vector code.recovery)"
	reads "${made%/*}/two" "$here/two.json" "$(vector code.app)"
	reads "${made%/*}/noted" "$here/noted.json" "$(vector code.app)"
	reads "${made%/*}/pieces" "$here/pieces.json" "$(vector code.app)"
	reads "$made" "$here/made.json" "a pass phrase of the firm" \
	    --escrow-key="$here/made/escrow.key"
	reads "$made" "$here/made.json" "$(vector member.secret)" --member-secret
	for secret in "$(vector code.revoked)" "correct horse battery stable" \
	    "$(vector code.before)" "of the other host"
	do
		printf '%s\n' "$secret" >secret
		atf_check -s exit:1 -e inline:'sealreader: wrong password\n' \
		    -x "/usr/bin/python3 $here/../reader/sealreader $made \
		    --password-stdin --json <secret"
	done
}

atf_test_case written
written_head() {
	atf_set descr "an account that the suite wrote"
}
written_body() {
	need_nacl
	reads "$suite" "$here/suite.json" "$(cat "$here/suite.password")"
	reads "$suite" "$here/suite.json" "$(cat "$here/suite.recovery")"
}

atf_init_test_cases() {
	atf_add_test_case computed
	atf_add_test_case made
	atf_add_test_case written
}
