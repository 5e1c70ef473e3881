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
 * A child of imap-worker, with the test as its vault: small and large bodies,
 * each codec, lost summaries, lost and damaged chunks, a vault that talks
 * nonsense.
 */

#include <sys/types.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "log.h"
#include "codec.h"
#include "mime.h"
#include "mime_text.h"
#include "msg.h"

#include "../../../../usr.sbin/sealimapd/search.h"
#include "../../../../usr.sbin/sealimapd/worker/index.h"
#include "../../../../usr.sbin/sealimapd/worker/worker.h"
#include "../../../../usr.sbin/sealimapd/worker_wire.h"

#define WAIT_MS 20000
#define SEARCH_ID 7

static int fd;
static pid_t pid;
static const struct search *program;

static void
start(void)
{
	struct msgout *o;
	int fds[2];

	ATF_REQUIRE_EQ(wire_pair(fds), 0);
	mime_charset_init();
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		close(fds[0]);
		event_init();
		child_main(fds[1]);
	}
	close(fds[1]);
	fd = fds[0];
	o = msg_new_fd(fd, VAULT_WORKER_HELLO, 1);
	msg_put_u32(o, WORKER_WIRE_VERSION);
	ATF_REQUIRE_EQ(msg_send_wait(o, WAIT_MS), 1);
}

/* The child ends with its wire, in order. */
static void
stop(void)
{
	int status;

	close(fd);
	ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
search_send(struct search *s)
{
	struct msgout *o;
	const uint8_t *p;
	size_t len;

	p = search_encode(s, &len);
	ATF_REQUIRE(p != NULL);
	o = msg_new_fd(fd, VAULT_WORKER_SEARCH, SEARCH_ID);
	msg_put_raw(o, p, len);
	ATF_REQUIRE_EQ(msg_send_wait(o, WAIT_MS), 1);
	program = s;
}

static size_t
squeeze(int codec, const uint8_t *p, size_t len, uint8_t *out, size_t size)
{
	uLongf n = size;

	if (codec >= CODEC_ZSTD)
		return ZSTD_compress(out, size, p, len, 1);
	ATF_REQUIRE_EQ(compress2(out, &n, p, len, 1), Z_OK);
	return n;
}

struct mail {
	const char *text;
	size_t len;
	int codec;
	bool summary, body; /* sent along */
	bool damaged, gone; /* its chunks */
};

/* u8 compressed, u32 plain length, and the octets or bytes. */
static void
put_chunk(struct msgout *o, int codec, const void *p, size_t len)
{
	static uint8_t out[2 * CHUNK_SIZE];
	size_t n = codec == 0 ? len : squeeze(codec, p, len, out, sizeof(out));

	msg_put_u8(o, codec != 0);
	msg_put_u32(o, (uint32_t)len);
	msg_put_bytes(o, codec == 0 ? p : out, n);
}

static void
candidate(const struct mail *m, uint32_t handle)
{
	struct mime_parser *p = mime_parser_new();
	uint8_t truth[SEARCH_NODES_MAX];
	const uint8_t *sum;
	struct msgout *o;
	size_t len, i;

	ATF_REQUIRE(p != NULL);
	mime_parser_feed(p, m->text, m->len);
	sum = mime_parser_finish(p, &len);
	ATF_REQUIRE(sum != NULL);
	for (i = 0; i < search_count(program); i++)
		truth[i] = SEARCH_MAYBE;
	o = msg_new_fd(fd, VAULT_WORKER_CANDIDATES, SEARCH_ID);
	msg_put_u32(o, handle);
	msg_put_u64(o, m->len);
	msg_put_i64(o, 0);
	msg_put_u8(o, (uint8_t)m->codec);
	msg_put_u16(o, (uint16_t)search_count(program));
	msg_put_raw(o, truth, search_count(program));
	msg_put_u8(o, m->summary ? 1 : 0);
	if (m->summary)
		put_chunk(o, m->codec, sum, len);
	msg_put_u8(o, m->body ? 1 : 0);
	if (m->body)
		put_chunk(o, m->codec, m->text,
		    m->len < CHUNK_SIZE ? m->len : CHUNK_SIZE);
	ATF_REQUIRE_EQ(msg_send_wait(o, WAIT_MS), 1);
	mime_parser_free(p);
}

static void
chunk_send(const struct mail *m, uint32_t handle, uint32_t i)
{
	static uint8_t out[2 * CHUNK_SIZE];
	size_t off = (size_t)i * CHUNK_SIZE, len = m->len - off, n;
	const uint8_t *p = (const uint8_t *)m->text + off;
	struct msgout *o;
	bool last = len <= CHUNK_SIZE;

	if (!last)
		len = CHUNK_SIZE;
	n = m->codec == 0 ? len : squeeze(m->codec, p, len, out, sizeof(out));
	o = msg_new_fd(fd, VAULT_WORKER_CHUNK, SEARCH_ID);
	msg_put_u32(o, handle);
	msg_put_u8(o, WORKER_CHUNK_BODY);
	msg_put_u8(o, m->codec != 0 || m->damaged);
	msg_put_u8(o, last);
	msg_put_u32(o, i);
	msg_put_u32(o, (uint32_t)len);
	msg_put_raw(o, m->codec == 0 ? p : out, n);
	ATF_REQUIRE_EQ(msg_send_wait(o, WAIT_MS), 1);
}

static void
need_serve(const struct mail *m, struct msg *msg)
{
	uint32_t handle = msg_get_u32(msg), i = msg_get_u32(msg);
	uint32_t last = msg_get_u32(msg), n;
	struct msgout *o;

	ATF_REQUIRE_EQ(msg_end(msg), 0);
	msg_done(msg);
	n = (uint32_t)((m[handle].len + CHUNK_SIZE - 1) / CHUNK_SIZE);
	if (m[handle].gone) {
		o = msg_new_fd(fd, VAULT_WORKER_GONE, SEARCH_ID);
		msg_put_u32(o, handle);
		ATF_REQUIRE_EQ(msg_send_wait(o, WAIT_MS), 1);
		return;
	}
	ATF_REQUIRE_MSG(i < n && i <= last, "%u to %u of %u", i, last, n);
	for (; i <= last && i < n; i++)
		chunk_send(&m[handle], handle, i);
}

/* All n candidates; a string of 'y', 'n', '-' (no verdict). */
static void
run(struct search *s, const struct mail *m, size_t n, const char *want)
{
	char got[64];
	struct msg msg;
	uint32_t handle;
	struct msgout *o;
	size_t i;
	bool done = false;

	search_send(s);
	memset(got, '-', sizeof(got));
	got[n] = '\0';
	for (i = 0; i < n; i++)
		candidate(&m[i], (uint32_t)i);
	o = msg_new_fd(fd, VAULT_WORKER_END, SEARCH_ID);
	ATF_REQUIRE_EQ(msg_send_wait(o, WAIT_MS), 1);
	while (!done) {
		ATF_REQUIRE_EQ(msg_recv_wait(fd, &msg, WAIT_MS), 1);
		ATF_CHECK_EQ(msg.id, SEARCH_ID);
		switch (msg.type) {
		case WORKER_VAULT_VERDICTS:
			while (msg.off < msg.len) {
				handle = msg_get_u32(&msg);
				ATF_REQUIRE(handle < n && got[handle] == '-');
				got[handle] = msg_get_u8(&msg) ? 'y' : 'n';
				ATF_REQUIRE(!msg.bad);
			}
			msg_done(&msg);
			break;
		case WORKER_VAULT_NEED:
			need_serve(m, &msg);
			break;
		case WORKER_VAULT_DONE:
			ATF_CHECK_EQ(msg_get_u8(&msg), 0);
			msg_done(&msg);
			done = true;
			break;
		default:
			atf_tc_fail("message %u", msg.type);
		}
	}
	ATF_CHECK_STREQ(got, want);
	search_free(s);
}

static struct search *
text(enum search_kind kind, const char *term)
{
	struct search *s = search_new();

	ATF_REQUIRE(s != NULL);
	ATF_REQUIRE_EQ(search_add_text(s, kind, term, strlen(term)), 0);
	return s;
}

static struct search *
field(const char *name, const char *term)
{
	struct search *s = search_new();

	ATF_REQUIRE(s != NULL);
	ATF_REQUIRE_EQ(
	    search_add_header(s, name, strlen(name), term, strlen(term)), 0);
	return s;
}

static const char latin[] =
    "From: =?iso-8859-1?q?J=FCrgen?= <j@example.org>\r\n"
    "Received: by gateway\r\n"
    "Date: Mon, 01 Jan 2024 00:30:00 +0100\r\n"
    "Subject: hello\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    "Sch=F6ne Gr=FC=DF=\r\ne\r\n"
    "--b\r\nContent-Type: application/octet-stream\r\n\r\nsecretword\r\n"
    "--b\r\nContent-Type: message/rfc822\r\n\r\n"
    "Subject: within\r\n\r\ninner text\r\n"
    "--b--\r\n";

#define WAYS (4 * (CODEC_LAST + 1))

/* Every way in which the same message may come. */
static size_t
ways(struct mail *m, const char *s, size_t len)
{
	size_t n = 0;
	int codec;

	for (codec = 0; codec <= CODEC_LAST; codec++) {
		m[n++] = (struct mail){s, len, codec, true, true, false, false};
		m[n++] = (struct mail){
		    s, len, codec, true, false, false, false};
		m[n++] = (struct mail){
		    s, len, codec, false, true, false, false};
		m[n++] = (struct mail){
		    s, len, codec, false, false, false, false};
	}
	return n;
}

#define YES "yyyyyyyyyyyyyyyy"
#define NO "nnnnnnnnnnnnnnnn"

ATF_TC_WITHOUT_HEAD(small);
ATF_TC_BODY(small, tc)
{
	struct mail m[WAYS];
	struct search *s;
	size_t n = ways(m, latin, sizeof(latin) - 1);

	start();
	run(text(SEARCH_BODY, "SCHONE GRUSSE"), m, n, YES);
	run(text(SEARCH_BODY, "hello"), m, n, NO);
	run(text(SEARCH_TEXT, "hello"), m, n, YES);
	run(text(SEARCH_TEXT, "GATEWAY"), m, n, YES);
	run(text(SEARCH_BODY, "secretword"), m, n, NO);
	run(text(SEARCH_BODY, "inner"), m, n, YES);
	run(text(SEARCH_BODY, "within"), m, n, YES);
	run(text(SEARCH_TEXT, ""), m, n, YES);
	run(field("from", "jurgen"), m, n, YES);
	run(field("From", "received"), m, n, NO);
	run(field("Received", "gateway"), m, n, YES);
	run(field("Received", ""), m, n, YES);
	run(field("X-None", ""), m, n, NO);
	run(field("Cc", ""), m, n, NO);
	run(field("Subject", "within"), m, n, NO);
	s = search_new();
	ATF_REQUIRE_EQ(search_add_number(s, SEARCH_SENTON, 1704067200), 0);
	run(s, m, n, YES);
	s = text(SEARCH_BODY, "nothing");
	(void)search_add(s, SEARCH_NOT);
	(void)search_add_header(s, "Subject", 7, "HELLO", 5);
	(void)search_add(s, SEARCH_AND);
	run(s, m, n, YES);
	stop();
}

/* A text of several slices, the term at its end and over chunk borders. */
ATF_TC_WITHOUT_HEAD(large);
ATF_TC_BODY(large, tc)
{
	static const char head[] = "Subject: big\r\n\r\n";
	const size_t len = 40 * CHUNK_SIZE + 1000;
	struct mail m[WAYS];
	char *big = malloc(len);
	size_t n, i;

	ATF_REQUIRE(big != NULL);
	for (i = 0; i < len; i++)
		big[i] = i % 70 == 69 ? '\n' : (char)('a' + i % 23);
	memcpy(big, head, sizeof(head) - 1);
	memcpy(big + len - 20, "Needle at the end", 17);
	memcpy(big + 3 * CHUNK_SIZE - 5, "BorderWord", 10);
	start();
	n = ways(m, big, len);
	run(text(SEARCH_BODY, "needle at the end"), m, n, YES);
	run(text(SEARCH_BODY, "borderword"), m, n, YES);
	run(text(SEARCH_BODY, "not there"), m, n, NO);
	run(field("Subject", "big"), m, n, YES);
	stop();
	free(big);
}

/* One that is gone or damaged does not hold up the others. */
ATF_TC_WITHOUT_HEAD(lost);
ATF_TC_BODY(lost, tc)
{
	struct mail m[4] = {
	    {latin, sizeof(latin) - 1, 0, true, false, false, true},
	    {latin, sizeof(latin) - 1, 0, true, false, true, false},
	    {latin, sizeof(latin) - 1, 2, false, false, false, true},
	    {latin, sizeof(latin) - 1, 2, true, false, false, false},
	};

	start();
	run(text(SEARCH_BODY, "grusse"), m, 4, "-n-y");
	stop();
}

ATF_TC_WITHOUT_HEAD(not_a_program);
ATF_TC_BODY(not_a_program, tc)
{
	struct msgout *o;
	struct msg msg;

	start();
	o = msg_new_fd(fd, VAULT_WORKER_SEARCH, SEARCH_ID);
	msg_put_u32(o, 0xffffffff);
	ATF_REQUIRE_EQ(msg_send_wait(o, WAIT_MS), 1);
	ATF_REQUIRE_EQ(msg_recv_wait(fd, &msg, WAIT_MS), 1);
	ATF_CHECK_EQ(msg.type, WORKER_VAULT_DONE);
	ATF_CHECK_EQ(msg_get_u8(&msg), 1);
	msg_done(&msg);
	stop();
}

/* Out of state: the child ends, and only it. */
ATF_TC_WITHOUT_HEAD(nonsense);
ATF_TC_BODY(nonsense, tc)
{
	struct msgout *o;
	struct msg msg;
	int status;

	start();
	search_send(text(SEARCH_BODY, "x"));
	o = msg_new_fd(fd, VAULT_WORKER_CANDIDATES, SEARCH_ID);
	msg_put_u32(o, 1);
	ATF_REQUIRE_EQ(msg_send_wait(o, WAIT_MS), 1);
	ATF_CHECK(msg_recv_wait(fd, &msg, WAIT_MS) <= 0);
	ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

/* A segment as some other worker may have made it up. */
static void
segment_send(uint32_t number, uint32_t docs, uint32_t pages, size_t hint_len)
{
	static uint8_t hint[WORKER_INDEX_HINT];
	struct msgout *o;

	memset(hint, 1, sizeof(hint));
	o = msg_new_fd(fd, VAULT_WORKER_SEGMENT, SEARCH_ID);
	msg_put_u32(o, number);
	msg_put_u32(o, docs);
	msg_put_u32(o, pages);
	msg_put_bytes(o, hint, hint_len);
	ATF_REQUIRE_EQ(msg_send_wait(o, WAIT_MS), 1);
}

/* What it says of a segment whose hint makes no sense: all could be. */
ATF_TC_WITHOUT_HEAD(segments);
ATF_TC_BODY(segments, tc)
{
	static const struct {
		uint32_t pages;
		size_t hint_len;
	} odd[] = {{SEGMENT_PAGES + 1, (SEGMENT_PAGES + 1) * GRAM_LEN},
	    {UINT32_MAX, GRAM_LEN}, {2, GRAM_LEN}, {1, 2 * GRAM_LEN},
	    {2, WORKER_INDEX_HINT}, {0, 0}, {1, 0}};
	uint8_t bits[2];
	struct msg msg;
	int status;

	start();
	search_send(text(SEARCH_BODY, "strange"));
	for (uint32_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		segment_send(i, 16, odd[i].pages, odd[i].hint_len);
		ATF_REQUIRE_EQ(msg_recv_wait(fd, &msg, WAIT_MS), 1);
		ATF_REQUIRE_EQ_MSG(
		    msg.type, WORKER_VAULT_POSSIBLE, "%u of %u", msg.type, i);
		ATF_CHECK_EQ(msg_get_u32(&msg), i);
		ATF_CHECK_EQ(msg_get_u16(&msg), 1);
		(void)msg_get_u16(&msg);
		ATF_REQUIRE_EQ(msg_get_raw(&msg, bits, sizeof(bits)), 0);
		ATF_CHECK(bits[0] == 0xff && bits[1] == 0xff);
		ATF_CHECK_EQ(msg_end(&msg), 0);
		msg_done(&msg);
	}
	/* More messages than there can be: the child ends. */
	segment_send(0, SEGMENT_DOCS + 1, 1, GRAM_LEN);
	ATF_CHECK(msg_recv_wait(fd, &msg, WAIT_MS) <= 0);
	ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	close(fd);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, small);
	ATF_TP_ADD_TC(tp, large);
	ATF_TP_ADD_TC(tp, lost);
	ATF_TP_ADD_TC(tp, not_a_program);
	ATF_TP_ADD_TC(tp, nonsense);
	ATF_TP_ADD_TC(tp, segments);
	return atf_no_error();
}
