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
 * What merging two copies of an account would find, as far as it can be told
 * without a key: whether they are of one account, which segments, blobs and
 * key files either lacks, and whether each series of the log is in one copy
 * the beginning of what it is in the other.
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

#include "store_compare.h"
#include "store_keyless.h"

#define ACCOUNT_SIZE 4096 /* octets of the file account, with room */
#define KEYS_SIZE 65536   /* of a file in keys/ */

static void
lack(struct store_compare *c, const char *name, bool first)
{
	c->lacks++;
	c->tell(c->arg, name,
	    first ? "only the first has it" : "only the second has it");
}

static void
conflict(struct store_compare *c, const char *name, const char *what)
{
	c->conflicts++;
	c->tell(c->arg, name, what);
}

/* Both have the segment: is one the beginning of the other? */
static int
compare_segment(
    struct store_compare *c, const int log[2], const struct segment_name *name)
{
	struct segment s[2];
	char text[64], what[120];
	size_t both, i;
	int r;

	memset(s, 0, sizeof(s));
	segment_print(name, text, sizeof(text));
	for (i = 0, r = 0; i < 2; i++) {
		segment_read(log[i], name, NULL, &s[i]);
		if (s[i].state == SEGMENT_IO)
			r = -1;
	}
	both = s[0].end < s[1].end ? s[0].end : s[1].end;
	if (r == 0 &&
	    (s[0].state >= SEGMENT_DAMAGED || s[1].state >= SEGMENT_DAMAGED))
		conflict(c, text, "is damaged in one of them");
	else if (r == 0 && memcmp(s[0].data, s[1].data, both) != 0)
		conflict(c, text,
		    "was written in two ways: an old copy was "
		    "written to");
	else if (r == 0 && s[0].last_seq != s[1].last_seq) {
		(void)snprintf(what, sizeof(what),
		    "ends with frame %llu and %llu",
		    (unsigned long long)s[0].last_seq,
		    (unsigned long long)s[1].last_seq);
		c->lacks++;
		c->tell(c->arg, text, what);
	}
	free(s[0].data);
	free(s[1].data);
	return r;
}

static int
name_cmp(const struct segment_name *a, const struct segment_name *b)
{
	int r;

	r = memcmp(a->writer, b->writer, WRITER_LEN);
	if (r != 0)
		return r;
	return a->seg < b->seg ? -1 : a->seg > b->seg;
}

static int
compare_lists(struct store_compare *c, const int log[2],
    struct segment_name *const list[2], const size_t n[2])
{
	char text[64];
	size_t i, j;
	int r, order;

	for (i = j = 0, r = 0; r == 0 && (i < n[0] || j < n[1]);) {
		order = i == n[0] ? 1 :
		    j == n[1]     ? -1 :
				    name_cmp(&list[0][i], &list[1][j]);
		if (order == 0) {
			r = compare_segment(c, log, &list[0][i]);
			i++;
			j++;
			continue;
		}
		segment_print(order < 0 ? &list[0][i++] : &list[1][j++], text,
		    sizeof(text));
		lack(c, text, order < 0);
	}
	return r;
}

static int
compare_logs(struct store_compare *c, const int acct[2])
{
	struct segment_name *list[2] = {NULL, NULL};
	size_t n[2] = {0, 0};
	int log[2], i, r;

	for (i = 0, r = 0; i < 2; i++) {
		log[i] = sys_open(acct[i], "log", O_RDONLY | O_DIRECTORY);
		if (log[i] == -1 || segment_list(log[i], &list[i], &n[i]) == -1)
			r = -1;
	}
	if (r == 0)
		r = compare_lists(c, log, list, n);
	for (i = 0; i < 2; i++) {
		free(list[i]);
		if (log[i] != -1)
			(void)close(log[i]);
	}
	return r;
}

static bool
blob_has(int acct, const char *id)
{
	static const char *const where[] = {
	    "blob/%.32s", "in/%.32s", "trash/%.32s"};
	char path[BLOB_NAME_SIZE];
	struct stat sb;
	size_t i;

	for (i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		(void)snprintf(path, sizeof(path), where[i], id);
		if (fstatat(acct, path, &sb, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	}
	(void)snprintf(path, sizeof(path), "blob/%.2s/%.32s", id, id);
	return fstatat(acct, path, &sb, AT_SYMLINK_NOFOLLOW) == 0;
}

static DIR *
open_dir(int acct, const char *name)
{
	DIR *dir;
	int fd;

	fd = sys_open(acct, name, O_RDONLY | O_DIRECTORY);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL && fd != -1)
		(void)close(fd);
	return dir;
}

/* Blobs of one folder that the other copy has nowhere. */
static int
compare_blobs(
    struct store_compare *c, int has, int other, const char *name, bool first)
{
	uint8_t id[STORE_ID];
	char text[BLOB_NAME_SIZE];
	struct dirent *de;
	DIR *dir;

	dir = open_dir(has, name);
	if (dir == NULL)
		return errno == ENOENT ? 0 : -1;
	while ((de = readdir(dir)) != NULL) {
		if (blob_name_id(de->d_name, id) == -1 ||
		    blob_has(other, de->d_name))
			continue;
		(void)snprintf(
		    text, sizeof(text), "%.8s/%.32s", name, de->d_name);
		lack(c, text, first);
	}
	(void)closedir(dir);
	return 0;
}

static int
compare_all_blobs(struct store_compare *c, int has, int other, bool first)
{
	char fan[16];
	unsigned int i;
	int r;

	r = compare_blobs(c, has, other, "blob", first);
	if (r == 0)
		r = compare_blobs(c, has, other, "in", first);
	for (i = 0; r == 0 && i < 256; i++) {
		(void)snprintf(fan, sizeof(fan), "blob/%02x", i);
		r = compare_blobs(c, has, other, fan, first);
	}
	return r;
}

static int
compare_keys(struct store_compare *c, int has, int other, bool first)
{
	static uint8_t one[KEYS_SIZE], two[KEYS_SIZE];
	char text[80];
	struct dirent *de;
	ssize_t n, m;
	DIR *dir;

	dir = open_dir(has, "keys");
	if (dir == NULL)
		return -1;
	while ((de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		(void)snprintf(text, sizeof(text), "keys/%.64s", de->d_name);
		n = sys_slurp(has, text, one, sizeof(one));
		m = sys_slurp(other, text, two, sizeof(two));
		if (m == -1 && errno == ENOENT)
			lack(c, text, first);
		else if (first &&
		    (n == -1 || n != m || memcmp(one, two, (size_t)n) != 0))
			conflict(c, text, "is not the same in both");
	}
	(void)closedir(dir);
	return 0;
}

enum store_result
store_compare(int first, int second, struct store_compare *c)
{
	static uint8_t one[ACCOUNT_SIZE], two[ACCOUNT_SIZE];
	const int acct[2] = {first, second};
	ssize_t n, m;

	c->lacks = c->conflicts = 0;
	n = sys_slurp(first, "account", one, sizeof(one));
	m = sys_slurp(second, "account", two, sizeof(two));
	if (n == -1 || m == -1)
		return STORE_IO;
	if (n != m || memcmp(one, two, (size_t)n) != 0) {
		conflict(c, "account", "they are two accounts");
		return STORE_OK;
	}
	if (compare_keys(c, first, second, true) == -1 ||
	    compare_keys(c, second, first, false) == -1 ||
	    compare_logs(c, acct) == -1 ||
	    compare_all_blobs(c, first, second, true) == -1 ||
	    compare_all_blobs(c, second, first, false) == -1)
		return STORE_IO;
	return STORE_OK;
}
