#! /usr/bin/env atf-sh
#
# The manual says what the programs say of themselves.

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
group mail 50010
END
	chmod 600 conf key.pem
}

atf_test_case processes
processes_head() {
	atf_set descr "PROCESSES of each daemon's page is its table of roles"
}
processes_body() {
	configure
	for d in sealimapd sealsmtpd; do
		"$(suite_top)/usr.sbin/$d/parent/$d" -nP -f conf >table ||
		    atf_fail "$d -nP fails"
		[ "$(grep -c '^\.It Nm' table)" -ge 3 ] ||
		    atf_fail "$d -nP prints no table"
		page=$(suite_top)/share/man/man8/$d.8
		grep -Fvx -f "$page" table >missing
		[ ! -s missing ] || {
			cat missing
			atf_fail "$d.8 lacks lines of $d -nP"
		}
	done
}

atf_test_case limits
limits_head() {
	atf_set descr "sealmail.conf(5) names every limit that there is"
}
limits_body() {
	configure
	"$(suite_top)/usr.sbin/sealimapd/parent/sealimapd" -nv -f conf >all ||
	    atf_fail "sealimapd -nv fails"
	page=$(suite_top)/share/man/man5/sealmail.conf.5
	sed -n 's/^limit \([a-z-]*\) .*/\1/p' all >limits
	[ "$(wc -l <limits)" -gt 10 ] || atf_fail "no limits are printed"
	while read -r name; do
		grep -q "^\.It Cm $name Ta " "$page" ||
		    atf_fail "$name is not in the page"
	done <limits
}

atf_test_case usage
usage_head() {
	atf_set descr "each page's synopsis has the options of the program"
}
usage_body() {
	for d in sealimapd sealsmtpd; do
		"$(suite_top)/usr.sbin/$d/parent/$d" -x 2>usage
		grep -q -- '-dnPv.*-f file' usage || atf_fail "$(cat usage)"
		grep -q '^\.Op Fl dnPv' "$(suite_top)/share/man/man8/$d.8" ||
		    atf_fail "$d.8 has another synopsis"
	done
	"$(suite_top)/usr.sbin/sealctl/sealctl" 2>usage
	sed -n 's/^ *sealctl \[-j\] \[-f file\] //p' usage |
	    sed 's/ \[.*//;s/ account.*//;s/ file//;s/ directory.*//' >words
	[ "$(wc -l <words)" -gt 10 ] || atf_fail "sealctl has no usage"
	while read -r first second; do
		grep -qE "^\.It Cm $first( $second| .*\| $second|\$)" \
		    "$(suite_top)/share/man/man8/sealctl.8" ||
		    atf_fail "sealctl.8 lacks $first $second"
	done <words
}

atf_init_test_cases() {
	atf_add_test_case processes
	atf_add_test_case limits
	atf_add_test_case usage
}
