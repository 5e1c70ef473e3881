# Starts the whole suite in a test's private folder, through the script that
# `make run` uses, and stops it again.  A test program sources this file:
#
#	. "$(atf_get_srcdir)/../suite/suite.sh"
#
# shellcheck shell=sh disable=SC2034,SC2154

suite_top() {
	(cd "$(atf_get_srcdir)" && while [ ! -f configure ]; do
		[ "$PWD" != / ] || exit 1
		cd ..
	done && pwd)
}

# start_suite [NAME=VALUE ...]: variables of mk/run.sh, such as USERS=3.  It
# returns when server.json is there and sets host, imaps_port, smtp_port,
# lmtp_port, password, cafile, conf, sealctl, sealmail and domain.
start_suite() {
	top=$(suite_top)
	suite=$PWD/suite
	env RUN="$suite" PORT=auto COST=low USERS=2 "$@" \
	    sh "$top/mk/run.sh" >run.out 2>&1 </dev/null &
	suite_pid=$!
	echo "$suite_pid" >suite.pid
	if ! wait_for 120 test -f "$suite/server.json"; then
		cat run.out
		stop_suite
		atf_fail "the suite did not start"
	fi
	for key in host imaps_port smtp_port lmtp_port lmtp_unix password \
	    cafile conf sealctl sealmail pids_cmd data_dir domain; do
		eval "$key=\$(suite_get $key)"
	done
}

# suite_get KEY: a value of server.json (written one key per line).
suite_get() {
	sed -n "s/^  \"$1\": \"\{0,1\}\(.*[^\",]\)\"\{0,1\},\{0,1\}\$/\1/p" \
	    "$suite/server.json" | sed 's/\\"/"/g;s/\\\\/\\/g'
}

# client_run CLIENT CASE: CLIENT_client.py of the test's folder does CASE with
# the suite that runs, which must live on.
client_run() {
	python3 "$(atf_get_srcdir)/$1_client.py" "$suite/server.json" "$2" \
	    >client.out 2>&1 || fail_with client.out 'it went wrong'
	suite_alive
}

# client_case CLIENT CASE [CONFIGURATION]: a test case CASE of the program, in
# a suite of its own with that line in its configuration.
client_case() {
	atf_test_case "$2" cleanup
	eval "
$2_head() {
	atf_set timeout 300
}
$2_body() {
	need python3
	mkdir suite
	echo '${3-}' >suite/extra.conf
	start_suite USERS=3
	client_run $1 $2
}
$2_cleanup() {
	stop_suite
}"
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
	wait_tenths=$(($1 * 10))
	shift
	until "$@"; do
		wait_tenths=$((wait_tenths - 1))
		[ "$wait_tenths" -gt 0 ] || return 1
		[ ! -f suite.pid ] || kill -0 "$(cat suite.pid)" 2>/dev/null ||
		    return 1
		sleep 0.1
	done
}

# The daemons must live at the end of each test as at its start.
suite_alive() {
	kill -0 "$(cat suite.pid)" || {
		cat run.out
		atf_fail "the suite has died"
	}
	[ "$(sh -c "$pids_cmd" | wc -w)" -ge 8 ] ||
	    atf_fail "roles are missing: $(sh -c "$pids_cmd" | tr '\n' ' ')"
}

# For the cleanup part of a test too: needs nothing but the file suite.pid.
stop_suite() {
	tell_logs
	[ -f suite.pid ] || return 0
	stop_pid=$(cat suite.pid)
	kill -TERM "$stop_pid" 2>/dev/null
	stop_tenths=300
	while kill -0 "$stop_pid" 2>/dev/null; do
		stop_tenths=$((stop_tenths - 1))
		if [ "$stop_tenths" -eq 0 ]; then
			kill -KILL "$stop_pid"
			break
		fi
		sleep 0.1
	done
	rm -f suite.pid
}

# The ends of what daemons and clients have said: Kyua removes the files, and
# shows a test's output, with that of its cleanup, where it has failed.
# tell_logs [FILE]: that one is shown already.
tell_logs() {
	[ ! -f .told ] || return 0
	for log in */*.log log *.log *.out out err; do
		[ -s "$log" ] || continue
		case $log in
		run.out | "${1-}") continue ;;
		esac
		echo "--- $log"
		tail -n 40 "$log"
	done
	[ ! -s run.out ] || {
		echo "--- run.out, until it runs"
		sed '/^Sealmail runs/,$d' run.out
	}
}

# fail_with FILE MESSAGE: the end of the file goes to the test's output.
fail_with() {
	echo "--- $1"
	tail -n 60 "$1"
	tell_logs "$1"
	: >.told
	shift
	atf_fail "$*"
}

# need PROGRAM...: skips the test where a client is not installed.
need() {
	for program; do
		command -v "$program" >/dev/null 2>&1 ||
		    atf_skip "$program is not installed"
	done
}

# imapdo COMMAND ARGS...: what imapdo.py does as user0001.
imapdo() {
	python3 "$(suite_top)/regress/suite/imapdo.py" \
	    "$suite/server.json" "$@"
}

# full DEFAULT STRESS: a count, the larger one under `make stress`.
full() {
	if [ -n "${STRESS-}" ]; then echo "$2"; else echo "$1"; fi
}

# free_ports NUMBER: so many ports on which a daemon may listen.
free_ports() {
	python3 "$(suite_top)/regress/suite/ports.py" "$1"
}

# mkmaildir DIR COUNT SEED [tame]: a Maildir of messages of many shapes.
mkmaildir() {
	python3 "$(suite_top)/regress/suite/mkmail.py" "$@"
}
