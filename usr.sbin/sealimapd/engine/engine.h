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
 * What the files of imap-engine share: the connection, its queue of commands,
 * and who does what.  A connection parses commands into jobs; a job asks the
 * user's vault; the vault answers in the order asked, so what is said to the
 * client is in the order of its commands.
 */

#ifndef ENGINE_H
#define ENGINE_H

#include <sys/types.h>
#include <sys/queue.h>

#include <event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imap.h"
#include "imapfmt.h"
#include "msg.h"
#include "proc.h"
#include "tlsio.h"

#include "../imap_config.h"
#include "../store_wire.h"
#include "../vault_wire.h"

#define JOBS_MAX 16               /* commands under way or waiting */
#define PROGRESS_SECONDS 5        /* between two words that one goes on */
#define LOGIN_DELAY_MS 500        /* before the first refusal; grows */
#define BAD_MAX 50                /* wrong commands of a connection */
#define BAD_BEFORE_MAX 10         /* the same before login */
#define DEFERRED_MAX 65536        /* messages of a FETCH asked for again */
#define HEADER_BUFFER (64 * 1024) /* filtered header fields held at once */
#define BOXES_MAX 20000           /* boxes of one LIST */
#define OUT_KEEP (256 * 1024)     /* memory kept for output between events */

struct job;
struct conn;
struct squeeze;

/* May a command start while earlier ones are under way? */
enum job_class {
	CLASS_ALONE,   /* only as the first of all; later ones wait */
	CLASS_BARRIER, /* yes; but later ones wait for its end */
	CLASS_FLOW     /* yes; and later ones need not wait */
};

#define IN_BEFORE 0x1   /* allowed before login */
#define IN_AUTH 0x2     /* after it, no box selected */
#define IN_SELECTED 0x4 /* a box selected */
#define IN_ANY 0x7
#define IN_LOGGED 0x6

/* What is known of a command; commands.c has the table. */
struct command {
	enum imap_verb verb;
	unsigned int states;
	enum job_class class;
	/* Begins; asks the vault or says job_done(). */
	void (*start)(struct job *);
	/* A message of the vault with this job's id, R_DONE excepted. */
	void (*answer)(struct job *, struct msg *);
	/* A request is done; NULL: job_result() after the last. */
	void (*done)(struct job *, enum vault_result, const char *detail);
	/* News is about to be told: end an open line. */
	void (*news)(struct job *);
	/* Output has drained: go on. */
	void (*drained)(struct job *);
	void (*free)(struct job *);
};

struct job {
	TAILQ_ENTRY(job) entry;
	struct conn *conn;
	struct imap_cmd *cmd;
	const struct command *command;
	bool started;
	bool finished;
	bool open;   /* output is inside a line or literal of this job */
	bool silent; /* nobody asked for it: it ends without a word */
	struct {
		uint32_t n; /* messages that it has put into the selected box */
		uint32_t first, last; /* UIDs; all of them are between */
	} placed;
	bool heavy;       /* a set of very many ranges: nothing is read on */
	uint32_t expect;  /* id of the oldest request not done */
	unsigned waiting; /* requests not done */
	enum vault_result result; /* the first that was not OK */
	bool lasts;               /* its progress was told (RFC 9585) */
	time_t asked;             /* the vault, or told of; monotonic */
	uint32_t limited;         /* no UID below was dealt with (RFC 9738) */
	void *data;               /* the command's own */
};

TAILQ_HEAD(jobs, job);

enum conn_state {
	CONN_BEFORE,
	CONN_LOGIN, /* a login is under way */
	CONN_AUTH,
	CONN_SELECTED,
	CONN_CLOSING
};

struct conn {
	TAILQ_ENTRY(conn) entry;
	uint64_t id;
	char peer[PROC_ADDR_MAX];
	enum conn_state state;
	enum imap_listener listener;
	uint32_t listener_index;
	struct tlsio *io;
	struct squeeze *squeeze; /* COMPRESS, or NULL */
	bool plain; /* the same ends: what is written is plain again */
	struct imap_reader *reader;
	struct wire *vault; /* an opener first */
	struct event timer;
	time_t active; /* last sign of life, monotonic seconds */
	time_t heard;  /* last octet of the client, likewise */
	time_t since;  /* connected, seconds UTC */
	uint64_t commands, received, sent; /* for sealctl(8) */
	struct jobs jobs;
	unsigned njobs;
	uint32_t next_id;
	bool in_pump;
	bool plus_due;      /* a continuation waits for a place in the output */
	bool dead;          /* to be freed when nobody is in it */
	bool throttled;     /* the vault's wire is full */
	bool answer_due;    /* the reader expects a line, for the last job */
	struct job *append; /* its message is coming in */
	struct login *login;
	unsigned tries, bad;
	char *account;
	bool rev2;        /* ENABLE IMAP4rev2: exactly RFC 9051 */
	bool utf8;        /* names are told in UTF-8 */
	bool accept;      /* ENABLE UTF8=ACCEPT */
	bool condstore;   /* FETCH is told with MODSEQ (RFC 7162) */
	bool qresync;     /* VANISHED is told, not EXPUNGE */
	bool uidonly;     /* no message numbers, either way (RFC 9586) */
	unsigned enabled; /* words of ENABLE, by their place in its table */
	/* The selected box. */
	bool readonly;
	uint32_t exists;
	uint32_t uidvalidity;
	uint32_t command_messages; /* that the vault was told */
	uint64_t box_id;
	char *box_name;            /* in UTF-8; NULL: none is selected */
	struct notify *notify;     /* NULL: there was no NOTIFY */
	struct contexts *contexts; /* of the selected box; NULL: none */
	char **keywords;
	size_t nkeywords;
};

/* main.c */
const struct engine_slice *engine_config(void);
struct wire *engine_master(void);
/* In a child: who speaks for it to imap-store and sealkeys. */
void engine_child(struct wire *);
void engine_shutdown(void *);
struct tlsio_server *engine_tls(uint32_t listener);
time_t engine_now(void);

/* conn.c */
void conn_new(const struct proc_conn *, int fd);
/* Says BYE with this text and closes once it is sent. */
void conn_bye(struct conn *, const char *text);
/* Closes at once, nothing is said. */
void conn_drop(struct conn *);
void conn_shutdown(void); /* all of them */
void conn_alone(void);    /* the process ends with its last connection */
/* Reads and starts what can be; safe to call from anywhere. */
void conn_pump(struct conn *);
/* The buffer for output; conn_flush() hands it to the connection. */
struct imap_buf *conn_out(struct conn *);
/* Headers are in UTF-8, either way: IMAP4rev2 has all of RFC 6855 in it. */
bool conn_utf8_headers(const struct conn *);
void conn_flush(struct conn *);
size_t conn_count(void);
struct conn *conn_next(const struct conn *); /* NULL: the first */
/* The vault's wire, once the login has succeeded. */
void conn_vault(struct conn *);
/*
 * The user leaves, the connection stays: of what belongs to a session nothing
 * is kept.  Who adds to struct conn takes it back there.
 */
void conn_leave(struct conn *);

/* apart.c: "sessions isolated", a process for each connection. */
void apart_init(void);
void apart_conn(const struct proc_conn *, int fd);
void apart_master_message(struct msg *);
void apart_master_gone(void);
void apart_ctl(int fd, bool may_change);
void apart_verbose(bool);
unsigned int apart_sessions(void);
/* Tells all to end; true: there is none. */
bool apart_shutdown(void);
/* In the child, what was counted; report.c calls it. */
void apart_tell(void);
void apart_tell_soon(void);

/* report.c: what sealctl(8) is told. */
enum count {
	COUNT_RECEIVED,
	COUNT_SENT,
	COUNT_LOGIN_OK,
	COUNT_LOGIN_CREDENTIALS,
	COUNT_LOGIN_DISABLED,
	COUNT_LOGIN_UNAVAILABLE,
	COUNT_LOGIN_LIMIT,
	COUNT_LOGIN_DAMAGED,
	COUNT_LOGIN_RATE,
	COUNT_TLS_12,
	COUNT_TLS_13,
	COUNT_TLS_RESUMED,
	COUNT_OK,
	COUNT_NO,
	COUNT_BAD,
	COUNT_SESSIONS,
	COUNTS
};
void report_init(void);
void report_child(void); /* this process is a child: it tells by apart_tell() */
/* What was added since, and into the table of the process that is told. */
void report_put(struct msgout *);
void report_get(struct msg *);
void report_add(enum count, uint64_t);
void report_command(struct conn *, enum imap_verb);
void report_condition(const char *);
void report_tls(const struct tlsio *); /* secure now */
void report_refused(enum store_refusal);

/* job.c */
struct job *job_new(struct conn *, struct imap_cmd *);
void job_free(struct job *);
void job_start_all(struct conn *);
/* It has put n messages with these UIDs, or some between, into a box. */
void job_placed(struct job *, uint32_t uidvalidity, uint32_t n, uint32_t first,
    uint32_t last);
/* "tag OK text"; the text begins with a response code if there is one. */
void job_done(struct job *, const char *condition, const char *text);
/* By the result of the vault; text for OK. */
void job_result(struct job *, enum vault_result, const char *text);
/* An id for a request that nobody waits for yet. */
uint32_t conn_request_id(struct conn *);
/* A request to the vault on behalf of the job; then msg_put..., msg_send. */
struct msgout *job_request(struct job *, uint32_t type);
/*
 * A set goes in two steps: job_send_set() before the request, for what does
 * not fit into it, then job_put_set() within it.
 */
void job_send_set(struct job *, const struct imap_set *);
void job_send_ranges(struct job *, const struct imap_range *, size_t n);
void job_put_set(struct msgout *, const struct imap_set *);
void job_vault_message(struct conn *, struct msg *);
/* Is a job in the midst of its output? */
bool job_open(struct conn *);
bool job_may_flow(struct conn *);
/*
 * NEWS, and NEWS_EXPUNGE if allowed and no command that has been read already
 * names messages by numbers that an expunge would shift.
 */
uint8_t job_news_bits(const struct job *, bool expunge);
/* "* OK [INPROGRESS ...]": the command goes on. */
void job_progress(struct job *, uint32_t done, uint32_t goal);
/* Of a change that lasts nobody knows how far it is; is one under way? */
bool job_patience(struct conn *);
void conn_watch(void); /* something was asked: it may last */
/* Is there no job but an IDLE that waits? */
bool job_calm(const struct conn *);
/* A job that no client asked for; it comes before IDLE, if that is there. */
struct job *inner_job(struct conn *, const struct command *, enum imap_verb);
void conn_protocol(struct conn *, const char *what);

/* commands.c */
const struct command *command_find(enum imap_verb);
enum job_class command_class(const struct job *);

/* login.c */
void login_start(struct job *);
/* Is SCRAM offered with a binding to this connection (RFC 9266)? */
bool login_bound(const struct conn *);
void authenticate_start(struct job *);
void authenticate_line(struct conn *, const uint8_t *, size_t);
void login_abort(struct conn *);
void login_master_message(struct msg *);
void login_master_gone(void);
void starttls_start(struct job *);
/* Lower case, with a domain: the name that stores know; -1: none. */
int login_name(char *to, size_t size, const char *name, size_t len);
uint32_t login_next_id(void); /* for ENGINE_MASTER_LOGIN */

/* manage.c */
void manage_start(struct job *);
void manage_answer(struct job *, struct msg *);
void manage_done(struct job *, enum vault_result, const char *);
void manage_free(struct job *);
bool manage_master_message(struct msg *); /* false: not ours */
void manage_master_gone(void);
/* True: a change is under way, and the session ends after its answer. */
bool manage_hold(struct conn *);

/* session.c */
void bad_start(struct job *);
void capability_start(struct job *);
void capability_put(struct conn *, struct imap_buf *);
void id_start(struct job *);
void enable_start(struct job *);
void namespace_start(struct job *);
void compress_start(struct job *);
void unauthenticate_start(struct job *);
void noop_start(struct job *);
void noop_done(struct job *, enum vault_result, const char *);
void logout_start(struct job *);
void idle_start(struct job *);
void idle_done(struct job *, enum vault_result, const char *);
void idle_line(struct conn *, const uint8_t *, size_t);

/* select.c */
void select_start(struct job *);
void select_answer(struct job *, struct msg *);
void select_done(struct job *, enum vault_result, const char *);
void unselect_start(struct job *);
void unselect_done(struct job *, enum vault_result, const char *);
void select_forget(struct conn *);
void put_mailbox_id(struct imap_buf *, uint64_t id);
/*
 * LIST with OLDNAME, where the client's name was not in NFC (RFC 9051 section
 * 6.3.9.7); a client of IMAP4rev1 is told nothing.
 */
void put_oldname(struct job *, const char *attributes);
/* What others changed. */
void news_message(struct conn *, struct msg *);
void news_keywords(struct conn *, struct msg *);

/* resync.c */
/* The client knows of MODSEQs: it is told those of the selected box. */
void condstore_enable(struct conn *);
void put_highest_modseq(struct imap_buf *, uint64_t);
/* The rest of V_SELECT: what a client that comes back knows. */
void resync_put(struct job *, struct msgout *);
/* "* VANISHED (EARLIER) ..." */
void put_vanished(struct conn *, struct msg *);
/* "* n FETCH (UID n FLAGS (...) MODSEQ (n))" of each row. */
void put_flag_rows(struct conn *, struct msg *);

/* list.c */
void list_start(struct job *);
void list_answer(struct job *, struct msg *);
void list_done(struct job *, enum vault_result, const char *);
void list_drained(struct job *);
void list_free(struct job *);
void status_start(struct job *);
void status_answer(struct job *, struct msg *);

/* A box as R_BOX tells it. */
struct box {
	char *name;
	size_t len;
	uint16_t uses;
	bool subscribed;
	bool exists;
	bool counted; /* numbers are there, in the order of IMAP_STATUS_ */
	/* The last: the highest modseq, octets of what is deleted. */
	uint64_t number[9];
	uint64_t id;
};
struct boxes {
	struct box *box;
	size_t n;
	size_t size;
};
/* Adds one, with its numbers if it has them; -1 if it is malformed. */
int boxes_add(struct boxes *, struct msg *);
void boxes_clear(struct boxes *);

/* box.c */
/* Can a mailbox have this name? */
bool box_name_valid(const struct imap_cmd *, const struct imap_str *);
void create_start(struct job *);
void create_done(struct job *, enum vault_result, const char *);
void delete_start(struct job *);
void delete_done(struct job *, enum vault_result, const char *);
void rename_start(struct job *);
void rename_answer(struct job *, struct msg *);
void rename_done(struct job *, enum vault_result, const char *);
void rename_free(struct job *);
void subscribe_start(struct job *);

/* metadata.c */
struct meta {
	uint64_t box;
	char entry[META_NAME_MAX + 1];
	const uint8_t *value; /* in the message; NULL: none */
	size_t len;
};
int meta_get(struct msg *, struct meta *);
void put_meta_value(struct imap_buf *, const uint8_t *, size_t);
void meta_ask(struct job *, bool all); /* all: LIST's entries of all boxes */
void getmetadata_start(struct job *);
void getmetadata_answer(struct job *, struct msg *);
void getmetadata_done(struct job *, enum vault_result, const char *);
void setmetadata_start(struct job *);
void setmetadata_done(struct job *, enum vault_result, const char *);

/* notify.c */
void notify_start(struct job *);
/* Which events are told of a mailbox of that name? */
uint32_t notify_wanted(
    const struct imap_notify *, const char *name, size_t len, bool subscribed);
void notify_answer(struct job *, struct msg *);
void notify_done(struct job *, enum vault_result, const char *);
void notify_forget(struct conn *);
void notify_unselect(struct conn *);
/* Is this event of the selected mailbox told? */
bool notify_selected(const struct conn *, uint32_t event);
/* The client was told of n new messages, of these UIDs. */
void notify_exists(struct conn *, uint32_t n, uint32_t first, uint32_t last);
void notify_nudge(struct conn *); /* the vault has something */
void notify_run(struct conn *);   /* if there is nothing else to do */

/* quota.c */
void quota_start(struct job *);
void quotaroot_start(struct job *);
void setquota_start(struct job *);
void quota_answer(struct job *, struct msg *);

/* fetch.c and its kin */
void fetch_start(struct job *);
void fetch_answer(struct job *, struct msg *);
void fetch_done(struct job *, enum vault_result, const char *);
void fetch_free(struct job *);
void fetch_init(void);

/* store.c */
void store_start(struct job *);
void store_answer(struct job *, struct msg *);
void store_done(struct job *, enum vault_result, const char *);
void store_free(struct job *);
void copy_start(struct job *);
void copy_answer(struct job *, struct msg *);
void copy_news(struct job *);
void copy_done(struct job *, enum vault_result, const char *);
void copy_free(struct job *);
void expunge_start(struct job *);
void expunge_done(struct job *, enum vault_result, const char *);

/* search.c */
void search_start(struct job *);
void search_end(struct job *);
void search_answer(struct job *, struct msg *);
void search_news(struct job *);
void search_done(struct job *, enum vault_result, const char *);

/* context.c: results that are kept up to date (RFC 5267) */
struct contexts;
void contexts_forget(struct conn *);  /* the box is left */
void contexts_numbers(struct conn *); /* those by message number end */
/* A message has, or may have, other flags; UIDs are new. */
void contexts_changed(struct conn *, uint32_t uid, uint32_t seq);
void contexts_new(struct conn *, uint32_t first, uint32_t last);
/* The numbers that EXPUNGE is about to tell, in the message's rest. */
void contexts_expunge(struct conn *, struct msg *, size_t n);
void contexts_run(struct conn *); /* if there is nothing else to do */
void cancelupdate_start(struct job *);

/* append.c */
void append_begin(struct conn *, struct imap_cmd *);
bool append_waits(const struct job *); /* nothing is read meanwhile */
void append_start(struct job *);
void append_data(struct conn *, const uint8_t *, size_t);
void append_data_end(struct conn *, bool good);
void append_answer(struct job *, struct msg *);
void append_news(struct job *);
void append_done(struct job *, enum vault_result, const char *);
void append_free(struct job *);

/* chunk.c */
/*
 * Compresses as the configuration says; the length, smaller than len, or 0 if
 * that is not to be had.  out points into a buffer of the process until the
 * next call.
 */
size_t chunk_pack(const void *, size_t len, const uint8_t **out);
/*
 * Undoes it: exactly plain octets, in a buffer of the process until the next
 * call or chunk_wipe(); NULL if it is not what it says.
 */
const uint8_t *
chunk_unpack(uint8_t codec, const void *, size_t len, size_t plain);
void chunk_wipe(void);
/* A session has ended: nothing of it stays. */
void chunk_forget(void);

/* squeeze.c: COMPRESS=DEFLATE, between a connection and its tlsio. */
void squeeze_start(struct conn *);
void squeeze_stop(struct conn *); /* NULL is fine */
/*
 * UNAUTHENTICATE: what is written from here on is plain, and what is read,
 * after the flush that is still to come.
 */
void squeeze_close(struct conn *);
void squeeze_write(struct conn *, const void *, size_t);
/* As tlsio_input(), and tlsio_consume(). */
const uint8_t *squeeze_input(struct conn *, size_t *len);
void squeeze_consume(struct conn *, size_t);
void squeeze_turn(struct conn *); /* one begins */

/* A row of R_ROWS, without what follows it. */
struct row {
	uint32_t seq, uid;
	uint64_t flags, modseq;
	int64_t date;
	int16_t zone;
	uint64_t size;
	uint8_t codec;
	uint8_t follows;
	uint8_t email_id[16]; /* with ids */
	uint32_t saved;
};
void row_get(struct msg *, struct row *, bool ids);

/* uidonly.c */
void uidonly_enable(struct conn *);
/* Does the command name messages by their numbers? */
bool by_numbers(const struct imap_cmd *);
/* "* 5 FETCH (", or "* 17 UIDFETCH (" */
void
put_fetch_begin(const struct conn *, struct imap_buf *, const struct row *);

#endif
