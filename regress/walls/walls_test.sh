#! /usr/bin/env atf-sh
#
# The walls of a running suite, from both sides: processes in their sandboxes,
# secrets in memory and on disk, files under each uid, sudden death.

. "$(atf_get_srcdir)/../suite/suite.sh"

# wall NAME SECONDS USER DESCRIPTION: a test case that runs one command.
wall() {
	eval "atf_test_case $1 cleanup
	$1_head() {
		atf_set descr '$4'
		atf_set timeout $2
		[ -z '$3' ] || atf_set require.user '$3'
	}
	$1_body() {
		need python3 openssl
		[ -z \"\${SANITIZED-}\" ] || [ $1 != memory ] ||
		    atf_skip 'memory cannot be scanned under sanitizers'
		mkdir -p suite
		echo 'linger 1' >suite/extra.conf
		body_$1 $1
	}
	$1_cleanup() {
		stop_suite
	}
	body_$1() {
		start_suite
		look \"\$@\"
	}"
}

# look COMMAND [ARGUMENT]: what walls.py does with the suite that runs.
look() {
	if ! python3 "$(suite_top)/regress/walls/walls.py" \
	    "$suite/server.json" "$@" >out 2>&1; then
		cat out suite/*.log
		atf_fail 'a wall has a hole'
	fi
	cat out
	suite_alive
}

wall status 120 '' 'every role is sandboxed, and as root has a uid of its own'
wall inject 600 root 'forbidden system calls inside every role die or fail'
wall memory 300 root 'secrets and text are in no memory where they may not be'
wall disk 300 '' 'nothing of the mail can be read on disk'
wall writes 120 root 'each uid writes only what is its own'
wall peers 120 unprivileged 'processes of one uid cannot look into another'
wall kill 900 '' 'what was acknowledged survives kill -9 of everything'
body_kill() {
	start_suite
	look kill "$(full 1000 10000)"
}
body_inject() {
	for part in $(echo {} >none && python3 \
	    "$(suite_top)/regress/walls/walls.py" none parts); do
		start_suite
		look inject "$part"
		stop_suite
	done
}

atf_init_test_cases() {
	atf_add_test_case status
	case $(uname -sm) in
	"Linux x86_64") atf_add_test_case inject ;;
	esac
	atf_add_test_case memory
	atf_add_test_case disk
	atf_add_test_case writes
	atf_add_test_case peers
	atf_add_test_case kill
}
