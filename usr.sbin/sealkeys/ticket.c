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
 * Keys of session tickets.  With life L a key makes tickets for L / 2 and
 * then opens them for L: three are there at most.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "keys_wire.h"
#include "log.h"
#include "msg.h"
#include "seal_keys.h"
#include "ticket.h"

struct ticket_key {
	uint8_t name[KEYS_TICKET_NAME];
	uint8_t key[KEYS_TICKET_KEY];
	time_t born; /* 0: there is none */
};

static struct ticket_key *keys; /* the newest first */
static uint32_t life;

static uint32_t left(time_t, time_t);

void
ticket_life(uint32_t seconds, time_t now)
{
	if (keys == NULL) {
		keys = secret_alloc(KEYS_TICKETS * sizeof(*keys));
		if (keys == NULL)
			fatal("secret_alloc");
	}
	if (seconds == life)
		return;
	explicit_bzero(keys, KEYS_TICKETS * sizeof(*keys));
	life = seconds;
	(void)ticket_rotate(now);
}

unsigned int
ticket_rotate(time_t now)
{
	time_t half;

	half = life / 2;
	if (keys[0].born == 0 || now - keys[0].born >= half) {
		memmove(&keys[1], &keys[0], (KEYS_TICKETS - 1) * sizeof(*keys));
		arc4random_buf(keys[0].name, sizeof(keys[0].name));
		arc4random_buf(keys[0].key, sizeof(keys[0].key));
		keys[0].born = now;
	}
	for (size_t i = 1; i < KEYS_TICKETS; i++) {
		if (keys[i].born != 0 && now - keys[i].born >= half + life)
			explicit_bzero(&keys[i], sizeof(keys[i]));
	}
	return (unsigned int)(keys[0].born + half - now);
}

void
ticket_put(struct msgout *m, time_t now)
{
	const struct ticket_key *k;
	uint8_t n;

	for (n = 0; n < KEYS_TICKETS && keys != NULL && keys[n].born != 0;)
		n++;
	msg_put_u8(m, n);
	for (k = keys; n-- > 0; k++) {
		msg_put_raw(m, k->name, sizeof(k->name));
		msg_put_raw(m, k->key, sizeof(k->key));
		msg_put_u32(m, k == keys ? left(k->born + life / 2, now) : 0);
		msg_put_u32(m, left(k->born + life / 2 + life, now));
	}
}

static uint32_t
left(time_t end, time_t now)
{
	return end > now ? (uint32_t)(end - now) : 0;
}
