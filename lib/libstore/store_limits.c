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
 * Limits and usage: the administrator's file `limits` (plain text, "quota N",
 * "messages N" and "disabled" lines), the vault's file `quota` ("live N",
 * "messages N") and what waits in in/, and whether the file system has room.
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_file.h"

#define LIMITS_SIZE 1024      /* octets of limits, of quota */
#define SETTINGS_SIZE 1024    /* octets of settings */
#define ROOM_BYTES (4U << 20) /* octets that must stay free */
#define ROOM_INODES 64

static int
parse_number(const char *s, uint64_t *value)
{
	unsigned long long n;
	char *end;

	if (*s < '0' || *s > '9')
		return -1;
	errno = 0;
	n = strtoull(s, &end, 10);
	if (errno != 0 || *end != '\0')
		return -1;
	*value = n;
	return 0;
}

/* A file of lines, NUL-terminated; 0 if it does not exist. */
static ssize_t
read_lines(int acctfd, const char *name, char *buf)
{
	ssize_t n;

	n = sys_slurp(acctfd, name, buf, LIMITS_SIZE - 1);
	if (n == -1 && errno == ENOENT)
		n = 0;
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

enum store_result
store_limits_read(int acctfd, struct store_limits *limits)
{
	char buf[LIMITS_SIZE], *line, *next;

	memset(limits, 0, sizeof(*limits));
	if (read_lines(acctfd, "limits", buf) == -1)
		return STORE_IO;
	for (line = buf; line != NULL && *line != '\0'; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (strcmp(line, "disabled") == 0)
			limits->disabled = true;
		else if (strncmp(line, "quota ", 6) == 0) {
			if (parse_number(line + 6, &limits->quota) == -1)
				return STORE_CORRUPT;
		} else if (strncmp(line, "messages ", 9) == 0) {
			if (parse_number(line + 9, &limits->max_messages) ==
				-1 ||
			    limits->max_messages == UINT64_MAX)
				return STORE_CORRUPT;
			limits->max_messages++;
		} else if (line[0] != '\0' && line[0] != '#')
			return STORE_CORRUPT;
	}
	return STORE_OK;
}

enum store_result
store_limits_write(int acctfd, const struct store_limits *limits)
{
	char messages[64] = "", buf[192];
	int n;

	if (limits->max_messages != 0)
		(void)snprintf(messages, sizeof(messages), "messages %llu\n",
		    (unsigned long long)limits->max_messages - 1);
	n = snprintf(buf, sizeof(buf), "quota %llu\n%s%s",
	    (unsigned long long)limits->quota, messages,
	    limits->disabled ? "disabled\n" : "");
	if (sys_replace(acctfd, "limits", 0440, buf, (size_t)n) == -1)
		return sys_result();
	return STORE_OK;
}

enum store_result
store_settings_read(int acctfd, struct store_settings *settings)
{
	char buf[SETTINGS_SIZE], *line, *next;
	ssize_t n;

	memset(settings, 0, sizeof(*settings));
	n = sys_slurp(acctfd, SETTINGS, buf, sizeof(buf) - 1);
	if (n == -1)
		return errno == ENOENT ? STORE_OK : STORE_IO;
	buf[n] = '\0';
	/* What a later version has written is none of ours. */
	for (line = buf; line != NULL && *line != '\0'; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (strcmp(line, SAVE_SENT) == 0)
			settings->save_sent = true;
	}
	return STORE_OK;
}

/* The files in in/; they are few, the vault drains them. */
static int
waiting(int acctfd, struct store_used *used)
{
	struct dirent *de;
	struct stat st;
	DIR *dir;
	int fd;

	fd = sys_open(acctfd, "in", O_RDONLY | O_DIRECTORY);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	while ((de = readdir(dir)) != NULL) {
		if (de->d_name[0] != '.' &&
		    fstatat(dirfd(dir), de->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
			0 &&
		    st.st_size > 0) {
			used->octets += (uint64_t)st.st_size;
			used->messages++;
		}
	}
	(void)closedir(dir);
	return 0;
}

/* One of the lines of `quota`, and on to the next. */
static int
usage_line(char **line, const char *name, uint64_t *value)
{
	size_t len = strlen(name);
	char *end;

	end = strchr(*line, '\n');
	if (end != NULL)
		*end++ = '\0';
	if (strncmp(*line, name, len) != 0 ||
	    parse_number(*line + len, value) == -1)
		return -1;
	*line = end;
	return 0;
}

enum store_result
store_usage(int acctfd, struct store_used *used)
{
	char buf[LIMITS_SIZE], *line = buf;

	memset(used, 0, sizeof(*used));
	if (read_lines(acctfd, "quota", buf) == -1)
		return STORE_IO;
	if (buf[0] != '\0' &&
	    (usage_line(&line, "live ", &used->octets) == -1 ||
		(line != NULL && line[0] != '\0' &&
		    usage_line(&line, "messages ", &used->messages) == -1)))
		return STORE_CORRUPT;
	return waiting(acctfd, used) == -1 ? sys_result() : STORE_OK;
}

bool
octets_full(const struct store_limits *limits, const struct store_used *used,
    uint64_t more)
{
	return limits->quota != 0 &&
	    (used->octets >= limits->quota ||
		more > limits->quota - used->octets);
}

bool
messages_full(const struct store_limits *limits, const struct store_used *used,
    uint64_t more)
{
	return limits->max_messages != 0 &&
	    (used->messages >= limits->max_messages - 1 ||
		more > limits->max_messages - 1 - used->messages);
}

bool
store_room(int fd, uint64_t size)
{
	struct statvfs vfs;

	/* Unknown is not full: the write itself will say. */
	if (fstatvfs(fd, &vfs) == -1)
		return true;
	/* Some file systems count no inodes. */
	if (vfs.f_files != 0 && vfs.f_favail < ROOM_INODES)
		return false;
	if (size > UINT64_MAX / 2)
		return false;
	return (uint64_t)vfs.f_bavail > (size + ROOM_BYTES) / vfs.f_frsize;
}
