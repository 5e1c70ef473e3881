#! /usr/bin/env atf-sh
#
# What libcodec packs is what sealstore(5) says: it is opened by the reader,
# which shares no code with it.

atf_test_case reader
reader_head() {
	atf_set descr "chunks of mail of many shapes, opened from the page alone"
	atf_set require.progs python3
}
reader_body() {
	python3 "$(atf_get_srcdir)/reader_client.py" \
	    "$(atf_get_srcdir)/codec_pipe" >out 2>&1 ||
	    atf_fail "$(cat out)"
	cat out
	grep -q '^[1-9][0-9]* opened, [1-9][0-9]* of them with lines apart$' \
	    out || atf_fail "nothing was opened"
}

atf_init_test_cases() {
	atf_add_test_case reader
}
