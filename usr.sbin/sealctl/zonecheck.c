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
 * sealctl dns -c: what the world sees of the records, by smtp-resolver, which
 * validates.  Answers are strangers'; they are compared, but for SPF, which is
 * evaluated.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "zone.h"

#include "../sealrelayd/resolver_wire.h"

#define ASK_MAX 256 /* questions at once */
#define WAIT_MS ((RESOLVER_SECONDS + 10) * 1000)

enum verdict {
	SEEN,
	MISSING,  /* nothing of the kind */
	DIFFERS,  /* something else */
	UNSIGNED, /* it is there, but DNSSEC does not prove it */
	FORGED,
	UNKNOWN /* it could not be looked up */
};

static const char *const words[] = {
    [SEEN] = "ok",
    [MISSING] = "missing",
    [DIFFERS] = "differs",
    [UNSIGNED] = "unsigned",
    [FORGED] = "bogus",
    [UNKNOWN] = "unknown",
};

struct asker {
	struct ctl ctl;
	int fd;
};

struct seen {
	enum verdict verdict;
	char found[ZONE_DATA_MAX];
};

static void spf_check(struct asker *, const struct conf *, const struct zone *,
    const struct zone_record *, struct seen *);
static int asker_open(struct asker *, struct invocation *);
static void ask_all(struct asker *, const struct zone *, struct seen *);
static enum verdict
answer_check(struct msg *, const struct zone_record *, char *, size_t);
static struct msgout *
question(struct asker *, const struct zone_record *, uint32_t);
static bool same(struct msg *, const struct zone_record *, char *, size_t);
static bool same_address(struct msg *, const char *);
static bool same_mx(struct msg *, const char *);
static bool same_text(struct msg *, const struct zone_record *, char *, size_t);
static bool same_kind(
    struct msg *, const struct zone_record *, char *, size_t, unsigned int *);
static bool is_kind(const uint8_t *, size_t, const struct zone_record *);
static void keep(char *, size_t, const uint8_t *, size_t);
static bool spf_lets_none(const char *, size_t);
static bool same_tlsa(struct msg *, const struct zone_record *);
static bool same_raw(struct msg *, const struct zone_record *);
static bool same_name(const char *, const char *);
static void
todo(enum verdict, const struct zone_record *, const char *, char *, size_t);

static const struct column columns[] = {
    {"record", COLUMN_TEXT, 40},
    {"type", COLUMN_TEXT, 5},
    {"state", COLUMN_TEXT, 8},
    {"todo", COLUMN_SENTENCE, 0},
};

int
zone_check(struct invocation *inv, const struct zone *z, bool quiet)
{
	char what[2 * ZONE_DATA_MAX + ZONE_NOTE_MAX];
	const struct zone_record *r;
	struct seen *seen;
	struct asker a;
	enum verdict v;
	int code;

	if ((code = asker_open(&a, inv)) != 0)
		return code;
	seen = calloc(z->n + 1, sizeof(*seen));
	if (seen == NULL)
		err(EXIT_FAILED, "dns");
	if (!quiet)
		out_start(
		    columns, sizeof(columns) / sizeof(columns[0]), inv->json);
	ask_all(&a, z, seen);
	for (size_t i = 0; i < z->n; i++) {
		r = &z->records[i];
		spf_check(&a, inv->conf, z, r, &seen[i]);
		v = seen[i].verdict;
		if (r->kind == ZONE_NOTE)
			continue;
		if (v != SEEN)
			code = EXIT_FAILED;
		if (quiet) {
			if (v != SEEN)
				warnx("%s %s: %s", r->name, r->type, words[v]);
			continue;
		}
		todo(v, r, seen[i].found, what, sizeof(what));
		out_text(r->name);
		out_text(r->type);
		out_text(words[v]);
		out_text(what);
		if (strncmp(r->name, "_mta-sts.", 9) == 0 && v != MISSING &&
		    !zone_policy(&a.ctl, inv->conf, r))
			code = EXIT_FAILED;
	}
	free(seen);
	(void)close(a.fd);
	ctl_close(&a.ctl);
	return code;
}

/* That there is one says little: would a server let our mail pass? */
static void
spf_check(struct asker *a, const struct conf *conf, const struct zone *z,
    const struct zone_record *r, struct seen *seen)
{
	char now[ZONE_DATA_MAX];
	const char *address, *result;

	if (seen->verdict != SEEN || r->kind != ZONE_TEXT_KIND ||
	    strncmp(r->data, "v=spf1 ", 7) != 0)
		return;
	address = zone_spf(a->fd, conf, z, r->name, &result);
	if (address == NULL)
		return;
	seen->verdict = DIFFERS;
	(void)strlcpy(now, seen->found, sizeof(now));
	(void)snprintf(seen->found, sizeof(seen->found),
	    "%s gets \"%s\" by %.2000s", address, result, now);
}

static int
asker_open(struct asker *a, struct invocation *inv)
{
	struct msgout *m;
	struct msg msg;

	memset(a, 0, sizeof(*a));
	if (ctl_open(&a->ctl, inv->conf, DAEMON_RELAY) == -1)
		return EXIT_NOT_RUNNING;
	a->fd = ctl_role(&a->ctl, "smtp-resolver", 0);
	if (a->fd == -1) {
		(void)ctl_failed(&a->ctl, "dns");
		ctl_close(&a->ctl);
		return EXIT_FAILED;
	}
	m = msg_new_fd(a->fd, RESOLVER_HELLO, 0);
	msg_put_u32(m, RESOLVER_VERSION);
	if (msg_send_wait(m, WAIT_MS) == -1)
		ctl_silent("smtp-resolver", DAEMON_RELAY);
	memset(&msg, 0, sizeof(msg));
	if (msg_recv_wait(a->fd, &msg, WAIT_MS) != 1 ||
	    msg.type != RESOLVER_HELLO)
		ctl_silent("smtp-resolver", DAEMON_RELAY);
	msg_done(&msg);
	return 0;
}

/*
 * As many at once as the resolver takes: one server that does not answer
 * delays the rest by no more than its own time.
 */
static void
ask_all(struct asker *a, const struct zone *z, struct seen *seen)
{
	struct msg msg;
	size_t sent, open;

	memset(&msg, 0, sizeof(msg));
	sent = open = 0;
	while (sent < z->n || open > 0) {
		if (sent < z->n && open < ASK_MAX) {
			seen[sent].verdict = UNKNOWN;
			if (z->records[sent].kind != ZONE_NOTE &&
			    strlen(z->records[sent].name) < RESOLVER_NAME_MAX) {
				if (msg_send_wait(question(a, &z->records[sent],
						      (uint32_t)sent + 1),
					WAIT_MS) == -1)
					ctl_silent(
					    "smtp-resolver", DAEMON_RELAY);
				open++;
			}
			sent++;
			continue;
		}
		msg_done(&msg);
		if (msg_recv_wait(a->fd, &msg, WAIT_MS) != 1)
			ctl_silent("smtp-resolver", DAEMON_RELAY);
		if (msg.type != RESOLVER_ANSWER || msg.id == 0 || msg.id > sent)
			continue;
		seen[msg.id - 1].verdict = answer_check(&msg,
		    &z->records[msg.id - 1], seen[msg.id - 1].found,
		    ZONE_DATA_MAX);
		open--;
	}
	msg_done(&msg);
}

/* What is there instead, where it can be told in a line, in found. */
static enum verdict
answer_check(
    struct msg *msg, const struct zone_record *r, char *found, size_t size)
{
	char name[RESOLVER_NAME_MAX];
	uint8_t status, secure;
	bool ok;

	*found = '\0';
	status = msg_get_u8(msg);
	secure = msg_get_u8(msg);
	(void)msg_get_u32(msg);
	(void)msg_get_str(msg, name, sizeof(name));
	ok = status == RESOLVER_OK && same(msg, r, found, size);
	switch (status) {
	case RESOLVER_OK:
		if (!ok)
			return DIFFERS;
		return r->kind == ZONE_TLSA && !secure ? UNSIGNED : SEEN;
	case RESOLVER_NODATA:
	case RESOLVER_NXDOMAIN:
		return MISSING;
	case RESOLVER_BOGUS:
		return FORGED;
	default:
		return UNKNOWN;
	}
}

static struct msgout *
question(struct asker *a, const struct zone_record *r, uint32_t id)
{
	static const uint32_t types[] = {
	    [ZONE_ADDRESS] = RESOLVER_ADDRESS,
	    [ZONE_PTR] = RESOLVER_PTR,
	    [ZONE_MX] = RESOLVER_MX,
	    [ZONE_TEXT] = RESOLVER_TXT,
	    [ZONE_TEXT_KIND] = RESOLVER_TXT,
	    [ZONE_TLSA] = RESOLVER_TLSA,
	    [ZONE_RAW] = RESOLVER_DATA,
	};
	struct msgout *m;
	const char *name;

	name = r->name;
	/* The resolver makes the rest of the name itself. */
	if (r->kind == ZONE_TLSA)
		name = strstr(name, "._tcp.") + strlen("._tcp.");
	m = msg_new_fd(a->fd, types[r->kind], id);
	msg_put_str(m, name);
	if (r->kind == ZONE_ADDRESS)
		msg_put_u8(m, RESOLVER_IPV4 | RESOLVER_IPV6);
	else if (r->kind == ZONE_TLSA || r->kind == ZONE_RAW)
		msg_put_u16(m, r->rrtype);
	return m;
}

static bool
same(struct msg *msg, const struct zone_record *r, char *found, size_t size)
{
	char name[RESOLVER_NAME_MAX];
	unsigned int texts;
	uint32_t n;
	bool any;

	any = false;
	texts = 0;
	for (n = msg_get_u32(msg); n > 0 && !msg->bad; n--) {
		switch (r->kind) {
		case ZONE_ADDRESS:
			any = same_address(msg, r->data) || any;
			break;
		case ZONE_PTR:
			(void)msg_get_str(msg, name, sizeof(name));
			(void)strlcpy(found, name, size);
			any = same_name(name, r->data) || any;
			break;
		case ZONE_MX:
			any = same_mx(msg, r->data) || any;
			break;
		case ZONE_TEXT:
			any = same_text(msg, r, found, size) || any;
			break;
		case ZONE_TEXT_KIND:
			any = same_kind(msg, r, found, size, &texts) || any;
			break;
		case ZONE_TLSA:
			any = same_tlsa(msg, r) || any;
			break;
		case ZONE_RAW:
			any = same_raw(msg, r) || any;
			break;
		case ZONE_NOTE:
			return true;
		}
	}
	/* Of two nobody heeds either: RFC 7208 4.5, 7489 6.6.3, 8461 3.1. */
	if (texts > 1) {
		(void)strlcpy(found, "several, of which none counts", size);
		return false;
	}
	return any && !msg->bad;
}

static bool
same_address(struct msg *msg, const char *want)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t family, octets[16];

	family = msg_get_u8(msg);
	(void)msg_get_raw(msg, octets, family == 4 ? 4 : 16);
	return !msg->bad &&
	    inet_ntop(family == 4 ? AF_INET : AF_INET6, octets, text,
		sizeof(text)) != NULL &&
	    strcmp(text, want) == 0;
}

static bool
same_mx(struct msg *msg, const char *want)
{
	char host[RESOLVER_NAME_MAX];

	(void)msg_get_u16(msg);
	(void)msg_get_str(msg, host, sizeof(host));
	return same_name(host, strchr(want, ' ') + 1);
}

static bool
same_text(
    struct msg *msg, const struct zone_record *r, char *found, size_t size)
{
	const uint8_t *p;
	size_t len;

	p = msg_get_bytes(msg, &len, RESOLVER_TEXT_MAX);
	if (p == NULL || !is_kind(p, len, r))
		return false;
	keep(found, size, p, len);
	return len == strlen(r->data) && memcmp(p, r->data, len) == 0;
}

/* Of the kind, which is counted, and of use. */
static bool
same_kind(struct msg *msg, const struct zone_record *r, char *found,
    size_t size, unsigned int *count)
{
	const uint8_t *p;
	size_t len;

	p = msg_get_bytes(msg, &len, RESOLVER_TEXT_MAX);
	if (p == NULL || !is_kind(p, len, r))
		return false;
	++*count;
	keep(found, size, p, len);
	return strncmp(r->data, "v=spf1 ", 7) != 0 ||
	    !spf_lets_none((const char *)p, len);
}

/* A name may have texts of several kinds. */
static bool
is_kind(const uint8_t *p, size_t len, const struct zone_record *r)
{
	size_t kind;

	kind = strcspn(r->data, "; ");
	return len >= kind &&
	    strncasecmp((const char *)p, r->data, kind) == 0 &&
	    (len == kind || p[kind] == ';' || p[kind] == ' ');
}

static void
keep(char *found, size_t size, const uint8_t *p, size_t len)
{
	if (len >= size)
		len = size - 1;
	memcpy(found, p, len);
	found[len] = '\0';
}

/* "v=spf1 -all": nobody may send, so that ours is refused. */
static bool
spf_lets_none(const char *p, size_t len)
{
	const char *end, *term;
	size_t n;

	end = p + len;
	while (p < end && *p != ' ')
		p++;
	while (p < end) {
		while (p < end && *p == ' ')
			p++;
		for (term = p; p < end && *p != ' ';)
			p++;
		n = (size_t)(p - term);
		if (n > 0 &&
		    (n != 4 || strchr("-~?", *term) == NULL ||
			strncasecmp(term + 1, "all", 3) != 0))
			return false;
	}
	return true;
}

static bool
same_tlsa(struct msg *msg, const struct zone_record *r)
{
	const uint8_t *p;
	uint8_t parts[3];
	size_t len;

	(void)msg_get_raw(msg, parts, sizeof(parts));
	p = msg_get_bytes(msg, &len, RESOLVER_TLSA_DATA_MAX);
	return p != NULL && memcmp(parts, r->raw, sizeof(parts)) == 0 &&
	    len == r->raw_len - sizeof(parts) &&
	    memcmp(p, r->raw + sizeof(parts), len) == 0;
}

/* Names in them may be written in either case. */
static bool
same_raw(struct msg *msg, const struct zone_record *r)
{
	const uint8_t *p;
	size_t len;

	p = msg_get_bytes(msg, &len, RESOLVER_DATA_MAX);
	if (p == NULL || len != r->raw_len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (tolower(p[i]) != tolower(r->raw[i]))
			return false;
	return true;
}

/* Final dots say nothing here. */
static bool
same_name(const char *a, const char *b)
{
	size_t n, m;

	n = strlen(a);
	m = strlen(b);
	n -= n > 0 && a[n - 1] == '.';
	m -= m > 0 && b[m - 1] == '.';
	return n == m && strncasecmp(a, b, n) == 0;
}

static void
todo(enum verdict v, const struct zone_record *r, const char *found, char *buf,
    size_t size)
{
	*buf = '\0';
	switch (v) {
	case SEEN:
		break;
	case MISSING:
		(void)snprintf(buf, size, "publish: %s", r->data);
		break;
	case DIFFERS:
		(void)snprintf(buf, size, "publish: %s%s%s%s", r->data,
		    *found != '\0' ? " (now: " : "", found,
		    *found != '\0' ? ")" : "");
		break;
	case UNSIGNED:
		(void)snprintf(buf, size,
		    "sign the zone (DNSSEC): nobody heeds the record without");
		break;
	case FORGED:
		(void)snprintf(buf, size,
		    "mend the signatures of the zone: validating resolvers "
		    "refuse it");
		break;
	case UNKNOWN:
		(void)snprintf(buf, size,
		    "see whether the zone's name servers answer, and those "
		    "that are asked here");
		break;
	}
}
