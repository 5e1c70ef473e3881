#! /usr/bin/env atf-sh
#
# Changes of very many messages within a running suite: others have their turn
# meanwhile, and of a copy nobody ever sees a part.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

parts="Copying Moving Killed"

for part in $parts; do
	client_case pieces "$part"
done

atf_init_test_cases() {
	for part in $parts; do
		atf_add_test_case "$part"
	done
}
