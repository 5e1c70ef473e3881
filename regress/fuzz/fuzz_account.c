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
 * An account for fuzzers; its files are kept in memory to be put back.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz_account.h"
#include "seal.h"
#include "seal_keys.h"
#include "store.h"
#include "store_index.h"
#include "../../usr.sbin/sealimapd/worker_wire.h"

#define BODY_LEN 70000 /* more than a chunk */
#define DEPTH 16

struct saved {
	SLIST_ENTRY(saved) entry;
	char *path;
	uint8_t *data; /* NULL: a directory */
	size_t len;
	mode_t mode;
};

static struct fuzz_account account = {.base = -1};
static SLIST_HEAD(, saved) files = SLIST_HEAD_INITIALIZER(files);
static char top[1024];
static bool indexed;

static void
must(bool good)
{
	if (!good)
		abort();
}

static int
remove_one(const char *path, const struct stat *sb, int kind, struct FTW *f)
{
	return remove(path);
}

static void
remove_all(void)
{
	(void)nftw(top, remove_one, DEPTH, FTW_DEPTH | FTW_PHYS);
}

static int
save_one(const char *path, const struct stat *sb, int kind, struct FTW *f)
{
	struct saved *s;
	int fd;

	s = calloc(1, sizeof(*s));
	must(s != NULL && (s->path = strdup(path)) != NULL);
	SLIST_INSERT_HEAD(&files, s, entry);
	s->mode = sb->st_mode & 07777;
	if (kind != FTW_F)
		return 0;
	s->len = (size_t)sb->st_size;
	s->data = malloc(s->len + 1);
	must(s->data != NULL);
	fd = open(path, O_RDONLY);
	must(fd != -1 && read(fd, s->data, s->len) == (ssize_t)s->len);
	close(fd);
	return 0;
}

static int
forget_one(const char *path, const struct stat *sb, int kind, struct FTW *f)
{
	struct saved *s;

	if (kind == FTW_F)
		return unlink(path);
	/* Directories that were there may be open: they stay. */
	SLIST_FOREACH (s, &files, entry)
		if (s->data == NULL && strcmp(s->path, path) == 0)
			return 0;
	return rmdir(path);
}

void
fuzz_account_restore(void)
{
	struct saved *s;
	int fd;

	(void)nftw(top, forget_one, DEPTH, FTW_DEPTH | FTW_PHYS);
	SLIST_FOREACH (s, &files, entry) {
		if (s->data == NULL) {
			must(mkdir(s->path, s->mode) == 0 || errno == EEXIST);
			continue;
		}
		fd = open(s->path, O_WRONLY | O_CREAT | O_EXCL, s->mode);
		must(fd != -1 && write(fd, s->data, s->len) == (ssize_t)s->len);
		close(fd);
	}
}

static uint32_t
append(struct store *st, uint64_t box, size_t len)
{
	struct store_envelope env = {
	    .from = "", .to = "", .hint = "", .verdict = ""};
	struct store_place place = {0};
	struct store_chunk c = {0};
	struct store_blob *blob;
	static uint8_t text[STORE_CHUNK];
	uint32_t uid;

	memset(text, 'a', sizeof(text));
	memcpy(text, "From: a\r\n\r\n", 11);
	must(store_append_create(st, 0, len, &blob) == STORE_OK);
	for (size_t off = 0; off < len; off += c.len) {
		c.kind = STORE_BODY;
		c.len = len - off < STORE_CHUNK ? len - off : STORE_CHUNK;
		c.plain = (uint32_t)c.len;
		c.data = text;
		must(store_blob_chunk(blob, &c) == STORE_OK);
	}
	c.kind = STORE_SUMMARY;
	c.len = c.plain = 100;
	must(store_blob_chunk(blob, &c) == STORE_OK);
	must(store_blob_finish(blob, &env) == STORE_OK);
	place.box = box;
	place.date = 1700000000;
	place.size = len;
	must(store_place(st, blob, &place, &uid) == STORE_OK);
	return uid;
}

static void
copied(void *arg, uint32_t uid, uint32_t newuid)
{
	(void)arg;
	(void)uid;
	(void)newuid;
}

/* An index of two pages that mean nothing: a worker's word is taken. */
static void
fill_more(struct store *st, uint64_t box, const uint32_t *uids, size_t n)
{
	const struct store_range all = {1, UINT32_MAX};
	struct store_index *x;
	uint64_t many;

	must(store_mkbox(st, "Many", 0, &many) == STORE_OK);
	for (int i = 0; i < FUZZ_MANY; i++)
		must(store_copy(st, box, &all, 1, many, false, copied, NULL) ==
		    STORE_OK);
	must(store_index_open(st, WORKER_TEXT_VERSION, &x) == STORE_OK &&
	    store_index_begin(x, STORE_INBOX) == STORE_OK &&
	    store_index_page(x, "abcdefgh", 8) == STORE_OK &&
	    store_index_page(x, "ijklmn", 6) == STORE_OK &&
	    store_index_end(x, uids, n, "hint", 4) == STORE_OK);
	store_index_close(x);
}

static void
fill(void)
{
	uint32_t uids[3];
	struct store *st;
	uint64_t box;

	must(store_open(account.base, account.acct, account.ring, &st) ==
	    STORE_OK);
	must(store_mkbox(st, "A", 0, &box) == STORE_OK);
	uids[0] = append(st, STORE_INBOX, 40);
	uids[1] = append(st, STORE_INBOX, BODY_LEN);
	uids[2] = append(st, STORE_INBOX, 41);
	(void)append(st, box, 40);
	if (indexed)
		fill_more(st, box, uids, 3);
	must(store_commit(st) == STORE_OK && store_close(st) == STORE_OK);
}

const struct fuzz_account *
fuzz_account(void)
{
	char code[SEAL_CODE_SIZE];
	const char *tmp;
	int fd;

	if (account.base != -1)
		return &account;
	tmp = getenv("TMPDIR");
	if (tmp == NULL)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(top, sizeof(top), "%s/fuzz.XXXXXX", tmp);
	must(seal_init() == 0 && mkdtemp(top) != NULL);
	(void)atexit(remove_all);
	account.base = open(top, O_RDONLY | O_DIRECTORY);
	must(account.base != -1);
	must(store_account_create(account.base, FUZZ_ACCOUNT, &fd) == STORE_OK);
	account.ring = seal_account_create(
	    fd, 0, "secret", 6, &seal_kdf_low, 1700000000, code);
	must(account.ring != NULL);
	must(store_account_publish(account.base, FUZZ_ACCOUNT, fd) == STORE_OK);
	close(fd);
	must(store_account_open(account.base, FUZZ_ACCOUNT, &account.acct) ==
	    STORE_OK);
	fill();
	/* Each directory behind what is in it, so in the list before that. */
	(void)nftw(top, save_one, DEPTH, FTW_DEPTH | FTW_PHYS);
	return &account;
}

const struct fuzz_account *
fuzz_account_indexed(void)
{
	indexed = true;
	return fuzz_account();
}
