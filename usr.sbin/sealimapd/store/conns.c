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
 * Where connections come from: told by the parent, which accepted them.  An
 * engine names a connection of its own; its address is not the engine's word.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "master.h"

struct conn {
	RB_ENTRY(conn) entry;
	uint64_t id;
	char source[SOURCE_MAX];
	bool trusted;
};

static int conn_cmp(struct conn *, struct conn *);

RB_HEAD(conns, conn);
RB_PROTOTYPE(conns, conn, entry, conn_cmp);
RB_GENERATE(conns, conn, entry, conn_cmp);

static struct conns conns = RB_INITIALIZER(&conns);

static int
conn_cmp(struct conn *a, struct conn *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

void
conns_add(uint64_t id, const char *source, bool trusted)
{
	struct conn *c;

	c = calloc(1, sizeof(*c));
	if (c == NULL)
		fatal("out of memory");
	c->id = id;
	(void)strlcpy(c->source, source, sizeof(c->source));
	c->trusted = trusted;
	if (RB_INSERT(conns, &conns, c) != NULL)
		free(c);
}

void
conns_remove(uint64_t id)
{
	struct conn key, *c;

	key.id = id;
	c = RB_FIND(conns, &conns, &key);
	if (c == NULL)
		return;
	RB_REMOVE(conns, &conns, c);
	free(c);
}

const char *
conns_find(uint64_t id, bool *trusted)
{
	struct conn key, *c;

	key.id = id;
	c = RB_FIND(conns, &conns, &key);
	*trusted = c != NULL && c->trusted;
	return c == NULL ? "-" : c->source;
}
