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
 * Fields of a message, and the buffers that all messages of a process share.
 * Integers travel in host order: a wire never leaves the machine.
 */

#include <sys/types.h>
#include <sys/mman.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "msg.h"
#include "msg_local.h"

/* Aligned so that msg_wipe() can give whole pages back. */
static _Alignas(4096) uint8_t buf_out[MSG_MAX];
static _Alignas(4096) uint8_t buf_in[MSG_MAX];
static struct msgout main_out = {.buf = buf_out};
static struct msgin main_in = {.buf = buf_in};
static size_t touched_out; /* high-water marks since the last msg_wipe() */
static size_t touched_in;

static const uint8_t *take(struct msg *, size_t);
static struct msgout *compose(uint32_t, uint32_t);
static void give_back(uint8_t *, size_t *);

/* The next n octets, or NULL and bad. */
static const uint8_t *
take(struct msg *m, size_t n)
{
	const uint8_t *p;

	if (m->bad || n > m->len - m->off) {
		m->bad = true;
		return NULL;
	}
	p = m->data + m->off;
	m->off += n;
	return p;
}

uint8_t
msg_get_u8(struct msg *m)
{
	const uint8_t *p;

	p = take(m, 1);
	return p == NULL ? 0 : *p;
}

uint16_t
msg_get_u16(struct msg *m)
{
	const uint8_t *p;
	uint16_t v;

	v = 0;
	p = take(m, sizeof(v));
	if (p != NULL)
		memcpy(&v, p, sizeof(v));
	return v;
}

uint32_t
msg_get_u32(struct msg *m)
{
	const uint8_t *p;
	uint32_t v;

	v = 0;
	p = take(m, sizeof(v));
	if (p != NULL)
		memcpy(&v, p, sizeof(v));
	return v;
}

uint64_t
msg_get_u64(struct msg *m)
{
	const uint8_t *p;
	uint64_t v;

	v = 0;
	p = take(m, sizeof(v));
	if (p != NULL)
		memcpy(&v, p, sizeof(v));
	return v;
}

int64_t
msg_get_i64(struct msg *m)
{
	const uint8_t *p;
	int64_t v;

	v = 0;
	p = take(m, sizeof(v));
	if (p != NULL)
		memcpy(&v, p, sizeof(v));
	return v;
}

const uint8_t *
msg_get_bytes(struct msg *m, size_t *len, size_t max)
{
	const uint8_t *p;
	uint32_t n;

	*len = 0;
	n = msg_get_u32(m);
	if (m->bad)
		return NULL;
	if (n > max) {
		m->bad = true;
		return NULL;
	}
	p = take(m, n);
	if (p != NULL)
		*len = n;
	return p;
}

int
msg_get_str(struct msg *m, char *buf, size_t size)
{
	const uint8_t *p;
	size_t len;

	if (size == 0) {
		m->bad = true;
		return -1;
	}
	buf[0] = '\0';
	p = msg_get_bytes(m, &len, size - 1);
	if (p == NULL)
		return -1;
	if (memchr(p, '\0', len) != NULL) {
		m->bad = true;
		return -1;
	}
	memcpy(buf, p, len);
	buf[len] = '\0';
	return 0;
}

int
msg_get_raw(struct msg *m, void *buf, size_t len)
{
	const uint8_t *p;

	p = take(m, len);
	if (p == NULL) {
		memset(buf, 0, len);
		return -1;
	}
	memcpy(buf, p, len);
	return 0;
}

const uint8_t *
msg_get_rest(struct msg *m, size_t *len)
{
	const uint8_t *p;

	p = take(m, m->len - m->off);
	*len = p == NULL ? 0 : (size_t)(m->data + m->len - p);
	return p;
}

int
msg_get_fd(struct msg *m)
{
	int fd;

	if (m->bad || m->fd == -1) {
		m->bad = true;
		return -1;
	}
	fd = m->fd;
	m->fd = -1;
	return fd;
}

int
msg_end(struct msg *m)
{
	if (m->off != m->len || m->fd != -1)
		m->bad = true;
	return m->bad ? -1 : 0;
}

struct msgout *
msg_new(struct wire *w, uint32_t type, uint32_t id)
{
	struct msgout *m;

	if (w == NULL)
		fatalx("msg type=%u without a wire", type);
	m = compose(type, id);
	m->wire = w;
	return m;
}

struct msgout *
msg_new_fd(int fd, uint32_t type, uint32_t id)
{
	struct msgout *m;

	m = compose(type, id);
	m->fd_out = fd;
	return m;
}

/*
 * A log line sent to the parent may interrupt the composing of another
 * message, so the second one gets memory of its own.
 */
static struct msgout *
compose(uint32_t type, uint32_t id)
{
	struct msgout *m;

	m = &main_out;
	if (m->busy) {
		m = calloc(1, sizeof(*m));
		if (m == NULL || (m->buf = calloc(1, MSG_MAX)) == NULL)
			fatal("msg");
		m->heap = true;
	}
	m->busy = true;
	m->wire = NULL;
	m->fd_out = -1;
	m->fd = -1;
	memcpy(m->buf, &type, sizeof(type));
	memcpy(m->buf + 4, &id, sizeof(id));
	m->len = MSG_HEADER;
	return m;
}

void *
msg_put_space(struct msgout *m, size_t len)
{
	void *p;

	if (len > MSG_MAX - m->len)
		fatalx(
		    "msg: %zu octets put, room for %zu", len, MSG_MAX - m->len);
	p = m->buf + m->len;
	m->len += len;
	return p;
}

void
msg_put_raw(struct msgout *m, const void *data, size_t len)
{
	void *p;

	p = msg_put_space(m, len);
	if (len > 0)
		memcpy(p, data, len);
}

void
msg_put_u8(struct msgout *m, uint8_t v)
{
	msg_put_raw(m, &v, sizeof(v));
}

void
msg_put_u16(struct msgout *m, uint16_t v)
{
	msg_put_raw(m, &v, sizeof(v));
}

void
msg_put_u32(struct msgout *m, uint32_t v)
{
	msg_put_raw(m, &v, sizeof(v));
}

void
msg_put_u64(struct msgout *m, uint64_t v)
{
	msg_put_raw(m, &v, sizeof(v));
}

void
msg_put_i64(struct msgout *m, int64_t v)
{
	msg_put_raw(m, &v, sizeof(v));
}

void
msg_put_bytes(struct msgout *m, const void *data, size_t len)
{
	if (len > MSG_MAX)
		fatalx("msg: %zu octets put", len);
	msg_put_u32(m, (uint32_t)len);
	msg_put_raw(m, data, len);
}

void
msg_put_str(struct msgout *m, const char *s)
{
	msg_put_bytes(m, s, strlen(s));
}

void
msg_set_u32(struct msgout *m, size_t off, uint32_t v)
{
	size_t len;

	len = m->len - MSG_HEADER;
	if (off > len || sizeof(v) > len - off)
		fatalx("msg: set at %zu of %zu", off, len);
	memcpy(m->buf + MSG_HEADER + off, &v, sizeof(v));
}

void
msg_put_fd(struct msgout *m, int fd)
{
	if (m->fd != -1 || fd < 0)
		fatalx("msg: a message has one descriptor");
	m->fd = fd;
}

size_t
msg_length(const struct msgout *m)
{
	return m->len - MSG_HEADER;
}

size_t
msg_room(const struct msgout *m)
{
	return MSG_MAX - m->len;
}

void
msg_send(struct msgout *m)
{
	struct wire *w;
	int fd;

	w = m->wire;
	if (w == NULL)
		fatalx("msg: msg_send() of a message for msg_send_wait()");
	msgout_seal(m);
	fd = m->fd;
	m->fd = -1;
	wire_send(w, m->buf, m->len, fd);
	msgout_put(m);
}

void
msg_cancel(struct msgout *m)
{
	msgout_put(m);
}

void
msg_signal(struct wire *w, uint32_t type, uint32_t id)
{
	msg_send(msg_new(w, type, id));
}

void
msgout_seal(struct msgout *m)
{
	uint32_t len;

	len = (uint32_t)(m->len - MSG_HEADER);
	memcpy(m->buf + 8, &len, sizeof(len));
}

void
msgout_put(struct msgout *m)
{
	if (m->fd != -1)
		(void)close(m->fd);
	if (m->heap) {
		freezero(m->buf, MSG_MAX);
		free(m);
		return;
	}
	explicit_bzero(m->buf, m->len);
	if (m->len > touched_out)
		touched_out = m->len;
	m->len = 0;
	m->fd = -1;
	m->busy = false;
}

/*
 * The buffer to receive into.  It is busy where a handler of one wire waits
 * for an answer on another (a handshake for its signature).
 */
struct msgin *
msgin_get(void)
{
	struct msgin *in;

	in = &main_in;
	if (in->busy) {
		in = calloc(1, sizeof(*in));
		if (in == NULL || (in->buf = calloc(1, MSG_MAX)) == NULL)
			fatal("msg");
		in->heap = true;
	}
	in->busy = true;
	return in;
}

void
msgin_put(struct msgin *in, size_t used)
{
	if (in->heap) {
		freezero(in->buf, MSG_MAX);
		free(in);
		return;
	}
	explicit_bzero(in->buf, used);
	if (used > touched_in)
		touched_in = used;
	in->busy = false;
}

void
msg_wipe(void)
{
	if (main_out.busy) {
		if (main_out.len > touched_out)
			touched_out = main_out.len;
		if (main_out.fd != -1)
			(void)close(main_out.fd);
	}
	if (main_in.busy)
		touched_in = MSG_MAX;
	give_back(buf_out, &touched_out);
	give_back(buf_in, &touched_in);
	main_out.len = 0;
	main_out.fd = -1;
	main_out.busy = false;
	main_in.busy = false;
}

/* Wipes what was used and lets the kernel have the pages. */
static void
give_back(uint8_t *buf, size_t *touched)
{
	size_t page, len;
	long v;

	explicit_bzero(buf, *touched);
	v = sysconf(_SC_PAGESIZE);
	page = v > 0 ? (size_t)v : MSG_MAX;
	len = MSG_MAX - MSG_MAX % page;
	if (*touched > 0 && len > 0 && (uintptr_t)buf % page == 0)
		(void)madvise(buf, len, MADV_DONTNEED);
	*touched = 0;
}
