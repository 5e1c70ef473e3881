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
 * The grammar: what is valid means what it should and prints as what it means;
 * what is not is named by line and column.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <arpa/inet.h>
#include <atf-c.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "conf.h"

static char *
read_fixture(const atf_tc_t *tc, const char *name, size_t *len)
{
	char path[1024], *text;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/conf/%s",
	    atf_tc_get_config_var(tc, "srcdir"), name);
	f = fopen(path, "r");
	ATF_REQUIRE_MSG(f != NULL, "%s", path);
	text = calloc(1, 65536);
	ATF_REQUIRE(text != NULL);
	*len = fread(text, 1, 65535, f);
	(void)fclose(f);
	return text;
}

static char *
printed(const struct conf *conf)
{
	FILE *f;
	char *text;
	size_t len;

	f = open_memstream(&text, &len);
	ATF_REQUIRE(f != NULL);
	conf_print(conf, f);
	ATF_REQUIRE_EQ(0, fclose(f));
	return text;
}

/* NULL and the errors, without the file's name. */
static struct conf *
parse(const char *text, size_t len, char *errors, size_t size)
{
	struct conf *conf;
	FILE *f;
	char *line, *all;
	size_t all_len;

	f = open_memstream(&all, &all_len);
	ATF_REQUIRE(f != NULL);
	conf = conf_parse("F", text, len, f);
	ATF_REQUIRE_EQ(0, fclose(f));
	errors[0] = '\0';
	for (char *rest = all; (line = strsep(&rest, "\n")) != NULL;) {
		if (*line == '\0')
			continue;
		ATF_CHECK_EQ_MSG(0, strncmp(line, "F:", 2), "%s", line);
		(void)strlcat(errors, line + 2, size);
		(void)strlcat(errors, "\n", size);
	}
	ATF_CHECK_EQ(conf == NULL, errors[0] != '\0');
	free(all);
	return conf;
}

static struct conf *
parse_fixture(const atf_tc_t *tc, const char *name)
{
	static char errors[65536];
	struct conf *conf;
	char *text;
	size_t len;

	text = read_fixture(tc, name, &len);
	conf = parse(text, len, errors, sizeof(errors));
	ATF_REQUIRE_MSG(conf != NULL, "%s", errors);
	free(text);
	return conf;
}

/* Calls test for each fixture that ends so; says how many there are. */
static int
each(const atf_tc_t *tc, const char *ending,
    void (*test)(const atf_tc_t *, const char *))
{
	char path[1024];
	struct dirent *e;
	size_t len;
	DIR *dir;
	int n;

	(void)snprintf(
	    path, sizeof(path), "%s/conf", atf_tc_get_config_var(tc, "srcdir"));
	dir = opendir(path);
	ATF_REQUIRE(dir != NULL);
	for (n = 0; (e = readdir(dir)) != NULL;) {
		len = strlen(e->d_name);
		if (len <= strlen(ending) ||
		    strcmp(e->d_name + len - strlen(ending), ending) != 0)
			continue;
		test(tc, e->d_name);
		n++;
	}
	(void)closedir(dir);
	return n;
}

static void
round_trip_one(const atf_tc_t *tc, const char *name)
{
	static char errors[65536];
	struct conf *conf, *again;
	char *one, *two;

	conf = parse_fixture(tc, name);
	one = printed(conf);
	again = parse(one, strlen(one), errors, sizeof(errors));
	ATF_REQUIRE_MSG(again != NULL, "%s: %s", name, errors);
	two = printed(again);
	ATF_CHECK_STREQ_MSG(one, two, "%s", name);
	free(one);
	free(two);
	conf_free(conf);
	conf_free(again);
}

ATF_TC_WITHOUT_HEAD(round_trip);
ATF_TC_BODY(round_trip, tc)
{
	ATF_CHECK_EQ(3, each(tc, ".in", round_trip_one));
}

static void
error_one(const atf_tc_t *tc, const char *name)
{
	static char errors[65536];
	char other[256], *text, *expected;
	size_t len;

	text = read_fixture(tc, name, &len);
	ATF_CHECK(parse(text, len, errors, sizeof(errors)) == NULL);
	(void)strlcpy(other, name, sizeof(other));
	(void)strlcpy(strrchr(other, '.'), ".err", 5);
	expected = read_fixture(tc, other, &len);
	ATF_CHECK_STREQ_MSG(expected, errors, "%s", name);
	free(text);
	free(expected);
}

ATF_TC_WITHOUT_HEAD(errors);
ATF_TC_BODY(errors, tc)
{
	ATF_CHECK_EQ(11, each(tc, ".bad", error_one));
}

/* Whatever stands there must end in a config or in an error. */
static void
hostile_one(const atf_tc_t *tc, const char *name)
{
	static char errors[1 << 20];
	char *text;
	size_t len;

	text = read_fixture(tc, name, &len);
	for (size_t n = 0; n <= len; n++)
		conf_free(parse(text, n, errors, sizeof(errors)));
	for (size_t n = 0; n < len; n++) {
		char c = text[n];

		for (int i = 0; i < 4; i++) {
			text[n] = "\0{\"\xff"[i];
			conf_free(parse(text, len, errors, sizeof(errors)));
		}
		text[n] = c;
	}
	free(text);
}

ATF_TC_WITHOUT_HEAD(hostile);
ATF_TC_BODY(hostile, tc)
{
	ATF_CHECK_EQ(3, each(tc, ".in", hostile_one));
	ATF_CHECK_EQ(11, each(tc, ".bad", hostile_one));
}

ATF_TC_WITHOUT_HEAD(smallest);
ATF_TC_BODY(smallest, tc)
{
	struct conf *c;

	c = parse_fixture(tc, "smallest.in");
	ATF_CHECK_STREQ("mx1.example.org", c->hostname);
	ATF_CHECK_STREQ("postmaster@example.org", c->postmaster);
	ATF_CHECK_STREQ(STATEDIR, c->directory);
	ATF_CHECK_STREQ(RUNDIR, c->run_directory);
	ATF_CHECK_STREQ(LIBEXECDIR, c->libexec);
	ATF_CHECK_EQ(1, c->n_domains);
	ATF_CHECK_EQ(65536, c->domains[0].kdf.kib);
	ATF_CHECK_EQ(3, c->domains[0].kdf.passes);
	ATF_CHECK_EQ(0, c->domains[0].quota);
	ATF_CHECK_EQ(30, c->domains[0].expire[CONF_TRASH]);
	ATF_CHECK_EQ(30, c->domains[0].expire[CONF_SPAM]);
	ATF_CHECK_EQ(0, c->domains[0].expire[CONF_WAITING]);
	ATF_CHECK_EQ(4, c->n_listens);
	ATF_CHECK_EQ(CONF_IMAPS, c->listens[0].proto);
	ATF_CHECK_EQ(993, c->listens[0].port);
	ATF_CHECK_EQ(CONF_TLS_FIRST, c->listens[0].tls);
	ATF_CHECK_EQ(CONF_SMTP, c->listens[1].proto);
	ATF_CHECK_EQ(25, c->listens[1].port);
	ATF_CHECK_EQ(CONF_TLS_START, c->listens[1].tls);
	ATF_CHECK_EQ(CONF_LMTP, c->listens[2].proto);
	ATF_CHECK_STREQ(RUNDIR "/lmtp.sock", c->listens[2].path);
	ATF_CHECK_EQ(CONF_SUBMISSIONS, c->listens[3].proto);
	ATF_CHECK_EQ(465, c->listens[3].port);
	ATF_CHECK_EQ(CONF_TLS_FIRST, c->listens[3].tls);
	ATF_CHECK_EQ(500, c->domains[0].rate[CONF_RATE_MESSAGES]);
	ATF_CHECK_EQ(2000, c->domains[0].rate[CONF_RATE_RECIPIENTS]);
	ATF_CHECK(!c->show_agent);
	ATF_CHECK_EQ(CONF_ZSTD, c->codec);
	ATF_CHECK_EQ(60, c->linger);
	ATF_CHECK(!c->log_addresses && !c->best_effort);
	ATF_CHECK_EQ(SIZE_MAX, c->aliases);
	conf_free(c);
}

ATF_TC_WITHOUT_HEAD(everything);
static bool
trusts(const struct conf *c, const char *address)
{
	struct sockaddr_storage ss;
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	memset(&ss, 0, sizeof(ss));
	memset(&sin, 0, sizeof(sin));
	memset(&sin6, 0, sizeof(sin6));
	if (inet_pton(AF_INET, address, &sin.sin_addr) == 1) {
		sin.sin_family = AF_INET;
		memcpy(&ss, &sin, sizeof(sin));
	} else if (inet_pton(AF_INET6, address, &sin6.sin6_addr) == 1) {
		sin6.sin6_family = AF_INET6;
		memcpy(&ss, &sin6, sizeof(sin6));
	} else
		ss.ss_family = AF_UNIX;
	return conf_trusts(c, &ss);
}

/* all.in: the ports of those who submit, and how much they may. */
static void
submits(const struct conf *c)
{
	ATF_CHECK_EQ(CONF_SUBMISSION, c->listens[6].proto);
	ATF_CHECK_EQ(CONF_TLS_START, c->listens[6].tls);
	ATF_CHECK_EQ(587, c->listens[6].port);
	ATF_CHECK_EQ(CONF_SUBMISSIONS, c->listens[7].proto);
	ATF_CHECK_EQ(CONF_TLS_FIRST, c->listens[7].tls);
	ATF_CHECK_EQ(4650, c->listens[7].port);
	ATF_CHECK(c->show_agent);
	ATF_CHECK_EQ(9, c->domains[0].rate[CONF_RATE_MESSAGES]);
	ATF_CHECK_EQ(2000, c->domains[0].rate[CONF_RATE_RECIPIENTS]);
	ATF_CHECK_EQ(7, c->domains[1].rate[CONF_RATE_MESSAGES]);
	ATF_CHECK_EQ(0, c->domains[1].rate[CONF_RATE_RECIPIENTS]);
}

/* all.in: 192.0.2.0/24, 127.0.0.1 and 2001:db8::/32, and who may control. */
static void
trust(const struct conf *c)
{
	gid_t gid;

	ATF_CHECK(trusts(c, "192.0.2.0"));
	ATF_CHECK(trusts(c, "192.0.2.255"));
	ATF_CHECK(!trusts(c, "192.0.3.0"));
	ATF_CHECK(!trusts(c, "192.0.1.255"));
	ATF_CHECK(trusts(c, "127.0.0.1"));
	ATF_CHECK(!trusts(c, "127.0.0.2"));
	ATF_CHECK(trusts(c, "2001:db8:ffff::1"));
	ATF_CHECK(!trusts(c, "2001:db9::1"));
	ATF_CHECK(!trusts(c, "local"));
	ATF_CHECK_EQ(0, conf_control_gid(c, CONF_READERS, &gid, stderr));
	ATF_CHECK_EQ(70000, gid);
	ATF_CHECK_STREQ("wheel", c->control[CONF_OPERATORS].name);
	ATF_CHECK(c->isolated);
	ATF_CHECK_EQ(7, c->limits[CONF_FAILURES_PER_SOURCE]);
	ATF_CHECK_EQ(0, c->limits[CONF_FAILURES_PER_USER]);
}

ATF_TC_BODY(everything, tc)
{
	struct conf *c;

	c = parse_fixture(tc, "all.in");
	ATF_CHECK_STREQ("mx1.example.org", c->hostname);
	ATF_CHECK_STREQ("/srv/mail", c->directory);
	ATF_CHECK_STREQ("/opt/with \"quotes\" and \\/libexec", c->libexec);
	ATF_CHECK_EQ(50001, c->users[CONF_KEYS].uid);
	ATF_CHECK_EQ(50001, c->users[CONF_KEYS].gid);
	ATF_CHECK_EQ(50010, c->users[CONF_VAULT].gid);
	ATF_CHECK_STREQ("_work", c->users[CONF_WORK].name);
	ATF_CHECK_EQ(64 << 20, c->limits[CONF_MESSAGE_SIZE]);
	ATF_CHECK_EQ(120, c->limits[CONF_LOGIN_TIMEOUT]);
	ATF_CHECK_EQ(3600, c->limits[CONF_IDLE_TIMEOUT]);
	ATF_CHECK_EQ(300, c->linger);
	ATF_CHECK_EQ(1, c->host_index);
	ATF_CHECK(c->log_addresses && c->log_verbose);
	ATF_CHECK(c->best_effort);
	ATF_CHECK_EQ(CONF_DEFLATE, c->codec);
	ATF_REQUIRE_EQ(3, c->n_domains);
	ATF_CHECK_EQ(32 * 1024, c->domains[0].kdf.kib);
	ATF_CHECK_EQ(UINT64_C(2) << 30, c->domains[0].quota);
	ATF_CHECK_EQ(0, c->domains[1].quota);
	ATF_CHECK_EQ(1, c->domains[1].kdf.passes);
	ATF_CHECK_EQ(8, c->domains[2].kdf.kib);
	ATF_CHECK_EQ(UINT64_C(1) << 40, c->domains[2].quota);
	ATF_CHECK_EQ(14, c->domains[0].expire[CONF_TRASH]);
	ATF_CHECK_EQ(0, c->domains[0].expire[CONF_SPAM]);
	ATF_CHECK_EQ(365, c->domains[0].expire[CONF_WAITING]);
	ATF_CHECK_EQ(3, c->domains[2].expire[CONF_TRASH]);
	ATF_CHECK_EQ(7, c->domains[2].expire[CONF_SPAM]);
	ATF_CHECK(conf_domain_find(c, "EXAMPLE.com") == &c->domains[2]);
	ATF_CHECK(conf_domain_find(c, "example") == NULL);
	ATF_CHECK_STREQ("", c->certs[0].ocsp);
	ATF_CHECK_STREQ("/etc/ssl/two.ocsp", c->certs[1].ocsp);
	ATF_CHECK_EQ(3600, c->limits[CONF_TICKET_LIFE]);
	ATF_CHECK_EQ(0, c->limits[CONF_CERTIFICATE_CHECK]);
	ATF_REQUIRE_EQ(8, c->n_listens);
	submits(c);
	ATF_REQUIRE_EQ(4, c->n_routes);
	ATF_CHECK_STREQ("partner.example", c->routes[0].domain);
	ATF_CHECK_STREQ("", c->routes[0].host);
	ATF_CHECK_EQ(CONF_RELAY_VERIFY, c->routes[0].tls);
	ATF_CHECK_STREQ("example.net", c->routes[2].domain);
	ATF_CHECK_EQ(25, c->routes[1].port);
	ATF_CHECK_EQ(2525, c->routes[2].port);
	ATF_CHECK_EQ(465, c->routes[3].port);
	ATF_CHECK_EQ(2, c->n_dkim);
	ATF_CHECK_EQ(CONF_DMARC_ENFORCE, c->dmarc);
	ATF_CHECK_EQ(2, c->n_dmarc_except);
	ATF_CHECK_EQ(25, c->dmarc_except[0].bits);
	ATF_CHECK_STREQ("/etc/mail/dkim", c->dkim_directory);
	ATF_CHECK_STREQ("192.0.2.25", c->relay_source[0]);
	ATF_CHECK_STREQ("2001:db8::25", c->relay_source[1]);
	ATF_CHECK(c->listens[0].only_tls13);
	ATF_CHECK(!c->listens[2].only_tls13);
	trust(c);
	ATF_REQUIRE_EQ(2, c->listens[0].n_certs);
	ATF_CHECK_EQ(1, c->listens[0].certs[0]);
	ATF_CHECK_EQ(0, c->listens[0].certs[1]);
	ATF_CHECK_EQ(1143, c->listens[1].port);
	ATF_CHECK_EQ(CONF_TLS_NONE, c->listens[1].tls);
	ATF_CHECK_EQ(CONF_TLS_START, c->listens[2].tls);
	ATF_CHECK_STREQ("::1", c->listens[3].address);
	ATF_CHECK_EQ(24, c->listens[4].port);
	ATF_CHECK_STREQ("/run/lmtp", c->listens[5].path);
	ATF_REQUIRE_EQ(3, c->n_tables);
	ATF_REQUIRE_EQ(0, c->aliases);
	ATF_CHECK_STREQ(
	    "joe", conf_alias(&c->tables[0], "Postmaster@example.org"));
	ATF_CHECK_STREQ("keyword", conf_table_find(&c->tables[0], "domain"));
	ATF_CHECK_STREQ("/etc/mail/other table", c->tables[2].path);
	conf_free(c);
}

/* The one that is installed. */
ATF_TC_WITHOUT_HEAD(sample);
ATF_TC_BODY(sample, tc)
{
	struct conf *c;
	char *text;
	size_t len;
	char errors[4096];

	text = read_fixture(tc, "../../../../etc/sealmail.conf", &len);
	c = parse(text, len, errors, sizeof(errors));
	ATF_REQUIRE_MSG(c != NULL, "%s", errors);
	ATF_CHECK_EQ(0, c->aliases);
	conf_free(c);
	free(text);
}

/* Every limit at its bounds and past them. */
ATF_TC_WITHOUT_HEAD(limits);
ATF_TC_BODY(limits, tc)
{
	static const char head[] =
	    "hostname a.b\ndomain a.b\nlisten on ::1 lmtp\n";
	struct conf *c;
	char text[512], errors[4096];

	for (int i = 0; i < CONF_LIMITS; i++) {
		(void)snprintf(text, sizeof(text), "%slimit %s %s\n", head,
		    conf_limit_name(i), "99999999999999999999");
		ATF_CHECK(
		    parse(text, strlen(text), errors, sizeof(errors)) == NULL);
		c = parse(head, strlen(head), errors, sizeof(errors));
		ATF_REQUIRE(c != NULL);
		/* The default is within the bounds. */
		(void)snprintf(text, sizeof(text), "%slimit %s %llu\n", head,
		    conf_limit_name(i), (unsigned long long)c->limits[i]);
		conf_free(c);
		c = parse(text, strlen(text), errors, sizeof(errors));
		ATF_CHECK_MSG(c != NULL, "%s", errors);
		conf_free(c);
	}
	for (int port = 65535; port <= 65536; port++) {
		(void)snprintf(text, sizeof(text), "%slisten on * lmtp port %d",
		    head, port);
		c = parse(text, strlen(text), errors, sizeof(errors));
		ATF_CHECK_EQ(port == 65535, c != NULL);
		conf_free(c);
	}
}

ATF_TC_WITHOUT_HEAD(names);
ATF_TC_BODY(names, tc)
{
	static const struct {
		const char *name;
		bool good;
	} names[] = {{"a", true}, {"a-b.c_d.e1", true}, {"a.", false},
	    {".a", false}, {"a..b", false}, {"-a", false}, {"", false},
	    {"a/b", false}, {"\xc3\xa4.de", false}, {"xn--4ca.de", true}};
	struct conf *c;
	char text[1024], errors[4096], label[300];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(text, sizeof(text),
		    "hostname h\ndomain \"%s\"\nlisten on ::1 lmtp",
		    names[i].name);
		c = parse(text, strlen(text), errors, sizeof(errors));
		ATF_CHECK_EQ_MSG(names[i].good, c != NULL, "%s", names[i].name);
		conf_free(c);
	}
	for (size_t len = 63; len <= 64; len++) {
		memset(label, 'x', len);
		label[len] = '\0';
		(void)snprintf(text, sizeof(text),
		    "hostname h\ndomain %s\nlisten on ::1 lmtp", label);
		c = parse(text, strlen(text), errors, sizeof(errors));
		ATF_CHECK_EQ(len == 63, c != NULL);
		conf_free(c);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, round_trip);
	ATF_TP_ADD_TC(tp, errors);
	ATF_TP_ADD_TC(tp, hostile);
	ATF_TP_ADD_TC(tp, smallest);
	ATF_TP_ADD_TC(tp, everything);
	ATF_TP_ADD_TC(tp, sample);
	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, names);
	return atf_no_error();
}
