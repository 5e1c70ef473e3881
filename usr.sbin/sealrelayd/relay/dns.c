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
 * Questions to smtp-resolver.
 */

#include <sys/types.h>

#include <event.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "msg.h"
#include "relay.h"

struct question {
	TAILQ_ENTRY(question) entry;
	uint32_t id;
	uint32_t type; /* RESOLVER_MX ... */
	dns_cb cb;
	void *arg;
	struct event fail; /* where nobody can be asked */
};

static TAILQ_HEAD(, question) questions = TAILQ_HEAD_INITIALIZER(questions);
static struct wire *wire;
static uint32_t next_id;

static void dns_handle(struct wire *, struct msg *, void *);
static void dns_gone(struct wire *, void *);
static int dns_answer(struct msg *);
static int answer_records(struct msg *, uint32_t, struct answer *);
static struct question *question_new(uint32_t, dns_cb, void *);
static void question_fail(int, short, void *);
static void question_failed(struct question *);
static struct msgout *ask(struct question *, const char *);

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

struct question *
dns_mx(const char *domain, dns_cb cb, void *arg)
{
	struct question *q;

	q = question_new(RESOLVER_MX, cb, arg);
	if (wire != NULL)
		msg_send(ask(q, domain));
	return q;
}

struct question *
dns_address(const char *host, dns_cb cb, void *arg)
{
	struct question *q;
	struct msgout *out;

	q = question_new(RESOLVER_ADDRESS, cb, arg);
	if (wire != NULL) {
		out = ask(q, host);
		msg_put_u8(out, RESOLVER_IPV4 | RESOLVER_IPV6);
		msg_send(out);
	}
	return q;
}

struct question *
dns_tlsa(const char *host, uint16_t port, dns_cb cb, void *arg)
{
	struct question *q;
	struct msgout *out;

	q = question_new(RESOLVER_TLSA, cb, arg);
	if (wire != NULL) {
		out = ask(q, host);
		msg_put_u16(out, port);
		msg_send(out);
	}
	return q;
}

struct question *
dns_text(const char *name, dns_cb cb, void *arg)
{
	struct question *q;

	q = question_new(RESOLVER_TXT, cb, arg);
	if (wire != NULL)
		msg_send(ask(q, name));
	return q;
}

void
dns_cancel(struct question *q)
{
	if (q == NULL)
		return;
	TAILQ_REMOVE(&questions, q, entry);
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

/* Its parent starts another; what was asked is asked again with the mail. */
static void
dns_gone(struct wire *w, void *arg)
{
	struct question *q;

	(void)arg;
	wire_free(w);
	wire = NULL;
	while ((q = TAILQ_FIRST(&questions)) != NULL)
		question_failed(q);
}

static int
dns_answer(struct msg *msg)
{
	static struct answer a;
	struct question *q;
	uint8_t status;
	dns_cb cb;
	void *arg;

	memset(&a, 0, sizeof(a));
	TAILQ_FOREACH (q, &questions, entry)
		if (q->id == msg->id)
			break;
	status = msg_get_u8(msg);
	a.status = (enum resolver_status)status;
	a.secure = msg_get_u8(msg) != 0;
	(void)msg_get_u32(msg);
	(void)msg_get_str(msg, a.name, sizeof(a.name));
	if (status > RESOLVER_BUSY)
		return -1;
	/* One that was withdrawn may be answered yet. */
	if (q == NULL)
		return msg->bad ? -1 : 0;
	if (answer_records(msg, q->type, &a) == -1 || msg_end(msg) == -1)
		return -1;
	cb = q->cb;
	arg = q->arg;
	dns_cancel(q);
	cb(&a, arg);
	return 0;
}

static int
answer_records(struct msg *msg, uint32_t type, struct answer *a)
{
	struct address *address;
	const uint8_t *data;
	size_t len;
	uint32_t n;

	for (n = msg_get_u32(msg); n > 0 && !msg->bad; n--) {
		switch (type) {
		case RESOLVER_MX:
			if (a->n_mx == RESOLVER_MX_MAX)
				return -1;
			a->mx[a->n_mx].preference = msg_get_u16(msg);
			(void)msg_get_str(msg, a->mx[a->n_mx].host,
			    sizeof(a->mx[a->n_mx].host));
			a->n_mx++;
			break;
		case RESOLVER_ADDRESS:
			if (a->n_addresses == 2 * RESOLVER_ADDRESSES_MAX)
				return -1;
			address = &a->addresses[a->n_addresses++];
			address->family = msg_get_u8(msg);
			(void)msg_get_raw(msg, address->octets,
			    address->family == 4 ? 4 : 16);
			break;
		case RESOLVER_TLSA:
			if (a->n_tlsa == RESOLVER_TLSA_MAX)
				return -1;
			(void)msg_get_raw(msg, a->tlsa[a->n_tlsa].parts, 3);
			data = msg_get_bytes(msg, &len, RESOLVER_TLSA_DATA_MAX);
			if (msg->bad)
				return -1;
			memcpy(a->tlsa[a->n_tlsa].data, data, len);
			a->tlsa[a->n_tlsa++].len = len;
			break;
		case RESOLVER_TXT:
			if (a->n_texts == RESOLVER_TEXTS_MAX)
				return -1;
			data = msg_get_bytes(msg, &len, RESOLVER_TEXT_MAX);
			if (msg->bad)
				return -1;
			a->texts[a->n_texts].data = data;
			a->texts[a->n_texts++].len = len;
			break;
		default:
			return -1;
		}
	}
	return msg->bad ? -1 : 0;
}

static struct question *
question_new(uint32_t type, dns_cb cb, void *arg)
{
	struct timeval now = {0};
	struct question *q;

	q = calloc(1, sizeof(*q));
	if (q == NULL)
		fatal("calloc");
	do
		q->id = ++next_id;
	while (q->id == 0);
	q->type = type;
	q->cb = cb;
	q->arg = arg;
	evtimer_set(&q->fail, question_fail, q);
	TAILQ_INSERT_TAIL(&questions, q, entry);
	if (wire == NULL)
		evtimer_add(&q->fail, &now);
	return q;
}

static void
question_fail(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	question_failed(arg);
}

static void
question_failed(struct question *q)
{
	static const struct answer trouble = {.status = RESOLVER_SERVFAIL};
	dns_cb cb;
	void *arg;

	cb = q->cb;
	arg = q->arg;
	dns_cancel(q);
	cb(&trouble, arg);
}

static struct msgout *
ask(struct question *q, const char *name)
{
	struct msgout *out;

	out = msg_new(wire, q->type, q->id);
	msg_put_str(out, name);
	return out;
}
