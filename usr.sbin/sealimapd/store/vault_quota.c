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
 * Quotas.  The account's own is read here.  What others may use is none of a
 * vault's business, which sees one account: for an administrator, and with a
 * secret that may manage, it asks the master for a clerk and has that do it, as
 * sealctl(8) does.  One such request at a time has a clerk; others wait.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "seal_keys.h"
#include "vault_local.h"

/* See R_QUOTA. */
struct quota {
	uint64_t used, limit, messages, max_messages;
};

/* One request that a clerk is to answer; it may outlive its job. */
struct errand {
	TAILQ_ENTRY(errand) entry;
	struct session *session; /* NULL: nobody waits for it any more */
	struct wire *clerk;
	char root[ACCOUNT_NAME_MAX];
	bool set;
	bool looking; /* the change is made: what is it now? */
	bool known;   /* used and limit are the clerk's */
	bool done;
	struct quota wish; /* its limits */
	struct quota is;
	enum vault_result result;
};

static TAILQ_HEAD(, errand) errands = TAILQ_HEAD_INITIALIZER(errands);

static void parse_quota(struct session *, struct job *, struct msg *);
static enum step answer_quota(struct session *, struct job *);
static void errand_ask(void);
static void errand_end(struct errand *, enum vault_result);
static void clerk_message(struct wire *, struct msg *, void *);
static void clerk_gone(struct wire *, void *);

const struct job_kind quota_kinds[] = {
    {V_QUOTA, false, parse_quota, NULL, answer_quota},
    {V_SETQUOTA, true, parse_quota, NULL, answer_quota},
    {0, false, NULL, NULL, NULL},
};

static void
parse_quota(struct session *s, struct job *j, struct msg *m)
{
	get_name(j, m);
	j->on = j->kind->type == V_SETQUOTA;
	if (j->on) {
		j->flags = msg_get_u64(m);
		j->unchanged = msg_get_u64(m);
	}
}

static void
put_quota(
    struct session *s, uint32_t id, const char *root, const struct quota *q)
{
	struct msgout *o;

	o = msg_new(s->wire, R_QUOTA, id);
	msg_put_str(o, root);
	msg_put_u64(o, q->used);
	msg_put_u64(o, q->limit);
	msg_put_u64(o, q->messages);
	msg_put_u64(o, q->max_messages);
	msg_send(o);
}

static enum step
answer_own(struct session *s, struct job *j)
{
	struct store_limits limits;
	struct store_used used;
	struct quota q;

	j->result = result_of(store_quota(vault_store(), &used, &limits));
	if (j->result == DONE_OK) {
		q = (struct quota){used.octets, limits.quota, used.messages,
		    limits.max_messages};
		put_quota(s, j->id, vault_account(), &q);
	}
	return STEP_DONE;
}

static enum step
answer_errand(struct session *s, struct job *j)
{
	struct errand *e = j->errand;

	if (!e->done)
		return STEP_WAIT;
	j->result = e->result;
	if (e->result == DONE_OK)
		put_quota(s, j->id, e->root, &e->is);
	return STEP_DONE;
}

static enum step
answer_quota(struct session *s, struct job *j)
{
	struct errand *e;

	if (j->errand != NULL)
		return answer_errand(s, j);
	if (!j->on &&
	    (j->name[0] == '\0' || strcmp(j->name, vault_account()) == 0))
		return answer_own(s, j);
	if ((s->scope & SEAL_SCOPE_MANAGE) == 0 ||
	    strlen(j->name) >= ACCOUNT_NAME_MAX) {
		j->result = DONE_NOPERM;
		return STEP_DONE;
	}
	e = j->errand = vault_alloc(1, sizeof(*e));
	e->session = s;
	(void)strlcpy(e->root, j->name, sizeof(e->root));
	e->set = j->on;
	e->wish.limit = j->flags;
	e->wish.max_messages = j->unchanged;
	TAILQ_INSERT_TAIL(&errands, e, entry);
	if (TAILQ_FIRST(&errands) == e)
		errand_ask();
	return STEP_WAIT;
}

void
quota_forget(struct errand *e)
{
	if (e == NULL)
		return;
	if (e->done)
		free(e);
	else
		e->session = NULL;
}

static void
errand_ask(void)
{
	struct errand *e;

	while ((e = TAILQ_FIRST(&errands)) != NULL && e->session == NULL) {
		TAILQ_REMOVE(&errands, e, entry);
		free(e);
	}
	if (e != NULL)
		vault_want_clerk();
}

/* With it the next one has its turn. */
static void
errand_end(struct errand *e, enum vault_result result)
{
	struct session *s = e->session;

	TAILQ_REMOVE(&errands, e, entry);
	wire_free(e->clerk);
	e->clerk = NULL;
	e->result = result;
	e->done = true;
	if (s == NULL)
		free(e);
	else
		session_run(s);
	errand_ask();
}

static void
clerk_send(struct errand *e, uint32_t type)
{
	struct msgout *o;

	o = msg_new(e->clerk, type, 1);
	msg_put_u32(o, STORE_WIRE_VERSION);
	msg_put_str(o, e->root);
	if (type == CTL_MASTER_USER_LIMIT) {
		msg_put_u8(o, CTL_LIMIT_BOTH);
		msg_put_u64(o, e->wish.limit);
		msg_put_u64(o, e->wish.max_messages);
	}
	msg_send(o);
}

void
quota_clerk(int fd)
{
	struct errand *e = TAILQ_FIRST(&errands);

	if (e == NULL || e->clerk != NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	if (fd == -1) {
		errand_end(e, DONE_NOPERM);
		return;
	}
	e->clerk = wire_new(fd, clerk_message, clerk_gone, e);
	e->looking = !e->set;
	clerk_send(e, e->set ? CTL_MASTER_USER_LIMIT : CTL_MASTER_USER_SHOW);
}

static void
clerk_gone(struct wire *w, void *arg)
{
	errand_end(arg, DONE_BUSY);
}

static void
clerk_user(struct errand *e, struct msg *m)
{
	char text[ACCOUNT_NAME_MAX];

	(void)msg_get_str(m, text, sizeof(text));
	(void)msg_get_str(m, text, sizeof(text));
	e->is.limit = msg_get_u64(m);
	e->is.used = msg_get_u64(m);
	e->is.messages = msg_get_u64(m);
	e->is.max_messages = msg_get_u64(m);
	e->known = !m->bad;
}

static void
clerk_message(struct wire *w, struct msg *m, void *arg)
{
	struct errand *e = arg;

	switch (m->type) {
	case MASTER_CTL_USER:
		clerk_user(e, m);
		break;
	case MASTER_CTL_END:
		if (msg_get_u8(m) != CTL_END_DONE)
			errand_end(e, DONE_NONEXISTENT);
		else if (e->looking)
			errand_end(e, e->known ? DONE_OK : DONE_BUSY);
		else {
			log_info("account=%s quota set by=%s",
			    log_addr(e->root), log_addr(vault_account()));
			e->looking = true;
			clerk_send(e, CTL_MASTER_USER_SHOW);
		}
		break;
	default:
		fatalx("clerk: unknown message type=%u", m->type);
	}
}
