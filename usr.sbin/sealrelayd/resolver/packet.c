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
 * Replies of strangers, as libunbound hands them on: it has checked signatures
 * and sections, but every length and pointer is checked here again.
 */

#include <sys/types.h>

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "packet.h"

#define HEADER_LEN 12
#define POINTERS_MAX 64 /* compression pointers of one name */
#define LABEL_MAX 63
#define TYPE_CNAME 5
#define CLASS_IN 1
#define RCODE_NXDOMAIN 3

struct record {
	char owner[RESOLVER_NAME_MAX];
	uint16_t type;
	uint16_t class;
	uint32_t ttl;
	size_t off; /* of its data */
	size_t len;
};

static uint16_t get16(const uint8_t *);
static int skip_questions(struct packet *, size_t *, uint16_t);
static int next_record(const struct packet *, size_t *, struct record *);
static enum resolver_status chain(struct packet *, size_t, uint16_t);
static int alias(struct packet *, size_t, uint16_t);
static bool is_name_octet(uint8_t);

enum resolver_status
packet_read(struct packet *p, uint16_t type, const uint8_t *data, size_t len)
{
	enum resolver_status status;
	unsigned int rcode;
	size_t off;

	memset(p, 0, sizeof(*p));
	p->data = data;
	p->len = len;
	p->type = type;
	p->ttl = UINT32_MAX;
	if (len < HEADER_LEN)
		return RESOLVER_BROKEN;
	rcode = data[3] & 0x0f;
	if (rcode != 0 && rcode != RCODE_NXDOMAIN)
		return RESOLVER_SERVFAIL;
	off = HEADER_LEN;
	if (skip_questions(p, &off, get16(data + 4)) == -1)
		return RESOLVER_BROKEN;
	status = chain(p, off, get16(data + 6));
	if (p->ttl == UINT32_MAX)
		p->ttl = 0;
	if (status == RESOLVER_NODATA && rcode == RCODE_NXDOMAIN)
		return RESOLVER_NXDOMAIN;
	return status;
}

int
packet_name(
    const uint8_t *data, size_t len, size_t *off, char *name, size_t size)
{
	size_t at, n, used, pointers;
	bool jumped;

	at = *off;
	used = pointers = 0;
	jumped = false;
	for (;;) {
		if (at >= len)
			return -1;
		n = data[at++];
		if ((n & 0xc0) == 0xc0) {
			if (at >= len || ++pointers > POINTERS_MAX)
				return -1;
			n = (n & 0x3f) << 8 | data[at++];
			if (!jumped)
				*off = at;
			jumped = true;
			at = n;
			continue;
		}
		if (n == 0)
			break;
		/* One for the dot, one for the NUL. */
		if (n > LABEL_MAX || n > len - at || n + 2 > size - used)
			return -1;
		if (used > 0)
			name[used++] = '.';
		for (; n > 0; n--, at++) {
			if (!is_name_octet(data[at]))
				return -1;
			name[used++] = (char)tolower(data[at]);
		}
	}
	name[used] = '\0';
	if (!jumped)
		*off = at;
	return 0;
}

int
packet_mx(const struct packet *p, size_t i, uint16_t *preference, char *host,
    size_t size)
{
	const struct packet_record *r;
	size_t off;

	r = &p->records[i];
	if (r->len < 3)
		return -1;
	*preference = get16(p->data + r->off);
	off = r->off + 2;
	if (packet_name(p->data, p->len, &off, host, size) == -1)
		return -1;
	return off == r->off + r->len ? 0 : -1;
}

int
packet_address(
    const struct packet *p, size_t i, const uint8_t **address, size_t *len)
{
	const struct packet_record *r;

	r = &p->records[i];
	*len = p->type == PACKET_A ? 4 : 16;
	*address = p->data + r->off;
	return r->len == *len ? 0 : -1;
}

int
packet_tlsa(const struct packet *p, size_t i, uint8_t parts[3],
    const uint8_t **data, size_t *len)
{
	const struct packet_record *r;

	r = &p->records[i];
	if (r->len <= 3 || r->len - 3 > RESOLVER_TLSA_DATA_MAX)
		return -1;
	memcpy(parts, p->data + r->off, 3);
	*data = p->data + r->off + 3;
	*len = r->len - 3;
	return 0;
}

/* RFC 1035 3.3.14: strings of a length octet each. */
int
packet_text(
    const struct packet *p, size_t i, uint8_t *buf, size_t size, size_t *len)
{
	const uint8_t *in;
	size_t left, n;

	in = p->data + p->records[i].off;
	left = p->records[i].len;
	*len = 0;
	while (left > 0) {
		n = *in++;
		left--;
		if (n > left || n > size - *len)
			return -1;
		memcpy(buf + *len, in, n);
		*len += n;
		in += n;
		left -= n;
	}
	return 0;
}

int
packet_ptr(const struct packet *p, size_t i, char *name, size_t size)
{
	const struct packet_record *r;
	size_t off;

	r = &p->records[i];
	off = r->off;
	if (packet_name(p->data, p->len, &off, name, size) == -1 ||
	    name[0] == '\0')
		return -1;
	return off == r->off + r->len ? 0 : -1;
}

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* The last question's name is what the answers are about. */
static int
skip_questions(struct packet *p, size_t *off, uint16_t n)
{
	if (n != 1 ||
	    packet_name(p->data, p->len, off, p->name, sizeof(p->name)) == -1 ||
	    p->len - *off < 4)
		return -1;
	*off += 4;
	return 0;
}

/*
 * The next record.  An owner that is no host or domain name is none that was
 * asked about: it becomes "".
 */
static int
next_record(const struct packet *p, size_t *off, struct record *r)
{
	const uint8_t *fixed;
	size_t at;

	if (packet_name(p->data, p->len, off, r->owner, sizeof(r->owner)) ==
	    -1) {
		/* Skip it: labels up to the root or a pointer. */
		for (at = *off;; at += 1 + p->data[at]) {
			if (at >= p->len)
				return -1;
			if (p->data[at] == 0 || (p->data[at] & 0xc0) != 0)
				break;
		}
		at += (p->data[at] & 0xc0) != 0 ? 2 : 1;
		if (at > p->len)
			return -1;
		*off = at;
		r->owner[0] = '\0';
	}
	if (p->len - *off < 10)
		return -1;
	fixed = p->data + *off;
	r->type = get16(fixed);
	r->class = get16(fixed + 2);
	r->ttl = (uint32_t)get16(fixed + 4) << 16 | get16(fixed + 6);
	r->len = get16(fixed + 8);
	*off += 10;
	if (r->len > p->len - *off)
		return -1;
	r->off = *off;
	*off += r->len;
	return 0;
}

/* Follows the CNAMEs, then takes the records of the last name. */
static enum resolver_status
chain(struct packet *p, size_t start, uint16_t count)
{
	struct record r;
	size_t off;
	int found;

	for (unsigned int i = 0;; i++) {
		found = alias(p, start, count);
		if (found == -1 || i > RESOLVER_CNAMES_MAX)
			return RESOLVER_BROKEN;
		if (found == 0)
			break;
	}
	off = start;
	for (uint16_t i = 0; i < count; i++) {
		if (next_record(p, &off, &r) == -1)
			return RESOLVER_BROKEN;
		if (r.class != CLASS_IN || r.type != p->type ||
		    strcmp(r.owner, p->name) != 0)
			continue;
		if (p->n == PACKET_RECORDS_MAX)
			break;
		if (r.ttl < p->ttl)
			p->ttl = r.ttl;
		p->records[p->n].off = r.off;
		p->records[p->n++].len = r.len;
	}
	return p->n > 0 ? RESOLVER_OK : RESOLVER_NODATA;
}

/* 1: the name is an alias, and p->name what it stands for. */
static int
alias(struct packet *p, size_t off, uint16_t count)
{
	struct record r;

	for (uint16_t i = 0; i < count; i++) {
		if (next_record(p, &off, &r) == -1)
			return -1;
		if (r.class != CLASS_IN || r.type != TYPE_CNAME ||
		    strcmp(r.owner, p->name) != 0)
			continue;
		if (packet_name(p->data, p->len, &r.off, p->name,
			sizeof(p->name)) == -1)
			return -1;
		if (r.ttl < p->ttl)
			p->ttl = r.ttl;
		return 1;
	}
	return 0;
}

static bool
is_name_octet(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_';
}
