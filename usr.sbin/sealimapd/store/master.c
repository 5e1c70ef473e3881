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
 * The master's processes: openers and vaults, the wires that bring them
 * together, and when a login has its turn.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <errno.h>
#include <event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "master.h"
#include "msg.h"
#include "vault.h"

#include "../imap_config.h"
#include "../worker_wire.h"

#define KIB 1024

static struct {
	struct wire *forker;
	struct store_slice *slice;
	TAILQ_HEAD(, child) children;
	unsigned int deriving;
	unsigned int suspects; /* of them: for sources that are */
	unsigned int openers;
	uint32_t number; /* of the last child */
} master = {.children = TAILQ_HEAD_INITIALIZER(master.children)};

static void forker_message(struct wire *, struct msg *, void *);
static void forker_gone(struct wire *, void *);
static bool ready(const struct waiter *);
static void waiter_run(struct waiter *);
static void child_message(struct wire *, struct msg *, void *);
static void child_gone(struct wire *, void *);
static bool wants_vault(const struct child *);
static void opener_start(struct waiter *);
static void opener_wants(struct child *, const struct msg *);
static void opener_derived(struct child *);
static void opener_judged(struct child *, bool);
static void opener_pause(struct child *, bool);
static void suspects_pause(void);
static void opener_over(struct child *);
static void opener_mayi(struct child *, const struct msg *);
static bool vault_link(struct account *, struct child *);
static void vault_up(struct child *);
static void vault_ended(struct account *);
static void vault_worker(struct child *, const struct msg *);
static void vault_clerk(struct child *, const struct msg *);

void
master_start(int fd)
{
	master.forker = wire_new(fd, forker_message, forker_gone, NULL);
	clerks_start();
	queue_start();
}

void
master_slice(struct store_slice *slice)
{
	if (slice->n_domains == 0)
		fatalx("config: no domain");
	store_slice_free(master.slice);
	master.slice = slice;
	log_addr_clear(slice->log_addresses);
	guard_limits(slice->failures_source, slice->failures_user);
	account_tell(MASTER_VAULT_NEWS);
	master_run();
}

void
master_state(struct master_state *s)
{
	s->vaults = account_vaults();
	s->openers = master.openers;
	s->deriving = master.deriving;
	s->waiting = queue_length();
}

static void
forker_message(struct wire *w, struct msg *m, void *arg)
{
	fatalx("forker: unknown message type=%u", m->type);
}

static void
forker_gone(struct wire *w, void *arg)
{
	/* The parent starts all of imap-store anew. */
	fatalx("the forker ended");
}

void
master_run(void)
{
	struct waiter *w;

	while (master.slice != NULL && (w = queue_next(ready)) != NULL)
		waiter_run(w);
}

/*
 * Suspects leave one core to others, where there are several, and begin
 * nothing beside the others' derivations, which fill the memory's bandwidth,
 * unless it is their turn.
 */
static bool
core_free(bool suspect)
{
	unsigned int n = master.slice->derivations;

	if (master.deriving >= n)
		return false;
	if (!suspect || n == 1)
		return true;
	return master.suspects < n - 1 &&
	    (master.deriving == master.suspects || queue_suspects_turn());
}

/*
 * A login has an opener as soon as there may be one more; that one has the
 * secret from the engine before it asks for a core, so an engine that says
 * nothing keeps no core from others.  An opener whose account has got a vault
 * meanwhile asks that first: it costs a hash.  One account has one core.  Of
 * everything there is some that suspects do not get.
 */
static bool
ready(const struct waiter *w)
{
	const struct account *a = w->account;
	bool suspect = queue_suspect(w->source);
	unsigned int share = suspect ? 2 : 1;

	if (w->child != NULL) {
		if (wants_vault(w->child))
			return a->up;
		return a->deriving == 0 && core_free(suspect);
	}
	if (master.openers >= OPENERS_MAX / share ||
	    queue_openers(w->source) >= SOURCE_OPENERS_MAX)
		return false;
	if (a->vault != NULL)
		return a->up && a->openers < TRY_MAX / share;
	return a->silent + a->asking < SILENT_MAX / share;
}

/* There is a vault that this opener has not asked. */
static bool
wants_vault(const struct child *c)
{
	return c->account->vault != NULL && !c->tried &&
	    c->service != SERVICE_MANAGE;
}

static void
waiter_run(struct waiter *w)
{
	struct child *c = w->child;

	if (c == NULL) {
		opener_start(w);
	} else {
		c->waiter = NULL;
		c->account->asking--;
		if (wants_vault(c)) {
			(void)vault_link(c->account, c);
		} else {
			c->deriving = true;
			c->suspect = queue_suspect(c->source);
			w->account->deriving++;
			master.deriving++;
			master.suspects += c->suspect;
			msg_signal(c->wire, MASTER_OPENER_GO, w->id);
			suspects_pause();
		}
	}
	free(w);
}

const struct store_slice *
master_config(void)
{
	return master.slice;
}

const struct store_domain *
domain_of(const char *account)
{
	const struct store_slice *s = master.slice;
	const char *at;

	at = strrchr(account, '@');
	for (size_t i = 0; at != NULL && i < s->n_domains; i++) {
		if (strcmp(s->domains[i].name, at + 1) == 0)
			return &s->domains[i];
	}
	return NULL;
}

struct child *
child_new(enum store_child kind)
{
	struct msgout *out;
	struct child *c;
	int fds[2];

	if (wire_pair(fds) == -1) {
		log_warn("socketpair");
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		fatal("out of memory");
	c->clerk = kind == CHILD_CLERK;
	c->wire = wire_new(fds[0], child_message, child_gone, c);
	TAILQ_INSERT_TAIL(&master.children, c, entry);
	c->number = ++master.number;
	out = msg_new(master.forker, MASTER_FORKER_CHILD, 0);
	msg_put_u8(out, (uint8_t)kind);
	msg_put_u32(out, c->number);
	msg_put_fd(out, fds[1]);
	msg_send(out);
	return c;
}

void
child_free(struct child *c)
{
	TAILQ_REMOVE(&master.children, c, entry);
	wire_free(c->wire);
	free(c);
}

static void
opener_start(struct waiter *w)
{
	const struct store_domain *d;
	struct account *a = w->account;
	struct escrow_wish escrow;
	struct msgout *out;
	struct child *c;
	int fds[2];

	if (wire_pair(fds) == -1 || (c = child_new(CHILD_OPENER)) == NULL) {
		log_warn("login refused, out of descriptors");
		peer_refuse(w->peer, w->id, REFUSED_UNAVAILABLE);
		account_tidy(a);
		return;
	}
	(void)strlcpy(c->from, w->from, sizeof(c->from));
	c->source = queue_hold(w->from);
	c->account = a;
	c->service = w->service;
	c->trusted = w->trusted;
	c->silent = true;
	a->silent++;
	a->openers++;
	master.openers++;
	d = domain_of(a->name);
	domain_escrow(d, &escrow);
	/* Elsewhere a password costs what it costs in the first domain. */
	if (d == NULL)
		d = &master.slice->domains[0];
	out = msg_new(c->wire, MASTER_OPENER_START, 1);
	msg_put_str(out, a->name);
	msg_put_u8(out, w->service);
	msg_put_u8(out, master.slice->host_index);
	msg_put_u8(out, a->vault != NULL);
	msg_put_u8(out, queue_suspect(c->source));
	msg_put_u64(out, d->kdf_passes);
	msg_put_u64(out, (uint64_t)d->kdf_kib * KIB);
	msg_put_u32(out, master.slice->linger);
	msg_put_u32(out, master.slice->sessions_max);
	msg_put_u32(out, d->trash_days);
	msg_put_u32(out, d->spam_days);
	msg_put_u8(out, log_is_verbose() > 0);
	msg_put_u8(out, master.slice->log_addresses);
	escrow_wish_put(out, &escrow);
	msg_put_fd(out, fds[1]);
	msg_send(out);
	if (a->vault != NULL)
		(void)vault_link(a, c);
	out = msg_new(w->peer->wire, MASTER_ENGINE_OPENER, w->id);
	msg_put_fd(out, fds[0]);
	msg_send(out);
}

/* A wire between an opener and the account's vault. */
static bool
vault_link(struct account *a, struct child *c)
{
	struct msgout *out;
	int fds[2];

	if (wire_pair(fds) == -1) {
		log_warn("socketpair");
		wire_fail(c->wire);
		return false;
	}
	out = msg_new(a->vault->wire, MASTER_VAULT_OPENER, 0);
	msg_put_fd(out, fds[0]);
	msg_send(out);
	out = msg_new(c->wire, MASTER_OPENER_VAULT, 1);
	msg_put_fd(out, fds[1]);
	msg_send(out);
	c->tried = true;
	return true;
}

static void
child_message(struct wire *wire, struct msg *m, void *arg)
{
	struct child *c = arg;
	bool vault, opener, right, good = true;

	if (c->clerk) {
		if (!clerk_message(c, m))
			goto bad;
		return;
	}
	vault = c->account->vault == c;
	/* What was a vault is no opener again. */
	opener = !vault && c->source != NULL;
	switch (m->type) {
	case OPENER_MASTER_DERIVE:
		good = opener && !c->deriving && c->waiter == NULL;
		if (good && (good = msg_end(m) == 0))
			opener_wants(c, m);
		break;
	case OPENER_MASTER_DERIVED:
		right = msg_get_u8(m) != 0;
		good = opener && c->deriving && msg_end(m) == 0;
		if (good) {
			queue_outcome(c->source, right);
			opener_derived(c);
		}
		break;
	case OPENER_MASTER_MAYI:
		good = opener && !c->deriving && c->waiter == NULL &&
		    msg_end(m) == 0;
		if (good)
			opener_mayi(c, m);
		break;
	case OPENER_MASTER_RIGHT:
	case OPENER_MASTER_WRONG:
		good = opener && !c->judged && msg_end(m) == 0;
		if (good)
			opener_judged(c, m->type == OPENER_MASTER_RIGHT);
		break;
	case VAULT_MASTER_UP:
		good = vault;
		c->account->pid = msg_get_u32(m);
		good = good && msg_end(m) == 0;
		if (good)
			vault_up(c);
		break;
	case VAULT_MASTER_COUNTS:
		good = vault;
		for (unsigned int i = 0; good && i < VAULT_COUNTS; i++)
			report_add(COUNT_VAULT + i, msg_get_u64(m));
		good = good && msg_end(m) == 0;
		break;
	case VAULT_MASTER_SESSIONS:
		good = vault;
		c->account->sessions = msg_get_u32(m);
		good = good && msg_end(m) == 0;
		break;
	case VAULT_MASTER_ENDING:
		good = vault && msg_end(m) == 0;
		if (good)
			vault_ended(c->account);
		break;
	case VAULT_MASTER_AUDITED:
		good = vault && clerk_audited(c->account, m);
		break;
	case VAULT_MASTER_WORKER:
		good = vault && msg_end(m) == 0;
		if (good)
			vault_worker(c, m);
		break;
	case VAULT_MASTER_CLERK:
		good = vault && msg_end(m) == 0;
		if (good)
			vault_clerk(c, m);
		break;
	default:
		good = false;
		break;
	}
	if (good)
		return;
bad:
	log_warnx("bad message child=%s type=%u",
	    c->clerk ? "clerk" : "opener-or-vault", m->type);
	wire_fail(wire);
}

static void
child_gone(struct wire *wire, void *arg)
{
	struct child *c = arg;
	struct account *a = c->account;

	if (c->clerk) {
		clerk_gone(c);
		return;
	}
	if (c->waiter != NULL) {
		queue_remove(c->waiter);
		free(c->waiter);
		a->asking--;
	}
	opener_derived(c);
	if (a->vault == c) {
		log_warnx("account=%s its vault ended without a word",
		    log_addr(a->name));
		vault_ended(a);
	}
	opener_over(c);
	a->openers--;
	child_free(c);
	account_tidy(a);
	master_run();
}

/* It is none any more, or is the vault. */
static void
opener_over(struct child *c)
{
	if (c->silent)
		c->account->silent--;
	c->silent = false;
	if (c->source == NULL)
		return;
	queue_release(c->source);
	c->source = NULL;
	master.openers--;
}

/* It has a secret that no vault knew: it must derive. */
static void
opener_wants(struct child *c, const struct msg *m)
{
	struct waiter *w;

	if (c->silent)
		c->account->silent--;
	c->silent = false;

	w = calloc(1, sizeof(*w));
	if (w == NULL)
		fatal("out of memory");
	w->child = c;
	w->account = c->account;
	w->id = m->id;
	if (queue_add(w, c->from) == -1) {
		free(w);
		msg_signal(c->wire, MASTER_OPENER_BUSY, m->id);
		return;
	}
	c->waiter = w;
	c->account->asking++;
	master_run();
}

/* By its secret, which it was sent by an engine. */
static void
opener_judged(struct child *c, bool right)
{
	c->judged = true;
	report_add(right ? COUNT_RIGHT : COUNT_WRONG, 1);
	if (right)
		guard_right(c->from, c->account->name);
	else
		guard_wrong(c->from, c->trusted, c->account->name);
}

static void
opener_derived(struct child *c)
{
	if (!c->deriving)
		return;
	c->deriving = false;
	c->account->deriving--;
	master.deriving--;
	master.suspects -= c->suspect;
	/* It may be told before it is stopped, and be a vault. */
	opener_pause(c, false);
	suspects_pause();
}

static void
opener_pause(struct child *c, bool pause)
{
	struct msgout *out;

	if (c->paused == pause)
		return;
	c->paused = pause;
	out = msg_new(master.forker, MASTER_FORKER_PAUSE, 0);
	msg_put_u32(out, c->number);
	msg_put_u8(out, pause);
	msg_send(out);
}

/*
 * While somebody else derives, what derives for suspects stands still: it
 * fills caches and the memory's bandwidth at any priority.  When it is their
 * turn they go on beside the others, so nobody waits for ever.
 */
static void
suspects_pause(void)
{
	bool pause = master.deriving > master.suspects &&
	    !queue_suspects_turn();
	struct child *c;

	if (master.suspects == 0)
		return;
	TAILQ_FOREACH (c, &master.children, entry)
		if (c->deriving && c->suspect)
			opener_pause(c, pause);
}

/*
 * It has the master key.  Whoever comes first is the vault; the queue waits
 * with this account until it is up or gone.
 */
static void
opener_mayi(struct child *c, const struct msg *m)
{
	struct account *a = c->account;

	if (a->vault != NULL) {
		(void)vault_link(a, c);
	} else {
		opener_judged(c, true);
		a->vault = c;
		a->up = false;
		a->sessions = 0;
		a->pid = 0;
		a->openers--;
		opener_over(c);
		msg_signal(c->wire, MASTER_OPENER_BE, m->id);
	}
	master_run();
}

static void
vault_up(struct child *c)
{
	c->account->up = true;
	master_run();
}

/* It takes no more sessions; it may still hold the lock for a moment. */
static void
vault_ended(struct account *a)
{
	struct child *c;

	if (a->vault == NULL)
		return;
	a->openers++; /* it counts as one until it is gone */
	a->vault = NULL;
	a->up = false;
	a->sessions = 0;
	a->pid = 0;
	TAILQ_FOREACH (c, &master.children, entry) {
		if (c->kick == a)
			clerk_kicked(c);
		if (c->audit == a)
			clerk_unaudited(c);
	}
}

/* The clerk that waits for that audit. */
struct child *
child_auditing(struct account *a, uint32_t no)
{
	struct child *c;

	TAILQ_FOREACH (c, &master.children, entry)
		if (c->audit == a && c->audit_no == no)
			break;
	return c;
}

static void
vault_worker(struct child *c, const struct msg *m)
{
	struct peer *worker;
	struct msgout *out;
	int fds[2];

	worker = peer_find("imap-worker");
	if (worker == NULL || wire_pair(fds) == -1) {
		msg_signal(c->wire, MASTER_VAULT_WORKER, m->id);
		return;
	}
	out = msg_new(worker->wire, STORE_WORKER_OPEN, 0);
	msg_put_u32(out, WORKER_WIRE_VERSION);
	msg_put_u8(out, m->id == WORKER_FOR_INDEX);
	msg_put_fd(out, fds[0]);
	msg_send(out);
	out = msg_new(c->wire, MASTER_VAULT_WORKER, m->id);
	msg_put_fd(out, fds[1]);
	msg_send(out);
}

/* A clerk of its own, where it is an administrator's. */
static void
vault_clerk(struct child *c, const struct msg *m)
{
	const struct store_slice *s = master.slice;
	struct msgout *out;
	int fds[2];
	size_t i;

	for (i = 0; i < s->n_administrators; i++)
		if (strcmp(s->administrators[i], c->account->name) == 0)
			break;
	if (i == s->n_administrators || wire_pair(fds) == -1) {
		msg_signal(c->wire, MASTER_VAULT_CLERK, m->id);
		return;
	}
	clerk_start(fds[0], CLERK_QUOTA);
	out = msg_new(c->wire, MASTER_VAULT_CLERK, m->id);
	msg_put_fd(out, fds[1]);
	msg_send(out);
}
