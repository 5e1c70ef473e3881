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
 * What the files of imap-store share, the vault's aside.
 */

#ifndef MASTER_H
#define MASTER_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store_blob.h"

#include "../store_wire.h"

struct msg;
struct store_slice;
struct wire;

#define ROLE_MAX 32
#define SOURCE_MAX 64        /* octets of a source's name, NUL included */
#define TRY_MAX 32           /* openers at a living vault at once */
#define SILENT_MAX 4         /* ... without one, before they have a core */
#define OPENERS_MAX 64       /* openers in all */
#define SOURCE_OPENERS_MAX 8 /* ... from one source */
#define OPENER_WAIT_MS 10000
#define AUTH_WAIT_MS 5000     /* for the engine to send the secret */
#define DERIVE_WAIT_MS 120000 /* for a core to become free */

/* An account that somebody logs in to, is logged in to, or waits for. */
struct account {
	RB_ENTRY(account) entry;
	struct child *vault;   /* or the opener that is to become it */
	bool up;               /* the vault serves */
	uint32_t sessions;     /* the vault's word */
	uint32_t pid;          /* likewise, to be shown */
	unsigned int openers;  /* children that are not the vault */
	unsigned int silent;   /* of them: have no secret yet, as we know */
	unsigned int asking;   /* of them: wait for a core */
	unsigned int deriving; /* of them */
	unsigned int waiting;  /* in the queue */
	unsigned int kicks;    /* clerks that wait for its end */
	char name[ACCOUNT_NAME_MAX];
};

/* A process that the forker made; its wire is all the master knows of it. */
struct child {
	TAILQ_ENTRY(child) entry;
	struct wire *wire;
	uint32_t number;         /* that the forker knows it by */
	struct account *account; /* an opener's or vault's */
	struct waiter *waiter;   /* it waits for a core */
	struct source *source;
	bool clerk;
	bool silent;
	bool deriving;
	bool suspect; /* its source was, when it began to derive */
	bool paused;  /* until others have derived */
	bool tried;   /* it has had a wire to a vault */
	bool trusted; /* its source */
	bool judged;  /* it has said right or wrong */
	uint8_t service;
	uint32_t kick_id; /* a clerk's: what to answer */
	struct account *kick;
	uint32_t audit_id; /* the same, for an audit */
	uint32_t audit_no; /* that the vault knows it by */
	struct account *audit;
	char from[SOURCE_MAX]; /* the source's name */
};

/* A process of another role. */
struct peer {
	TAILQ_ENTRY(peer) entry;
	struct wire *wire;
	unsigned int instance;
	char role[ROLE_MAX];
};

/* One that waits: a login, or an opener that wants to derive. */
struct waiter {
	TAILQ_ENTRY(waiter) entry; /* of its source, in order of arrival */
	struct source *source;
	struct account *account;
	struct child *child; /* NULL: a login */
	struct peer *peer;
	uint32_t id;
	uint8_t service;
	bool trusted;
	char from[SOURCE_MAX]; /* the source's name */
};

/* queue.c: who is next; fair between sources, suspects last. */
#define SUSPECT_WRONG 8   /* wrong secrets lately, and more than right ones */
#define SUSPECT_FADE_S 10 /* then what is known of a source is halved */
#define SUSPECT_BEHIND 8  /* others that may go first */
#define SUSPECT_NICE 19   /* priority of what derives for them */
#define SOURCES_MAX 8192  /* that are remembered though nothing waits */
void queue_start(void);
int queue_add(struct waiter *, const char *source); /* -1: full; ENOBUFS */
void queue_remove(struct waiter *);
/* The next one that ready() lets go, taken out of the queue; or NULL. */
struct waiter *queue_next(bool (*ready)(const struct waiter *));
/* Counts an opener of a source, as long as it lives. */
struct source *queue_hold(const char *source);
void queue_release(struct source *);
unsigned int queue_openers(const struct source *);
/* What came of a derivation, and what that makes of the source. */
void queue_outcome(struct source *, bool right);
bool queue_suspect(const struct source *);
bool queue_suspects_turn(void); /* they have waited long enough */
unsigned int queue_length(void);
/* Takes out and returns one of a peer's; NULL: no more. */
struct waiter *queue_of_peer(const struct peer *, uint32_t id, bool any);

/* conns.c: where a connection came from, by the parent's word. */
void conns_add(uint64_t conn, const char *source, bool trusted);
void conns_remove(uint64_t conn);
/* "-" if it is not known; trusted: limits of one source do not hold. */
const char *conns_find(uint64_t conn, bool *trusted);

/* guard.c: wrong secrets.  Limits: 0 is none. */
void guard_limits(uint32_t source_max, uint32_t account_max);
bool guard_allows(const char *source, bool trusted, const char *account);
void guard_wrong(const char *source, bool trusted, const char *account);
void guard_right(const char *source, const char *account);
size_t guard_size(void);

/* pace.c: what users submit. */
enum pace_kind { PACE_MESSAGES, PACE_RECIPIENTS, PACE_KINDS };
/*
 * Takes n tokens of each kind, of at most limit an hour (0: any), or none: then
 * the seconds until there are as many.
 */
uint32_t pace_spend(const char *account, const uint32_t limit[PACE_KINDS],
    const uint32_t n[PACE_KINDS], uint64_t now_ms);
uint64_t pace_now(void); /* milliseconds */
size_t pace_size(void);

/* report.c: what sealctl(8) is told. */
enum count {
	COUNT_VAULT, /* and enum vault_count */
	COUNT_VAULTS = COUNT_VAULT + VAULT_COUNTS,
	COUNT_OPENERS,
	COUNT_DERIVING,
	COUNT_WAITING,
	COUNT_GUARDED,
	COUNT_RIGHT,
	COUNT_WRONG,
	COUNT_REFUSED,
	COUNT_PACED,
	COUNT_PACES,
	COUNTS
};
void report_init(void);
void report_add(unsigned int count, uint64_t);
struct master_state {
	unsigned int vaults;
	unsigned int openers;
	unsigned int deriving;
	unsigned int waiting;
};
void master_state(struct master_state *);

/* accounts.c */
struct account *account_find(const char *name);
struct account *account_get(const char *name); /* made if need be */
unsigned int account_vaults(void);             /* those that serve */
void account_tell(uint16_t type);              /* all of those */
/* Forgets it where nobody wants it any more. */
void account_tidy(struct account *);

/* peers.c: engines, deliverers, workers. */
void peer_wire(const char *role, unsigned int instance, int fd);
struct peer *peer_find(const char *role); /* the first; NULL: none */
/* A login's end before it began; why: REFUSED_* of store_wire.h. */
void peer_refuse(struct peer *, uint32_t id, uint8_t why);

/* clerks.c: what clerks ask of the master, and when there is to be one. */
struct escrow_wish;
struct store_domain;
void clerks_start(void);
void clerk_start(int fd, enum clerk_may);
bool clerk_message(struct child *, struct msg *); /* false: not one of its */
void clerk_kicked(struct child *);    /* the vault it waits for has ended */
void clerk_unaudited(struct child *); /* the same, amid an audit */
struct child *child_auditing(struct account *, uint32_t no); /* or NULL */
bool clerk_audited(struct account *, struct msg *); /* the vault tells */
void clerk_gone(struct child *);
/* What a domain, or NULL, wants of escrow slots. */
void domain_escrow(const struct store_domain *, struct escrow_wish *);

/* master.c */
void master_run(void); /* those whose turn it is */
struct child *child_new(enum store_child);
void child_free(struct child *);
const struct store_slice *master_config(void); /* NULL: not yet */
/* An account's domain; NULL: not of the configuration. */
const struct store_domain *domain_of(const char *account);
void master_start(int forker);
void master_slice(struct store_slice *); /* takes it */
void master_ctl(int fd, bool may_change);

/*
 * forker.c: never returns in the child; the descriptor for the master.  Takes
 * the base directory, opened before the sandbox, which shows only what is
 * below.
 */
int forker_start(int base);

/* opener.c, clerk.c: a child's whole life; what they inherit, before. */
void opener_init(int base);
void opener_main(int master, int base) __attribute__((noreturn));
void clerk_main(int master, int base) __attribute__((noreturn));

/* create.c */
struct seal_kdf;
struct creation {
	const char *account;
	const char *password;
	size_t len;
	const struct seal_kdf *kdf;
	unsigned int host;
	uint64_t quota;        /* 0: none */
	uint32_t waiting_days; /* of undrained mail; 0: for ever */
	const uint8_t *escrow; /* public key; NULL: no such slot */
};
/*
 * Makes an account.  The password may be empty: then one is made, into made
 * (SEAL_PASSWORD_SIZE; else empty).  The recovery code goes to code
 * (SEAL_CODE_SIZE).  0; -1, or ACCOUNT_EXISTS, with a one-line reason.
 */
#define ACCOUNT_EXISTS (-2)
int account_make(int base, const struct creation *, char *made, char *code,
    const char **reason);
/* Changes one limit and keeps the others. */
enum limit {
	LIMIT_DISABLE = CTL_LIMIT_DISABLE,
	LIMIT_ENABLE = CTL_LIMIT_ENABLE,
	LIMIT_QUOTA = CTL_LIMIT_QUOTA,
	LIMIT_BOTH = CTL_LIMIT_BOTH
};
int account_limit(int base, const char *account, enum limit, uint64_t quota,
    uint64_t max_messages, const char **reason);
/* Gives it another name; its vault must have ended. */
int account_rename(
    int base, const char *account, const char *to, const char **reason);
/* Moves it to removed/; its vault must have ended. */
int account_remove(int base, const char *account, const char **reason);
/* sweep.c */
struct sweep_total {
	uint32_t accounts;
	uint32_t failed;
	uint64_t trashed; /* blobs and deliveries, to trash/ */
	uint64_t removed; /* files, for good */
};
/* grace: seconds that files stay in trash/, STORE_GRACE or less. */
enum store_result sweep_all(int base, int64_t grace, struct sweep_total *);
enum store_result
sweep_one(int base, const char *account, int64_t grace, struct sweep_total *);

/* 0 once nobody holds the account's lock; -1 after LOCK_WAIT_MS. */
int account_unlocked(int acct);

#endif
