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
 * The master's side of the clerks: what they ask it, and the daily one.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <event.h>
#include <string.h>
#include <unistd.h>

#include "master.h"
#include "msg.h"
#include "vault.h"

#include "../imap_config.h"

#define KIB 1024
#define SWEEP_FIRST_S 600
#define SWEEP_EVERY_S 86400

static void on_sweep(int, short, void *);
static void clerk_kdf(struct child *, struct msg *);
static void clerk_sessions(struct child *, struct msg *);
static void clerk_kick(struct child *, struct msg *);
static void clerk_audit(struct child *, struct msg *);
static void clerk_state(struct child *, enum audit_state);

static struct event sweep_ev;

void
clerks_start(void)
{
	struct timeval tv = {SWEEP_FIRST_S, 0};

	evtimer_set(&sweep_ev, on_sweep, NULL);
	(void)evtimer_add(&sweep_ev, &tv);
}

/* Once a day, and first a while after the start. */
static void
on_sweep(int fd, short what, void *arg)
{
	struct timeval tv = {SWEEP_EVERY_S, 0};
	struct child *c;

	(void)evtimer_add(&sweep_ev, &tv);
	if ((c = child_new(CHILD_CLERK)) != NULL)
		msg_signal(c->wire, MASTER_CLERK_SWEEP, 1);
}

void
master_ctl(int fd, bool may_change)
{
	clerk_start(fd, may_change ? CLERK_CHANGE : CLERK_LOOK);
}

void
clerk_start(int fd, enum clerk_may may)
{
	struct msgout *out;
	struct child *c;

	if (master_config() == NULL || (c = child_new(CHILD_CLERK)) == NULL) {
		close(fd);
		return;
	}
	out = msg_new(c->wire, MASTER_CLERK_START, 1);
	msg_put_u8(out, master_config()->host_index);
	msg_put_u8(out, (uint8_t)may);
	msg_put_fd(out, fd);
	msg_send(out);
}

bool
clerk_message(struct child *c, struct msg *m)
{
	switch (m->type) {
	case CLERK_MASTER_KDF:
		clerk_kdf(c, m);
		break;
	case CLERK_MASTER_SESSIONS:
		clerk_sessions(c, m);
		break;
	case CLERK_MASTER_KICK:
		clerk_kick(c, m);
		break;
	case CLERK_MASTER_AUDIT:
		clerk_audit(c, m);
		break;
	default:
		return false;
	}
	return !m->bad;
}

static void
clerk_kdf(struct child *c, struct msg *m)
{
	char name[ACCOUNT_NAME_MAX];
	const struct store_domain *d;
	struct escrow_wish escrow;
	struct msgout *out;

	(void)msg_get_str(m, name, sizeof(name));
	if (msg_end(m) == -1) {
		m->bad = true;
		return;
	}
	d = domain_of(name);
	out = msg_new(c->wire, MASTER_CLERK_KDF, m->id);
	msg_put_u64(out, d == NULL ? 0 : d->kdf_passes);
	msg_put_u64(out, d == NULL ? 0 : (uint64_t)d->kdf_kib * KIB);
	msg_put_u64(out, d == NULL ? 0 : d->quota);
	msg_put_u32(out, d == NULL ? 0 : d->waiting_days);
	domain_escrow(d, &escrow);
	escrow_wish_put(out, &escrow);
	msg_send(out);
}

static void
clerk_sessions(struct child *c, struct msg *m)
{
	char name[ACCOUNT_NAME_MAX];
	struct account *a;
	struct msgout *out;

	(void)msg_get_str(m, name, sizeof(name));
	if (msg_end(m) == -1) {
		m->bad = true;
		return;
	}
	a = account_find(name);
	out = msg_new(c->wire, MASTER_CLERK_SESSIONS, m->id);
	msg_put_u32(out, a == NULL ? 0 : a->sessions);
	msg_put_u32(out, a == NULL ? 0 : a->pid);
	msg_send(out);
}

static void
clerk_kick(struct child *c, struct msg *m)
{
	char name[ACCOUNT_NAME_MAX];
	struct account *a;

	(void)msg_get_str(m, name, sizeof(name));
	if (msg_end(m) == -1 || c->kick != NULL) {
		m->bad = true;
		return;
	}
	a = account_find(name);
	if (a == NULL || a->vault == NULL) {
		msg_signal(c->wire, MASTER_CLERK_KICKED, m->id);
		return;
	}
	c->kick = a;
	c->kick_id = m->id;
	a->kicks++;
	msg_signal(a->vault->wire, MASTER_VAULT_KICK, 0);
}

void
clerk_kicked(struct child *c)
{
	c->kick->kicks--;
	c->kick = NULL;
	msg_signal(c->wire, MASTER_CLERK_KICKED, c->kick_id);
}

static void
clerk_audit(struct child *c, struct msg *m)
{
	static uint32_t number;
	char name[ACCOUNT_NAME_MAX];
	struct account *a;

	(void)msg_get_str(m, name, sizeof(name));
	if (msg_end(m) == -1 || c->audit != NULL) {
		m->bad = true;
		return;
	}
	c->audit_id = m->id;
	a = account_find(name);
	if (a == NULL || a->vault == NULL) {
		clerk_state(c, AUDIT_NOBODY);
		return;
	}
	c->audit = a;
	c->audit_no = ++number;
	msg_signal(a->vault->wire, MASTER_VAULT_AUDIT, c->audit_no);
}

/* Without figures. */
static void
clerk_state(struct child *c, enum audit_state state)
{
	struct msgout *out = msg_new(
	    c->wire, MASTER_CLERK_AUDITED, c->audit_id);

	c->audit = NULL;
	msg_put_u8(out, (uint8_t)state);
	for (int i = 0; i < 4; i++)
		msg_put_u64(out, 0);
	msg_send(out);
}

void
clerk_unaudited(struct child *c)
{
	clerk_state(c, AUDIT_FAILED);
}

bool
clerk_audited(struct account *a, struct msg *m)
{
	struct msgout *out;
	struct child *c;
	uint64_t figures[4];
	uint8_t state = msg_get_u8(m);

	for (int i = 0; i < 4; i++)
		figures[i] = msg_get_u64(m);
	if (msg_end(m) == -1 || state > AUDIT_BUSY)
		return false;
	c = child_auditing(a, m->id);
	if (c == NULL)
		return true; /* sealctl did not wait */
	out = msg_new(c->wire, MASTER_CLERK_AUDITED, c->audit_id);
	msg_put_u8(out, state);
	for (int i = 0; i < 4; i++)
		msg_put_u64(out, figures[i]);
	msg_send(out);
	if (state != AUDIT_GOES)
		c->audit = NULL;
	return true;
}

void
clerk_gone(struct child *c)
{
	if (c->kick != NULL) {
		c->kick->kicks--;
		account_tidy(c->kick);
	}
	child_free(c);
}

void
domain_escrow(const struct store_domain *d, struct escrow_wish *e)
{
	_Static_assert(sizeof(e->key) == sizeof(d->escrow_key), "a key");
	memset(e, 0, sizeof(*e));
	if (d == NULL) {
		e->mode = ESCROW_LEAVE;
		return;
	}
	e->mode = d->escrow ? ESCROW_KEY : ESCROW_NONE;
	if (d->escrow)
		memcpy(e->key, d->escrow_key, sizeof(e->key));
}
