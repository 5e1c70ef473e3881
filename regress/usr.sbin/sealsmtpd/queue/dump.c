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
 * The queue's state as text; and what smtp-queue's main.c gives the others.
 */

#include <sys/types.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"
#include "seal.h"

#include "../../../../usr.sbin/sealsmtpd/queue/main.h"
#include "../../../../usr.sbin/sealsmtpd/queue/queue.h"
#include "../../../../usr.sbin/sealsmtpd/queue/origins.h"
#include "../../../../usr.sbin/sealsmtpd/queue/tally.h"

static void dump_rcpt(FILE *, const struct rcpt *);
static void dump_dest(struct dest *, void *);

const struct queue_limits *
queue_limits(void)
{
	static const struct queue_limits limits = {
	    .lifetime = 432000,
	    .warn = 14400,
	    .retry_min = 300,
	    .retry_max = 14400,
	    .dest_jobs = 5,
	};

	return &limits;
}

int64_t
queue_now(void)
{
	return 1000000;
}

void
dump_state(FILE *out)
{
	static const uint8_t zero[QUEUE_ID_LEN];
	uint8_t after[QUEUE_ID_LEN];
	char id[QUEUE_ID_LEN * 2 + 1];
	const struct origins_row *o;
	const struct tally *t;
	struct message *m;

	memcpy(after, zero, sizeof(after));
	while ((m = message_after(after)) != NULL) {
		memcpy(after, m->id, sizeof(after));
		/* Reading drops what is done. */
		if (m->left == 0)
			continue;
		seal_hex(m->id, sizeof(m->id), id);
		(void)fprintf(out, "%s %s %s %s %s %u/%u %" PRId64 "\n", id,
		    m->sender, m->login, m->envid, m->trace, m->left, m->n,
		    m->expiry);
		for (uint16_t i = 0; i < m->n; i++)
			dump_rcpt(out, &m->rcpts[i]);
	}
	dest_each(dump_dest, out);
	for (t = tally_after(NULL); t != NULL; t = tally_after(t))
		(void)fprintf(out, "tls %u %u %u %s %s %" PRIu64 "\n", t->day,
		    t->policy, t->result, t->dest, t->host, t->sessions);
	for (o = origins_after(0, NULL, 0); o != NULL;
	     o = origins_after(o->day, o->row, o->len))
		(void)fprintf(out, "origin %u %.*s %" PRIu64 "\n", o->day,
		    (int)o->len, (const char *)o->row, o->messages);
	(void)fprintf(out, "held %d\n", sched_held());
}

static void
dump_rcpt(FILE *out, const struct rcpt *r)
{
	const struct verdict *v;

	v = r->verdict;
	(void)fprintf(out, " %s %s %u state %u tries %u warn %d%d", r->address,
	    r->orcpt == NULL ? "" : r->orcpt, r->notify, r->state, r->attempts,
	    r->warned, r->warning);
	if (r->work != NULL)
		(void)fprintf(out, " at %s %" PRId64 " held %d",
		    r->work->dest->name, r->work->next, r->work->held);
	if (v != NULL)
		(void)fprintf(out, " said %" PRId64 " %u %s %s %s", v->when,
		    v->code, v->status, v->host, v->text);
	(void)fprintf(out, "\n");
}

/* One of which nothing is known but its name may be there or not. */
static void
dump_dest(struct dest *d, void *arg)
{
	if (d->next == 0 && d->failures == 0 && !d->held && d->memory_len == 0)
		return;
	(void)fprintf(arg, "dest %s %" PRId64 " %u %d [%.*s]\n", d->name,
	    d->next, d->failures, d->held, d->memory_len,
	    d->memory == NULL ? "" : (const char *)d->memory);
}
