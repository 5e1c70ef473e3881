#! /usr/bin/env atf-sh
#
# Two suites in two networks of their own, with names that are signed or have
# policies, send each other mail; others are on the way: sites.py.

. "$(atf_get_srcdir)/world.sh"

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
		in_world python3 \"\$(atf_get_srcdir)/sites.py\" $1
	}"
}

site_case both 300 "both ways over DANE and MTA-STS; reports, 8 bit, 20 MB"
site_case refused 300 "who is on the way gets nothing, and nothing is lost"
site_case queue 300 "what an administrator does with mail that waits"
site_case killed 300 "processes die, the link goes: nothing lost, or twice"

atf_init_test_cases() {
	for tc in both refused queue killed; do
		atf_add_test_case "$tc"
	done
}
