#! /usr/bin/env atf-sh
#
# imap-engine within a running suite: RFC 9051 and RFC 3501, section by section.

. "$(atf_get_srcdir)/../../../suite/suite.sh"

cases="rfc:Model rfc:Formats rfc:Operation rfc:Answers rfc:Any rfc:Login rfc:Boxes
    rfc:Lists selected:Leave selected:Keys selected:Fetch selected:Change
    selected:Names condstore:Condstore condstore:Qresync"

for part in $cases; do
	client_case "${part%:*}" "${part#*:}"
done

atf_test_case sections
sections_head() {
	atf_set descr "a check stands for every section of RFC 9051"
}
sections_body() {
	need python3
	dir=$(atf_get_srcdir)
	python3 "$dir/sections.py" "$dir"/*_client.py \
	    "$dir"/../../../lib/libimap/*_test.c >sections.out 2>&1 ||
	    fail_with sections.out 'sections are left out'
}

atf_init_test_cases() {
	for part in $cases; do
		atf_add_test_case "${part#*:}"
	done
	atf_add_test_case sections
}
