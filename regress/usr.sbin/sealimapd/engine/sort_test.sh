#! /usr/bin/env atf-sh
#
# SORT, THREAD and what extends SEARCH, within a running suite.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

parts="Sort Thread Partial Progress"
contexts="Context Multi"

for part in $parts; do
	client_case sort "$part"
done
for part in $contexts; do
	client_case context "$part"
done

atf_init_test_cases() {
	for part in $parts $contexts; do
		atf_add_test_case "$part"
	done
}
