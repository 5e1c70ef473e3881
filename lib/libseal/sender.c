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
 * Sealing a stanza to a delivery key.  A key agreement costs more than all the
 * rest of a small message, so what one ephemeral key has agreed on with one
 * recipient serves for a moment: at most SEAL_SENDER_MESSAGES messages and
 * SEAL_SENDER_MSEC.  Each of them has a key of its own all the same, by a
 * random salt and by all that tells its blob from others.  The ephemeral
 * secret itself is gone at once, and no two recipients share one, so that what
 * lies on the disk does not tell who got mail together.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "seal_local.h"

struct seal_sender {
	struct seal_delivery to;
	uint8_t pk[SEAL_KEY_LEN];     /* ephemeral */
	uint8_t shared[SEAL_KEY_LEN]; /* agreed with the recipient's */
	unsigned int left;            /* messages; 0: nothing is agreed */
	int64_t made;                 /* by the monotonic clock, in ms */
	unsigned int refs;            /* the owner and the blobs */
};

struct seal_sender *
seal_sender_new(const struct seal_delivery *to)
{
	struct seal_sender *s;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->to = *to;
	s->refs = 1;
	return s;
}

struct seal_sender *
sender_ref(struct seal_sender *s)
{
	s->refs++;
	return s;
}

void
seal_sender_free(struct seal_sender *s)
{
	if (s != NULL && --s->refs == 0)
		freezero(s, sizeof(*s));
}

void
seal_sender_forget(struct seal_sender *s)
{
	s->left = 0;
	explicit_bzero(s->shared, sizeof(s->shared));
}

const struct seal_delivery *
sender_to(const struct seal_sender *s)
{
	return &s->to;
}

/* -1: the public key is one that hides nothing. */
static int
sender_agree(struct seal_sender *s, int64_t now)
{
	uint8_t sk[SEAL_KEY_LEN];
	int ret;

	_Static_assert(crypto_box_BEFORENMBYTES == SEAL_KEY_LEN, "X25519");
	seal_sender_forget(s);
	crypto_box_keypair(s->pk, sk);
	ret = crypto_box_beforenm(s->shared, s->to.pk, sk);
	explicit_bzero(sk, sizeof(sk));
	if (ret != 0) {
		seal_sender_forget(s);
		errno = EINVAL;
		return -1;
	}
	s->left = SEAL_SENDER_MESSAGES;
	s->made = now;
	return 0;
}

int
sender_seal(struct seal_sender *s, const uint8_t head[TRAILER_LOCATOR],
    const uint8_t plain[STANZA_KEPT], uint8_t out[STANZA_SEALED])
{
	static const uint8_t nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];
	uint8_t key[SEAL_KEY_LEN];
	struct timespec ts;
	int64_t now;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		return -1;
	now = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	if ((s->left == 0 || now - s->made >= SEAL_SENDER_MSEC) &&
	    sender_agree(s, now) == -1)
		return -1;
	memcpy(out, s->pk, SEAL_KEY_LEN);
	randombytes_buf(out + SEAL_KEY_LEN, STANZA_SALT);
	stanza_key(s->shared, head, s->to.pk, out, key);
	crypto_aead_chacha20poly1305_ietf_encrypt(out + STANZA_HEAD, NULL,
	    plain, STANZA_KEPT, NULL, 0, NULL, nonce, key);
	explicit_bzero(key, sizeof(key));
	if (--s->left == 0)
		seal_sender_forget(s);
	return 0;
}
