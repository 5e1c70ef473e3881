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
 * The wire to smtp-queue: jobs, their messages' octets, what came of them.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "log.h"
#include "msg.h"
#include "relay.h"
#include "sts.h"

#define CHUNK_COMPRESSED 1
#define CHUNK_LAST 2
#define CHUNK_FAILED 4
#define MEMORY_VERSION 1
#define MEMORY_TLS 10 /* octets; a policy comes behind */

RB_HEAD(job_tree, job);

static struct job_tree jobs = RB_INITIALIZER(&jobs);
static struct wire *wire;

static int job_compare(const struct job *, const struct job *);
static void queue_handle(struct wire *, struct msg *, void *);
static void queue_gone(struct wire *, void *);
static int queue_hello(struct msg *);
static int queue_job(struct msg *);
static int queue_chunk(struct msg *);
static int job_read(struct job *, struct msg *);
static int job_rcpts(struct job *, struct msg *);
static bool job_speakable(const struct job *);
static bool speakable(const char *);
static void job_memory(struct job *, const uint8_t *, size_t);
static void job_free(struct job *);
static void job_over(struct job *);
static char *get_string(struct msg *, size_t);

RB_PROTOTYPE(job_tree, job, entry, job_compare)
RB_GENERATE(job_tree, job, entry, job_compare)

void
queue_start(int fd)
{
	struct msgout *out;

	if (wire != NULL)
		queue_gone(wire, NULL);
	wire = wire_new(fd, queue_handle, queue_gone, NULL);
	out = msg_new(wire, QUEUE_HELLO, 0);
	msg_put_u32(out, QUEUE_VERSION);
	msg_send(out);
	queue_ready(relay_config()->jobs);
}

void
queue_ready(uint32_t n)
{
	struct msgout *out;

	if (wire == NULL || n == 0)
		return;
	out = msg_new(wire, QUEUE_READY, 0);
	msg_put_u32(out, n);
	msg_send(out);
}

struct job *
job_find(uint32_t id)
{
	struct job key;

	memset(&key, 0, sizeof(key));
	key.id = id;
	return RB_FIND(job_tree, &jobs, &key);
}

void
job_outcome(struct job *j, struct job_rcpt *r, enum queue_outcome what,
    unsigned int code, const char *status, const char *host, const char *text)
{
	struct msgout *out;

	if (r->done)
		return;
	r->done = true;
	j->left--;
	report_outcome(what);
	out = msg_new(wire, QUEUE_OUTCOME, j->id);
	msg_put_u16(out, 1);
	msg_put_u16(out, r->index);
	msg_put_u8(out, (uint8_t)what);
	msg_put_u16(out, (uint16_t)code);
	msg_put_str(out, status);
	msg_put_str(out, host);
	msg_put_str(out, text);
	msg_send(out);
	if (j->left == 0)
		job_over(j);
}

void
job_outcome_all(struct job *j, enum queue_outcome what, unsigned int code,
    const char *status, const char *host, const char *text)
{
	uint32_t id;

	/* The last one frees it. */
	id = j->id;
	for (uint32_t i = 0; job_find(id) == j && i < j->n; i++)
		job_outcome(j, &j->rcpts[i], what, code, status, host, text);
}

void
job_unreachable(
    struct job *j, const char *status, const char *host, const char *text)
{
	struct msgout *out;

	report_add(COUNT_UNREACHABLE);
	out = msg_new(wire, QUEUE_UNREACHABLE, j->id);
	msg_put_u32(out, 0);
	msg_put_str(out, status);
	msg_put_str(out, host);
	msg_put_str(out, text);
	msg_send(out);
	job_over(j);
}

void
job_want(struct job *j)
{
	struct msgout *out;

	out = msg_new(wire, QUEUE_WANT, j->id);
	msg_put_u64(out, UINT64_MAX);
	msg_send(out);
}

void
job_took(struct job *j)
{
	msg_signal(wire, QUEUE_TOOK, j->id);
}

void
job_stop(struct job *j)
{
	msg_signal(wire, QUEUE_STOP, j->id);
}

void
job_remember(struct job *j, enum known_tls known)
{
	/* Once a day is often enough. */
	if (known == j->known && relay_now() - j->known_when < 86400)
		return;
	j->known = known;
	j->known_when = relay_now();
	job_keep(j);
}

/* Version, what is known, when it was seen last; a policy. */
void
job_keep(struct job *j)
{
	uint8_t memory[QUEUE_MEMORY_MAX];
	struct msgout *out;

	memory[0] = MEMORY_VERSION;
	memory[1] = (uint8_t)j->known;
	for (int i = 0; i < 8; i++)
		memory[2 + i] = (uint8_t)((uint64_t)j->known_when >>
		    (56 - 8 * i));
	out = msg_new(wire, QUEUE_MEMORY, 0);
	msg_put_str(out, j->dest);
	msg_put_bytes(out, memory,
	    MEMORY_TLS +
		sts_pack(
		    j->dest, memory + MEMORY_TLS, sizeof(memory) - MEMORY_TLS));
	msg_send(out);
}

void
queue_tls(const char *dest, enum queue_tls_policy policy,
    enum tlsio_result result, const char *host)
{
	struct msgout *out;

	if (wire == NULL || *dest == '[')
		return;
	out = msg_new(wire, QUEUE_TLS, 0);
	msg_put_u8(out, (uint8_t)policy);
	msg_put_u8(out, (uint8_t)result);
	msg_put_str(out, dest);
	msg_put_str(out, host);
	msg_send(out);
}

static void
queue_handle(struct wire *w, struct msg *msg, void *arg)
{
	int r;

	(void)arg;
	r = -1;
	if (msg->type == QUEUE_HELLO)
		r = queue_hello(msg);
	else if (msg->type == QUEUE_JOB)
		r = queue_job(msg);
	else if (msg->type == QUEUE_CHUNK)
		r = queue_chunk(msg);
	if (r == 0)
		return;
	log_warnx("smtp-queue: bad message type=%u", msg->type);
	wire_fail(w);
}

/* A new queue gives its jobs anew: what was under way is dropped. */
static void
queue_gone(struct wire *w, void *arg)
{
	struct job *j;

	(void)arg;
	wire_free(w);
	wire = NULL;
	while ((j = RB_MIN(job_tree, &jobs)) != NULL)
		job_free(j);
}

static int
queue_hello(struct msg *msg)
{
	uint32_t version;

	version = msg_get_u32(msg);
	return msg_end(msg) == -1 || version != QUEUE_VERSION ? -1 : 0;
}

static int
queue_job(struct msg *msg)
{
	struct job *j;

	j = calloc(1, sizeof(*j));
	if (j == NULL)
		fatal("calloc");
	j->id = msg->id;
	if (RB_INSERT(job_tree, &jobs, j) != NULL) {
		free(j);
		return -1;
	}
	if (job_read(j, msg) == -1 || msg_end(msg) == -1) {
		job_free(j);
		return -1;
	}
	if (!job_speakable(j))
		job_outcome_all(j, OUTCOME_FAILED, 0, "5.5.2", "",
		    "The envelope has octets that no command can have");
	else if (!conn_reuse(j))
		plan_start(j);
	return 0;
}

static int
job_read(struct job *j, struct msg *msg)
{
	const uint8_t *memory;
	size_t len;

	(void)msg_get_str(msg, j->dest, sizeof(j->dest));
	j->sender = get_string(msg, QUEUE_ADDRESS_MAX);
	j->trace = get_string(msg, QUEUE_TRACE_MAX);
	j->flags = msg_get_u8(msg);
	/* RFC 8689 4.1: a message of both is one that must have TLS. */
	if ((j->flags & QUEUE_REQUIRETLS) != 0)
		j->flags &= (uint8_t)~QUEUE_TLS_OPTIONAL;
	j->codec = msg_get_u8(msg);
	j->head = msg_get_u32(msg);
	j->body = msg_get_u64(msg);
	j->envid = get_string(msg, QUEUE_ENVID_MAX);
	j->ret = msg_get_u8(msg);
	memory = msg_get_bytes(msg, &len, QUEUE_MEMORY_MAX);
	if (msg->bad)
		return -1;
	job_memory(j, memory, len);
	return job_rcpts(j, msg);
}

static int
job_rcpts(struct job *j, struct msg *msg)
{
	struct job_rcpt *r;
	uint32_t n;

	n = msg_get_u32(msg);
	if (msg->bad || n == 0 || n > QUEUE_JOB_RCPTS_MAX)
		return -1;
	j->rcpts = calloc(n, sizeof(*j->rcpts));
	if (j->rcpts == NULL)
		fatal("calloc");
	for (; j->n < n; j->n++) {
		r = &j->rcpts[j->n];
		r->index = msg_get_u16(msg);
		r->address = get_string(msg, QUEUE_ADDRESS_MAX);
		r->orcpt = get_string(msg, QUEUE_ORCPT_MAX);
		r->notify = msg_get_u8(msg);
	}
	j->left = j->n;
	return msg->bad ? -1 : 0;
}

static int
queue_chunk(struct msg *msg)
{
	static uint8_t plain[QUEUE_CHUNK_MAX];
	const uint8_t *data;
	struct job *j;
	uint32_t n;
	size_t len;
	uint8_t kind, flags;

	kind = msg_get_u8(msg);
	flags = msg_get_u8(msg);
	n = msg_get_u32(msg);
	data = msg_get_bytes(msg, &len, QUEUE_CHUNK_MAX);
	if (msg_end(msg) == -1 || kind > 1)
		return -1;
	/* One that was stopped, or is over, may have chunks on their way. */
	j = job_find(msg->id);
	if (j == NULL || j->conn == NULL)
		return 0;
	if ((flags & CHUNK_FAILED) != 0 ||
	    !codec_open(
		j->codec, (flags & CHUNK_COMPRESSED) != 0, data, len, plain, n))
		conn_data_failed(j->conn);
	else
		conn_data(j->conn, plain, n, (flags & CHUNK_LAST) != 0);
	explicit_bzero(plain, n < sizeof(plain) ? n : sizeof(plain));
	if ((flags & CHUNK_LAST) != 0)
		codec_forget();
	return 0;
}

/*
 * The queue knows no addresses: what stands in a command is an engine's word,
 * and must not end the line.
 */
static bool
job_speakable(const struct job *j)
{
	for (uint32_t i = 0; i < j->n; i++)
		if (!speakable(j->rcpts[i].address) ||
		    !speakable(j->rcpts[i].orcpt))
			return false;
	return speakable(j->sender) && speakable(j->envid) &&
	    speakable(j->dest);
}

static bool
speakable(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

/* TLS that was seen a while ago proves nothing any more. */
static void
job_memory(struct job *j, const uint8_t *memory, size_t len)
{
	uint64_t when;

	if (len < MEMORY_TLS || memory[0] != MEMORY_VERSION ||
	    memory[1] > KNOWN_VERIFIED)
		return;
	if (len > MEMORY_TLS)
		sts_load(j->dest, memory + MEMORY_TLS, len - MEMORY_TLS);
	when = 0;
	for (int i = 0; i < 8; i++)
		when = when << 8 | memory[2 + i];
	if ((int64_t)when < relay_now() - REMEMBERED_SECONDS)
		return;
	j->known = (enum known_tls)memory[1];
	j->known_when = (int64_t)when;
}

/* The queue may give another in its place. */
static void
job_over(struct job *j)
{
	job_free(j);
	queue_ready(1);
}

static void
job_free(struct job *j)
{
	plan_free(j->plan);
	if (j->conn != NULL)
		conn_abort(j->conn);
	RB_REMOVE(job_tree, &jobs, j);
	for (uint32_t i = 0; i < j->n; i++) {
		free(j->rcpts[i].address);
		free(j->rcpts[i].orcpt);
	}
	free(j->rcpts);
	free(j->sender);
	free(j->trace);
	free(j->envid);
	free(j);
}

static int
job_compare(const struct job *a, const struct job *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

static char *
get_string(struct msg *msg, size_t size)
{
	const uint8_t *p;
	char *s;
	size_t len;

	p = msg_get_bytes(msg, &len, size - 1);
	if (p == NULL || memchr(p, '\0', len) != NULL) {
		msg->bad = true;
		p = (const uint8_t *)"";
		len = 0;
	}
	s = malloc(len + 1);
	if (s == NULL)
		fatal("malloc");
	memcpy(s, p, len);
	s[len] = '\0';
	return s;
}
