#! /usr/bin/env atf-sh
#
# What users write mail with hands it in: msmtp, swaks, curl, NeoMutt, git,
# Python's smtplib and Nodemailer, on both ports.

. "$(atf_get_srcdir)/../suite/suite.sh"

SEALMAIL_CACHE=${SEALMAIL_CACHE:-/var/cache/sealmail-regress}

# begin: a suite, and a message of user0001's.
begin() {
	start_suite
	submission_port=$(suite_get submission_port)
	submissions_port=$(suite_get submissions_port)
	me=user0001@$domain
	him=user0002@$domain
	printf 'From: Anna <%s>\r\nTo: %s\r\nSubject: hello\r\n\r\nHello.\r\n' \
	    "$me" "$him" >mail
}

# arrived NUMBER: so many lie in his INBOX, each sent within TLS and a login.
arrived() {
	python3 - "$suite/server.json" "$1" >arrived.out 2>&1 <<'END' ||
import imaplib, json, ssl, sys
s = json.load(open(sys.argv[1]))
c = ssl.create_default_context(cafile=s["cafile"])
m = imaplib.IMAP4_SSL("localhost", s["imaps_port"], ssl_context=c)
m.login(s["user_pattern"] % 2, s["password"])
n = int(m.select()[1][0])
assert n == int(sys.argv[2]), n
for i in range(n):
    text = m.fetch(str(i + 1), "(BODY[])")[1][0][1].decode()
    head = text.split("\r\n\r\n")[0]
    assert "with ESMTPSA" in head, text
    assert "127.0.0.1" not in head, text
    low = head.lower()
    assert "\r\ndate: " in low and "\r\nmessage-id: " in low, text
    assert "Hello." in text, text
END
	    fail_with arrived.out "not all has come"
}

atf_test_case msmtp cleanup
msmtp_head() {
	atf_set descr "msmtp: STARTTLS and TLS, PLAIN and LOGIN"
}
msmtp_body() {
	need msmtp
	begin
	n=0
	for auth in plain login; do
		for port in $submission_port $submissions_port; do
			starttls=on
			[ "$port" = "$submission_port" ] || starttls=off
			printf '%s' "$password" >pw
			cat >msmtprc <<END
account default
host localhost
port $port
from $me
user $me
passwordeval cat $PWD/pw
auth $auth
tls on
tls_starttls $starttls
tls_trust_file $cafile
END
			chmod 600 msmtprc
			msmtp -C msmtprc "$him" <mail >msmtp.out 2>&1 ||
			    fail_with msmtp.out "msmtp $auth $port"
			n=$((n + 1))
		done
	done
	# A sender that is not his.
	! msmtp -C msmtprc -f "$him" "$him" <mail >msmtp.out 2>&1 ||
	    atf_fail "sent in another's name"
	grep -q 553 msmtp.out || fail_with msmtp.out "another answer"
	arrived $n
	suite_alive
}
msmtp_cleanup() {
	stop_suite
}

atf_test_case swaks cleanup
swaks_head() {
	atf_set descr "swaks: STARTTLS and TLS, PLAIN and LOGIN"
}
swaks_body() {
	need swaks
	perl -MNet::SSLeay -e 1 2>/dev/null || atf_skip "swaks has no TLS here"
	begin
	for auth in PLAIN LOGIN; do
		swaks -s "localhost:$submission_port" --tls -a "$auth" \
		    -au "$me" -ap "$password" -f "$me" -t "$him" \
		    --data @mail >swaks.out 2>&1 ||
		    fail_with swaks.out "STARTTLS $auth"
		swaks -s "localhost:$submissions_port" --tlsc -a "$auth" \
		    -au "$me" -ap "$password" -f "$me" -t "$him" \
		    --data @mail >swaks.out 2>&1 ||
		    fail_with swaks.out "TLS $auth"
	done
	! swaks -s "localhost:$submissions_port" --tlsc -a PLAIN -au "$me" \
	    -ap wrong -f "$me" -t "$him" --data @mail >swaks.out 2>&1 ||
	    atf_fail "a wrong password"
	grep -q '535 5.7.8' swaks.out || fail_with swaks.out "another answer"
	arrived 4
	suite_alive
}
swaks_cleanup() {
	stop_suite
}

atf_test_case curl cleanup
curl_head() {
	atf_set descr "curl: smtps and smtp with STARTTLS"
}
curl_body() {
	need curl
	begin
	set -- -sS --cacert "$cafile" -u "$me:$password" --mail-from "$me" \
	    --mail-rcpt "$him" -T mail
	curl "$@" "smtps://localhost:$submissions_port" >curl.out 2>&1 ||
	    fail_with curl.out "smtps"
	curl "$@" --ssl-reqd "smtp://localhost:$submission_port" \
	    >curl.out 2>&1 || fail_with curl.out "STARTTLS"
	curl "$@" --login-options AUTH=LOGIN --ssl-reqd \
	    "smtp://localhost:$submission_port" >curl.out 2>&1 ||
	    fail_with curl.out "LOGIN"
	arrived 3
	suite_alive
}
curl_cleanup() {
	stop_suite
}

atf_test_case neomutt cleanup
neomutt_head() {
	atf_set descr "NeoMutt's own SMTP: STARTTLS and TLS"
}
neomutt_body() {
	need neomutt
	begin
	for url in "smtp://$me@localhost:$submission_port/" \
	    "smtps://$me@localhost:$submissions_port/"; do
		cat >muttrc <<END
set certificate_file = $cafile
set ssl_force_tls = yes
set ssl_starttls = yes
set smtp_url = "$url"
set smtp_pass = "$password"
set smtp_authenticators = "plain:login"
set from = $me
set realname = "Anna"
set copy = no
END
		echo 'Hello.' | neomutt -n -F muttrc -s hello "$him" \
		    >mutt.out 2>&1 || fail_with mutt.out "NeoMutt $url"
	done
	arrived 2
	suite_alive
}
neomutt_cleanup() {
	stop_suite
}

atf_test_case git cleanup
git_head() {
	atf_set descr "git send-email: a series of patches, STARTTLS and TLS"
}
git_body() {
	need git
	[ -x "$(git --exec-path)/git-send-email" ] ||
	    atf_skip "git-email is not installed"
	perl -MIO::Socket::SSL -MAuthen::SASL -MMail::Address -e 1 2>/dev/null ||
	    atf_skip "git send-email has no TLS or no SASL here"
	begin
	git config --global user.name Anna
	git config --global user.email "$me"
	git init -q tree
	for n in 1 2; do
		echo "Hello. $n" >tree/file
		git -C tree add file
		git -C tree commit -q -m "patch $n"
	done
	git -C tree format-patch -q --root -o ../patches
	for way in "tls $submission_port" "ssl $submissions_port"; do
		git send-email --quiet --confirm=never --to="$him" \
		    --from="Anna <$me>" --suppress-cc=all \
		    --smtp-server=localhost --smtp-user="$me" \
		    --smtp-pass="$password" --smtp-ssl-cert-path="$cafile" \
		    --smtp-encryption="${way% *}" \
		    --smtp-server-port="${way#* }" patches/*.patch \
		    >git.out 2>&1 </dev/null ||
		    fail_with git.out "git send-email $way"
	done
	arrived 4
	suite_alive
}
git_cleanup() {
	stop_suite
}

atf_test_case smtplib cleanup
smtplib_head() {
	atf_set descr "Python's smtplib"
}
smtplib_body() {
	begin
	python3 - "$suite/server.json" >smtplib.out 2>&1 <<'END' ||
import json, smtplib, ssl, sys
s = json.load(open(sys.argv[1]))
c = ssl.create_default_context(cafile=s["cafile"])
me, him = s["user_pattern"] % 1, s["user_pattern"] % 2
text = open("mail", newline="").read()
m = smtplib.SMTP("localhost", s["submission_port"])
m.starttls(context=c)
m.login(me, s["password"])
m.sendmail(me, [him], text)
m.sendmail(me, [him], text)
m.quit()
m = smtplib.SMTP_SSL("localhost", s["submissions_port"], context=c)
m.login(me, s["password"])
m.sendmail(me, [him], text)
m.quit()
END
	    fail_with smtplib.out "smtplib"
	arrived 3
	suite_alive
}
smtplib_cleanup() {
	stop_suite
}

modules() {
	modules=$SEALMAIL_CACHE/npm/node_modules
	[ ! -d "$modules/nodemailer" ] || return 0
	[ -n "${INTEROP-}" ] || atf_skip "nodemailer is fetched by make interop"
	need npm
	mkdir -p "$SEALMAIL_CACHE/npm" || atf_skip "no $SEALMAIL_CACHE"
	[ -f "$SEALMAIL_CACHE/npm/package.json" ] ||
	    echo '{ "private": true }' >"$SEALMAIL_CACHE/npm/package.json"
	(cd "$SEALMAIL_CACHE/npm" && npm install --no-audit --no-fund \
	    --ignore-scripts nodemailer) >npm.out 2>&1 ||
	    atf_skip "npm does not get nodemailer: $(head -n 1 npm.out)"
}

atf_test_case nodemailer cleanup
nodemailer_head() {
	atf_set descr "Nodemailer: both ports, several messages a connection"
}
nodemailer_body() {
	need node
	modules
	begin
	cat >client.js <<'END'
const fs = require("fs");
const mailer = require(process.argv[3] + "/nodemailer");
const s = JSON.parse(fs.readFileSync(process.argv[2]));
const user = n => s.user_pattern.replace("%04u", String(n).padStart(4, "0"));
async function main() {
	for (const secure of [true, false]) {
		const t = mailer.createTransport({
			host: "localhost", secure, pool: true,
			port: secure ? s.submissions_port : s.submission_port,
			requireTLS: !secure,
			auth: { user: user(1), pass: s.password },
			tls: { ca: fs.readFileSync(s.cafile) },
		});
		for (let i = 0; i < 2; i++)
			await t.sendMail({ from: "Anna <" + user(1) + ">",
			    to: user(2), bcc: user(1), subject: "hello",
			    text: "Hello." });
		t.close();
	}
	console.log("done");
}
main().catch(e => { console.error(e); process.exit(1); });
END
	node client.js "$suite/server.json" "$modules" >node.out 2>&1 ||
	    fail_with node.out "Nodemailer"
	grep -qx 'done' node.out || fail_with node.out "not to the end"
	arrived 4
	suite_alive
}
nodemailer_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	for t in msmtp swaks curl neomutt git smtplib nodemailer; do
		atf_add_test_case $t
	done
}
