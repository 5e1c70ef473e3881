#! /usr/bin/env atf-sh
#
# Response codes and searches for names within a running suite.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

parts="Codes Names"

for part in $parts; do
	client_case codes "$part"
done

atf_init_test_cases() {
	for part in $parts; do
		atf_add_test_case "$part"
	done
}
