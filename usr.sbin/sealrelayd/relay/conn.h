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
 * A connection to a server, and where it stands; shared by conn.c and
 * session.c alone.
 */

#ifndef CONN_H
#define CONN_H

#include "relay.h"

enum conn_state {
	CONN_CONNECT,
	CONN_TLS,      /* a handshake is under way */
	CONN_GREETING, /* what the server says first */
	CONN_EHLO,
	CONN_HELO, /* it knows no EHLO */
	CONN_STARTTLS,
	CONN_AUTH,
	CONN_IDLE,
	CONN_MAIL,
	CONN_RCPT,
	CONN_DATA,  /* 354 is awaited */
	CONN_BODY,  /* octets go out; a server may refuse them early */
	CONN_FINAL, /* the word on the message */
	CONN_RESET,
	CONN_QUIT
};

/* What the server says that it can. */
#define EXT_PIPELINING 0x01
#define EXT_8BITMIME 0x02
#define EXT_SMTPUTF8 0x04
#define EXT_DSN 0x08
#define EXT_STARTTLS 0x10
#define EXT_SIZE 0x20
#define EXT_AUTH_PLAIN 0x40
#define EXT_AUTH_LOGIN 0x80
#define EXT_REQUIRETLS 0x100
#define EXT_CHUNKING 0x200
#define EXT_AUTH_SCRAM 0x400
#define EXT_AUTH_SCRAM_PLUS 0x800

struct auth;

struct conn {
	TAILQ_ENTRY(conn) entry;
	struct tlsio *io; /* NULL: it connects yet */
	struct event event;
	struct event timer;
	int fd;
	struct plan *plan; /* until a message is under way; then NULL */
	struct job *job;   /* the message under way, or NULL */
	char dest[QUEUE_DEST_MAX];
	char host[RESOLVER_NAME_MAX];
	char address[64];
	char *login;       /* to log in with, "name:password", or NULL */
	uint16_t port;     /* where that is done */
	struct auth *auth; /* a login under way, or NULL */
	struct tls_policy policy;
	enum conn_state state;
	struct reply reply;
	unsigned int ext;
	uint64_t size_max; /* of EXT_SIZE; 0: it does not say */
	unsigned int messages;
	bool counted; /* what TLS came to */
	bool dead;    /* it is being freed, soon */
	struct event end;

	/* The transaction. */
	uint32_t rcpt; /* whose reply is next */
	uint32_t accepted;
	bool wanted;       /* the queue was asked for the octets */
	unsigned int took; /* chunks used that it has not been told of */
	bool cr;           /* the last octet, not sent yet */
	bool line_start;
	bool begun;         /* octets of the message were sent */
	bool whole;         /* its last octet, too */
	bool bdat;          /* by BDAT, not by DATA */
	uint64_t announced; /* octets that BDAT said and that are not sent */
};

/* session.c */
void session_begin(struct conn *);  /* the connection stands */
void session_job(struct conn *);    /* conn->job is to be sent */
void session_secure(struct conn *); /* the handshake is done */
/* All replies that are there. */
void session_input(struct conn *);

/* body.c */
void body_data(struct conn *, const uint8_t *, size_t, bool last);
void body_drained(struct conn *); /* output has gone */

/* auth.c: logging in, by conn->login. */
/* What the words behind AUTH in a server's EHLO are, as EXT_*. */
unsigned int auth_offered(const char *, size_t);
void auth_start(struct conn *);
bool auth_reply(struct conn *); /* true: it is done, the mail may go */
void auth_free(struct conn *);
/* Which servers refused what; it may be otherwise now. */
void auth_forget(void);

/* conn.c */
/* What TLS came to, once for each connection. */
void conn_tls(struct conn *, enum tlsio_result);
void conn_timer(struct conn *, unsigned int seconds);
void conn_idle(struct conn *);
void conn_quit(struct conn *);
/*
 * It is of no use any more.  The plan tries elsewhere; a message under way is
 * deferred where nothing else is known.
 */
void conn_fail(struct conn *, const char *status, const char *text);
void conn_write(struct conn *, const char *, ...)
    __attribute__((__format__(printf, 2, 3)));

#endif
