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
 * The audit of a living vault, for its user, who is told what is wrong, and
 * for the administrator, who is told how much is: all that is sealed is opened,
 * by slices between which every session has its turn.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <event.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "store_audit.h"
#include "vault_local.h"

#define FAULTS_TOLD 1000 /* more of them are only counted */
#define ASKED_PAUSE_MS 2 /* between two slices for the administrator */
#define ASKED_TELL 64    /* slices between two words on how far it is */

struct audit {
	struct session *s;
	uint32_t id; /* of the request */
	struct store_audit *run;
	bool told; /* the slice has news */
};

/* What the administrator has asked for. */
static struct {
	struct store_audit *run; /* NULL: nothing */
	uint32_t id;
	unsigned int slices;
	struct event ev;
} asked;

static void parse_audit(struct session *, struct job *, struct msg *);
static enum step answer_audit(struct session *, struct job *);
static void audit_log(const struct store_audited *);
static void on_asked(int, short, void *);

const struct job_kind audit_kinds[] = {
    {V_AUDIT, false, parse_audit, NULL, answer_audit},
    {0, false, NULL, NULL, NULL},
};

void
audit_free(struct audit *a)
{
	if (a == NULL)
		return;
	store_audit_free(a->run);
	free(a);
}

static void
parse_audit(struct session *s, struct job *j, struct msg *m)
{
}

static void
tell_fault(void *arg, const char *box, uint32_t uid, const char *what)
{
	struct audit *a = arg;
	struct store_audited sum;
	struct msgout *o;

	store_audit_state(a->run, &sum);
	if (sum.findings > FAULTS_TOLD)
		return;
	o = msg_new(a->s->wire, R_FAULT, a->id);
	msg_put_str(o, box == NULL ? "" : box);
	msg_put_u32(o, uid);
	msg_put_str(o, what);
	msg_send(o);
}

static void
tell_state(struct audit *a, const struct store_audited *sum)
{
	struct msgout *o;

	o = msg_new(a->s->wire, R_AUDITED, a->id);
	msg_put_u64(o, sum->done);
	msg_put_u64(o, sum->total);
	msg_put_u64(o, sum->octets);
	msg_put_u64(o, sum->findings);
	msg_send(o);
}

static enum step
answer_audit(struct session *s, struct job *j)
{
	struct store_audited sum;
	enum store_result result;
	struct audit *a = j->audit;
	bool more;

	if (a == NULL) {
		a = j->audit = vault_alloc(1, sizeof(*a));
		a->s = s;
		a->id = j->id;
		a->run = store_audit_new(vault_store(), tell_fault, a);
		if (a->run == NULL)
			vault_fail("audit");
	}
	if (wire_queued(s->wire) > 0)
		return STEP_MORE;
	result = store_audit_step(a->run, &more);
	store_audit_state(a->run, &sum);
	tell_state(a, &sum);
	if (result == STORE_OK && more)
		return STEP_MORE;
	j->result = result_of(result);
	audit_log(&sum);
	return STEP_DONE;
}

static void
audit_log(const struct store_audited *sum)
{
	log_info("account=%s audit messages=%llu octets=%llu frames=%llu "
		 "findings=%llu",
	    log_addr(vault_account()), (unsigned long long)sum->done,
	    (unsigned long long)sum->octets, (unsigned long long)sum->frames,
	    (unsigned long long)sum->findings);
}

/* Findings name mailboxes: the administrator learns their number. */
static void
count_fault(void *arg, const char *box, uint32_t uid, const char *what)
{
}

static void
asked_tell(uint32_t id, enum audit_state state)
{
	struct store_audited sum = {0};
	struct msgout *o = vault_to_master(VAULT_MASTER_AUDITED, id);

	if (o == NULL)
		return;
	if (id == asked.id && asked.run != NULL)
		store_audit_state(asked.run, &sum);
	msg_put_u8(o, (uint8_t)state);
	msg_put_u64(o, sum.done);
	msg_put_u64(o, sum.total);
	msg_put_u64(o, sum.octets);
	msg_put_u64(o, sum.findings);
	msg_send(o);
}

void
audit_asked(uint32_t id)
{
	static const struct timeval now = {0, 0};

	if (asked.run != NULL) {
		asked_tell(id, AUDIT_BUSY);
		return;
	}
	asked.id = id;
	asked.slices = 0;
	asked.run = store_audit_new(vault_store(), count_fault, NULL);
	if (asked.run == NULL) {
		asked_tell(id, AUDIT_FAILED);
		return;
	}
	evtimer_set(&asked.ev, on_asked, NULL);
	(void)evtimer_add(&asked.ev, &now);
}

void
audit_asked_end(void)
{
	if (asked.run == NULL)
		return;
	(void)evtimer_del(&asked.ev);
	store_audit_free(asked.run);
	asked.run = NULL;
}

static void
on_asked(int fd, short what, void *arg)
{
	static const struct timeval pause = {0, ASKED_PAUSE_MS * 1000};
	struct store_audited sum;
	enum store_result result;
	bool more = false;

	vault_commit();
	result = store_audit_step(asked.run, &more);
	if (result == STORE_OK && more) {
		if (asked.slices++ % ASKED_TELL == 0)
			asked_tell(asked.id, AUDIT_GOES);
		(void)evtimer_add(&asked.ev, &pause);
		return;
	}
	store_audit_state(asked.run, &sum);
	audit_log(&sum);
	asked_tell(asked.id, result == STORE_OK ? AUDIT_DONE : AUDIT_FAILED);
	audit_asked_end();
}
