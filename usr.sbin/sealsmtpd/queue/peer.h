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
 * Wires of smtp-queue to engines and relays, and what is under way on them.
 */

#ifndef PEER_H
#define PEER_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdbool.h>
#include <stdint.h>

#include "queue.h"

#define PEERS_MAX 64
#define STREAMS_MAX 1024 /* of one wire */

struct msg;
struct wire;
struct entry;
struct job;
struct report;
struct stream;

RB_HEAD(entry_tree, entry);
RB_HEAD(job_tree, job);
TAILQ_HEAD(stream_list, stream);
TAILQ_HEAD(report_list, report);

/* A message on its way in. */
struct entry {
	RB_ENTRY(entry) entry;
	TAILQ_ENTRY(entry) waiting; /* for the sync */
	struct peer *peer;
	uint32_t id;
	struct message *message; /* recipients are added as they come */
	struct spool_out *file;
	enum queue_result result; /* of what came so far */
	bool committed;
};
TAILQ_HEAD(entry_list, entry);

enum peer_kind { PEER_ENGINE, PEER_RELAY };

struct peer {
	TAILQ_ENTRY(peer) list;
	struct wire *wire;
	enum peer_kind kind;
	unsigned int instance;
	bool greeted;
	struct stream_list streams;
	unsigned int nstreams;

	/* An engine's. */
	struct entry_tree entries;
	unsigned int nentries;
	struct report *report; /* it works on one at a time */
	bool told_keys;        /* it knows of DKIM keys */

	/* A relay's. */
	struct job_tree jobs;
	uint32_t credit; /* jobs more that it takes */
};

TAILQ_HEAD(peer_list, peer);
struct peer_list *peers(void);

/* ---- peer.c ----------------------------------------------------------- */

void peer_start(enum peer_kind, unsigned int instance, int fd);

/* ---- entry.c: what engines put in ------------------------------------- */

int entry_check(struct peer *, struct msg *);
int entry_put(struct peer *, struct msg *);
void entries_drop(struct peer *); /* the engine is gone */
/* sync.c's: the sync's result on a committed one. */
void entry_answer(struct entry *, enum queue_result);
struct message *entry_message(struct entry *);
struct spool_out *entry_file(struct entry *);

/* ---- sync.c ----------------------------------------------------------- */

void sync_init(int dirfd);
void sync_entry(struct entry *);                  /* waits for the next sync */
void sync_entry_gone(struct entry *);             /* its engine is */
void sync_changes(void);                          /* something was noted */
void sync_unlink(const uint8_t id[QUEUE_ID_LEN]); /* once that is durable */

/* ---- job.c: what relays get ------------------------------------------- */

int job_ready(struct peer *, struct msg *);
int job_outcome(struct peer *, struct msg *);
int job_unreachable(struct peer *, struct msg *);
int job_memory(struct peer *, struct msg *);
int job_tls(struct peer *, struct msg *);

/* origin.c: where mail that comes in is from. */
int origin_take(struct peer *, struct msg *);
/* The message of a job, or NULL. */
struct message *job_message(struct peer *, uint32_t id);
void jobs_drop(struct peer *); /* the relay is gone: they are due again */
void jobs_run(void);           /* soon: hand out what is due */
void jobs_init(void);

/* ---- report.c: what engines are to write ------------------------------ */

void report_init(void);
/* Where something of the message is to be told: it will be. */
void report_due(struct message *);
int report_done(struct peer *, struct msg *);
/* What it is about; NULL: it has left the queue, or there is no such. */
struct message *report_message(struct peer *, uint32_t id);
bool report_is(const struct peer *, uint32_t id);
void report_drop(struct peer *);      /* the engine is gone */
void report_forget(struct message *); /* it leaves the queue */
void reports_run(void);               /* there is an engine that could */
/*
 * Time passes, or the limits have changed: expiry and delays of all messages;
 * and, after a start, what was due before it.  It will look again by itself.
 */
void report_look(void);
/* What state a recipient has after this outcome; notes nothing. */
enum rcpt_state
report_state(const struct message *, const struct rcpt *, bool failed);

/* ---- finish.c: recipients' ends --------------------------------------- */

/* After changes of its recipients: notes a message that is done, frees it. */
void message_look(struct message *);

/* ---- stream.c: messages on their way out ------------------------------ */

int stream_want(struct peer *, uint32_t id, struct message *, uint64_t body);
void stream_none(struct peer *, uint32_t id); /* there is no such message */
int stream_took(struct peer *, uint32_t id);
void stream_stop(struct peer *, uint32_t id);
void streams_drop(struct peer *);

/* ---- sign.c: DKIM ----------------------------------------------------- */

struct signer;
struct signer *signer_new(void);
void signer_free(struct signer *);
/* A PEM key; NULL, or why not. */
const char *signer_add(struct signer *, const char *domain,
    const char *selector, const uint8_t *pem, size_t len);
void signer_use(struct signer *); /* takes it; frees the old one */
void sign_keys(struct peer *);    /* tells an engine what there is */
int sign_request(struct peer *, struct msg *);

/* ---- control.c: sealctl ----------------------------------------------- */

/* may_change: else it may look at lists and counts alone. */
void control_start(uid_t, bool may_change, int fd);

#endif
