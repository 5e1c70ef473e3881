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
 * Signed deletes as everybody reads them: lists, the last word on each blob,
 * and the moves to trash/ that they ask for.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "seal_read.h"
#include "store_del.h"
#include "store_local.h"
#include "store_sweep.h"

#define MAGIC "SMdels\0\1"
#define DEL_COMPLETE 0x01 /* of a header: what is older does not count */
#define CONFIRMED "del/confirmed"
#define CONFIRMED_SIZE 32

static int64_t (*clock_of_test)(void);

int64_t
store_now(void)
{
	return clock_of_test != NULL ? clock_of_test() : (int64_t)time(NULL);
}

void
store_clock_set(int64_t (*clock)(void))
{
	clock_of_test = clock;
}

static int
del_cmp(const struct del_entry *a, const struct del_entry *b)
{
	return memcmp(a->blob, b->blob, STORE_ID);
}

RB_GENERATE(del_tree, del_entry, entry, del_cmp)

void
del_init(struct del_list *l)
{
	memset(l, 0, sizeof(*l));
	RB_INIT(&l->tree);
}

void
del_clear(struct del_list *l)
{
	struct del_entry *e;

	while ((e = RB_MIN(del_tree, &l->tree)) != NULL) {
		(void)RB_REMOVE(del_tree, &l->tree, e);
		free(e);
	}
	del_init(l);
}

struct del_entry *
del_find(struct del_list *l, const uint8_t *blob)
{
	struct del_entry key;

	memcpy(key.blob, blob, STORE_ID);
	return RB_FIND(del_tree, &l->tree, &key);
}

static bool
del_later(const struct del_entry *a, const struct del_entry *b)
{
	return a->order != b->order ? a->order > b->order : a->host >= b->host;
}

int
del_put(struct del_list *l, const struct del_entry *new)
{
	struct del_entry *e;

	if (new->order > l->order)
		l->order = new->order;
	if (new->kind == DEL_WAITING) {
		if (new->order >= l->waiting_order) {
			l->waiting = new->when;
			l->waiting_order = new->order;
		}
		return 0;
	}
	e = del_find(l, new->blob);
	if (e != NULL) {
		if (!del_later(new, e))
			return 0;
		memcpy(&e->kind, &new->kind,
		    sizeof(*e) - offsetof(struct del_entry, kind));
		return 0;
	}
	e = malloc(sizeof(*e));
	if (e == NULL)
		return -1;
	*e = *new;
	(void)RB_INSERT(del_tree, &l->tree, e);
	l->n++;
	return 0;
}

int
del_name(const char *name, unsigned int *host, uint64_t *n)
{
	unsigned long long value;
	char *end;

	if ((name[0] != '0' && name[0] != '1') || name[1] != '.' ||
	    name[2] < '1' || name[2] > '9')
		return -1;
	errno = 0;
	value = strtoull(name + 2, &end, 10);
	if (errno != 0 || *end != '\0')
		return -1;
	*host = (unsigned int)(name[0] - '0');
	*n = value;
	return 0;
}

struct header {
	uint32_t count;
	bool complete;
	uint8_t host;
	int64_t signed_at;
};

/* The octets of a list; malformed or not signed: EBADMSG.  Free them. */
static uint8_t *
file_read(
    int acct, const struct seal_account *a, const char *name, struct header *h)
{
	char path[64];
	struct rd r = {NULL, DEL_HEADER, 0, false};
	unsigned int host;
	uint64_t n;
	uint8_t *p;
	struct stat sb;
	ssize_t len;

	if (del_name(name, &host, &n) == -1 ||
	    snprintf(path, sizeof(path), DEL_DIR "/%s", name) >=
		(int)sizeof(path)) {
		errno = EBADMSG;
		return NULL;
	}
	if (fstatat(acct, path, &sb, AT_SYMLINK_NOFOLLOW) == -1)
		return NULL;
	if (!S_ISREG(sb.st_mode) || sb.st_size < DEL_HEADER + DEL_SIG ||
	    sb.st_size > DEL_FILE_MAX) {
		errno = EBADMSG;
		return NULL;
	}
	p = malloc((size_t)sb.st_size);
	if (p == NULL)
		return NULL;
	len = sys_slurp(acct, path, p, (size_t)sb.st_size);
	if (len == -1) {
		free(p);
		return NULL;
	}
	r.p = p;
	if (len != sb.st_size || memcmp(rd_raw(&r, 8), MAGIC, 8) != 0 ||
	    memcmp(rd_raw(&r, STORE_ID), a->id, STORE_ID) != 0)
		goto bad;
	h->host = rd8(&r);
	h->complete = (rd8(&r) & DEL_COMPLETE) != 0;
	(void)rd16(&r);
	h->count = rd32(&r);
	if (h->host != host || rd64(&r) != n || h->count > DEL_MAX ||
	    len != DEL_HEADER + (ssize_t)h->count * DEL_ENTRY + DEL_SIG)
		goto bad;
	h->signed_at = (int64_t)rd64(&r);
	if (seal_account_verify(a, DEL_CONTEXT, p, (size_t)len - DEL_SIG,
		p + len - DEL_SIG) == -1)
		goto bad;
	return p;
bad:
	free(p);
	errno = EBADMSG;
	return NULL;
}

int
del_check(int acct, const struct seal_account *a, const char *name)
{
	struct header h;
	uint8_t *p;

	p = file_read(acct, a, name, &h);
	free(p);
	return p == NULL ? -1 : 0;
}

static int
file_load(int acct, const struct seal_account *a, const char *name,
    struct del_list *l, bool *complete)
{
	struct rd r = {NULL, 0, DEL_HEADER, false};
	struct del_entry e;
	struct header h;
	uint8_t *p;
	uint32_t i;
	int result;

	p = file_read(acct, a, name, &h);
	if (p == NULL)
		return -1;
	*complete = h.complete;
	r.p = p;
	r.len = DEL_HEADER + (size_t)h.count * DEL_ENTRY;
	result = 0;
	for (i = 0; result == 0 && i < h.count; i++) {
		memset(&e, 0, sizeof(e));
		rd_copy(&r, e.blob, STORE_ID);
		e.kind = rd8(&r);
		e.flags = rd8(&r);
		(void)rd16(&r);
		e.signed_at = (int64_t)h.signed_at - rd32(&r);
		e.when = (int64_t)rd64(&r);
		e.order = rd64(&r);
		e.host = h.host;
		if (e.kind > DEL_WAITING)
			l->bad = true; /* of a later version */
		else
			result = del_put(l, &e);
	}
	free(p);
	return result;
}

static int
number_cmp(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The numbers of both series, ascending; 0 if there is no directory. */
static int
list_files(int acct, uint64_t *numbers[DEL_HOSTS], size_t n[DEL_HOSTS])
{
	struct dirent *de;
	unsigned int host;
	uint64_t number, *p;
	DIR *dir;
	int fd, result;

	fd = sys_open(acct, DEL_DIR, O_RDONLY | O_DIRECTORY);
	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	dir = fdopendir(fd);
	if (dir == NULL) {
		(void)close(fd);
		return -1;
	}
	result = 0;
	while (result == 0 && (de = readdir(dir)) != NULL) {
		if (del_name(de->d_name, &host, &number) == -1)
			continue;
		p = n[host] == DEL_FILES_MAX ?
		    NULL :
		    reallocarray(numbers[host], n[host] + 1, sizeof(*p));
		if (p == NULL) {
			result = -1;
			break;
		}
		numbers[host] = p;
		p[n[host]++] = number;
	}
	(void)closedir(dir);
	for (host = 0; host < DEL_HOSTS; host++) {
		if (n[host] > 1)
			qsort(numbers[host], n[host], sizeof(*p), number_cmp);
	}
	return result;
}

/* From the newest complete list on; what lies before it may be half gone. */
static int
load_series(int acct, const struct seal_account *a, struct del_list *l,
    unsigned int host, const uint64_t *numbers, size_t n)
{
	char name[32];
	size_t i;
	bool complete;
	struct header h;
	uint8_t *p;

	if (n == 0)
		return 0;
	for (i = n, complete = false; i > 0 && !complete;) {
		(void)snprintf(name, sizeof(name), "%u.%llu", host,
		    (unsigned long long)numbers[--i]);
		p = file_read(acct, a, name, &h);
		if (p == NULL && errno != EBADMSG)
			return -1;
		complete = p != NULL && h.complete;
		free(p);
	}
	if (!complete && numbers[i] != 1)
		l->bad = true;
	l->first[host] = numbers[i];
	l->last[host] = numbers[n - 1];
	if (numbers[n - 1] - numbers[i] != n - 1 - i)
		l->bad = true; /* one is missing: it may hold a cancellation */
	for (; i < n; i++) {
		(void)snprintf(name, sizeof(name), "%u.%llu", host,
		    (unsigned long long)numbers[i]);
		if (file_load(acct, a, name, l, &complete) == 0)
			continue;
		if (errno != EBADMSG)
			return -1;
		l->bad = true;
	}
	return 0;
}

int
del_load(int acct, const struct seal_account *a, struct del_list *l)
{
	uint64_t *numbers[DEL_HOSTS] = {NULL};
	size_t n[DEL_HOSTS] = {0};
	unsigned int host;
	int result;

	result = list_files(acct, numbers, n);
	for (host = 0; host < DEL_HOSTS; host++) {
		if (result == 0)
			result = load_series(
			    acct, a, l, host, numbers[host], n[host]);
		free(numbers[host]);
	}
	return result;
}

bool
del_due(const struct del_entry *e, int64_t now, int64_t confirmed)
{
	if (e->kind != DEL_GARBAGE && e->kind != DEL_EXPIRE)
		return false;
	return e->when <= now ||
	    ((e->flags & DEL_BRAKED) != 0 && e->signed_at <= confirmed);
}

int64_t
del_confirmed(int acct)
{
	char buf[CONFIRMED_SIZE];
	long long value;
	ssize_t n;
	char *end;

	n = sys_slurp(acct, CONFIRMED, buf, sizeof(buf) - 1);
	if (n <= 0)
		return 0;
	buf[n] = '\0';
	value = strtoll(buf, &end, 10);
	return *end == '\n' && value > 0 ? (int64_t)value : 0;
}

enum store_result
store_confirm_deletes(int acct)
{
	char buf[CONFIRMED_SIZE];
	int n;

	if (sys()->mkdir(acct, DEL_DIR, 0700) == -1 && errno != EEXIST)
		return sys_result();
	n = snprintf(buf, sizeof(buf), "%lld\n", (long long)store_now());
	if (sys_replace(acct, CONFIRMED, 0600, buf, (size_t)n) == -1 ||
	    sys_sync_dir(acct, DEL_DIR) == -1)
		return sys_result();
	return STORE_OK;
}

/* The forms of a blob's name, the flat one first. */
static void
blob_names(const uint8_t *blob, char flat[BLOB_NAME_SIZE],
    char fan[BLOB_NAME_SIZE], char trash[BLOB_NAME_SIZE])
{
	char id[ID_HEX];

	seal_hex(blob, STORE_ID, id);
	(void)snprintf(flat, BLOB_NAME_SIZE, "blob/%s", id);
	(void)snprintf(fan, BLOB_NAME_SIZE, "blob/%.2s/%s", id, id);
	(void)snprintf(trash, BLOB_NAME_SIZE, "trash/%s", id);
}

int
del_trash(int acct, const uint8_t *blob)
{
	char flat[BLOB_NAME_SIZE], fan[BLOB_NAME_SIZE], to[BLOB_NAME_SIZE];

	blob_names(blob, flat, fan, to);
	if (sys()->rename(acct, flat, acct, to) == 0)
		return 1;
	if (errno != ENOENT)
		return -1;
	if (sys()->rename(acct, fan, acct, to) == 0)
		return 2;
	return errno == ENOENT ? 0 : -1;
}

int
del_untrash(int acct, const uint8_t *blob)
{
	char flat[BLOB_NAME_SIZE], fan[BLOB_NAME_SIZE], from[BLOB_NAME_SIZE];

	blob_names(blob, flat, fan, from);
	if (sys()->rename(acct, from, acct, flat) == -1)
		return errno == ENOENT ? 0 : -1;
	return sys_sync_dir(acct, "blob") == -1 ? -1 : 1;
}

/* Nothing of the stanza stays on the disk where the file is our own. */
static void
blank_trailer(int dirfd, const char *name, off_t size)
{
	static const uint8_t zeros[SEAL_TRAILER_LEN];
	int fd;

	if (size < SEAL_TRAILER_LEN)
		return;
	if (fchmodat(dirfd, name, 0600, 0) == -1)
		return;
	fd = sys_open(dirfd, name, O_WRONLY);
	if (fd == -1)
		return;
	if (sys_write(fd, zeros, sizeof(zeros), size - SEAL_TRAILER_LEN) == 0)
		(void)sys()->fdatasync(fd);
	(void)close(fd);
}

static DIR *
trash_open(int acct)
{
	DIR *dir;
	int fd;

	fd = sys_open(acct, "trash", O_RDONLY | O_DIRECTORY);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL && fd != -1)
		(void)close(fd);
	return dir;
}

/* Looks at the next file: 1: it was removed; 0: not; -1: there is none. */
static int
trash_next(DIR *dir, int64_t now, int64_t grace)
{
	struct dirent *de;
	struct stat sb;
	int fd;

	de = readdir(dir);
	if (de == NULL)
		return -1;
	fd = dirfd(dir);
	/* ctime: the rename into trash/ set it. */
	if (de->d_name[0] == '.' ||
	    fstatat(fd, de->d_name, &sb, AT_SYMLINK_NOFOLLOW) == -1 ||
	    (grace > 0 && (sb.st_ctime > now || now - sb.st_ctime < grace)))
		return 0;
	blank_trailer(fd, de->d_name, sb.st_size);
	return sys()->unlink(fd, de->d_name, 0) == 0;
}

unsigned int
del_empty_trash(int acct, int64_t now, int64_t grace, unsigned int max)
{
	unsigned int n;
	DIR *dir;
	int r;

	dir = trash_open(acct);
	if (dir == NULL)
		return 0;
	for (n = 0; n < max && (r = trash_next(dir, now, grace)) != -1;)
		n += r == 1;
	(void)closedir(dir);
	return n;
}

bool
del_trash_step(DIR **at, int acct, int64_t now, int64_t grace,
    unsigned int looks, unsigned int max)
{
	int r;

	if (*at == NULL)
		*at = trash_open(acct);
	for (r = *at == NULL ? -1 : 0; r != -1 && looks > 0 && max > 0;
	     looks--) {
		r = trash_next(*at, now, grace);
		if (r == 1)
			max--;
	}
	if (r != -1)
		return true;
	if (*at != NULL)
		(void)closedir(*at);
	*at = NULL;
	return false;
}
