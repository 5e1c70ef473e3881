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

/* The hosts, their disks, and what goes from one to the other. */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"
#include "compat.h"
#include "copying.h"
#include "merge_state.h"
#include "merge_world.h"
#include "store_retain.h"

static struct world the_world;
static uint64_t seed;

struct world *
world(void)
{
	return &the_world;
}

void
dice_seed(uint64_t begin)
{
	seed = begin;
}

void
violation(const char *fmt, ...)
{
	va_list ap;

	if (world()->bad[0] != '\0')
		return;
	va_start(ap, fmt);
	(void)vsnprintf(world()->bad, sizeof(world()->bad), fmt, ap);
	va_end(ap);
}

uint32_t
dice(uint32_t n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33) % n;
}

/* The table of calls: nothing is synced, and after the crash all fails. */
static bool
dead(void)
{
	if (!world()->crashed && world()->crash_in > 0 &&
	    --world()->crash_in == 0) {
		world()->crashed = true;
		world()->sum.crashes++;
	}
	if (world()->crashed)
		errno = EIO;
	return world()->crashed;
}

static int
c_open(int dirfd, const char *name, int flags, mode_t mode)
{
	return dead() ? -1 : openat(dirfd, name, flags, mode);
}

static ssize_t
c_pwrite(int fd, const void *p, size_t len, off_t off)
{
	return dead() ? -1 : pwrite(fd, p, len, off);
}

static int
c_sync(int fd)
{
	return dead() ? -1 : 0;
}

static int
c_rename(int a, const char *from, int b, const char *to)
{
	return dead() ? -1 : renameat(a, from, b, to);
}

static int
c_unlink(int dirfd, const char *name, int flags)
{
	return dead() ? -1 : unlinkat(dirfd, name, flags);
}

static int
c_mkdir(int dirfd, const char *name, mode_t mode)
{
	return dead() ? -1 : mkdirat(dirfd, name, mode);
}

static int
c_ftruncate(int fd, off_t len)
{
	return dead() ? -1 : ftruncate(fd, len);
}

static const struct store_sys table = {c_open, c_pwrite, c_sync, c_sync, c_sync,
    c_rename, c_unlink, c_mkdir, c_ftruncate};

void
host_open(struct host *h)
{
	enum store_result result;

	if (h->a.st != NULL)
		return;
	result = store_open_host(h->a.base, h->a.dir, h->a.ring,
	    (unsigned int)(h - world()->hosts), &h->a.st);
	if (world()->crashed) {
		store_abandon(h->a.st);
		world()->crashed = false;
		result = store_open_host(h->a.base, h->a.dir, h->a.ring,
		    (unsigned int)(h - world()->hosts), &h->a.st);
	}
	if (result != STORE_OK) {
		violation("open: %s", store_strerror(result));
		h->a.st = NULL;
	} else if (store_damage(h->a.st) != NULL)
		violation("damage: %s", store_damage(h->a.st));
}

/* After each change: committed, or (false) crashed and opened again. */
bool
settle(struct host *h, enum store_result result)
{
	if (!world()->crashed && result == STORE_OK)
		result = store_commit(h->a.st);
	if (!world()->crashed && result == STORE_OK)
		return true;
	if (!world()->crashed && result != STORE_IO &&
	    result != STORE_CORRUPT) {
		(void)store_commit(h->a.st);
		return false;
	}
	if (!world()->crashed)
		violation("a call: %s", store_strerror(result));
	world()->crash_in = 0;
	store_abandon(h->a.st);
	h->a.st = NULL;
	world()->crashed = false;
	host_open(h);
	return false;
}

unsigned int
number(const struct store_msg *m)
{
	return (unsigned int)(m->date - FIRST_DATE);
}

static int
by_segment(const struct dirent **a, const struct dirent **b)
{
	int c;

	c = strncmp((*a)->d_name, (*b)->d_name, 17);
	return c != 0 ? c : atoi((*a)->d_name + 17) - atoi((*b)->d_name + 17);
}

static int
any_file(const struct dirent *de)
{
	return de->d_name[0] != '.' && strstr(de->d_name, ".copy") == NULL;
}

void
each_file(struct host *from, struct host *to, const char *what, bool whole,
    bool (*copy)(const char *, const char *, unsigned int, bool))
{
	struct dirent **list;
	char src[600], dst[600];
	bool go;
	int i, n;

	snprintf(src, sizeof(src), "%s/" PLACE "/%s", from->dir, what);
	n = scandir(src, &list, any_file, by_segment);
	ATF_REQUIRE(n >= 0);
	for (i = 0, go = true; i < n; i++) {
		snprintf(src, sizeof(src), "%s/" PLACE "/%s/%s", from->dir,
		    what, list[i]->d_name);
		snprintf(dst, sizeof(dst), "%s/" PLACE "/%s/%s", to->dir, what,
		    list[i]->d_name);
		if (go)
			go = copy(src, dst,
			    (unsigned int)(from - world()->hosts), whole);
		free(list[i]);
	}
	free(list);
}

static bool
copy_blob(const char *src, const char *dst, unsigned int host, bool whole)
{
	char mark[300];
	int fd;

	/* Once: a replica does not send again what was removed there. */
	snprintf(mark, sizeof(mark), "%s/%.64s", world()->hosts[!host].dir,
	    strrchr(src, '/') + 1);
	fd = open(mark, O_CREAT | O_EXCL | O_WRONLY, 0600);
	if (fd == -1)
		return true;
	close(fd);
	if (access(dst, F_OK) == -1)
		copy_file(src, dst, SIZE_MAX);
	return true;
}

/* A segment, whole or up to some frame, never less than there was. */
static bool
copy_segment(const char *src, const char *dst, unsigned int host, bool whole)
{
	size_t all, there, take, len;

	if (!segment_of(src, host))
		return true;
	(void)frames_end(src, SIZE_MAX, &all);
	(void)frames_end(dst, SIZE_MAX, &there);
	if (all < there) {
		violation("a series lost frames");
		return false;
	}
	take = whole || all == there ?
	    all :
	    there + dice((uint32_t)(all - there) + 1);
	len = frames_end(src, take, &all);
	copy_file(src, dst, take == 0 ? 64 : len);
	(void)frames_end(src, SIZE_MAX, &all);
	return take == all;
}

/*
 * What was folded into a living account is what a new opening folds: columns,
 * what is hidden, which numbers are known to whom.
 */
static void
check_live(struct host *h)
{
	char *live, *anew;

	if (h->a.st == NULL || world()->bad[0] != '\0' ||
	    store_damage(h->a.st) != NULL)
		return;
	live = state_text(h->a.st);
	store_abandon(h->a.st);
	h->a.st = NULL;
	host_open(h);
	if (h->a.st == NULL)
		return;
	anew = state_text(h->a.st);
	if (strcmp(live, anew) != 0)
		violation("merged:\n%s---\nopened anew:\n%s", live, anew);
	free(live);
	free(anew);
}

/* What one host has deleted goes there too, as its signed list would say. */
static bool
trash_too(const char *src, const char *dst, unsigned int host, bool whole)
{
	uint8_t id[STORE_ID];
	const char *name;

	name = strrchr(src, '/') + 1;
	if (seal_unhex(name, id, sizeof(id)) == 0 &&
	    del_trash(world()->hosts[!host].a.dir, id) == -1)
		violation("trash: %s", name);
	return true;
}

/* What one host has written goes to the other: blobs, then log. */
void
exchange(struct host *from, bool whole)
{
	struct store_merged m;
	struct host *to;
	enum store_result result;
	bool news, lease;

	to = &world()->hosts[from == world()->hosts];
	each_file(from, to, "blob", true, copy_blob);
	each_file(from, to, "log", whole, copy_segment);
	if (whole)
		each_file(from, to, "trash", true, trash_too);
	if (to->a.st == NULL)
		return;
	/* The cheap look must notice it; it may ask for nothing, too. */
	news = store_news(to->a.st);
	lease = store_lease(to->a.st);
	result = store_merge(to->a.st, &m);
	if (!world()->crashed && result == STORE_OK && m.again > 0 && !lease)
		violation("I6: placed again by who has no lease");
	if (!world()->crashed && result == STORE_OK && m.news && !news)
		violation("news that was not noticed");
	if (settle(to, result)) {
		world()->sum.merges += m.news;
		world()->sum.again += m.again;
		if (!world()->stay && m.news && dice(4) == 0)
			check_live(to);
	}
	if (to->a.st != NULL && store_damage(to->a.st) != NULL)
		violation("damage: %s", store_damage(to->a.st));
}

void
host_start(struct host *h, struct seal_ring *ring)
{
	memset(h, 0, sizeof(*h));
	snprintf(h->dir, sizeof(h->dir), "host%d", (int)(h - world()->hosts));
	copy_tree("template", h->dir);
	h->a.base = open(h->dir, O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(h->a.base != -1);
	h->a.ring = ring;
	OK(store_account_open(h->a.base, ACCOUNT, &h->a.dir));
	host_open(h);
}

void
host_stop(struct host *h)
{
	size_t i;

	store_abandon(h->a.st);
	close(h->a.dir);
	close(h->a.base);
	for (i = 0; i < h->nviews; i++)
		free(h->views[i].shown);
	ATF_REQUIRE_EQ(0, path_remove_tree(AT_FDCWD, h->dir));
}

unsigned int
count_of(const char *name, unsigned int otherwise)
{
	const char *s;

	s = getenv(name);
	return s == NULL ? otherwise : (unsigned int)strtoul(s, NULL, 10);
}

/* In memory, where the machine has it: nothing here is about the disk. */
void
enter_fast(char *dir)
{
	strlcpy(dir, "/dev/shm/merge.XXXXXXXX", 32);
	if (mkdtemp(dir) == NULL || chdir(dir) == -1)
		dir[0] = '\0';
}

void
world_fragile(bool on)
{
	store_sys_set(on ? &table : NULL);
}
