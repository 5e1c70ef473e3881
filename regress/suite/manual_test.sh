#! /usr/bin/env atf-sh
#
# The manual says what the programs say of themselves, and its examples work.

. "$(atf_get_srcdir)/suite.sh"

configure() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj /CN=x -keyout key.pem -out cert.pem 2>/dev/null ||
	    atf_fail "no certificate"
	cat >conf <<END
hostname "mx.one.test"
domain "one.test"
certificate "x" cert "$PWD/cert.pem" key "$PWD/key.pem"
user keys 50001
user net 50002
user vault 50003
user work 50004
user mail 50005
user queue 50006
group mail 50010
END
	chmod 600 conf key.pem
}

page() {
	echo "$(suite_top)/share/man/man$1/$2.$1"
}

# holds CHECK ARGS: of manual.py.
holds() {
	python3 "$(atf_get_srcdir)/manual.py" "$@" >found || {
		cat found
		atf_fail "$1: manual and code differ"
	}
}

atf_test_case processes
processes_head() {
	atf_set descr "PROCESSES of each daemon's page is its table of roles"
}
processes_body() {
	configure
	for d in sealimapd sealsmtpd sealrelayd; do
		"$(suite_top)/usr.sbin/$d/parent/$d" -nP -f conf >table ||
		    atf_fail "$d -nP fails"
		[ "$(grep -c '^\.It Nm' table)" -ge 2 ] ||
		    atf_fail "$d -nP prints no table"
		holds processes "$(page 8 "$d")" table
	done
}

atf_test_case keywords
keywords_head() {
	atf_set descr "words of the grammar and of sealmail.conf(5) are the same"
}
keywords_body() {
	top=$(suite_top)
	holds keywords "$(page 5 sealmail.conf)" "$top/lib/libconf/parse.y" \
	    "$top"/lib/libconf/*.c "$top"/lib/libconf/*.h \
	    "$top/usr.sbin/sealctl/main.c"
}

atf_test_case limits
limits_head() {
	atf_set descr "limits and their defaults are those of sealmail.conf(5)"
}
limits_body() {
	configure
	"$(suite_top)/usr.sbin/sealimapd/parent/sealimapd" -nv -f conf >all ||
	    atf_fail "sealimapd -nv fails"
	holds limits "$(page 5 sealmail.conf)" all
}

atf_test_case constants
constants_head() {
	atf_set descr "each limit of the headers is in LIMITS with its value"
}
constants_body() {
	cd "$(suite_top)" || exit 1
	holds constants share/man/man8/sealimapd.8,share/man/man8/sealsmtpd.8 \
	    lib/libimap/imap.h lib/libmime/mime.h lib/libsmtp/smtp.h \
	    lib/libmauth/mauth.h lib/libdkim/dkim.h lib/libdkim/dkim_verify.h \
	    usr.sbin/sealimapd/engine/engine.h \
	    usr.sbin/sealsmtpd/engine/engine.h usr.sbin/sealimapd/vault_wire.h \
	    usr.sbin/sealsmtpd/deliver_wire.h
}

# options SECTION/NAME SOURCE...: what getopt(3) is asked for is in the page.
options() {
	where=$1
	shift
	sed -n 's/.*getopt(.*, "+\{0,1\}\([A-Za-z:]*\)").*/\1/p' "$@" |
	    tr -d ':\n' | sed 's/./&\n/g' | sort -u >letters
	[ -s letters ] || atf_fail "${where#*/} has no options"
	while read -r c; do
		grep -qE "Fl [A-Za-z]*$c" "$(page "${where%/*}" "${where#*/}")" ||
		    atf_fail "${where#*/}(${where%/*}) lacks -$c"
	done <letters
}

atf_test_case usage
usage_head() {
	atf_set descr "each page has the commands and options of its program"
}
usage_body() {
	for d in sealimapd sealsmtpd sealrelayd; do
		"$(suite_top)/usr.sbin/$d/parent/$d" -x 2>usage
		grep -q -- '-dnPv.*-f file' usage || atf_fail "$(cat usage)"
		grep -q '^\.Op Fl dnPv' "$(page 8 "$d")" ||
		    atf_fail "$d.8 has another synopsis"
	done
	"$(suite_top)/usr.sbin/sealctl/sealctl" help |
	    sed -n 's/^  /sealctl /p' >usage
	holds commands "$(page 8 sealctl)" DESCRIPTION usage
	"$(suite_top)/usr.bin/sealmail/sealmail" 2>usage
	holds commands "$(page 1 sealmail)" DESCRIPTION usage
	options 8/sealctl "$(suite_top)"/usr.sbin/sealctl/*.c
	options 1/sealmail "$(suite_top)"/usr.bin/sealmail/*.c
}

# staple FILE: an OCSP response that says that cert.pem is good.
staple() {
	printf 'V\t491231235959Z\t\t%s\tunknown\t/CN=x\n' \
	    "$(openssl x509 -in cert.pem -noout -serial | cut -d= -f2)" >index
	openssl ocsp -index index -rsigner cert.pem -rkey key.pem -CA cert.pem \
	    -issuer cert.pem -cert cert.pem -ndays 7 -noverify \
	    -respout "$1" >/dev/null 2>&1 || atf_fail "no staple"
}

atf_test_case conf_examples
conf_examples_head() {
	atf_set descr "sealctl check takes the examples of sealmail.conf(5)"
}
conf_examples_body() {
	configure
	mkdir d
	python3 "$(atf_get_srcdir)/manual.py" displays \
	    "$(page 5 sealmail.conf)" EXAMPLES d || atf_fail "no examples"
	for f in d/*; do
		sed -e "s,/etc/,$PWD/etc/,g" "$f" >"$f.conf"
		grep -oE "$PWD/etc/[^\"]*\.(pem|key|ocsp)" "$f.conf" |
		    sort -u >files
		while read -r c; do
			mkdir -p "${c%/*}"
			case $c in
			*.key) cp key.pem "$c" ;;
			*.ocsp) staple "$c" ;;
			*) cp cert.pem "$c" ;;
			esac
			chmod 600 "$c"
		done <files
		grep '^user \|^group ' conf >>"$f.conf"
		chmod 600 "$f.conf"
		"$(suite_top)/usr.sbin/sealctl/sealctl" -f "$f.conf" check \
		    >out 2>&1 || {
			cat "$f.conf" out
			atf_fail "example ${f#d/} is refused"
		}
	done
	[ "$(find d -name '*.conf' | wc -l)" -ge 2 ] || atf_fail "fewer than two examples"
}

# programs: sealctl, sealmail and what the examples name beside them, as they
# are typed, for the suite that runs.
programs() {
	mkdir -p bin
	cat >bin/sealctl <<END
#!/bin/sh
exec $sealctl "\$@"
END
	# The suite's port and certificate; secrets by standard input.
	cat >bin/sealmail <<END
#!/bin/sh
case \$1 in
deliver) exec $sealmail "\$@" ;;
app | undelete) words="\$1 \$2"; shift 2 ;;
*) words=\$1; shift ;;
esac
cat "$PWD/secret" - </dev/null |
    ${sealmail%% *} \$words -s -h localhost -p $imaps_port -C "$cafile" "\$@"
END
	for d in sealimapd sealsmtpd sealrelayd; do
		cat >"bin/$d" <<END
#!/bin/sh
exec $(suite_top)/usr.sbin/$d/parent/$d -f $conf "\$@"
END
	done
	cat >bin/pwgen <<'END'
#!/bin/sh
echo aes3Ohgh7eiqu8Zohsoo
END
	chmod 755 bin/*
	PATH=$PWD/bin:$PATH
	export PATH
}

# try_lines PAGE PROMPT [SECTION]: runs its examples, in their order.
try_lines() {
	python3 "$(atf_get_srcdir)/manual.py" lines "$1" "${3-EXAMPLES}" >all
	sed -n "s/^$2 //p" all | sed -e "s,/backup,$PWD/backup,g" \
	    -e "s,/var/db/sealmail,$data_dir,g" >lines
	[ -s lines ] || atf_fail "$1 has no examples"
	while read -r line; do
		echo "$2 $line"
		# "One that is gone", as that section says.
		case ${3-}$line in
		BACKUP*"sealctl restore"*)
			sealctl user del alice@example.org >out 2>&1 ||
			    fail_with out "alice cannot be removed"
			;;
		esac
		sh -c "$line" >out 2>&1 </dev/null || {
			cat out
			atf_fail "that failed: $line"
		}
		# The password first, then a new one if one is asked for.
		[ "$line" != "sealctl user add alice@example.org" ] || {
			awk '$1 == "alice@example.org" { print $2 }' out >secret
			[ -s secret ] || fail_with out "no password"
			echo Aev3eiph8Eing0Oht5ee >>secret
		}
	done <lines
}

atf_test_case examples cleanup
examples_head() {
	atf_set descr "examples of sealctl(8) and sealmail(1), at a running suite"
	atf_set timeout 300
}
examples_body() {
	mkdir suite
	echo 'domain "example.org"' >suite/extra.conf
	start_suite
	programs
	mkdir backup
	echo "a report" >report
	# What the examples take for granted.
	printf 'carol@example.org\ndave@example.org with-a-password\n' >users
	try_lines "$(page 8 sealctl)" "#"
	try_lines "$(page 5 sealstore)" "#"
	try_lines "$(page 7 sealmail)" "#" "BACKUP AND REPAIR"
	try_lines "$(page 7 sealmail)" "\\$" "BACKUP AND REPAIR"
	try_lines "$(page 1 sealmail)" "\\$"
	[ "$(find Mail -type f -path '*/cur/*' -o -type f -path '*/new/*' |
	    wc -l)" -eq 1 ] || atf_fail "the report was not exported"
	for d in sealimapd sealsmtpd sealrelayd; do
		try_lines "$(page 8 "$d")" "#"
	done
	suite_alive
}
examples_cleanup() {
	stop_suite
}

atf_test_case dialogue cleanup
dialogue_head() {
	atf_set descr "the example of xsealmail(7), spoken with the server"
	atf_set timeout 300
}
dialogue_body() {
	start_suite
	$sealctl user add alice >made || atf_fail "no alice"
	code=$(awk '$1 ~ /^alice@/ { print $3 }' made)
	python3 "$(atf_get_srcdir)/dialogue.py" "$suite/server.json" \
	    "$(page 7 xsealmail)" "$code" >out 2>&1 || fail_with out "differs"
	# The other password is the one that opens it now.
	curl -sS --cacert "$cafile" -u 'alice:new pass' \
	    "imaps://localhost:$imaps_port/" >out 2>&1 ||
	    fail_with out "the password is another"
	suite_alive
}
dialogue_cleanup() {
	stop_suite
}

atf_test_case offers cleanup
offers_head() {
	atf_set descr "what clients are offered is in STANDARDS, and the other way"
	atf_set timeout 300
}
offers_body() {
	start_suite
	python3 - "$suite/server.json" >offered <<'END' || atf_fail "no session"
import imaplib, json, smtplib, ssl, sys
s = json.load(open(sys.argv[1]))
c = ssl.create_default_context(cafile=s["cafile"])
c.check_hostname = False
m = imaplib.IMAP4_SSL(s["host"], s["imaps_port"], ssl_context=c)
words = set(m.capability()[1][0].decode().split())
m.login(s["user_pattern"] % 1, s["password"])
words |= set(m.capability()[1][-1].decode().split())
print(*sorted(words))
q = smtplib.SMTP(s["host"], s["smtp_port"])
q.ehlo()
r = smtplib.SMTP_SSL(s["host"], s["submissions_port"], context=c)
r.ehlo()
print(*sorted(set(q.esmtp_features) | set(r.esmtp_features)))
END
	# shellcheck disable=SC2046
	holds offers "$(page 8 sealimapd)" $(sed -n 1p offered)
	# shellcheck disable=SC2046
	holds offers "$(page 8 sealsmtpd)" $(sed -n 2p offered)
}
offers_cleanup() {
	stop_suite
}

atf_init_test_cases() {
	atf_add_test_case processes
	atf_add_test_case keywords
	atf_add_test_case limits
	atf_add_test_case constants
	atf_add_test_case usage
	atf_add_test_case conf_examples
	atf_add_test_case examples
	atf_add_test_case dialogue
	atf_add_test_case offers
}
