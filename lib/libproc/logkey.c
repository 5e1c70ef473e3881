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
 * The key of hashed addresses in logs: one file for all daemons of a machine,
 * made by whichever comes first, so that one address has one hash in all logs.
 */

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "parent_local.h"

static int key_read(const char *, uint8_t[LOG_KEY_LEN]);
static void key_path(const char *, char *, size_t);
static void key_make(const char *);

void
parent_log_key(const char *dir, uint8_t key[LOG_KEY_LEN])
{
	char path[PATH_MAX];

	key_path(dir, path, sizeof(path));
	if (key_read(path, key) == 0)
		return;
	if (errno != ENOENT)
		fatal("path=%s", path);
	key_make(path);
	if (key_read(path, key) == -1)
		fatal("path=%s", path);
}

int
parent_log_key_read(const char *dir, uint8_t key[LOG_KEY_LEN])
{
	char path[PATH_MAX];

	key_path(dir, path, sizeof(path));
	return key_read(path, key);
}

static void
key_path(const char *dir, char *path, size_t size)
{
	if (snprintf(path, size, "%s/log.key", dir) >= (int)size)
		fatalx("directory: name too long");
}

static int
key_read(const char *path, uint8_t key[LOG_KEY_LEN])
{
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	n = read(fd, key, LOG_KEY_LEN);
	(void)close(fd);
	if (n == LOG_KEY_LEN)
		return 0;
	errno = EINVAL;
	return -1;
}

/* Whole under its name or not there; the first of two wins. */
static void
key_make(const char *path)
{
	uint8_t key[LOG_KEY_LEN];
	char tmp[PATH_MAX];
	int fd;

	if (snprintf(tmp, sizeof(tmp), "%s.%ld", path, (long)getpid()) >=
	    (int)sizeof(tmp))
		fatalx("directory: name too long");
	(void)unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	if (fd == -1)
		fatal("path=%s", tmp);
	arc4random_buf(key, sizeof(key));
	if (write(fd, key, sizeof(key)) != sizeof(key) || fsync(fd) == -1 ||
	    close(fd) == -1)
		fatal("path=%s", tmp);
	explicit_bzero(key, sizeof(key));
	if (link(tmp, path) == -1 && errno != EEXIST)
		fatal("path=%s", path);
	(void)unlink(tmp);
}
