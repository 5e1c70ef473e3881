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
 * Replies as name servers, forgers and cut cables make them.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "../../../../usr.sbin/sealrelayd/resolver/packet.h"

static uint8_t reply[65535];
static size_t reply_len;

static void
put(const void *data, size_t len)
{
	ATF_REQUIRE(len <= sizeof(reply) - reply_len);
	memcpy(reply + reply_len, data, len);
	reply_len += len;
}

static void
put16(unsigned int n)
{
	uint8_t b[2] = {(uint8_t)(n >> 8), (uint8_t)n};

	put(b, sizeof(b));
}

/* "a.test" as labels. */
static void
put_name(const char *name)
{
	uint8_t n;

	while (*name != '\0') {
		n = (uint8_t)strcspn(name, ".");
		put(&n, 1);
		put(name, n);
		name += n;
		if (*name == '.')
			name++;
	}
	put("", 1);
}

static void
begin(const char *name, uint16_t type, unsigned int rcode, unsigned int answers)
{
	reply_len = 0;
	put16(0);
	put16(0x8180 | rcode);
	put16(1);
	put16(answers);
	put16(0);
	put16(0);
	put_name(name);
	put16(type);
	put16(1);
}

static void
record(const char *name, uint16_t type, unsigned int ttl, const void *data,
    size_t len)
{
	put_name(name);
	put16(type);
	put16(1);
	put16(0);
	put16(ttl);
	put16((unsigned int)len);
	put(data, len);
}

/* A copy of just so many octets: a sanitizer sees a step past the end. */
static enum resolver_status
read_cut(struct packet *p, uint16_t type, size_t len)
{
	enum resolver_status status;
	uint8_t *copy;

	copy = malloc(len + (len == 0));
	ATF_REQUIRE(copy != NULL);
	memcpy(copy, reply, len);
	status = packet_read(p, type, copy, len);
	p->data = NULL;
	free(copy);
	return status;
}

static void
sample(void)
{
	begin("Alias.test", PACKET_MX, 0, 4);
	record("alias.test", 5, 60, "\004real\300\022", 7);
	record("real.test", PACKET_MX, 600, "\000\024\001b\300\022", 6);
	record("real.test", PACKET_MX, 600, "\000\012\001a\300\022", 6);
	record("other.test", PACKET_MX, 600, "\000\001\001x\300\022", 6);
}

ATF_TC_WITHOUT_HEAD(aliases);
ATF_TC_BODY(aliases, tc)
{
	static struct packet p;
	char host[RESOLVER_NAME_MAX];
	uint16_t preference;

	sample();
	ATF_REQUIRE_EQ(
	    RESOLVER_OK, packet_read(&p, PACKET_MX, reply, reply_len));
	ATF_CHECK_STREQ("real.test", p.name);
	ATF_CHECK_EQ(60, p.ttl);
	ATF_REQUIRE_EQ(2, p.n);
	ATF_REQUIRE_EQ(0, packet_mx(&p, 1, &preference, host, sizeof(host)));
	ATF_CHECK_EQ(10, preference);
	ATF_CHECK_STREQ("a.test", host);
	/* A name that does not fit. */
	ATF_CHECK_EQ(-1, packet_mx(&p, 1, &preference, host, 6));
	ATF_CHECK_EQ(0, packet_mx(&p, 1, &preference, host, 7));
}

ATF_TC_WITHOUT_HEAD(truncated);
ATF_TC_BODY(truncated, tc)
{
	static struct packet p;

	sample();
	for (size_t len = 0; len < reply_len; len++)
		ATF_CHECK_EQ_MSG(RESOLVER_BROKEN, read_cut(&p, PACKET_MX, len),
		    "%zu octets", len);
	ATF_CHECK_EQ(RESOLVER_OK, read_cut(&p, PACKET_MX, reply_len));
}

ATF_TC_WITHOUT_HEAD(statuses);
ATF_TC_BODY(statuses, tc)
{
	static struct packet p;

	begin("none.test", PACKET_A, 3, 0);
	ATF_CHECK_EQ(
	    RESOLVER_NXDOMAIN, packet_read(&p, PACKET_A, reply, reply_len));
	begin("some.test", PACKET_A, 0, 0);
	ATF_CHECK_EQ(
	    RESOLVER_NODATA, packet_read(&p, PACKET_A, reply, reply_len));
	begin("some.test", PACKET_A, 5, 0);
	ATF_CHECK_EQ(
	    RESOLVER_SERVFAIL, packet_read(&p, PACKET_A, reply, reply_len));
	/* Another's record, and one of another class, are no answer. */
	begin("some.test", PACKET_A, 0, 2);
	record("other.test", PACKET_A, 60, "\001\002\003\004", 4);
	record("some.test", PACKET_A, 60, "\001\002\003\004", 4);
	reply[reply_len - 11] = 3;
	ATF_CHECK_EQ(
	    RESOLVER_NODATA, packet_read(&p, PACKET_A, reply, reply_len));
}

ATF_TC_WITHOUT_HEAD(names);
ATF_TC_BODY(names, tc)
{
	uint8_t buf[600];
	char name[RESOLVER_NAME_MAX];
	size_t off;

	/* A pointer to itself, and two to each other. */
	off = 0;
	ATF_CHECK_EQ(-1,
	    packet_name(
		(const uint8_t *)"\300\000", 2, &off, name, sizeof(name)));
	off = 0;
	ATF_CHECK_EQ(-1,
	    packet_name((const uint8_t *)"\300\002\300\000", 4, &off, name,
		sizeof(name)));
	/* Label kinds that there are not. */
	off = 0;
	ATF_CHECK_EQ(-1,
	    packet_name(
		(const uint8_t *)"\200a\000", 3, &off, name, sizeof(name)));
	/* Octets that are no name's: blanks, dots, controls, 8 bit. */
	for (const char *c = " .\n\377@'\"\\"; *c != '\0'; c++) {
		memcpy(buf, "\001x\000", 3);
		buf[1] = (uint8_t)*c;
		off = 0;
		ATF_CHECK_EQ(-1, packet_name(buf, 3, &off, name, sizeof(name)));
	}
	/* 255 octets fit, one more does not. */
	for (size_t i = 0; i < sizeof(buf); i += 2)
		memcpy(buf + i, "\001a", 2);
	buf[254] = 0;
	off = 0;
	ATF_CHECK_EQ(0, packet_name(buf, 255, &off, name, sizeof(name)));
	ATF_CHECK_EQ(253, strlen(name));
	ATF_CHECK_EQ(255, off);
	buf[254] = 1;
	buf[256] = 0;
	off = 0;
	ATF_CHECK_EQ(0, packet_name(buf, 257, &off, name, sizeof(name)));
	buf[256] = 1;
	buf[258] = 0;
	off = 0;
	ATF_CHECK_EQ(-1, packet_name(buf, 259, &off, name, sizeof(name)));
	/* The root. */
	off = 0;
	ATF_CHECK_EQ(
	    0, packet_name((const uint8_t *)"", 1, &off, name, sizeof(name)));
	ATF_CHECK_STREQ("", name);
}

ATF_TC_WITHOUT_HEAD(chains);
ATF_TC_BODY(chains, tc)
{
	static struct packet p;
	uint8_t to[8];

	/* Eight steps are followed, nine are not; a loop ends. */
	for (unsigned int steps = 7; steps <= 9; steps++) {
		begin("0.test", PACKET_A, 0, steps + 1);
		for (unsigned int i = 0; i < steps; i++) {
			memcpy(to, "\001x\004test", 8);
			to[1] = (uint8_t)('1' + i);
			put_name((char[]){
			    (char)('0' + i), '.', 't', 'e', 's', 't', '\0'});
			put16(5);
			put16(1);
			put16(0);
			put16(60);
			put16(8);
			put(to, 7);
			put("", 1);
		}
		record((char[]){(char)('0' + steps), '.', 't', 'e', 's', 't',
			   '\0'},
		    PACKET_A, 60, "\001\002\003\004", 4);
		ATF_CHECK_EQ_MSG(steps <= RESOLVER_CNAMES_MAX ? RESOLVER_OK :
								RESOLVER_BROKEN,
		    packet_read(&p, PACKET_A, reply, reply_len), "%u steps",
		    steps);
	}
	begin("a.test", PACKET_A, 0, 1);
	record("a.test", 5, 60, "\300\014", 2);
	ATF_CHECK_EQ(
	    RESOLVER_BROKEN, packet_read(&p, PACKET_A, reply, reply_len));
}

ATF_TC_WITHOUT_HEAD(parts);
ATF_TC_BODY(parts, tc)
{
	static struct packet p;
	uint8_t tlsa[3], text[8];
	const uint8_t *data;
	size_t len;

	begin("a.test", PACKET_A, 0, 2);
	record("a.test", PACKET_A, 60, "\001\002\003", 3);
	record("a.test", PACKET_A, 60, "\001\002\003\004", 4);
	ATF_REQUIRE_EQ(
	    RESOLVER_OK, packet_read(&p, PACKET_A, reply, reply_len));
	ATF_CHECK_EQ(-1, packet_address(&p, 0, &data, &len));
	ATF_CHECK_EQ(0, packet_address(&p, 1, &data, &len));
	ATF_CHECK_EQ(4, len);

	begin("a.test", PACKET_TLSA, 0, 2);
	record("a.test", PACKET_TLSA, 60, "\003\001\001", 3);
	record("a.test", PACKET_TLSA, 60, "\003\001\001Z", 4);
	ATF_REQUIRE_EQ(
	    RESOLVER_OK, packet_read(&p, PACKET_TLSA, reply, reply_len));
	ATF_CHECK_EQ(-1, packet_tlsa(&p, 0, tlsa, &data, &len));
	ATF_CHECK_EQ(0, packet_tlsa(&p, 1, tlsa, &data, &len));
	ATF_CHECK(len == 1 && *data == 'Z' && tlsa[0] == 3);

	begin("a.test", PACKET_TXT, 0, 3);
	record("a.test", PACKET_TXT, 60, "\003abc\005defgh", 10);
	record("a.test", PACKET_TXT, 60, "\003abc\006defghi", 11);
	record("a.test", PACKET_TXT, 60, "\003abc\005def", 8);
	ATF_REQUIRE_EQ(
	    RESOLVER_OK, packet_read(&p, PACKET_TXT, reply, reply_len));
	ATF_CHECK_EQ(0, packet_text(&p, 0, text, sizeof(text), &len));
	ATF_CHECK_EQ(8, len);
	ATF_CHECK_EQ(-1, packet_text(&p, 1, text, sizeof(text), &len));
	ATF_CHECK_EQ(-1, packet_text(&p, 2, text, sizeof(text), &len));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, aliases);
	ATF_TP_ADD_TC(tp, truncated);
	ATF_TP_ADD_TC(tp, statuses);
	ATF_TP_ADD_TC(tp, names);
	ATF_TP_ADD_TC(tp, chains);
	ATF_TP_ADD_TC(tp, parts);
	return atf_no_error();
}
