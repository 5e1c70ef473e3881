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

/* What disk.h promises, the first half: recording. */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk_local.h"

struct disk disk;
static bool (*drop)(const char *, const char *);

static void *
grow(void *p, size_t n, size_t size)
{
	/* A power of two: twice as much. */
	if (n != 0 && (n & (n - 1)) != 0)
		return p;
	p = reallocarray(p, n == 0 ? 1 : n * 2, size);
	if (p == NULL)
		err(1, NULL);
	return p;
}

static struct event *
event_add(enum event_kind kind, unsigned int node)
{
	struct event *e;

	disk.events = grow(disk.events, disk.nevents, sizeof(*disk.events));
	e = &disk.events[disk.nevents++];
	memset(e, 0, sizeof(*e));
	e->kind = kind;
	e->node = node;
	return e;
}

static unsigned int
node_add(const struct stat *sb, const char *path)
{
	struct node *n;

	disk.nodes = grow(disk.nodes, disk.nnodes, sizeof(*disk.nodes));
	n = &disk.nodes[disk.nnodes];
	memset(n, 0, sizeof(*n));
	n->dir = S_ISDIR(sb->st_mode);
	n->ino = sb->st_ino;
	(void)strlcpy(n->path, path, sizeof(n->path));
	return disk.nnodes++;
}

/* The newest of that inode number: numbers are given again. */
static unsigned int
node_of(const struct stat *sb)
{
	unsigned int i;

	for (i = disk.nnodes; i-- > 0;) {
		if (disk.nodes[i].ino == sb->st_ino)
			return i;
	}
	errx(1, "a file that nobody made");
}

static unsigned int
node_fd(int fd)
{
	struct stat sb;

	if (fstat(fd, &sb) == -1)
		err(1, "fstat");
	return node_of(&sb);
}

/* The directory that a name lies in, and the name's last part. */
static unsigned int
parent_of(int fd, const char *name, const char **last)
{
	char dir[256];
	const char *slash;
	struct stat sb;

	slash = strrchr(name, '/');
	*last = slash == NULL ? name : slash + 1;
	if (slash == NULL)
		return node_fd(fd);
	(void)snprintf(dir, sizeof(dir), "%.*s", (int)(slash - name), name);
	if (fstatat(fd, dir, &sb, AT_SYMLINK_NOFOLLOW) == -1)
		err(1, "%s", dir);
	return node_of(&sb);
}

static void
set_path(unsigned int node, unsigned int dir, const char *name)
{
	char path[sizeof(disk.nodes[0].path)];

	(void)strlcpy(path, disk.nodes[dir].path, sizeof(path));
	(void)strlcat(path, "/", sizeof(path));
	(void)strlcat(path, name, sizeof(path));
	memcpy(disk.nodes[node].path, path, sizeof(path));
}

static bool
dropped(const char *kind, unsigned int node)
{
	const char *p;

	p = strstr(disk.nodes[node].path, "/anna");
	if (p == NULL)
		p = disk.nodes[node].path;
	else
		p += p[5] == '/' ? 6 : 5;
	return drop != NULL && drop(kind, p);
}

static void
entry(struct event *e, unsigned int dir, const char *name)
{
	e->dir = dir;
	(void)strlcpy(e->name, name, sizeof(e->name));
}

static int
d_open(int dirfd, const char *name, int flags, mode_t mode)
{
	const char *last;
	struct stat sb;
	unsigned int dir, node;
	bool there;
	int fd;

	there = fstatat(dirfd, name, &sb, AT_SYMLINK_NOFOLLOW) == 0;
	fd = openat(dirfd, name, flags, mode);
	if (fd == -1 || there)
		return fd;
	if (fstat(fd, &sb) == -1)
		err(1, "fstat");
	dir = parent_of(dirfd, name, &last);
	node = node_add(&sb, "");
	set_path(node, dir, last);
	entry(event_add(EV_LINK, node), dir, last);
	return fd;
}

static ssize_t
d_pwrite(int fd, const void *p, size_t len, off_t off)
{
	struct event *e;
	ssize_t n;

	n = pwrite(fd, p, len, off);
	if (n <= 0)
		return n;
	e = event_add(EV_WRITE, node_fd(fd));
	e->off = (size_t)off;
	e->len = (size_t)n;
	e->data = malloc((size_t)n);
	if (e->data == NULL)
		err(1, NULL);
	memcpy(e->data, p, (size_t)n);
	return n;
}

static int
d_fsync(int fd)
{
	unsigned int node;

	node = node_fd(fd);
	if (!dropped("fsync", node))
		event_add(EV_SYNC, node);
	return 0;
}

static int
d_fdatasync(int fd)
{
	unsigned int node;

	node = node_fd(fd);
	if (!dropped("fdatasync", node))
		event_add(EV_SYNC, node);
	return 0;
}

static int
d_syncfs(int fd)
{
	if (!disk.has_syncfs) {
		errno = ENOSYS;
		return -1;
	}
	if (!dropped("syncfs", 0))
		event_add(EV_SYNCFS, 0);
	return 0;
}

static int
d_rename(int from, const char *name, int to, const char *name2)
{
	const char *last, *last2;
	struct event *e;
	struct stat sb;
	unsigned int node, dir, dir2;

	if (renameat(from, name, to, name2) == -1)
		return -1;
	if (fstatat(to, name2, &sb, AT_SYMLINK_NOFOLLOW) == -1)
		err(1, "%s", name2);
	node = node_of(&sb);
	dir = parent_of(from, name, &last);
	dir2 = parent_of(to, name2, &last2);
	e = event_add(EV_RENAME, node);
	entry(e, dir, last);
	e->dir2 = dir2;
	(void)strlcpy(e->name2, last2, sizeof(e->name2));
	set_path(node, dir2, last2);
	return 0;
}

static int
d_unlink(int dirfd, const char *name, int flags)
{
	const char *last;
	struct stat sb;
	unsigned int node, dir;

	node = 0;
	if (fstatat(dirfd, name, &sb, AT_SYMLINK_NOFOLLOW) == 0)
		node = node_of(&sb);
	if (unlinkat(dirfd, name, flags) == -1)
		return -1;
	dir = parent_of(dirfd, name, &last);
	entry(event_add(EV_UNLINK, node), dir, last);
	return 0;
}

static int
d_mkdir(int dirfd, const char *name, mode_t mode)
{
	const char *last;
	struct stat sb;
	unsigned int node, dir;

	if (mkdirat(dirfd, name, mode) == -1)
		return -1;
	if (fstatat(dirfd, name, &sb, AT_SYMLINK_NOFOLLOW) == -1)
		err(1, "%s", name);
	dir = parent_of(dirfd, name, &last);
	node = node_add(&sb, "");
	set_path(node, dir, last);
	entry(event_add(EV_LINK, node), dir, last);
	return 0;
}

static int
d_ftruncate(int fd, off_t len)
{
	if (ftruncate(fd, len) == -1)
		return -1;
	event_add(EV_TRUNCATE, node_fd(fd))->off = (size_t)len;
	return 0;
}

static const struct store_sys recording = {d_open, d_pwrite, d_fsync,
    d_fdatasync, d_syncfs, d_rename, d_unlink, d_mkdir, d_ftruncate};

static void
read_whole(struct node *n, int fd, size_t size)
{
	n->data = malloc(size + 1);
	if (n->data == NULL || read(fd, n->data, size) != (ssize_t)size)
		err(1, "what is there");
	n->size = size;
}

/* What is there at the start, as durable links. */
static void
take_tree(unsigned int dir, int fd)
{
	struct dirent *de;
	struct stat sb;
	unsigned int node;
	DIR *d;
	int sub;

	d = fdopendir(fd);
	if (d == NULL)
		err(1, "fdopendir");
	while ((de = readdir(d)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0 ||
		    (dir == 0 && strcmp(de->d_name, "accounts") != 0 &&
			strcmp(de->d_name, "head") != 0))
			continue;
		sub = openat(dirfd(d), de->d_name, O_RDONLY | O_CLOEXEC);
		if (sub == -1 || fstat(sub, &sb) == -1)
			err(1, "%s", de->d_name);
		node = node_add(&sb, "");
		set_path(node, dir, de->d_name);
		disk_link(&disk.start, dir, de->d_name, node);
		if (S_ISDIR(sb.st_mode))
			take_tree(node, sub);
		else {
			read_whole(&disk.nodes[node], sub, (size_t)sb.st_size);
			close(sub);
		}
	}
	closedir(d);
}

void
disk_start(bool has_syncfs)
{
	struct stat sb;
	int fd;

	memset(&disk, 0, sizeof(disk));
	disk.has_syncfs = has_syncfs;
	fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &sb) == -1)
		err(1, ".");
	(void)node_add(&sb, ".");
	take_tree(0, fd);
	store_sys_set(&recording);
}

void
disk_drop(bool (*f)(const char *, const char *))
{
	drop = f;
}

size_t
disk_now(void)
{
	return disk.nevents;
}

void
disk_stop(void)
{
	store_sys_set(NULL);
}

void
disk_free(void)
{
	size_t i;

	for (i = 0; i < disk.nevents; i++)
		free(disk.events[i].data);
	for (i = 0; i < disk.nnodes; i++)
		free(disk.nodes[i].data);
	free(disk.events);
	free(disk.nodes);
	free(disk.start.links);
	memset(&disk, 0, sizeof(disk));
}
