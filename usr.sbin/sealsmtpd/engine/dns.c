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
 * Questions to smtp-resolver, on behalf of those who look at where mail is
 * from.  Where there is no resolver nobody knows anything, and mail goes on.
 */

#include <sys/types.h>

#include <event.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "msg.h"

#include "../../sealrelayd/resolver_wire.h"
#include "engine.h"

#define RECORDS_MAX (2 * RESOLVER_ADDRESSES_MAX)

struct dns_question {
	TAILQ_ENTRY(dns_question) entry;
	uint32_t id;
	enum mauth_type type;
	dns_cb cb;
	void *arg;
	struct event fail; /* where nobody can be asked */
};

_Static_assert(RECORDS_MAX >= RESOLVER_MX_MAX &&
	RECORDS_MAX >= RESOLVER_TEXTS_MAX && RECORDS_MAX >= RESOLVER_NAMES_MAX,
    "records of an answer");

static TAILQ_HEAD(, dns_question) questions = TAILQ_HEAD_INITIALIZER(questions);
static unsigned int nquestions;
static struct wire *wire;
static uint32_t next_id;

static void dns_handle(struct wire *, struct msg *, void *);
static void dns_gone(struct wire *, void *);
static int dns_answer(struct msg *);
static int
dns_records(struct msg *, enum mauth_type, struct mauth_record *, uint32_t);
static int
dns_record(struct msg *, enum mauth_type, struct mauth_record *, char *);
static uint32_t dns_type(enum mauth_type);
static void dns_fail(int, short, void *);
static void dns_failed(struct dns_question *);

void
dns_start(int fd)
{
	struct msgout *out;

	if (wire != NULL)
		dns_gone(wire, NULL);
	wire = wire_new(fd, dns_handle, dns_gone, NULL);
	out = msg_new(wire, RESOLVER_HELLO, 0);
	msg_put_u32(out, RESOLVER_VERSION);
	msg_send(out);
}

bool
dns_there(void)
{
	return wire != NULL;
}

struct dns_question *
dns_ask(const struct mauth_question *ask, dns_cb cb, void *arg)
{
	struct timeval now = {0};
	struct dns_question *q;
	struct msgout *out;

	q = calloc(1, sizeof(*q));
	if (q == NULL)
		fatal("calloc");
	do
		q->id = ++next_id;
	while (q->id == 0);
	q->type = ask->type;
	q->cb = cb;
	q->arg = arg;
	evtimer_set(&q->fail, dns_fail, q);
	TAILQ_INSERT_TAIL(&questions, q, entry);
	if (++nquestions > DNS_QUESTIONS_MAX || wire == NULL) {
		evtimer_add(&q->fail, &now);
		return q;
	}
	out = msg_new(wire, dns_type(ask->type), q->id);
	msg_put_str(out, ask->name);
	if (ask->type == MAUTH_A)
		msg_put_u8(out, RESOLVER_IPV4);
	else if (ask->type == MAUTH_AAAA)
		msg_put_u8(out, RESOLVER_IPV6);
	msg_send(out);
	return q;
}

void
dns_cancel(struct dns_question *q)
{
	if (q == NULL)
		return;
	TAILQ_REMOVE(&questions, q, entry);
	nquestions--;
	evtimer_del(&q->fail);
	free(q);
}

static void
dns_handle(struct wire *w, struct msg *msg, void *arg)
{
	int r;

	(void)arg;
	if (msg->type == RESOLVER_HELLO)
		r = msg_get_u32(msg) == RESOLVER_VERSION ? msg_end(msg) : -1;
	else if (msg->type == RESOLVER_ANSWER)
		r = dns_answer(msg);
	else
		r = -1;
	if (r == 0)
		return;
	log_warnx("smtp-resolver: bad message type=%u", msg->type);
	wire_fail(w);
}

/* The other daemon's parent starts another; until then nobody knows. */
static void
dns_gone(struct wire *w, void *arg)
{
	struct dns_question *q;

	(void)arg;
	wire_free(w);
	wire = NULL;
	while ((q = TAILQ_FIRST(&questions)) != NULL)
		dns_failed(q);
}

static int
dns_answer(struct msg *msg)
{
	static struct mauth_record records[RECORDS_MAX];
	char name[RESOLVER_NAME_MAX];
	struct mauth_answer a;
	struct dns_question *q;
	uint8_t status;
	uint32_t n;
	dns_cb cb;
	void *arg;

	TAILQ_FOREACH (q, &questions, entry)
		if (q->id == msg->id)
			break;
	status = msg_get_u8(msg);
	(void)msg_get_u8(msg);
	(void)msg_get_u32(msg);
	(void)msg_get_str(msg, name, sizeof(name));
	n = msg_get_u32(msg);
	if (msg->bad || status > RESOLVER_BUSY)
		return -1;
	/* One that was withdrawn may be answered yet. */
	if (q == NULL)
		return 0;
	if (n > RECORDS_MAX || dns_records(msg, q->type, records, n) == -1 ||
	    msg_end(msg) == -1)
		return -1;
	memset(&a, 0, sizeof(a));
	a.records = records;
	a.n = n;
	if (status == RESOLVER_OK && n > 0)
		a.status = MAUTH_FOUND;
	else if (status <= RESOLVER_NXDOMAIN)
		a.status = MAUTH_NOTHING;
	else
		a.status = MAUTH_TROUBLE;
	cb = q->cb;
	arg = q->arg;
	dns_cancel(q);
	cb(&a, arg);
	return 0;
}

static int
dns_records(
    struct msg *msg, enum mauth_type type, struct mauth_record *r, uint32_t n)
{
	static char names[RECORDS_MAX][RESOLVER_NAME_MAX];

	for (uint32_t i = 0; i < n; i++)
		if (dns_record(msg, type, &r[i], names[i]) == -1)
			return -1;
	return 0;
}

/* Its octets, in name or where the message lies. */
static int
dns_record(
    struct msg *msg, enum mauth_type type, struct mauth_record *r, char *name)
{
	switch (type) {
	case MAUTH_TXT:
		r->data = msg_get_bytes(msg, &r->len, RESOLVER_TEXT_MAX);
		break;
	case MAUTH_A:
	case MAUTH_AAAA:
		r->len = type == MAUTH_A ? 4 : 16;
		if (msg_get_u8(msg) != (type == MAUTH_A ? 4 : 6))
			return -1;
		(void)msg_get_raw(msg, name, r->len);
		r->data = name;
		break;
	case MAUTH_MX:
		(void)msg_get_u16(msg);
		/* FALLTHROUGH */
	case MAUTH_PTR:
		(void)msg_get_str(msg, name, RESOLVER_NAME_MAX);
		if (msg->bad)
			return -1;
		r->data = name;
		r->len = strlen(name);
		break;
	}
	return msg->bad ? -1 : 0;
}

static uint32_t
dns_type(enum mauth_type type)
{
	switch (type) {
	case MAUTH_TXT:
		return RESOLVER_TXT;
	case MAUTH_A:
	case MAUTH_AAAA:
		return RESOLVER_ADDRESS;
	case MAUTH_MX:
		return RESOLVER_MX;
	case MAUTH_PTR:
		return RESOLVER_PTR;
	}
	fatalx("question of type %d", type);
}

static void
dns_fail(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dns_failed(arg);
}

static void
dns_failed(struct dns_question *q)
{
	static const struct mauth_answer trouble = {.status = MAUTH_TROUBLE};
	dns_cb cb;
	void *arg;

	cb = q->cb;
	arg = q->arg;
	dns_cancel(q);
	cb(&trouble, arg);
}
