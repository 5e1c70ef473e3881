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
 * Engines ask, sealkeys signs: each request is answered at once, in order.
 */

#include <sys/types.h>

#include <string.h>

#include "keyset.h"
#include "log.h"
#include "msg.h"
#include "serve.h"

static struct keyset *keys;

static void on_request(struct wire *, struct msg *, void *);

void
serve_wire(int fd)
{
	(void)wire_new(fd, on_request, NULL, NULL);
}

void
serve_keys(struct keyset *set)
{
	keyset_free(keys);
	keys = set;
}

static void
on_request(struct wire *w, struct msg *m, void *arg)
{
	uint8_t id[KEYS_ID_LEN], sig[KEYS_SIGNATURE_MAX];
	struct msgout *out;
	const uint8_t *data;
	size_t len, n;
	uint8_t how;

	how = msg_get_u8(m);
	(void)msg_get_raw(m, id, sizeof(id));
	data = msg_get_bytes(m, &len, KEYS_DIGEST_MAX);
	if (m->type != KEYS_SIGN || msg_end(m) == -1) {
		log_warnx("engine sent nonsense type=%u", m->type);
		wire_fail(w);
		return;
	}
	/* One that asks without reading the answers. */
	if (wire_queued(w) > MSG_HIGH) {
		log_warnx("engine reads no answers");
		wire_fail(w);
		return;
	}
	n = 0;
	if (keys != NULL && how >= KEYS_RSA_PKCS1 && how <= KEYS_ECDSA)
		n = keyset_sign(keys, how, id, data, len, sig);
	if (n == 0) {
		log_warnx("refused how=%u len=%zu key=%02x%02x%02x%02x", how,
		    len, id[0], id[1], id[2], id[3]);
		msg_signal(w, KEYS_REFUSED, m->id);
		return;
	}
	out = msg_new(w, KEYS_SIGNED, m->id);
	msg_put_bytes(out, sig, n);
	msg_send(out);
	explicit_bzero(sig, sizeof(sig));
}
