#! /usr/bin/env atf-sh
#
# SEARCH of text in many charsets within a running suite.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

client_case charset Charsets

atf_init_test_cases() {
	atf_add_test_case Charsets
}
