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
 * Signed deletes as a vault writes them.  A list is durable before anything
 * is done by it; a cancellation is durable before the frame of the log that
 * depends on it.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_retain.h"
#include "store_sweep.h"

#define NEW_NAME DEL_DIR "/.new"
#define SPARE_NAME DEL_DIR "/.spare"
#define SPARE_SIZE 45056 /* octets: a list of GC_BATCH entries */
#define FILES_MAX 64     /* of our series, before they become one */

int
retain_open(struct store *st, bool marked)
{
	struct del_entry *e;
	struct retain *r;

	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return -1;
	st->retain = r;
	del_init(&r->list);
	r->marked = marked;
	if (del_load(st->acct, seal_ring_account(st->ring), &r->list) == -1)
		return -1;
	RB_FOREACH (e, del_tree, &r->list.tree) {
		/*
		 * A cancellation may be lost, or the log older than the list:
		 * ask the messages themselves.
		 */
		e->was = e->kind;
		if ((r->list.bad || marked) &&
		    (e->kind == DEL_GARBAGE || e->kind == DEL_EXPIRE))
			e->kind = DEL_HOLD;
		r->unsure = r->unsure || e->kind == DEL_HOLD;
	}
	return 0;
}

void
retain_free(struct store *st)
{
	if (st->retain == NULL)
		return;
	del_clear(&st->retain->list);
	free(st->retain->cancel);
	free(st->retain);
	st->retain = NULL;
}

static void
put_entry(struct buf *b, const struct del_entry *e, int64_t now)
{
	int64_t age;

	age = now - e->signed_at;
	buf_put(b, e->blob, STORE_ID);
	buf_put8(b, e->kind);
	buf_put8(b, e->flags);
	buf_put16(b, 0);
	buf_put32(b,
	    age < 0              ? 0 :
		age > UINT32_MAX ? UINT32_MAX :
				   (uint32_t)age);
	buf_put64(b, (uint64_t)e->when);
	buf_put64(b, e->order);
}

static void
put_header(const struct store *st, struct buf *b, uint64_t n, uint32_t count,
    bool complete, int64_t now)
{
	buf_put(b, "SMdels\0\1", 8);
	buf_put(b, st->account, STORE_ID);
	buf_put8(b, st->host);
	buf_put8(b, complete);
	buf_put16(b, 0);
	buf_put32(b, count);
	buf_put64(b, n);
	buf_put64(b, (uint64_t)now);
	while (b->len < DEL_HEADER)
		buf_put8(b, 0);
}

static int
make_dir(const struct store *st)
{
	if (sys()->mkdir(st->acct, DEL_DIR, 0700) == 0)
		return sys_sync_dir(st->acct, ".");
	return errno == EEXIST ? 0 : -1;
}

/* A file of these octets, durable; not yet its directory. */
static int
put_file(const struct store *st, const char *name, mode_t mode, const void *p,
    size_t len)
{
	int fd;

	if (sys()->unlink(st->acct, name, 0) == -1 && errno != ENOENT)
		return -1;
	fd = sys_create(st->acct, name, mode);
	if (fd == -1)
		return -1;
	if (sys_write(fd, p, len, 0) == -1 || sys_fsync(fd) == -1) {
		(void)close(fd);
		return -1;
	}
	return close(fd);
}

/* The same on a full disk: the spare file gets them. */
static int
fill_spare(const struct store *st, const void *p, size_t len)
{
	struct stat sb;
	int fd;

	fd = sys_open(st->acct, SPARE_NAME, O_RDWR);
	if (fd == -1 || fstat(fd, &sb) == -1 || (size_t)sb.st_size < len) {
		if (fd != -1)
			(void)close(fd);
		errno = ENOSPC;
		return -1;
	}
	if (sys_write(fd, p, len, 0) == -1 ||
	    sys()->ftruncate(fd, (off_t)len) == -1 || fchmod(fd, 0400) == -1 ||
	    sys_fsync(fd) == -1) {
		(void)close(fd);
		return -1;
	}
	return close(fd);
}

/* Signs what is in b, and makes it the list of that number. */
static int
write_list(const struct store *st, struct buf *b, uint64_t n)
{
	uint8_t sig[SEAL_SIG_LEN];
	const char *from = NEW_NAME;
	char name[64];

	if (b->failed)
		return -1;
	seal_ring_sign(st->ring, DEL_CONTEXT, b->p, b->len, sig);
	buf_put(b, sig, sizeof(sig));
	if (b->failed || make_dir(st) == -1)
		return -1;
	if (put_file(st, NEW_NAME, 0400, b->p, b->len) == -1) {
		if (sys_result() != STORE_NOSPACE)
			return -1;
		(void)sys()->unlink(st->acct, NEW_NAME, 0);
		if (fill_spare(st, b->p, b->len) == -1)
			return -1;
		from = SPARE_NAME;
		if (st->retain != NULL)
			st->retain->spare = false;
	}
	(void)snprintf(name, sizeof(name), DEL_DIR "/%u.%llu", st->host,
	    (unsigned long long)n);
	if (sys()->rename(st->acct, from, st->acct, name) == -1)
		return -1;
	return sys_sync_dir(st->acct, DEL_DIR);
}

enum store_result
retain_spare(struct store *st)
{
	struct stat sb;
	uint8_t *zeros;
	int r;

	if (st->retain == NULL || st->retain->spare)
		return STORE_OK;
	if (fstatat(st->acct, SPARE_NAME, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	    sb.st_size == SPARE_SIZE) {
		st->retain->spare = true;
		return STORE_OK;
	}
	zeros = calloc(1, SPARE_SIZE);
	if (zeros == NULL)
		return STORE_IO;
	r = make_dir(st);
	if (r == 0)
		r = put_file(st, SPARE_NAME, 0600, zeros, SPARE_SIZE);
	free(zeros);
	if (r == -1)
		return sys_result();
	st->retain->spare = true;
	return STORE_OK;
}

enum store_result
store_sign_waiting(
    int acct, const struct seal_ring *ring, unsigned int host, uint32_t days)
{
	struct store st = {.acct = acct, .ring = ring, .host = (uint8_t)host};
	struct del_entry e;
	struct buf b = {0};
	enum store_result result;
	int64_t now;

	if (days == 0)
		return STORE_OK;
	memcpy(st.account, seal_ring_account(ring)->id, STORE_ID);
	now = store_now();
	memset(&e, 0, sizeof(e));
	e.kind = DEL_WAITING;
	e.when = (int64_t)days * DAY;
	e.signed_at = now;
	e.order = 1;
	put_header(&st, &b, 1, 1, false, now);
	put_entry(&b, &e, now);
	result = write_list(&st, &b, 1) == -1 ? sys_result() : STORE_OK;
	buf_clear(&b);
	return result;
}

int
retain_sign(struct store *st, struct del_entry *e, size_t n)
{
	struct del_list *l = &st->retain->list;
	struct buf b = {0};
	int64_t now;
	uint64_t order;
	size_t i;
	int result;

	if (n == 0)
		return 0;
	now = store_now();
	order = (l->order > st->lamport ? l->order : st->lamport) + 1;
	put_header(st, &b, l->last[st->host] + 1, (uint32_t)n, false, now);
	for (i = 0; i < n; i++) {
		e[i].order = order;
		e[i].host = st->host;
		e[i].signed_at = now;
		put_entry(&b, &e[i], now);
	}
	result = write_list(st, &b, l->last[st->host] + 1);
	buf_clear(&b);
	if (result == -1)
		return -1;
	if (l->last[st->host]++ == 0)
		l->first[st->host] = 1;
	for (i = 0; i < n; i++) {
		if (del_put(l, &e[i]) == -1)
			return -1;
	}
	return 0;
}

bool
retain_compact_due(const struct store *st)
{
	const struct del_list *l = &st->retain->list;

	return !st->retain->unsure && l->n <= DEL_MAX &&
	    (l->bad || l->last[st->host] - l->first[st->host] > FILES_MAX);
}

/* What need not be said again. */
static bool
is_over(struct store *st, const struct del_entry *e, int64_t now)
{
	switch (e->kind) {
	case DEL_CANCEL:
		/* The other host may have an older word on it. */
		return st->retain->list.last[!st->host] == 0;
	case DEL_GARBAGE:
	case DEL_EXPIRE:
		return e->when <= now && now - e->signed_at > BRAKE_HOUR &&
		    !blob_there(st, e->blob);
	default:
		return false;
	}
}

static int
remove_older(struct store *st, uint64_t n)
{
	struct del_list *l = &st->retain->list;
	char name[64];

	for (; l->first[st->host] < n; l->first[st->host]++) {
		(void)snprintf(name, sizeof(name), DEL_DIR "/%u.%llu", st->host,
		    (unsigned long long)l->first[st->host]);
		if (sys()->unlink(st->acct, name, 0) == -1 && errno != ENOENT)
			return -1;
	}
	return 0;
}

int
retain_compact(struct store *st)
{
	struct del_list *l = &st->retain->list;
	struct del_entry *e, *next, limit;
	struct buf entries = {0}, b = {0};
	uint32_t count;
	int64_t now;
	int result;

	now = store_now();
	count = 0;
	if (l->waiting_order > 0) {
		memset(&limit, 0, sizeof(limit));
		limit.kind = DEL_WAITING;
		limit.when = l->waiting;
		limit.order = l->waiting_order;
		limit.signed_at = now;
		put_entry(&entries, &limit, now);
		count++;
	}
	RB_FOREACH_SAFE (e, del_tree, &l->tree, next) {
		if (is_over(st, e, now)) {
			(void)RB_REMOVE(del_tree, &l->tree, e);
			free(e);
			l->n--;
			continue;
		}
		put_entry(&entries, e, now);
		count++;
	}
	put_header(st, &b, l->last[st->host] + 1, count, true, now);
	if (entries.len > 0)
		buf_put(&b, entries.p, entries.len);
	b.failed = b.failed || entries.failed;
	result = write_list(st, &b, l->last[st->host] + 1);
	buf_clear(&entries);
	buf_clear(&b);
	if (result == -1)
		return -1;
	if (l->first[st->host] == 0)
		l->first[st->host] = 1;
	l->last[st->host]++;
	l->bad = false;
	return remove_older(st, l->last[st->host]);
}

bool
retain_is_bin(const struct box *b)
{
	return (b->pub.use & (STORE_USE_TRASH | STORE_USE_JUNK)) != 0;
}

void
retain_placed(struct store *st, const struct box *box, const uint8_t *blob)
{
	struct retain *r = st->retain;
	struct del_entry *e, *p;
	size_t size;

	if (r != NULL && box != NULL && retain_is_bin(box))
		r->scanned = false;
	e = r == NULL ? NULL : del_find(&r->list, blob);
	if (e == NULL || e->kind == DEL_CANCEL || e->kind == DEL_HOLD)
		return;
	if (r->ncancel == r->cancel_size) {
		size = r->cancel_size == 0 ? 16 : r->cancel_size * 2;
		p = reallocarray(r->cancel, size, sizeof(*p));
		if (p == NULL) {
			st->failed = true;
			return;
		}
		r->cancel = p;
		r->cancel_size = size;
	}
	p = &r->cancel[r->ncancel++];
	*p = *e;
	p->kind = DEL_CANCEL;
	p->flags = 0;
	p->when = 0;
}

int
retain_use(struct store *st, struct box *box)
{
	struct cold c;
	size_t i;

	if (st->retain == NULL)
		return 0;
	st->retain->scanned = false;
	if (!retain_is_bin(box))
		return 0;
	if (col_load(st, box) == -1)
		return -1;
	for (i = 0; i < box->n; i++) {
		if (cold_read(st, col_at(box, i)->cold, &c) == -1)
			return -1;
		retain_placed(st, NULL, c.blob);
		explicit_bzero(&c, sizeof(c));
	}
	return 0;
}

int
retain_before_log(struct store *st)
{
	struct retain *r = st->retain;
	size_t i, part;

	if (r == NULL || r->ncancel == 0)
		return 0;
	/* It may have been executed while nobody was logged in. */
	for (i = 0; i < r->ncancel; i++) {
		if (!blob_there(st, r->cancel[i].blob) &&
		    del_untrash(st->acct, r->cancel[i].blob) == -1)
			return -1;
	}
	for (i = 0; i < r->ncancel; i += part) {
		part = r->ncancel - i < DEL_BATCH ? r->ncancel - i : DEL_BATCH;
		if (retain_sign(st, r->cancel + i, part) == -1)
			return -1;
	}
	r->ncancel = 0;
	return 0;
}

static int
mark_used(struct store *st, struct box *box)
{
	struct del_entry *e;
	struct cold c;
	size_t i;

	if (col_load(st, box) == -1)
		return -1;
	for (i = 0; i < box->n; i++) {
		if (cold_read(st, col_at(box, i)->cold, &c) == -1)
			return -1;
		e = del_find(&st->retain->list, c.blob);
		if (e != NULL)
			e->used = true;
		explicit_bzero(&c, sizeof(c));
	}
	return 0;
}

/* After a rebuild what expired or was restored may be all that is left. */
static bool
is_wanted(const struct retain *r, const struct del_entry *e)
{
	return e->used || (r->marked && e->was != DEL_GARBAGE);
}

enum store_result
retain_decide(struct store *st)
{
	struct retain *r = st->retain;
	struct del_entry *e, *list;
	size_t i, n;
	int result;

	RB_FOREACH (e, del_tree, &r->list.tree)
		e->used = false;
	for (i = 0; i < st->nboxes; i++) {
		if (mark_used(st, st->boxes[i]) == -1)
			return STORE_CORRUPT;
	}
	list = calloc(DEL_BATCH, sizeof(*list));
	if (list == NULL)
		return STORE_IO;
	n = 0;
	result = 0;
	RB_FOREACH (e, del_tree, &r->list.tree) {
		if (e->kind != DEL_HOLD || result == -1)
			continue;
		list[n] = *e;
		list[n].kind = is_wanted(r, e) ? DEL_CANCEL : DEL_GARBAGE;
		list[n].flags = e->flags & DEL_BRAKED;
		if (list[n].flags == 0)
			list[n].when = store_now();
		if (++n == DEL_BATCH) {
			result = retain_sign(st, list, n);
			n = 0;
		}
	}
	if (result == 0)
		result = retain_sign(st, list, n);
	free(list);
	if (result == -1)
		return sys_result();
	r->unsure = false;
	retain_again(r);
	return STORE_OK;
}
