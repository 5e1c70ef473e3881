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
 * Who has had a message already.  Where a message reached some of its targets
 * and not all, the client is told to send it again; what it sent is remembered
 * as a hash with the targets that have it, so that those do not get it twice.
 * This is memory of one process: it forgets at its end, and then mail comes
 * twice, which is better than not at all.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "log.h"

#include "engine.h"

#define NOTES_MAX 256
#define NOTE_SECONDS (5 * 86400)
#define HASH_LEN 32

struct note {
	TAILQ_ENTRY(note) entry; /* oldest first */
	uint8_t hash[HASH_LEN];
	time_t when;
	char **accounts; /* account and hint, one after the other */
	size_t n;
};

static TAILQ_HEAD(, note) notes = TAILQ_HEAD_INITIALIZER(notes);
static size_t nnotes;
static uint8_t key[HASH_LEN];

static struct note *note_find(const uint8_t *);
static struct note *note_new(const uint8_t *);
static void note_remove(struct note *, const struct target *);
static void note_add(struct note *, const struct target *);
static bool note_has(const struct note *, const struct target *);
static void note_free(struct note *);
static void retry_hash(struct message *, uint8_t *);

/* Messages for one target are hashed only while something is remembered. */
void
retry_begin(struct message *m)
{
	char from[SMTP_PATH_MAX * 2];

	m->hashing = m->of == NULL && (m->local || m->copy != NULL) &&
	    (m->session->ntargets > 1 || m->out != NULL || m->copy != NULL ||
		nnotes > 0);
	if (!m->hashing)
		return;
	if (sodium_is_zero(key, sizeof(key)))
		randombytes_buf(key, sizeof(key));
	m->hash = malloc(sizeof(crypto_generichash_state));
	if (m->hash == NULL)
		fatal("malloc");
	crypto_generichash_init(m->hash, key, sizeof(key), HASH_LEN);
	smtp_address_print(&m->session->mail.from, from, sizeof(from));
	retry_update(m, from, strlen(from) + 1);
}

void
retry_update(struct message *m, const void *data, size_t len)
{
	if (m->hashing)
		crypto_generichash_update(m->hash, data, len);
}

size_t
retry_known(struct message *m, uint16_t *known)
{
	uint8_t hash[HASH_LEN];
	const struct session *s;
	const struct note *note;
	size_t n;

	if (!m->hashing)
		return 0;
	retry_hash(m, hash);
	note = note_find(hash);
	if (note == NULL)
		return 0;
	n = 0;
	s = m->session;
	for (size_t i = 0; i < s->ntargets; i++)
		if (note_has(note, &s->targets[i]))
			known[n++] = (uint16_t)i;
	return n;
}

bool
retry_has_own(struct message *m)
{
	uint8_t hash[HASH_LEN];
	const struct note *note;

	if (!m->hashing)
		return false;
	retry_hash(m, hash);
	note = note_find(hash);
	return note != NULL && note_has(note, &m->session->own);
}

/*
 * A note serves once: what this message brought is forgotten, and what is to
 * come again noted.  Otherwise the same text sent on purpose would be lost.
 */
void
retry_note(struct message *m)
{
	uint8_t hash[HASH_LEN];
	const struct session *s;
	const struct target *t;
	struct note *note;

	if (!m->hashing)
		return;
	s = m->session;
	retry_hash(m, hash);
	note = note_find(hash);
	for (size_t i = 0; i < s->ntargets + s->saves; i++) {
		t = i < s->ntargets ? &s->targets[i] : &s->own;
		if (note != NULL)
			note_remove(note, t);
		if (!t->again)
			continue;
		if (note == NULL)
			note = note_new(hash);
		note_add(note, t);
	}
	if (note != NULL && note->n == 0)
		note_free(note);
}

void
retry_end(struct message *m)
{
	free(m->hash);
	m->hash = NULL;
	m->hashing = false;
}

/* The hash so far; more may follow. */
static void
retry_hash(struct message *m, uint8_t *hash)
{
	crypto_generichash_state copy;

	memcpy(&copy, m->hash, sizeof(copy));
	crypto_generichash_final(&copy, hash, HASH_LEN);
	explicit_bzero(&copy, sizeof(copy));
}

static struct note *
note_find(const uint8_t *hash)
{
	struct note *note, *next;
	time_t now;

	now = time(NULL);
	TAILQ_FOREACH_SAFE (note, &notes, entry, next) {
		if (now - note->when > NOTE_SECONDS)
			note_free(note);
		else if (memcmp(note->hash, hash, HASH_LEN) == 0)
			return note;
	}
	return NULL;
}

static struct note *
note_new(const uint8_t *hash)
{
	struct note *note;

	note = calloc(1, sizeof(*note));
	if (note == NULL)
		fatal("calloc");
	memcpy(note->hash, hash, HASH_LEN);
	note->when = time(NULL);
	TAILQ_INSERT_TAIL(&notes, note, entry);
	if (++nnotes > NOTES_MAX)
		note_free(TAILQ_FIRST(&notes));
	return note;
}

static void
note_remove(struct note *note, const struct target *t)
{
	size_t i;

	for (i = 0; i < note->n; i++)
		if (strcmp(note->accounts[i * 2], t->account) == 0 &&
		    strcmp(note->accounts[i * 2 + 1], t->hint) == 0)
			break;
	if (i == note->n)
		return;
	free(note->accounts[i * 2]);
	free(note->accounts[i * 2 + 1]);
	note->n--;
	note->accounts[i * 2] = note->accounts[note->n * 2];
	note->accounts[i * 2 + 1] = note->accounts[note->n * 2 + 1];
	note->accounts[note->n * 2] = NULL;
	note->accounts[note->n * 2 + 1] = NULL;
}

static void
note_add(struct note *note, const struct target *t)
{
	char **accounts;

	accounts = recallocarray(
	    note->accounts, note->n * 2, (note->n + 1) * 2, sizeof(*accounts));
	if (accounts == NULL)
		fatal("recallocarray");
	note->accounts = accounts;
	accounts[note->n * 2] = strdup(t->account);
	accounts[note->n * 2 + 1] = strdup(t->hint);
	if (accounts[note->n * 2] == NULL || accounts[note->n * 2 + 1] == NULL)
		fatal("strdup");
	note->n++;
}

static bool
note_has(const struct note *note, const struct target *t)
{
	for (size_t i = 0; i < note->n; i++)
		if (strcmp(note->accounts[i * 2], t->account) == 0 &&
		    strcmp(note->accounts[i * 2 + 1], t->hint) == 0)
			return true;
	return false;
}

static void
note_free(struct note *note)
{
	TAILQ_REMOVE(&notes, note, entry);
	nnotes--;
	for (size_t i = 0; i < note->n * 2; i++)
		free(note->accounts[i]);
	free(note->accounts);
	free(note);
}
