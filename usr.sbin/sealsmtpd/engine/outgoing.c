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
 * The copy of a message that goes to smtp-queue, for all its recipients
 * elsewhere: envelope, body by chunks of 64 KiB, then the head that stands
 * before it: DKIM signatures and our Received field.  A message of less than a
 * chunk costs one packet, and one more for each signature.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <utf8proc.h>

#include "dkim.h"
#include "log.h"
#include "msg.h"

#include "engine.h"

#define KIND_HEAD 0
#define KIND_BODY 1
#define SIGNATURE_ROOM 64 /* octets of a record without its strings */

struct signature {
	struct dkim_signature dkim;
	char field[DKIM_FIELD_MAX];
	size_t len; /* of field; 0: there is none */
};

struct outgoing {
	struct message *message;
	struct queue_ask *ask; /* NULL: the queue has died */
	uint8_t *buf;          /* a chunk, plain */
	size_t len;
	uint64_t size;     /* octets so far */
	bool begun;        /* the queue knows of it */
	bool tls_optional; /* RFC 8689 5 */
	bool eightbit;
	bool committing; /* all of it is here */
	bool committed;
	uint8_t flags; /* that the queue was told of */
	char received[TRACE_MAX];
	size_t received_len;

	/* Where a key of its From domain is there. */
	struct dkim_body *body;
	char domain[QUEUE_DEST_MAX];
	uint8_t *header;
	size_t header_len;
	struct signature *signatures;
	size_t n_signatures;
	size_t pending; /* that the queue has yet to answer */
};

static void outgoing_add(struct outgoing *, const uint8_t *, size_t);
static void outgoing_chunk(struct outgoing *, struct msgout **);
static void outgoing_begin(struct outgoing *, struct msgout **);
static uint8_t outgoing_flags(const struct outgoing *);
static void outgoing_told(struct outgoing *, struct msgout **);
static void outgoing_sign(struct outgoing *);
static void outgoing_finish(struct outgoing *);
static void put_head(struct outgoing *, struct msgout **);
static void put_room(struct outgoing *, struct msgout **, size_t);
static bool has_eightbit(const uint8_t *, size_t);

struct outgoing *
outgoing_new(struct message *m)
{
	struct outgoing *o;

	o = calloc(1, sizeof(*o));
	if (o == NULL)
		fatal("calloc");
	o->message = m;
	o->ask = queue_open(m->session, o);
	if (o->ask == NULL) {
		free(o);
		return NULL;
	}
	o->buf = malloc(QUEUE_CHUNK_MAX);
	if (o->buf == NULL)
		fatal("malloc");
	return o;
}

void
outgoing_received(struct outgoing *o, const char *field, size_t len)
{
	if (len > sizeof(o->received))
		fatalx("trace fields do not fit");
	memcpy(o->received, field, len);
	o->received_len = len;
}

/* Nobody but us signs for our domains, and not for others' (RFC 6376 5.1). */
void
outgoing_header(struct outgoing *o, const uint8_t *header, size_t len)
{
	const struct queue_key *key;

	o->tls_optional = header_says(header, len, "TLS-Required", "No");
	if (o->message->session->nremote > 0 &&
	    header_from(header, len, o->domain, sizeof(o->domain)) &&
	    queue_keys(o->domain, &key, 1) > 0) {
		o->body = dkim_body_new();
		o->header = malloc(len);
		if (o->body == NULL || o->header == NULL)
			fatal("no memory for a signature");
		memcpy(o->header, header, len);
		o->header_len = len;
	}
	outgoing_add(o, header, len);
	outgoing_add(o, (const uint8_t *)"\r\n", 2);
}

void
outgoing_body(struct outgoing *o, const uint8_t *data, size_t len)
{
	/* A report on a delivery has but the header. */
	if (o->message->session->nremote == 0)
		return;
	if (o->body != NULL)
		dkim_body_update(o->body, data, len);
	outgoing_add(o, data, len);
}

void
outgoing_commit(struct outgoing *o)
{
	o->committing = true;
	if (o->ask == NULL) {
		data_queued(o->message->session, QUEUE_TROUBLE);
		return;
	}
	outgoing_sign(o);
	if (o->pending == 0)
		outgoing_finish(o);
}

void
outgoing_signed(
    struct outgoing *o, size_t i, const uint8_t *signature, size_t len)
{
	struct signature *s;
	int n;

	s = &o->signatures[i];
	n = signature == NULL ?
	    -1 :
	    dkim_field(&s->dkim, signature, len, s->field, sizeof(s->field));
	if (n == -1)
		log_warnx("message id=%s: no signature domain=%s selector=%s",
		    o->message->id, log_vis(s->dkim.domain),
		    log_vis(s->dkim.selector));
	else
		s->len = (size_t)n;
	if (--o->pending == 0)
		outgoing_finish(o);
}

void
outgoing_answer(struct outgoing *o, enum queue_result result)
{
	o->ask = NULL;
	if (o->committing)
		data_queued(o->message->session, result);
	else if (o->message->session->state != SESSION_COMMIT)
		message_lost(o->message);
	/* Otherwise a deliverer is heard first; then outgoing_commit() sees. */
}

void
outgoing_free(struct outgoing *o)
{
	struct msgout *out;

	if (o == NULL)
		return;
	if (o->ask != NULL && o->begun && !o->committed) {
		out = queue_put(o->ask);
		msg_put_u8(out, QUEUE_ABORT);
		msg_send(out);
	}
	queue_forget_out(o->message->session, o);
	dkim_body_free(o->body);
	if (o->header != NULL)
		freezero(o->header, o->header_len);
	free(o->signatures);
	freezero(o->buf, o->len);
	freezero(o, sizeof(*o));
}

/* A-labels (RFC 5890), from what is left of names once they are normalised. */
int
outgoing_dest(const struct smtp_address *address, char *buf, size_t size)
{
	utf8proc_uint8_t *folded;
	int r;

	folded = utf8proc_NFKC_Casefold(
	    (const utf8proc_uint8_t *)address->domain);
	if (folded == NULL)
		return -1;
	r = smtp_domain_ascii((const char *)folded, buf, size);
	free(folded);
	return r;
}

static void
outgoing_add(struct outgoing *o, const uint8_t *data, size_t len)
{
	struct msgout *out;
	size_t n;

	if (!o->eightbit)
		o->eightbit = has_eightbit(data, len);
	o->size += len;
	for (; len > 0; data += n, len -= n) {
		n = QUEUE_CHUNK_MAX - o->len;
		if (n > len)
			n = len;
		memcpy(o->buf + o->len, data, n);
		o->len += n;
		if (o->len < QUEUE_CHUNK_MAX || o->ask == NULL)
			continue;
		out = NULL;
		outgoing_chunk(o, &out);
		msg_send(out);
	}
}

static void
outgoing_chunk(struct outgoing *o, struct msgout **out)
{
	struct compressed chunk;

	compress_chunk(o->message->codec, 0, o->buf, o->len, &chunk);
	if (!o->begun)
		outgoing_begin(o, out);
	put_room(o, out, chunk.len + 16);
	msg_put_u8(*out, QUEUE_DATA);
	msg_put_u8(*out, KIND_BODY);
	msg_put_u8(*out, chunk.smaller);
	msg_put_u32(*out, (uint32_t)o->len);
	msg_put_bytes(*out, chunk.data, chunk.len);
	explicit_bzero(o->buf, o->len);
	o->len = 0;
}

/* The envelope and all recipients. */
static void
outgoing_begin(struct outgoing *o, struct msgout **out)
{
	char from[SMTP_PATH_MAX * 2];
	const struct session *s;
	const struct rcpt *r;

	s = o->message->session;
	smtp_address_print(&s->mail.from, from, sizeof(from));
	put_room(o, out,
	    SIGNATURE_ROOM + strlen(from) + sizeof(s->login) + SMTP_ENVID_MAX +
		sizeof(o->message->id));
	o->flags = outgoing_flags(o);
	msg_put_u8(*out, QUEUE_ENVELOPE);
	msg_put_str(*out, from);
	msg_put_str(*out, s->login);
	msg_put_u8(*out, o->flags);
	msg_put_u8(*out, o->message->codec);
	msg_put_str(*out, s->mail.envid);
	msg_put_u8(*out, (uint8_t)s->mail.ret);
	msg_put_i64(*out, (int64_t)time(NULL));
	msg_put_u32(*out, 0);
	msg_put_str(*out, o->message->id);
	for (size_t i = 0; i < s->nrcpts; i++) {
		r = &s->rcpts[i];
		if (r->dest == NULL)
			continue;
		put_room(o, out,
		    SIGNATURE_ROOM + strlen(r->address) + strlen(r->dest) +
			SMTP_ORCPT_MAX);
		msg_put_u8(*out, QUEUE_RCPT);
		msg_put_str(*out, r->address);
		msg_put_str(*out, r->dest);
		msg_put_str(*out, r->orcpt != NULL ? r->orcpt : "");
		msg_put_u8(*out, r->notify);
	}
	o->begun = true;
}

static uint8_t
outgoing_flags(const struct outgoing *o)
{
	return (uint8_t)((o->eightbit ? QUEUE_8BIT : 0) |
	    (o->message->session->mail.utf8 ? QUEUE_UTF8 : 0) |
	    (o->message->session->mail.requiretls ? QUEUE_REQUIRETLS :
		    o->tls_optional               ? QUEUE_TLS_OPTIONAL :
						    0));
}

/* Asks for a signature by each key of the domain. */
static void
outgoing_sign(struct outgoing *o)
{
	const struct queue_key *keys[SIGNATURES_MAX];
	uint8_t hash[DKIM_HASH_LEN];
	struct signature *s;
	size_t n;

	if (o->body == NULL)
		return;
	dkim_body_end(o->body, hash);
	n = queue_keys(o->domain, keys, SIGNATURES_MAX);
	o->signatures = calloc(n + 1, sizeof(*o->signatures));
	if (o->signatures == NULL)
		fatal("calloc");
	for (size_t i = 0; i < n; i++) {
		s = &o->signatures[o->n_signatures];
		(void)strlcpy(
		    s->dkim.domain, keys[i]->domain, sizeof(s->dkim.domain));
		(void)strlcpy(s->dkim.selector, keys[i]->selector,
		    sizeof(s->dkim.selector));
		s->dkim.algorithm = (enum dkim_algorithm)keys[i]->algorithm;
		s->dkim.when = (int64_t)time(NULL);
		memcpy(s->dkim.body, hash, sizeof(hash));
		if (dkim_sign(
			&s->dkim, (const char *)o->header, o->header_len) == 0)
			o->n_signatures++;
	}
	o->pending = o->n_signatures;
	for (size_t i = 0; i < o->n_signatures; i++)
		queue_sign(o->ask, i, o->signatures[i].dkim.domain,
		    o->signatures[i].dkim.selector,
		    o->signatures[i].dkim.digest);
}

static void
outgoing_finish(struct outgoing *o)
{
	struct msgout *out;

	out = NULL;
	if (o->len > 0)
		outgoing_chunk(o, &out);
	put_head(o, &out);
	outgoing_told(o, &out);
	put_room(o, &out, 3);
	if ((outgoing_flags(o) & ~o->flags) != 0) {
		msg_put_u8(out, QUEUE_FLAGS);
		msg_put_u8(out, outgoing_flags(o));
	}
	msg_put_u8(out, QUEUE_COMMIT);
	msg_send(out);
	o->committed = true;
}

/* Who has it here, and whose sender is to hear of that (RFC 3461 4.1). */
static void
outgoing_told(struct outgoing *o, struct msgout **out)
{
	const struct session *s;
	const struct rcpt *r;

	s = o->message->session;
	for (size_t i = 0; i < s->nrcpts; i++) {
		r = &s->rcpts[i];
		if (!rcpt_reported(s, r) || !data_has(s, r))
			continue;
		put_room(o, out,
		    SIGNATURE_ROOM + strlen(r->address) + SMTP_ORCPT_MAX);
		msg_put_u8(*out, QUEUE_TOLD);
		msg_put_str(*out, r->address);
		msg_put_str(*out, r->orcpt != NULL ? r->orcpt : "");
	}
}

/* Signatures stand first: they are about what follows (RFC 6376 3.5). */
static void
put_head(struct outgoing *o, struct msgout **out)
{
	size_t len;

	len = o->received_len;
	for (size_t i = 0; i < o->n_signatures; i++)
		len += o->signatures[i].len;
	put_room(o, out, len + 16);
	msg_put_u8(*out, QUEUE_DATA);
	msg_put_u8(*out, KIND_HEAD);
	msg_put_u8(*out, 0);
	msg_put_u32(*out, (uint32_t)len);
	msg_put_u32(*out, (uint32_t)len);
	for (size_t i = 0; i < o->n_signatures; i++)
		msg_put_raw(*out, o->signatures[i].field, o->signatures[i].len);
	msg_put_raw(*out, o->received, o->received_len);
}

/* A packet with room for need octets more. */
static void
put_room(struct outgoing *o, struct msgout **out, size_t need)
{
	if (*out != NULL && msg_room(*out) < need) {
		msg_send(*out);
		*out = NULL;
	}
	if (*out == NULL)
		*out = queue_put(o->ask);
}

static bool
has_eightbit(const uint8_t *data, size_t len)
{
	uint8_t all;

	all = 0;
	for (size_t i = 0; i < len; i++)
		all |= data[i];
	return all > 0x7f;
}
