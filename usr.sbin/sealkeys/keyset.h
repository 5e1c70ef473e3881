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
 * The keys that sealkeys holds: a set is filled, then used, then replaced by
 * another as a whole, which inherits what may still be needed.
 */

#ifndef KEYSET_H
#define KEYSET_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "keys_wire.h"

struct keyset;

struct keyset *keyset_new(void);   /* fatal without memory */
void keyset_free(struct keyset *); /* wipes the keys; NULL is fine */
size_t keyset_count(const struct keyset *);
/* Reads a PEM; NULL, or what is wrong with it. */
const char *
keyset_add(struct keyset *, const char *name, const uint8_t *pem, size_t len);
/*
 * Takes over from the set of before what keys its names had, while no engine
 * has asked for their new ones.
 */
void keyset_inherit(struct keyset *, const struct keyset *old, time_t now);
/* An engine is about to use this key. */
enum keys_have
keyset_have(struct keyset *, const uint8_t id[KEYS_ID_LEN], time_t now);
/* Wipes those whose time is over; seconds until the next is, 0: none. */
unsigned int keyset_expire(struct keyset *, time_t now);
/* The length of the signature, or 0 where there is none to be had. */
size_t
keyset_sign(struct keyset *, enum keys_how, const uint8_t id[KEYS_ID_LEN],
    const uint8_t *, size_t, uint8_t sig[KEYS_SIGNATURE_MAX]);

#endif
