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

/* What disk.h promises, the second half: what a loss of power leaves. */

#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk_local.h"

#define ALL_MAX 16 /* states of a moment that are few */
#define PICKS_MAX 64
#define BLOCK 4096
#define MEMORY "/dev/shm" /* where it is, states are made faster there */

static char folder[64];
static struct links links; /* durable */
static size_t *changes;    /* of links, not durable */
static size_t nchanges, changes_size;

/* Choices: at random, or each combination in turn. */
static uint64_t dice_state;
static unsigned int likely; /* of 8: that a change of a link is there */
static bool in_turn;
static struct {
	unsigned int digit;
	unsigned int base;
} picks[PICKS_MAX];
static unsigned int npicks, at_pick;

static unsigned int
dice(unsigned int n)
{
	dice_state = dice_state * 6364136223846793005ULL +
	    1442695040888963407ULL;
	return (unsigned int)(dice_state >> 33) % n;
}

static unsigned int
pick(unsigned int n)
{
	if (!in_turn || at_pick == PICKS_MAX)
		return dice(n);
	if (at_pick == npicks) {
		picks[npicks].digit = 0;
		picks[npicks++].base = n;
	}
	return picks[at_pick++].digit;
}

/* The next combination; false after the last. */
static bool
pick_next(void)
{
	at_pick = 0;
	while (npicks > 0) {
		if (++picks[npicks - 1].digit < picks[npicks - 1].base)
			return true;
		npicks--;
	}
	return false;
}

static struct link *
find_link(struct links *l, unsigned int dir, const char *name)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (l->links[i].dir == dir &&
		    strcmp(l->links[i].name, name) == 0)
			return &l->links[i];
	}
	return NULL;
}

void
disk_link(
    struct links *l, unsigned int dir, const char *name, unsigned int node)
{
	struct link *p;

	p = find_link(l, dir, name);
	if (node == 0) {
		if (p != NULL)
			*p = l->links[--l->n];
		return;
	}
	if (p == NULL && l->n == l->size) {
		l->size = l->size == 0 ? 64 : l->size * 2;
		l->links = reallocarray(l->links, l->size, sizeof(*l->links));
		if (l->links == NULL)
			err(1, NULL);
	}
	if (p == NULL)
		p = &l->links[l->n++];
	p->dir = dir;
	p->node = node;
	(void)strlcpy(p->name, name, sizeof(p->name));
}

static void
apply_change(struct links *l, const struct event *e)
{
	if (e->kind == EV_LINK)
		disk_link(l, e->dir, e->name, e->node);
	else
		disk_link(l, e->dir, e->name, 0);
	if (e->kind == EV_RENAME)
		disk_link(l, e->dir2, e->name2, e->node);
}

static bool
has_entry(const struct event *e, unsigned int dir, const char *name)
{
	return (e->dir == dir && strcmp(e->name, name) == 0) ||
	    (e->kind == EV_RENAME && e->dir2 == dir &&
		strcmp(e->name2, name) == 0);
}

/* Can b not be there without a, which came before? */
static bool
depends(const struct event *b, const struct event *a)
{
	return a->node == b->node || b->dir == a->node ||
	    (b->kind == EV_RENAME && b->dir2 == a->node) ||
	    (b->kind == EV_UNLINK && a->dir == b->node) ||
	    has_entry(a, b->dir, b->name) ||
	    (b->kind == EV_RENAME && has_entry(a, b->dir2, b->name2));
}

/* Makes those of a directory durable, with all that they need. */
static void
sync_changes(bool all, unsigned int dir)
{
	const struct event *e;
	size_t i, j, n;
	bool *need;

	need = calloc(nchanges + 1, sizeof(*need));
	if (need == NULL)
		err(1, NULL);
	for (i = nchanges; i-- > 0;) {
		e = &disk.events[changes[i]];
		need[i] = all || e->dir == dir ||
		    (e->kind == EV_RENAME && e->dir2 == dir);
		for (j = i + 1; !need[i] && j < nchanges; j++)
			need[i] = need[j] &&
			    depends(&disk.events[changes[j]], e);
	}
	for (i = n = 0; i < nchanges; i++) {
		if (need[i])
			apply_change(&links, &disk.events[changes[i]]);
		else
			changes[n++] = changes[i];
	}
	nchanges = n;
	free(need);
}

static void
node_room(struct node *n, size_t size)
{
	n->data = realloc(n->data, size + 1);
	if (n->data == NULL)
		err(1, NULL);
	if (size > n->size)
		memset(n->data + n->size, 0, size - n->size);
}

static void
sync_data(struct node *n)
{
	const struct event *e;
	size_t i, size;

	for (i = 0; i < n->npending; i++) {
		e = &disk.events[n->pending[i]];
		size = n->size;
		if (e->kind == EV_TRUNCATE || e->off + e->len > size)
			size = e->off + e->len;
		node_room(n, size);
		n->size = size;
		if (e->len > 0)
			memcpy(n->data + e->off, e->data, e->len);
	}
	free(n->pending);
	n->pending = NULL;
	n->npending = 0;
}

static void
take_event(size_t at)
{
	const struct event *e;
	struct node *n;
	unsigned int i;

	e = &disk.events[at];
	n = &disk.nodes[e->node];
	switch (e->kind) {
	case EV_LINK:
	case EV_RENAME:
	case EV_UNLINK:
		if (nchanges == changes_size) {
			changes_size = changes_size == 0 ? 64 :
							   changes_size * 2;
			changes = reallocarray(
			    changes, changes_size, sizeof(*changes));
			if (changes == NULL)
				err(1, NULL);
		}
		changes[nchanges++] = at;
		break;
	case EV_WRITE:
	case EV_TRUNCATE:
		n->pending = reallocarray(
		    n->pending, n->npending + 1, sizeof(*n->pending));
		if (n->pending == NULL)
			err(1, NULL);
		n->pending[n->npending++] = at;
		break;
	case EV_SYNC:
		if (n->dir)
			sync_changes(false, e->node);
		else
			sync_data(n);
		break;
	case EV_SYNCFS:
		sync_changes(true, 0);
		for (i = 0; i < disk.nnodes; i++)
			sync_data(&disk.nodes[i]);
		break;
	}
}

/* Sizes that the file had, and the largest. */
static size_t *
sizes_of(const struct node *n, size_t *max)
{
	const struct event *e;
	size_t i, *sizes;

	sizes = calloc(n->npending + 1, sizeof(*sizes));
	if (sizes == NULL)
		err(1, NULL);
	*max = sizes[0] = n->size;
	for (i = 0; i < n->npending; i++) {
		e = &disk.events[n->pending[i]];
		sizes[i + 1] = sizes[i];
		if (e->kind == EV_TRUNCATE || e->off + e->len > sizes[i])
			sizes[i + 1] = e->off + e->len;
		if (sizes[i + 1] > *max)
			*max = sizes[i + 1];
	}
	return sizes;
}

/* The part of a write that lies in the sector, if its time has come. */
static void
put_sectors(uint8_t *out, const struct event *e, size_t sector,
    const uint16_t *when, size_t i)
{
	size_t off, n, end;

	end = e->off + e->len;
	for (off = e->off; off < end; off += n) {
		n = sector - off % sector;
		if (n > end - off)
			n = end - off;
		if (when[off / sector] > i)
			memcpy(out + off, e->data + (off - e->off), n);
	}
}

/* What a crash may leave of a file; malloc'd. */
static uint8_t *
left_of(const struct node *n, size_t *size)
{
	unsigned int how;
	uint16_t *when;
	uint8_t *out;
	size_t i, max, sector, *sizes, versions;

	sizes = sizes_of(n, &max);
	versions = n->npending;
	out = calloc(1, max + 1);
	/* Nothing of it, all of it, or of each sector what came to be. */
	how = in_turn ? pick(2) : dice(4);
	sector = how == 2 ? 512 : 4096;
	when = calloc(max / sector + 1, sizeof(*when));
	if (out == NULL || when == NULL)
		err(1, NULL);
	for (i = 0; i <= max / sector; i++)
		when[i] = (uint16_t)(how < 2 ? how * versions :
					       dice((unsigned)versions + 1));
	if (n->size > 0)
		memcpy(out, n->data, n->size);
	for (i = 0; i < versions; i++)
		put_sectors(out, &disk.events[n->pending[i]], sector, when, i);
	if (in_turn || dice(2) == 0)
		*size = sizes[(how != 0) * versions];
	else
		*size = sizes[dice((unsigned)versions + 1)];
	free(when);
	free(sizes);
	return out;
}

/* Zeros need not be written. */
static void
write_file(int fd, const uint8_t *p, size_t size)
{
	static const uint8_t zeros[BLOCK];
	size_t off, n;

	if (ftruncate(fd, (off_t)size) == -1)
		err(1, "ftruncate");
	for (off = 0; off < size; off += n) {
		n = size - off < BLOCK ? size - off : BLOCK;
		if (memcmp(p + off, zeros, n) != 0 &&
		    pwrite(fd, p + off, n, (off_t)off) != (ssize_t)n)
			err(1, "pwrite");
	}
}

static void
build(const struct links *l, unsigned int dir, int at)
{
	const struct node *n;
	uint8_t *data;
	size_t i, size;
	int fd;

	for (i = 0; i < l->n; i++) {
		if (l->links[i].dir != dir)
			continue;
		n = &disk.nodes[l->links[i].node];
		if (n->dir) {
			if (mkdirat(at, l->links[i].name, 0700) == -1)
				err(1, "%s", l->links[i].name);
			fd = openat(at, l->links[i].name,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (fd == -1)
				err(1, "%s", l->links[i].name);
			build(l, l->links[i].node, fd);
		} else {
			fd = openat(at, l->links[i].name,
			    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
			if (fd == -1)
				err(1, "%s", l->links[i].name);
			if (n->npending == 0)
				write_file(fd, n->data, n->size);
			else {
				data = left_of(n, &size);
				write_file(fd, data, size);
				free(data);
			}
		}
		close(fd);
	}
}

static int
remove_one(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
	return remove(path);
}

/* Links as a crash may leave them, then the files. */
static void
crash(void)
{
	struct links l = links;
	size_t i, j;
	bool *there;
	int fd;

	l.links = calloc(l.size + nchanges + 1, sizeof(*l.links));
	there = calloc(nchanges + 1, sizeof(*there));
	if (l.links == NULL || there == NULL)
		err(1, NULL);
	memcpy(l.links, links.links, links.n * sizeof(*l.links));
	l.size += nchanges + 1;
	for (i = 0; i < nchanges; i++) {
		there[i] = true;
		for (j = 0; there[i] && j < i; j++)
			there[i] = there[j] ||
			    !depends(&disk.events[changes[i]],
				&disk.events[changes[j]]);
		if (there[i])
			there[i] = in_turn ? pick(2) == 1 : dice(8) < likely;
		if (there[i])
			apply_change(&l, &disk.events[changes[i]]);
	}
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (mkdir(folder, 0700) == -1)
		err(1, "%s", folder);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		err(1, "%s", folder);
	build(&l, 0, fd);
	close(fd);
	free(l.links);
	free(there);
}

static bool
open_ended(void)
{
	unsigned int i;

	for (i = 0; i < disk.nnodes; i++) {
		if (disk.nodes[i].npending > 0)
			return true;
	}
	return nchanges > 0;
}

/* The states of one moment; false where look() ended it. */
static bool
moment(size_t at, unsigned int samples, size_t *states,
    bool (*look)(size_t, void *), void *arg)
{
	static const unsigned int chances[] = {4, 0, 8, 1, 7, 4};
	unsigned int i;
	bool more;

	in_turn = true;
	npicks = at_pick = 0;
	for (i = 0, more = true; more && i < ALL_MAX; i++) {
		/* Too many: only the first and what chance brings. */
		if (i == 1 && npicks > 4)
			break;
		crash();
		(*states)++;
		if (!look(at, arg))
			return false;
		more = pick_next();
	}
	in_turn = false;
	for (i = 0; i < samples && open_ended(); i++) {
		likely = chances[i % 6];
		crash();
		(*states)++;
		if (!look(at, arg))
			return false;
	}
	return true;
}

const char *
disk_crashed(void)
{
	return folder;
}

size_t
disk_replay(uint64_t seed, unsigned int samples, unsigned int stride,
    bool (*look)(size_t moment, void *arg), void *arg)
{
	size_t at, i, states;

	(void)strlcpy(folder, MEMORY "/crashed.XXXXXXXX", sizeof(folder));
	if (mkdtemp(folder) == NULL)
		(void)strlcpy(folder, "crashed", sizeof(folder));
	dice_state = seed;
	states = nchanges = 0;
	links = disk.start;
	links.links = calloc(links.size + 1, sizeof(*links.links));
	if (links.links == NULL)
		err(1, NULL);
	memcpy(
	    links.links, disk.start.links, disk.start.n * sizeof(*links.links));
	for (at = 0; at <= disk.nevents; at++) {
		if ((at + seed) % stride == 0 &&
		    !moment(at, samples, &states, look, arg))
			break;
		if (at < disk.nevents)
			take_event(at);
	}
	for (i = 0; i < disk.nnodes; i++)
		free(disk.nodes[i].pending);
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(links.links);
	free(changes);
	changes = NULL;
	changes_size = 0;
	return states;
}
