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
 * What the files of libsmtp share.
 */

#ifndef SMTP_LOCAL_H
#define SMTP_LOCAL_H

#include "smtp.h"

struct smtp_param {
	const char *name;
	size_t name_len;
	const char *value; /* NULL without '=' */
	size_t value_len;
};

bool smtp_word_is(const char *, size_t, const char *);
bool smtp_utf8_valid(const char *, size_t);
bool smtp_text_valid(const char *, size_t);
int smtp_number(const char *, size_t, uint64_t *);
/* A domain name, or an address literal in brackets. */
bool smtp_domain_valid(const char *, size_t);
bool smtp_literal_valid(const char *, size_t);
/* Splits parameters off *s; -1 on bad syntax or more than max. */
int smtp_params_split(
    const char *s, size_t len, struct smtp_param *, size_t max, size_t *n);

/* dsn.c: values of RFC 3461.  0, or -1 where they are wrong. */
int smtp_ret_parse(const struct smtp_param *, enum smtp_ret *);
int smtp_envid_parse(const struct smtp_param *, char[SMTP_ENVID_MAX + 1]);
int smtp_notify_parse(const struct smtp_param *, uint8_t *);
int smtp_orcpt_parse(
    const struct smtp_param *, bool utf8, char[SMTP_ORCPT_MAX + 1]);

#endif
