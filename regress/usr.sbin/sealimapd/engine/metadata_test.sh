#! /usr/bin/env atf-sh
#
# METADATA (RFC 5464) and LIST-METADATA (RFC 9590) within a running suite.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

parts="Values Listed Events"

for part in $parts; do
	eval "
atf_test_case $part cleanup
${part}_head() {
	atf_set timeout 300
}
${part}_body() {
	need python3
	start_suite USERS=3
	python3 \"\$(atf_get_srcdir)/metadata_client.py\" \
	    \"\$suite/server.json\" $part >client.out 2>&1 ||
	    fail_with client.out 'it went wrong'
	suite_alive
}
${part}_cleanup() {
	stop_suite
}"
done

atf_init_test_cases() {
	for part in $parts; do
		atf_add_test_case "$part"
	done
}
