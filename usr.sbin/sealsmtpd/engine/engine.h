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
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/tree.h>

#include <event.h>
#include <stdbool.h>
#include <stdint.h>

#include "mauth.h"
#include "proc.h"
#include "smtp.h"

#include "../deliver_wire.h"
#include "../queue_wire.h"
#include "../smtp_config.h"

#define IDLE_COMMANDS_MAX 100    /* commands without mail before the door */
#define DATA_SECONDS_MAX 3600    /* a message takes no longer than this */
#define DATA_OVER_MAX (16 << 20) /* octets read over before the door */
#define HANDSHAKE_SECONDS_MAX 30 /* nor a TLS handshake than this */
#define REFUSED_LOGGED 20        /* recipients of a connection, line by line */
#define ALIAS_DEPTH_MAX 10       /* aliases of aliases */
#define MESSAGES_SPARE 16        /* idle struct message that are kept */
#define TRACE_MAX 4096           /* octets of trace fields */
#define HEADER_MAX 60000         /* ... of a header that is looked at whole */
#define SIGNATURES_MAX 4         /* DKIM keys that sign a message */
#define AUTH_LINE_MAX 12288      /* octets of a line in AUTH: RFC 4954 4 */
#define COMMENT_DEPTH_MAX 8      /* comments in comments of From */
#define LOGIN_SECONDS_MAX 3600   /* then a client says again who it is */
#define DNS_QUESTIONS_MAX 1000   /* of an engine, at a time */
#define ORIGIN_SECONDS_MAX 10    /* that a message waits for DNS */
/*
 * A message is kept back whole, so that a field can be put on top: so much in
 * its buffer, so much of one behind that, and of all messages of an engine.
 */
#define KEPT_ROOM (DELIVER_CHUNK_MAX - AUTHRES_FIELD_MAX)
#define KEPT_MORE_MAX (1024 * 1024)
#define KEPT_TOTAL_MAX (64 * 1024 * 1024)

struct ask;
struct auth;
struct compressed;
struct deliverer;
struct dns_question;
struct dsn;
struct message;
struct mime_parser;
struct msg;
struct msgout;
struct origin;
struct outgoing;
struct queue_ask;
struct pace;
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
	uint16_t *targets; /* indices; none of one elsewhere */
	size_t ntargets;
	char *dest;  /* of one elsewhere: where that is; NULL: it is here */
	char *orcpt; /* as it was given; NULL: it was not */
	uint8_t notify;
};

/* Why a message is refused that came whole. */
struct refusal {
	int code;
	const char *enh;
	const char *text;
};

enum session_state {
	SESSION_COMMAND,
	SESSION_RCPT,      /* somebody was asked about a recipient */
	SESSION_AUTH,      /* a secret is looked at */
	SESSION_AUTH_LINE, /* the client is to send a line of AUTH */
	SESSION_PACE,      /* imap-store was asked whether he may */
	SESSION_DATA,      /* up to CRLF.CRLF */
	SESSION_BDAT,      /* chunk_left octets */
	SESSION_ORIGIN,    /* DNS is asked where the message is from */
	SESSION_RELEASE,   /* what was kept back goes to the deliverer */
	SESSION_COMMIT,    /* the message is made durable */
	SESSION_CLOSING,   /* no input is read any more */
};

LIST_HEAD(ask_list, ask);
LIST_HEAD(queue_ask_list, queue_ask);

struct session {
	TAILQ_ENTRY(session) entry;
	struct event timer;
	struct tlsio *io;
	uint64_t conn;
	char peer[PROC_ADDR_MAX];
	struct sockaddr_storage address; /* likewise */
	bool excepted; /* nobody looks where its mail is from */
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
	time_t login_since;
	unsigned int login_tries; /* that were wrong */
	struct auth *auth;        /* an exchange that is under way */
	bool ending; /* after the answer of a message: see session_end() */
	char *helo;
	struct dsn *dsn; /* a report: there is no client, io is NULL */
	bool relay;      /* of a network whose mail to others is taken */
	/* The account that has authenticated, local@domain; "": none. */
	char login[DELIVER_ACCOUNT_MAX];

	/* The mail transaction. */
	bool in_mail;
	bool paced; /* it was counted as a message */
	/*
	 * The user's own copy: account NULL until a deliverer was asked about
	 * it, then saves says whether he wants one.
	 */
	struct target own;
	bool saves;
	struct pace *pace;
	struct smtp_mail mail;
	struct rcpt *rcpts;
	size_t nrcpts;
	size_t nremote;   /* of them, elsewhere */
	size_t nreported; /* here, and the sender is to hear of it */
	struct target *targets;
	size_t ntargets;
	size_t targets_size;
	struct message *message;
	struct origin *origin; /* NULL: nobody looks */
	uint64_t over;         /* octets read over since a message began */
	uint64_t chunk_left;   /* of a BDAT chunk */
	bool chunk_last;
	bool chunk_refused;         /* BDAT outside a transaction: skip it */
	bool chunking;              /* the message comes by BDAT */
	enum deliver_result queued; /* what came of recipients elsewhere */

	/* The recipient that is being asked about. */
	struct rcpt asking;
	struct smtp_address asking_address;
	bool asking_rest;   /* about "@domain" */
	unsigned int asked; /* unanswered */
	struct ask_list asks;
	struct queue_ask_list queue_asks;
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
void session_challenge(struct session *, const char *base64); /* 334 */
void session_logged_in(struct session *);
bool session_login_over(const struct session *); /* it was long ago */
void session_close(struct session *);            /* after what was said */
void session_reset(struct session *);            /* RSET */
bool session_is_lmtp(const struct session *);
/* May it send to everybody?  By its network, or because it has logged in. */
bool session_may_relay(const struct session *);
/*
 * Is it offered reports (RFC 3461)?  Strangers are not: their senders are
 * whoever they say, and would be told.
 */
bool session_has_dsn(const struct session *);
bool session_is_secure(const struct session *); /* TLS */
void session_shutdown(void);
bool session_any(void);
void session_each(void (*)(const struct session *, void *), void *);
/* Sessions that wait for this deliverer to take more. */
void session_resume(struct deliverer *);
void session_resume_queue(void); /* likewise, for the queue */

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
	COUNT_LOGINS,
	COUNT_LOGINS_REFUSED,
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
void report_login(bool right);

/* command.c: one command line. */
void command_run(struct session *, const char *line, size_t len);

/* mail.c: HELO to MAIL, and the replies of refusals. */
void mail_helo(struct session *, enum smtp_verb, const char *, size_t);
void mail_from(struct session *, const char *, size_t);
void mail_refuse(struct session *, enum smtp_result, bool from);

/* rcpt.c */
void rcpt_to(struct session *, const char *, size_t);
/* The user may send to the recipient that pace.c was asked about. */
void rcpt_paced(struct session *);
#define TARGET_OWN SIZE_MAX /* session.own, in place of an index */
void
rcpt_checked(struct session *, size_t target, enum deliver_result, bool saves);
/* Reply to a recipient that a deliverer did not (or did) take. */
void rcpt_reply(struct session *, enum deliver_result, const char *done);
/* The queue's word on room for mail that goes on. */
void rcpt_room(struct session *, enum queue_result);
/* Is the sender to hear that this recipient, who is here, has the message? */
bool rcpt_reported(const struct session *, const struct rcpt *);
/* Why the sender's own copy cannot be. */
void rcpt_own_reply(struct session *, enum deliver_result);
void rcpt_clear(struct rcpt *);

/* master.c: the wire to imap-store's master. */
void master_start(int fd);
bool master_there(void);
struct msgout *master_new(uint32_t type, uint32_t id);
uint32_t master_next_id(void);

/* auth.c: AUTH, from its argument to a reply. */
void auth_start(struct session *, const char *, size_t);
/* The mechanisms of this connection, a space before each. */
#define AUTH_LIST_SIZE 64
void auth_list(const struct session *, char *, size_t size);
void auth_line(struct session *, const char *, size_t); /* of the client */
void auth_abort(struct session *);
bool auth_master_message(struct msg *); /* false: malformed */
void auth_master_gone(void);

/*
 * pace.c: what a user may send in an hour.  False: that cannot be known, and
 * the client was told.  Else rcpt_paced() follows, or a refusal was said.
 */
bool pace_ask(struct session *);
void pace_abort(struct session *);
bool pace_spent(struct msg *); /* false: malformed */
void pace_master_gone(void);

/* identity.c: whose an address is. */
enum identity_result { IDENTITY_OWN, IDENTITY_OTHER, IDENTITY_MALFORMED };
bool identity_owns(const char *login, const struct smtp_address *);
/* All addresses of a From or Sender field's value; n of them. */
enum identity_result
identity_list(const char *login, const char *, size_t, size_t *n);

/*
 * submission.c: the header of mail that is submitted, without the empty line.
 * Why it is refused, or NULL: then out, to be freed, goes in its place.  Behind
 * it are hidden octets: fields that only its sender may see.
 */
const struct refusal *submission_header(struct session *, const uint8_t *,
    size_t, uint8_t **out, size_t *outlen, size_t *hidden);

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
/* Does this recipient, who is here, have the message? */
bool data_has(const struct session *, const struct rcpt *);
/* All octets of the message are there. */
void data_end(struct session *);
/* It is known where it is from. */
void data_judged(struct session *);
/* What was kept back goes; then it is made durable. */
void data_release(struct session *);
/* Each target's result is there. */
void data_delivered(struct session *);
/* The queue's, on what goes elsewhere. */
void data_queued(struct session *, enum queue_result);

/*
 * message.c: from octets to the deliverer's records, and to the copy that goes
 * elsewhere.
 */
struct kept;
struct message {
	TAILQ_ENTRY(message) spare;
	struct session *session;
	struct deliverer *deliverer; /* NULL: gone, or never to be told */
	struct ask *ask;
	struct outgoing *out; /* NULL: the queue has nothing to do with it */
	struct message *copy; /* for its sender's \Sent box; NULL: none */
	struct message *of;   /* of a copy: what it is a copy of */
	const struct refusal *refusal; /* what was wrong with its header */
	struct smtp_data data;
	struct mime_parser *parser;
	uint8_t *buf; /* a chunk, plain */
	size_t len;
	size_t header; /* where in buf it begins, while it is kept back */
	size_t line;   /* ... and its last line */
	bool header_kept;
	bool kept; /* all of it is, until it has ended or is too long */
	STAILQ_HEAD(, kept) more; /* of it, behind the buffer */
	size_t more_len;
	/*
	 * Of one that is too long to be kept: its first chunk, which leaves
	 * last, and where in that the field stands that tells what it is.
	 */
	uint8_t *first; /* NULL: it is in the buffer yet, or has left */
	size_t field, field_len; /* length 0: there is none */
	bool local;              /* deliverers get it */
	bool dead;               /* nobody gets it */
	void *hash;              /* see retry.c */
	bool hashing;
	bool begun; /* the deliverer knows of it */
	bool lost;  /* deliverer or queue died: 451 at the end */
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
/* It is judged: what is kept back goes on its way. */
void message_release(struct message *);
/* What was kept behind the buffer follows; false: not all of it, yet. */
bool message_drain(struct message *);
/* All octets are there: so is the header, and refusal is set. */
void message_end(struct message *);
void message_commit(struct message *);
/* Forgets the copy that its sender has had, before any is committed. */
void message_copy_known(struct message *);
/* Who was to get it is gone. */
void message_lost(struct message *);
/* Tells the deliverer to forget it, if it knows. */
void message_abort(struct message *);
void message_free(struct message *); /* aborts what is not committed */
bool message_stalled(const struct message *);

/*
 * header.c: the header of a message that goes elsewhere or that one of our
 * users has written, before any copy has an octet of it.
 */
/*
 * Where its fields end: true, *pos is behind the last one and *sep the octets
 * of the empty line.  Otherwise *pos is the line that is not whole; last: none
 * of it is missing.
 */
bool header_ends(const uint8_t *, size_t len, size_t start, size_t *pos,
    size_t *sep, bool last);
/* The domain of the first From address, lower case; false: there is none. */
bool header_from(const uint8_t *, size_t len, char *domain, size_t size);

/* The first field of that name has this value and nothing else. */
bool
header_says(const uint8_t *, size_t len, const char *name, const char *value);

/* Whose a message says to be: the domain of all addresses of its one From. */
enum header_author { AUTHOR_NONE, AUTHOR_ONE, AUTHOR_SEVERAL };
enum header_author
header_author(const uint8_t *, size_t len, char *domain, size_t size);
/* Without fields of that name whose value is such; the length then. */
size_t header_strip(uint8_t *, size_t len, const char *name,
    bool (*is)(const char *value, size_t len, const char *arg),
    const char *arg);

/* dns.c: the wire to smtp-resolver. */
typedef void (*dns_cb)(const struct mauth_answer *, void *arg);
void dns_start(int fd);
bool dns_there(void);
/* cb is called once, from the event loop, unless it is cancelled first. */
struct dns_question *dns_ask(const struct mauth_question *, dns_cb, void *arg);
void dns_cancel(struct dns_question *); /* NULL is fine */

/*
 * origin.c: where a stranger's mail is from.  Each call is fine where nobody
 * looks.
 */
bool origin_applies(const struct session *);
void origin_begin(struct session *);
void origin_header(struct session *, const uint8_t *, size_t);
void origin_body(struct session *, const uint8_t *, size_t);
/* True: data_judged() follows. */
bool origin_end(struct session *);
const struct refusal *origin_refusal(const struct session *); /* or NULL */
/* Judged, and to be delivered as what may be spam. */
bool origin_suspect(const struct session *);
void origin_free(struct session *);
/* origin_say.c */
size_t origin_field(const struct session *, size_t room, char *);
size_t origin_room(const struct session *); /* 0: nobody looks */
void origin_log(const struct session *);
void origin_count(const struct session *);

/*
 * outgoing.c: the copy of a message that goes to smtp-queue: all of it for
 * those elsewhere, its header where nothing but a report is to come of it.
 */
struct outgoing *outgoing_new(struct message *); /* NULL: there is no queue */
/* The Received field, to stand before all others. */
void outgoing_received(struct outgoing *, const char *, size_t);
/* Its fields; then its body, in pieces. */
void outgoing_header(struct outgoing *, const uint8_t *, size_t);
void outgoing_body(struct outgoing *, const uint8_t *, size_t);
void outgoing_commit(struct outgoing *); /* data_queued() follows */
void outgoing_free(struct outgoing *);   /* aborts what is not committed */
/* queue.c's: it is signed (NULL: it is not), it is durable or not. */
void outgoing_signed(
    struct outgoing *, size_t key, const uint8_t *signature, size_t len);
void outgoing_answer(struct outgoing *, enum queue_result);
/* Where mail to this address goes, as the queue calls it; -1: nowhere. */
int outgoing_dest(const struct smtp_address *, char *buf, size_t size);

/* queue.c: the wire to smtp-queue. */
struct queue_key {
	char domain[QUEUE_DEST_MAX];
	char selector[QUEUE_DEST_MAX];
	uint8_t algorithm; /* enum dkim_algorithm */
};
void queue_start(int fd);
bool queue_full(void); /* sessions are run again when there is room */
/* Is there room?  True: *result says so; else rcpt_room() will tell. */
bool queue_room(struct session *, uint64_t size, enum queue_result *);
/* NULL: there is no queue. */
struct queue_ask *queue_open(struct session *, struct outgoing *);
struct msgout *queue_put(struct queue_ask *);
/* outgoing_signed() follows; ask: that of queue_open(). */
void queue_sign(struct queue_ask *ask, size_t key, const char *domain,
    const char *selector, const uint8_t digest[QUEUE_DIGEST_LEN]);
/* All questions of a session; of this message of it. */
void queue_forget(struct session *);
void queue_forget_out(struct session *, struct outgoing *);
/* About a report of the queue's. */
void queue_want(uint32_t report, uint64_t octets);
void queue_took(uint32_t report);
void queue_reported(uint32_t report, bool done);
/* To be counted: see QUEUE_ORIGIN. */
void queue_origin(const char *row);
/* DKIM keys of a domain, at most max. */
size_t queue_keys(const char *domain, const struct queue_key **, size_t max);

/* dsn.c: reports on mail. */
int dsn_report(struct msg *);
int dsn_chunk(struct msg *);
void dsn_queue_gone(void);
void dsn_reply(struct session *, int code);
void dsn_run(struct session *);

/* compress.c */
struct compressed {
	const uint8_t *data;
	size_t len;
	bool smaller; /* data is compressed; otherwise as given */
};
void compress_init(void);
void compress_chunk(uint8_t codec, unsigned int slot, const uint8_t *, size_t,
    struct compressed *);

/* known.c: who could receive a moment ago, a message of at most that size. */
bool known_good(const char *account, uint64_t size);
void known_note(const char *account, uint64_t size);
void known_forget(const char *account);
void known_clear(void);

/* deliverer.c: wires to smtp-deliver. */
void deliverer_start(unsigned int instance, int fd);
/* NULL if there is none.  For a question, for a message. */
struct deliverer *deliverer_for(const char *account);
struct deliverer *deliverer_least(size_t targets);
struct ask *deliverer_check(
    struct session *, struct deliverer *, size_t target, uint64_t size);
struct ask *deliverer_open(struct message *, struct deliverer *);
struct msgout *deliverer_put(struct ask *);
bool deliverer_full(struct deliverer *);
void ask_free(struct ask *);
void ask_leave(struct ask *);
void ask_free_all(struct session *);

/* retry.c: who has had a message whose client was told to try again. */
void retry_begin(struct message *);
void retry_update(struct message *, const void *, size_t);
/* The targets that have had it; n of them in known. */
size_t retry_known(struct message *, uint16_t *known);
bool retry_has_own(struct message *); /* its sender has his copy */
void retry_note(struct message *);    /* after the answer: see target.again */
void retry_end(struct message *);

#endif
