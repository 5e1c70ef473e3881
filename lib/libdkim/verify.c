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
 * The signatures of one message: what each has signed of the header, one hash
 * of the body for all that want the same, and what comes of it (RFC 6376 6.1).
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "verify_local.h"

struct body {
	struct dkim_body *body;
	bool relaxed;
	uint64_t max;
	uint8_t hash[DKIM_HASH_LEN];
	uint64_t octets;
};

struct dkim_verify {
	char *header;
	size_t header_len;
	struct dkim_header_field *fields;
	size_t n_fields;
	struct dkim_signed signatures[DKIM_VERIFY_MAX];
	size_t n;
	struct body bodies[DKIM_VERIFY_MAX];
	size_t n_bodies;
};

static int verify_fields(struct dkim_verify *, int64_t);
static int verify_hash(struct dkim_verify *, struct dkim_signed *);
static void digest_of(struct dkim_verify *, const struct dkim_signed *,
    uint8_t digest[DKIM_HASH_LEN]);
static void hash_named(struct dkim_verify *, const struct dkim_signed *,
    crypto_hash_sha256_state *);
static void hash_own(crypto_hash_sha256_state *, const struct dkim_signed *);

struct dkim_verify *
dkim_verify_new(const char *header, size_t len, int64_t now)
{
	struct dkim_verify *v;

	v = calloc(1, sizeof(*v));
	if (v == NULL)
		return NULL;
	v->header = malloc(len + 1);
	v->fields = calloc(DKIM_FIELDS_MAX, sizeof(*v->fields));
	if (v->header == NULL || v->fields == NULL) {
		dkim_verify_free(v);
		return NULL;
	}
	memcpy(v->header, header, len);
	v->header_len = len;
	v->n_fields = dkim_header_split(
	    v->header, len, v->fields, DKIM_FIELDS_MAX);
	if (verify_fields(v, now) == -1) {
		dkim_verify_free(v);
		return NULL;
	}
	return v;
}

void
dkim_verify_free(struct dkim_verify *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->n_bodies; i++)
		dkim_body_free(v->bodies[i].body);
	free(v->fields);
	if (v->header != NULL)
		freezero(v->header, v->header_len);
	freezero(v, sizeof(*v));
}

size_t
dkim_verify_count(const struct dkim_verify *v)
{
	return v->n;
}

bool
dkim_verify_question(
    const struct dkim_verify *v, size_t i, char name[MAUTH_NAME_MAX])
{
	const struct dkim_signed *s;

	s = &v->signatures[i];
	if (s->out.result != MAUTH_NONE || s->proved)
		return false;
	(void)strlcpy(name, s->out.selector, MAUTH_NAME_MAX);
	(void)strlcat(name, "._domainkey.", MAUTH_NAME_MAX);
	return strlcat(name, s->out.domain, MAUTH_NAME_MAX) < MAUTH_NAME_MAX;
}

void
dkim_verify_key(struct dkim_verify *v, size_t i, const struct mauth_answer *a)
{
	struct dkim_signed *s;
	uint8_t digest[DKIM_HASH_LEN];

	s = &v->signatures[i];
	if (s->out.result != MAUTH_NONE || s->proved)
		return;
	if (a->status == MAUTH_TROUBLE) {
		s->out.result = MAUTH_TEMPERROR;
		s->out.reason = "the key is not known";
		return;
	}
	if (a->status == MAUTH_NOTHING || a->n == 0) {
		s->out.result = MAUTH_PERMERROR;
		s->out.reason = "there is no key";
		return;
	}
	digest_of(v, s, digest);
	/* RFC 6376 3.6.2.2: of several, any one. */
	dkim_key_check(s, a->records[0].data, a->records[0].len, digest);
}

void
dkim_verify_body(struct dkim_verify *v, const void *data, size_t len)
{
	for (size_t i = 0; i < v->n_bodies; i++)
		dkim_body_update(v->bodies[i].body, data, len);
}

void
dkim_verify_end(struct dkim_verify *v)
{
	struct dkim_signed *s;
	struct body *b;

	for (size_t i = 0; i < v->n_bodies; i++)
		dkim_body_finish(
		    v->bodies[i].body, v->bodies[i].hash, &v->bodies[i].octets);
	for (size_t i = 0; i < v->n; i++) {
		s = &v->signatures[i];
		if (s->out.result != MAUTH_NONE)
			continue;
		b = &v->bodies[s->body];
		if (!s->proved) {
			s->out.result = MAUTH_TEMPERROR;
			s->out.reason = "the key is not known";
		} else if (b->octets < s->max && s->max != UINT64_MAX) {
			s->out.result = MAUTH_PERMERROR;
			s->out.reason = "l= is more than there is";
		} else if (memcmp(b->hash, s->body_hash, DKIM_HASH_LEN) != 0) {
			s->out.result = s->testing ? MAUTH_NEUTRAL : MAUTH_FAIL;
			s->out.reason = "the body has changed";
		} else if (b->octets > s->max) {
			/* RFC 6376 8.2: anybody may have added the rest. */
			s->out.result = MAUTH_POLICY;
			s->out.reason = "a part of the body is not signed";
		} else
			s->out.result = MAUTH_PASS;
	}
}

const struct dkim_verified *
dkim_verify_result(const struct dkim_verify *v, size_t i)
{
	return &v->signatures[i].out;
}

static int
verify_fields(struct dkim_verify *v, int64_t now)
{
	struct dkim_signed *s;

	for (size_t i = 0; i < v->n_fields && v->n < DKIM_VERIFY_MAX; i++) {
		if (dkim_header_count(&v->fields[i], 1, "dkim-signature") == 0)
			continue;
		s = &v->signatures[v->n++];
		s->field = &v->fields[i];
		dkim_signed_read(s, now);
		if (s->out.result == MAUTH_NONE && verify_hash(v, s) == -1)
			return -1;
	}
	return 0;
}

static int
verify_hash(struct dkim_verify *v, struct dkim_signed *s)
{
	struct body *b;

	for (size_t i = 0; i < v->n_bodies; i++) {
		if (v->bodies[i].relaxed == s->relaxed_body &&
		    v->bodies[i].max == s->max) {
			s->body = i;
			return 0;
		}
	}
	b = &v->bodies[v->n_bodies];
	b->relaxed = s->relaxed_body;
	b->max = s->max;
	b->body = dkim_body_make(b->relaxed, b->max);
	if (b->body == NULL)
		return -1;
	s->body = v->n_bodies++;
	return 0;
}

/* RFC 6376 3.7 */
static void
digest_of(struct dkim_verify *v, const struct dkim_signed *s,
    uint8_t digest[DKIM_HASH_LEN])
{
	crypto_hash_sha256_state hash;

	(void)crypto_hash_sha256_init(&hash);
	hash_named(v, s, &hash);
	hash_own(&hash, s);
	(void)crypto_hash_sha256_final(&hash, digest);
}

/* Each name takes the last field that is left; one too many is nothing. */
static void
hash_named(struct dkim_verify *v, const struct dkim_signed *s,
    crypto_hash_sha256_state *hash)
{
	struct dkim_header_field *f;
	const char *p, *end, *colon;
	char name[128];
	size_t len;

	for (size_t i = 0; i < v->n_fields; i++)
		v->fields[i].used = false;
	end = s->names.value + s->names.len;
	for (p = s->names.value; p < end; p = colon + 1) {
		colon = memchr(p, ':', (size_t)(end - p));
		if (colon == NULL)
			colon = end;
		while (p < colon && strchr(" \t\r\n", *p) != NULL)
			p++;
		len = (size_t)(colon - p);
		while (len > 0 && strchr(" \t\r\n", p[len - 1]) != NULL)
			len--;
		/* No field has such a name. */
		if (len == 0 || len >= sizeof(name))
			continue;
		memcpy(name, p, len);
		name[len] = '\0';
		f = dkim_header_last(v->fields, v->n_fields, name);
		if (f == NULL)
			continue;
		f->used = true;
		dkim_header_hash(hash, f, s->relaxed_header, true);
	}
}

/* The field itself, with nothing where b= has its value. */
static void
hash_own(crypto_hash_sha256_state *hash, const struct dkim_signed *s)
{
	struct dkim_header_field own;
	const char *start, *rest, *end;
	char *copy;
	size_t before, after;

	/* The value, with blanks around it: from '=' to ';' or the end. */
	for (start = s->b.value; start[-1] != '=';)
		start--;
	end = s->field->value + s->field->value_len;
	for (rest = s->b.value + s->b.len; rest < end && *rest != ';';)
		rest++;
	before = (size_t)(start - s->field->name);
	after = (size_t)(end - rest);
	copy = malloc(before + after + 1);
	if (copy == NULL)
		return; /* and the digest is not the right one */
	memcpy(copy, s->field->name, before);
	memcpy(copy + before, rest, after);
	own = *s->field;
	own.name = copy;
	own.value = copy + (s->field->value - s->field->name);
	own.value_len = before + after - (size_t)(own.value - copy);
	dkim_header_hash(hash, &own, s->relaxed_header, false);
	freezero(copy, before + after + 1);
}
