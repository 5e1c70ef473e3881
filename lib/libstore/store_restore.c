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

/* Restore: a backup's copy becomes an account again. */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_copy.h"
#include "store_del.h"

#define PATH_SIZE 320
#define KEY_MAX (256 * 1024)
#define LINES_MAX 1024

struct restore {
	struct store_transfer *t;
	int from;
	struct copy_to to;
	struct seal_account account;
};

/* A directory that the account has by now, with its final mode. */
static int
give_dir(struct restore *r, const char *name, mode_t mode)
{
	int fd, result;

	fd = sys_open(r->to.dir, name, O_RDONLY | O_DIRECTORY);
	if (fd == -1)
		return -1;
	result = 0;
	if (r->to.own)
		result = fchown(fd, r->to.uid, r->to.gid);
	/* A change of owner may take the set-group-id bit away. */
	if (result == 0)
		result = fchmod(fd, mode);
	(void)close(fd);
	return result;
}

static int
give_layout(struct restore *r)
{
	static const struct {
		const char *name;
		mode_t mode;
	} dirs[] = {
	    {".", 02750},
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

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (give_dir(r, dirs[i].name, dirs[i].mode) == -1)
			return -1;
	}
	if (r->to.own &&
	    fchownat(r->to.dir, "lock", r->to.uid, r->to.gid,
		AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	return 0;
}

/* A small file as it is.  1: there is none, or it is too large. */
static int
put_small(struct restore *r, const char *path, mode_t mode, size_t max)
{
	uint8_t *p;
	ssize_t n;
	int result;

	p = malloc(max);
	if (p == NULL)
		return -1;
	n = sys_slurp(r->from, path, p, max);
	result = 1;
	if (n != -1) {
		result = copy_put(&r->to, path, mode, -1, p, (uint64_t)n);
		copy_step(r->t, (uint64_t)n);
	}
	free(p);
	return result;
}

static enum store_result
put_keys(struct restore *r)
{
	struct seal_keyfile k;
	unsigned int kinds;
	struct dirent *de;
	char path[PATH_SIZE];
	DIR *dir;
	int n;

	dir = copy_opendir(r->from, "keys");
	if (dir == NULL)
		return STORE_CORRUPT;
	for (n = 0, kinds = 0; n != -1 && (de = readdir(dir)) != NULL;) {
		if (seal_keyfile_name(de->d_name, &k) == -1)
			continue;
		(void)snprintf(path, sizeof(path), "keys/%s", de->d_name);
		if (seal_keyfile_check(r->from, &r->account, &k) == -1) {
			copy_failed(r->t, path, "not signed by the account");
			continue;
		}
		n = put_small(r, path, k.kind == 2 ? 0440 : 0400, KEY_MAX);
		kinds |= 1U << k.kind;
	}
	(void)closedir(dir);
	if (n == -1)
		return sys_result();
	return kinds == 7 ? STORE_OK : STORE_CORRUPT;
}

static int
put_log(struct restore *r)
{
	struct dirent *de;
	char path[PATH_SIZE];
	DIR *dir;
	int n;

	dir = copy_opendir(r->from, "log");
	if (dir == NULL)
		return errno == ENOENT ? 0 : -1;
	for (n = 0; n != -1 && (de = readdir(dir)) != NULL;) {
		if (de->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "log/%s", de->d_name);
		n = put_small(r, path, 0600, SEGMENT_MAX);
		if (n == 1)
			copy_failed(r->t, path, "cannot be read");
	}
	(void)closedir(dir);
	return n == -1 ? -1 : 0;
}

static int
put_messages(struct restore *r, const char *name, bool fans)
{
	uint8_t id[STORE_ID];
	char path[PATH_SIZE];
	struct dirent *de;
	DIR *dir;
	int n;

	dir = copy_opendir(r->from, name);
	if (dir == NULL)
		return errno == ENOENT ? 0 : -1;
	for (n = 0; n == 0 && (de = readdir(dir)) != NULL;) {
		(void)snprintf(path, sizeof(path), "%.8s/%s", name, de->d_name);
		if (fans && copy_fan(de->d_name)) {
			n = copy_mkdir(r->to.dir, path, 0700);
			if (n == 0)
				n = give_dir(r, path, 0700);
			if (n == 0)
				n = put_messages(r, path, false);
			continue;
		}
		if (blob_name_id(de->d_name, id) == -1)
			continue;
		switch (copy_message(&r->to, r->from, path, path, id)) {
		case COPY_FAILED:
			n = -1;
			break;
		case COPY_DONE:
			break;
		case COPY_GONE:
		case COPY_NOTHING:
		case COPY_BAD:
			copy_failed(
			    r->t, path, "does not verify; not restored");
			break;
		}
	}
	(void)closedir(dir);
	return n;
}

/*
 * They may name what the log of the copy still shows, or not cancel what it
 * has brought back: until the vault has looked, nobody executes them.
 */
static int
put_deletes(struct restore *r)
{
	int n;

	n = copy_deletes(&r->to, r->from, &r->account);
	if (n == 1)
		copy_failed(r->t, DEL_DIR, "cannot be read");
	if (n == -1 || !copy_exists(r->to.dir, DEL_DIR))
		return n == -1 ? -1 : 0;
	return give_dir(r, DEL_DIR, 0700);
}

static enum store_result
restore_all(struct restore *r)
{
	enum store_result result;

	if (give_layout(r) == -1 ||
	    put_small(r, "account", 0440, SEAL_ACCOUNT_LEN) == -1 ||
	    put_small(r, "limits", 0440, LINES_MAX) == -1 ||
	    put_small(r, "quota", 0440, LINES_MAX) == -1 ||
	    put_small(r, "settings", 0440, LINES_MAX) == -1)
		return sys_result();
	result = put_keys(r);
	if (result != STORE_OK)
		return result;
	if (put_log(r) == -1 || put_messages(r, "blob", true) == -1 ||
	    put_messages(r, "in", false) == -1 || put_deletes(r) == -1 ||
	    copy_put(&r->to, RESTORED_MARK, 0600, -1, "", 0) == -1)
		return sys_result();
	return sys_syncfs(r->to.dir) == -1 ? STORE_IO : STORE_OK;
}

enum store_result
store_restore(
    int from, int acctfd, uid_t uid, gid_t gid, struct store_transfer *t)
{
	struct restore r;

	memset(&r, 0, sizeof(r));
	r.t = t;
	r.from = from;
	r.to.t = t;
	r.to.dir = acctfd;
	r.to.own = geteuid() == 0;
	r.to.uid = uid;
	r.to.gid = gid;
	r.to.sync_each = sys_syncfs(acctfd) == 1;
	if (seal_account_load(from, &r.account) == -1)
		return STORE_CORRUPT;
	return restore_all(&r);
}
