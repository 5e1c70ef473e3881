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
 * A message's file: a header, chunks of the body, chunks of the head, an end
 * record with a checksum of all before.  It is written once, from the front to
 * the back, in the memory of one chunk.
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "seal.h"
#include "spool.h"

#define MAGIC "SMQM\1\0\0\0"
#define HEADER_LEN 24 /* magic, id */
#define RECORD_LEN 12 /* kind, flags, two of zero, plain, stored */
#define TAG_LEN crypto_aead_chacha20poly1305_ietf_ABYTES
#define NONCE_LEN crypto_aead_chacha20poly1305_ietf_NPUBBYTES
#define KIND_END 2
#define KEY_CONTEXT "queuemsg"
#define NAME_LEN (4 + QUEUE_ID_LEN * 2 + 1) /* "msg/", digits, NUL */

struct spool_out {
	uint8_t id[QUEUE_ID_LEN];
	uint8_t key[SPOOL_KEY_LEN];
	char name[NAME_LEN];
	crypto_generichash_state sum;
	struct spool_sizes sizes;
	uint32_t n; /* chunks written: the nonce */
	int fd;
	bool head; /* its chunks have begun */
	bool last; /* a body's chunk was not full: none may follow */
	bool kept;
};

struct spool_in {
	uint8_t id[QUEUE_ID_LEN];
	uint8_t key[SPOOL_KEY_LEN];
	struct spool_sizes sizes;
	uint8_t *buf; /* a record, stored; then its chunk, plain */
	uint64_t off;
	uint64_t left;   /* plain octets of the kind that is read */
	uint32_t n_body; /* chunks before the head: its nonces go on */
	uint32_t n;
	int fd;
	bool body; /* the head has been read */
};

static int dir = -1;
static uint8_t root[SPOOL_KEY_LEN];

static void spool_name(const uint8_t *, char *);
static void spool_key(const uint8_t *, uint8_t *);
static void spool_nonce(uint32_t, uint8_t, uint8_t *);
static int write_record(
    struct spool_out *, uint8_t, uint8_t, uint32_t, const uint8_t *, size_t);
static int write_all(int, const uint8_t *, size_t);
static int read_at(int, uint8_t *, size_t, uint64_t);
static int read_record(struct spool_in *, struct spool_chunk *);
static int name_id(const char *, uint8_t *);

static void
put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

void
spool_init(int dirfd, const uint8_t key[SPOOL_KEY_LEN])
{
	dir = dirfd;
	memcpy(root, key, sizeof(root));
	if (mkdirat(dir, "msg", 0700) == -1 && errno != EEXIST)
		fatal("queue: mkdir msg");
}

struct spool_out *
spool_create(uint8_t id[QUEUE_ID_LEN])
{
	uint8_t header[HEADER_LEN];
	struct spool_out *o;

	o = calloc(1, sizeof(*o));
	if (o == NULL)
		fatal("calloc");
	arc4random_buf(o->id, sizeof(o->id));
	memcpy(id, o->id, sizeof(o->id));
	spool_name(o->id, o->name);
	spool_key(o->id, o->key);
	o->fd = openat(
	    dir, o->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	if (o->fd == -1) {
		freezero(o, sizeof(*o));
		return NULL;
	}
	memcpy(header, MAGIC, 8);
	memcpy(header + 8, o->id, sizeof(o->id));
	(void)crypto_generichash_init(&o->sum, NULL, 0, SEAL_SUM_LEN);
	(void)crypto_generichash_update(&o->sum, header, sizeof(header));
	if (write_all(o->fd, header, sizeof(header)) == -1) {
		spool_free(o);
		return NULL;
	}
	o->sizes.file = sizeof(header);
	return o;
}

int
spool_put(struct spool_out *o, const struct spool_chunk *c)
{
	if (c->plain > QUEUE_CHUNK_MAX || c->len > QUEUE_CHUNK_MAX ||
	    c->kind > 1 || c->flags > 1 || c->plain == 0 ||
	    (c->kind == 1 && (o->head || o->last)) ||
	    (c->kind == 0 && c->plain > QUEUE_HEAD_MAX - o->sizes.head)) {
		errno = EINVAL;
		return -1;
	}
	if (c->kind == 1 && c->plain < QUEUE_CHUNK_MAX)
		o->last = true;
	if (c->kind == 0 && !o->head) {
		o->head = true;
		o->sizes.head_off = o->sizes.file;
	}
	if (c->kind == 0)
		o->sizes.head += c->plain;
	else
		o->sizes.body += c->plain;
	return write_record(o, c->kind, c->flags, c->plain, c->data, c->len);
}

int
spool_end(struct spool_out *o, struct spool_sizes *sizes)
{
	uint8_t sum[SEAL_SUM_LEN];

	if (!o->head)
		o->sizes.head_off = o->sizes.file;
	if (write_record(o, KIND_END, 0, 0, NULL, 0) == -1)
		return -1;
	(void)crypto_generichash_final(&o->sum, sum, sizeof(sum));
	if (write_all(o->fd, sum, sizeof(sum)) == -1)
		return -1;
	o->sizes.file += sizeof(sum);
	*sizes = o->sizes;
	return 0;
}

int
spool_sync(struct spool_out *o)
{
	return fsync(o->fd);
}

void
spool_keep(struct spool_out *o)
{
	o->kept = true;
}

void
spool_free(struct spool_out *o)
{
	if (o == NULL)
		return;
	(void)close(o->fd);
	if (!o->kept && unlinkat(dir, o->name, 0) == -1)
		log_warn("queue: unlink %s", o->name);
	freezero(o, sizeof(*o));
}

struct spool_in *
spool_open(const uint8_t id[QUEUE_ID_LEN], const struct spool_sizes *sizes)
{
	uint8_t header[HEADER_LEN];
	char name[NAME_LEN];
	struct spool_in *in;

	spool_name(id, name);
	in = calloc(1, sizeof(*in));
	if (in == NULL)
		fatal("calloc");
	memcpy(in->id, id, sizeof(in->id));
	in->sizes = *sizes;
	in->fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (in->fd == -1) {
		free(in);
		return NULL;
	}
	if (read_at(in->fd, header, sizeof(header), 0) == -1 ||
	    memcmp(header, MAGIC, 8) != 0 ||
	    memcmp(header + 8, id, QUEUE_ID_LEN) != 0) {
		errno = EBADMSG;
		spool_close(in);
		return NULL;
	}
	spool_key(id, in->key);
	in->buf = malloc(QUEUE_CHUNK_MAX + TAG_LEN);
	if (in->buf == NULL)
		fatal("malloc");
	/* Chunks but the last are full: so many came before the head. */
	in->n_body = (uint32_t)((sizes->body + QUEUE_CHUNK_MAX - 1) /
	    QUEUE_CHUNK_MAX);
	in->n = in->n_body;
	in->off = sizes->head_off;
	in->left = sizes->head;
	return in;
}

int
spool_get(struct spool_in *in, struct spool_chunk *c)
{
	if (in->left == 0 && !in->body) {
		in->body = true;
		in->n = 0;
		in->off = HEADER_LEN;
		in->left = in->sizes.body;
	}
	if (in->left == 0)
		return 0;
	if (read_record(in, c) == -1)
		return -1;
	if (c->kind != (in->body ? 1 : 0) || c->plain == 0 ||
	    c->plain > in->left) {
		errno = EBADMSG;
		return -1;
	}
	in->left -= c->plain;
	return 1;
}

void
spool_close(struct spool_in *in)
{
	int saved_errno;

	if (in == NULL)
		return;
	saved_errno = errno;
	(void)close(in->fd);
	if (in->buf != NULL)
		freezero(in->buf, QUEUE_CHUNK_MAX + TAG_LEN);
	freezero(in, sizeof(*in));
	errno = saved_errno;
}

int
spool_unlink(const uint8_t id[QUEUE_ID_LEN])
{
	char name[NAME_LEN];

	spool_name(id, name);
	return unlinkat(dir, name, 0);
}

bool
spool_room(uint64_t octets, uint64_t free_bytes, uint64_t free_inodes)
{
	struct statvfs st;
	uint64_t free_now;

	if (fstatvfs(dir, &st) == -1) {
		log_warn("queue: fstatvfs");
		return false;
	}
	free_now = (uint64_t)st.f_bavail * st.f_frsize;
	/* File systems without a count of inodes say 0 of 0. */
	if (st.f_files > 0 && st.f_favail <= free_inodes)
		return false;
	return free_now > free_bytes && free_now - free_bytes > octets;
}

int
spool_clean(bool (*known)(const uint8_t id[QUEUE_ID_LEN]))
{
	uint8_t id[QUEUE_ID_LEN];
	struct dirent *de;
	DIR *d;
	int fd, n;

	fd = openat(dir, "msg", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	d = fdopendir(fd);
	if (d == NULL) {
		(void)close(fd);
		return -1;
	}
	n = 0;
	while ((de = readdir(d)) != NULL) {
		if (name_id(de->d_name, id) == -1 || known(id))
			continue;
		if (unlinkat(fd, de->d_name, 0) == -1)
			log_warn("queue: unlink msg/%s", de->d_name);
		else
			n++;
	}
	(void)closedir(d);
	return n;
}

static void
spool_name(const uint8_t *id, char *name)
{
	memcpy(name, "msg/", 4);
	seal_hex(id, QUEUE_ID_LEN, name + 4);
}

static void
spool_key(const uint8_t *id, uint8_t *key)
{
	crypto_generichash_state st;

	(void)crypto_generichash_init(&st, root, sizeof(root), SPOOL_KEY_LEN);
	(void)crypto_generichash_update(
	    &st, (const uint8_t *)KEY_CONTEXT, strlen(KEY_CONTEXT));
	(void)crypto_generichash_update(&st, id, QUEUE_ID_LEN);
	(void)crypto_generichash_final(&st, key, SPOOL_KEY_LEN);
	explicit_bzero(&st, sizeof(st));
}

/* A key seals one file, and each record of it has its number. */
static void
spool_nonce(uint32_t n, uint8_t kind, uint8_t *nonce)
{
	memset(nonce, 0, NONCE_LEN);
	nonce[0] = kind;
	put32(nonce + 8, n);
}

static int
write_record(struct spool_out *o, uint8_t kind, uint8_t flags, uint32_t plain,
    const uint8_t *data, size_t len)
{
	static uint8_t rec[RECORD_LEN + QUEUE_CHUNK_MAX + TAG_LEN];
	uint8_t nonce[NONCE_LEN];
	size_t all;

	memset(rec, 0, RECORD_LEN);
	rec[0] = kind;
	rec[1] = flags;
	put32(rec + 4, plain);
	put32(rec + 8, (uint32_t)len);
	spool_nonce(o->n++, kind, nonce);
	(void)crypto_aead_chacha20poly1305_ietf_encrypt(rec + RECORD_LEN, NULL,
	    data, len, rec, RECORD_LEN, NULL, nonce, o->key);
	all = RECORD_LEN + len + TAG_LEN;
	(void)crypto_generichash_update(&o->sum, rec, all);
	if (write_all(o->fd, rec, all) == -1)
		return -1;
	o->sizes.file += all;
	return 0;
}

static int
write_all(int fd, const uint8_t *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* All of it; a file that ends before is not what was written. */
static int
read_at(int fd, uint8_t *p, size_t len, uint64_t off)
{
	ssize_t n;

	while (len > 0) {
		n = pread(fd, p, len, (off_t)off);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EBADMSG;
		if (n <= 0)
			return -1;
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int
read_record(struct spool_in *in, struct spool_chunk *c)
{
	uint8_t rec[RECORD_LEN], nonce[NONCE_LEN];
	unsigned long long opened;
	size_t len;

	if (read_at(in->fd, rec, sizeof(rec), in->off) == -1)
		return -1;
	len = get32(rec + 8);
	c->kind = rec[0];
	c->flags = rec[1];
	c->plain = get32(rec + 4);
	if (len > QUEUE_CHUNK_MAX || c->plain > QUEUE_CHUNK_MAX) {
		errno = EBADMSG;
		return -1;
	}
	if (read_at(in->fd, in->buf, len + TAG_LEN, in->off + sizeof(rec)) ==
	    -1)
		return -1;
	spool_nonce(in->n++, c->kind, nonce);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(in->buf, &opened, NULL,
		in->buf, len + TAG_LEN, rec, sizeof(rec), nonce,
		in->key) == -1) {
		errno = EBADMSG;
		return -1;
	}
	in->off += sizeof(rec) + len + TAG_LEN;
	c->data = in->buf;
	c->len = (size_t)opened;
	return 0;
}

static int
name_id(const char *name, uint8_t *id)
{
	return strlen(name) == QUEUE_ID_LEN * 2 ?
	    seal_unhex(name, id, QUEUE_ID_LEN) :
	    -1;
}
