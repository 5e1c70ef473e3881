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
 * Writing key files, so that a crash leaves the old or the new one: tmp, sync,
 * read back and verified, rename, directory sync; then the older versions are
 * overwritten and unlinked.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ring_local.h"
#include "slot_local.h"

#define MODE_SECRET 0400
#define MODE_PUBLIC 0440

static int
write_all(int fd, const uint8_t *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, data, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
file_sync(
    int dirfd, const char *name, int mode, const uint8_t *data, size_t len)
{
	uint8_t *back;
	size_t back_len;
	int fd, ok, save;

	if (unlinkat(dirfd, name, 0) == -1 && errno != ENOENT)
		return -1;
	fd = openat(dirfd, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode);
	if (fd == -1)
		return -1;
	if (write_all(fd, data, len) == -1 || fsync(fd) == -1) {
		save = errno;
		close(fd);
		errno = save;
		return -1;
	}
	if (close(fd) == -1)
		return -1;
	if (keyfile_read(dirfd, name, len, &back, &back_len) == -1)
		return -1;
	ok = back_len == len && memcmp(back, data, len) == 0;
	freezero(back, back_len);
	if (!ok)
		errno = EIO;
	return ok ? 0 : -1;
}

int
file_write(int dirfd, const char *name, const char *tmp, int mode,
    const uint8_t *data, size_t len)
{
	int save;

	if (file_sync(dirfd, tmp, mode, data, len) == -1 ||
	    renameat(dirfd, tmp, dirfd, name) == -1) {
		save = errno;
		(void)unlinkat(dirfd, tmp, 0);
		errno = save;
		return -1;
	}
	return fsync(dirfd);
}

/*
 * Overwrites and unlinks.  Flash and copying file systems may keep the old
 * octets whatever is written, so a failure to overwrite is no failure.
 */
static int
file_destroy(int dirfd, const char *name)
{
	static const uint8_t zero[4096];
	struct stat st;
	off_t off;
	int fd;

	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd != -1) {
		(void)fchmod(fd, 0600);
		close(fd);
	}
	fd = openat(dirfd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd != -1) {
		if (fstat(fd, &st) == 0) {
			for (off = 0; off < st.st_size; off += sizeof(zero)) {
				if (write_all(fd, zero, sizeof(zero)) == -1)
					break;
			}
			(void)fsync(fd);
		}
		close(fd);
	}
	return unlinkat(dirfd, name, 0);
}

/* The names of a host's series in order of the directory; -1 on errors. */
static int
series_walk(int keys, enum keyfile_kind kind, unsigned int host,
    uint64_t newest, uint64_t *highest)
{
	struct dirent *de;
	uint64_t v;
	DIR *dir;
	int fd, ret = 0;

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
		if (v > *highest)
			*highest = v;
		if (v < newest && file_destroy(keys, de->d_name) == -1)
			ret = -1;
	}
	closedir(dir);
	return ret;
}

static void
keyfile_header(uint8_t h[KEYFILE_HEADER], enum keyfile_kind kind,
    const struct seal_account *a, unsigned int host, uint64_t version,
    size_t body_len)
{
	memset(h, 0, KEYFILE_HEADER);
	memcpy(h, keyfile_magics[kind], SEAL_MAGIC_LEN);
	h[8] = SEAL_SUITE;
	h[9] = SEAL_FORMAT;
	h[10] = (uint8_t)host;
	put_be32(h + 12, (uint32_t)body_len);
	put_be64(h + 16, version);
	memcpy(h + 24, a->id, SEAL_ID_LEN);
	put_be64(h + 40, (uint64_t)time(NULL));
}

/* Header and body are at buf; signs, writes, and removes what is older. */
static int
keyfile_put(int keys, enum keyfile_kind kind, const struct seal_ring *r,
    unsigned int host, uint64_t version, uint8_t *buf, size_t len, bool keep)
{
	char name[KEYFILE_NAME_SIZE], tmp[KEYFILE_NAME_SIZE];
	uint64_t highest = 0;
	struct keyfile kf;

	crypto_sign_detached(buf + len, NULL, buf, len, r->sign_sk);
	memset(&kf, 0, sizeof(kf));
	kf.buf = buf;
	kf.len = len + SEAL_SIGN_LEN;
	/* A key that does not belong to the account must not be stored. */
	if (keyfile_parse(&kf, kind, &r->account) == -1)
		return -1;
	(void)snprintf(name, sizeof(name), "%s.%u.%llu", keyfile_names[kind],
	    host, (unsigned long long)version);
	(void)snprintf(
	    tmp, sizeof(tmp), ".%s.%u.new", keyfile_names[kind], host);
	if (file_write(keys, name, tmp,
		kind == KEYFILE_DELIVERY ? MODE_PUBLIC : MODE_SECRET, buf,
		kf.len) == -1)
		return -1;
	if (keep)
		return 0;
	if (series_walk(keys, kind, host, version, &highest) == -1)
		return -1;
	return fsync(keys);
}

/* keys/ and the version to write; the descriptor. */
static int
keyfile_begin(
    int dirfd, enum keyfile_kind kind, unsigned int host, uint64_t *version)
{
	uint64_t highest = 0;
	int keys;

	if (host >= KEYFILE_HOSTS) {
		errno = EINVAL;
		return -1;
	}
	keys = keyfile_dir(dirfd);
	if (keys == -1)
		return -1;
	if (series_walk(keys, kind, host, 0, &highest) == -1) {
		close(keys);
		return -1;
	}
	*version = highest + 1;
	return keys;
}

static int
keyfile_end(int keys, uint8_t *buf, size_t size, int ret)
{
	int save;

	save = errno;
	close(keys);
	freezero(buf, size);
	errno = save;
	return ret;
}

int
seal_slots_save(int dirfd, const struct seal_ring *r, unsigned int host,
    const struct seal_slots *slots)
{
	uint64_t version;
	uint8_t *buf;
	size_t len, size;
	int keys, ret = -1;

	keys = keyfile_begin(dirfd, KEYFILE_SLOTS, host, &version);
	if (keys == -1)
		return -1;
	size = KEYFILE_HEADER + 2 + slots->n * SLOT_RECORD_MAX + SEAL_SIGN_LEN;
	buf = malloc(size);
	if (buf != NULL) {
		len = slots_encode(slots, buf + KEYFILE_HEADER,
		    size - KEYFILE_HEADER - SEAL_SIGN_LEN);
		keyfile_header(
		    buf, KEYFILE_SLOTS, &r->account, host, version, len);
		ret = keyfile_put(keys, KEYFILE_SLOTS, r, host, version, buf,
		    KEYFILE_HEADER + len, false);
	}
	return keyfile_end(keys, buf, size, ret);
}

/* What was encoded opens again and holds what the ring holds. */
static int
ring_verify(const struct seal_ring *r, const uint8_t *header,
    const uint8_t *body, size_t len)
{
	const struct ring_room none = {0, 0, 0};
	struct seal_ring *back;
	int ret;

	back = ring_new(&r->account, r->amk, &none);
	if (back == NULL)
		return -1;
	ret = ring_merge(&back, r->amk, header, body, len);
	if (ret == 0 &&
	    (back->nroots != r->nroots || back->ndelivery != r->ndelivery ||
		back->nearlier != r->nearlier || !back->have_sign)) {
		errno = EIO;
		ret = -1;
	}
	seal_ring_free(back);
	return ret;
}

/* keep: older versions stay; the caller removes them later. */
static int
ring_save(int dirfd, const struct seal_ring *r, unsigned int host, bool keep)
{
	uint64_t version;
	uint8_t *buf, *body = NULL;
	size_t len, size;
	int keys, ret = -1;

	keys = keyfile_begin(dirfd, KEYFILE_RING, host, &version);
	if (keys == -1)
		return -1;
	len = ring_encoded_len(r);
	size = KEYFILE_HEADER + len + SEAL_SIGN_LEN;
	buf = malloc(size);
	if (buf != NULL) {
		keyfile_header(
		    buf, KEYFILE_RING, &r->account, host, version, len);
		body = ring_encode(r, buf, &len);
	}
	if (body != NULL && ring_verify(r, buf, body, len) == 0) {
		memcpy(buf + KEYFILE_HEADER, body, len);
		ret = keyfile_put(keys, KEYFILE_RING, r, host, version, buf,
		    KEYFILE_HEADER + len, keep);
	}
	free(body);
	return keyfile_end(keys, buf, size, ret);
}

int
seal_ring_save(int dirfd, const struct seal_ring *r, unsigned int host)
{
	return ring_save(dirfd, r, host, false);
}

int
seal_delivery_save(int dirfd, const struct seal_ring *r, unsigned int host,
    const struct seal_delivery *d)
{
	const size_t len = KEYFILE_HEADER + 2 + DELIVERY_RECORD;
	const size_t size = len + SEAL_SIGN_LEN;
	uint64_t version;
	uint8_t *buf, *p;
	int keys, ret = -1;

	keys = keyfile_begin(dirfd, KEYFILE_DELIVERY, host, &version);
	if (keys == -1)
		return -1;
	buf = malloc(size);
	if (buf != NULL) {
		keyfile_header(buf, KEYFILE_DELIVERY, &r->account, host,
		    version, len - KEYFILE_HEADER);
		p = buf + KEYFILE_HEADER;
		put_be16(p, 1);
		memcpy(p + 2, d->keyid, SEAL_KEYID_LEN);
		memcpy(p + 2 + SEAL_KEYID_LEN, d->pk, SEAL_KEY_LEN);
		put_be64(p + 2 + SEAL_KEYID_LEN + SEAL_KEY_LEN,
		    (uint64_t)d->created);
		ret = keyfile_put(
		    keys, KEYFILE_DELIVERY, r, host, version, buf, len, false);
	}
	return keyfile_end(keys, buf, size, ret);
}

/* The version of host's that is in use; 0: none. */
static int
version_in_use(int dirfd, const struct seal_ring *r, enum keyfile_kind kind,
    unsigned int host, uint64_t *version)
{
	const struct ring_room none = {0, 0, 0};
	struct seal_ring *probe;
	struct keyfile kf;
	bool foreign;
	int n;

	*version = 0;
	if (kind == KEYFILE_RING) {
		probe = ring_new(&r->account, r->amk, &none);
		if (probe == NULL)
			return -1;
		n = ring_load_host(
		    &probe, r->amk, dirfd, host, version, &foreign);
		if (n != 1)
			*version = 0;
		seal_ring_free(probe);
		return n == -1 ? -1 : 0;
	}
	if (keyfile_load(dirfd, kind, &r->account, host, &kf) == -1)
		return errno == ENOENT ? 0 : -1;
	*version = kf.version;
	keyfile_clear(&kf);
	return 0;
}

int
seal_keys_tidy(int dirfd, const struct seal_ring *r, unsigned int host)
{
	static const enum keyfile_kind kinds[] = {
	    KEYFILE_SLOTS, KEYFILE_RING, KEYFILE_DELIVERY};
	uint64_t version, highest;
	int keys, ret = 0;

	keys = keyfile_dir(dirfd);
	if (keys == -1)
		return -1;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		highest = 0;
		if (version_in_use(dirfd, r, kinds[i], host, &version) == -1 ||
		    series_walk(keys, kinds[i], host, version, &highest) == -1)
			ret = -1;
	}
	return keyfile_end(keys, NULL, 0, ret);
}

int
seal_rekey_save(int dirfd, const struct seal_ring *r, unsigned int host,
    const struct seal_slots *slots)
{
	struct seal_delivery d;

	if (ring_save(dirfd, r, host, true) == -1 ||
	    seal_slots_save(dirfd, r, host, slots) == -1 ||
	    seal_ring_delivery(r, &d) == -1 ||
	    seal_delivery_save(dirfd, r, host, &d) == -1)
		return -1;
	return seal_keys_tidy(dirfd, r, host);
}
