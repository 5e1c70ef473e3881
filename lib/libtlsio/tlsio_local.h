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
 * What the files of libtlsio share.
 */

#ifndef TLSIO_LOCAL_H
#define TLSIO_LOCAL_H

#include <sys/types.h>
#include <sys/queue.h>

#include <event.h>
#include <stdbool.h>
#include <tls.h>

#include <openssl/ssl.h>

#include "tlsio.h"
#include "tlsio_certs.h"
#include "tlsio_client.h"

#define RECORD_MAX 16384 /* octets of a TLS record's plain text */

struct tlsio_server {
	struct tls *tls;
	struct tls_config *config;
	size_t refs;
};

struct tlsio_roots {
	X509_STORE *store;
};

/* What a session that is the client knows of its server. */
struct client {
	enum tlsio_trust trust;
	bool go_on;
	char sni[TLSIO_NAME_MAX]; /* "": none */
	char names[TLSIO_NAMES_MAX][TLSIO_NAME_MAX];
	size_t n_names;
	const struct tlsio_roots *roots;
	struct tlsio_tlsa *tlsa;
	size_t n_tlsa;
	enum tlsio_result result;
	const char *why;
};

/* A piece of queued output. */
struct chunk {
	STAILQ_ENTRY(chunk) entry;
	size_t off; /* sent */
	size_t len; /* put */
	size_t size;
	uint8_t data[];
};

enum tlsio_state {
	TLSIO_PLAIN,
	TLSIO_UPGRADE,   /* TLS once the output is sent */
	TLSIO_HANDSHAKE, /* tls_handshake() under way */
	TLSIO_SECURE
};

struct tlsio {
	TAILQ_ENTRY(tlsio) turn;
	struct event ev_read;
	struct event ev_write;
	struct event ev_soon; /* a timer of 0: see soon() */
	const struct tlsio_ops *ops;
	void *arg;
	struct tlsio_server *server; /* a reference, or NULL */
	struct client *client;       /* or NULL */
	struct tls *tls;
	SSL *ssl; /* within tls; or NULL */
	STAILQ_HEAD(, chunk) out;
	size_t out_len;
	uint8_t *in; /* unread input, NULL if none */
	size_t in_off;
	size_t in_len; /* where it ends */
	size_t in_size;
	const uint8_t *view; /* or, in the callback, the scratch */
	size_t view_off;
	size_t view_len;
	char *error;
	int fd;
	unsigned int busy; /* callbacks on the stack */
	enum tlsio_state state;
	enum tlsio_end end;    /* if ending */
	bool waits;            /* for its turn to go on with the handshake */
	bool reading;          /* ev_read is added */
	bool writing;          /* ev_write is added */
	bool read_wants_write; /* TLS cannot read before it has sent */
	bool write_wants_read;
	bool blocked; /* the socket took no more */
	bool more;    /* another record follows at once: they go together */
	bool again;   /* input() for what is unread already */
	bool paused;
	bool was_full; /* somebody waits for drained */
	bool finishing;
	bool discarding; /* what comes still, until the peer's end */
	size_t discarded;
	bool peer_eof;
	bool ending; /* closed() is due, once out is sent */
	bool told;   /* closed() was called */
	bool dead;   /* freed within a callback */
};

enum io_result { IO_OK, IO_WANT_READ, IO_WANT_WRITE, IO_EOF, IO_FAILED };

/* session.c */
/* What a call returned means; would_block is what EAGAIN means to plain. */
enum io_result session_result(struct tlsio *, ssize_t, enum io_result);
void session_fail(struct tlsio *, const char *);
void session_soon(struct tlsio *);
void session_events(struct tlsio *);

void session_handshake(struct tlsio *);
int session_upgrade(struct tlsio *); /* TLS comes; -1: not now */

/* turn.c */
void turn_wait(struct tlsio *);
void turn_forget(struct tlsio *);

/* client.c, verify.c */
int client_begin(struct tlsio *, tls_read_cb, tls_write_cb);
int client_verify(struct tlsio *); /* -1: result and why are set */
void client_free(struct client *);
enum tlsio_result verify_chain(
    const struct client *, const uint8_t *pem, size_t, const char **why);

/* finish.c */
void finish_begin(struct tlsio *, bool unread); /* all output is sent */
void finish_discard(struct tlsio *);
void finish_end(struct tlsio *);

/* output.c */
void output_flush(struct tlsio *);
void output_drop(struct tlsio *);

/* server.c */
struct tlsio_server *server_ref(struct tlsio_server *);

/* signer.c, ctx_mode.c */
void signer_init(void);
/* Asks sealkeys for a key: -1 if there is none to ask. */
int signer_have(const uint8_t *id, uint32_t *generation);
bool ctx_mode_used(void);
SSL *ctx_last(void); /* that was made since, or NULL */
/* What SSL_CTX_new() makes from here on goes to list, too; then, how many. */
void ctx_note(SSL_CTX **list, size_t max);
size_t ctx_noted(void);

/* ticket.c */
struct msg;
void ticket_init(void);
void ticket_alone(void);       /* forgets all keys but a new own one */
int ticket_take(struct msg *); /* KEYS_TICKETS_ARE; -1: malformed */
int ticket_callback(
    SSL *, unsigned char *, unsigned char *, EVP_CIPHER_CTX *, HMAC_CTX *, int);

/* chain.c */
struct chain_info {
	uint8_t
	    key[32]; /* SHA-256 of the public half: what sealkeys calls it */
	int64_t expires; /* seconds since 1970 */
};
/* -1 and a text in error (TLSIO_ERROR_MAX); info may be NULL. */
int chain_check(const struct tlsio_cert *, struct chain_info *, char *error);
/* How its staple is, until when it is good, and what is wrong with it. */
enum site_ocsp_state
chain_ocsp(const struct tlsio_cert *, int64_t *until, const char **reason);

/* The server's own first; NULL if it is malformed. */
STACK_OF(X509) * chain_read(const struct tlsio_cert *);

/* beside.c: keys of two kinds; contexts by the certificates' index. */
void beside(SSL_CTX *const *, const struct tlsio_cert *, size_t n);

/* certs.c */
void certs_signer(void); /* there is a new sealkeys */

#endif
