#! /usr/bin/env atf-sh
#
# Clients of other authors prove what they do not show: GNU SASL's own, with the
# binding to TLS and without, and what uses it or the Cyrus SASL library.
#
# shellcheck disable=SC2086

. "$(atf_get_srcdir)/../suite/suite.sh"

# begin: a suite; an app password of user0001's, and user0002's password, which
# is to be proved.
begin() {
	need "$1" python3
	mkdir suite
	imap_port=$(free_ports 1)
	printf 'scram yes\nlisten on "127.0.0.1" imap starttls port %s\n' \
	    "$imap_port" >suite/extra.conf
	start_suite
	submission_port=$(suite_get submission_port)
	submissions_port=$(suite_get submissions_port)
	me=user0001@$domain
	him=user0002@$domain
	printf '%s\n' "$password" | $sealmail app add -j -s -C "$cafile" \
	    -h "$host" -p "$imaps_port" -S imap,submission "$me" all >made ||
	    atf_fail "app add"
	app=$(sed -n 's/.*"password":"\([^"]*\)".*/\1/p' made)
	[ -n "$app" ] || fail_with made "no app password"
	printf '%s\n' "$password" | $sealmail passwd --scram -s -C "$cafile" \
	    -h "$host" -p "$imaps_port" "$him" >made ||
	    atf_fail "passwd --scram"
	printf 'From: Anna <%s>\r\nTo: %s\r\nSubject: hello\r\n\r\nHello.\r\n' \
	    "$me" "$him" >mail
}

# by_scram NUMBER: so many logins over IMAP were proofs.
by_scram() {
	n=$(grep -c 'login conn=.*mechanism=scram' suite/sealimapd.log)
	[ "$n" -eq "$1" ] ||
	    fail_with suite/sealimapd.log "$n logins by SCRAM, not $1"
}

# gnu PROTOCOL PORT MECHANISM NAME SECRET [OPTION ...]
gnu() {
	proto=$1 at=$2 mechanism=$3 name=$4 secret=$5
	shift 5
	gsasl "--$proto" --starttls --x509-ca-file="$cafile" \
	    --hostname=localhost -m "$mechanism" -a "$name" -p "$secret" \
	    --no-client-first -d "$@" --connect="localhost:$at" \
	    </dev/null >gsasl.out 2>&1
}

atf_test_case gsasl cleanup
gsasl_head() {
	atf_set descr "GNU SASL's client: IMAP and submission, -PLUS and not"
	atf_set timeout 300
}
gsasl_body() {
	begin gsasl
	for m in SCRAM-SHA-256-PLUS SCRAM-SHA-256; do
		# Without -PLUS it must not claim that it was not offered.
		cb=
		[ $m != SCRAM-SHA-256 ] || cb=--no-cb
		for port in "imap $imap_port" "smtp $submission_port"; do
			gnu $port $m "$me" "$app" $cb ||
			    fail_with gsasl.out "$port $m app password"
			gnu $port $m "$him" "$password" $cb ||
			    fail_with gsasl.out "$port $m password"
			! gnu $port $m "$me" "$app"x $cb ||
			    fail_with gsasl.out "$port $m: a wrong one"
			! gnu $port $m "$me" "$password" $cb ||
			    fail_with gsasl.out "$port $m: not asked for"
		done
	done
	by_scram 4
	suite_alive
}
gsasl_cleanup() {
	stop_suite
}

atf_test_case msmtp cleanup
msmtp_head() {
	atf_set descr "msmtp by GNU SASL"
}
msmtp_body() {
	begin msmtp
	msmtp --version | grep -q scram-sha-256 || atf_skip "without SCRAM"
	for port in $submission_port $submissions_port; do
		starttls=on
		[ "$port" = "$submission_port" ] || starttls=off
		for who in "$me $app" "$him $password"; do
			printf '%s' "${who#* }" >pw
			cat >msmtprc <<END
account default
host localhost
port $port
from ${who%% *}
user ${who%% *}
passwordeval cat $PWD/pw
auth scram-sha-256
tls on
tls_starttls $starttls
tls_trust_file $cafile
END
			chmod 600 msmtprc
			sed "s/^From: .*/From: <${who%% *}>\\r/" mail |
			    msmtp -C msmtprc "$him" >msmtp.out 2>&1 ||
			    fail_with msmtp.out "$who $port"
		done
	done
	suite_alive
}
msmtp_cleanup() {
	stop_suite
}

# It has ended, or its library has refused: then it says nothing more.
mbsync_said() {
	! kill -0 "$mbsync_pid" 2>/dev/null ||
	    grep -q 'iteration-count is too big' "$1"
}

atf_test_case mbsync cleanup
mbsync_head() {
	atf_set descr "mbsync by Cyrus SASL, which refuses 600,000 iterations"
}
mbsync_body() {
	begin mbsync
	ls /usr/lib/*/sasl2/libscram.so >/dev/null 2>&1 ||
	    atf_skip "Cyrus SASL has no SCRAM here"
	for who in "$me $app" "$him $password"; do
		rm -rf mirror
		mkdir mirror
		cat >mbsyncrc <<END
IMAPAccount suite
Host localhost
Port $imaps_port
User ${who%% *}
Pass "${who#* }"
SSLType IMAPS
CertificateFile $cafile
AuthMechs SCRAM-SHA-256

IMAPStore far
Account suite

MaildirStore near
Path $PWD/mirror/
Inbox $PWD/mirror/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns INBOX
Create Near
SyncState *
END
		HOME=$PWD timeout 60 mbsync -c mbsyncrc all \
		    >"mbsync.${who%%@*}" 2>&1 &
		mbsync_pid=$!
		wait_for 90 mbsync_said "mbsync.${who%%@*}" ||
		    atf_fail "mbsync does not end"
		kill "$mbsync_pid" 2>/dev/null
		wait "$mbsync_pid" || echo failed >>"mbsync.${who%%@*}"
	done
	! grep -q '^failed' mbsync.user0001 ||
	    fail_with mbsync.user0001 "an app password"
	by_scram 1
	grep -q 'iteration-count is too big' mbsync.user0002 ||
	    fail_with mbsync.user0002 "the library's limit is another one now"
	suite_alive
}
mbsync_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	for t in gsasl msmtp mbsync; do
		atf_add_test_case $t
	done
}
