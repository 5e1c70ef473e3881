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

/* The inside of a recipient, for the writer of blobs. */

#ifndef STORE_RCPT_H
#define STORE_RCPT_H

#include "seal.h"
#include "store_blob.h"

struct store_rcpt {
	int fd; /* the account's directory */
	struct seal_sender *sender;
	struct store_limits limits;
	struct store_settings settings;
	/* What it held when in/ and quota last changed; looked 0: not known. */
	struct store_used used;
	uint64_t looked; /* this and the changes in nanoseconds */
	uint64_t in_changed;
	uint64_t quota_changed;
};

#endif
