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

/* What the vault's files share.  vault.c has the drawing. */

#ifndef VAULT_LOCAL_H
#define VAULT_LOCAL_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msg.h"
#include "store.h"

#include "../store_wire.h"
#include "../vault_wire.h"

#define JOBS_MAX 64         /* requests of a session under way */
#define STEP_ROWS 4096      /* rows, or messages looked at, in one go */
#define STEP_CHUNKS 4       /* body chunks sent in one go */
#define COPIED_MAX 4000     /* ranges a side of one R_COPIED */
#define FOUND_MAX 16000     /* numbers of one R_FOUND */
#define EXPUNGED_MAX 8000   /* messages of one R_EXPUNGE */
#define VANISHED_MAX 8000   /* ranges of one R_VANISHED */
#define FIRST_DRAIN_MS 3000 /* the first answers wait so long for mail */
#define IDLE_WORK_MS 2000   /* quiet before snapshots and the like */
#define WORKER_LINGER_S 10  /* a worker is let go after that */
#define WORKERS_MAX 3       /* of a user: searches and sorts at a time */
#define PROGRESS_S 5        /* between two words on a search's progress */
#define FEW_UIDS 500        /* that a search looks at without the index */
#define RETRY_MS 20         /* where too many bodies are open */

/* UIDs, put in order when they are used. */
struct uidlist {
	uint32_t *v;
	size_t n;
	size_t cap;
	bool mixed; /* not (known to be) ascending and distinct */
};

void uidlist_add(struct uidlist *, uint32_t);
void uidlist_sort(struct uidlist *);
/* How many are smaller than uid. */
size_t uidlist_rank(struct uidlist *, uint32_t uid);
bool uidlist_has(struct uidlist *, uint32_t uid);
void uidlist_drop(struct uidlist *, size_t n); /* the first n */
void uidlist_clear(struct uidlist *);
/* As ranges of neighbours (all + 1); *n of them; the caller frees. */
struct store_range *uidlist_ranges(struct uidlist *, size_t *n);

/*
 * The selected box as one session has been told of it.  It knows the messages
 * up to UID told; ghosts are gone but not yet told so; sequence numbers count
 * both.
 */
struct view {
	bool selected;
	bool readonly;
	uint64_t box;
	uint32_t told;     /* highest UID that was announced */
	uint32_t exists;   /* messages, ghosts included, as announced */
	uint16_t keywords; /* the revision that was told */
	bool lowered;      /* R_MODSEQ was sent for expunges held back */
	uint64_t known;    /* modseq up to which all was told */
	struct uidlist ghosts;
	struct uidlist changed; /* flags not told yet */
	struct uidlist saved;   /* what the last saving search found */
};

struct job;
/* vault_count.c: for sealctl(8). */
struct wire;
void count_begin(struct wire *master);
void count_add(enum vault_count, uint64_t);
void count_end(void); /* tells what is left */
void count_login(int acct);

/* vault_rest.c: something was done; when nothing is, memory is given back. */
void rest_later(void);
#define SCRATCH_MAX 65536
/*
 * Memory of that many octets for what is done before the next event; whoever
 * uses it calls nobody else who does.  Wiped when the vault rests.
 */
void *vault_scratch(void);

struct session;

enum step {
	STEP_DONE, /* the answer is complete but for news and R_DONE */
	STEP_MORE, /* go on when the wire takes more */
	STEP_WAIT  /* something else will go on */
};

/* What a request is: how it changes the store, how it is answered. */
struct job_kind {
	uint32_t type;
	bool alone; /* changes only when all before it are answered */
	/* Reads the request into the job; the caller checks msg_end(). */
	void (*parse)(struct session *, struct job *, struct msg *);
	/* Changes the store; answered after the commit.  NULL: reads only. */
	void (*change)(struct session *, struct job *);
	/* NULL: there is only R_DONE.  Called until STEP_DONE. */
	enum step (*answer)(struct session *, struct job *);
};

struct rename_pair {
	char *from;
	char *to;
};

struct job {
	TAILQ_ENTRY(job) entry;
	const struct job_kind *kind;
	uint32_t id;
	bool changed;   /* change() was called, or there is nothing to change */
	bool changing;  /* that was a piece: it wants to be called again */
	bool barrier;   /* nothing after it changes before it is answered */
	bool answering; /* answer() was called */
	bool answered;  /* only news and R_DONE are left */
	uint8_t bits;
	enum vault_result result;
	char detail[40];
	/* the request */
	uint8_t items; /* V_FETCH; op of V_STORE; a flag of others */
	bool on;
	uint16_t use;
	char *name;
	uint64_t flags;
	uint64_t unchanged;            /* V_STORE; V_FETCH: changed since */
	struct resync *resync;         /* V_SELECT of one who comes back */
	bool gone;                     /* something was taken out */
	uint64_t add, take;            /* V_STORE: flags */
	uint64_t to_box;               /* V_COPY */
	struct store_copying *copying; /* the same, of many */
	size_t at;       /* of a change in pieces: the next range, */
	uint32_t at_uid; /* the next UID in it, */
	uint32_t pieces; /* and messages dealt with */
	uint64_t before; /* modseq of the box before the change */
	char **keywords;
	size_t nkeywords;
	struct rename_pair *renames;
	size_t nrenames;
	struct store_range *set;
	size_t nset;
	bool saved;   /* the set is what a search saved */
	uint8_t part; /* V_FETCH: PARTIAL_, of the set's messages */
	uint32_t part_first, part_last;
	bool cut;         /* to that, and to V_LIMIT */
	uint32_t limited; /* the lowest UID of those within V_LIMIT */
	/* the answer's place */
	bool resolved;
	size_t range; /* of set */
	uint32_t uid; /* next in that range */
	uint32_t chunk;
	uint32_t chunk_last;
	struct store_body *body;
	uint32_t body_uid;
	struct uidlist from; /* V_COPY; also UIDs found */
	struct uidlist to;
	struct uidlist failed;     /* V_STORE: changed since */
	size_t modified;           /* of those, told */
	struct store_range *asked; /* V_FETCH: the set as it came */
	size_t nasked;
	struct store_range *vanished;
	size_t nvanished;
	size_t vanished_size;
	size_t vanished_told;
	bool listed; /* what vanished is known */
	uint32_t uidvalidity;
	uint8_t (*blobs)[STORE_ID]; /* V_UNDELETE */
	size_t nblobs;
	struct store_deleted *deleted; /* V_DELETED */
	size_t ndeleted;
	struct audit *audit;       /* V_AUDIT */
	uint64_t octets;           /* V_REINDEX: removed, in pieces */
	struct errand *errand;     /* V_QUOTA, V_SETQUOTA */
	struct meta_request *meta; /* V_META, V_SETMETA */
	struct append *append;
	struct search_run *search;
	struct view *view; /* of the box that is searched, or fetched from */
	int64_t begun;     /* a search */
	uint32_t progress, goal;
};

struct session {
	TAILQ_ENTRY(session) entry;
	struct wire *wire;
	uint64_t id;
	uint32_t slot;
	uint8_t scope;
	bool dead;   /* to be freed when nobody stands in it */
	bool idling; /* V_IDLE is on */
	bool running;
	struct view view;
	uint64_t safe; /* no higher modseq is told now */
	TAILQ_HEAD(, job) jobs;
	unsigned int njobs;
	struct append *append; /* between V_APPEND and its end */
	bool replaces;         /* V_REPLACE came: the next append does */
	uint8_t replace_bits;
	uint32_t replace;
	struct append *whole;     /* others that are placed together with it */
	struct events *events;    /* V_NOTIFY; NULL: it does not listen */
	struct store_range *sent; /* of V_SET, for the next request */
	size_t nsent;
	struct view glance; /* V_GLANCE */
	uint32_t limit;     /* V_LIMIT; 0: none */
};

/* vault.c */
struct store *vault_store(void);
const char *vault_account(void);
struct session *vault_session_next(struct session *); /* NULL: the first */
void vault_want_commit(void);
void vault_commit(void); /* now; sessions run from the event loop after it */
void vault_fail(const char *why) __attribute__((noreturn));
void vault_run_soon(void);
void vault_run_now(void);  /* from an event only */
bool vault_stepping(void); /* changes of many messages may go on */
void vault_retry(void);    /* run the sessions again after RETRY_MS */
void vault_want_worker(enum worker_for);
void vault_want_clerk(void);
int64_t vault_now(void);
struct msgout *vault_to_master(uint32_t type, uint32_t id); /* NULL: gone */
void vault_reap(struct session *); /* mark dead, free from the event loop */
void vault_worker_quiet(void);     /* no search runs now */
void *vault_alloc(size_t n, size_t size); /* zeroed; fatal without memory */

/* The slot was changed or revoked: its sessions end, its secret is forgotten.
 */
void vault_slot_ended(uint32_t slot);

/* vault_upkeep.c */
void upkeep_init(void);
void upkeep_soon(void);    /* after a commit */
void upkeep_seal(void);    /* before a message is sealed */
void upkeep_now(void);     /* there is something to do */
void upkeep_mail(void);    /* deliveries wait */
void upkeep_session(void); /* somebody has logged in */
void upkeep_asked(void);   /* a session has a request */
bool vault_holding(void);  /* first drain: no answers yet */
void upkeep_news(void);    /* look now for what the other host has sent */
int64_t vault_ms(void);    /* of a clock that never goes back */

/* vault_index.c */
void index_soon(void);     /* messages may have come or gone */
void index_worker(int fd); /* the wire that was wanted; -1: none */
void index_end(void);

/* vault_tags.c: secrets that have opened the account are known again. */
#define TAG_LEN 32
#define NONCE_LEN 32
void tags_init(const struct seal_ring *); /* fatal without secret memory */
void tags_end(void);
void tag_of(const void *secret, size_t len, uint8_t tag[TAG_LEN]);
void tag_add(const uint8_t tag[TAG_LEN], uint32_t slot, uint8_t scope);
bool tag_known(const uint8_t tag[TAG_LEN], uint32_t *slot, uint8_t *scope);
bool tag_of_slot(uint32_t slot); /* is there one? */
void tag_forget(uint32_t slot);
/* Is it what the master key gives for that nonce and slot?  32 octets. */
bool
proof_good(const uint8_t nonce[NONCE_LEN], uint32_t slot, const uint8_t *proof);

/* vault_keys.c */
struct manage_answer;
struct seal_slot_info;
struct slot_change;
struct vault_start;
struct escrow_wish;
enum keys_after { KEYS_STAY, KEYS_END /* the vault must end */ };
int keys_open(struct vault_start *); /* may give it another ring; -1 */
bool keys_live(uint32_t slot, uint64_t rev);
uint64_t keys_revision(uint32_t slot); /* 0: there is no such slot */
bool keys_list(size_t i, struct seal_slot_info *, char *label, bool *scram);
enum keys_after keys_change(const struct slot_change *, struct manage_answer *);
void keys_login(const struct escrow_wish *); /* at a living vault */
void keys_raise(const struct slot_change *); /* the records alone */
void keys_reload(void);
bool keys_news(void); /* a look; what has changed counts from now on */

/* vault_session.c */
struct session *session_new(int fd, uint64_t id, uint32_t slot, uint8_t scope);
void session_notes(struct session *); /* before its welcome */
void session_free(struct session *);
void session_run(struct session *);
bool session_changing(const struct session *); /* a piece was not all */
void session_bye(struct session *, uint8_t reason);
void session_changed(uint64_t box, enum store_change, uint32_t uid);
enum vault_result result_of(enum store_result);

/* vault_view.c */
void view_select(struct view *, const struct store_box *, bool readonly);
void view_clear(struct view *);
/* Live messages the session knows. */
uint32_t view_live(struct view *);
uint32_t view_seq(struct view *, uint32_t uid, size_t pos);
uint32_t view_last(struct view *); /* the highest UID of those; 0: none */
/*
 * Makes the set of a job UIDs that the session knows, ascending ranges:
 * result DONE_OK, DONE_EXPUNGED (some are ghosts) or DONE_BADSEQ.
 */
enum vault_result view_resolve(struct view *, struct job *);
/* UIDs, ascending and disjoint. */
struct ranges {
	struct store_range *range;
	size_t n;
};
/* The same of a set by itself; numbers that no message has are no error. */
void view_ranges(struct view *, bool uids, const struct store_range *, size_t n,
    struct ranges *);
/* Leaves of the resolved set so many; of more the lowest UID is noted. */
void view_limit(struct view *, struct job *, uint32_t max);
/* Leaves of the resolved set what the job's part names. */
void view_part(struct view *, struct job *);
bool ranges_have(const struct ranges *, uint32_t uid);
bool view_news(const struct view *, const struct store_box *, bool expunge);
void view_tell_keywords(struct session *);
/* Tells news; false: the wire is full, call again. */
bool view_tell(struct session *, bool expunge, bool flags);
/* R_MODSEQ, of what was told. */
void view_tell_modseq(struct session *);

/* vault_glance.c: another box that is looked into */
bool glance_message(struct session *, struct msg *); /* false: not now */
void glance_end(struct session *);
void glance_box_gone(struct session *, uint64_t box);

/* vault_resync.c */
struct resync {
	uint32_t uidvalidity;
	uint64_t modseq;
	size_t nmatch;
	uint32_t seq[MATCHES_MAX];
	uint32_t uid[MATCHES_MAX];
};
void resync_parse(struct session *, struct job *, struct msg *);
/* What changed, to one who has just selected the box. */
enum step resync_answer(struct session *, struct job *);
/*
 * R_VANISHED of the UIDs in j->asked that are gone since; up to UID known the
 * client knows of them.
 */
enum step
vanished_answer(struct session *, struct job *, uint64_t since, uint32_t known);

/* vault_rows.c */
extern const struct job_kind rows_kinds[];
struct rows {
	struct msgout *o;
	struct session *s;
	struct view *view; /* of the box that they are of */
	uint32_t id;
	bool ids; /* ROW_IDS */
};
void rows_start(struct rows *, struct session *, uint32_t id);
void rows_flags(struct rows *, const struct store_msg *, size_t pos);
void rows_send(struct rows *);
enum step rows_answer_flags(struct session *, struct job *);
/* Flags of those of the set that changed since. */
enum step rows_answer_since(struct session *, struct job *, uint64_t since);

/* vault_change.c */
enum vault_result view_writable(const struct session *);
void expunge_step(struct session *, struct job *);

/*
 * vault_copy.c.  The next piece of a job's set, of at most so many messages,
 * valid until the next call: where j->at is below j->nset there are more, and
 * piece_more() has the job's change called again.  piece_last() takes it from
 * the end, off the set.
 */
extern const struct job_kind copy_kinds[];
const struct store_range *
piece_next(const struct session *, struct job *, uint32_t max, size_t *n);
const struct store_range *
piece_last(const struct session *, struct job *, uint32_t max, size_t *n);
void piece_more(struct session *, struct job *);
bool copy_under_way(void); /* of many messages */
/* May the job not change anything beside it? */
bool copy_blocks(const struct session *, const struct job *);
void copy_forget(struct job *); /* it ends: nothing was copied */

/* vault_change.c, vault_box.c, vault_append.c, vault_search.c */
const char *append_target(const struct job *);
bool append_replaces(const struct job *);
extern const struct job_kind change_kinds[];
extern const struct job_kind box_kinds[];
extern const struct job_kind deleted_kinds[];
extern const struct job_kind audit_kinds[];
extern const struct job_kind quota_kinds[];
extern const struct job_kind settings_kinds[];
extern const struct job_kind reindex_kinds[];
struct audit;
void audit_free(struct audit *); /* NULL ok */
void audit_asked(uint32_t id);   /* by the administrator */
void audit_asked_end(void);
void deleted_change(uint8_t op, struct manage_answer *);
extern const struct job_kind append_kind;
extern const struct job_kind search_kind;
extern const struct job_kind sort_kind;
extern const struct job_kind find_kind;
/* A box is removed: nobody searches it any more. */
void search_box_gone(struct session *, uint64_t box);
bool append_message(struct session *, struct msg *); /* false: out of order */
void append_free(struct append *);
void search_free_run(struct search_run *);
void search_cancel(struct session *, uint32_t id);
/* To vault_pool.c: of the search that has a worker. */
enum worker_said { WORKER_MORE, WORKER_DONE, WORKER_BAD };
enum worker_said search_message(struct job *, struct msg *);
bool search_serve(struct job *, struct wire *worker); /* see hungry */
bool search_hungry(const struct job *); /* its worker waits for bodies */
bool search_wants_worker(const struct job *);
void search_lost(struct job *); /* it has its worker no more */
struct session *search_session(const struct job *);

/* vault_pool.c: workers, each for one search or sort at a time. */
struct helper;
/*
 * One that has nothing to do, or else one is asked for: false.  Where no
 * further one is to be had, the job waits for those that are there.
 */
bool pool_take(struct job *, struct helper **);
struct wire *pool_wire(const struct helper *);
void pool_serve(struct helper *); /* once its wire has room */
/*
 * A search that has a worker ends early: the child goes with its wire, so
 * that it keeps no text, and the next search asks for a fresh one.
 */
void pool_drop(struct helper *);
void pool_worker(int fd); /* the wire that was wanted; -1: none */
void pool_end(void);
bool pool_release(void); /* ends those that are not at work; true: all */

/* vault_notify.c */
struct events;
struct notify_names;
extern const struct job_kind notify_kinds[];
void notify_free(struct events *); /* NULL ok */
void notify_message(uint64_t box, enum store_change);
/* Of a name, to all but the session that did it; old: before a rename. */
void notify_name(
    const struct session *by, uint8_t kind, const char *name, const char *old);
void notify_made(const struct session *by, const char *name); /* or removed */
void notify_nudge(struct session *);
/* Around what may make, remove or rename boxes without telling. */
struct notify_names *notify_names_note(void);  /* NULL: nobody listens */
void notify_names_tell(struct notify_names *); /* frees it */

/* vault_box.c: what R_BOX has, of a box, or of a name alone. */
void box_put(struct msgout *, const struct store_box *, uint8_t what);
void box_put_name(struct msgout *, const char *name);

void notify_meta(const struct session *by, uint64_t box, const char *entry);

/* vault_meta.c */
struct meta_request;
extern const struct job_kind meta_kinds[];
void meta_free(struct meta_request *); /* NULL ok */
enum store_result meta_copy(uint64_t from, uint64_t to);

/* vault_quota.c */
struct errand;
void quota_forget(struct errand *); /* its job ends; NULL ok */
void quota_clerk(int fd);           /* that was wanted; -1: none */

/* How much of the work is done, of all. */
void search_progress(
    struct session *, const struct job *, uint32_t *done, uint32_t *goal);

/* vault_progress.c: work begins; once it lasts, its asker is told. */
void progress_begin(struct job *);

/*
 * vault_sort.c: in which order what was found is told.  A sort asks the worker
 * about the messages, and has its answer in the end.
 */
struct sort_run;
/* NULL, and the message bad, if it makes no sense. */
struct sort_run *sort_parse(struct msg *);
void sort_free(struct sort_run *); /* NULL ok */
/* How many the worker was shown. */
uint32_t sort_fed(const struct sort_run *);
/* Is there anything to be sorted? */
bool sort_wanted(const struct sort_run *);
void sort_begin(struct sort_run *, struct wire *worker, uint32_t id);
/* Shows messages to the worker; true: all were shown. */
bool sort_feed(struct sort_run *, struct wire *worker, uint32_t id,
    uint64_t box, const struct uidlist *found);
/* What the worker says; false: that cannot be. */
bool sort_take(struct sort_run *, struct msg *, struct uidlist *found);
/* Did the worker tell about all of them? */
bool sort_whole(const struct sort_run *, const struct uidlist *found);
/* Tells what was found; call again after STEP_MORE. */
enum step sort_report(
    struct sort_run *, struct session *, struct job *, struct uidlist *found);
/* The last message told of, and the highest modseq of those told. */
void sort_modseq(const struct sort_run *, uint64_t *highest, uint64_t *first,
    uint64_t *last);

/* Reads fields that several requests have. */
void get_set(struct session *, struct job *, struct msg *);
/* Takes the ranges of V_SET over into the job's set. */
void get_sent(struct session *, struct job *);
void get_name(struct job *, struct msg *);
void get_keywords(struct job *, struct msg *);

#endif
