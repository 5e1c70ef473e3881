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
 * The vault's frame: it has one user's keys and serves that user's sessions.
 *
 *	master --(openers, mail, kick)--> vault.c --> vault_session.c --> jobs
 *	engines --(vault_wire.h)------------------------^	  |
 *	worker <--(vault_search.c)---------------------------------'
 *
 * Everything runs from one event loop.  What the jobs of one turn changed is
 * committed once, at its end; then all their answers go out.  After a failed
 * commit nothing more is said and the process ends: the next vault reads what
 * the disk has.
 */

#include <sys/types.h>
#include <sys/time.h>
#include <sys/queue.h>

#include <errno.h>
#include <event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "log.h"
#include "seal_keys.h"
#include "vault.h"
#include "vault_local.h"

#define OPENERS_MAX 64
#define LOCK_STEP_MS 20

/* A process that has somebody's secret to show. */
struct opener {
	TAILQ_ENTRY(opener) entry;
	struct wire *wire;
	uint8_t nonce[NONCE_LEN];
	uint8_t tag[TAG_LEN];
	bool tried;
	bool known;
	uint32_t slot;
	uint8_t scope;
};

static struct {
	const struct vault_start *start;
	struct store *store;
	struct wire *master;
	TAILQ_HEAD(, session) sessions;
	TAILQ_HEAD(, opener) openers;
	unsigned int nsessions;
	unsigned int nopeners;
	bool relocked; /* the keys are others now: it ends */
	bool ending;
	bool stepping; /* see on_run() */
	struct event commit_ev;
	struct event run_ev;
	struct event retry_ev;
	struct event linger_ev;
	struct event worker_ev;
} vault;

static void vault_open(struct vault_start *);
static void refuse(int fd, uint8_t why);
static void events_init(void);
static void later(struct event *, int ms);
static void on_commit(int, short, void *);
static void on_run(int, short, void *);
static void on_linger(int, short, void *);
static void on_worker(int, short, void *);
static void vault_end(void);
static void
vault_changed(void *, uint64_t, enum store_change, uint32_t, uint32_t);
static void session_add(int fd, uint32_t slot, uint8_t scope);
static void sessions_report(void);
static void master_message(struct wire *, struct msg *, void *);
static void master_gone(struct wire *, void *);
static void vault_kick(void);
static void opener_add(int fd);
static void opener_free(struct opener *);
static void opener_message(struct wire *, struct msg *, void *);
static void opener_gone(struct wire *, void *);
static void opener_try(struct opener *, struct msg *);
static void opener_session(struct opener *, struct msg *);
static void opener_manage(struct opener *, struct msg *);
static void manage(int fd, const struct slot_change *);

void
vault_main(struct vault_start *start)
{
	uint8_t tag[TAG_LEN];
	struct msgout *o;

	setproctitle("vault");
	(void)event_init();
	vault.start = start;
	if (keys_open(start) == -1) {
		log_warn("account=%s its slots cannot be read",
		    log_addr(start->account));
		refuse(start->session, REFUSED_UNAVAILABLE);
		explicit_bzero(start->secret, start->secret_len);
		seal_ring_free(start->ring);
		exit(1);
	}
	TAILQ_INIT(&vault.sessions);
	TAILQ_INIT(&vault.openers);
	vault_open(start);
	events_init();
	tags_init(start->ring);
	tag_of(start->secret, start->secret_len, tag);
	explicit_bzero(start->secret, start->secret_len);
	if (start->change.op == 0)
		tag_add(tag, start->slot, start->scope);
	explicit_bzero(tag, sizeof(tag));

	vault.master = wire_new(
	    start->master, master_message, master_gone, NULL);
	o = msg_new(vault.master, VAULT_MASTER_UP, 0);
	msg_put_u32(o, (uint32_t)getpid());
	msg_send(o);
	count_begin(vault.master);
	upkeep_init();
	if (start->change.op != 0) {
		manage(start->session, &start->change);
		sessions_report();
	} else
		session_add(start->session, start->slot, start->scope);
	if (start->change.op == 0)
		keys_raise(&start->change);
	explicit_bzero(&start->change, sizeof(start->change));
	(void)event_dispatch();
	fatalx("the event loop ended");
}

/* Opens the store, or tells the waiting engine why not and exits. */
static void
vault_open(struct vault_start *start)
{
	enum store_result result = STORE_LOCKED;
	int i;

	/* A sweep holds the lock for moments. */
	for (i = 0; i < LOCK_WAIT_MS / LOCK_STEP_MS; i++) {
		result = store_open_host(start->base, start->acct, start->ring,
		    start->host, &vault.store);
		if (result != STORE_LOCKED)
			break;
		(void)poll(NULL, 0, LOCK_STEP_MS);
	}
	if (result != STORE_OK) {
		log_warn("account=%s cannot be opened: %s",
		    log_addr(start->account), store_strerror(result));
		refuse(start->session,
		    result == STORE_CORRUPT ? REFUSED_DAMAGED :
					      REFUSED_UNAVAILABLE);
		explicit_bzero(start->secret, start->secret_len);
		seal_ring_free(start->ring);
		exit(1);
	}
	if (store_put_back(vault.store))
		log_warnx("account=%s was put back from a backup, or rebuilt: "
			  "what came after it may be lost, new mail gets "
			  "higher UIDs",
		    log_addr(start->account));
	if (store_damage(vault.store) != NULL)
		log_warnx("account=%s opened read-only: %s",
		    log_addr(start->account), store_damage(vault.store));
	store_set_notify(vault.store, vault_changed, NULL);
	store_set_expiry(vault.store, start->trash_days, start->spam_days);
}

static void
refuse(int fd, uint8_t why)
{
	struct msgout *o;

	o = msg_new_fd(fd, OPENER_ENGINE_NO, 0);
	msg_put_u8(o, why);
	(void)msg_send_wait(o, 1000);
	close(fd);
}

static void
events_init(void)
{
	evtimer_set(&vault.commit_ev, on_commit, NULL);
	evtimer_set(&vault.run_ev, on_run, NULL);
	evtimer_set(&vault.retry_ev, on_run, NULL);
	evtimer_set(&vault.linger_ev, on_linger, NULL);
	evtimer_set(&vault.worker_ev, on_worker, NULL);
}

static void
later(struct event *ev, int ms)
{
	struct timeval tv;

	tv.tv_sec = ms / 1000;
	tv.tv_usec = (ms % 1000) * 1000;
	(void)evtimer_add(ev, &tv);
}

struct store *
vault_store(void)
{
	return vault.store;
}

const char *
vault_account(void)
{
	return vault.start->account;
}

struct session *
vault_session_next(struct session *s)
{
	return s == NULL ? TAILQ_FIRST(&vault.sessions) : TAILQ_NEXT(s, entry);
}

int64_t
vault_now(void)
{
	return (int64_t)time(NULL);
}

void *
vault_alloc(size_t n, size_t size)
{
	void *p;

	if ((p = calloc(n, size)) == NULL)
		fatal("out of memory");
	return p;
}

bool
vault_stepping(void)
{
	return vault.stepping;
}

void
vault_want_commit(void)
{
	if (!evtimer_pending(&vault.commit_ev, NULL))
		later(&vault.commit_ev, 0);
}

void
vault_run_now(void)
{
	on_run(-1, 0, NULL);
}

void
vault_run_soon(void)
{
	if (!evtimer_pending(&vault.run_ev, NULL))
		later(&vault.run_ev, 0);
}

void
vault_retry(void)
{
	if (!evtimer_pending(&vault.retry_ev, NULL))
		later(&vault.retry_ev, RETRY_MS);
}

static void
on_commit(int fd, short what, void *arg)
{
	vault_commit();
	on_run(-1, 0, NULL);
}

void
vault_commit(void)
{
	enum store_result result;

	if (!store_pending(vault.store))
		return;
	result = store_commit(vault.store);
	count_add(VAULT_COMMITS, 1);
	if (result != STORE_OK)
		vault_fail(store_strerror(result));
	upkeep_soon();
}

/* All sessions have their turn; those that ended are freed here alone. */
static void
on_run(int fd, short what, void *arg)
{
	struct session *s, *next;
	unsigned int ended = 0;

	TAILQ_FOREACH (s, &vault.sessions, entry)
		session_run(s);
	/* All are answered: now long changes may go on, a piece of each. */
	vault.stepping = true;
	TAILQ_FOREACH (s, &vault.sessions, entry)
		if (session_changing(s))
			session_run(s);
	vault.stepping = false;
	TAILQ_FOREACH_SAFE (s, &vault.sessions, entry, next) {
		if (!s->dead)
			continue;
		TAILQ_REMOVE(&vault.sessions, s, entry);
		session_free(s);
		vault.nsessions--;
		ended++;
	}
	if (ended > 0)
		sessions_report();
}

void
vault_reap(struct session *s)
{
	s->dead = true;
	vault_run_soon();
}

static void
on_linger(int fd, short what, void *arg)
{
	if (vault.relocked || (vault.nsessions == 0 && vault.nopeners == 0))
		vault_end();
}

void
vault_want_worker(enum worker_for what)
{
	msg_signal(vault.master, VAULT_MASTER_WORKER, what);
}

void
vault_want_clerk(void)
{
	msg_signal(vault.master, VAULT_MASTER_CLERK, 1);
}

struct msgout *
vault_to_master(uint32_t type, uint32_t id)
{
	return vault.master == NULL ? NULL : msg_new(vault.master, type, id);
}

void
vault_worker_quiet(void)
{
	later(&vault.worker_ev, WORKER_LINGER_S * 1000);
}

static void
on_worker(int fd, short what, void *arg)
{
	if (!pool_release())
		vault_worker_quiet();
}

/* The disk and this process no longer agree: say goodbye, touch nothing. */
void
vault_fail(const char *why)
{
	struct session *s;

	log_warn("account=%s the store failed: %s",
	    log_addr(vault.start->account), why);
	TAILQ_FOREACH (s, &vault.sessions, entry)
		session_bye(s, 2);
	store_abandon(vault.store);
	tags_end();
	msg_wipe();
	exit(1);
}

static void
vault_end(void)
{
	struct session *s;
	enum store_result result;

	if (vault.ending)
		return;
	vault.ending = true;
	if (vault.master != NULL) {
		count_end();
		msg_signal(vault.master, VAULT_MASTER_ENDING, 0);
	}
	TAILQ_FOREACH (s, &vault.sessions, entry)
		session_bye(s, 1);
	pool_end();
	index_end();
	audit_asked_end();
	result = store_close(vault.store);
	if (result != STORE_OK)
		log_warn("account=%s closing: %s",
		    log_addr(vault.start->account), store_strerror(result));
	tags_end();
	msg_wipe();
	exit(result != STORE_OK);
}

static void
vault_changed(void *arg, uint64_t box, enum store_change change, uint32_t uid,
    uint32_t pos)
{
	session_changed(box, change, uid);
}

static void
session_add(int fd, uint32_t slot, uint8_t scope)
{
	struct session *s;
	struct msgout *o;
	uint64_t id;

	if (vault.nsessions >= vault.start->sessions_max) {
		refuse(fd, REFUSED_LIMIT);
		return;
	}
	randombytes_buf(&id, sizeof(id));
	s = session_new(fd, id, slot, scope);
	TAILQ_INSERT_TAIL(&vault.sessions, s, entry);
	vault.nsessions++;
	count_add(VAULT_SESSIONS, 1);
	count_login(vault.start->acct);
	session_notes(s);
	o = msg_new(s->wire, VAULT_ENGINE_WELCOME, 0);
	msg_put_u8(o, scope);
	msg_put_u32(o, slot);
	msg_put_u64(o, id);
	msg_put_str(o, vault.start->account);
	msg_send(o);
	sessions_report();
	upkeep_session();
}

static void
sessions_report(void)
{
	struct msgout *o;

	o = msg_new(vault.master, VAULT_MASTER_SESSIONS, 0);
	msg_put_u32(o, vault.nsessions);
	msg_send(o);
	if (vault.relocked)
		return;
	if (vault.nsessions == 0)
		later(&vault.linger_ev, (int)vault.start->linger * 1000);
	else
		(void)evtimer_del(&vault.linger_ev);
}

static void
master_message(struct wire *w, struct msg *m, void *arg)
{
	int fd;

	switch (m->type) {
	case MASTER_VAULT_OPENER:
		if ((fd = msg_get_fd(m)) != -1)
			opener_add(fd);
		break;
	case MASTER_VAULT_MAIL:
		upkeep_mail();
		break;
	case MASTER_VAULT_NEWS:
		upkeep_news();
		break;
	case MASTER_VAULT_WORKER:
		/* Without a descriptor: there is none to be had. */
		(m->id == WORKER_FOR_INDEX ? index_worker : pool_worker)(
		    m->fd == -1 ? -1 : msg_get_fd(m));
		break;
	case MASTER_VAULT_CLERK:
		quota_clerk(m->fd == -1 ? -1 : msg_get_fd(m));
		break;
	case MASTER_VAULT_AUDIT:
		audit_asked(m->id);
		break;
	case MASTER_VAULT_KICK:
		vault_kick();
		break;
	default:
		fatalx("master: unknown message type=%u", m->type);
	}
}

static void
master_gone(struct wire *w, void *arg)
{
	count_begin(NULL);
	vault.master = NULL;
	vault_end();
}

static void
vault_kick(void)
{
	vault_commit();
	vault_end();
}

static void
opener_add(int fd)
{
	struct opener *o;

	if (vault.nopeners >= OPENERS_MAX) {
		close(fd);
		return;
	}
	o = vault_alloc(1, sizeof(*o));
	o->wire = wire_new(fd, opener_message, opener_gone, o);
	TAILQ_INSERT_TAIL(&vault.openers, o, entry);
	vault.nopeners++;
}

static void
opener_free(struct opener *o)
{
	TAILQ_REMOVE(&vault.openers, o, entry);
	vault.nopeners--;
	wire_free(o->wire);
	freezero(o, sizeof(*o));
	if (!vault.relocked && vault.nsessions == 0 && vault.nopeners == 0)
		later(&vault.linger_ev, (int)vault.start->linger * 1000);
}

static void
opener_gone(struct wire *w, void *arg)
{
	opener_free(arg);
}

static void
opener_message(struct wire *w, struct msg *m, void *arg)
{
	struct opener *o = arg;

	switch (m->type) {
	case OPENER_VAULT_TRY:
		opener_try(o, m);
		break;
	case OPENER_VAULT_SESSION:
		opener_session(o, m);
		break;
	case OPENER_VAULT_MANAGE:
		opener_manage(o, m);
		break;
	default:
		log_warnx("opener: unknown message type=%u", m->type);
		opener_free(o);
		break;
	}
}

/* A wrong secret costs one hash. */
static void
opener_try(struct opener *o, struct msg *m)
{
	const uint8_t *secret;
	struct msgout *out;
	size_t len;
	uint8_t service;

	secret = msg_get_bytes(m, &len, SECRET_MAX);
	service = msg_get_u8(m);
	if (msg_end(m) == -1 || o->tried) {
		opener_free(o);
		return;
	}
	o->tried = true;
	tag_of(secret, len, o->tag);
	if (service != SERVICE_MANAGE &&
	    tag_known(o->tag, &o->slot, &o->scope)) {
		o->known = true;
		out = msg_new(o->wire, VAULT_OPENER_KNOWN, m->id);
		msg_put_u32(out, o->slot);
		msg_put_u8(out, o->scope);
	} else {
		randombytes_buf(o->nonce, sizeof(o->nonce));
		out = msg_new(o->wire, VAULT_OPENER_UNKNOWN, m->id);
		msg_put_raw(out, o->nonce, sizeof(o->nonce));
	}
	msg_send(out);
}

static void
opener_session(struct opener *o, struct msg *m)
{
	uint8_t proof[32], scope;
	struct escrow_wish escrow;
	struct slot_change raised = {0};
	uint64_t rev;
	uint32_t slot;
	int fd;

	slot = msg_get_u32(m);
	scope = msg_get_u8(m);
	(void)msg_get_u8(m);
	(void)msg_get_raw(m, proof, sizeof(proof));
	rev = msg_get_u64(m);
	slot_records_get(m, &raised);
	escrow_wish_get(m, &escrow);
	fd = msg_get_fd(m);
	if (msg_end(m) == -1 || !o->tried) {
		if (fd != -1)
			close(fd);
		opener_free(o);
		return;
	}
	if (o->known) {
		slot = o->slot;
		scope = o->scope;
		/* It may have been changed since. */
		rev = keys_revision(slot);
		if (!tag_of_slot(slot))
			rev = 0;
	} else if (!proof_good(o->nonce, slot, proof)) {
		log_warnx("an opener's proof is wrong");
		close(fd);
		opener_free(o);
		return;
	}
	msg_signal(o->wire, VAULT_OPENER_TAKEN, m->id);
	if (rev == 0 || !keys_live(slot, rev)) {
		refuse(fd, REFUSED_CREDENTIALS);
		return;
	}
	if (!o->known)
		tag_add(o->tag, slot, scope);
	session_add(fd, slot, scope);
	keys_raise(&raised);
	keys_login(&escrow);
	/* The wire goes when the opener does. */
}

static void
opener_manage(struct opener *o, struct msg *m)
{
	struct slot_change c;
	uint8_t proof[32];
	uint64_t rev;
	uint32_t slot;
	int fd;

	slot = msg_get_u32(m);
	rev = msg_get_u64(m);
	(void)msg_get_raw(m, proof, sizeof(proof));
	slot_change_get(m, &c);
	fd = msg_get_fd(m);
	if (msg_end(m) == -1 || !o->tried || o->known ||
	    !proof_good(o->nonce, slot, proof)) {
		log_warnx("an opener's change is malformed or not proved");
		if (fd != -1)
			close(fd);
		opener_free(o);
	} else {
		msg_signal(o->wire, VAULT_OPENER_TAKEN, m->id);
		if (keys_live(slot, rev))
			manage(fd, &c);
		else
			refuse(fd, REFUSED_CREDENTIALS);
	}
	explicit_bzero(&c, sizeof(c));
}

/* One change, whole, and its answer; the wire is used for nothing else. */
static void
manage(int fd, const struct slot_change *c)
{
	struct manage_answer a;
	struct msgout *out;
	enum keys_after after;

	vault_commit();
	if (c->op == SLOT_CONFIRM || c->op == SLOT_PURGE) {
		deleted_change(c->op, &a);
		after = KEYS_STAY;
		upkeep_now();
	} else
		after = keys_change(c, &a);
	log_info("account=%s slots op=%s result=%s slot=%u",
	    log_addr(vault.start->account), slot_op_name(c->op),
	    slot_result_name(a.result), a.slot);
	out = msg_new_fd(fd, VAULT_ENGINE_MANAGED, 0);
	manage_answer_put(out, &a);
	(void)msg_send_wait(out, 1000);
	explicit_bzero(&a, sizeof(a));
	close(fd);
	if (after == KEYS_END) {
		vault.relocked = true;
		later(&vault.linger_ev, 0);
	}
}

void
vault_slot_ended(uint32_t slot)
{
	struct session *s;

	tag_forget(slot);
	TAILQ_FOREACH (s, &vault.sessions, entry)
		if (s->slot == slot)
			session_bye(s, 4);
}
