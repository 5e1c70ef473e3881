#! /usr/bin/env atf-sh
#
# Copyright (c) 2026 The Sealmail authors
#
# Permission to use, copy, modify, and distribute this software for any
# purpose with or without fee is hereby granted, provided that the above
# copyright notice and this permission notice appear in all copies.
#
# THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
# WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
# MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
# ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
# WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
# ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
# OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.

# What a deliverer links must not be able to open anything: the sources that
# it needs name no function of libseal but those of seal.h's public half.

lib="$(atf_get_srcdir)/../../../lib/libstore"
deliver="store_sys.o store_path.o store_limits.o store_rcpt.o store_write.o"

atf_test_case deliverer
deliverer_body()
{
	cd "$lib" || atf_fail "no $lib"
	for o in $deliver; do
		[ -f "$o" ] || atf_fail "$o is not built"
	done
	# shellcheck disable=SC2086
	nm -u $deliver | awk '/ U / { print $2 }' | sort -u >"$HOME/wanted"
	# shellcheck disable=SC2086
	nm -g --defined-only $deliver | awk 'NF == 3 { print $3 }' |
		sort -u >"$HOME/given"
	comm -23 "$HOME/wanted" "$HOME/given" >"$HOME/outside"
	if grep -E 'ring|_open$|unbox|reader|secret|amk|slot|^crypto_' \
		"$HOME/outside" | grep -v '^open'; then
		atf_fail "a deliverer could open what it seals"
	fi
	# The control: the vault's sources do need such.
	nm -u store_body.o | grep -q seal_chunk_open ||
		atf_fail "the test looks at nothing"
}

atf_init_test_cases()
{
	atf_add_test_case deliverer
}
