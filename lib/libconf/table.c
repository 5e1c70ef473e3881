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
 * Tables: sorted pairs of texts, from the config or from a file in the syntax
 * of aliases(5).
 */

#include <sys/types.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_local.h"

#define LINE_MAX_LEN 65536 /* of an entry with its continuations */
#define ERRORS_MAX 20

static int compare(const void *, const void *);
static int load_text(struct conf_table *, char *, FILE *);
static const char *load_entry(struct conf_table *, char *);
static const char *check_targets(const char *);
static char *trim(char *);

void
conf_table_clear(struct conf_table *t)
{
	for (size_t i = 0; i < t->n_pairs; i++) {
		free(t->pairs[i].key);
		free(t->pairs[i].value);
	}
	free(t->pairs);
	t->pairs = NULL;
	t->n_pairs = 0;
}

const char *
conf_table_add(struct conf_table *t, const char *key, const char *value)
{
	struct conf_pair *p;
	size_t cap;

	if (t->n_pairs == CONF_TABLE_MAX)
		return "too many entries";
	/* The capacity is the power of two at or above the number. */
	if ((t->n_pairs & (t->n_pairs - 1)) == 0) {
		cap = t->n_pairs == 0 ? 1 : 2 * t->n_pairs;
		p = recallocarray(t->pairs, t->n_pairs, cap, sizeof(*p));
		if (p == NULL)
			return strerror(errno);
		t->pairs = p;
	}
	p = &t->pairs[t->n_pairs];
	p->key = strdup(key);
	p->value = strdup(value);
	if (p->key == NULL || p->value == NULL) {
		free(p->key);
		free(p->value);
		return strerror(ENOMEM);
	}
	for (char *c = p->key; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	t->n_pairs++;
	return NULL;
}

const char *
conf_table_sort(struct conf_table *t)
{
	if (t->n_pairs > 1)
		qsort(t->pairs, t->n_pairs, sizeof(*t->pairs), compare);
	for (size_t i = 1; i < t->n_pairs; i++) {
		if (strcmp(t->pairs[i - 1].key, t->pairs[i].key) == 0)
			return t->pairs[i].key;
	}
	return NULL;
}

static int
compare(const void *a, const void *b)
{
	const struct conf_pair *x, *y;

	x = a;
	y = b;
	return strcmp(x->key, y->key);
}

const char *
conf_table_find(const struct conf_table *t, const char *key)
{
	size_t lo, hi, mid;
	int c;

	lo = 0;
	hi = t->n_pairs;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		c = strcmp(key, t->pairs[mid].key);
		if (c == 0)
			return t->pairs[mid].value;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const char *
conf_alias(const struct conf_table *t, const char *address)
{
	char key[2 * CONF_NAME_MAX];
	const char *value;
	char *at;

	if (strlcpy(key, address, sizeof(key)) >= sizeof(key))
		return NULL;
	for (char *c = key; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	if ((value = conf_table_find(t, key)) != NULL)
		return value;
	if ((at = strrchr(key, '@')) == NULL)
		return NULL;
	*at = '\0';
	if ((value = conf_table_find(t, key)) != NULL)
		return value;
	*at = '@';
	return conf_table_find(t, at);
}

int
conf_list_next(const char **list, char *buf, size_t size)
{
	const char *p, *end;
	size_t len;

	p = *list + strspn(*list, ", \t");
	if (*p == '\0') {
		*list = p;
		return 0;
	}
	end = p + strcspn(p, ",");
	*list = end;
	while (end > p && isspace((unsigned char)end[-1]))
		end--;
	len = (size_t)(end - p);
	if (len >= size)
		return -1;
	memcpy(buf, p, len);
	buf[len] = '\0';
	return 1;
}

int
conf_table_load(struct conf_table *t, FILE *errors)
{
	struct conf_table fresh;
	const char *twice;
	uint8_t *text;
	size_t len;
	int fd, ret;

	if (t->path[0] == '\0')
		return 0;
	memset(&fresh, 0, sizeof(fresh));
	memcpy(fresh.name, t->name, sizeof(fresh.name));
	memcpy(fresh.path, t->path, sizeof(fresh.path));
	text = NULL;
	ret = -1;
	fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1 ||
	    (text = conf_read_file(fd, CONF_TABLE_FILE_MAX, &len)) == NULL) {
		(void)fprintf(errors, "%s: %s\n", t->path, strerror(errno));
		goto out;
	}
	if (memchr(text, '\0', len) != NULL) {
		(void)fprintf(errors, "%s: not a text\n", t->path);
		goto out;
	}
	if (load_text(&fresh, (char *)text, errors) == -1)
		goto out;
	if ((twice = conf_table_sort(&fresh)) != NULL) {
		(void)fprintf(
		    errors, "%s: \"%s\" stands there twice\n", t->path, twice);
		goto out;
	}
	conf_table_clear(t);
	*t = fresh;
	memset(&fresh, 0, sizeof(fresh));
	ret = 0;
out:
	conf_table_clear(&fresh);
	free(text);
	if (fd != -1)
		(void)close(fd);
	return ret;
}

/* An entry is a line and those after it that begin with a blank. */
static int
load_text(struct conf_table *t, char *text, FILE *errors)
{
	char *entry, *line;
	const char *wrong;
	size_t len;
	int n, first, n_wrong;

	entry = malloc(LINE_MAX_LEN);
	if (entry == NULL) {
		(void)fprintf(errors, "%s: %s\n", t->path, strerror(errno));
		return -1;
	}
	entry[0] = '\0';
	first = n_wrong = 0;
	for (n = 1; n_wrong < ERRORS_MAX; n++) {
		line = strsep(&text, "\n");
		if (line != NULL) {
			line[strcspn(line, "#")] = '\0';
			if (line[strspn(line, " \t\r")] == '\0')
				continue;
		}
		wrong = NULL;
		len = strlen(entry);
		if (line != NULL && len > 0 &&
		    (*line == ' ' || *line == '\t')) {
			if (strlcat(entry, line, LINE_MAX_LEN) < LINE_MAX_LEN)
				continue;
			wrong = "the entry is too long";
			entry[0] = '\0';
		} else {
			if (len > 0)
				wrong = load_entry(t, entry);
			if (line != NULL &&
			    strlcpy(entry, line, LINE_MAX_LEN) >= LINE_MAX_LEN)
				wrong = "the entry is too long";
		}
		if (wrong != NULL) {
			(void)fprintf(
			    errors, "%s:%d: %s\n", t->path, first, wrong);
			n_wrong++;
		}
		if (line == NULL)
			break;
		first = n;
	}
	free(entry);
	return n_wrong == 0 ? 0 : -1;
}

/* "key: value" or, as a table of the suite, "key value". */
static const char *
load_entry(struct conf_table *t, char *entry)
{
	char *key, *value, *sep;
	const char *wrong;

	key = trim(entry);
	sep = key + strcspn(key, ": \t");
	value = sep + strspn(sep, " \t");
	if (*value == ':')
		value++;
	*sep = '\0';
	value = trim(value);
	if (*key == '\0' || *value == '\0')
		return "expected \"name: target, target\"";
	if (strlen(key) >= 2 * CONF_NAME_MAX)
		return "the name is too long";
	if ((wrong = check_targets(value)) != NULL)
		return wrong;
	return conf_table_add(t, key, value);
}

static const char *
check_targets(const char *value)
{
	char one[2 * CONF_NAME_MAX];
	const char *p;
	int n, ret;

	p = value;
	for (n = 0; (ret = conf_list_next(&p, one, sizeof(one))) == 1; n++) {
		if (strchr("|/\":", one[0]) != NULL)
			return "a target is a name or an address; programs, "
			       "files and :include: are not supported";
		if (strpbrk(one, " \t") != NULL)
			return "targets are separated by commas";
	}
	if (ret == -1)
		return "a target is too long";
	return n == 0 ? "no target" : NULL;
}

static char *
trim(char *s)
{
	size_t len;

	while (isspace((unsigned char)*s))
		s++;
	for (len = strlen(s); len > 0 && isspace((unsigned char)s[len - 1]);)
		s[--len] = '\0';
	return s;
}
