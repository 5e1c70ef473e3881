#! /usr/bin/env atf-sh
#
# What the linker shows of each role: whoever parses has no function that
# opens a secret, whoever holds keys has none that parses.  Symbols that a
# program takes from shared libraries and those of its own are both looked at;
# so are the libraries that it loads.

. "$(atf_get_srcdir)/suite.sh"

# Functions that make keys or open what was sealed.
opens='^(crypto_pwhash.*|crypto_.*_open.*|.*_decrypt(_.*)?|crypto_kdf.*|.*_keypair)$'
# Functions that read what an outsider wrote.
parses='^(tls_.*|SSL_.*|ZSTD_.*|codec_.*|(un)?compress2?|inflate.*|deflate.*|iconv.*)$'
# Libraries with such functions.
parsers='lib(tls|ssl|z|zstd|idn2?|icu[a-z]*)\.so'

program() {
	path=$(suite_top)/libexec/$1
	[ -x "$path" ] || path=$(suite_top)/$2
	[ -x "$path" ] || atf_fail "$1 has not been built"
}

# Symbols without versions and types: those wanted and those defined.
symbols() {
	{
		nm -D "$1"
		nm "$1"
	} | awk '{ sub(/@.*/, "", $NF); print $NF }' | sort -u
}

# grammars: what libmime, libimap and libsmtp offer, one name per line.
grammars() {
	for lib in mime imap smtp; do
		nm -g --defined-only \
		    "$(suite_top)/lib/lib$lib/lib$lib.a" 2>/dev/null
	done | awk '$3 ~ /^(mime|imap|smtp)_/ { print $3 }' | sort -u
}

# knows PROGRAM: prints what it has of them; fails if it has nothing.
knows() {
	grammars >known
	[ "$(wc -l <known)" -gt 50 ] || atf_fail "libraries without names"
	symbols "$1" | grep -Fx -f known
}

# has PROGRAM REGEX: prints the symbols that match; fails if there are none.
has() {
	symbols "$1" | grep -E "$2"
}

loads() {
	readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
	    grep -E "$2"
}

none() {
	program "$1" "$2"
	if has "$path" "$3" >found; then
		atf_fail "$1 has $(tr '\n' ' ' <found)"
	fi
}

atf_test_case engines
engines_head() {
	atf_set descr "engines and the worker can open nothing sealed"
}
engines_body() {
	none imap-engine usr.sbin/sealimapd/engine/imap-engine "$opens"
	none smtp-engine usr.sbin/sealsmtpd/engine/smtp-engine "$opens"
	none imap-worker usr.sbin/sealimapd/worker/imap-worker "$opens"
	none smtp-relay usr.sbin/sealrelayd/relay/smtp-relay "$opens"
	none smtp-resolver usr.sbin/sealrelayd/resolver/smtp-resolver "$opens"
}

atf_test_case keyholders
keyholders_head() {
	atf_set descr "stores, deliverer and sealkeys can parse nothing"
}
keyholders_body() {
	for role in imap-store smtp-deliver smtp-queue sealkeys; do
		none "$role" "libexec/$role" "$parses"
		if knows "$path" >found; then
			atf_fail "$role has $(tr '\n' ' ' <found)"
		fi
		if loads "$path" "$parsers" >found; then
			atf_fail "$role loads $(cat found)"
		fi
	done
}

atf_test_case parents
parents_head() {
	atf_set descr "the daemons' parents neither open nor parse mail"
}
parents_body() {
	for d in sealimapd sealsmtpd sealrelayd; do
		none "$d" "usr.sbin/$d/parent/$d" "$opens"
		none "$d" "usr.sbin/$d/parent/$d" "$parses"
		if knows "$path" >found; then
			atf_fail "$d has $(tr '\n' ' ' <found)"
		fi
	done
}

# The rules must be able to fail: each is tried on the other side.
atf_test_case control
control_head() {
	atf_set descr "the rules find what they look for"
}
control_body() {
	program imap-store libexec/imap-store
	has "$path" "$opens" >found || atf_fail "nothing found in imap-store"
	grep -q '^crypto_pwhash' found || atf_fail "imap-store derives no key"
	grep -q '_open' found || atf_fail "imap-store opens nothing"
	program imap-engine libexec/imap-engine
	has "$path" "$parses" >found || atf_fail "nothing found in imap-engine"
	for f in tls_ ZSTD_ inflate; do
		grep -q "^$f" found || atf_fail "imap-engine has no $f"
	done
	knows "$path" >found || atf_fail "imap-engine has no grammar"
	for f in mime_ imap_; do
		grep -q "^$f" found || atf_fail "imap-engine has no $f"
	done
	loads "$path" "$parsers" >found || atf_fail "imap-engine loads nothing"
	grep -q libtls found || atf_fail "imap-engine does not load libtls"
}

atf_init_test_cases() {
	atf_add_test_case engines
	atf_add_test_case keyholders
	atf_add_test_case parents
	atf_add_test_case control
}
