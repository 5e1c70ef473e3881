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
 * Writing blobs: chunks are sealed as they come and go to a new file under a
 * random name.  Without its trailer, which comes last, the file does not
 * exist for anybody.  Little is held back, so that a small message is one
 * write(2) and a large one needs no memory.
 */

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "seal.h"
#include "store_file.h"
#include "store_rcpt.h"

#define HOLD_MAX 16384 /* octets kept back for one write */

struct store_blob {
	struct seal_blob *seal;
	uint8_t id[STORE_ID];
	char name[32 + ID_HEX]; /* below dirfd */
	char dir[24];
	int dirfd; /* the account's */
	int fd;
	uint8_t codec;
	uint8_t *hold;
	size_t held;
	size_t hold_size;
	uint64_t off; /* octets written */
	bool finished;
	bool synced;
	bool later;         /* the body's first chunk is still to come */
	bool behind;        /* it has come: what follows is to be summed */
	bool short_chunk;   /* the body's last chunk has been seen */
	bool keep;          /* keep the summary */
	uint32_t chunks[2]; /* by kind */
	uint8_t *summary;   /* packed */
	size_t summary_len;
	size_t summary_room; /* octets of summary that may still come */
};

enum store_result
blob_create_in(int acctfd, const char *dirname, mode_t mode,
    struct seal_sender *sender, uint8_t codec, struct store_blob **out)
{
	struct store_blob *blob;
	enum store_result result;
	char id[ID_HEX];

	*out = NULL;
	blob = calloc(1, sizeof(*blob));
	if (blob == NULL)
		return STORE_IO;
	blob->fd = blob->dirfd = -1;
	blob->codec = codec;
	blob->summary_room = STORE_SUMMARY_MAX -
	    SUMMARY_CHUNK_HEAD * STORE_SUMMARY_CHUNKS;
	arc4random_buf(blob->id, sizeof(blob->id));
	seal_hex(blob->id, sizeof(blob->id), id);
	(void)strlcpy(blob->dir, dirname, sizeof(blob->dir));
	(void)snprintf(blob->name, sizeof(blob->name), "%s/%s", dirname, id);
	result = STORE_IO;
	blob->seal = seal_blob_new(sender, codec, blob->id);
	blob->hold = malloc(SEAL_BLOCK);
	blob->dirfd = fcntl(acctfd, F_DUPFD_CLOEXEC, 0);
	if (blob->seal == NULL || blob->hold == NULL || blob->dirfd == -1)
		goto err;
	blob->hold_size = SEAL_BLOCK;
	blob->held = SEAL_HEADER_LEN;
	if (seal_blob_header(blob->seal, blob->hold) != SEAL_HEADER_LEN)
		goto err;
	blob->fd = sys_create(blob->dirfd, blob->name, mode);
	if (blob->fd == -1) {
		result = errno == ENOENT ? STORE_IO : sys_result();
		goto err;
	}
	*out = blob;
	return STORE_OK;
err:
	store_blob_free(blob);
	return result;
}

enum store_result
store_blob_create(
    const struct store_rcpt *rcpt, uint8_t codec, struct store_blob **out)
{
	return blob_create_in(rcpt->fd, "in", 0440, rcpt->sender, codec, out);
}

static int
flush(struct store_blob *blob)
{
	if (sys_write(blob->fd, blob->hold, blob->held, (off_t)blob->off) == -1)
		return -1;
	blob->off += blob->held;
	blob->held = 0;
	return 0;
}

/* Holds the piece back, or writes what was held and, if large, the piece. */
static int
put_piece(struct store_blob *blob, const uint8_t *piece, size_t len)
{
	uint8_t *p;
	size_t size;

	if (len > HOLD_MAX - blob->held && flush(blob) == -1)
		return -1;
	if (len > HOLD_MAX) {
		if (sys_write(blob->fd, piece, len, (off_t)blob->off) == -1)
			return -1;
		blob->off += len;
		return 0;
	}
	for (size = blob->hold_size; size - blob->held < len; size *= 2)
		;
	if (size != blob->hold_size) {
		p = realloc(blob->hold, size); /* ciphertext only */
		if (p == NULL)
			return -1;
		blob->hold = p;
		blob->hold_size = size;
	}
	memcpy(blob->hold + blob->held, piece, len);
	blob->held += len;
	return 0;
}

static void
put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static int
keep_chunk(struct store_blob *blob, const struct store_chunk *c)
{
	uint8_t *p;
	size_t len;

	len = blob->summary_len + SUMMARY_CHUNK_HEAD + c->len;
	p = recallocarray(blob->summary, blob->summary_len, len, 1);
	if (p == NULL)
		return -1;
	blob->summary = p;
	p += blob->summary_len;
	p[0] = c->compressed;
	put32(p + 1, c->plain);
	put32(p + 5, (uint32_t)c->len);
	memcpy(p + SUMMARY_CHUNK_HEAD, c->data, c->len);
	blob->summary_len = len;
	return 0;
}

enum store_result
store_blob_chunk(struct store_blob *blob, const struct store_chunk *c)
{
	uint8_t *out;
	ssize_t n;

	if (blob->finished || c->len > STORE_CHUNK || c->plain > STORE_CHUNK ||
	    (!c->compressed && c->len != c->plain) ||
	    (c->kind != STORE_BODY && c->kind != STORE_SUMMARY) ||
	    (c->kind == STORE_BODY && blob->chunks[STORE_SUMMARY] > 0))
		return STORE_INVALID;
	if (blob->chunks[c->kind] >=
	    (c->kind == STORE_BODY ? STORE_CHUNKS_MAX : STORE_SUMMARY_CHUNKS))
		return STORE_LIMIT;
	if (c->kind == STORE_SUMMARY && c->len > blob->summary_room)
		return STORE_LIMIT;
	/* Only the last chunk of a kind may be short. */
	if (blob->short_chunk && blob->chunks[c->kind] > 0)
		return STORE_INVALID;
	blob->short_chunk = c->plain < STORE_CHUNK;
	blob->chunks[c->kind]++;
	if (c->kind == STORE_SUMMARY)
		blob->summary_room -= c->len;
	out = sys_scratch();
	if (out == NULL)
		return STORE_IO;
	n = seal_blob_chunk(blob->seal,
	    c->kind == STORE_BODY ? SEAL_BODY : SEAL_SUMMARY,
	    c->compressed ? SEAL_COMPRESSED : 0, c->plain, c->data, c->len,
	    out);
	if (n == -1)
		return errno == E2BIG ? STORE_LIMIT :
		    errno == EINVAL   ? STORE_INVALID :
					STORE_IO;
	if (put_piece(blob, out, (size_t)n) == -1)
		return sys_result();
	if (c->kind == STORE_SUMMARY && blob->keep && keep_chunk(blob, c) == -1)
		return STORE_IO;
	return STORE_OK;
}

enum store_result
store_blob_later(struct store_blob *blob)
{
	ssize_t n;

	if (blob->finished || blob->chunks[STORE_BODY] > 0 ||
	    blob->chunks[STORE_SUMMARY] > 0)
		return STORE_INVALID;
	if (flush(blob) == -1)
		return sys_result();
	n = seal_blob_later(blob->seal);
	if (n == -1)
		return STORE_IO;
	blob->off += (uint64_t)n;
	blob->chunks[STORE_BODY] = 1;
	blob->later = true;
	return STORE_OK;
}

enum store_result
store_blob_first(struct store_blob *blob, const void *data)
{
	uint8_t *out;
	ssize_t n;

	if (blob->finished || !blob->later)
		return STORE_INVALID;
	out = sys_scratch();
	if (out == NULL)
		return STORE_IO;
	n = seal_blob_first(blob->seal, data, out);
	if (n == -1)
		return STORE_IO;
	blob->later = false;
	blob->behind = true;
	if (sys_write(blob->fd, out, (size_t)n, SEAL_HEADER_LEN) == -1)
		return sys_result();
	return STORE_OK;
}

/* What was written behind the place of a chunk that had not come. */
static int
sum_again(struct store_blob *blob)
{
	uint8_t *buf;
	uint64_t off;
	ssize_t n;

	buf = sys_scratch();
	if (flush(blob) == -1)
		return -1;
	for (off = SEAL_HEADER_LEN; off < blob->off; off += (uint64_t)n) {
		n = SEAL_CHUNK;
		if (blob->off - off < SEAL_CHUNK)
			n = (ssize_t)(blob->off - off);
		n = sys_read(blob->fd, buf, (size_t)n, (off_t)off);
		if (n == -1)
			return -1;
		if (n == 0 || seal_blob_sum(blob->seal, buf, (size_t)n) == -1) {
			errno = EIO;
			return -1;
		}
	}
	blob->behind = false;
	return 0;
}

enum store_result
store_blob_finish(struct store_blob *blob, const struct store_envelope *env)
{
	struct seal_stanza stanza;
	uint8_t *out;
	ssize_t n;
	int r;

	out = sys_scratch();
	if (out == NULL)
		return STORE_IO;
	if (blob->finished || blob->later)
		return STORE_INVALID;
	if (blob->behind && sum_again(blob) == -1)
		return sys_result();
	memset(&stanza, 0, sizeof(stanza));
	memcpy(stanza.delivery_id, env->delivery_id, STORE_ID);
	stanza.flags = env->flags;
	(void)strlcpy(stanza.from, env->from, sizeof(stanza.from));
	(void)strlcpy(stanza.to, env->to, sizeof(stanza.to));
	(void)strlcpy(stanza.hint, env->hint, sizeof(stanza.hint));
	(void)strlcpy(stanza.verdicts, env->verdict, sizeof(stanza.verdicts));
	r = seal_blob_finish(blob->seal, &stanza, env->date);
	explicit_bzero(&stanza, sizeof(stanza));
	if (r == -1)
		return STORE_IO;
	while ((n = seal_blob_next(blob->seal, out, SEAL_PIECE_MAX)) > 0) {
		if (put_piece(blob, out, (size_t)n) == -1)
			return sys_result();
	}
	if (n == -1)
		return STORE_IO;
	if (flush(blob) == -1)
		return sys_result();
	blob->finished = true;
	free(blob->hold);
	blob->hold = NULL;
	return STORE_OK;
}

enum store_result
store_blob_sync(int basefd, struct store_blob *const *blobs, size_t n)
{
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		if (!blobs[i]->finished)
			return STORE_INVALID;
	}
	if (n == 0)
		return STORE_OK;
	r = sys_syncfs(basefd);
	for (i = 0; r == 1 && i < n; i++) {
		if (sys_fsync(blobs[i]->fd) == -1 ||
		    sys_sync_dir(blobs[i]->dirfd, blobs[i]->dir) == -1)
			r = -1;
	}
	if (r == -1)
		return sys_result();
	for (i = 0; i < n; i++)
		blobs[i]->synced = true;
	return STORE_OK;
}

uint64_t
store_blob_size(const struct store_blob *blob)
{
	return blob->off + blob->held;
}

void
store_blob_free(struct store_blob *blob)
{
	if (blob == NULL)
		return;
	if (blob->fd != -1) {
		(void)close(blob->fd);
		if (!blob->synced)
			(void)sys()->unlink(blob->dirfd, blob->name, 0);
	}
	if (blob->dirfd != -1)
		(void)close(blob->dirfd);
	seal_blob_free(blob->seal);
	free(blob->hold);
	freezero(blob->summary, blob->summary_len);
	free(blob);
}

void
blob_keep_summary(struct store_blob *blob)
{
	blob->keep = true;
}

const uint8_t *
blob_summary(const struct store_blob *blob, size_t *len)
{
	*len = blob->summary_len;
	return blob->summary;
}

const uint8_t *
blob_id(const struct store_blob *blob)
{
	return blob->id;
}

uint8_t
blob_codec(const struct store_blob *blob)
{
	return blob->codec;
}

void
blob_key(const struct store_blob *blob, uint8_t key[32])
{
	seal_blob_key(blob->seal, key);
}
