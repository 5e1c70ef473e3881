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
 * The file `account` and the envelope of key files, as anybody reads them: the
 * deliverer too, which trusts nothing in an account directory that the
 * account's key has not signed.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "seal_local.h"

#define ACCOUNT_MAGIC "SEALACCT"
#define VERSIONS_MAX 32 /* of one series, tried newest first */

const char *const keyfile_names[] = {
    [KEYFILE_SLOTS] = "slots",
    [KEYFILE_RING] = "ring",
    [KEYFILE_DELIVERY] = "delivery",
};
const char *const keyfile_magics[] = {
    [KEYFILE_SLOTS] = "SEALSLOT",
    [KEYFILE_RING] = "SEALRING",
    [KEYFILE_DELIVERY] = "SEALDLVR",
};

int
seal_account_parse(const uint8_t *buf, size_t len, struct seal_account *a)
{
	struct cursor c = {.p = buf, .left = len};
	const uint8_t *p;

	memset(a, 0, sizeof(*a));
	if (len != SEAL_ACCOUNT_LEN ||
	    memcmp(buf, ACCOUNT_MAGIC, SEAL_MAGIC_LEN) != 0)
		goto bad;
	(void)cursor_raw(&c, SEAL_MAGIC_LEN);
	if (cursor_u8(&c) != SEAL_SUITE || cursor_u8(&c) != SEAL_FORMAT ||
	    cursor_u16(&c) != 0)
		goto bad;
	p = cursor_raw(&c, SEAL_ID_LEN);
	memcpy(a->id, p, SEAL_ID_LEN);
	p = cursor_raw(&c, SEAL_KEY_LEN);
	memcpy(a->sign_pk, p, SEAL_KEY_LEN);
	a->created = (int64_t)cursor_u64(&c);
	if (crypto_sign_verify_detached(
		c.p, buf, len - SEAL_SIGN_LEN, a->sign_pk) != 0)
		goto bad;
	return 0;
bad:
	errno = EBADMSG;
	return -1;
}

int
seal_account_load(int dirfd, struct seal_account *a)
{
	uint8_t *buf;
	size_t len;
	int ret;

	if (keyfile_read(dirfd, "account", SEAL_ACCOUNT_LEN, &buf, &len) == -1)
		return -1;
	ret = seal_account_parse(buf, len, a);
	free(buf);
	return ret;
}

static ssize_t
read_all(int fd, uint8_t *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, buf + len, size - len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int
keyfile_read(
    int dirfd, const char *name, size_t max, uint8_t **buf, size_t *len)
{
	struct stat st;
	uint8_t *b = NULL;
	ssize_t n;
	int fd, save;

	fd = openat(
	    dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1)
		goto err;
	errno = EBADMSG;
	if (!S_ISREG(st.st_mode) || st.st_size < 1 || st.st_size > (off_t)max)
		goto err;
	b = malloc((size_t)st.st_size);
	if (b == NULL)
		goto err;
	n = read_all(fd, b, (size_t)st.st_size);
	if (n == -1)
		goto err;
	errno = EBADMSG;
	if (n != st.st_size)
		goto err;
	close(fd);
	*buf = b;
	*len = (size_t)n;
	return 0;
err:
	save = errno;
	free(b);
	close(fd);
	errno = save;
	return -1;
}

int
keyfile_dir(int dirfd)
{
	return openat(
	    dirfd, "keys", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

uint64_t
keyfile_version(const char *name, enum keyfile_kind kind, unsigned int host)
{
	char prefix[KEYFILE_NAME_SIZE];
	uint64_t v = 0;
	size_t n;

	(void)snprintf(
	    prefix, sizeof(prefix), "%s.%u.", keyfile_names[kind], host);
	n = strlen(prefix);
	if (strncmp(name, prefix, n) != 0)
		return 0;
	name += n;
	if (*name == '0' || strlen(name) > 18)
		return 0;
	for (; *name >= '0' && *name <= '9'; name++)
		v = v * 10 + (uint64_t)(*name - '0');
	return *name == '\0' ? v : 0;
}

int
keyfile_parse(
    struct keyfile *kf, enum keyfile_kind kind, const struct seal_account *a)
{
	struct cursor c = {.p = kf->buf, .left = kf->len};
	const uint8_t *p;

	p = cursor_raw(&c, SEAL_MAGIC_LEN);
	if (p == NULL || memcmp(p, keyfile_magics[kind], SEAL_MAGIC_LEN) != 0)
		goto bad;
	if (cursor_u8(&c) != SEAL_SUITE || cursor_u8(&c) != SEAL_FORMAT)
		goto bad;
	kf->host = cursor_u8(&c);
	if (cursor_u8(&c) != 0 || kf->host >= KEYFILE_HOSTS)
		goto bad;
	kf->body_len = cursor_u32(&c);
	kf->version = cursor_u64(&c);
	p = cursor_raw(&c, SEAL_ID_LEN);
	if (p == NULL || memcmp(p, a->id, SEAL_ID_LEN) != 0)
		goto bad;
	(void)cursor_u64(&c); /* when it was written */
	kf->body = cursor_raw(&c, kf->body_len);
	if (kf->body == NULL || c.left != SEAL_SIGN_LEN)
		goto bad;
	if (crypto_sign_verify_detached(
		c.p, kf->buf, kf->len - SEAL_SIGN_LEN, a->sign_pk) != 0)
		goto bad;
	return 0;
bad:
	errno = EBADMSG;
	return -1;
}

/* The versions of a series, newest first; how many, or -1. */
static int
keyfile_list(
    int keys, enum keyfile_kind kind, unsigned int host, uint64_t *found)
{
	struct dirent *de;
	DIR *dir;
	uint64_t v;
	int fd, i, n = 0;

	fd = openat(keys, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	dir = fdopendir(fd);
	if (dir == NULL) {
		close(fd);
		return -1;
	}
	while ((de = readdir(dir)) != NULL) {
		v = keyfile_version(de->d_name, kind, host);
		if (v == 0)
			continue;
		if (n == VERSIONS_MAX && v < found[n - 1])
			continue;
		if (n < VERSIONS_MAX)
			n++;
		for (i = n - 1; i > 0 && found[i - 1] < v; i--)
			found[i] = found[i - 1];
		found[i] = v;
	}
	closedir(dir);
	return n;
}

/*
 * What was listed did not load: was it replaced meanwhile?  An older version is
 * overwritten and removed once the newer one is there, and a listing that is
 * made just then may show neither.
 */
static bool
keyfile_moved(int keys, enum keyfile_kind kind, unsigned int host,
    const uint64_t *found, int n)
{
	uint64_t again[VERSIONS_MAX];

	return keyfile_list(keys, kind, host, again) != n ||
	    memcmp(found, again, (size_t)n * sizeof(*found)) != 0;
}

int
keyfile_load_below(int dirfd, enum keyfile_kind kind,
    const struct seal_account *a, unsigned int host, uint64_t below,
    struct keyfile *kf)
{
	uint64_t found[VERSIONS_MAX];
	char name[KEYFILE_NAME_SIZE];
	int error = ENOENT, keys, n;

	memset(kf, 0, sizeof(*kf));
	keys = keyfile_dir(dirfd);
	if (keys == -1)
		return -1;
	n = keyfile_list(keys, kind, host, found);
	if (n == -1)
		error = errno;
	for (int i = 0; i < n; i++) {
		if (found[i] >= below)
			continue;
		(void)snprintf(name, sizeof(name), "%s.%u.%llu",
		    keyfile_names[kind], host, (unsigned long long)found[i]);
		if (keyfile_read(keys, name, KEYFILE_MAX, &kf->buf, &kf->len) ==
			0 &&
		    keyfile_parse(kf, kind, a) == 0 && kf->host == host &&
		    kf->version == found[i]) {
			close(keys);
			return 0;
		}
		error = EBADMSG;
		keyfile_clear(kf);
	}
	if (n != -1 && keyfile_moved(keys, kind, host, found, n))
		error = EAGAIN;
	close(keys);
	errno = error;
	return -1;
}

int
keyfile_load(int dirfd, enum keyfile_kind kind, const struct seal_account *a,
    unsigned int host, struct keyfile *kf)
{
	return keyfile_load_below(dirfd, kind, a, host, UINT64_MAX, kf);
}

void
keyfile_clear(struct keyfile *kf)
{
	freezero(kf->buf, kf->len);
	memset(kf, 0, sizeof(*kf));
}
