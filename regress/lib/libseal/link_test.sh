#! /usr/bin/env atf-sh
# What a deliverer pulls out of libseal.a opens nothing, derives nothing from a
# secret and makes no key pair but ephemeral ones to seal with; and the library
# needs nothing but libc and libsodium.

forbidden='crypto_pwhash|_open|_decrypt|crypto_kdf|_keypair|secretstream'
forbidden="$forbidden|crypto_sign_detached|scalarmult"

atf_test_case deliver
deliver_head()
{
	atf_set "require.progs" "nm"
}
deliver_body()
{
	nm -u "$(atf_get_srcdir)/deliver_probe" >symbols
	# The control: this is how the names would look.
	grep -q crypto_box_beforenm symbols || atf_fail "nothing is sealed"
	# Ephemeral: the one that sender.c makes, uses and wipes.
	grep -v ' crypto_box_keypair' symbols >rest
	if grep -E "$forbidden" rest; then
		atf_fail "a deliverer can open or make keys"
	fi
}

atf_test_case vault
vault_head()
{
	atf_set "require.progs" "nm"
}
vault_body()
{
	# The same search finds what a vault has, so it can find it.
	nm -u "$(atf_get_srcdir)/slot_test" >symbols
	for name in crypto_pwhash crypto_kdf _decrypt _keypair; do
		grep -q "$name" symbols || atf_fail "no $name"
	done
}

atf_init_test_cases()
{
	atf_add_test_case deliver
	atf_add_test_case vault
}
