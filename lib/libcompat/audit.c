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
 * Linux says in its log which system call a filter killed a process for:
 * "... audit: type=1326 audit(...): ... pid=N comm=... syscall=N ...".  comm
 * and exe are the process's words, but stand in quotes (or in hex), behind the
 * pid, and blanks and quotes in them are encoded by the kernel.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"

#define RECORD_MAX 8192  /* the kernel's records are shorter */
#define RECORDS_MAX 4096 /* read for one question */

static int field(const char *, const char *, long *);

int
compat_audit_open(void)
{
	int fd;

	fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (lseek(fd, 0, SEEK_END) == -1) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

int
compat_audit_find(int fd, pid_t pid)
{
	char record[RECORD_MAX];
	const char *text;
	ssize_t n;
	long value, number;
	int found;

	found = -1;
	if (fd == -1)
		return found;
	for (int i = 0; i < RECORDS_MAX; i++) {
		n = read(fd, record, sizeof(record) - 1);
		if (n == -1 && (errno == EPIPE || errno == EINTR))
			continue; /* EPIPE: records were overwritten */
		if (n <= 0)
			break;
		record[n] = '\0';
		text = strchr(record, ';');
		if (text == NULL ||
		    strncmp(text + 1, "audit: type=1326 ", 17) != 0)
			continue;
		if (field(text, " pid=", &value) == 0 && value == pid &&
		    field(text, " syscall=", &number) == 0)
			found = (int)number;
	}
	return found;
}

static int
field(const char *text, const char *name, long *value)
{
	const char *p;
	char *end;

	p = strstr(text, name);
	if (p == NULL)
		return -1;
	p += strlen(name);
	errno = 0;
	*value = strtol(p, &end, 10);
	if (end == p || *end != ' ' || errno != 0)
		return -1;
	return 0;
}
