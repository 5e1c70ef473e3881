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
 * Files with secrets, and files as a whole.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"

#define READ_STEP 16384

int
conf_open_secret(const char *path, FILE *errors)
{
	struct stat st;
	int fd;

	/* Non-blocking: it may be a pipe that nobody writes to. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1 || fstat(fd, &st) == -1) {
		(void)fprintf(errors, "%s: %s\n", path, strerror(errno));
		goto err;
	}
	if (!S_ISREG(st.st_mode)) {
		(void)fprintf(errors, "%s: not a regular file\n", path);
		goto err;
	}
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		(void)fprintf(errors,
		    "%s: belongs to uid %u; make it root's: chown root %s\n",
		    path, (unsigned int)st.st_uid, path);
		goto err;
	}
	if ((st.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
		(void)fprintf(errors,
		    "%s: holds a secret that others may read or change; "
		    "chmod 600 %s\n",
		    path, path);
		goto err;
	}
	return fd;
err:
	if (fd != -1)
		(void)close(fd);
	return -1;
}

uint8_t *
conf_read_file(int fd, size_t max, size_t *len)
{
	uint8_t *buf, *p;
	size_t size, step;
	ssize_t n;

	buf = NULL;
	size = 0;
	*len = 0;
	for (;;) {
		if (*len == size) {
			step = max - size < READ_STEP ? max - size : READ_STEP;
			/* One more octet shows whether there is too much. */
			p = recallocarray(
			    buf, size == 0 ? 0 : size + 2, size + step + 2, 1);
			if (p == NULL)
				goto err;
			buf = p;
			size += step;
		}
		n = read(fd, buf + *len, size - *len + (size == max));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			goto err;
		if (n == 0)
			break;
		*len += (size_t)n;
		if (*len > max) {
			errno = EFBIG;
			goto err;
		}
	}
	/* To the size that the caller will wipe. */
	p = recallocarray(buf, size + 2, *len + 1, 1);
	if (p == NULL)
		goto err;
	p[*len] = '\0';
	return p;
err:
	if (buf != NULL)
		freezero(buf, size + 2);
	return NULL;
}
