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
 * Rebuilding, the keyless half: the account is marked before anything moves,
 * and nothing is unlinked, so that a kill leaves an account that the next run,
 * or the next login, makes whole.  The other half is mark_finish().
 */

#include <sys/types.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_keyless.h"
#include "store_rebuild.h"

#define ASIDE_MAX 1000
#define PATH_SIZE 320

struct rebuild {
	int acct;
	struct stat owner; /* of the account's directory */
	struct seal_account account;
	bool known; /* account is valid */
	struct store_rebuilt *out;
};

/* What is needed of a segment, without its octets. */
struct piece {
	struct segment_name name;
	struct segment s; /* data is NULL */
	bool follows;     /* the one before it in the list */
};

/* As root, what is new belongs to the account's owner. */
static int
give(struct rebuild *r, int fd)
{
	if (geteuid() != 0)
		return 0;
	return fchown(fd, r->owner.st_uid, r->owner.st_gid);
}

static int
make_dir(struct rebuild *r, const char *name)
{
	int fd, result;

	if (sys()->mkdir(r->acct, name, 0700) == -1)
		return -1;
	fd = sys_open(r->acct, name, O_RDONLY | O_DIRECTORY);
	if (fd == -1)
		return -1;
	result = give(r, fd);
	(void)close(fd);
	return result;
}

/* aside/<n> for the first n that is free. */
static int
make_aside(struct rebuild *r)
{
	unsigned int n;

	if (make_dir(r, "aside") == -1 && errno != EEXIST)
		return -1;
	for (n = 1; n < ASIDE_MAX; n++) {
		(void)snprintf(
		    r->out->aside, sizeof(r->out->aside), "aside/%u", n);
		if (make_dir(r, r->out->aside) == 0)
			return sys_sync_dir(r->acct, "aside");
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

static struct {
	void (*call)(void *, size_t, size_t);
	void *arg;
} tell;

void
store_rebuild_tell(void (*call)(void *, size_t, size_t), void *arg)
{
	tell.call = call;
	tell.arg = arg;
}

static int
make_mark(struct rebuild *r)
{
	int fd, result;

	fd = sys_create(r->acct, REBUILD_MARK, 0600);
	if (fd == -1 && errno != EEXIST)
		return -1;
	if (fd != -1) {
		result = give(r, fd);
		(void)close(fd);
		if (result == -1)
			return -1;
	}
	return sys_sync_dir(r->acct, ".");
}

static int
move_aside(struct rebuild *r, const char *dir, const char *name)
{
	char from[PATH_SIZE], to[PATH_SIZE];

	(void)snprintf(from, sizeof(from), "%s/%s", dir, name);
	(void)snprintf(to, sizeof(to), "%s/%s.%s", r->out->aside, dir, name);
	return sys()->rename(r->acct, from, r->acct, to);
}

static int
move_snapshots(struct rebuild *r)
{
	struct dirent *de;
	DIR *dir;
	int fd, result;

	fd = sys_open(r->acct, "snap", O_RDONLY | O_DIRECTORY);
	if (fd == -1 && errno == ENOENT)
		return make_dir(r, "snap");
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	for (result = 0; result == 0 && (de = readdir(dir)) != NULL;) {
		if (de->d_name[0] != '.')
			result = move_aside(r, "snap", de->d_name);
	}
	(void)closedir(dir);
	return result == 0 ? sys_sync_dir(r->acct, "snap") : -1;
}

static int
move_piece(struct rebuild *r, const struct piece *p)
{
	char file[64];

	segment_print(&p->name, file, sizeof(file));
	if (move_aside(r, "log", file) == -1)
		return -1;
	r->out->moved++;
	return 0;
}

/* The segment without what does not verify; the whole one goes aside too. */
static int
cut_piece(struct rebuild *r, int logfd, const struct piece *p)
{
	char file[64], from[PATH_SIZE], to[PATH_SIZE];
	struct segment s;
	int fd, result;

	segment_print(&p->name, file, sizeof(file));
	(void)snprintf(from, sizeof(from), "log/%s", file);
	(void)snprintf(to, sizeof(to), "%s/log.%s", r->out->aside, file);
	segment_read(logfd, &p->name, r->known ? r->account.id : NULL, &s);
	if (s.data == NULL || s.end != p->s.end) {
		free(s.data);
		return -1;
	}
	result = -1;
	if (sys()->unlink(r->acct, "log/.new", 0) == -1 && errno != ENOENT)
		goto out;
	fd = sys_create(r->acct, "log/.new", 0600);
	if (fd == -1)
		goto out;
	result = sys_write(fd, s.data, s.end, 0);
	if (result == 0)
		result = give(r, fd);
	if (result == 0)
		result = sys_fsync(fd);
	(void)close(fd);
	if (result == 0 && linkat(r->acct, from, r->acct, to, 0) == -1)
		result = -1;
	if (result == 0)
		result = sys()->rename(r->acct, "log/.new", r->acct, from);
	if (result == 0)
		r->out->cut++;
out:
	free(s.data);
	return result;
}

static bool
usable(const struct piece *p)
{
	return p->s.state == SEGMENT_GOOD || p->s.state == SEGMENT_TORN ||
	    p->s.state == SEGMENT_DAMAGED;
}

/*
 * From piece base on: how many follow each other; the last of them may be
 * damaged behind its frames.  0: no state can begin there.
 */
static size_t
run_length(const struct piece *p, size_t base, size_t n)
{
	bool begins;
	size_t i;

	begins = p[base].s.first_seq == 1 && !p[base].s.begins_checkpoint;
	for (i = base; i < n; i++) {
		if (!usable(&p[i]) || (i > base && !p[i].follows))
			break;
		begins = begins || p[i].s.ends_checkpoint;
		/* A torn end is only where nothing follows. */
		if (p[i].s.state != SEGMENT_GOOD) {
			i++;
			break;
		}
	}
	return begins ? i - base : 0;
}

/* One series: p[0] to p[n - 1].  whole: it may begin with nothing. */
static int
mend_series(struct rebuild *r, int logfd, const struct piece *p, size_t n)
{
	size_t base, i, len;

	for (base = n, len = 0; base > 0 && len == 0;) {
		base--;
		if (!usable(&p[base]))
			continue;
		if (p[base].s.begins_checkpoint || p[base].s.first_seq == 1)
			len = run_length(p, base, n);
	}
	/* From the end, so that what a kill leaves is no gap. */
	for (i = n; i > base + len; i--) {
		if (move_piece(r, &p[i - 1]) == -1)
			return -1;
	}
	if (len > 0 && p[base + len - 1].s.state != SEGMENT_GOOD &&
	    cut_piece(r, logfd, &p[base + len - 1]) == -1)
		return -1;
	r->out->kept += (unsigned int)len;
	/* Those before a checkpoint are not needed. */
	for (i = base; i > 0; i--) {
		if (move_piece(r, &p[i - 1]) == -1)
			return -1;
	}
	return 0;
}

static struct piece *
read_pieces(struct rebuild *r, int logfd, size_t *n)
{
	struct segment_name *list;
	struct piece *p;
	size_t i;

	if (segment_list(logfd, &list, n) == -1)
		return NULL;
	p = calloc(*n + 1, sizeof(*p));
	for (i = 0; p != NULL && i < *n; i++) {
		p[i].name = list[i];
		segment_read(
		    logfd, &list[i], r->known ? r->account.id : NULL, &p[i].s);
		free(p[i].s.data);
		p[i].s.data = NULL;
		if (tell.call != NULL)
			tell.call(tell.arg, i + 1, *n);
		p[i].follows = i > 0 &&
		    memcmp(list[i].writer, list[i - 1].writer, WRITER_LEN) ==
			0 &&
		    list[i].seg == list[i - 1].seg + 1 &&
		    p[i].s.first_seq == p[i - 1].s.last_seq + 1 &&
		    memcmp(p[i].s.chain, p[i - 1].s.tag, SEAL_CHAIN_LEN) == 0;
	}
	free(list);
	return p;
}

/* Nothing is wrong with it from its first segment on. */
static bool
faultless(const struct piece *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i].s.state != SEGMENT_GOOD || (i > 0 && !p[i].follows))
			return false;
	}
	return true;
}

static int
mend_log(struct rebuild *r, int logfd, bool all)
{
	struct piece *p;
	size_t first, i, n;
	int result;

	p = read_pieces(r, logfd, &n);
	if (p == NULL)
		return -1;
	result = 0;
	for (i = n; all && result == 0 && i > 0; i--)
		result = move_piece(r, &p[i - 1]);
	for (first = i = 0; !all && result == 0 && i < n; i++) {
		if (i + 1 < n &&
		    memcmp(p[i].name.writer, p[i + 1].name.writer,
			WRITER_LEN) == 0)
			continue;
		/* Its beginning may lie in another writer's checkpoint. */
		if (faultless(p + first, i + 1 - first))
			r->out->kept += (unsigned int)(i + 1 - first);
		else
			result = mend_series(
			    r, logfd, p + first, i + 1 - first);
		first = i + 1;
	}
	free(p);
	return result == 0 ? sys_sync_dir(r->acct, "log") : -1;
}

static enum store_result
take_lock(struct rebuild *r, int *lock)
{
	*lock = sys()->open(
	    r->acct, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*lock == -1 || give(r, *lock) == -1)
		return STORE_IO;
	if (flock(*lock, LOCK_EX | LOCK_NB) == -1)
		return errno == EWOULDBLOCK ? STORE_LOCKED : STORE_IO;
	return STORE_OK;
}

static int
rebuild_all(struct rebuild *r, bool all)
{
	int logfd, result;

	if (make_mark(r) == -1 || make_aside(r) == -1 ||
	    move_snapshots(r) == -1)
		return -1;
	logfd = sys_open(r->acct, "log", O_RDONLY | O_DIRECTORY);
	if (logfd == -1 && errno == ENOENT && make_dir(r, "log") == 0)
		logfd = sys_open(r->acct, "log", O_RDONLY | O_DIRECTORY);
	if (logfd == -1)
		return -1;
	result = mend_log(r, logfd, all);
	(void)close(logfd);
	return result == 0 ? sys_sync_dir(r->acct, r->out->aside) : -1;
}

enum store_result
store_rebuild(int acctfd, bool all, struct store_rebuilt *out)
{
	enum store_result result;
	struct rebuild r;
	int lock;

	memset(out, 0, sizeof(*out));
	memset(&r, 0, sizeof(r));
	r.acct = acctfd;
	r.out = out;
	r.known = seal_account_load(acctfd, &r.account) == 0;
	if (fstat(acctfd, &r.owner) == -1)
		return STORE_IO;
	result = take_lock(&r, &lock);
	if (result == STORE_OK && rebuild_all(&r, all) == -1)
		result = errno == ENOENT ? STORE_IO : sys_result();
	if (lock != -1)
		(void)close(lock);
	return result;
}
