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
 * sealctl dkim: makes, shows and rotates keys.  They lie in the configuration's
 * directory and nowhere else; sealsmtpd takes them by a reload.  A new key is
 * published before it signs, and one that signed stays published a while.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "zone.h"

#define KEYS_MAX 256 /* of a domain */

/* A domain's keys. */
struct keys {
	const char *domain;
	struct conf_dkim_key *all;
	size_t n;
	bool full;
};

static void take_key(const struct conf_dkim_key *, void *);
static int keys_load(const struct conf *, const char *, struct keys *);
static size_t keys_in(const struct keys *, enum conf_dkim_state);
static int domain_get(struct invocation *, int, char *, size_t);
static int make_dir(const char *);
static int make_keys(const struct conf *, const char *, bool);
static int make_key(const char *, const char *, const char *, bool, bool);
static bool selector_taken(const char *, const char *);
static int swap_keys(const struct keys *);
static int key_rename(const struct conf_dkim_key *, const char *);
static int retire(const struct conf_dkim_key *);
static int reload(struct invocation *);
static const char *state_word(enum conf_dkim_state);

static const struct column columns[] = {
    {"domain", COLUMN_TEXT, 24},
    {"selector", COLUMN_TEXT, 16},
    {"state", COLUMN_TEXT, 7},
    {"algorithm", COLUMN_TEXT, 9},
    {"bits", COLUMN_NUMBER, 5},
    {"since", COLUMN_TIME, 20},
    {"path", COLUMN_TEXT, 0},
};

int
cmd_dkim_new(struct invocation *inv)
{
	char domain[CONF_NAME_MAX];
	struct keys keys;
	size_t n;

	if (inv->argc != 2)
		return EXIT_BAD_USAGE;
	if (domain_get(inv, 1, domain, sizeof(domain)) == -1 ||
	    keys_load(inv->conf, domain, &keys) == -1)
		return EXIT_FAILED;
	n = keys_in(&keys, CONF_DKIM_SIGNS);
	if (keys_in(&keys, CONF_DKIM_NEXT) > 0) {
		warnx("%s has keys that wait to be published: then "
		      "sealctl dkim rotate %s",
		    domain, domain);
		return EXIT_FAILED;
	}
	if (make_keys(inv->conf, domain, n > 0) == -1)
		return EXIT_FAILED;
	if (n == 0 && reload(inv) == -1)
		return EXIT_FAILED;
	(void)fprintf(stderr,
	    n == 0 ? "Mail from %s is signed by these from now on: publish "
		     "them at once.\n" :
		     "Publish these; then sealctl dkim rotate %s\n",
	    domain);
	return zone_print_dkim(inv, domain, n > 0 ? CONF_DKIM_NEXT : 0);
}

int
cmd_dkim_show(struct invocation *inv)
{
	char domain[CONF_NAME_MAX], record[DKIM_RECORD_MAX];
	const struct conf_dkim_key *k;
	const char *algorithm;
	struct keys keys;
	int bits, code;

	if (inv->argc > 2)
		return EXIT_BAD_USAGE;
	if (inv->argc == 2 && domain_get(inv, 1, domain, sizeof(domain)) == -1)
		return EXIT_FAILED;
	if (keys_load(inv->conf, inv->argc == 2 ? domain : NULL, &keys) == -1)
		return EXIT_FAILED;
	code = 0;
	out_start(columns, sizeof(columns) / sizeof(columns[0]), inv->json);
	for (size_t i = 0; i < keys.n; i++) {
		k = &keys.all[i];
		if (dkim_key_record(
			k, record, sizeof(record), &algorithm, &bits) == -1)
			code = EXIT_FAILED;
		out_text(k->domain);
		out_text(k->selector);
		out_text(state_word(k->state));
		out_text(algorithm);
		out_number((uint64_t)bits);
		out_time(k->since);
		out_text(k->path);
	}
	return finish(code);
}

/*
 * First the next keys are made; once they are published, they take over.  Both
 * kinds sign for a moment; never none.
 */
int
cmd_dkim_rotate(struct invocation *inv)
{
	char domain[CONF_NAME_MAX];
	struct keys keys;
	bool force;
	int ch;

	force = false;
	optind = 1;
	while ((ch = getopt(inv->argc, inv->argv, "+f")) != -1) {
		if (ch != 'f')
			return EXIT_BAD_USAGE;
		force = true;
	}
	if (optind != inv->argc - 1)
		return EXIT_BAD_USAGE;
	if (domain_get(inv, optind, domain, sizeof(domain)) == -1 ||
	    keys_load(inv->conf, domain, &keys) == -1)
		return EXIT_FAILED;
	if (keys_in(&keys, CONF_DKIM_NEXT) == 0) {
		if (make_keys(inv->conf, domain, true) == -1)
			return EXIT_FAILED;
		(void)fprintf(stderr,
		    "Publish these; then once more sealctl dkim rotate %s\n",
		    domain);
		return zone_print_dkim(inv, domain, CONF_DKIM_NEXT);
	}
	if (!force && zone_published(inv, domain, CONF_DKIM_NEXT) != 0) {
		warnx("the next keys of %s are not published yet, so the old "
		      "ones go on signing (-f: never mind)",
		    domain);
		return EXIT_FAILED;
	}
	if (swap_keys(&keys) == -1 || reload(inv) == -1)
		return EXIT_FAILED;
	(void)fprintf(stderr,
	    "The next keys of %s sign now.  Leave the old ones in DNS for %d "
	    "days.\n",
	    domain, DKIM_KEEP_DAYS);
	return 0;
}

static void
take_key(const struct conf_dkim_key *key, void *arg)
{
	struct conf_dkim_key *all;
	struct keys *k = arg;

	if (k->domain != NULL && strcmp(k->domain, key->domain) != 0)
		return;
	if (k->domain != NULL && k->n == KEYS_MAX) {
		k->full = true;
		return;
	}
	all = recallocarray(k->all, k->n, k->n + 1, sizeof(*all));
	if (all == NULL)
		err(EXIT_FAILED, "keys");
	k->all = all;
	k->all[k->n++] = *key;
}

/* domain NULL: of all. */
static int
keys_load(const struct conf *conf, const char *domain, struct keys *k)
{
	memset(k, 0, sizeof(*k));
	k->domain = domain;
	if (conf_dkim_each(conf, take_key, k, stderr) == -1)
		return -1;
	if (k->full) {
		warnx("%s has more than %d keys", domain, KEYS_MAX);
		return -1;
	}
	return 0;
}

static size_t
keys_in(const struct keys *k, enum conf_dkim_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++)
		n += k->all[i].state == state;
	return n;
}

static int
domain_get(struct invocation *inv, int arg, char *buf, size_t size)
{
	if (zone_domain(inv->conf, inv->argv[arg], buf, size) == 0)
		return 0;
	warnx("%s: no domain of the configuration", inv->argv[arg]);
	return -1;
}

static int
make_dir(const char *path)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	warn("%s", path);
	return -1;
}

/* One of each algorithm: not everybody verifies Ed25519 yet. */
static int
make_keys(const struct conf *conf, const char *domain, bool next)
{
	char dir[CONF_PATH_MAX], date[32];
	struct tm tm;
	time_t now;

	if (snprintf(dir, sizeof(dir), "%s/%s", conf->dkim_directory, domain) >=
	    (int)sizeof(dir)) {
		warnx("%s: its name is too long", domain);
		return -1;
	}
	if (make_dir(conf->dkim_directory) == -1 || make_dir(dir) == -1)
		return -1;
	now = time(NULL);
	if (gmtime_r(&now, &tm) == NULL ||
	    strftime(date, sizeof(date), "%Y%m%d", &tm) == 0)
		return -1;
	if (make_key(dir, date, "r", false, next) == -1)
		return -1;
	return make_key(dir, date, "e", true, next);
}

static int
make_key(const char *dir, const char *date, const char *kind, bool ed25519,
    bool next)
{
	char path[CONF_PATH_MAX], selector[64], record[DKIM_RECORD_MAX];

	(void)snprintf(selector, sizeof(selector), "s%s%s", date, kind);
	for (char c = 'a'; selector_taken(dir, selector) && c <= 'z'; c++)
		(void)snprintf(
		    selector, sizeof(selector), "s%s%c%s", date, c, kind);
	if (snprintf(path, sizeof(path), "%s/%s.%s", dir, selector,
		next ? "next" : "pem") >= (int)sizeof(path)) {
		warnx("%s: its name is too long", dir);
		return -1;
	}
	return dkim_key_make(path, ed25519, record, sizeof(record));
}

static bool
selector_taken(const char *dir, const char *selector)
{
	static const char *const suffixes[] = {"pem", "next", "old"};
	char path[CONF_PATH_MAX];
	struct stat st;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (snprintf(path, sizeof(path), "%s/%s.%s", dir, selector,
			suffixes[i]) < (int)sizeof(path) &&
		    lstat(path, &st) == 0)
			return true;
	}
	return false;
}

static int
swap_keys(const struct keys *k)
{
	const struct conf_dkim_key *key;
	int64_t now;

	now = (int64_t)time(NULL);
	for (size_t i = 0; i < k->n; i++) {
		key = &k->all[i];
		if (key->state == CONF_DKIM_NEXT &&
		    key_rename(key, ".pem") == -1)
			return -1;
	}
	for (size_t i = 0; i < k->n; i++) {
		key = &k->all[i];
		if (key->state == CONF_DKIM_OLD &&
		    now - key->since > DKIM_KEEP_DAYS * 86400)
			(void)unlink(key->path);
		if (key->state != CONF_DKIM_SIGNS)
			continue;
		if (key->named)
			warnx("%s: the configuration names it: take that "
			      "statement away",
			    key->path);
		else if (retire(key) == -1)
			return -1;
	}
	return 0;
}

/* The time of the file is that of its state. */
static int
key_rename(const struct conf_dkim_key *key, const char *suffix)
{
	char path[CONF_PATH_MAX];
	char *dot;

	(void)strlcpy(path, key->path, sizeof(path));
	dot = strrchr(path, '.');
	if (dot == NULL)
		return -1;
	*dot = '\0';
	if (strlcat(path, suffix, sizeof(path)) >= sizeof(path) ||
	    rename(key->path, path) == -1) {
		warn("%s", key->path);
		return -1;
	}
	(void)utimensat(AT_FDCWD, path, NULL, 0);
	return 0;
}

/* Its record stays; the key itself is of no use to anybody but a thief. */
static int
retire(const struct conf_dkim_key *key)
{
	char path[CONF_PATH_MAX], record[DKIM_RECORD_MAX];
	const char *algorithm;
	char *dot;
	int bits;

	(void)strlcpy(path, key->path, sizeof(path));
	dot = strrchr(path, '.');
	if (dot == NULL ||
	    dkim_key_record(key, record, sizeof(record), &algorithm, &bits) ==
		-1)
		return -1;
	*dot = '\0';
	if (strlcat(path, ".old", sizeof(path)) >= sizeof(path) ||
	    strlcat(record, "\n", sizeof(record)) >= sizeof(record) ||
	    dkim_file_write(path, record, strlen(record)) == -1)
		return -1;
	if (unlink(key->path) == -1) {
		warn("%s", key->path);
		return -1;
	}
	return 0;
}

/* A daemon that does not run reads them when it starts. */
static int
reload(struct invocation *inv)
{
	struct ctl ctl;
	struct msg msg;
	int ret;

	if (ctl_open(&ctl, inv->conf, DAEMON_SMTP) == -1)
		return 0;
	ctl_send(&ctl, ctl_new(&ctl, CTL_RELOAD));
	memset(&msg, 0, sizeof(msg));
	while (ctl_next(&ctl, &msg))
		continue;
	ret = ctl_failed(&ctl, "reload") ? -1 : 0;
	ctl_close(&ctl);
	return ret;
}

static const char *
state_word(enum conf_dkim_state state)
{
	switch (state) {
	case CONF_DKIM_SIGNS:
		return "signs";
	case CONF_DKIM_NEXT:
		return "next";
	case CONF_DKIM_OLD:
		return "old";
	}
	return "unknown";
}
