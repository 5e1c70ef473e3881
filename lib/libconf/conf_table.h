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
 * Tables of the configuration, aliases(5) files among them.
 */

#ifndef CONF_TABLE_H
#define CONF_TABLE_H

#include <stddef.h>
#include <stdio.h>

#define CONF_NAME_MAX 256     /* octets of a name or address, NUL included */
#define CONF_PATH_MAX 1024    /* octets of a path, NUL included */
#define CONF_TABLE_MAX 100000 /* pairs of a table */
#define CONF_TABLE_FILE_MAX (16 * 1024 * 1024) /* octets of its file */

struct conf_pair {
	char *key;   /* lower case */
	char *value; /* as written; a list's elements: conf_list_next() */
};

struct conf_table {
	char name[CONF_NAME_MAX];
	char path[CONF_PATH_MAX]; /* "" if the pairs stand in the config */
	struct conf_pair *pairs;  /* sorted by key, no key twice */
	size_t n_pairs;           /* of a file: after conf_table_load() */
};

/*
 * conf_table_load() reads a file table anew (aliases(5): "name:
 * target, target", "user@domain: target"; # starts a comment, a blank first
 * column continues); on failure -1, lines on errors, and the old pairs stay.
 */
int conf_table_load(struct conf_table *, FILE *errors);
const char *conf_table_find(const struct conf_table *, const char *key);
void conf_table_clear(struct conf_table *);
/*
 * The aliases' entry of an address: of "user@domain", then of "user", then of
 * "@domain"; NULL if there is none.
 */
const char *conf_alias(const struct conf_table *, const char *address);
/*
 * The next element of a comma-separated list: 1 and a NUL-terminated copy
 * without blanks around it, 0 at the end, -1 if it does not fit.
 */
int conf_list_next(const char **list, char *buf, size_t size);

#endif
