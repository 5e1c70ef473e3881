# Programs that want a terminal, driven over tmux(1): it draws the screen, so
# that a test waits for what a person would see.  A test program sources this
# file after suite.sh.
#
# shellcheck shell=sh disable=SC2154

# term_start COMMAND: in a terminal of 100 by 30.
term_start() {
	[ -s term.dir ] || mktemp -d "${TMPDIR:-/tmp}/seal.XXXXXX" >term.dir
	tmux -S "$(cat term.dir)/t" -f /dev/null new-session -d -x 100 -y 30 \
	    "$1; echo \"ended with \$?\"; exec sleep 600" ||
	    atf_fail "no terminal"
	tmux -S "$(cat term.dir)/t" set -g escape-time 0 >/dev/null
}

term_screen() {
	tmux -S "$(cat term.dir)/t" capture-pane -p
}

term_has() {
	term_screen | grep -qE -- "$1"
}

# term_wait REGEX: until the screen has it.
term_wait() {
	wait_for 30 term_has "$1" || {
		term_screen
		tail -n 15 "$suite/sealimapd.log"
		term_end
		atf_fail "the screen never has: $1"
	}
}

# term_keys KEY...: as tmux(1) names them; -l TEXT for text as it is.
term_keys() {
	tmux -S "$(cat term.dir)/t" send-keys "$@"
}

term_ended() {
	term_has 'ended with [0-9]+'
}

# For the cleanup part of a test too.
term_end() {
	[ -s term.dir ] || return 0
	tmux -S "$(cat term.dir)/t" kill-server 2>/dev/null
	rm -rf "$(cat term.dir)"
	rm -f term.dir
}
