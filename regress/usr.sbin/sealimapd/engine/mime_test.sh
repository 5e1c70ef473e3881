#! /usr/bin/env atf-sh
#
# What a running suite says of messages' parts is what it serves, for all
# fixtures of the parser, malformed mail, and forged summaries.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

parts="Fixtures Malformed Made Forged Fields"

for part in $parts; do
	client_case mime "$part"
done

atf_init_test_cases() {
	for part in $parts; do
		atf_add_test_case "$part"
	done
}
