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
 * Accounts, far from their quota, that a deliverer let receive a moment ago:
 * mail for them often comes in a row, and each question would wait for the sync
 * that the deliverer is in.  It looks again when it gets the message, so all
 * that is at stake is when a client hears that a mailbox was closed since.
 */

#include <sys/types.h>

#include <string.h>
#include <time.h>

#include "log.h"

#include "engine.h"

#define KNOWN_MS 250 /* that an answer holds */
#define KNOWN_MAX 256
#define KNOWN_SIZE_MAX                                        \
	(1024 * 1024) /* of a message that is not asked about \
		       */

struct known {
	char account[DELIVER_ACCOUNT_MAX];
	uint64_t size;    /* of the message that was asked about */
	int64_t until_ms; /* 0: there is none */
};

static struct known all[KNOWN_MAX];

static struct known *known_slot(const char *);
static int64_t now_ms(void);

bool
known_good(const char *account, uint64_t size)
{
	const struct known *k;

	k = known_slot(account);
	return k->until_ms != 0 && size <= k->size && size <= KNOWN_SIZE_MAX &&
	    strcmp(k->account, account) == 0 && now_ms() < k->until_ms;
}

void
known_note(const char *account, uint64_t size)
{
	struct known *k;

	k = known_slot(account);
	k->until_ms = 0;
	if (strlcpy(k->account, account, sizeof(k->account)) >=
	    sizeof(k->account))
		return;
	k->size = size;
	k->until_ms = now_ms() + KNOWN_MS;
}

void
known_forget(const char *account)
{
	known_slot(account)->until_ms = 0;
}

void
known_clear(void)
{
	memset(all, 0, sizeof(all));
}

static struct known *
known_slot(const char *account)
{
	uint32_t hash;

	hash = 2166136261U;
	for (; *account != '\0'; account++)
		hash = (hash ^ (uint8_t)*account) * 16777619U;
	return &all[hash % KNOWN_MAX];
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
