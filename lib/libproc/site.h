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
 * What every engine is told of the configuration, whichever protocol it
 * speaks: names, domains and certificates.  Part of a daemon's slice; put and
 * get side by side in site.c.  An engine's own fields and messages stand in
 * its daemon's *_config.h.
 */

#ifndef SITE_H
#define SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct msg;
struct wire;

#define SITE_NAME_MAX 256 /* octets of a host or domain name, NUL included */
#define SITE_DOMAINS_MAX 1024
#define SITE_CERTS_MAX 64
#define SITE_CHAIN_MAX 65536 /* octets of a certificate chain (PEM) */

/* Beside the messages of a daemon, which begin at PROC_OWN. */
enum site_message {
	/* str hostname, str product, u8 log_addresses, u8 codec */
	SITE_BASE = 0x180,
	SITE_DOMAIN = 0x181, /* str name; the first is the default */
	SITE_CERT = 0x182    /* str name, bytes chain */
};

struct site_cert {
	char name[SITE_NAME_MAX];
	char *chain; /* PEM, NUL-terminated; the key is with sealkeys */
	size_t len;  /* without the NUL */
};

struct site {
	char hostname[SITE_NAME_MAX];
	char product[SITE_NAME_MAX]; /* what greetings say */
	bool log_addresses;
	uint8_t codec; /* 0 stored, 1 deflate, 2 zstd */
	char (*domains)[SITE_NAME_MAX];
	size_t n_domains;
	struct site_cert *certs;
	size_t n_certs;
};

void site_put(struct wire *, const struct site *);
/* 1: taken in; 0: not one of ours; -1: malformed, or too many. */
int site_get(struct site *, struct msg *);
void site_clear(struct site *); /* frees what it holds */

/* Room for n more after old elements, zeroed; fatal without memory. */
void *site_grow(void *list, size_t old, size_t n, size_t size);

#endif
