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
 * MTA-STS policies of domains, by whoever asks.
 */

#ifndef STS_H
#define STS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"

#define STS_DOMAINS_MAX 4096      /* domains that are known here */
#define STS_SECONDS 60            /* for all of a policy (RFC 8461 3.3) */
#define STS_CHECK_SECONDS 3600    /* then DNS is asked again for the id */
#define STS_RETRY_SECONDS 300     /* the same where something failed */
#define STS_REFRESH_SECONDS 86400 /* fetched anew so long before it ends */

struct sts_wait;
/* policy: NULL if there is none; fresh: the queue should keep it. */
typedef void (*sts_cb)(const struct policy *, bool fresh, void *arg);
/* cb is called once, later, unless that is cancelled. */
struct sts_wait *sts_find(const char *domain, sts_cb, void *arg);
void sts_cancel(struct sts_wait *); /* NULL is fine */
/*
 * The same, but whatever is known is looked up anew, and failures do not count
 * among those of the day.  Within cb sts_seen() says why nothing was seen (or
 * ""), or the max_age of what was.
 */
struct sts_wait *sts_look(const char *domain, sts_cb, void *arg);
void sts_seen(const char *domain, char *why, size_t size, uint32_t *max_age);

/* As it is kept with the destination's memory; 0: there is none. */
size_t sts_pack(const char *domain, uint8_t *, size_t size);
void sts_load(const char *domain, const uint8_t *, size_t len);

#endif
