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
 * Between origin.c, which looks, and origin_say.c, which tells.
 */

#ifndef ORIGIN_H
#define ORIGIN_H

#include <event.h>

#include "dkim_verify.h"
#include "engine.h"
#include "mauth.h"

struct origin_key {
	struct origin *origin;
	struct dns_question *question; /* NULL: answered, or never asked */
};

struct origin {
	struct session *session;
	struct event timer; /* since the message has ended */
	struct spf *spf;
	struct dns_question *spf_question;
	struct dkim_verify *dkim; /* NULL: no header yet */
	struct origin_key keys[DKIM_VERIFY_MAX];
	size_t n_keys;
	enum header_author author;
	char from[MAUTH_NAME_MAX]; /* of AUTHOR_ONE */
	struct dmarc *dmarc;       /* NULL: there is no one From domain */
	struct dns_question *dmarc_question;
	bool ended;  /* all octets are there */
	bool proved; /* DMARC was told what SPF and DKIM have come to */
	bool over;
	struct dmarc_verdict verdict;
	const struct refusal *refusal;
	bool suspect; /* quarantined */
};

#endif
