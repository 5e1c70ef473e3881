#! /usr/bin/env atf-sh
# What libmime says of messages, against Python's email package.

atf_test_case facts
facts_head() {
	atf_set "require.progs" "python3"
}
facts_body() {
	src=$(atf_get_srcdir)
	atf_check -o match:'^[0-9]+ messages agree' \
	    python3 "$src/compare.py" "$src/mime_dump" \
	    "$src/../../fuzz/mime_seeds"
}

atf_init_test_cases() {
	atf_add_test_case facts
}
