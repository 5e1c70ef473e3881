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

# The tests of merging notice when one of its rules is broken: MUTANT(n) in the
# library, built with it once more, breaks rule n alone.  The first five are
# those of the model.  Each is name:n:seed to begin with.

mutants="nostripe:1:1 nodirty:2:1 expungeuid:3:1 keeplow:4:1 sym:5:1 saw:6:1
retroactive:7:1 waits:8:60 dead:9:50 unseen:10:20 ungarbage:11:60 lastretire:12:1
checkpoint:13:80 vector:14:1 join:16:260 move:17:1 flags:18:1 rescue:19:1
instance:20:1 news:21:1 cycle:22:1 bits:23:1 names:24:70 marks:25:1 sawall:26:1
ghosts:27:902917"

atf_test_case mutants
mutants_head()
{
	atf_set timeout 600
}
mutants_body()
{
	prog="$(atf_get_srcdir)/mutant_test"
	# The control: with no rule broken it holds.
	MUTANT=0 RUNS=100 "$prog" property || atf_fail "nothing is broken"
	for m in $mutants; do
		rm -rf template accounts head host0 host1
		seed="${m##*:}"
		n="${m%:*}"
		n="${n#*:}"
		noticed=
		for part in renames placements moves property; do
			rm -rf template accounts head host0 host1
			MUTANT="$n" SEED="$seed" RUNS=2000 timeout 100 "$prog" \
				"$part" >out 2>&1 || noticed=$part
			[ -z "$noticed" ] || break
		done
		if [ -z "$noticed" ]; then
			cat out
			atf_fail "$m is not noticed"
		fi
		echo "$m: $(grep failed out | head -n 1)"
	done
}

atf_init_test_cases()
{
	atf_add_test_case mutants
}
