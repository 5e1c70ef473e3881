#! /usr/bin/env atf-sh
#
# A full disk, from end to end: no blocks, no inodes.

. "$(atf_get_srcdir)/suite.sh"

# small OPTIONS: the suite's folder becomes a small file system.
small() {
	need python3 mount umount
	[ "$(uname)" = Linux ] || atf_skip "mounts a tmpfs as Linux does"
	mkdir suite
	mount -t tmpfs -o "$1" tmpfs suite 2>mount.err ||
	    atf_skip "cannot mount: $(cat mount.err)"
	touch mounted
}

# full_disk blocks|inodes: then all of it again after a new start.
full_disk() {
	echo "linger 1" >suite/extra.conf
	start_suite
	python3 "$(suite_top)/regress/suite/full.py" "$suite/server.json" \
	    "$1" >full.out 2>&1 || fail_with full.out "$1: $(tail -n 1 full.out)"
	cat full.out
	suite_alive
	imapdo hashes 1 Kept >before
	stop_suite
	start_suite
	imapdo hashes 1 Kept >after
	[ -s before ] || atf_fail "no mail"
	cmp before after || atf_fail "other mail after a new start"
	# shellcheck disable=SC2086
	$sealctl verify >verify.out 2>&1 ||
	    fail_with verify.out "verify"
	suite_alive
}

full_cleanup() {
	stop_suite
	[ ! -f mounted ] || umount suite || umount -l suite
}

atf_test_case blocks cleanup
blocks_head() {
	atf_set descr "no blocks: refusals, sessions live, nothing is lost"
	atf_set require.user root
	atf_set timeout 300
}
blocks_body() {
	small size=160m,mode=755
	full_disk blocks
}
blocks_cleanup() {
	full_cleanup
}

atf_test_case inodes cleanup
inodes_head() {
	atf_set descr "no inodes: refusals, sessions live, nothing is lost"
	atf_set require.user root
	atf_set timeout 300
}
inodes_body() {
	small size=160m,nr_inodes=4000,mode=755
	full_disk inodes
}
inodes_cleanup() {
	full_cleanup
}

atf_test_case faults cleanup
faults_head() {
	atf_set descr "EIO, EDQUOT and ENOSPC: clear refusals, nothing is lost"
	atf_set require.user root
	atf_set timeout 300
}
faults_body() {
	need python3 strace
	mkdir suite
	echo "linger 1" >suite/extra.conf
	start_suite
	got=0
	python3 "$(suite_top)/regress/suite/faults.py" "$suite/server.json" \
	    >faults.out 2>&1 || got=$?
	[ "$got" -ne 75 ] || atf_skip "cannot trace: $(tail -n 1 faults.out)"
	[ "$got" -eq 0 ] ||
	    fail_with faults.out "$(tail -n 1 faults.out)"
	cat faults.out
	imapdo hashes 1 Kept >before
	stop_suite
	start_suite
	imapdo hashes 1 Kept >after
	[ -s before ] || atf_fail "no mail"
	cmp before after || atf_fail "other mail after a new start"
	# shellcheck disable=SC2086
	$sealctl verify >verify.out 2>&1 || fail_with verify.out "verify"
	suite_alive
}
faults_cleanup() {
	full_cleanup
}

atf_init_test_cases() {
	atf_add_test_case faults
	atf_add_test_case blocks
	atf_add_test_case inodes
}
