#! /usr/bin/env atf-sh
# What users submit: logins, whose addresses they may use, how much they send,
# and what becomes of the header.  Each case is a function of submission.py,
# run against a suite of its own.
# shellcheck disable=SC1091,SC2154,SC2034
. "$(atf_get_srcdir)/../../suite/suite.sh"

# begin [LINE]: a suite of three users, with more configuration.
begin() {
	mkdir suite
	printf '%s\n' "$1" >suite/extra.conf
	{
		echo "info: user0001"
		echo "both: user0001, user0002"
		echo "other: user0002"
		echo "user0001+own@sealmail.test: user0002"
	} >suite/aliases
	start_suite USERS=3
}

# try CASE [ARGUMENT ...]
try() {
	script=submission
	case $1 in
	sent_again | requiretls) script=submitted ;;
	esac
	python3 "$(atf_get_srcdir)/$script.py" "$suite/server.json" "$@" \
	    >try.out 2>&1 || fail_with try.out "$1"
}

# simple CASE DESCRIPTION [LINE]
simple() {
	atf_test_case "$1" cleanup
	eval "$1_head() { atf_set descr '$2'; }
	$1_body() { begin '${3-}'; try $1; suite_alive; }
	$1_cleanup() { stop_suite; }"
}

simple commands "nothing before TLS and AUTH; every way to say AUTH wrong"
simple injected "what comes in clear behind STARTTLS is not obeyed"
simple mechanisms "PLAIN, LOGIN and SCRAM-SHA-256, in all their forms" \
    "scram yes"
simple envelope "senders: the account, its details, its aliases, no others"
simple authors "From and Sender: his own, and in one reading only"
simple notices "the empty sender is for notifications"
simple header "what is added, and what is taken out"
simple sent "what a user has sent is saved for him if he wants"
simple sent_away "the same while none of his sessions lives" \
    "linger 0"
simple sent_again "sent once more, since the queue died: no second copy"
simple requiretls "REQUIRETLS is offered within TLS, and kept"
simple agent "a mail program is named where the site wants it" \
    "submission agent show"
simple flood "wrong passwords: the door, and then the address" \
    "limit login-failures-per-source 12"
simple paced "messages and recipients of an hour, over many connections" \
    "limit messages-per-hour 4
limit recipients-per-hour 9"
simple slow "senders of an octet at a time hold up no other"

atf_test_case scopes cleanup
scopes_head() {
	atf_set descr "app passwords: only those of the scope submission"
}
scopes_body() {
	begin "scram yes"
	for scope in imap submission imap,submission; do
		printf '%s\n' "$password" | $sealmail app add -j -s \
		    -C "$cafile" -h "$host" -p "$imaps_port" -S "$scope" \
		    "user0001@$domain" "$scope" >"$scope.json" 2>err ||
		    fail_with err "app add $scope"
	done
	try scopes imap.json submission.json imap,submission.json
	suite_alive
}
scopes_cleanup() {
	stop_suite
}

atf_test_case sent_full cleanup
sent_full_head() {
	atf_set descr "no room for the copy: refused before it is sent"
}
sent_full_body() {
	begin
	$sealctl user quota "user0001@$domain" 1 >ctl.out 2>&1 ||
	    fail_with ctl.out quota
	try sent_full
	suite_alive
}
sent_full_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	for t in commands injected mechanisms envelope authors notices header \
	    sent sent_away sent_full sent_again requiretls agent flood paced slow scopes; do
		atf_add_test_case $t
	done
}
