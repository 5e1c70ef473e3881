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
 * What other roles say to the master: engines ask for logins and tell what
 * their users submit, deliverers tell of mail.  None of them is believed to be
 * another role than the parent gave it a wire as.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "master.h"
#include "msg.h"

#include "../imap_config.h"

#define SUBMITS "smtp-engine"

static TAILQ_HEAD(, peer) peers = TAILQ_HEAD_INITIALIZER(peers);

static void peer_message(struct wire *, struct msg *, void *);
static void peer_gone(struct wire *, void *);
static void peer_bad(struct peer *, const struct msg *);
static void login(struct peer *, struct msg *);
static void login_cancel(struct peer *, struct msg *);
static void spend(struct peer *, struct msg *);
static void mail(struct peer *, struct msg *);

/* A peer that was started anew has a new wire before the old one ends. */
void
peer_wire(const char *role, unsigned int instance, int fd)
{
	struct peer *p, *old;

	TAILQ_FOREACH (old, &peers, entry) {
		if (old->instance == instance && strcmp(old->role, role) == 0)
			break;
	}
	if (old != NULL)
		peer_gone(old->wire, old);
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		fatal("out of memory");
	(void)strlcpy(p->role, role, sizeof(p->role));
	p->instance = instance;
	p->wire = wire_new(fd, peer_message, peer_gone, p);
	TAILQ_INSERT_TAIL(&peers, p, entry);
}

struct peer *
peer_find(const char *role)
{
	struct peer *p;

	TAILQ_FOREACH (p, &peers, entry) {
		if (strcmp(p->role, role) == 0)
			return p;
	}
	return NULL;
}

static void
peer_gone(struct wire *w, void *arg)
{
	struct peer *p = arg;
	struct waiter *waiter;
	struct account *a;

	while ((waiter = queue_of_peer(p, 0, true)) != NULL) {
		a = waiter->account;
		free(waiter);
		account_tidy(a);
	}
	TAILQ_REMOVE(&peers, p, entry);
	wire_free(p->wire);
	free(p);
}

/* What a role may say: engines log in, deliverers tell of mail. */
static void
peer_message(struct wire *w, struct msg *m, void *arg)
{
	struct peer *p = arg;
	bool engine, submission, deliver;

	submission = strcmp(p->role, SUBMITS) == 0;
	engine = submission || strcmp(p->role, "imap-engine") == 0;
	deliver = strcmp(p->role, "smtp-deliver") == 0;
	switch (m->type) {
	case ENGINE_MASTER_LOGIN:
		if (engine) {
			login(p, m);
			return;
		}
		break;
	case ENGINE_MASTER_CANCEL:
		if (engine) {
			login_cancel(p, m);
			return;
		}
		break;
	case ENGINE_MASTER_SPEND:
		if (submission) {
			spend(p, m);
			return;
		}
		break;
	case DELIVER_MASTER_MAIL:
		if (deliver) {
			mail(p, m);
			return;
		}
		break;
	default:
		break;
	}
	peer_bad(p, m);
}

static void
peer_bad(struct peer *p, const struct msg *m)
{
	log_warnx("bad message role=%s instance=%u type=%u", p->role,
	    p->instance, m->type);
	wire_fail(p->wire);
}

static void
login(struct peer *p, struct msg *m)
{
	char name[ACCOUNT_NAME_MAX];
	struct waiter *w;
	uint64_t conn;
	uint8_t service;
	const char *source;
	bool trusted;

	conn = msg_get_u64(m);
	service = msg_get_u8(m);
	(void)msg_get_str(m, name, sizeof(name));
	/* An engine that submits never gets a wire to a vault. */
	if (msg_end(m) == -1 || m->id == 0 || service < SERVICE_IMAP ||
	    service > SERVICE_MANAGE ||
	    (strcmp(p->role, SUBMITS) == 0) !=
		(service == SERVICE_SUBMISSION)) {
		peer_bad(p, m);
		return;
	}
	if (master_config() == NULL) {
		peer_refuse(p, m->id, REFUSED_UNAVAILABLE);
		return;
	}
	source = conns_find(conn, &trusted);
	if (!guard_allows(source, trusted, name)) {
		report_add(COUNT_REFUSED, 1);
		peer_refuse(p, m->id, REFUSED_RATE);
		return;
	}
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		fatal("out of memory");
	w->peer = p;
	w->id = m->id;
	w->service = service;
	w->trusted = trusted;
	w->account = account_get(name);
	if (queue_add(w, source) == -1) {
		log_warnx("login refused, too many wait source=%s", source);
		peer_refuse(p, m->id, REFUSED_UNAVAILABLE);
		account_tidy(w->account);
		free(w);
		return;
	}
	master_run();
}

static void
login_cancel(struct peer *p, struct msg *m)
{
	struct account *a;
	struct waiter *w;

	if (msg_end(m) == -1) {
		peer_bad(p, m);
		return;
	}
	w = queue_of_peer(p, m->id, false);
	if (w == NULL)
		return; /* its opener hears of it by the end of its wire */
	a = w->account;
	free(w);
	account_tidy(a);
}

void
peer_refuse(struct peer *p, uint32_t id, uint8_t why)
{
	struct msgout *out;

	out = msg_new(p->wire, MASTER_ENGINE_REFUSED, id);
	msg_put_u8(out, why);
	msg_send(out);
}

static void
spend(struct peer *p, struct msg *m)
{
	char name[ACCOUNT_NAME_MAX];
	uint32_t n[PACE_KINDS], limit[PACE_KINDS] = {0}, wait;
	const struct store_slice *slice = master_config();
	const struct store_domain *d;
	struct msgout *out;

	(void)msg_get_str(m, name, sizeof(name));
	n[PACE_MESSAGES] = msg_get_u32(m);
	n[PACE_RECIPIENTS] = msg_get_u32(m);
	if (msg_end(m) == -1 || m->id == 0) {
		peer_bad(p, m);
		return;
	}
	d = slice == NULL ? NULL : domain_of(name);
	if (d == NULL && slice != NULL)
		d = &slice->domains[0];
	if (d != NULL) {
		limit[PACE_MESSAGES] = d->messages_hour;
		limit[PACE_RECIPIENTS] = d->recipients_hour;
	}
	wait = pace_spend(name, limit, n, pace_now());
	report_add(COUNT_PACED, wait > 0);
	out = msg_new(p->wire, MASTER_ENGINE_SPENT, m->id);
	msg_put_u32(out, wait);
	msg_send(out);
}

static void
mail(struct peer *p, struct msg *m)
{
	char name[ACCOUNT_NAME_MAX];
	struct account *a;

	(void)msg_get_str(m, name, sizeof(name));
	if (msg_end(m) == -1) {
		peer_bad(p, m);
		return;
	}
	a = account_find(name);
	/* One that does not read has a MAIL in its queue and looks after it. */
	if (a != NULL && a->vault != NULL &&
	    wire_queued(a->vault->wire) < MSG_HIGH)
		msg_signal(a->vault->wire, MASTER_VAULT_MAIL, 0);
}
