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
 * The answer section of a DNS reply (RFC 1035 4.1): which records of the type
 * asked for it holds, at the end of its CNAMEs.  Memory is the caller's and
 * bounded; time is linear in the records times RESOLVER_CNAMES_MAX.
 */

#ifndef PACKET_H
#define PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "../resolver_wire.h"

/*
 * Of one answer that are looked at: all, since servers turn their order and
 * the best MX may come last.  A packet has no room for more.
 */
#define PACKET_RECORDS_MAX 8192

#define PACKET_A 1
#define PACKET_PTR 12
#define PACKET_MX 15
#define PACKET_TXT 16
#define PACKET_AAAA 28
#define PACKET_TLSA 52

/* Where a record's data lie in the reply. */
struct packet_record {
	size_t off;
	size_t len;
};

struct packet {
	const uint8_t *data;
	size_t len;
	uint16_t type;
	char name[RESOLVER_NAME_MAX]; /* canonical, lower case */
	uint32_t ttl;                 /* seconds, the least of the chain */
	struct packet_record records[PACKET_RECORDS_MAX];
	size_t n;
};

/*
 * Reads a reply to a question of this type (PACKET_*).  RESOLVER_OK with at
 * least one record, RESOLVER_NODATA, RESOLVER_NXDOMAIN, RESOLVER_SERVFAIL, or
 * RESOLVER_BROKEN.  The packet stays in use.
 */
enum resolver_status
packet_read(struct packet *, uint16_t type, const uint8_t *, size_t);

/*
 * A name at *off, decompressed, lower case, without the final dot ("" is the
 * root).  *off moves behind it.  -1 if it is malformed or no host or domain
 * name.
 */
int
packet_name(const uint8_t *, size_t len, size_t *off, char *name, size_t size);

/*
 * The parts of record i.  -1 if they are malformed or past a limit of
 * resolver_wire.h: such a record is left out.
 */
int packet_mx(const struct packet *, size_t i, uint16_t *preference, char *host,
    size_t size);
/* 4 or 16 octets, into the packet; *len says which. */
int
packet_address(const struct packet *, size_t i, const uint8_t **, size_t *len);
/* parts: usage, selector, matching type. */
int packet_tlsa(const struct packet *, size_t i, uint8_t parts[3],
    const uint8_t **, size_t *len);
int packet_text(
    const struct packet *, size_t i, uint8_t *buf, size_t size, size_t *len);
int packet_ptr(const struct packet *, size_t i, char *name, size_t size);

#endif
