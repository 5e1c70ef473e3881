#! /usr/bin/env atf-sh
#
# Extensions that change how a session speaks: compression, what follows a
# user's leaving, and their like, within a running suite; and again where each
# session has a process of its own.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

parts="Compress Unauthenticate Utf8 Preview Replace"

# part [line of the configuration]
client() {
	need python3
	if [ -n "$2" ]; then
		mkdir suite && echo "$2" >suite/extra.conf
	fi
	start_suite USERS=3
	python3 "$(atf_get_srcdir)/more_client.py" \
	    "$suite/server.json" "$1" >client.out 2>&1 ||
	    fail_with client.out 'it went wrong'
	suite_alive
}

for part in $parts; do
	eval "
atf_test_case $part cleanup
${part}_head() {
	atf_set timeout 300
}
${part}_body() {
	client $part
}
${part}_cleanup() {
	stop_suite
}"
done

atf_test_case Compress_isolated cleanup
Compress_isolated_head() {
	atf_set timeout 300
}
Compress_isolated_body() {
	client Compress 'sessions isolated'
	python3 "$(atf_get_srcdir)/more_client.py" \
	    "$suite/server.json" Isolated >client.out 2>&1 ||
	    fail_with client.out 'it went wrong'
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
