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
 * What the files of smtp-engine share.
 */

#ifndef ENGINE_H
#define ENGINE_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/time.h>
#include <sys/tree.h>

#include <event.h>
#include <stdbool.h>
#include <stdint.h>

#include "proc.h"
#include "smtp.h"

#include "../deliver_wire.h"
#include "../smtp_config.h"

#define IDLE_COMMANDS_MAX 100    /* commands without mail before the door */
#define DATA_SECONDS_MAX 3600    /* a message takes no longer than this */
#define HANDSHAKE_SECONDS_MAX 30 /* nor a TLS handshake than this */
#define REFUSED_LOGGED 20        /* recipients of a connection, line by line */
#define ALIAS_DEPTH_MAX 10       /* aliases of aliases */
#define MESSAGES_SPARE 16        /* idle struct message that are kept */
#define TRACE_MAX 4096           /* octets of trace fields */

struct ask;
struct compressed;
struct deliverer;
struct message;
struct mime_parser;
struct msg;
struct msgout;
struct tlsio;
struct tlsio_server;

/* An account that the message of this transaction goes to. */
struct target {
	char *account;
	char *hint; /* +detail */
	char *to;   /* the envelope recipient, as text */
	enum deliver_result result;
	bool again; /* it has the message, and the client sends it again */
};

/* A recipient as the client named it. */
struct rcpt {
	char *address;
	uint16_t *targets; /* indices */
	size_t ntargets;
};

enum session_state {
	SESSION_COMMAND,
	SESSION_RCPT,    /* a deliverer was asked about a recipient */
	SESSION_DATA,    /* up to CRLF.CRLF */
	SESSION_BDAT,    /* chunk_left octets */
	SESSION_COMMIT,  /* a deliverer makes the message durable */
	SESSION_CLOSING, /* no input is read any more */
};

LIST_HEAD(ask_list, ask);

struct session {
	TAILQ_ENTRY(session) entry;
	struct event timer;
	struct tlsio *io;
	uint64_t conn;
	char peer[PROC_ADDR_MAX];
	uint32_t listener;
	enum smtp_listener kind;
	enum smtp_tls tls;
	enum session_state state;
	time_t active;                     /* when the client was last heard */
	time_t since;                      /* connected, seconds UTC */
	uint64_t commands, received, sent; /* for sealctl(8) */
	time_t started; /* the message under way, or the handshake */
	unsigned int errors;
	unsigned int idle_commands;
	unsigned int refused; /* recipients */
	uint32_t transactions;
	bool skip_line; /* of a line that was too long */
	bool esmtp;
	bool ending; /* after the answer of a message: see session_end() */
	char *helo;

	/* The mail transaction. */
	bool in_mail;
	struct smtp_mail mail;
	struct rcpt *rcpts;
	size_t nrcpts;
	struct target *targets;
	size_t ntargets;
	size_t targets_size;
	struct message *message;
	uint64_t chunk_left; /* of a BDAT chunk */
	bool chunk_last;
	bool chunk_refused; /* BDAT outside a transaction: skip it */
	bool chunking;      /* the message comes by BDAT */

	/* The recipient that is being asked about. */
	struct rcpt asking;
	struct smtp_address asking_address;
	bool asking_rest;   /* about "@domain" */
	unsigned int asked; /* unanswered */
	struct ask_list asks;
};

/* main.c */
const struct smtp_slice *engine_config(void);
struct tlsio_server *engine_tls(uint32_t listener); /* NULL: none */
void engine_session_ended(void);

/* session.c: one connection. */
void session_start(const struct proc_conn *, int fd);
void session_run(struct session *); /* may free it */
void session_reply(struct session *, int, const char *enh, const char *, ...)
    __attribute__((__format__(printf, 4, 5)));
void session_reply_more(struct session *, int, const char *, ...)
    __attribute__((__format__(printf, 3, 4)));
/* A reply to a client's mistake: past the limit it is the last one. */
void session_error(struct session *, int, const char *enh, const char *, ...)
    __attribute__((__format__(printf, 4, 5)));
/* Logs that the client is shown the door, unless too many are. */
void session_refused(const struct session *, const char *reason);
void session_close(struct session *); /* after what was said */
void session_reset(struct session *); /* RSET */
bool session_is_lmtp(const struct session *);
void session_shutdown(void);
bool session_any(void);
void session_each(void (*)(const struct session *, void *), void *);
/* Sessions that wait for this deliverer to take more. */
void session_resume(struct deliverer *);

/* Ends those, by 421, for which the function says true. */
/* 421, once a message whose fate is open has its answer. */
void session_end(struct session *);
void session_end_some(bool (*)(struct session *, void *), void *);
int64_t session_silent(const struct session *); /* seconds */

/* report.c: what sealctl(8) is told. */
enum count {
	COUNT_RECEIVED,
	COUNT_SENT,
	COUNT_TLS_12,
	COUNT_TLS_13,
	COUNT_TLS_RESUMED,
	COUNT_ACCEPTED,
	COUNT_DEFERRED,
	COUNT_REJECTED,
	COUNT_MESSAGE_BYTES,
	COUNT_SESSIONS,
	COUNTS
};
void report_init(void);
void report_add(enum count, uint64_t);
void report_command(struct session *, enum smtp_verb);
void report_reply(int code, const char *enhanced);
/* A message that the client has sent whole; for_now: 4xx. */
void report_message(const struct session *, bool taken, bool for_now);
void report_tls(const struct tlsio *); /* secure now */

/* command.c: one command line. */
void command_run(struct session *, const char *line, size_t len);

/* mail.c: HELO to MAIL, and the replies of refusals. */
void mail_helo(struct session *, enum smtp_verb, const char *, size_t);
void mail_from(struct session *, const char *, size_t);
void mail_refuse(struct session *, enum smtp_result, bool from);

/* rcpt.c */
void rcpt_to(struct session *, const char *, size_t);
void rcpt_checked(struct session *, size_t target, enum deliver_result);
/* Reply to a recipient that a deliverer did not (or did) take. */
void rcpt_reply(struct session *, enum deliver_result, const char *done);
void rcpt_clear(struct rcpt *);

/* alias.c */
enum alias_result {
	ALIAS_OK,
	ALIAS_RELAY, /* not a domain of ours */
	ALIAS_LIMIT, /* too many accounts */
	ALIAS_NONE,  /* leads nowhere */
};
/*
 * The accounts that an address means, and the detail.  rest: those that its
 * domain names for addresses without an account.
 */
enum alias_result alias_expand(const struct smtp_address *, bool rest,
    char *detail, size_t size, const char *const **accounts, size_t *n);

/* data.c: octets of messages. */
void data_start(struct session *);
void data_bdat(struct session *, const char *, size_t);
/* Takes input; false: it waits for more, or for somebody. */
bool data_input(struct session *, const uint8_t *, size_t, size_t *used);
/* The deliverer's word on each target. */
void data_answer(struct session *);

/* message.c: from octets to the deliverer's records. */
struct message {
	TAILQ_ENTRY(message) spare;
	struct session *session;
	struct deliverer *deliverer; /* NULL: gone, or never to be told */
	struct ask *ask;
	struct smtp_data data;
	struct mime_parser *parser;
	uint8_t *buf; /* a chunk, plain */
	size_t len;
	void *hash; /* see retry.c */
	bool hashing;
	bool begun; /* the deliverer knows of it */
	bool lost;  /* the deliverer died: 451 at the end */
	bool large; /* over the size limit: 552 at the end */
	uint8_t codec;
	uint8_t delivery_id[16];
	char id[48]; /* for the log and the trace */
};
struct message *message_new(struct session *);
/* Room for octets that message_add() then counts. */
uint8_t *message_space(struct message *, size_t *room);
void message_add(struct message *, size_t);
void message_feed(struct message *, const void *, size_t);
void message_commit(struct message *);
/* Tells the deliverer to forget it, if it knows. */
void message_abort(struct message *);
void message_free(struct message *); /* aborts what is not committed */
bool message_stalled(const struct message *);

/* compress.c */
struct compressed {
	const uint8_t *data;
	size_t len;
	bool smaller; /* data is compressed; otherwise as given */
};
void compress_init(void);
void compress_chunk(uint8_t codec, unsigned int slot, const uint8_t *, size_t,
    struct compressed *);

/* deliverer.c: wires to smtp-deliver. */
void deliverer_start(unsigned int instance, int fd);
/* NULL if there is none.  For a question, for a message. */
struct deliverer *deliverer_for(const char *account);
struct deliverer *deliverer_least(void);
struct ask *deliverer_check(
    struct session *, struct deliverer *, size_t target, uint64_t size);
struct ask *deliverer_open(struct session *, struct deliverer *);
struct msgout *deliverer_put(struct ask *);
bool deliverer_full(struct deliverer *);
void ask_free(struct ask *);
void ask_free_all(struct session *);

/* retry.c: who has had a message whose client was told to try again. */
void retry_begin(struct message *);
void retry_update(struct message *, const void *, size_t);
/* The targets that have had it; n of them in known. */
size_t retry_known(struct message *, uint16_t *known);
void retry_note(struct message *); /* after the answer: see target.again */
void retry_end(struct message *);

#endif
