#! /usr/bin/env atf-sh
#
# make install lays out a system in which every path that a file names exists.

. "$(atf_get_srcdir)/suite.sh"

atf_test_case layout
layout_head() {
	atf_set descr "everything is there, nothing has an unfilled name"
}
layout_body() {
	top=$(suite_top)
	atf_check sh "$top/mk/install.sh" "$PWD/root"
	prefix=$(sed -n 's/^PREFIX = //p' "$top/config.mk")
	etc=$(sed -n 's/^SYSCONFDIR = //p' "$top/config.mk")
	for f in sbin/sealimapd sbin/sealsmtpd sbin/sealrelayd sbin/sealctl \
	    bin/sealmail \
	    libexec/sealmail/imap-engine libexec/sealmail/imap-store \
	    libexec/sealmail/imap-worker libexec/sealmail/smtp-engine \
	    libexec/sealmail/smtp-deliver \
	    libexec/sealmail/smtp-queue libexec/sealmail/smtp-relay \
	    libexec/sealmail/smtp-resolver libexec/sealmail/sealkeys; do
		[ -x "root$prefix/$f" ] || atf_fail "no $f"
	done
	for page in sealmail.1 sealmail.conf.5 sealstore.5 sealmail.7 xsealmail.7 \
	    sealctl.8 sealimapd.8 sealsmtpd.8 sealrelayd.8; do
		find root -name "$page" | grep -q . || atf_fail "no $page"
	done
	[ -f "root$etc/sealmail.conf" ] || atf_fail "no sample"
	if grep -rIl '@[A-Z]*@' root; then
		atf_fail "a name was not filled in"
	fi
	# A second one leaves the configuration alone.
	echo "# mine" >>"root$etc/sealmail.conf"
	atf_check sh "$top/mk/install.sh" "$PWD/root"
	grep -q '^# mine' "root$etc/sealmail.conf" ||
	    atf_fail "the configuration was overwritten"
}

# What it has laid out, and nothing else, goes again.
atf_test_case uninstall
uninstall_head() {
	atf_set descr "make uninstall leaves what it did not bring"
}
uninstall_body() {
	top=$(suite_top)
	prefix=$(sed -n 's/^PREFIX = //p' "$top/config.mk")
	etc=$(sed -n 's/^SYSCONFDIR = //p' "$top/config.mk")
	mkdir -p "root$prefix/sbin" "root$etc/ssl" "root/var/db/sealmail"
	echo other >"root$prefix/sbin/seal"
	echo mail >root/var/db/sealmail/mail
	find root -type f | sort >before
	atf_check sh "$top/mk/install.sh" "$PWD/root"
	# A daemon that runs finds a program at any moment.
	! find root -name '*.new' | grep . || atf_fail "half installed"
	atf_check sh "$top/mk/install.sh" -u "$PWD/root"
	find root -type f | sort >after
	atf_check diff before after
	[ ! -e "root$prefix/libexec/sealmail" ] || atf_fail "a folder stays"
	# Twice is once, and what was changed stays.
	atf_check sh "$top/mk/install.sh" -u "$PWD/root"
	atf_check sh "$top/mk/install.sh" "$PWD/root"
	echo "# mine" >>"root$etc/sealmail.conf"
	atf_check sh "$top/mk/install.sh" -u "$PWD/root"
	find root -type f | sort >after
	echo "root$etc/sealmail.conf" | sort - before >wanted
	atf_check diff wanted after
}

atf_test_case units
units_head() {
	atf_set descr "systemd understands the units"
}
units_body() {
	command -v systemd-analyze >/dev/null 2>&1 ||
	    atf_skip "systemd-analyze is not installed"
	top=$(suite_top)
	atf_check sh "$top/mk/install.sh" "$PWD/root"
	find root -name 'seal*.service' -o -name 'seal*.socket' >units
	[ -s units ] || atf_skip "not a system with units"
	[ "$(wc -l <units)" -eq 7 ] || atf_fail "$(cat units)"
	# Only what is said about the units themselves: the programs that they
	# name are not installed here.
	while read -r unit; do
		systemd-analyze verify "$PWD/$unit" 2>&1 | grep -vE \
		    'not executable|Unit .* not found|man:|Failed to create .*/start' \
		    >>out
	done <units
	if grep -E "Unknown|Failed to parse|Invalid|legacy|$PWD" out; then
		atf_fail "see above"
	fi
}

atf_init_test_cases() {
	atf_add_test_case layout
	atf_add_test_case uninstall
	atf_add_test_case units
}
