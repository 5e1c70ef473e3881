#! /usr/bin/env atf-sh
#
# Of two suites in networks of their own what takes longer: regress/sites has
# the rest, and sites.py.

. "$(atf_get_srcdir)/../sites/world.sh"

# site_case NAME SECONDS DESCRIPTION: a case of sites.py.
site_case() {
	eval "atf_test_case $1
	$1_head() {
		atf_set descr '$3'
		atf_set require.user root
		atf_set require.progs '$WORLD_PROGS'
		atf_set timeout $2
	}
	$1_body() {
		[ -n \"\${INTEROP-}\" ] ||
		    atf_skip 'takes minutes: make interop runs it'
		in_world python3 \"\$(atf_get_srcdir)/../sites/sites.py\" $1
	}"
}

site_case lapsed 600 "old certificates, policies that are gone, mail returned"
site_case storm 900 "96 mishaps: nothing lost, or twice"

atf_init_test_cases() {
	atf_add_test_case lapsed
	atf_add_test_case storm
}
