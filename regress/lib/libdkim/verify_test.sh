#! /usr/bin/env atf-sh
# Another program verifies what was signed here.

atf_test_case dkimpy
dkimpy_head()
{
	atf_set descr "200 messages, RSA and Ed25519, verified by dkimpy"
}
dkimpy_body()
{
	src=$(atf_get_srcdir)
	python=
	for p in python3 /usr/bin/python3; do
		"$p" -c 'import dkim, nacl' 2>/dev/null && python=$p
	done
	[ -n "$python" ] ||
	    atf_skip "python3-dkim and python3-nacl are not installed"
	"$python" "$src/verify.py" "$src/dkimsign" 200 "${SEED:-1}" ||
	    atf_fail "see above"
}

atf_init_test_cases()
{
	atf_add_test_case dkimpy
}
