/*
 * Copyright (c) 2026 The Sealmail authors
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

/*
 * Tables: files in the syntax of aliases(5), and looking things up.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_table.h"

/* Loads a file of this text; the number of lines of errors. */
static int
load(struct conf_table *t, const char *text)
{
	char *errors;
	size_t len;
	FILE *f;
	int ret, n;

	f = fopen("table", "w");
	ATF_REQUIRE(f != NULL);
	ATF_REQUIRE(fputs(text, f) >= 0);
	ATF_REQUIRE_EQ(0, fclose(f));
	(void)strlcpy(t->path, "table", sizeof(t->path));
	f = open_memstream(&errors, &len);
	ATF_REQUIRE(f != NULL);
	ret = conf_table_load(t, f);
	ATF_REQUIRE_EQ(0, fclose(f));
	n = 0;
	for (size_t i = 0; i < len; i++)
		n += errors[i] == '\n';
	ATF_CHECK_EQ_MSG(ret == -1, n > 0, "%s", errors);
	(void)printf("%s", errors);
	free(errors);
	return n;
}

ATF_TC_WITHOUT_HEAD(syntax);
ATF_TC_BODY(syntax, tc)
{
	struct conf_table t;

	memset(&t, 0, sizeof(t));
	ATF_REQUIRE_EQ(0,
	    load(&t,
		"# a comment\n"
		"\n"
		"Postmaster: root\n"
		"root:\tjoe ,  jim@example.org # another\n"
		"  # in between\n"
		"list: one,\n"
		"\ttwo,\n"
		"   three\n"
		"joe@example.org joe\n"
		"@example.net :all\r\n"
		"last: end"));
	ATF_CHECK_EQ(6, t.n_pairs);
	ATF_CHECK_STREQ("root", conf_table_find(&t, "postmaster"));
	ATF_CHECK_STREQ("joe ,  jim@example.org", conf_table_find(&t, "root"));
	ATF_CHECK_STREQ("one,\ttwo,   three", conf_table_find(&t, "list"));
	ATF_CHECK_STREQ("joe", conf_table_find(&t, "joe@example.org"));
	ATF_CHECK_STREQ("all", conf_table_find(&t, "@example.net"));
	ATF_CHECK_STREQ("end", conf_table_find(&t, "last"));
	ATF_CHECK(conf_table_find(&t, "las") == NULL);
	ATF_CHECK(conf_table_find(&t, "") == NULL);
	conf_table_clear(&t);
	ATF_REQUIRE_EQ(0, load(&t, ""));
	ATF_CHECK_EQ(0, t.n_pairs);
	ATF_CHECK(conf_table_find(&t, "x") == NULL);
}

ATF_TC_WITHOUT_HEAD(faults);
ATF_TC_BODY(faults, tc)
{
	struct conf_table t;

	memset(&t, 0, sizeof(t));
	ATF_REQUIRE_EQ(0, load(&t, "old: stays\n"));
	ATF_CHECK_EQ(1, load(&t, "alone\n"));
	ATF_CHECK_EQ(1, load(&t, "none:\n"));
	ATF_CHECK_EQ(1, load(&t, ": x\n"));
	ATF_CHECK_EQ(1, load(&t, "a: ,\n"));
	ATF_CHECK_EQ(1, load(&t, "a: b\nA: c\n"));
	ATF_CHECK_EQ(1, load(&t, "a: |/bin/sh\n"));
	ATF_CHECK_EQ(1, load(&t, "a: \"|/bin/sh\"\n"));
	ATF_CHECK_EQ(1, load(&t, "a: /var/spool/x\n"));
	ATF_CHECK_EQ(1, load(&t, "a: :include:/x\n"));
	ATF_CHECK_EQ(1, load(&t, "a: b c\n"));
	ATF_CHECK_EQ(2, load(&t, "x\nb: c\ny\n"));
	ATF_CHECK_EQ(1, t.n_pairs);
	ATF_CHECK_STREQ("stays", conf_table_find(&t, "old"));
	(void)strlcpy(t.path, "/nonexistent", sizeof(t.path));
	ATF_CHECK_EQ(-1, conf_table_load(&t, stdout));
	ATF_CHECK_EQ(1, t.n_pairs);
	conf_table_clear(&t);
}

ATF_TC_WITHOUT_HEAD(many);
ATF_TC_BODY(many, tc)
{
	struct conf_table t;
	char key[32], *text;
	size_t len;
	FILE *f;

	memset(&t, 0, sizeof(t));
	f = open_memstream(&text, &len);
	ATF_REQUIRE(f != NULL);
	for (int i = 0; i < CONF_TABLE_MAX; i++)
		(void)fprintf(f, "u%d: t%d\n", i, i);
	ATF_REQUIRE_EQ(0, fflush(f));
	ATF_REQUIRE_EQ(0, load(&t, text));
	ATF_CHECK_EQ(CONF_TABLE_MAX, t.n_pairs);
	for (int i = 0; i < CONF_TABLE_MAX; i += 997) {
		(void)snprintf(key, sizeof(key), "u%d", i);
		ATF_REQUIRE(conf_table_find(&t, key) != NULL);
		ATF_CHECK_STREQ(key + 1, conf_table_find(&t, key) + 1);
	}
	/* One more is too many. */
	(void)fprintf(f, "more: x\n");
	ATF_REQUIRE_EQ(0, fclose(f));
	ATF_CHECK_EQ(1, load(&t, text));
	ATF_CHECK_EQ(CONF_TABLE_MAX, t.n_pairs);
	conf_table_clear(&t);
	free(text);
}

ATF_TC_WITHOUT_HEAD(alias);
ATF_TC_BODY(alias, tc)
{
	struct conf_table t;
	char big[2000];

	memset(&t, 0, sizeof(t));
	ATF_REQUIRE_EQ(
	    0, load(&t, "joe@a.example: one\njoe: two\n@a.example: three\n"));
	ATF_CHECK_STREQ("one", conf_alias(&t, "Joe@A.example"));
	ATF_CHECK_STREQ("two", conf_alias(&t, "joe@b.example"));
	ATF_CHECK_STREQ("two", conf_alias(&t, "joe"));
	ATF_CHECK_STREQ("three", conf_alias(&t, "any@a.example"));
	ATF_CHECK(conf_alias(&t, "any@b.example") == NULL);
	ATF_CHECK(conf_alias(&t, "a.example") == NULL);
	ATF_CHECK(conf_alias(&t, "") == NULL);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	ATF_CHECK(conf_alias(&t, big) == NULL);
	conf_table_clear(&t);
}

ATF_TC_WITHOUT_HEAD(list);
ATF_TC_BODY(list, tc)
{
	const char *p;
	char buf[6];

	p = " one , two,,\tthree ,";
	ATF_CHECK_EQ(1, conf_list_next(&p, buf, sizeof(buf)));
	ATF_CHECK_STREQ("one", buf);
	ATF_CHECK_EQ(1, conf_list_next(&p, buf, sizeof(buf)));
	ATF_CHECK_STREQ("two", buf);
	ATF_CHECK_EQ(1, conf_list_next(&p, buf, sizeof(buf)));
	ATF_CHECK_STREQ("three", buf);
	ATF_CHECK_EQ(0, conf_list_next(&p, buf, sizeof(buf)));
	ATF_CHECK_EQ(0, conf_list_next(&p, buf, sizeof(buf)));
	p = "longer";
	ATF_CHECK_EQ(-1, conf_list_next(&p, buf, sizeof(buf)));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, syntax);
	ATF_TP_ADD_TC(tp, faults);
	ATF_TP_ADD_TC(tp, many);
	ATF_TP_ADD_TC(tp, alias);
	ATF_TP_ADD_TC(tp, list);
	return atf_no_error();
}
