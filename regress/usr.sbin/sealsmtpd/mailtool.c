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
 * What tests need beside the daemon: accounts, and what was delivered, opened.
 *
 *	mailtool create BASE ACCOUNT ...
 *	mailtool limits BASE ACCOUNT QUOTA [disabled]
 *	mailtool dump BASE ACCOUNT DIR
 *	mailtool agreed BASE ACCOUNT
 *
 * As root it works as the owner of BASE/accounts.  dump writes each delivery of
 * in/ that has a valid trailer to DIR/<blob id> and a line about it; files that
 * do not open make it fail.  agreed prints what the ephemeral key of each has
 * agreed on with the account's, in hexadecimal.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "codec.h"
#include "mime.h"
#include "ring_local.h"
#include "seal_keys.h"
#include "store_blob.h"
#include "seal_read.h"
#include "store_blob.h"

#define PASSWORD "secret"

static void become_owner(int);
static void create(int, const char *);
static void limits(int, const char *, const char *, bool);
static void dump(int, const char *, int);
static void agreed(int, const char *);
static struct seal_ring *unlock(int);
static void dump_file(const struct seal_ring *, int, const char *, int);
static uint8_t *slurp(int, const char *, size_t *);
static uint8_t *open_kind(const struct seal_reader *, struct seal_table *,
    enum seal_kind, const uint8_t *, size_t, size_t *);

int
main(int argc, char *argv[])
{
	int base, out = -1;

	if (argc < 4)
		errx(1, "usage: see the source");
	if (seal_init() == -1)
		err(1, "seal_init");
	base = open(argv[2], O_RDONLY | O_DIRECTORY);
	if (base == -1)
		err(1, "%s", argv[2]);
	/* The folder is the caller's, not that of the accounts' owner. */
	if (strcmp(argv[1], "dump") == 0 && argc == 5) {
		(void)mkdir(argv[4], 0777);
		(void)chmod(argv[4], 0777);
		out = open(argv[4], O_RDONLY | O_DIRECTORY);
		if (out == -1)
			err(1, "%s", argv[4]);
	}
	become_owner(base);
	if (strcmp(argv[1], "create") == 0) {
		for (int i = 3; i < argc; i++)
			create(base, argv[i]);
	} else if (strcmp(argv[1], "limits") == 0 && argc >= 5)
		limits(base, argv[3], argv[4], argc == 6);
	else if (strcmp(argv[1], "dump") == 0 && argc == 5) {
		dump(base, argv[3], out);
	} else if (strcmp(argv[1], "agreed") == 0)
		agreed(base, argv[3]);
	else
		errx(1, "usage: see the source");
	return 0;
}

static void
become_owner(int base)
{
	struct stat st;

	if (geteuid() != 0)
		return;
	if (fstatat(base, "accounts", &st, 0) == -1)
		err(1, "accounts");
	if (setgroups(0, NULL) == -1 ||
	    setresgid(st.st_gid, st.st_gid, st.st_gid) == -1 ||
	    setresuid(st.st_uid, st.st_uid, st.st_uid) == -1)
		err(1, "uid %u", (unsigned int)st.st_uid);
}

static void
create(int base, const char *account)
{
	char code[SEAL_CODE_SIZE];
	struct seal_ring *ring;
	enum store_result res;
	int fd;

	res = store_account_create(base, account, &fd);
	if (res != STORE_OK)
		errx(1, "%s: %s", account, store_strerror(res));
	ring = seal_account_create(
	    fd, 0, PASSWORD, strlen(PASSWORD), &seal_kdf_low, 1000000, code);
	if (ring == NULL)
		err(1, "%s", account);
	seal_ring_free(ring);
	res = store_account_publish(base, account, fd);
	if (res != STORE_OK)
		errx(1, "%s: %s", account, store_strerror(res));
}

static void
limits(int base, const char *account, const char *quota, bool disabled)
{
	struct store_limits l;
	int fd;

	memset(&l, 0, sizeof(l));
	l.quota = strtoull(quota, NULL, 10);
	l.disabled = disabled;
	if (store_account_open(base, account, &fd) != STORE_OK)
		errx(1, "%s", account);
	if (store_limits_write(fd, &l) != STORE_OK)
		err(1, "%s: limits", account);
}

static void
dump(int base, const char *account, int out)
{
	struct seal_ring *ring;
	struct dirent *de;
	DIR *dir;
	int fd, in;

	if (store_account_open(base, account, &fd) != STORE_OK)
		errx(1, "%s", account);
	ring = unlock(fd);
	in = openat(fd, "in", O_RDONLY | O_DIRECTORY);
	dir = in == -1 ? NULL : fdopendir(in);
	if (dir == NULL)
		err(1, "%s: in", account);
	while ((de = readdir(dir)) != NULL)
		if (de->d_name[0] != '.')
			dump_file(ring, in, de->d_name, out);
	seal_ring_free(ring);
}

static void
agreed(int base, const char *account)
{
	uint8_t *data, shared[SEAL_KEY_LEN];
	char text[2 * SEAL_KEY_LEN + 1];
	struct seal_trailer tr;
	struct seal_ring *ring;
	struct dirent *de;
	size_t len;
	DIR *dir;
	int fd, in;

	if (store_account_open(base, account, &fd) != STORE_OK)
		errx(1, "%s", account);
	ring = unlock(fd);
	in = openat(fd, "in", O_RDONLY | O_DIRECTORY);
	dir = in == -1 ? NULL : fdopendir(in);
	if (dir == NULL)
		err(1, "%s: in", account);
	while ((de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		data = slurp(in, de->d_name, &len);
		if (len < SEAL_TRAILER_LEN ||
		    seal_trailer_parse(data + len - SEAL_TRAILER_LEN, &tr) ==
			-1 ||
		    crypto_box_beforenm(
			shared, tr.stanza, ring->delivery[0].sk) != 0)
			errx(1, "%s", de->d_name);
		seal_hex(shared, sizeof(shared), text);
		printf("%s\n", text);
		free(data);
	}
	seal_ring_free(ring);
}

static struct seal_ring *
unlock(int fd)
{
	struct seal_account acct;
	struct seal_slots *slots;
	struct seal_ring *ring;
	struct seal_slot_info info;
	uint8_t *amk;

	amk = secret_alloc(SEAL_KEY_LEN);
	if (amk == NULL || seal_account_load(fd, &acct) == -1)
		err(1, "account");
	slots = seal_slots_load(fd, &acct);
	if (slots == NULL ||
	    seal_slots_try(slots, &acct, PASSWORD, strlen(PASSWORD),
		&seal_kdf_low, amk, &info) == -1)
		err(1, "slots");
	ring = seal_ring_load(fd, &acct, amk);
	if (ring == NULL)
		err(1, "ring");
	seal_slots_free(slots);
	secret_free(amk);
	return ring;
}

static void
dump_file(const struct seal_ring *ring, int in, const char *name, int out)
{
	struct mime_summary ms;
	struct seal_trailer tr;
	struct seal_stanza st;
	struct seal_reader r;
	struct seal_table *t;
	uint8_t *data, *body, *summary;
	uint64_t off;
	size_t len, n, nbody, nsummary;
	char id[SEAL_ID_LEN * 2 + 1];
	int fd;

	data = slurp(in, name, &len);
	if (len < SEAL_HEADER_LEN + SEAL_TRAILER_LEN ||
	    seal_trailer_parse(data + len - SEAL_TRAILER_LEN, &tr) == -1) {
		printf("partial %s\n", name);
		free(data);
		return;
	}
	if (seal_stanza_open(ring, &tr, &st) == -1 ||
	    seal_reader_init(&r, data, st.key) == -1 ||
	    seal_locator_open(&r, &tr, &off, &n) == -1)
		err(1, "%s", name);
	t = seal_table_open(&r, data + off, n);
	if (t == NULL)
		err(1, "%s: table", name);
	body = open_kind(&r, t, SEAL_BODY, data, len, &nbody);
	summary = open_kind(&r, t, SEAL_SUMMARY, data, len, &nsummary);
	if (mime_summary_open(&ms, summary, nsummary, nbody) == -1)
		err(1, "%s: summary", name);
	fd = openat(out, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd == -1 || write(fd, body, nbody) != (ssize_t)nbody)
		err(1, "%s", name);
	(void)close(fd);
	seal_hex(st.delivery_id, SEAL_ID_LEN, id);
	printf("message %s delivery=%s from=<%s> to=<%s> hint=<%s> size=%zu "
	       "codec=%u file=%zu suspect=%d\n",
	    name, id, st.from, st.to, st.hint, nbody, r.codec, len,
	    (st.flags & STORE_SUSPECT) != 0);
	seal_table_free(t);
	free(body);
	free(summary);
	free(data);
}

static uint8_t *
open_kind(const struct seal_reader *r, struct seal_table *t,
    enum seal_kind kind, const uint8_t *data, size_t len, size_t *size)
{
	uint8_t *chunk, *plain;
	struct seal_chunk c;
	size_t done;

	*size = (size_t)seal_table_size(t, kind);
	plain = malloc(*size + 1);
	chunk = malloc(SEAL_PIECE_MAX);
	if (plain == NULL || chunk == NULL)
		err(1, NULL);
	done = 0;
	for (uint32_t i = 0; i < seal_table_chunks(t, kind); i++) {
		if (seal_table_chunk(t, kind, i, &c) == -1 || c.off > len ||
		    c.len > len - c.off || c.plain_len > *size - done ||
		    seal_chunk_open(r, kind, i, &c, data + c.off, chunk) == -1)
			err(1, "chunk %u", i);
		if (!codec_open(r->codec, (c.flags & SEAL_COMPRESSED) != 0,
			chunk, c.len - SEAL_TAG_LEN, plain + done, c.plain_len))
			errx(1, "decompress, codec %u", r->codec);
		done += c.plain_len;
	}
	if (done != *size)
		errx(1, "size");
	free(chunk);
	return plain;
}

static uint8_t *
slurp(int dirfd, const char *name, size_t *len)
{
	struct stat st;
	uint8_t *buf;
	int fd;

	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW);
	if (fd == -1 || fstat(fd, &st) == -1)
		err(1, "%s", name);
	*len = (size_t)st.st_size;
	buf = malloc(*len + 1);
	if (buf == NULL || read(fd, buf, *len) != (ssize_t)*len)
		err(1, "%s", name);
	(void)close(fd);
	return buf;
}
