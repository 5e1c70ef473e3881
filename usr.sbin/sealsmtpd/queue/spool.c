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
 *
 * Most messages stay for less than a second.  To make a file and to unlink it
 * costs a file system far more than to write it, so the files of messages that
 * have left are used again, by the next ones, under their names.
 */

#include <sys/types.h>
#include <sys/queue.h>
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
#define RECORD_MAX (RECORD_LEN + QUEUE_CHUNK_MAX + TAG_LEN)
#define SMALL_MAX 32768             /* octets of a file that is read at once */
#define SPARES_MAX 256              /* files that wait for their next message */
#define SPARE_FILE_MAX (256 * 1024) /* octets that one may keep */

struct spool_out {
	uint8_t id[QUEUE_ID_LEN];
	uint8_t key[SPOOL_KEY_LEN];
	char name[NAME_LEN];
	crypto_generichash_state sum;
	struct spool_sizes sizes;
	uint64_t had; /* octets of the file when it was a spare one */
	uint32_t n;   /* chunks written: the nonce */
	int fd;
	int error; /* of a write that came late */
	bool head; /* its chunks have begun */
	bool last; /* a body's chunk was not full: none may follow */
	bool kept;
};

struct spool_in {
	LIST_ENTRY(spool_in) entry;
	uint8_t id[QUEUE_ID_LEN];
	uint8_t key[SPOOL_KEY_LEN];
	struct spool_sizes sizes;
	uint8_t *small; /* all of the file, where it is small */
	uint8_t *buf;   /* a record, stored; then its chunk, plain */
	size_t size;    /* of buf */
	uint64_t off;
	uint64_t left;   /* plain octets of the kind that is read */
	uint32_t n_body; /* chunks before the head: its nonces go on */
	uint32_t n;
	int fd;
	bool body; /* the head has been read */
};

static int dir = -1;
static uint8_t root[SPOOL_KEY_LEN];
static LIST_HEAD(, spool_in) readers = LIST_HEAD_INITIALIZER(readers);

/* Sealed records of one file that it has not got: most come together. */
static struct {
	struct spool_out *of;
	size_t len;
	uint8_t data[2 * RECORD_MAX];
} pending;

/* Names of files whose messages have left, for good. */
static struct {
	uint8_t ids[SPARES_MAX][QUEUE_ID_LEN];
	size_t n;
} spares;

static void spool_name(const uint8_t *, char *);
static void spool_key(const uint8_t *, uint8_t *);
static void spool_nonce(uint32_t, uint8_t, uint8_t *);
static int open_spare(struct spool_out *);
static bool is_read(const uint8_t *);
static int write_record(
    struct spool_out *, uint8_t, uint8_t, uint32_t, const uint8_t *, size_t);
static int put(struct spool_out *, const uint8_t *, size_t);
static int put_pending(void);
static int write_all(int, const uint8_t *, size_t);
static int read_small(struct spool_in *);
static int read_at(const struct spool_in *, uint8_t *, size_t, uint64_t);
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
	spares.n = 0;
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
	o->fd = open_spare(o);
	if (o->fd == -1)
		o->fd = openat(dir, o->name,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (o->fd == -1) {
		freezero(o, sizeof(*o));
		return NULL;
	}
	memcpy(header, MAGIC, 8);
	memcpy(header + 8, o->id, sizeof(o->id));
	(void)crypto_generichash_init(&o->sum, NULL, 0, SEAL_SUM_LEN);
	(void)crypto_generichash_update(&o->sum, header, sizeof(header));
	if (put(o, header, sizeof(header)) == -1) {
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
	if (put(o, sum, sizeof(sum)) == -1 ||
	    (pending.of == o && put_pending() == -1))
		return -1;
	o->sizes.file += sizeof(sum);
	if (o->had > o->sizes.file &&
	    ftruncate(o->fd, (off_t)o->sizes.file) == -1)
		return -1;
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
	if (pending.of == o)
		pending.of = NULL;
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
	LIST_INSERT_HEAD(&readers, in, entry);
	if (read_small(in) == -1 ||
	    read_at(in, header, sizeof(header), 0) == -1 ||
	    memcmp(header, MAGIC, 8) != 0 ||
	    memcmp(header + 8, id, QUEUE_ID_LEN) != 0) {
		errno = EBADMSG;
		spool_close(in);
		return NULL;
	}
	spool_key(id, in->key);
	in->size = QUEUE_CHUNK_MAX + TAG_LEN;
	if (in->size > sizes->file)
		in->size = (size_t)sizes->file;
	in->buf = malloc(in->size);
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
	LIST_REMOVE(in, entry);
	(void)close(in->fd);
	free(in->small);
	freezero(in->buf, in->size);
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
spool_spare(const uint8_t id[QUEUE_ID_LEN])
{
	if (spares.n == SPARES_MAX)
		return false;
	memcpy(spares.ids[spares.n++], id, QUEUE_ID_LEN);
	return true;
}

bool
spool_spare_unlink(void)
{
	if (spares.n == 0)
		return false;
	if (spool_unlink(spares.ids[--spares.n]) == -1 && errno != ENOENT)
		log_warn("queue: unlink");
	return true;
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

/* The file of a message that has left, by a new name; -1: there is none. */
static int
open_spare(struct spool_out *o)
{
	char name[NAME_LEN];
	struct stat st;
	int fd;

	if (spares.n == 0 || is_read(spares.ids[spares.n - 1]))
		return -1;
	spool_name(spares.ids[--spares.n], name);
	fd = openat(dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size <= SPARE_FILE_MAX &&
	    renameat(dir, name, dir, o->name) == 0) {
		o->had = (uint64_t)st.st_size;
		return fd;
	}
	if (fd != -1)
		(void)close(fd);
	if (unlinkat(dir, name, 0) == -1 && errno != ENOENT)
		log_warn("queue: unlink %s", name);
	return -1;
}

/* An administrator may have removed what a relay reads yet. */
static bool
is_read(const uint8_t *id)
{
	const struct spool_in *in;

	LIST_FOREACH (in, &readers, entry)
		if (in->small == NULL && memcmp(in->id, id, QUEUE_ID_LEN) == 0)
			return true;
	return false;
}

static int
write_record(struct spool_out *o, uint8_t kind, uint8_t flags, uint32_t plain,
    const uint8_t *data, size_t len)
{
	static uint8_t rec[RECORD_MAX];
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
	if (put(o, rec, all) == -1)
		return -1;
	o->sizes.file += all;
	return 0;
}

/* Later, with what follows; the records of another go first. */
static int
put(struct spool_out *o, const uint8_t *p, size_t len)
{
	if (pending.of != NULL &&
	    (pending.of != o || len > sizeof(pending.data) - pending.len))
		(void)put_pending();
	if (o->error != 0) {
		errno = o->error;
		return -1;
	}
	if (pending.of == NULL) {
		pending.of = o;
		pending.len = 0;
	}
	memcpy(pending.data + pending.len, p, len);
	pending.len += len;
	return 0;
}

/* What went wrong its owner learns from its next call. */
static int
put_pending(void)
{
	struct spool_out *o;

	o = pending.of;
	pending.of = NULL;
	if (write_all(o->fd, pending.data, pending.len) == 0)
		return 0;
	o->error = errno;
	return -1;
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

/* One call, and the file is no longer needed. */
static int
read_small(struct spool_in *in)
{
	uint8_t *small;

	if (in->sizes.file > SMALL_MAX)
		return 0;
	small = malloc((size_t)in->sizes.file);
	if (small == NULL)
		fatal("malloc");
	if (read_at(in, small, (size_t)in->sizes.file, 0) == -1) {
		free(small);
		return -1;
	}
	in->small = small;
	return 0;
}

/* All of it; a file that ends before is not what was written. */
static int
read_at(const struct spool_in *in, uint8_t *p, size_t len, uint64_t off)
{
	ssize_t n;

	if (in->small != NULL) {
		if (off > in->sizes.file || len > in->sizes.file - off) {
			errno = EBADMSG;
			return -1;
		}
		memcpy(p, in->small + off, len);
		return 0;
	}
	while (len > 0) {
		n = pread(in->fd, p, len, (off_t)off);
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

	if (read_at(in, rec, sizeof(rec), in->off) == -1)
		return -1;
	len = get32(rec + 8);
	c->kind = rec[0];
	c->flags = rec[1];
	c->plain = get32(rec + 4);
	if (len > QUEUE_CHUNK_MAX || c->plain > QUEUE_CHUNK_MAX ||
	    len + TAG_LEN > in->size) {
		errno = EBADMSG;
		return -1;
	}
	if (read_at(in, in->buf, len + TAG_LEN, in->off + sizeof(rec)) == -1)
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
