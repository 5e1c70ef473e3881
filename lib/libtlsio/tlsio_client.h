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
 * Sessions that are the client: for a process that has no key and no files,
 * over a socket that somebody else has connected.  Who the server is, is
 * verified here after the handshake and before anything is sent to it: by a
 * chain to a root, by TLSA records (DANE), or not at all.  No certificate is
 * ever sent.
 */

#ifndef TLSIO_CLIENT_H
#define TLSIO_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsio.h"

#define TLSIO_NAMES_MAX 16 /* reference names of a server */
#define TLSIO_NAME_MAX 256 /* octets of one, NUL included */
#define TLSIO_TLSA_MAX 64  /* records */
#define TLSIO_TLSA_DATA_MAX 8192

/*
 * How it came out, by the names of RFC 8460 4.3, which tlsio_result_name()
 * gives.  Those after TLSIO_TLSA_INVALID are for whoever finds the server.
 */
enum tlsio_result {
	TLSIO_OK = 0, /* "" */
	TLSIO_STARTTLS_NOT_SUPPORTED,
	TLSIO_CERTIFICATE_HOST_MISMATCH,
	TLSIO_CERTIFICATE_EXPIRED,     /* or not valid yet */
	TLSIO_CERTIFICATE_NOT_TRUSTED, /* by no root; no TLSA record matches */
	TLSIO_VALIDATION_FAILURE,      /* no handshake, and all else */
	TLSIO_TLSA_INVALID,            /* no usable record among those given */
	TLSIO_DNSSEC_INVALID,
	TLSIO_DANE_REQUIRED,
	TLSIO_STS_POLICY_FETCH_ERROR,
	TLSIO_STS_POLICY_INVALID,
	TLSIO_STS_WEBPKI_INVALID
};
const char *tlsio_result_name(enum tlsio_result);

/* Roots of the web's PKI. */
struct tlsio_roots;
/*
 * From PEM in memory, or a file (NULL: the system's), which is for the time
 * before the sandbox.  NULL and a text in error; also where there is no root.
 */
struct tlsio_roots *
tlsio_roots_new(const char *pem, size_t len, char error[TLSIO_ERROR_MAX]);
struct tlsio_roots *
tlsio_roots_file(const char *path, char error[TLSIO_ERROR_MAX]);
/* Not while a session uses them.  NULL is fine. */
void tlsio_roots_free(struct tlsio_roots *);

/* A TLSA record, as the DNS has it (RFC 6698 2.1). */
struct tlsio_tlsa {
	uint8_t usage;
	uint8_t selector;
	uint8_t matching;
	const uint8_t *data;
	size_t len;
};
/*
 * How many can be used for mail (RFC 7672 3.1): usages 2 and 3, selectors and
 * matching types that are known, data as long as it must be.  With none, TLS
 * is asked for without verification (2.2).
 */
size_t tlsio_tlsa_usable(const struct tlsio_tlsa *, size_t);

enum tlsio_trust {
	TLSIO_TRUST_NONE,   /* whoever it is */
	TLSIO_TRUST_WEBPKI, /* a chain to one of the roots, and a name */
	TLSIO_TRUST_DANE    /* RFC 7672; names for usage 2 alone */
};

struct tlsio_peer {
	enum tlsio_trust trust;
	bool go_on;      /* whatever verification says: it is only told */
	const char *sni; /* the name that is asked for; NULL: none */
	/* Any of them will do.  With MTA-STS: the MX host, once it matched. */
	const char *const *names;
	size_t n_names;
	const struct tlsio_roots *roots; /* for WEBPKI; outlives the session */
	const struct tlsio_tlsa *tlsa;
	size_t n_tlsa;
};

/*
 * Turns a plain session (tlsio_new() without a server) into TLS as its client:
 * queued output still goes in clear, then the handshake starts.  secure() is
 * called when the server is who it should be, closed(TLSIO_FAILED) when not.
 * All of peer is copied but the roots.  -1 if input has arrived already, which
 * is dropped, or if a limit is passed: free the session.
 */
int tlsio_client_start(struct tlsio *, const struct tlsio_peer *);

/* After secure() or closed(): why, in addition to tlsio_error(). */
enum tlsio_result tlsio_result(const struct tlsio *);

/* Whether an mx pattern of an MTA-STS policy names the host (RFC 8461 4.1). */
bool tlsio_mx_match(const char *pattern, const char *host);

#endif
