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
 * Accounts as directories: names to paths and back, making, opening, removing
 * and listing them (STORE.md 1).  No component is reached through a symbolic
 * link.  A directory that is being made is called .new.<local>, one that is
 * being removed .del.<number>: no account's name begins with a dot.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_file.h"

#define TREE_DEPTH 8 /* of an account directory, with room */

static const char hex[] = "0123456789ABCDEF";

static bool
plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
	    c == '_' || c == '-';
}

/* One component; its length, or -1 if it is empty or too long. */
static int
encode(const char *s, size_t len, char *out)
{
	size_t i, n;
	unsigned char c;

	for (i = n = 0; i < len; i++) {
		c = (unsigned char)s[i];
		if (plain(c) && !(i == 0 && c == '.')) {
			if (STORE_PART_MAX - n < 1)
				return -1;
			out[n++] = (char)c;
		} else {
			if (STORE_PART_MAX - n < 3)
				return -1;
			out[n++] = '%';
			out[n++] = hex[c >> 4];
			out[n++] = hex[c & 15];
		}
	}
	out[n] = '\0';
	return n == 0 ? -1 : (int)n;
}

static int
split(const char *account, char *domain, char *local)
{
	const char *at;

	at = strrchr(account, '@');
	if (at == NULL || strlen(account) >= STORE_ACCOUNT_MAX)
		return -1;
	if (encode(account, (size_t)(at - account), local) == -1)
		return -1;
	return encode(at + 1, strlen(at + 1), domain) == -1 ? -1 : 0;
}

int
store_path(const char *account, char *path, size_t size)
{
	char domain[STORE_PART_MAX + 1], local[STORE_PART_MAX + 1];
	int n;

	if (split(account, domain, local) == -1)
		return -1;
	n = snprintf(path, size, "accounts/%s/%s", domain, local);
	return n < 0 || (size_t)n >= size ? -1 : 0;
}

static int
digit(char c)
{
	const char *p;

	p = c == '\0' ? NULL : strchr(hex, c);
	return p == NULL ? -1 : (int)(p - hex);
}

static int
decode(const char *s, char *out, size_t size)
{
	size_t n;
	int hi, lo;

	for (n = 0; *s != '\0'; n++) {
		if (n + 1 >= size)
			return -1;
		if (*s != '%') {
			out[n] = *s++;
			continue;
		}
		hi = digit(s[1]);
		lo = hi == -1 ? -1 : digit(s[2]);
		if (lo == -1)
			return -1;
		out[n] = (char)(hi << 4 | lo);
		s += 3;
	}
	out[n] = '\0';
	return (int)n;
}

int
store_name(const char *domain, const char *local, char *name, size_t size)
{
	char path[STORE_PATH_MAX], want[STORE_PATH_MAX];
	int n, m;

	n = decode(local, name, size);
	if (n <= 0 || (size_t)n + 2 > size)
		return -1;
	name[n] = '@';
	m = decode(domain, name + n + 1, size - (size_t)n - 1);
	if (m <= 0 || strlen(name) != (size_t)(n + 1 + m))
		return -1;
	/* Only what store_path() makes, so that one name is one directory. */
	if (store_path(name, path, sizeof(path)) == -1)
		return -1;
	(void)snprintf(want, sizeof(want), "accounts/%s/%s", domain, local);
	return strcmp(path, want) == 0 ? 0 : -1;
}

static int
open_dir(int dirfd, const char *name)
{
	return sys_open(dirfd, name, O_RDONLY | O_DIRECTORY);
}

/* With its mode whatever the umask is, and the set-group-id bit. */
static int
make_dir(int dirfd, const char *name, mode_t mode)
{
	int fd, r;

	if (sys()->mkdir(dirfd, name, 0700) == -1)
		return -1;
	fd = open_dir(dirfd, name);
	if (fd == -1)
		return -1;
	r = fchmod(fd, mode);
	(void)close(fd);
	return r;
}

/* accounts/<domain>, made if wanted. */
static int
open_domain(int basefd, const char *domain, bool make)
{
	int top, fd;

	top = open_dir(basefd, "accounts");
	if (top == -1 && errno == ENOENT && make &&
	    make_dir(basefd, "accounts", 02750) == 0)
		top = open_dir(basefd, "accounts");
	if (top == -1)
		return -1;
	fd = open_dir(top, domain);
	if (fd == -1 && errno == ENOENT && make &&
	    make_dir(top, domain, 02750) == 0 && sys_fsync(top) == 0)
		fd = open_dir(top, domain);
	(void)close(top);
	return fd;
}

static int
make_layout(int fd)
{
	static const struct {
		const char *name;
		mode_t mode;
	} dirs[] = {
	    {"keys", 02750},
	    {"in", 03770},
	    {"blob", 0700},
	    {"log", 0700},
	    {"snap", 0700},
	    {"idx", 0700},
	    {"journal", 0700},
	    {"trash", 0700},
	};
	size_t i;
	int lock;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (make_dir(fd, dirs[i].name, dirs[i].mode) == -1)
			return -1;
	}
	lock = sys_create(fd, "lock", 0600);
	if (lock == -1)
		return -1;
	return close(lock);
}

enum store_result
store_account_create(int basefd, const char *account, int *fd)
{
	char domain[STORE_PART_MAX + 1], local[STORE_PART_MAX + 1];
	char tmp[STORE_PART_MAX + 8];
	enum store_result result;
	struct stat st;
	int dir;

	*fd = -1;
	if (split(account, domain, local) == -1)
		return STORE_BADNAME;
	dir = open_domain(basefd, domain, true);
	if (dir == -1)
		return sys_result();
	result = STORE_OK;
	(void)snprintf(tmp, sizeof(tmp), ".new.%s", local);
	if (fstatat(dir, local, &st, AT_SYMLINK_NOFOLLOW) == 0)
		result = STORE_EXISTS;
	else if (path_remove_tree(dir, tmp) == -1 ||
	    make_dir(dir, tmp, 02750) == -1 ||
	    (*fd = open_dir(dir, tmp)) == -1 || make_layout(*fd) == -1) {
		result = sys_result();
		if (*fd != -1)
			(void)close(*fd);
		*fd = -1;
		(void)path_remove_tree(dir, tmp);
	}
	(void)close(dir);
	return result;
}

enum store_result
store_account_publish(int basefd, const char *account, int fd)
{
	char domain[STORE_PART_MAX + 1], local[STORE_PART_MAX + 1];
	char tmp[STORE_PART_MAX + 8];
	enum store_result result;
	struct stat st;
	int dir;

	if (split(account, domain, local) == -1)
		return STORE_BADNAME;
	dir = open_domain(basefd, domain, false);
	if (dir == -1)
		return sys_result();
	result = STORE_OK;
	(void)snprintf(tmp, sizeof(tmp), ".new.%s", local);
	if (fstatat(dir, local, &st, AT_SYMLINK_NOFOLLOW) == 0)
		result = STORE_EXISTS;
	else if (sys_sync_dir(fd, "keys") == -1 || sys_fsync(fd) == -1 ||
	    sys()->rename(dir, tmp, dir, local) == -1 || sys_fsync(dir) == -1)
		result = sys_result();
	(void)close(dir);
	return result;
}

enum store_result
store_account_rename(int basefd, const char *account, const char *to)
{
	char domain[STORE_PART_MAX + 1], local[STORE_PART_MAX + 1];
	char domain2[STORE_PART_MAX + 1], local2[STORE_PART_MAX + 1];
	enum store_result result = STORE_OK;
	struct stat st;
	int dir, dir2;

	if (split(account, domain, local) == -1 ||
	    split(to, domain2, local2) == -1)
		return STORE_BADNAME;
	dir = open_domain(basefd, domain, false);
	if (dir == -1)
		return sys_result();
	dir2 = open_domain(basefd, domain2, true);
	if (dir2 == -1)
		result = sys_result();
	else if (fstatat(dir2, local2, &st, AT_SYMLINK_NOFOLLOW) == 0)
		result = STORE_EXISTS;
	else if (sys()->rename(dir, local, dir2, local2) == -1 ||
	    sys_fsync(dir2) == -1 || sys_fsync(dir) == -1)
		result = sys_result();
	if (dir2 != -1)
		(void)close(dir2);
	(void)close(dir);
	return result;
}

void
store_account_abandon(int basefd, const char *account, int fd)
{
	char domain[STORE_PART_MAX + 1], local[STORE_PART_MAX + 1];
	char tmp[STORE_PART_MAX + 8];
	int dir;

	if (fd != -1)
		(void)close(fd);
	if (split(account, domain, local) == -1)
		return;
	dir = open_domain(basefd, domain, false);
	if (dir == -1)
		return;
	(void)snprintf(tmp, sizeof(tmp), ".new.%s", local);
	(void)path_remove_tree(dir, tmp);
	(void)close(dir);
}

enum store_result
store_account_open(int basefd, const char *account, int *fd)
{
	char domain[STORE_PART_MAX + 1], local[STORE_PART_MAX + 1];
	int dir;

	*fd = -1;
	if (split(account, domain, local) == -1)
		return STORE_UNKNOWN;
	dir = open_domain(basefd, domain, false);
	if (dir == -1)
		return sys_result();
	*fd = open_dir(dir, local);
	(void)close(dir);
	return *fd == -1 ? sys_result() : STORE_OK;
}

enum store_result
store_account_remove(int basefd, const char *account)
{
	char domain[STORE_PART_MAX + 1], local[STORE_PART_MAX + 1];
	char tmp[32];
	enum store_result result;
	int dir;

	if (split(account, domain, local) == -1)
		return STORE_UNKNOWN;
	dir = open_domain(basefd, domain, false);
	if (dir == -1)
		return sys_result();
	result = STORE_OK;
	(void)snprintf(tmp, sizeof(tmp), ".del.%08x", arc4random());
	if (sys()->rename(dir, local, dir, tmp) == -1 || sys_fsync(dir) == -1 ||
	    path_remove_tree(dir, tmp) == -1)
		result = sys_result();
	(void)close(dir);
	return result;
}

/* Empties the directory until it meets a directory; that one's name. */
static int
remove_files(int fd, char *sub, size_t size)
{
	struct dirent *de;
	DIR *dir;
	int copy, r;

	sub[0] = '\0';
	copy = dup(fd);
	dir = copy == -1 ? NULL : fdopendir(copy);
	if (dir == NULL) {
		if (copy != -1)
			(void)close(copy);
		return -1;
	}
	rewinddir(dir);
	r = 0;
	while (r == 0 && sub[0] == '\0' && (de = readdir(dir)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		if (sys()->unlink(fd, de->d_name, 0) == 0)
			continue;
		if (errno != EISDIR && errno != EPERM)
			r = -1;
		else
			(void)strlcpy(sub, de->d_name, size);
	}
	(void)closedir(dir);
	return r;
}

int
path_remove_tree(int dirfd, const char *name)
{
	char names[TREE_DEPTH][256], sub[256];
	int fds[TREE_DEPTH + 1], depth, r;

	fds[0] = dirfd;
	(void)strlcpy(names[0], name, sizeof(names[0]));
	fds[1] = open_dir(dirfd, name);
	if (fds[1] == -1)
		return errno == ENOENT ? 0 : -1;
	for (r = 0, depth = 1; depth > 0;) {
		r = r == -1 ? -1 : remove_files(fds[depth], sub, sizeof(sub));
		if (r == 0 && sub[0] != '\0' && depth < TREE_DEPTH) {
			(void)strlcpy(names[depth], sub, sizeof(sub));
			fds[depth + 1] = open_dir(fds[depth], sub);
			if (fds[depth + 1] == -1)
				r = -1;
			else
				depth++;
			continue;
		}
		(void)close(fds[depth--]);
		if (r == 0)
			r = sys()->unlink(
			    fds[depth], names[depth], AT_REMOVEDIR);
	}
	return r;
}

/*
 * The next name, or NULL at the end; where the folder could not be read, *error
 * says why.
 */
static const char *
next_name(DIR *dir, int *error)
{
	struct dirent *de;

	do {
		errno = 0;
		de = readdir(dir);
	} while (de != NULL && de->d_name[0] == '.');
	if (de == NULL && errno != 0)
		*error = errno;
	return de == NULL ? NULL : de->d_name;
}

/* 0, or -1 where cb said so. */
static int
list_domain(int top, const char *domain,
    int (*cb)(const char *account, void *arg), void *arg, int *error)
{
	char name[STORE_ACCOUNT_MAX];
	const char *local;
	DIR *dir;
	int fd, r;

	/* No domain's folder: a disk's lost+found, perhaps. */
	if (store_name(domain, "x", name, sizeof(name)) == -1)
		return 0;
	fd = open_dir(top, domain);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		/* Gone meanwhile, a file, a link. */
		if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP &&
		    errno != EMLINK)
			*error = errno;
		if (fd != -1)
			(void)close(fd);
		return 0;
	}
	r = 0;
	while (r == 0 && (local = next_name(dir, error)) != NULL) {
		if (store_name(domain, local, name, sizeof(name)) == 0)
			r = cb(name, arg);
	}
	(void)closedir(dir);
	return r;
}

enum store_result
store_account_list(int basefd, const char *domain,
    int (*cb)(const char *account, void *arg), void *arg)
{
	char part[STORE_PART_MAX + 1];
	const char *name;
	int error, top, r;
	DIR *dir;

	if (domain != NULL && encode(domain, strlen(domain), part) == -1)
		return STORE_BADNAME;
	top = open_dir(basefd, "accounts");
	dir = top == -1 ? NULL : fdopendir(top);
	if (dir == NULL) {
		if (top != -1)
			(void)close(top);
		return top == -1 && errno == ENOENT ? STORE_OK : STORE_IO;
	}
	error = r = 0;
	while (r == 0 && (name = next_name(dir, &error)) != NULL) {
		if (domain == NULL || strcmp(part, name) == 0)
			r = list_domain(dirfd(dir), name, cb, arg, &error);
	}
	(void)closedir(dir);
	if (error == 0)
		return STORE_OK;
	errno = error;
	return STORE_IO;
}
