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
 * its daemon's *_config.h.  And what an engine says of its certificates.
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
#define SITE_OCSP_MAX 32768  /* of an OCSP response (DER) */
#define SITE_REASON_MAX 200  /* of a text for the log, NUL included */
#define SITE_SPKI_LEN 32     /* SHA-256 of a public key */

/* Beside the messages of a daemon, which begin at PROC_OWN. */
enum site_message {
	/*
	 * str hostname, str product, u8 log_addresses, u8 codec, u32
	 * generation, u32 ticket_seconds
	 */
	SITE_BASE = 0x180,
	SITE_DOMAIN = 0x181, /* str name; the first is the default */
	SITE_CERT = 0x182,   /* str name, bytes chain */
	SITE_OCSP = 0x183,   /* bytes: the staple of the SITE_CERT before */
	/*
	 * engine -> parent, whenever it changes: u32 generation, str name, u8
	 * enum site_cert_state, u8 enum site_ocsp_state, i64 expires, raw
	 * spki[SITE_SPKI_LEN], str reason
	 */
	SITE_CERT_IS = 0x184
};

/* How an engine serves a certificate of the configuration. */
enum site_cert_state {
	SITE_CERT_WAITS = 0,  /* not known yet */
	SITE_CERT_SERVED = 1, /* as the configuration says */
	SITE_CERT_FORMER = 2, /* that cannot be used; the one before is */
	SITE_CERT_NONE = 3    /* not at all */
};

enum site_ocsp_state {
	SITE_OCSP_NONE = 0, /* there is no staple */
	SITE_OCSP_SERVED = 1,
	SITE_OCSP_STALE = 2, /* not valid any more, or not yet */
	SITE_OCSP_BROKEN = 3
};

struct site_cert_is {
	uint32_t generation; /* of the configuration that it stands in */
	char name[SITE_NAME_MAX];
	enum site_cert_state state;
	enum site_ocsp_state ocsp;
	int64_t expires; /* of what is served, seconds since 1970; or 0 */
	uint8_t spki[SITE_SPKI_LEN];  /* SHA-256 of its public key */
	char reason[SITE_REASON_MAX]; /* for people; "" if all is well */
};

struct site_cert {
	char name[SITE_NAME_MAX];
	char *chain;   /* PEM, NUL-terminated; the key is with sealkeys */
	size_t len;    /* without the NUL */
	uint8_t *ocsp; /* or NULL */
	size_t ocsp_len;
};

struct site {
	char hostname[SITE_NAME_MAX];
	char product[SITE_NAME_MAX]; /* what greetings say */
	bool log_addresses;
	uint8_t codec;           /* enum codec, of new messages */
	uint32_t generation;     /* counts what was read of it */
	uint32_t ticket_seconds; /* a TLS session is resumed for so long */
	char (*domains)[SITE_NAME_MAX];
	size_t n_domains;
	struct site_cert *certs;
	size_t n_certs;
};

void site_put(struct wire *, const struct site *);
/* 1: taken in; 0: not one of ours; -1: malformed, or too many. */
int site_get(struct site *, struct msg *);
void site_clear(struct site *); /* frees what it holds */

/* Engine: tells the parent.  Parent: -1 if it is malformed. */
void site_cert_is_send(const struct site_cert_is *);
int site_cert_is_get(struct msg *, struct site_cert_is *);

/* Room for n more after old elements, zeroed; fatal without memory. */
void *site_grow(void *list, size_t old, size_t n, size_t size);

#endif
