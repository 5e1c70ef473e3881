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
 * Questions of those who have a wire.  Each becomes one lookup, or two
 * for a host's addresses of both families; the answer is typed, so that no
 * asker sees a DNS packet.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "msg.h"
#include "packet.h"
#include "proc.h"
#include "resolver.h"

#define LOOKUPS 2 /* of one question at most */
#define ANSWER_ROOM (RESOLVER_NAME_MAX + 64)

struct peer {
	TAILQ_ENTRY(peer) entry;
	TAILQ_HEAD(, question) questions;
	unsigned int nquestions;
	struct wire *wire;
	char role[PROC_NAME_MAX];
	unsigned int instance;
	bool greeted;
};
static TAILQ_HEAD(, peer) peers = TAILQ_HEAD_INITIALIZER(peers);
static unsigned int npeers;

struct address {
	uint8_t family; /* 4, 6 */
	uint8_t octets[16];
};

struct question {
	TAILQ_ENTRY(question) entry;
	struct peer *peer;
	uint32_t id;
	uint32_t type; /* RESOLVER_MX ... */
	uint16_t data; /* RESOLVER_TYPE_*, of RESOLVER_DATA */
	char name[RESOLVER_NAME_MAX];
	struct lookup *lookups[LOOKUPS]; /* NULL: over */
	unsigned int waiting;

	/* What the lookups of an ADDRESS said so far. */
	enum resolver_status status;
	bool any; /* one has answered */
	bool secure;
	uint32_t ttl;
	struct address addresses[2 * RESOLVER_ADDRESSES_MAX];
	size_t naddresses;
};

static void peer_handle(struct wire *, struct msg *, void *);
static void peer_gone(struct wire *, void *);
static int peer_hello(struct peer *, struct msg *);
static int question_take(struct peer *, struct msg *);
static int question_name(struct question *, struct msg *, uint8_t *);
static void question_start(struct question *, uint8_t);
static bool question_lookup(
    struct question *, unsigned int, const char *, uint16_t, lookup_cb);
static void question_free(struct question *);
static int name_check(const char *);
static int name_reverse(const char *, char *, size_t);
static void got_ipv4(enum resolver_status, bool, const struct packet *, void *);
static void got_ipv6(enum resolver_status, bool, const struct packet *, void *);
static void got_address(
    struct question *, enum resolver_status, bool, const struct packet *);
static void
got_records(enum resolver_status, bool, const struct packet *, void *);
static void got_none(struct question *, enum resolver_status);
static struct msgout *answer_new(
    struct question *, enum resolver_status, bool, uint32_t, const char *);
static uint16_t answer_mx(struct msgout *, const struct packet *);
static uint16_t answer_tlsa(struct msgout *, const struct packet *);
static uint16_t answer_text(struct msgout *, const struct packet *);
static uint16_t answer_ptr(struct msgout *, const struct packet *);
static uint16_t answer_data(struct msgout *, const struct packet *);
static void answer_addresses(struct question *);

void
peer_start(const char *role, unsigned int instance, int fd)
{
	struct peer *peer;
	struct msgout *out;

	if (npeers == PEERS_MAX)
		fatalx("more than %d askers", PEERS_MAX);
	peer = calloc(1, sizeof(*peer));
	if (peer == NULL)
		fatal("calloc");
	TAILQ_INIT(&peer->questions);
	(void)strlcpy(peer->role, role, sizeof(peer->role));
	peer->instance = instance;
	peer->wire = wire_new(fd, peer_handle, peer_gone, peer);
	TAILQ_INSERT_TAIL(&peers, peer, entry);
	npeers++;
	out = msg_new(peer->wire, RESOLVER_HELLO, 0);
	msg_put_u32(out, RESOLVER_VERSION);
	msg_send(out);
}

static void
peer_handle(struct wire *wire, struct msg *msg, void *arg)
{
	struct peer *peer;
	int r;

	peer = arg;
	if (!peer->greeted)
		r = peer_hello(peer, msg);
	else
		r = question_take(peer, msg);
	/* One that asks and reads no answers. */
	if (r == 0 && wire_queued(wire) <= MSG_QUEUE_MAX / 2)
		return;
	log_warnx("bad message role=%s instance=%u type=%u", peer->role,
	    peer->instance, msg->type);
	wire_fail(wire);
}

static void
peer_gone(struct wire *wire, void *arg)
{
	struct peer *peer;
	struct question *q;

	peer = arg;
	while ((q = TAILQ_FIRST(&peer->questions)) != NULL)
		question_free(q);
	TAILQ_REMOVE(&peers, peer, entry);
	npeers--;
	wire_free(wire);
	free(peer);
}

static int
peer_hello(struct peer *peer, struct msg *msg)
{
	uint32_t version;

	version = msg_get_u32(msg);
	if (msg->type != RESOLVER_HELLO || msg_end(msg) == -1 ||
	    version != RESOLVER_VERSION)
		return -1;
	peer->greeted = true;
	return 0;
}

/* A name that cannot be looked up is answered; bad framing is not. */
static int
question_take(struct peer *peer, struct msg *msg)
{
	struct question *q;
	uint8_t families;
	int ok;

	if (msg->type < RESOLVER_MX || msg->type > RESOLVER_DATA ||
	    msg->id == 0)
		return -1;
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		fatal("calloc");
	q->peer = peer;
	q->id = msg->id;
	q->type = msg->type;
	q->ttl = UINT32_MAX;
	TAILQ_INSERT_TAIL(&peer->questions, q, entry);
	peer->nquestions++;
	ok = question_name(q, msg, &families);
	if (msg_end(msg) == -1) {
		question_free(q);
		return -1;
	}
	if (ok == -1)
		got_none(q, RESOLVER_NXDOMAIN);
	else if (peer->nquestions > RESOLVER_OPEN_MAX)
		got_none(q, RESOLVER_BUSY);
	else
		question_start(q, families);
	return 0;
}

/* What is to be looked up; -1: there can be no such name. */
static int
question_name(struct question *q, struct msg *msg, uint8_t *families)
{
	char name[RESOLVER_NAME_MAX];
	uint16_t port;
	int n;

	*families = 0;
	if (msg_get_str(msg, name, sizeof(name)) == -1)
		return -1;
	port = q->type == RESOLVER_TLSA ? msg_get_u16(msg) : 0;
	if (q->type == RESOLVER_ADDRESS) {
		*families = msg_get_u8(msg);
		if (*families == 0 || (*families & ~0x03) != 0)
			msg->bad = true;
	}
	if (q->type == RESOLVER_DATA) {
		q->data = msg_get_u16(msg);
		if (q->data != RESOLVER_TYPE_SRV &&
		    q->data != RESOLVER_TYPE_SSHFP &&
		    q->data != RESOLVER_TYPE_CAA)
			msg->bad = true;
	}
	if (q->type == RESOLVER_PTR)
		return name_reverse(name, q->name, sizeof(q->name));
	if (name_check(name) == -1)
		return -1;
	if (q->type != RESOLVER_TLSA) {
		(void)strlcpy(q->name, name, sizeof(q->name));
		return 0;
	}
	n = snprintf(q->name, sizeof(q->name), "_%u._tcp.%s", port, name);
	return n < 0 || (size_t)n >= sizeof(q->name) ? -1 : 0;
}

static void
question_start(struct question *q, uint8_t families)
{
	uint16_t type;
	bool ok;

	ok = false;
	switch (q->type) {
	case RESOLVER_ADDRESS:
		q->status = RESOLVER_NXDOMAIN;
		q->secure = true;
		if (families & RESOLVER_IPV4)
			ok = question_lookup(q, 0, q->name, PACKET_A, got_ipv4);
		if (families & RESOLVER_IPV6)
			ok = question_lookup(
				 q, 1, q->name, PACKET_AAAA, got_ipv6) ||
			    ok;
		if (!ok)
			got_none(q, RESOLVER_BUSY);
		return;
	case RESOLVER_MX:
		type = PACKET_MX;
		break;
	case RESOLVER_TLSA:
		type = PACKET_TLSA;
		break;
	case RESOLVER_TXT:
		type = PACKET_TXT;
		break;
	case RESOLVER_PTR:
		type = PACKET_PTR;
		break;
	case RESOLVER_DATA:
		type = q->data;
		break;
	default:
		fatalx("question of type %u", q->type);
	}
	if (!question_lookup(q, 0, q->name, type, got_records))
		got_none(q, RESOLVER_BUSY);
}

static bool
question_lookup(struct question *q, unsigned int i, const char *name,
    uint16_t type, lookup_cb cb)
{
	q->lookups[i] = lookup_start(name, type, cb, q);
	if (q->lookups[i] == NULL)
		return false;
	q->waiting++;
	return true;
}

static void
question_free(struct question *q)
{
	for (unsigned int i = 0; i < LOOKUPS; i++)
		lookup_cancel(q->lookups[i]);
	TAILQ_REMOVE(&q->peer->questions, q, entry);
	q->peer->nquestions--;
	free(q);
}

/* Labels of letters, digits, '-' and '_'; no empty one, no final dot. */
static int
name_check(const char *name)
{
	size_t label;

	label = 0;
	for (;; name++) {
		if (*name == '.' || *name == '\0') {
			if (label == 0 || label > 63)
				return -1;
			if (*name == '\0')
				return 0;
			label = 0;
			continue;
		}
		if (!isalnum((unsigned char)*name) && *name != '-' &&
		    *name != '_')
			return -1;
		label++;
	}
}

/* RFC 1035 3.5, RFC 3596 2.5. */
static int
name_reverse(const char *address, char *name, size_t size)
{
	uint8_t a[16];
	size_t used;

	if (inet_pton(AF_INET, address, a) == 1) {
		(void)snprintf(name, size, "%u.%u.%u.%u.in-addr.arpa", a[3],
		    a[2], a[1], a[0]);
		return 0;
	}
	if (inet_pton(AF_INET6, address, a) != 1)
		return -1;
	used = 0;
	for (int i = 15; i >= 0; i--, used += 4)
		(void)snprintf(
		    name + used, size - used, "%x.%x.", a[i] & 0x0f, a[i] >> 4);
	(void)strlcpy(name + used, "ip6.arpa", size - used);
	return 0;
}

static void
got_ipv4(
    enum resolver_status status, bool secure, const struct packet *p, void *arg)
{
	struct question *q;

	q = arg;
	q->lookups[0] = NULL;
	got_address(q, status, secure, p);
}

static void
got_ipv6(
    enum resolver_status status, bool secure, const struct packet *p, void *arg)
{
	struct question *q;

	q = arg;
	q->lookups[1] = NULL;
	got_address(q, status, secure, p);
}

/*
 * One family's addresses.  The other's failure does not hide them: the
 * answer is the better of the two, and as secure as both.
 */
static void
got_address(struct question *q, enum resolver_status status, bool secure,
    const struct packet *p)
{
	const uint8_t *octets;
	struct address *a;
	size_t len, n;

	n = 0;
	if (p != NULL && p->ttl < q->ttl)
		q->ttl = p->ttl;
	for (size_t i = 0; status == RESOLVER_OK && i < p->n; i++) {
		if (packet_address(p, i, &octets, &len) == -1 ||
		    n == RESOLVER_ADDRESSES_MAX)
			continue;
		a = &q->addresses[q->naddresses++];
		a->family = len == 4 ? 4 : 6;
		memcpy(a->octets, octets, len);
		n++;
	}
	if (status == RESOLVER_OK && n == 0)
		status = RESOLVER_BROKEN;
	q->secure = q->secure && secure;
	/* Trouble outweighs "not there": the caller is to try again. */
	if (!q->any || status == RESOLVER_OK ||
	    (q->status != RESOLVER_OK && status > q->status))
		q->status = status;
	q->any = true;
	if (--q->waiting == 0)
		answer_addresses(q);
}

static void
got_records(
    enum resolver_status status, bool secure, const struct packet *p, void *arg)
{
	struct question *q;
	struct msgout *out;
	size_t at;
	uint16_t n;

	q = arg;
	q->lookups[0] = NULL;
	out = answer_new(q, status, secure, p != NULL ? p->ttl : 0,
	    p != NULL ? p->name : q->name);
	at = msg_length(out);
	msg_put_u32(out, 0);
	n = 0;
	if (status == RESOLVER_OK) {
		switch (q->type) {
		case RESOLVER_MX:
			n = answer_mx(out, p);
			break;
		case RESOLVER_TLSA:
			n = answer_tlsa(out, p);
			break;
		case RESOLVER_TXT:
			n = answer_text(out, p);
			break;
		case RESOLVER_PTR:
			n = answer_ptr(out, p);
			break;
		case RESOLVER_DATA:
			n = answer_data(out, p);
			break;
		}
	}
	if (status == RESOLVER_OK && n == 0) {
		/* All were past a limit, or malformed. */
		msg_cancel(out);
		got_none(q, RESOLVER_BROKEN);
		return;
	}
	msg_set_u32(out, at, n);
	msg_send(out);
	question_free(q);
}

static void
got_none(struct question *q, enum resolver_status status)
{
	struct msgout *out;

	out = answer_new(q, status, false, 0, q->name);
	msg_put_u32(out, 0);
	msg_send(out);
	question_free(q);
}

static struct msgout *
answer_new(struct question *q, enum resolver_status status, bool secure,
    uint32_t ttl, const char *name)
{
	struct msgout *out;

	report_answer(status, secure);
	out = msg_new(q->peer->wire, RESOLVER_ANSWER, q->id);
	msg_put_u8(out, (uint8_t)status);
	msg_put_u8(out, secure);
	msg_put_u32(out, ttl == UINT32_MAX ? 0 : ttl);
	msg_put_str(out, name);
	return out;
}

/* The best RESOLVER_MX_MAX, by preference. */
static uint16_t
answer_mx(struct msgout *out, const struct packet *p)
{
	char host[RESOLVER_NAME_MAX];
	uint16_t preference, least;
	uint32_t floor;
	uint16_t n;

	n = 0;
	for (floor = 0; floor <= UINT16_MAX && n < RESOLVER_MX_MAX;
	     floor = (uint32_t)least + 1) {
		least = UINT16_MAX;
		for (size_t i = 0; i < p->n; i++)
			if (packet_mx(p, i, &preference, host, sizeof(host)) ==
				0 &&
			    preference >= floor && preference < least)
				least = preference;
		for (size_t i = 0; i < p->n && n < RESOLVER_MX_MAX; i++) {
			if (packet_mx(p, i, &preference, host, sizeof(host)) ==
				-1 ||
			    preference != least || preference < floor)
				continue;
			msg_put_u16(out, preference);
			msg_put_str(out, host);
			n++;
		}
		if (least == UINT16_MAX)
			break;
	}
	return n;
}

static uint16_t
answer_tlsa(struct msgout *out, const struct packet *p)
{
	const uint8_t *data;
	uint8_t parts[3];
	size_t len;
	uint16_t n;

	n = 0;
	for (size_t i = 0; i < p->n && n < RESOLVER_TLSA_MAX; i++) {
		if (packet_tlsa(p, i, parts, &data, &len) == -1)
			continue;
		msg_put_raw(out, parts, sizeof(parts));
		msg_put_bytes(out, data, len);
		n++;
	}
	return n;
}

static uint16_t
answer_text(struct msgout *out, const struct packet *p)
{
	static uint8_t text[RESOLVER_TEXT_MAX];
	size_t len;
	uint16_t n;

	n = 0;
	for (size_t i = 0; i < p->n && n < RESOLVER_TEXTS_MAX; i++) {
		if (packet_text(p, i, text, sizeof(text), &len) == -1 ||
		    msg_room(out) < len + ANSWER_ROOM)
			continue;
		msg_put_bytes(out, text, len);
		n++;
	}
	return n;
}

static uint16_t
answer_ptr(struct msgout *out, const struct packet *p)
{
	char name[RESOLVER_NAME_MAX];
	uint16_t n;

	n = 0;
	for (size_t i = 0; i < p->n && n < RESOLVER_NAMES_MAX; i++) {
		if (packet_ptr(p, i, name, sizeof(name)) == -1)
			continue;
		msg_put_str(out, name);
		n++;
	}
	return n;
}

/* Nothing of it is looked at here: who asks compares it with its own. */
static uint16_t
answer_data(struct msgout *out, const struct packet *p)
{
	const struct packet_record *r;
	uint16_t n;

	n = 0;
	for (size_t i = 0; i < p->n && n < RESOLVER_DATAS_MAX; i++) {
		r = &p->records[i];
		if (r->len > RESOLVER_DATA_MAX ||
		    msg_room(out) < r->len + ANSWER_ROOM)
			continue;
		msg_put_bytes(out, p->data + r->off, r->len);
		n++;
	}
	return n;
}

static void
answer_addresses(struct question *q)
{
	struct msgout *out;
	struct address *a;

	out = answer_new(q, q->status, q->secure, q->ttl, q->name);
	if (q->status != RESOLVER_OK)
		q->naddresses = 0;
	msg_put_u32(out, (uint32_t)q->naddresses);
	for (size_t i = 0; i < q->naddresses; i++) {
		a = &q->addresses[i];
		msg_put_u8(out, a->family);
		msg_put_raw(out, a->octets, a->family == 4 ? 4 : 16);
	}
	msg_send(out);
	question_free(q);
}
