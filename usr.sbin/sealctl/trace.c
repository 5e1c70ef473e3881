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
 * sealctl trace: the lines of a log that belong to an id, an address of a
 * client or a mail address, which the log may show as a keyed hash only.  Lines
 * belong together by the ids that they share: connection, message, delivery.
 */

#include <sys/types.h>
#include <sys/tree.h>

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "log.h"
#include "parent.h"
#include "sealctl.h"

#define WORDS_MAX 100000 /* ids that belong to what was asked for */
#define PASSES_MAX 8     /* id to id to id ... */

/* A value that lines are looked for by. */
struct word {
	RB_ENTRY(word) entry;
	char text[];
};

static int
word_cmp(struct word *a, struct word *b)
{
	return strcasecmp(a->text, b->text);
}

RB_HEAD(words, word);
RB_PROTOTYPE(words, word, entry, word_cmp);
RB_GENERATE(words, word, entry, word_cmp);

static struct words words = RB_INITIALIZER(&words);
static size_t n_words;

static const char *const logs[] = {"/var/log/mail.log", "/var/log/maillog"};
/* Whose values lead to other lines; an account leads to too many. */
static const char *const ids[] = {"conn", "id", "delivery", "trace", "queue"};

static struct word *
word_new(const char *text, size_t len)
{
	struct word *w;

	w = calloc(1, sizeof(*w) + len + 1);
	if (w == NULL)
		err(EXIT_FAILED, "trace");
	memcpy(w->text, text, len);
	return w;
}

/* True if it is a new one. */
static bool
word_add(const char *text, size_t len)
{
	struct word *w;

	if (len == 0 || n_words == WORDS_MAX)
		return false;
	w = word_new(text, len);
	if (RB_INSERT(words, &words, w) != NULL) {
		free(w);
		return false;
	}
	n_words++;
	return true;
}

static bool
word_known(const char *text, size_t len)
{
	struct word *w;
	bool known;

	w = word_new(text, len);
	known = RB_FIND(words, &words, w) != NULL;
	free(w);
	return known;
}

/* The next key=value of a line; false: no more. */
static bool
next_pair(const char **line, const char **key, size_t *key_len,
    const char **value, size_t *len)
{
	const char *p, *equals, *end;

	for (p = *line; *p != '\0'; p = end) {
		p += strspn(p, " \t\r\n");
		end = p + strcspn(p, " \t\n");
		equals = memchr(p, '=', (size_t)(end - p));
		if (equals == NULL || equals == p)
			continue;
		*line = end;
		*key = p;
		*key_len = (size_t)(equals - p);
		*value = equals + 1;
		*len = (size_t)(end - equals - 1);
		return true;
	}
	return false;
}

/* Sentences follow values, behind a colon. */
static size_t
without_colon(const char *value, size_t len)
{
	while (len > 0 && strchr(":;,", value[len - 1]) != NULL)
		len--;
	return len;
}

static bool
line_belongs(const char *line)
{
	const char *key, *value;
	size_t key_len, len;

	while (next_pair(&line, &key, &key_len, &value, &len)) {
		if (word_known(value, len) ||
		    word_known(value, without_colon(value, len)))
			return true;
	}
	return false;
}

/* How many ids a line adds. */
static unsigned int
line_learn(const char *line)
{
	const char *key, *value;
	size_t key_len, len;
	unsigned int n = 0;

	while (next_pair(&line, &key, &key_len, &value, &len)) {
		for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
			if (strlen(ids[i]) != key_len ||
			    memcmp(ids[i], key, key_len) != 0)
				continue;
			n += word_add(value, without_colon(value, len));
		}
	}
	return n;
}

static const struct column columns[] = {
    {"line", COLUMN_TEXT, 0},
};

static void
print_line(char *line, bool json)
{
	line[strcspn(line, "\r\n")] = '\0';
	for (char *p = line; *p != '\0'; p++) {
		if (!isprint((unsigned char)*p))
			*p = '?';
	}
	if (json)
		out_text(line);
	else
		(void)puts(line);
}

/*
 * Reads all of it.  How many ids are new in what belongs; or with print, which
 * prints that, how many lines they are.
 */
static unsigned int
pass(FILE *f, const char *path, bool print, bool json)
{
	static char *line;
	static size_t size;
	unsigned int n = 0;

	rewind(f);
	while (getline(&line, &size, f) != -1) {
		if (!line_belongs(line))
			continue;
		if (print) {
			print_line(line, json);
			n++;
		} else
			n += line_learn(line);
	}
	if (ferror(f))
		err(EXIT_FAILED, "%s", path);
	return n;
}

/* Standard input is read several times, like a file: so it becomes one. */
static FILE *
standard_input(void)
{
	char buf[65536];
	size_t n;
	FILE *f;

	f = tmpfile();
	if (f == NULL)
		err(EXIT_FAILED, "temporary file");
	while ((n = fread(buf, 1, sizeof(buf), stdin)) > 0) {
		if (fwrite(buf, 1, n, f) != n)
			err(EXIT_FAILED, "temporary file");
	}
	if (ferror(stdin) || fflush(f) == EOF)
		err(EXIT_FAILED, "standard input");
	return f;
}

/* The log of that path, or one of the usual, whose path is told. */
static FILE *
open_log(const char **path)
{
	FILE *f = NULL;

	if (*path != NULL && strcmp(*path, "-") == 0)
		return standard_input();
	if (*path != NULL) {
		f = fopen(*path, "r");
		if (f == NULL)
			warn("%s", *path);
		return f;
	}
	for (size_t i = 0; f == NULL && i < sizeof(logs) / sizeof(logs[0]);
	     i++) {
		*path = logs[i];
		f = fopen(logs[i], "r");
	}
	if (f == NULL)
		warnx("no log at %s nor %s: name it with -l, or - for standard "
		      "input",
		    logs[0], logs[1]);
	return f;
}

/* As it may stand in the log: in clear, and hashed. */
static void
wanted(const struct conf *conf, const char *what)
{
	uint8_t key[LOG_KEY_LEN];
	const char *hash;

	(void)word_add(what, strlen(what));
	if (strchr(what, '@') == NULL)
		return;
	if (parent_log_key_read(conf->directory, key) == -1) {
		warn("%s/log.key: hashed addresses are not found",
		    conf->directory);
		return;
	}
	log_addr_key(key);
	explicit_bzero(key, sizeof(key));
	hash = log_addr(what);
	(void)word_add(hash, strlen(hash));
}

int
cmd_trace(struct invocation *inv)
{
	const char *path = NULL;
	int ch, i;
	FILE *f;

	optind = 1;
	while ((ch = getopt(inv->argc, inv->argv, "l:")) != -1) {
		if (ch != 'l')
			return EXIT_BAD_USAGE;
		path = optarg;
	}
	if (inv->argc - optind != 1)
		return EXIT_BAD_USAGE;
	if ((f = open_log(&path)) == NULL)
		return EXIT_FAILED;
	wanted(inv->conf, inv->argv[optind]);
	for (i = 0; i < PASSES_MAX && pass(f, path, false, false) > 0; i++)
		;
	if (inv->json)
		out_start(columns, 1, true);
	if (pass(f, path, true, inv->json) == 0)
		warnx("%s: no line of this log is about it", inv->argv[optind]);
	(void)fclose(f);
	return inv->json ? finish(0) : finish_text();
}
