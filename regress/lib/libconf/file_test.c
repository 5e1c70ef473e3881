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
 * Files: who may write the config and read a secret; includes; what a config
 * names on this machine.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <atf-c.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"

static const char head[] = "hostname a.b\ndomain a.b\nlisten on ::1 lmtp\n";

static void
write_file(const char *name, mode_t mode, const char *a, const char *b)
{
	FILE *f;

	(void)unlink(name);
	f = fopen(name, "w");
	ATF_REQUIRE(f != NULL);
	ATF_REQUIRE(fprintf(f, "%s%s", a, b) >= 0);
	ATF_REQUIRE_EQ(0, fclose(f));
	ATF_REQUIRE_EQ(0, chmod(name, mode));
}

/* Whether it loads; else the errors hold text. */
static bool
loads(const char *name, const char *text)
{
	struct conf *c;
	char *errors;
	size_t len;
	FILE *f;
	bool good;

	f = open_memstream(&errors, &len);
	ATF_REQUIRE(f != NULL);
	c = conf_load(name, f);
	ATF_REQUIRE_EQ(0, fclose(f));
	good = c != NULL;
	if (!good)
		ATF_CHECK_MSG(strstr(errors, text) != NULL, "%s", errors);
	else
		ATF_CHECK_STREQ("", errors);
	free(errors);
	conf_free(c);
	return good;
}

ATF_TC_WITHOUT_HEAD(permissions);
ATF_TC_BODY(permissions, tc)
{
	write_file("conf", 0644, head, "");
	ATF_CHECK(loads("conf", ""));
	write_file("conf", 0664, head, "");
	ATF_CHECK(!loads("conf", "conf: must belong to root"));
	write_file("conf", 0646, head, "");
	ATF_CHECK(!loads("conf", "must belong to root"));
	ATF_CHECK(!loads("nothing", "nothing: No such file"));
	ATF_CHECK(!loads("/", "directory"));
	if (geteuid() == 0) {
		write_file("conf", 0600, head, "");
		ATF_REQUIRE_EQ(0, chown("conf", 12345, 0));
		ATF_CHECK(!loads("conf", "must belong to root"));
	}
}

ATF_TC_WITHOUT_HEAD(include);
ATF_TC_BODY(include, tc)
{
	char cwd[512], text[600];

	ATF_REQUIRE(getcwd(cwd, sizeof(cwd)) != NULL);
	ATF_REQUIRE_EQ(0, mkdir("sub", 0755));
	/* Beside the including file, wherever one stands. */
	write_file("sub/main", 0644, head, "include \"more\"\nlinger $time\n");
	write_file("sub/more", 0644, "time = 7\nquota", " 5M");
	ATF_CHECK(loads("sub/main", ""));
	(void)snprintf(text, sizeof(text), "include \"%s/sub/more\"\n", cwd);
	write_file("main", 0644, head, text);
	ATF_CHECK(loads("main", ""));
	/* Errors name the file they stand in. */
	write_file("sub/more", 0644, "\n  bogus x", "");
	ATF_CHECK(!loads("main", "/sub/more:2:3: unknown keyword \"bogus\""));
	write_file("sub/more", 0666, "quota 5M", "");
	ATF_CHECK(!loads("main", "main:4:9: "));
	write_file("loop", 0644, "include loop\n", "");
	ATF_CHECK(!loads("loop", "too many files include each other"));
}

ATF_TC_WITHOUT_HEAD(secret);
ATF_TC_BODY(secret, tc)
{
	static const struct {
		mode_t mode;
		bool good;
	} modes[] = {{0600, true}, {0400, true}, {0640, true}, {0644, false},
	    {0660, false}, {0604, false}, {0602, false}};
	uint8_t *text;
	size_t len;
	int fd;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		write_file("key", modes[i].mode, "secret", "");
		fd = conf_open_secret("key", stdout);
		ATF_CHECK_EQ_MSG(modes[i].good, fd != -1, "%o", modes[i].mode);
		if (fd == -1)
			continue;
		text = conf_read_file(fd, 6, &len);
		ATF_REQUIRE(text != NULL);
		ATF_CHECK_EQ(6, len);
		ATF_CHECK_STREQ("secret", (char *)text);
		freezero(text, len + 1);
		ATF_REQUIRE_EQ(0, lseek(fd, 0, SEEK_SET));
		ATF_CHECK(conf_read_file(fd, 5, &len) == NULL);
		ATF_CHECK_EQ(EFBIG, errno);
		(void)close(fd);
	}
	ATF_CHECK_EQ(-1, conf_open_secret("nothing", stdout));
	ATF_CHECK_EQ(-1, conf_open_secret("/tmp", stdout));
	/* A pipe must not hang. */
	ATF_REQUIRE_EQ(0, mkfifo("fifo", 0600));
	ATF_CHECK_EQ(-1, conf_open_secret("fifo", stdout));
}

ATF_TC_WITHOUT_HEAD(sizes);
ATF_TC_BODY(sizes, tc)
{
	static char big[50001];
	uint8_t *text;
	size_t len;
	FILE *f;

	memset(big, 'x', 50000);
	for (size_t n = 16380; n <= 50000; n += n < 16390 ? 1 : 4201) {
		big[n] = '\0';
		write_file("big", 0600, big, "");
		big[n] = 'x';
		f = fopen("big", "r");
		ATF_REQUIRE(f != NULL);
		text = conf_read_file(fileno(f), 50000, &len);
		ATF_REQUIRE(text != NULL);
		ATF_CHECK_EQ(n, len);
		ATF_CHECK_EQ(0, memcmp(text, big, n));
		ATF_CHECK_EQ('\0', text[n]);
		freezero(text, len + 1);
		(void)fclose(f);
	}
}

/* Parses head and text. */
static struct conf *
make(const char *text)
{
	struct conf *c;

	write_file("conf", 0644, head, text);
	c = conf_load("conf", stdout);
	ATF_REQUIRE(c != NULL);
	return c;
}

ATF_TC_WITHOUT_HEAD(check);
ATF_TC_BODY(check, tc)
{
	static const char ids[] =
	    "user keys 50001\nuser net 50002\nuser vault 50003\n"
	    "user work 50004\nuser mail 50005\nuser queue 50006\n"
	    "group mail 50010\n";
	char text[2048], cwd[512];
	struct conf *c;

	ATF_REQUIRE(getcwd(cwd, sizeof(cwd)) != NULL);
	(void)snprintf(text, sizeof(text),
	    "%scertificate c cert %s/crt key %s/key\ntable t file:%s/table\n",
	    ids, cwd, cwd, cwd);
	c = make(text);
	ATF_CHECK_EQ(-1, conf_check(c, stdout));
	write_file("crt", 0644, "-----BEGIN CERTIFICATE-----\n", "");
	write_file("key", 0600, "-----BEGIN PRIVATE KEY-----\n", "");
	write_file("table", 0644, "a: b\n", "");
	ATF_CHECK_EQ(0, conf_check(c, stdout));
	write_file("table", 0644, "a\n", "");
	ATF_CHECK_EQ(-1, conf_check(c, stdout));
	write_file("table", 0644, "a: b\n", "");
	write_file("key", 0644, "-----BEGIN PRIVATE KEY-----\n", "");
	ATF_CHECK_EQ(-1, conf_check(c, stdout));
	write_file("key", 0600, "-----BEGIN CERTIFICATE-----\n", "");
	ATF_CHECK_EQ(-1, conf_check(c, stdout));
	conf_free(c);
}

/* Passwords of routes, keys of DKIM, trust anchors. */
ATF_TC_WITHOUT_HEAD(check_out);
ATF_TC_BODY(check_out, tc)
{
	static const char ids[] =
	    "user keys 50001\nuser net 50002\nuser vault 50003\n"
	    "user work 50004\nuser mail 50005\nuser queue 50006\n"
	    "group mail 50010\n";
	static const char pem[] = "-----BEGIN PRIVATE KEY-----\n";
	char text[4096], cwd[512], *auth;
	struct conf *c;
	size_t len;

	ATF_REQUIRE(getcwd(cwd, sizeof(cwd)) != NULL);
	(void)snprintf(text, sizeof(text),
	    "%sroute b.test host mx.test\nroute a.test host mx.test auth "
	    "%s/auth\n"
	    "dkim a.b selector s key %s/dkim\n"
	    "dkim directory %s/keys\nresolver anchors %s/anchors\n",
	    ids, cwd, cwd, cwd, cwd);
	c = make(text);
	write_file("auth", 0640, "me:pass word\r\n", "more\n");
	write_file("dkim", 0600, pem, "");
	write_file("anchors", 0644, ". DS 1\n", "");
	ATF_CHECK_EQ(0, conf_check_out(c, stdout));
	auth = conf_route_auth(&c->routes[1], &len, stdout);
	ATF_REQUIRE(auth != NULL);
	ATF_CHECK_STREQ("me:pass word", auth);
	freezero(auth, len + 1);
	write_file("auth", 0644, "me:pass\n", "");
	ATF_CHECK_EQ(-1, conf_check_out(c, stdout));
	write_file("auth", 0600, "me\n", "a:b\n");
	ATF_CHECK_EQ(-1, conf_check_out(c, stdout));
	ATF_REQUIRE_EQ(0, unlink("auth"));
	ATF_CHECK_EQ(-1, conf_check_out(c, stdout));
	write_file("auth", 0600, "a:b", "");
	ATF_CHECK_EQ(0, conf_check_out(c, stdout));
	write_file("dkim", 0600, "no key\n", "");
	ATF_CHECK_EQ(-1, conf_check_out(c, stdout));
	write_file("dkim", 0604, pem, "");
	ATF_CHECK_EQ(-1, conf_check_out(c, stdout));
	write_file("dkim", 0600, pem, "");
	ATF_REQUIRE_EQ(0, mkdir("keys", 0755));
	ATF_REQUIRE_EQ(0, mkdir("keys/a.b", 0755));
	write_file("keys/a.b/t.next", 0644, "not yet\n", "");
	ATF_CHECK_EQ(0, conf_check_out(c, stdout));
	write_file("keys/a.b/t.pem", 0600, "no key\n", "");
	ATF_CHECK_EQ(-1, conf_check_out(c, stdout));
	write_file("keys/a.b/t.pem", 0600, pem, "");
	ATF_CHECK_EQ(0, conf_check_out(c, stdout));
	ATF_REQUIRE_EQ(0, unlink("anchors"));
	ATF_CHECK_EQ(-1, conf_check_out(c, stdout));
	/* Nobody is kept from starting by these. */
	ATF_CHECK_EQ(0, conf_check(c, stdout));
	conf_free(c);
}

/* Where mail would be lost, or go round. */
ATF_TC_WITHOUT_HEAD(aliases);
ATF_TC_BODY(aliases, tc)
{
	static const struct {
		const char *table;
		int result;
	} cases[] = {
	    {"a: b\n", 0},
	    {"a: b@A.b, c\n", 0},
	    {"a: b@elsewhere.test\n", -1},
	    {"a: b, b@elsewhere.test\n", -1},
	    {"a: b@a.b.elsewhere.test\n", -1},
	    {"a: b@elsewhere.test\nb@elsewhere.test: c\n", 0},
	    {"a: b@elsewhere.test\n@elsewhere.test: c\n", 0},
	    {"@a.b: b@\n", -1},
	};
	char text[2048], cwd[512];
	struct conf *c;

	ATF_REQUIRE(getcwd(cwd, sizeof(cwd)) != NULL);
	(void)snprintf(
	    text, sizeof(text), "table aliases file:%s/table\n", cwd);
	c = make(text);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_file("table", 0644, cases[i].table, "");
		ATF_REQUIRE_EQ(0, conf_table_load(&c->tables[0], stdout));
		ATF_CHECK_EQ_MSG(cases[i].result,
		    conf_aliases_check(c, &c->tables[0], stdout), "%s",
		    cases[i].table);
	}
	conf_free(c);
	/* Written in the configuration itself. */
	c = make("table aliases { a = b }\n");
	ATF_CHECK_EQ(0, conf_aliases_check(c, &c->tables[0], stdout));
	conf_free(c);
	c = make("table aliases { a = \"b@elsewhere.test\" }\n");
	ATF_CHECK_EQ(-1, conf_aliases_check(c, &c->tables[0], stdout));
	conf_free(c);
}

ATF_TC_WITHOUT_HEAD(users);
ATF_TC_BODY(users, tc)
{
	struct conf *c;
	uid_t uid;
	gid_t gid;

	c = make("user keys 50001\nuser net 50002:7\nuser vault 50003\n"
		 "user work nosuchuser_\nuser mail root\ngroup mail 50010\n");
	ATF_CHECK_EQ(0, conf_ids(c, CONF_KEYS, &uid, &gid, stdout));
	ATF_CHECK(uid == 50001 && gid == 50001);
	ATF_CHECK_EQ(0, conf_ids(c, CONF_NET, &uid, &gid, stdout));
	ATF_CHECK(uid == 50002 && gid == 7);
	ATF_CHECK_EQ(0, conf_ids(c, CONF_VAULT, &uid, &gid, stdout));
	ATF_CHECK(uid == 50003 && gid == 50010);
	ATF_CHECK_EQ(-1, conf_ids(c, CONF_WORK, &uid, &gid, stdout));
	/* root by its name is root all the same. */
	ATF_CHECK_EQ(-1, conf_ids(c, CONF_MAIL, &uid, &gid, stdout));
	conf_free(c);
	c = make("group mail nosuchgroup_\n");
	ATF_CHECK_EQ(-1, conf_mail_gid(c, &gid, stdout));
	conf_free(c);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, permissions);
	ATF_TP_ADD_TC(tp, include);
	ATF_TP_ADD_TC(tp, secret);
	ATF_TP_ADD_TC(tp, sizes);
	ATF_TP_ADD_TC(tp, check);
	ATF_TP_ADD_TC(tp, check_out);
	ATF_TP_ADD_TC(tp, aliases);
	ATF_TP_ADD_TC(tp, users);
	return atf_no_error();
}
