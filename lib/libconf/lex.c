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
 * Words of the configuration, and the files that they come from.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_local.h"
#include "lex.h"
#include "log.h"

#define WORD_MAX 4096 /* octets of a word */
#define ERRORS_MAX 20 /* then no more is said */
#define MACROS_MAX 256
#define KEPT_MAX 1000000 /* words of all files */

/* A file being read; includes stack up. */
struct source {
	char name[CONF_PATH_MAX];
	char *text;
	size_t len;
	size_t pos;
	int line;
	int col;
	bool ended; /* the last line's end was given */
};

struct macro {
	const char *name;
	const char *value;
};

static struct {
	FILE *errors;
	int n_errors;
	struct source sources[CONF_INCLUDE_MAX];
	size_t n_sources;
	char **kept; /* all strings, until the end of parsing */
	size_t n_kept;
	struct macro macros[MACROS_MAX];
	size_t n_macros;
	struct word token; /* the last one read */
	int last;          /* its kind */
} lx;

static int next_char(struct source *);
static int peek_char(const struct source *);
static int next_token(struct source *);
static int lex_quoted(struct source *);
static int lex_macro(struct source *);
static int lex_word(struct source *);
static int finish_string(const char *, size_t);
static bool is_word_char(int);
static bool equals_follows(const struct source *);
static int open_config(const char *, struct stat *);

void
lex_begin(FILE *errors)
{
	memset(&lx, 0, sizeof(lx));
	lx.errors = errors;
}

void
lex_end(void)
{
	while (lx.n_sources > 0)
		free(lx.sources[--lx.n_sources].text);
	for (size_t i = 0; i < lx.n_kept; i++)
		free(lx.kept[i]);
	free(lx.kept);
	lx.kept = NULL;
	lx.n_kept = 0;
}

int
lex_next(struct word *w)
{
	struct source *src;
	int token;

	for (;;) {
		src = &lx.sources[lx.n_sources - 1];
		if (src->pos < src->len) {
			token = next_token(src);
			break;
		}
		lx.token.s = "end of file";
		lx.token.file = src->name;
		lx.token.line = src->line;
		lx.token.col = src->col;
		/* A last line without its end, and what is held back. */
		token = src->ended ? LEX_END : '\n';
		if (!src->ended || lx.n_sources == 1) {
			src->ended = true;
			break;
		}
		free(src->text);
		lx.n_sources--;
	}
	lx.last = token;
	*w = lx.token;
	return token;
}

int
lex_errors(void)
{
	return lx.n_errors;
}

struct word
lex_first(void)
{
	struct word w = {.s = "", .col = 1};

	w.file = lx.sources[0].name;
	w.line = lx.sources[0].line;
	return w;
}

void
lex_report(const struct word *w, const char *fmt, ...)
{
	va_list ap;

	if (lx.n_errors++ >= ERRORS_MAX)
		return;
	(void)fprintf(lx.errors, "%s:%d:%d: ", w->file, w->line, w->col);
	va_start(ap, fmt);
	(void)vfprintf(lx.errors, fmt, ap);
	va_end(ap);
	(void)fputc('\n', lx.errors);
}

/* A file that is included; the first of all stands in no line of another. */
static void
report_file(const struct word *w, const char *path, const char *why)
{
	if (lx.n_sources > 0)
		lex_report(w, "%s: %s", path, why);
	else if (lx.n_errors++ < ERRORS_MAX)
		(void)fprintf(lx.errors, "%s: %s\n", path, why);
}

/* The value of a macro stays as it was where it was used already. */
void
lex_define(const struct word *name, const struct word *value)
{
	for (size_t i = 0; name->s[i] != '\0'; i++) {
		if (!isalnum((unsigned char)name->s[i]) && name->s[i] != '_') {
			lex_report(
			    name, "not the name of a macro: \"%s\"", name->s);
			return;
		}
	}
	for (size_t i = 0; i < lx.n_macros; i++) {
		if (strcmp(lx.macros[i].name, name->s) == 0) {
			lx.macros[i].value = value->s;
			return;
		}
	}
	if (lx.n_macros == MACROS_MAX) {
		lex_report(name, "too many macros");
		return;
	}
	lx.macros[lx.n_macros].name = name->s;
	lx.macros[lx.n_macros++].value = value->s;
}

/* A path that does not begin at / begins where the including file is. */
void
lex_include(const struct word *w)
{
	char path[CONF_PATH_MAX];
	const char *slash;
	int n;

	slash = strrchr(w->file, '/');
	if (w->s[0] == '/' || slash == NULL)
		n = snprintf(path, sizeof(path), "%s", w->s);
	else
		n = snprintf(path, sizeof(path), "%.*s/%s",
		    (int)(slash - w->file), w->file, w->s);
	if (n < 0 || (size_t)n >= sizeof(path))
		lex_report(w, "the path is too long");
	else if (lx.n_sources == CONF_INCLUDE_MAX)
		lex_report(w, "too many files include each other");
	else
		(void)lex_push_file(path, w);
}

/* w is NULL for the first file. */
int
lex_push_file(const char *path, const struct word *w)
{
	struct word here = {path, path, 1, 1};
	struct stat st;
	uint8_t *text;
	size_t len;
	int fd;

	if (w == NULL)
		w = &here;
	text = NULL;
	fd = open_config(path, &st);
	if (fd == -1)
		goto err;
	text = conf_read_file(fd, CONF_FILE_MAX, &len);
	if (text == NULL)
		goto err;
	(void)close(fd);
	if (lex_push_text(path, (char *)text, len) == 0)
		return 0;
	lex_report(w, "the path is too long");
	free(text);
	return -1;
err:
	if (errno == EPERM)
		report_file(w, path,
		    "must belong to root or to who runs this, and "
		    "nobody else may write to it");
	else
		report_file(w, path, strerror(errno));
	if (fd != -1)
		(void)close(fd);
	return -1;
}

/* Whoever can write the configuration can do anything: EPERM. */
static int
open_config(const char *path, struct stat *st)
{
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1)
		return -1;
	if (fstat(fd, st) == -1) {
		(void)close(fd);
		return -1;
	}
	/* A device or a pipe might not end. */
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode)) {
		(void)close(fd);
		errno = EINVAL;
		return -1;
	}
	if ((st->st_uid != 0 && st->st_uid != geteuid()) ||
	    (st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		(void)close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

/* Takes text, unless it returns -1. */
int
lex_push_text(const char *name, char *text, size_t len)
{
	struct source *src;

	src = &lx.sources[lx.n_sources];
	memset(src, 0, sizeof(*src));
	if (strlcpy(src->name, name, sizeof(src->name)) >= sizeof(src->name))
		return -1;
	src->text = text;
	src->len = len;
	src->line = 1;
	src->col = 1;
	lx.n_sources++;
	return 0;
}

/* The next octet; a backslash before a line's end joins it with the next. */
static int
next_char(struct source *src)
{
	int c;

	for (;;) {
		if (src->pos == src->len)
			return EOF;
		c = (unsigned char)src->text[src->pos++];
		if (c == '\n') {
			src->line++;
			src->col = 1;
			return c;
		}
		src->col++;
		if (c != '\\' || peek_char(src) != '\n')
			return c;
		src->pos++;
		src->line++;
		src->col = 1;
	}
}

static int
peek_char(const struct source *src)
{
	if (src->pos == src->len)
		return EOF;
	return (unsigned char)src->text[src->pos];
}

static int
next_token(struct source *src)
{
	int c;

	do {
		lx.token.file = src->name;
		lx.token.line = src->line;
		lx.token.col = src->col;
		c = next_char(src);
	} while (c == ' ' || c == '\t' || c == '\r');
	if (c == '#') {
		while ((c = peek_char(src)) != '\n' && c != EOF)
			(void)next_char(src);
		c = next_char(src);
	}
	switch (c) {
	case EOF:
	case '\n':
		lx.token.s = "end of line";
		return '\n';
	case '{':
		lx.token.s = "{";
		return c;
	case '}':
		lx.token.s = "}";
		return c;
	case '=':
		lx.token.s = "=";
		return c;
	case ',':
		lx.token.s = ",";
		return c;
	case '"':
		return lex_quoted(src);
	case '$':
		return lex_macro(src);
	default:
		if (!is_word_char(c)) {
			lex_report(
			    &lx.token, "a character that has no meaning");
			lx.token.s = "?";
			return c == 0 || c >= 0x80 ? '?' : c;
		}
		src->pos--;
		src->col--;
		return lex_word(src);
	}
}

static int
lex_quoted(struct source *src)
{
	char buf[WORD_MAX];
	size_t len;
	int c;

	for (len = 0; (c = peek_char(src)) != '"'; buf[len++] = (char)c) {
		if (c == EOF || c == '\n' || c == '\0') {
			lex_report(&lx.token, "a quote that does not end");
			return finish_string(buf, len);
		}
		c = next_char(src);
		if (c == '\\' &&
		    (peek_char(src) == '"' || peek_char(src) == '\\'))
			c = next_char(src);
		if (len == sizeof(buf)) {
			lex_report(&lx.token, "the text is too long");
			return finish_string(buf, 0);
		}
	}
	(void)next_char(src);
	return finish_string(buf, len);
}

static int
lex_macro(struct source *src)
{
	char buf[WORD_MAX];
	size_t len;
	int c;

	for (len = 0; (c = peek_char(src)) != EOF && (isalnum(c) || c == '_') &&
	     len < sizeof(buf);
	     len++)
		buf[len] = (char)next_char(src);
	for (size_t i = 0; i < lx.n_macros; i++) {
		if (strlen(lx.macros[i].name) == len &&
		    memcmp(lx.macros[i].name, buf, len) == 0) {
			lx.token.s = lx.macros[i].value;
			return LEX_STRING;
		}
	}
	lex_report(&lx.token, "macro \"%.*s\" is not defined", (int)len, buf);
	lx.token.s = "";
	return LEX_STRING;
}

static int
lex_word(struct source *src)
{
	char buf[WORD_MAX];
	size_t len;
	bool bare;
	int c;

	for (len = 0; (c = peek_char(src)) != EOF && is_word_char(c);) {
		if (len == sizeof(buf)) {
			lex_report(&lx.token, "the word is too long");
			break;
		}
		buf[len++] = (char)next_char(src);
	}
	/* A key of a table or a macro may bear a keyword's name. */
	bare = lx.last != '=' && !equals_follows(src);
	(void)finish_string(buf, len);
	return bare ? LEX_WORD : LEX_STRING;
}

/* Keeps a copy: the grammar need not free what an error throws away. */
static int
finish_string(const char *buf, size_t len)
{
	char **kept;
	size_t cap;

	if (lx.n_kept == KEPT_MAX) {
		lex_report(&lx.token, "the configuration is too long");
		lx.token.s = "";
		return LEX_STRING;
	}
	if ((lx.n_kept & (lx.n_kept - 1)) == 0) {
		cap = lx.n_kept == 0 ? 1 : 2 * lx.n_kept;
		kept = recallocarray(lx.kept, lx.n_kept, cap, sizeof(*kept));
		if (kept == NULL)
			fatal("conf");
		lx.kept = kept;
	}
	lx.kept[lx.n_kept] = strndup(buf, len);
	if (lx.kept[lx.n_kept] == NULL)
		fatal("conf");
	lx.token.s = lx.kept[lx.n_kept++];
	return LEX_STRING;
}

static bool
is_word_char(int c)
{
	return isalnum(c) || (c != '\0' && strchr("-_./:@+*%!?[]~", c) != NULL);
}

static bool
equals_follows(const struct source *src)
{
	size_t i;

	for (i = src->pos; i < src->len; i++) {
		if (src->text[i] != ' ' && src->text[i] != '\t')
			return src->text[i] == '=';
	}
	return false;
}
