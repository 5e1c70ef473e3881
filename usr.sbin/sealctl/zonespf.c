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
 * sealctl dns -c: does SPF (RFC 7208) let this host send?
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "mauth.h"
#include "zone.h"

#include "../sealrelayd/resolver_wire.h"

#define WAIT_MS ((RESOLVER_SECONDS + 10) * 1000)
#define FIRST_ID 1000000 /* questions of ours, behind those of the zone */
#define RECORDS_MAX 64

/* An answer's records: what they point to. */
struct records {
	struct mauth_record records[RECORDS_MAX];
	char data[RECORDS_MAX][RESOLVER_NAME_MAX];
	size_t n;
};

static enum mauth_result
evaluate(int, const char *, const char *, const char *);
static void ask(int, struct spf *, const struct mauth_question *);
static void take(struct msg *, enum mauth_type, struct records *);
static size_t take_address(struct msg *, char *);

const char *
zone_spf(int fd, const struct conf *conf, const struct zone *z,
    const char *name, const char **result)
{
	enum mauth_result r;
	const char *address;

	/* What leaves by another host has that one's address. */
	for (size_t i = 0; i < conf->n_routes; i++)
		if (strcmp(conf->routes[i].domain, "*") == 0)
			return NULL;
	for (size_t i = 0; i < z->n + 2; i++) {
		if (i >= z->n)
			address = conf->relay_source[i - z->n];
		else if (z->records[i].kind == ZONE_ADDRESS)
			address = z->records[i].data;
		else
			continue;
		/* A family with a source sends from that alone. */
		if (address[0] == '\0' ||
		    (i < z->n &&
			conf->relay_source[strchr(address, ':') != NULL][0] !=
			    '\0'))
			continue;
		r = evaluate(fd, address, conf->hostname, name);
		if (r != MAUTH_PASS) {
			*result = mauth_result_name(r);
			return address;
		}
	}
	return NULL;
}

static enum mauth_result
evaluate(int fd, const char *address, const char *helo, const char *domain)
{
	const struct mauth_question *q;
	struct spf_client client;
	enum mauth_result r;
	struct spf *spf;

	memset(&client, 0, sizeof(client));
	client.version = strchr(address, ':') != NULL ? 6 : 4;
	if (inet_pton(client.version == 4 ? AF_INET : AF_INET6, address,
		client.address) != 1)
		return MAUTH_PASS;
	client.helo = helo;
	client.local = "postmaster";
	client.domain = domain;
	spf = spf_new(&client);
	if (spf == NULL)
		err(EXIT_FAILED, "spf");
	while ((q = spf_question(spf)) != NULL)
		ask(fd, spf, q);
	r = spf_result(spf);
	spf_free(spf);
	return r;
}

static void
ask(int fd, struct spf *spf, const struct mauth_question *q)
{
	static const uint32_t types[] = {
	    [MAUTH_TXT] = RESOLVER_TXT,
	    [MAUTH_A] = RESOLVER_ADDRESS,
	    [MAUTH_AAAA] = RESOLVER_ADDRESS,
	    [MAUTH_MX] = RESOLVER_MX,
	    [MAUTH_PTR] = RESOLVER_PTR,
	};
	static struct records got;
	static uint32_t id = FIRST_ID;
	struct mauth_answer a;
	enum mauth_type type;
	struct msgout *m;
	struct msg msg;

	type = q->type;
	m = msg_new_fd(fd, types[type], ++id);
	msg_put_str(m, q->name);
	if (type == MAUTH_A || type == MAUTH_AAAA)
		msg_put_u8(m, type == MAUTH_A ? RESOLVER_IPV4 : RESOLVER_IPV6);
	if (msg_send_wait(m, WAIT_MS) == -1)
		ctl_silent("smtp-resolver", DAEMON_RELAY);
	memset(&msg, 0, sizeof(msg));
	do {
		msg_done(&msg);
		if (msg_recv_wait(fd, &msg, WAIT_MS) != 1)
			ctl_silent("smtp-resolver", DAEMON_RELAY);
	} while (msg.type != RESOLVER_ANSWER || msg.id != id);
	memset(&a, 0, sizeof(a));
	got.n = 0;
	switch (msg_get_u8(&msg)) {
	case RESOLVER_OK:
		take(&msg, type, &got);
		break;
	case RESOLVER_NODATA:
	case RESOLVER_NXDOMAIN:
		break;
	default:
		a.status = MAUTH_TROUBLE;
	}
	if (a.status != MAUTH_TROUBLE)
		a.status = got.n > 0 ? MAUTH_FOUND : MAUTH_NOTHING;
	a.records = got.records;
	a.n = got.n;
	spf_answer(spf, &a);
	msg_done(&msg);
}

/* Texts stay where they are in the message. */
static void
take(struct msg *msg, enum mauth_type type, struct records *got)
{
	char name[RESOLVER_NAME_MAX];
	struct mauth_record *r;
	uint32_t n;

	(void)msg_get_u8(msg);
	(void)msg_get_u32(msg);
	(void)msg_get_str(msg, name, sizeof(name));
	for (n = msg_get_u32(msg); n > 0 && got->n < RECORDS_MAX; n--) {
		r = &got->records[got->n];
		r->data = got->data[got->n];
		switch (type) {
		case MAUTH_TXT:
			r->data = msg_get_bytes(
			    msg, &r->len, RESOLVER_TEXT_MAX);
			break;
		case MAUTH_A:
		case MAUTH_AAAA:
			r->len = take_address(msg, got->data[got->n]);
			break;
		case MAUTH_MX:
			(void)msg_get_u16(msg);
			/* FALLTHROUGH */
		case MAUTH_PTR:
			(void)msg_get_str(
			    msg, got->data[got->n], RESOLVER_NAME_MAX);
			r->len = strlen(got->data[got->n]);
			break;
		}
		if (msg->bad)
			return;
		got->n++;
	}
}

static size_t
take_address(struct msg *msg, char *data)
{
	size_t len;

	len = msg_get_u8(msg) == 4 ? 4 : 16;
	(void)msg_get_raw(msg, data, len);
	return len;
}
