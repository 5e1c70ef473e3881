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
 * The accounts that the master has to do with, by name.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "master.h"
#include "msg.h"

static int account_cmp(struct account *, struct account *);

RB_HEAD(accounts, account);
RB_PROTOTYPE(accounts, account, entry, account_cmp);
RB_GENERATE(accounts, account, entry, account_cmp);

static struct accounts accounts = RB_INITIALIZER(&accounts);

static int
account_cmp(struct account *a, struct account *b)
{
	return strcmp(a->name, b->name);
}

struct account *
account_find(const char *name)
{
	static struct account key;

	(void)strlcpy(key.name, name, sizeof(key.name));
	return RB_FIND(accounts, &accounts, &key);
}

struct account *
account_get(const char *name)
{
	struct account *a;

	a = account_find(name);
	if (a != NULL)
		return a;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		fatal("out of memory");
	(void)strlcpy(a->name, name, sizeof(a->name));
	RB_INSERT(accounts, &accounts, a);
	return a;
}

unsigned int
account_vaults(void)
{
	struct account *a;
	unsigned int n = 0;

	RB_FOREACH (a, accounts, &accounts)
		n += a->vault != NULL && a->up;
	return n;
}

void
account_tell(uint16_t type)
{
	struct account *a;

	RB_FOREACH (a, accounts, &accounts)
		if (a->vault != NULL && a->up &&
		    wire_queued(a->vault->wire) < MSG_HIGH)
			msg_signal(a->vault->wire, type, 0);
}

void
account_tidy(struct account *a)
{
	if (a->vault != NULL || a->openers > 0 || a->waiting > 0 ||
	    a->kicks > 0)
		return;
	RB_REMOVE(accounts, &accounts, a);
	free(a);
}
