#! /usr/bin/env atf-sh
#
# Extensions that change how a session speaks: compression, what follows a
# user's leaving, and their like, within a running suite; and again where each
# session has a process of its own.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

parts="Compress Unauthenticate Utf8 Preview Replace Uidonly"

for part in $parts; do
	client_case more "$part"
done

atf_test_case Compress_isolated cleanup
Compress_isolated_head() {
	atf_set timeout 300
}
Compress_isolated_body() {
	need python3
	mkdir suite
	echo 'sessions isolated' >suite/extra.conf
	start_suite USERS=3
	client_run more Compress
	client_run more Isolated
}
Compress_isolated_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	for part in $parts; do
		atf_add_test_case "$part"
	done
	atf_add_test_case Compress_isolated
}
