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
 * One session at a time, in memory.  The callbacks come from where they would
 * come from in libtlsio: never from within a call of the program's.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "fake_tlsio.h"
#include "tlsio_certs.h"

struct tlsio {
	const struct tlsio_ops *ops;
	void *arg;
	uint8_t *in; /* exactly what is unread, so that its end is seen */
	size_t in_len;
	size_t queued;
	int fd;
	bool paused;
	bool full; /* was said to be */
	bool stalls;
	bool finishing;
	bool secure;
	bool gone; /* closed was called */
};

static struct tlsio *session; /* the only one */
static void (*output)(const uint8_t *, size_t);

void
fake_on_output(void (*cb)(const uint8_t *, size_t))
{
	output = cb;
}

bool
fake_client_there(void)
{
	return session != NULL && !session->gone;
}

/* Whatever is due, until nothing is; the program may free the session. */
static void
settle(void)
{
	struct tlsio *t;

	for (int i = 0; i < 64 && (t = session) != NULL && !t->gone; i++) {
		if (!t->stalls)
			t->queued = 0;
		if (t->finishing && t->queued == 0) {
			t->gone = true;
			t->ops->closed(t, TLSIO_DONE, t->arg);
		} else if (t->queued > TLSIO_OUTPUT_MAX) {
			t->gone = true;
			t->ops->closed(t, TLSIO_FAILED, t->arg);
		} else if (t->full && t->queued <= TLSIO_LOW) {
			t->full = false;
			t->ops->drained(t, t->arg);
		} else
			return;
	}
}

void
fake_client(const uint8_t *data, size_t len)
{
	struct tlsio *t = session;
	uint8_t *grown;

	settle();
	if (session == NULL || session != t || t->gone || t->finishing)
		return;
	if (len == 0) {
		t->gone = true;
		t->ops->closed(t, TLSIO_EOF, t->arg);
		return;
	}
	if (len > TLSIO_INPUT_MAX - t->in_len)
		len = TLSIO_INPUT_MAX - t->in_len;
	if ((grown = malloc(t->in_len + len + 1)) == NULL)
		abort();
	if (t->in_len > 0)
		memcpy(grown, t->in, t->in_len);
	memcpy(grown + t->in_len, data, len);
	free(t->in);
	t->in = grown;
	t->in_len += len;
	if (!t->paused)
		t->ops->input(t, t->arg);
	settle();
}

void
fake_client_stalls(bool on)
{
	if (session == NULL)
		return;
	session->stalls = on;
	settle();
}

/* What tlsio.h promises. */

void
tlsio_init(void)
{
}

int
tlsio_signer_pair(void)
{
	return -1;
}

void
tlsio_signer_child(int fd)
{
}

void
tlsio_signer(int fd)
{
}

struct tlsio_server *
tlsio_server_new(
    const struct tlsio_server_conf *conf, char error[TLSIO_ERROR_MAX])
{
	return NULL;
}

void
tlsio_certs_set(const struct site *site, const struct tlsio_certs_ops *ops)
{
	ops->changed();
}

struct tlsio_server *
tlsio_certs_server(uint64_t set, const struct tlsio_server_conf *conf)
{
	return NULL;
}

void
tlsio_server_free(struct tlsio_server *server)
{
}

struct tlsio *
tlsio_new(
    struct tlsio_server *server, int fd, const struct tlsio_ops *ops, void *arg)
{
	if (session != NULL)
		abort();
	session = calloc(1, sizeof(*session));
	if (session == NULL)
		abort();
	session->fd = fd;
	tlsio_set(session, ops, arg);
	return session;
}

void
tlsio_free(struct tlsio *t)
{
	if (t == NULL)
		return;
	free(t->in);
	free(t);
	session = NULL;
}

void
tlsio_set(struct tlsio *t, const struct tlsio_ops *ops, void *arg)
{
	t->ops = ops;
	t->arg = arg;
}

int
tlsio_starttls(struct tlsio *t, struct tlsio_server *server)
{
	if (t->in_len > 0)
		return -1;
	t->secure = true;
	return 0;
}

void
tlsio_finish(struct tlsio *t)
{
	t->finishing = true;
}

const uint8_t *
tlsio_input(struct tlsio *t, size_t *len)
{
	*len = t->in_len;
	return t->in_len > 0 ? t->in : NULL;
}

void
tlsio_consume(struct tlsio *t, size_t len)
{
	uint8_t *rest;

	if (len > t->in_len)
		abort();
	t->in_len -= len;
	if ((rest = malloc(t->in_len + 1)) == NULL)
		abort();
	memcpy(rest, t->in + len, t->in_len);
	free(t->in);
	t->in = rest;
}

void
tlsio_pause(struct tlsio *t)
{
	t->paused = true;
}

void
tlsio_resume(struct tlsio *t)
{
	t->paused = false;
}

void
tlsio_write(struct tlsio *t, const void *data, size_t len)
{
	if (t->finishing || t->gone)
		return;
	t->queued += len;
	if (output != NULL)
		output(data, len);
}

void
tlsio_puts(struct tlsio *t, const char *text)
{
	tlsio_write(t, text, strlen(text));
}

size_t
tlsio_queued(const struct tlsio *t)
{
	return t->queued;
}

bool
tlsio_full(struct tlsio *t)
{
	if (t->stalls && t->queued >= TLSIO_HIGH)
		t->full = true;
	return t->full;
}

int
tlsio_fd(const struct tlsio *t)
{
	return t->fd;
}

bool
tlsio_is_secure(const struct tlsio *t)
{
	return t->secure;
}

bool
tlsio_resumed(const struct tlsio *t)
{
	return false;
}

const char *
tlsio_version(const struct tlsio *t)
{
	return "-";
}

const char *
tlsio_cipher(const struct tlsio *t)
{
	return "-";
}

const char *
tlsio_servername(const struct tlsio *t)
{
	return "-";
}

const char *
tlsio_alpn(const struct tlsio *t)
{
	return "-";
}

int
tlsio_channel(const struct tlsio *t, uint8_t out[TLSIO_CHANNEL_LEN])
{
	memset(out, 'c', TLSIO_CHANNEL_LEN);
	return 0;
}

const char *
tlsio_error(const struct tlsio *t)
{
	return "-";
}
