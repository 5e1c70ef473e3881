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
 * See zone.h.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "zone.h"

#define RECORDS_MAX 64

static unsigned int asked;

unsigned int
zone_asked(void)
{
	unsigned int n;

	n = asked;
	asked = 0;
	return n;
}

void
zone_ask(const struct zone *zone, size_t n, const struct mauth_question *q,
    struct mauth_answer *a)
{
	static struct mauth_record records[RECORDS_MAX];
	static uint8_t octets[RECORDS_MAX][16];
	struct mauth_record *r;

	asked++;
	memset(a, 0, sizeof(*a));
	a->status = MAUTH_NOTHING;
	a->records = records;
	for (size_t i = 0; i < n && a->n < RECORDS_MAX; i++) {
		if (zone[i].type != q->type ||
		    strcasecmp(zone[i].name, q->name) != 0)
			continue;
		if (zone[i].text == NULL) {
			a->status = MAUTH_TROUBLE;
			a->n = 0;
			return;
		}
		a->status = MAUTH_FOUND;
		r = &records[a->n];
		r->data = zone[i].text;
		r->len = strlen(zone[i].text);
		if (q->type == MAUTH_A || q->type == MAUTH_AAAA) {
			(void)inet_pton(q->type == MAUTH_A ? AF_INET : AF_INET6,
			    zone[i].text, octets[a->n]);
			r->data = octets[a->n];
			r->len = q->type == MAUTH_A ? 4 : 16;
		}
		a->n++;
	}
}
