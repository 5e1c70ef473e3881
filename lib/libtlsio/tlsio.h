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
 * Connections of the engines: TLS, plain, or plain that becomes TLS, behind
 * one interface, under a libevent loop.  An idle session has no buffers; what
 * passed through is wiped.  Private keys are not here: signatures come from
 * sealkeys.  The parent that accepts sets TCP_NODELAY.
 */

#ifndef TLSIO_H
#define TLSIO_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLSIO_INPUT_MAX (64 * 1024) /* unread input a session may hold */
#define TLSIO_HIGH (128 * 1024)     /* queued output: stop producing */
#define TLSIO_LOW (32 * 1024)       /* drained: produce again */
#define TLSIO_DISCARD_MAX (1 << 20) /* octets thrown away at an end */
#define TLSIO_DISCARD_SECONDS 1     /* and how long they are awaited */
#define TLSIO_OUTPUT_MAX                                       \
	(4 * 1024 * 1024)   /* queued output: the session ends \
			     */
#define TLSIO_ERROR_MAX 160 /* octets of an error text */
#define TLSIO_CERTS_MAX 64

/*
 * First thing in main(), before event_init() and any call of OpenSSL: both
 * get allocators that wipe what is freed.  Fatal if it is too late.  Call
 * tls_init() no more; the random generator is open afterwards.
 */
void tlsio_init(void);

/*
 * The wire to sealkeys, for all sessions of the process: taken, an older one is
 * closed; -1: none.  Handshakes ask it and wait at most KEYS_TIMEOUT_MS.
 */
void tlsio_signer(int fd);
/*
 * For a child that is to be forked: one more wire to sealkeys, by the one that
 * there is; -1 where that cannot be had.
 */
int tlsio_signer_pair(void);
/*
 * In a forked child: its own wire (or -1) in place of the inherited one, and
 * tickets that nobody else takes or makes.
 */
void tlsio_signer_child(int fd);

/* Certificates.  The first serves clients without, or with another, SNI. */
struct tlsio_cert {
	const char *name;  /* for messages */
	const char *chain; /* PEM, not taken */
	size_t len;
	const uint8_t *ocsp; /* DER staple or NULL */
	size_t ocsp_len;
};

struct tlsio_server_conf {
	const struct tlsio_cert *certs;
	size_t n_certs;
	/*
	 * What ALPN may choose from, separated by commas: a client may say
	 * nothing, but not offer others only.  NULL: what it says is ignored.
	 */
	const char *alpn;
	/*
	 * Sessions are resumed where this text is the same, by whichever
	 * engine: the same protocol and certificates of the same names.
	 */
	const char *scope;
	uint32_t ticket_seconds; /* of a session; KEYS_TICKET_LIFE_* */
	bool only_tls13;         /* else from TLS 1.2 on */
	bool wide;               /* CBC too: the alternative is no TLS at all */
};

struct tlsio_server;

/*
 * A server's context.  NULL and a text in error where something is wrong.
 * After a reload make a new one and free the old: sessions keep theirs as long
 * as they live.
 */
struct tlsio_server *
tlsio_server_new(const struct tlsio_server_conf *, char error[TLSIO_ERROR_MAX]);
void tlsio_server_free(struct tlsio_server *); /* NULL is fine */

struct tlsio;

enum tlsio_end {
	TLSIO_EOF,    /* the peer has ended, properly or not */
	TLSIO_DONE,   /* all output is sent after tlsio_finish() */
	TLSIO_FAILED, /* see tlsio_error() */
};

/*
 * Callbacks, all from the event loop.  Any may free the session.
 * input: there are octets; read them with tlsio_input(), tlsio_consume().  It
 *	is called again only when there are more, so consume all that is
 *	complete.
 * drained: output has fallen to TLSIO_LOW after tlsio_full() was true.
 * closed: once; the session is of no use and must be freed.
 * secure: the handshake is done (may be NULL).
 */
struct tlsio_ops {
	void (*input)(struct tlsio *, void *arg);
	void (*drained)(struct tlsio *, void *arg);
	void (*closed)(struct tlsio *, enum tlsio_end, void *arg);
	void (*secure)(struct tlsio *, void *arg);
};

/*
 * A session on a connected socket, which it owns and makes non-blocking; with a
 * server it starts the handshake, with NULL it is plain.  ops is not copied.
 */
struct tlsio *
tlsio_new(struct tlsio_server *, int fd, const struct tlsio_ops *, void *arg);
void tlsio_free(struct tlsio *); /* closes at once; NULL is fine */
void tlsio_set(struct tlsio *, const struct tlsio_ops *, void *arg);
/*
 * Turns a plain session into TLS: queued output still goes in clear, then
 * the handshake starts.  Input that has arrived already is dropped, and -1
 * returned (a client must not send before our answer; RFC 3207 4.2): free it.
 */
int tlsio_starttls(struct tlsio *, struct tlsio_server *);
/*
 * Reads no more; closed(TLSIO_DONE) once the output is sent, and, where input
 * was left, the peer has ended, or TLSIO_DISCARD_* are reached.
 */
void tlsio_finish(struct tlsio *);

/*
 * Unread input: valid until the next tlsio_consume() that leaves none, or the
 * end of the callback if called from it.  At TLSIO_INPUT_MAX reading stops.
 */
const uint8_t *tlsio_input(struct tlsio *, size_t *len);
void tlsio_consume(struct tlsio *, size_t len); /* wiped */
void tlsio_pause(struct tlsio *);  /* no input() until tlsio_resume() */
void tlsio_resume(struct tlsio *); /* input() comes soon if there is some */

/* Queues output; it is sent at the latest when the loop runs. */
void tlsio_write(struct tlsio *, const void *, size_t);
void tlsio_puts(struct tlsio *, const char *);
size_t tlsio_queued(const struct tlsio *);
bool tlsio_full(struct tlsio *); /* TLSIO_HIGH is reached: wait for drained */

int tlsio_fd(const struct tlsio *);
bool tlsio_is_secure(const struct tlsio *);      /* the handshake is done */
bool tlsio_resumed(const struct tlsio *);        /* by a ticket */
const char *tlsio_version(const struct tlsio *); /* "TLSv1.3", or "-" */
const char *tlsio_cipher(const struct tlsio *);
const char *tlsio_servername(const struct tlsio *); /* SNI, or "-" */
const char *tlsio_alpn(const struct tlsio *);
/*
 * The binding "tls-exporter" of this connection (RFC 9266); -1: it has none.
 * TLS 1.2 would need its extended master secret, and gets none.
 */
#define TLSIO_CHANNEL_LEN 32
int tlsio_channel(const struct tlsio *, uint8_t out[TLSIO_CHANNEL_LEN]);
const char *tlsio_error(const struct tlsio *); /* for the log */

#endif
