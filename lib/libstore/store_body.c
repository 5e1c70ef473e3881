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
 * Reading blobs with a message's key: the table once, then any chunk, opened
 * straight into the caller's buffer.  Only what verifies is released.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_local.h"

#define TABLE_MAX (4 << 20) /* sealed octets of a table */

struct store_body {
	struct store *st;
	int fd;
	struct seal_reader reader;
	struct seal_table *table;
};

/* The name below the account; make: where a new one goes. */
int
blob_place_name(struct store *st, const uint8_t *blob, char *name, bool make)
{
	char id[ID_HEX], dir[16];

	seal_hex(blob, STORE_ID, id);
	(void)snprintf(name, BLOB_NAME_SIZE, "blob/%s", id);
	if (!make || st->nflat < BLOB_FLAT)
		return 0;
	(void)snprintf(dir, sizeof(dir), "blob/%.2s", id);
	(void)snprintf(name, BLOB_NAME_SIZE, "%s/%s", dir, id);
	if (sys()->mkdir(st->acct, dir, 0700) == -1)
		return errno == EEXIST ? 0 : -1;
	return sys_sync_dir(st->acct, "blob");
}

int
blob_open_file(struct store *st, const uint8_t *blob)
{
	char id[ID_HEX], name[BLOB_NAME_SIZE];
	int fd;

	seal_hex(blob, STORE_ID, id);
	(void)snprintf(name, sizeof(name), "blob/%s", id);
	fd = sys_open(st->acct, name, O_RDONLY);
	if (fd != -1 || errno != ENOENT)
		return fd;
	(void)snprintf(name, sizeof(name), "blob/%.2s/%s", id, id);
	fd = sys_open(st->acct, name, O_RDONLY);
	if (fd != -1 || errno != ENOENT)
		return fd;
	/* Placed, and a crash came before the rename. */
	(void)snprintf(name, sizeof(name), "in/%s", id);
	fd = sys_open(st->acct, name, O_RDONLY);
	if (fd != -1 || errno != ENOENT)
		return fd;
	/* Expired, and the message not yet expunged; or to be restored. */
	(void)snprintf(name, sizeof(name), "trash/%s", id);
	return sys_open(st->acct, name, O_RDONLY);
}

static int
read_table(struct store_body *b, const uint8_t *blob, const uint8_t *key)
{
	uint8_t header[SEAL_HEADER_LEN], tail[SEAL_TRAILER_LEN], *p;
	struct seal_header h;
	struct seal_trailer t;
	struct stat sb;
	uint64_t off;
	size_t len;

	errno = EBADMSG;
	if (fstat(b->fd, &sb) == -1)
		return -1;
	errno = EBADMSG;
	if (sb.st_size < SEAL_HEADER_LEN + SEAL_TRAILER_LEN ||
	    sys_read(b->fd, header, sizeof(header), 0) != sizeof(header) ||
	    sys_read(b->fd, tail, sizeof(tail),
		sb.st_size - SEAL_TRAILER_LEN) != sizeof(tail) ||
	    seal_header_parse(header, &h) == -1 ||
	    seal_trailer_parse(tail, &t) == -1 ||
	    memcmp(h.id, blob, STORE_ID) != 0 ||
	    memcmp(t.id, blob, STORE_ID) != 0 ||
	    t.size != (uint64_t)sb.st_size ||
	    seal_reader_init(&b->reader, header, key) == -1 ||
	    seal_locator_open(&b->reader, &t, &off, &len) == -1 ||
	    len > TABLE_MAX)
		return -1;
	p = malloc(len);
	if (p == NULL)
		return -1;
	errno = EBADMSG;
	if (sys_read(b->fd, p, len, (off_t)off) == (ssize_t)len)
		b->table = seal_table_open(&b->reader, p, len);
	freezero(p, len);
	return b->table == NULL ? -1 : 0;
}

/* In fd_take, or -1: wherever it is. */
static enum store_result
body_open(struct store *st, const uint8_t *blob, const uint8_t *key,
    int fd_take, struct store_body **out)
{
	struct store_body *b;
	enum store_result result;

	*out = NULL;
	b = st->bodies >= STORE_BODIES_MAX ? NULL : calloc(1, sizeof(*b));
	if (b == NULL) {
		if (fd_take != -1)
			(void)close(fd_take);
		return st->bodies >= STORE_BODIES_MAX ? STORE_LIMIT : STORE_IO;
	}
	b->st = st;
	st->bodies++;
	b->fd = fd_take != -1 ? fd_take : blob_open_file(st, blob);
	if (b->fd == -1 || read_table(b, blob, key) == -1) {
		result = sys_result();
		store_body_close(b);
		/* The log says that it is there. */
		return result == STORE_UNKNOWN ? STORE_CORRUPT : result;
	}
	*out = b;
	return STORE_OK;
}

enum store_result
store_body_open(
    struct store *st, uint64_t box, uint32_t uid, struct store_body **out)
{
	const struct store_msg *m;
	enum store_result result;
	struct cold c;

	*out = NULL;
	m = store_msg_find(st, box, uid, NULL);
	if (m == NULL)
		return STORE_UNKNOWN;
	if (cold_read(st, m->cold, &c) == -1)
		return STORE_CORRUPT;
	result = body_open(st, c.blob, c.key, -1, out);
	explicit_bzero(&c, sizeof(c));
	return result;
}

void
store_body_close(struct store_body *b)
{
	if (b == NULL)
		return;
	if (b->fd != -1)
		(void)close(b->fd);
	if (b->table != NULL)
		seal_table_free(b->table);
	b->st->bodies--;
	freezero(b, sizeof(*b));
}

static enum seal_kind
seal_kind(enum store_kind kind)
{
	return kind == STORE_BODY ? SEAL_BODY : SEAL_SUMMARY;
}

uint32_t
store_body_chunks(const struct store_body *b, enum store_kind kind)
{
	return seal_table_chunks(b->table, seal_kind(kind));
}

static int
chunk_info(const struct store_body *b, enum store_kind kind, uint32_t i,
    struct seal_chunk *sc, struct store_chunk *c)
{
	memset(c, 0, sizeof(*c));
	if (i >= store_body_chunks(b, kind) ||
	    seal_table_chunk(b->table, seal_kind(kind), i, sc) == -1 ||
	    sc->len < SEAL_TAG_LEN || sc->len > STORE_CHUNK + SEAL_TAG_LEN)
		return -1;
	c->kind = kind;
	c->compressed = (sc->flags & SEAL_COMPRESSED) != 0;
	c->plain = sc->plain_len;
	c->len = sc->len - SEAL_TAG_LEN;
	return 0;
}

enum store_result
store_body_info(const struct store_body *b, enum store_kind kind, uint32_t i,
    struct store_chunk *c)
{
	struct seal_chunk sc;

	return chunk_info(b, kind, i, &sc, c) == -1 ? STORE_INVALID : STORE_OK;
}

enum store_result
store_body_read(struct store_body *b, enum store_kind kind, uint32_t i,
    void *buf, size_t size, struct store_chunk *c)
{
	struct seal_chunk sc;
	uint8_t *in;
	ssize_t n;

	in = sys_scratch();
	if (in == NULL)
		return STORE_IO;
	if (chunk_info(b, kind, i, &sc, c) == -1 || c->len > size)
		return STORE_INVALID;
	n = sys_read(b->fd, in, sc.len, (off_t)sc.off);
	if (n == -1)
		return STORE_IO;
	if ((size_t)n != sc.len ||
	    seal_chunk_open(&b->reader, seal_kind(kind), i, &sc, in, buf) == -1)
		return STORE_CORRUPT;
	c->data = buf;
	return STORE_OK;
}

/* The summary from the blob, as the pack has it; date and plain size too. */
enum store_result
body_look(struct store *st, const struct cold *cold, int fd_take,
    struct buf *packed, int64_t *date, uint64_t *size)
{
	struct store_body *b;
	struct store_chunk c;
	enum store_result result;
	uint32_t i, n;
	uint8_t *p;

	result = body_open(st, cold->blob, cold->key, fd_take, &b);
	if (result != STORE_OK)
		return result;
	*date = seal_table_date(b->table);
	*size = seal_table_size(b->table, SEAL_BODY);
	n = store_body_chunks(b, STORE_SUMMARY);
	p = malloc(STORE_CHUNK);
	if (p == NULL)
		result = STORE_IO;
	else if (n > STORE_SUMMARY_CHUNKS)
		result = STORE_CORRUPT;
	for (i = 0; result == STORE_OK && i < n; i++) {
		result = store_body_read(
		    b, STORE_SUMMARY, i, p, STORE_CHUNK, &c);
		if (result != STORE_OK)
			break;
		/* A kind without chunks has an empty one. */
		if (c.plain == 0)
			continue;
		buf_put8(packed, c.compressed);
		buf_put32(packed, c.plain);
		buf_put32(packed, (uint32_t)c.len);
		buf_put(packed, c.data, c.len);
	}
	freezero(p, STORE_CHUNK);
	store_body_close(b);
	return result == STORE_OK && packed->failed ? STORE_IO : result;
}
