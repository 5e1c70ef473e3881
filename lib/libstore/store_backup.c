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
 * Backup.  Messages move from in/ to blob/ to trash/ and never back, and what
 * a log names was durable before it.  So: in/ first; then the log; then in/,
 * blob/ and trash/, in which all that the log names is met; then the keys,
 * which open all of it.  Everything new is staged in .part, synced, and only
 * then takes its place, the log last.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store_copy.h"
#include "store_del.h"

#define PART ".part"
#define TRIES 20            /* at files that change under the reader */
#define PAUSE_NS 200000000L /* between two */
#define PATH_SIZE 320
#define KEY_MAX (256 * 1024) /* octets of a key file */
#define KEYS_MAX 64          /* key files of an account */
#define LINES_MAX 1024       /* octets of limits, of quota */

struct backup {
	struct store_transfer *t;
	int from;
	int to;
	struct copy_to part;
	struct seal_account account;
	time_t logged;    /* when the log was copied */
	bool log_staged;  /* it is in .part, whole */
	uint8_t *drained; /* ids in the copy's in/ that the account's lacks */
	size_t ndrained;
	struct seal_keyfile keys[KEYS_MAX]; /* that the copy shall have */
	size_t nkeys;
};

static void
pause_short(void)
{
	struct timespec ts = {0, PAUSE_NS};

	(void)nanosleep(&ts, NULL);
}

static bool
dots(const char *name)
{
	return name[0] == '.';
}

static enum store_result
prepare(struct backup *b)
{
	static const char *const dirs[] = {"keys", "in", "blob", "log", "trash",
	    PART, PART "/keys", PART "/in", PART "/blob", PART "/log"};
	struct seal_account there;
	uint8_t raw[SEAL_ACCOUNT_LEN];
	size_t i;

	if (sys_slurp(b->from, "account", raw, sizeof(raw)) != sizeof(raw) ||
	    seal_account_parse(raw, sizeof(raw), &b->account) == -1)
		return STORE_CORRUPT;
	if (seal_account_load(b->to, &there) == 0) {
		if (memcmp(&there, &b->account, sizeof(there)) != 0)
			return STORE_EXISTS;
	} else if (sys_replace(b->to, "account", 0400, raw, sizeof(raw)) == -1)
		return sys_result();
	if (path_remove_tree(b->to, PART) == -1)
		return sys_result();
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (copy_mkdir(b->to, dirs[i], 0700) == -1)
			return sys_result();
	}
	b->part.t = b->t;
	b->part.dir = sys_open(b->to, PART, O_RDONLY | O_DIRECTORY);
	b->part.sync_each = sys_syncfs(b->to) == 1;
	return b->part.dir == -1 ? STORE_IO : STORE_OK;
}

/* Before the log is copied: it then knows what became of them. */
static int
list_drained(struct backup *b)
{
	uint8_t id[STORE_ID], *p;
	char path[PATH_SIZE];
	struct dirent *de;
	DIR *dir;

	dir = copy_opendir(b->to, "in");
	if (dir == NULL)
		return -1;
	while ((de = readdir(dir)) != NULL) {
		(void)snprintf(path, sizeof(path), "in/%s", de->d_name);
		if (blob_name_id(de->d_name, id) == -1 ||
		    copy_exists(b->from, path))
			continue;
		p = reallocarray(b->drained, b->ndrained + 1, STORE_ID);
		if (p == NULL) {
			(void)closedir(dir);
			return -1;
		}
		b->drained = p;
		memcpy(p + b->ndrained++ * STORE_ID, id, STORE_ID);
	}
	(void)closedir(dir);
	return 0;
}

/* A message, unless the copy has it.  -1: it could not be written. */
static int
take_message(
    struct backup *b, const char *name, const char *to, const uint8_t *id)
{
	char fan[16], drained[PATH_SIZE], hex[ID_HEX];
	struct stat sb;

	if (copy_exists(b->part.dir, to))
		return 0;
	if (copy_same_message(b->from, name, b->to, to)) {
		/* What waits is looked for twice, and counted once. */
		if (strncmp(to, "in/", 3) == 0 && b->logged != 0)
			return 0;
		b->t->kept++;
		if (fstatat(b->to, to, &sb, AT_SYMLINK_NOFOLLOW) == 0)
			copy_step(b->t, (uint64_t)sb.st_size);
		return 0;
	}
	if (strncmp(to, "blob/", 5) == 0 && strlen(to) > 8 && to[7] == '/') {
		(void)snprintf(fan, sizeof(fan), "%.7s", to);
		if (copy_mkdir(b->part.dir, fan, 0700) == -1)
			return -1;
	}
	/* The copy may have it from when it waited in in/. */
	seal_hex(id, STORE_ID, hex);
	(void)snprintf(drained, sizeof(drained), "in/%s", hex);
	if (copy_same_message(b->from, name, b->to, drained) &&
	    linkat(b->to, drained, b->part.dir, to, 0) == 0) {
		b->t->kept++;
		return 0;
	}
	switch (copy_message(&b->part, b->from, name, to, id)) {
	case COPY_BAD:
		copy_failed(b->t, name, "does not verify; not copied");
		(void)sys()->unlink(b->part.dir, to, 0);
		return 0;
	case COPY_FAILED:
		return -1;
	case COPY_DONE:
	case COPY_GONE:
	case COPY_NOTHING:
		return 0;
	}
	return 0;
}

static int
take_dir(struct backup *b, const char *name, bool fans)
{
	uint8_t id[STORE_ID];
	char path[PATH_SIZE];
	struct dirent *de;
	DIR *dir;
	int r;

	dir = copy_opendir(b->from, name);
	if (dir == NULL)
		return -1;
	for (r = 0; r == 0 && (de = readdir(dir)) != NULL;) {
		(void)snprintf(path, sizeof(path), "%.8s/%s", name, de->d_name);
		if (blob_name_id(de->d_name, id) == 0)
			r = take_message(b, path, path, id);
		else if (fans && copy_fan(de->d_name))
			r = take_dir(b, path, false);
	}
	(void)closedir(dir);
	return r;
}

/* What went to trash/ after the log was copied: the log may name it. */
static int
take_trash(struct backup *b)
{
	uint8_t id[STORE_ID];
	char path[PATH_SIZE], flat[PATH_SIZE], fan[PATH_SIZE];
	struct dirent *de;
	struct stat sb;
	DIR *dir;
	int r;

	dir = copy_opendir(b->from, "trash");
	if (dir == NULL)
		return errno == ENOENT ? 0 : -1;
	for (r = 0; r == 0 && (de = readdir(dir)) != NULL;) {
		if (blob_name_id(de->d_name, id) == -1 ||
		    fstatat(dirfd(dir), de->d_name, &sb, AT_SYMLINK_NOFOLLOW) ==
			-1 ||
		    sb.st_ctime < b->logged)
			continue;
		(void)snprintf(path, sizeof(path), "trash/%s", de->d_name);
		(void)snprintf(flat, sizeof(flat), "blob/%s", de->d_name);
		(void)snprintf(
		    fan, sizeof(fan), "blob/%.2s/%s", de->d_name, de->d_name);
		if (!copy_exists(b->to, fan) && !copy_exists(b->part.dir, fan))
			r = take_message(b, path, flat, id);
	}
	(void)closedir(dir);
	return r;
}

/* Is the copy's segment the frames of the account's? */
static bool
same_segment(struct backup *b, const char *file, const struct segment *s)
{
	char path[PATH_SIZE];
	uint8_t *p;
	bool same;

	(void)snprintf(path, sizeof(path), "log/%s", file);
	p = malloc(s->end + 1);
	same = p != NULL &&
	    sys_slurp(b->to, path, p, s->end + 1) == (ssize_t)s->end &&
	    memcmp(p, s->data, s->end) == 0;
	free(p);
	return same;
}

/* 1: a segment has gone, or has a fault. */
static int
stage_segment(
    struct backup *b, int logfd, const struct segment_name *name, bool last)
{
	char file[64], path[PATH_SIZE];
	struct segment s;
	int r;

	segment_read(logfd, name, b->account.id, &s);
	r = 1;
	if (s.state == SEGMENT_GOOD || (s.state == SEGMENT_TORN && last)) {
		segment_print(name, file, sizeof(file));
		(void)snprintf(path, sizeof(path), "log/%s", file);
		if (same_segment(b, file, &s) &&
		    linkat(b->to, path, b->part.dir, path, 0) == 0) {
			b->t->kept++;
			r = 0;
		} else
			r = copy_put(&b->part, path, 0400, -1, s.data, s.end);
	}
	free(s.data);
	return r;
}

static void
note_fault(void *arg, const char *file, const char *what)
{
	bool *any = arg;

	(void)file;
	(void)what;
	*any = true;
}

static int
clear_stage(struct backup *b, const char *name)
{
	if (path_remove_tree(b->part.dir, name) == -1)
		return -1;
	return copy_mkdir(b->part.dir, name, 0700);
}

/* Whole frames of all segments, which follow each other.  1: try again. */
static int
stage_log_once(struct backup *b, int logfd)
{
	struct segment_name *list;
	uint64_t files, octets;
	bool fault, last;
	size_t i, n;
	int staged, r;

	if (clear_stage(b, "log") == -1 || segment_list(logfd, &list, &n) == -1)
		return -1;
	for (i = 0, r = 0; r == 0 && i < n; i++) {
		last = i + 1 == n ||
		    memcmp(list[i].writer, list[i + 1].writer, WRITER_LEN) != 0;
		r = stage_segment(b, logfd, &list[i], last);
	}
	free(list);
	if (r != 0)
		return r;
	staged = sys_open(b->part.dir, "log", O_RDONLY | O_DIRECTORY);
	if (staged == -1)
		return -1;
	fault = false;
	r = log_check(
	    staged, b->account.id, note_fault, &fault, &files, &octets);
	(void)close(staged);
	return r == 0 && fault ? 1 : r;
}

static int
stage_log(struct backup *b)
{
	uint64_t copied, kept, octets;
	int i, logfd, r;

	logfd = sys_open(b->from, "log", O_RDONLY | O_DIRECTORY);
	if (logfd == -1)
		return -1;
	copied = b->t->copied;
	kept = b->t->kept;
	octets = b->t->octets;
	for (i = 0, r = 1; r == 1 && i < TRIES; i++) {
		if (i > 0)
			pause_short();
		b->t->copied = copied;
		b->t->kept = kept;
		b->t->octets = octets;
		b->logged = time(NULL);
		r = stage_log_once(b, logfd);
	}
	(void)close(logfd);
	copy_step(b->t, b->t->octets - octets);
	if (r != 1) {
		b->log_staged = r == 0;
		return r;
	}
	copy_failed(b->t, "log",
	    "damaged; the copy keeps the log it has (sealctl verify)");
	b->log_staged = false;
	b->t->copied = copied;
	b->t->octets = octets;
	return clear_stage(b, "log");
}

/* One key file.  1: gone or being replaced. */
static int
stage_key(struct backup *b, const char *name, const struct seal_keyfile *k)
{
	static uint8_t now[KEY_MAX], there[KEY_MAX];
	char path[PATH_SIZE];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "keys/%s", name);
	n = sys_slurp(b->from, path, now, sizeof(now));
	if (n == -1)
		return 1;
	if (sys_slurp(b->to, path, there, sizeof(there)) == n &&
	    memcmp(now, there, (size_t)n) == 0) {
		b->t->kept++;
		return 0;
	}
	if (copy_put(&b->part, path, 0400, -1, now, (uint64_t)n) == -1)
		return -1;
	return seal_keyfile_check(b->part.dir, &b->account, k) == 0 ? 0 : 1;
}

static int
key_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct seal_keyfile));
}

static int
stage_keys_once(struct backup *b)
{
	struct seal_keyfile *k;
	struct dirent *de;
	DIR *dir;
	int r;

	if (clear_stage(b, "keys") == -1)
		return -1;
	dir = copy_opendir(b->from, "keys");
	if (dir == NULL)
		return -1;
	memset(b->keys, 0, sizeof(b->keys));
	b->nkeys = 0;
	for (r = 0; r == 0 && (de = readdir(dir)) != NULL;) {
		k = &b->keys[b->nkeys];
		if (b->nkeys == KEYS_MAX ||
		    seal_keyfile_name(de->d_name, k) == -1)
			continue;
		b->nkeys++;
		r = stage_key(b, de->d_name, k);
	}
	(void)closedir(dir);
	qsort(b->keys, b->nkeys, sizeof(b->keys[0]), key_cmp);
	return r;
}

/*
 * Two passes must see the same files: then all of them were there together,
 * and slots lead to the ring that is copied with them.
 */
static int
stage_keys(struct backup *b)
{
	static struct seal_keyfile before[KEYS_MAX];
	uint64_t copied, kept;
	int i, r;

	copied = b->t->copied;
	kept = b->t->kept;
	memset(before, 0, sizeof(before));
	for (i = 0; i < TRIES; i++) {
		b->t->copied = copied;
		b->t->kept = kept;
		r = stage_keys_once(b);
		if (r == -1)
			return -1;
		if (r == 0 && i > 0 &&
		    memcmp(before, b->keys, sizeof(before)) == 0)
			return 0;
		memcpy(before, b->keys, sizeof(before));
		if (r == 1)
			pause_short();
	}
	copy_failed(b->t, "keys",
	    "a file does not verify; the copy keeps the keys it has");
	b->nkeys = 0;
	return clear_stage(b, "keys");
}

/* limits and quota, where they changed. */
static int
copy_lines(struct backup *b, const char *name)
{
	char now[LINES_MAX], there[LINES_MAX];
	ssize_t n;

	n = sys_slurp(b->from, name, now, sizeof(now));
	if (n == -1) {
		if (errno == ENOENT && sys()->unlink(b->to, name, 0) == -1 &&
		    errno != ENOENT)
			return -1;
		return 0;
	}
	if (sys_slurp(b->to, name, there, sizeof(there)) == n &&
	    memcmp(now, there, (size_t)n) == 0)
		return 0;
	return sys_replace(b->to, name, 0400, now, (size_t)n);
}

/* Everything staged in a directory takes its place. */
static int
place_dir(struct backup *b, const char *name)
{
	char path[PATH_SIZE];
	struct dirent *de;
	unsigned int n;
	DIR *dir;
	int r;

	dir = copy_opendir(b->part.dir, name);
	if (dir == NULL)
		return -1;
	r = 0;
	do {
		rewinddir(dir);
		for (n = 0; r == 0 && (de = readdir(dir)) != NULL;) {
			if (dots(de->d_name) || copy_fan(de->d_name))
				continue;
			(void)snprintf(
			    path, sizeof(path), "%.8s/%s", name, de->d_name);
			r = sys()->rename(b->part.dir, path, b->to, path);
			n++;
		}
	} while (r == 0 && n > 0);
	(void)closedir(dir);
	return r == 0 ? sys_sync_dir(b->to, name) : -1;
}

static int
place_blobs(struct backup *b)
{
	char path[PATH_SIZE];
	struct dirent *de;
	DIR *dir;
	int r;

	if (place_dir(b, "blob") == -1)
		return -1;
	dir = copy_opendir(b->part.dir, "blob");
	if (dir == NULL)
		return -1;
	for (r = 0; r == 0 && (de = readdir(dir)) != NULL;) {
		if (!copy_fan(de->d_name))
			continue;
		(void)snprintf(path, sizeof(path), "blob/%.2s", de->d_name);
		r = copy_mkdir(b->to, path, 0700);
		if (r == 0)
			r = place_dir(b, path);
	}
	(void)closedir(dir);
	return r == 0 ? sys_sync_dir(b->to, "blob") : -1;
}

/* In order, so that what a crash leaves is a log that ended earlier. */
static int
place_log(struct backup *b)
{
	struct segment_name *list;
	char file[64], path[PATH_SIZE];
	size_t i, n;
	int fd, r;

	fd = sys_open(b->part.dir, "log", O_RDONLY | O_DIRECTORY);
	if (fd == -1)
		return -1;
	r = segment_list(fd, &list, &n);
	(void)close(fd);
	for (i = 0; r == 0 && i < n; i++) {
		segment_print(&list[i], file, sizeof(file));
		(void)snprintf(path, sizeof(path), "log/%s", file);
		r = sys()->rename(b->part.dir, path, b->to, path);
		if (r == 0)
			r = sys_sync_dir(b->to, "log");
	}
	if (r == 0)
		free(list);
	return r;
}

/* Key files that were replaced when the keys were copied. */
static int
drop_keys(struct backup *b)
{
	struct seal_keyfile k;
	struct dirent *de;
	DIR *dir;
	int r;

	if (b->nkeys == 0)
		return 0;
	dir = copy_opendir(b->to, "keys");
	if (dir == NULL)
		return -1;
	for (r = 0; r == 0 && (de = readdir(dir)) != NULL;) {
		memset(&k, 0, sizeof(k));
		if (seal_keyfile_name(de->d_name, &k) == 0 &&
		    bsearch(&k, b->keys, b->nkeys, sizeof(k), key_cmp) == NULL)
			r = sys()->unlink(dirfd(dir), de->d_name, 0);
	}
	(void)closedir(dir);
	return r;
}

/* Segments that a checkpoint has made needless when the log was copied. */
static int
drop_segments(struct backup *b, const struct segment_name *keep, size_t n)
{
	struct segment_name *list;
	char file[64], path[PATH_SIZE];
	size_t i, k, m;
	int fd, r;

	fd = sys_open(b->to, "log", O_RDONLY | O_DIRECTORY);
	if (fd == -1)
		return -1;
	r = segment_list(fd, &list, &m);
	(void)close(fd);
	if (r == -1)
		return -1;
	for (i = 0; r == 0 && i < m; i++) {
		for (k = 0; k < n; k++) {
			if (memcmp(&keep[k], &list[i], sizeof(*keep)) == 0)
				break;
		}
		if (k < n)
			continue;
		segment_print(&list[i], file, sizeof(file));
		(void)snprintf(path, sizeof(path), "log/%s", file);
		r = sys()->unlink(b->to, path, 0);
	}
	free(list);
	return r;
}

static int
drop_drained(struct backup *b)
{
	char id[ID_HEX], path[PATH_SIZE];
	size_t i;

	for (i = 0; i < b->ndrained; i++) {
		seal_hex(b->drained + i * STORE_ID, STORE_ID, id);
		(void)snprintf(path, sizeof(path), "in/%s", id);
		if (sys()->unlink(b->to, path, 0) == -1 && errno != ENOENT)
			return -1;
	}
	return 0;
}

/* Does the account still have it, or had it when the log was copied? */
static bool
blob_lives(struct backup *b, const char *path, const char *id)
{
	char other[PATH_SIZE];
	struct stat sb;

	if (copy_exists(b->from, path))
		return true;
	(void)snprintf(other, sizeof(other), "in/%s", id);
	if (copy_exists(b->from, other))
		return true;
	(void)snprintf(other, sizeof(other), "trash/%s", id);
	return fstatat(b->from, other, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	    sb.st_ctime >= b->logged;
}

static int
retire_blobs(struct backup *b, const char *name, bool fans)
{
	uint8_t id[STORE_ID];
	char path[PATH_SIZE], trash[PATH_SIZE];
	struct dirent *de;
	DIR *dir;
	int r;

	dir = copy_opendir(b->to, name);
	if (dir == NULL)
		return -1;
	for (r = 0; r == 0 && (de = readdir(dir)) != NULL;) {
		(void)snprintf(path, sizeof(path), "%.8s/%s", name, de->d_name);
		if (fans && copy_fan(de->d_name)) {
			r = retire_blobs(b, path, false);
			continue;
		}
		if (blob_name_id(de->d_name, id) == -1 ||
		    blob_lives(b, path, de->d_name))
			continue;
		(void)snprintf(trash, sizeof(trash), "trash/%s", de->d_name);
		r = sys()->rename(b->to, path, b->to, trash);
	}
	(void)closedir(dir);
	return r;
}

static int
empty_trash(struct backup *b)
{
	struct dirent *de;
	struct stat sb;
	time_t now;
	DIR *dir;
	int r;

	dir = copy_opendir(b->to, "trash");
	if (dir == NULL)
		return -1;
	now = time(NULL);
	for (r = 0; r == 0 && (de = readdir(dir)) != NULL;) {
		if (dots(de->d_name) ||
		    fstatat(dirfd(dir), de->d_name, &sb, AT_SYMLINK_NOFOLLOW) ==
			-1 ||
		    sb.st_ctime > now || now - sb.st_ctime < STORE_GRACE)
			continue;
		r = sys()->unlink(dirfd(dir), de->d_name, 0);
	}
	(void)closedir(dir);
	return r;
}

/* Before the log is copied or after it: see restore. */
static int
stage_deletes(struct backup *b)
{
	uint64_t copied, octets, failures;
	int i, r;

	copied = b->t->copied;
	octets = b->t->octets;
	failures = b->t->failures;
	for (i = 0, r = 1; r == 1 && i < TRIES; i++) {
		if (i > 0)
			pause_short();
		b->t->copied = copied;
		b->t->octets = octets;
		b->t->failures = failures;
		r = copy_deletes(&b->part, b->from, &b->account);
	}
	/* As limits and quota, they are neither new nor kept. */
	b->t->copied = copied;
	b->t->octets = octets;
	if (r != 1)
		return r;
	copy_failed(b->t, DEL_DIR, "changes all the time; try again");
	return path_remove_tree(b->part.dir, DEL_DIR);
}

/* All lists at once: a series in which one is missing says nothing. */
static int
place_deletes(struct backup *b)
{
	if (!copy_exists(b->part.dir, DEL_DIR))
		return 0;
	if (path_remove_tree(b->to, DEL_DIR) == -1 ||
	    sys_sync_dir(b->part.dir, DEL_DIR) == -1 ||
	    sys()->rename(b->part.dir, DEL_DIR, b->to, DEL_DIR) == -1)
		return -1;
	return sys_sync_dir(b->to, ".");
}

static int
stage_all(struct backup *b)
{
	if (list_drained(b) == -1 || take_dir(b, "in", false) == -1)
		return -1;
	if (stage_log(b) == -1)
		return -1;
	if (take_dir(b, "in", false) == -1 || take_dir(b, "blob", true) == -1 ||
	    take_trash(b) == -1)
		return -1;
	return stage_deletes(b) == -1 ? -1 : stage_keys(b);
}

static int
place_all(struct backup *b)
{
	struct segment_name *list = NULL;
	size_t n = 0;
	int fd, r;

	/* Without syncfs(2) each file was synced when it was written. */
	if (!b->part.sync_each && sys_syncfs(b->to) == -1)
		return -1;
	if (place_dir(b, "keys") == -1 || place_blobs(b) == -1 ||
	    place_dir(b, "in") == -1)
		return -1;
	if (b->log_staged) {
		fd = sys_open(b->part.dir, "log", O_RDONLY | O_DIRECTORY);
		if (fd == -1)
			return -1;
		r = segment_list(fd, &list, &n);
		(void)close(fd);
		if (r == 0)
			r = place_log(b);
		if (r == 0)
			r = drop_segments(b, list, n);
		free(list);
		if (r == -1)
			return -1;
	}
	if (place_deletes(b) == -1 || drop_keys(b) == -1 ||
	    drop_drained(b) == -1 || retire_blobs(b, "blob", true) == -1 ||
	    empty_trash(b) == -1 || copy_lines(b, "limits") == -1 ||
	    copy_lines(b, "quota") == -1 || copy_lines(b, "settings") == -1)
		return -1;
	return path_remove_tree(b->to, PART);
}

enum store_result
store_backup(int acctfd, int to, struct store_transfer *t)
{
	enum store_result result;
	struct backup b;

	memset(&b, 0, sizeof(b));
	b.t = t;
	b.from = acctfd;
	b.to = to;
	b.part.dir = -1;
	result = prepare(&b);
	if (result == STORE_OK && (stage_all(&b) == -1 || place_all(&b) == -1))
		result = errno == ENOENT ? STORE_IO : sys_result();
	if (b.part.dir != -1)
		(void)close(b.part.dir);
	free(b.drained);
	return result;
}
