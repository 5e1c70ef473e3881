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
 * Verifying an account without keys.  A file that is found bad is looked at a
 * second time, until it does not change between two looks: beside a running
 * suite files grow, move and go.
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

#include "store_del.h"
#include "store_keyless.h"

#define LOOKS_MAX 20          /* at a file that changes all the time */
#define PAUSE_NS 200000000L   /* before the next look */
#define SETTLED 10            /* seconds after which a file does not change */
#define UNFINISHED_FRESH 3600 /* seconds that a delivery may take */
#define FAULTS_MAX 16         /* of one pass over a log */

#define ADVISE_COPY "copy the file from a backup"
#define ADVISE_LOG \
	"sealctl rebuild keeps the mail; a backup has the folders too"
#define ADVISE_ACCOUNT "sealctl restore it from a backup"
#define ADVISE_STRAY "no part of the account: move it away"
#define ADVISE_MODE "chmod it: others can read or write what they must not"
#define ADVISE_OWNER "chown it to the owner of the account's directory"

struct verify {
	struct store_check *check;
	int acct;
	struct stat top; /* of the account's directory */
	struct seal_account account;
	bool known;    /* account is valid */
	bool blobs;    /* there is a message in blob/ */
	bool in_trash; /* is what is looked at */
	bool newest[3][2];
	struct { /* the last file found bad */
		struct stat sb;
		char what[128];
	} look;
};

/* What lies in an account's directory. */
enum part {
	PART_FILE,
	PART_KEYS,
	PART_IN,
	PART_BLOB,
	PART_LOG,
	PART_TRASH,
	PART_DEL,
	PART_LOCAL
};
static const struct entry {
	const char *name;
	enum part part;
	mode_t forbidden;
	bool needed;
} entries[] = {
    {"account", PART_FILE, 0027, true},
    {"limits", PART_FILE, 0022, false},
    {"quota", PART_FILE, 0022, false},
    {"settings", PART_FILE, 0022, false},
    {"lock", PART_FILE, 0077, false},
    {"keys", PART_KEYS, 0027, true},
    {"in", PART_IN, 0007, true},
    {"blob", PART_BLOB, 0077, true},
    {"log", PART_LOG, 0077, true},
    {"trash", PART_TRASH, 0077, true},
    {"snap", PART_LOCAL, 0077, false},
    {"idx", PART_LOCAL, 0077, false},
    {"journal", PART_LOCAL, 0077, false},
    {DEL_DIR, PART_DEL, 0027, false},
    {RESTORED_MARK, PART_FILE, 0022, false},
    {REBUILD_MARK, PART_FILE, 0022, false},
    {"aside", PART_LOCAL, 0077, false},
};
#define N_ENTRIES (sizeof(entries) / sizeof(entries[0]))

static void
tell(struct verify *v, const char *path, const char *what, const char *advice)
{
	v->check->findings++;
	v->check->found(v->check->arg, path, what, advice);
}

static void
progress(void *arg, uint64_t octets)
{
	struct verify *v = arg;

	v->check->octets += octets;
	if (v->check->progress != NULL)
		v->check->progress(v->check->arg, octets);
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void
pause_for(const struct stat *sb)
{
	struct timespec ts = {0, PAUSE_NS};
	time_t now;

	now = time(NULL);
	if (sb == NULL || sb->st_ctime > now || now - sb->st_ctime < SETTLED)
		(void)nanosleep(&ts, NULL);
}

int
blob_name_id(const char *name, uint8_t id[STORE_ID])
{
	return seal_unhex(name, id, STORE_ID);
}

enum blob_state
blob_check(int fd, uint64_t size, const uint8_t *id,
    void (*step)(void *, uint64_t), void *arg)
{
	uint8_t header[SEAL_HEADER_LEN], tail[SEAL_TRAILER_LEN], *p;
	struct seal_trailer t;
	struct seal_header h;
	struct seal_sum *sum;
	uint64_t off, end;
	bool finished, parsed;
	size_t n;

	if (size < SEAL_HEADER_LEN + SEAL_TRAILER_LEN)
		return BLOB_UNFINISHED;
	if (sys_read(fd, tail, sizeof(tail),
		(off_t)(size - SEAL_TRAILER_LEN)) != sizeof(tail) ||
	    sys_read(fd, header, sizeof(header), 0) != sizeof(header))
		return BLOB_IO;
	p = sys_scratch();
	sum = p == NULL ? NULL : seal_sum_new();
	if (sum == NULL)
		return BLOB_IO;
	end = size - SEAL_SUM_TAIL;
	for (off = 0; off < end; off += n) {
		n = end - off < COPY_SIZE ? (size_t)(end - off) : COPY_SIZE;
		if (sys_read(fd, p, n, (off_t)off) != (ssize_t)n) {
			(void)seal_sum_end(sum, tail);
			return BLOB_IO;
		}
		seal_sum_update(sum, p, n);
		if (step != NULL)
			step(arg, n);
	}
	/* Checksum or magic: both are written last, so one tells. */
	finished = seal_sum_end(sum, tail + SEAL_TRAILER_LEN - SEAL_SUM_TAIL) ==
	    0;
	parsed = seal_trailer_parse(tail, &t) == 0;
	if (!finished)
		return memcmp(tail + sizeof(tail) - 8, "SEALTAIL", 8) == 0 ?
		    BLOB_BAD :
		    BLOB_UNFINISHED;
	if (!parsed || t.size != size || seal_header_parse(header, &h) == -1)
		return BLOB_BAD;
	return memcmp(t.id, id, STORE_ID) == 0 &&
		memcmp(h.id, id, STORE_ID) == 0 ?
	    BLOB_GOOD :
	    BLOB_OTHER;
}

/* NULL, or what is wrong with a message's file. */
static const char *
look_blob(struct verify *v, int fd, const struct stat *sb, const uint8_t *id)
{
	time_t now;

	switch (blob_check(fd, (uint64_t)sb->st_size, id, progress, v)) {
	case BLOB_GOOD:
		return NULL;
	case BLOB_UNFINISHED:
		/* Before trash/ is emptied, trailers are overwritten. */
		now = time(NULL);
		if (v->in_trash || sb->st_mtime > now ||
		    now - sb->st_mtime < UNFINISHED_FRESH)
			return NULL;
		return "no trailer: a message that lost its end, or one that "
		       "was cut short and never acknowledged";
	case BLOB_BAD:
		return "damaged: not the octets that were sealed";
	case BLOB_OTHER:
		return "whole, but bears another name inside";
	case BLOB_IO:
		return "cannot be read";
	}
	return NULL;
}

/* One look at a file: 1 good or gone, 0 bad as v->look tells. */
static int
look_once(struct verify *v, int dir, const char *name, const uint8_t *id,
    struct stat *sb)
{
	const char *what;
	int fd;

	fd = sys_open(dir, name, O_RDONLY);
	if (fd == -1 && errno == ENOENT)
		return 1;
	memset(sb, 0, sizeof(*sb));
	if (fd == -1 || fstat(fd, sb) == -1) {
		(void)snprintf(v->look.what, sizeof(v->look.what),
		    "cannot be opened: %s", strerror(errno));
		if (fd != -1)
			(void)close(fd);
		return 0;
	}
	what = S_ISREG(sb->st_mode) ? look_blob(v, fd, sb, id) :
				      "not a plain file";
	(void)close(fd);
	if (what == NULL)
		return 1;
	(void)strlcpy(v->look.what, what, sizeof(v->look.what));
	return 0;
}

static void
verify_blob(struct verify *v, int dir, const char *name, const char *path,
    const uint8_t *id)
{
	struct stat sb;
	int i;

	v->check->files++;
	for (i = 0; i < LOOKS_MAX; i++) {
		if (look_once(v, dir, name, id, &sb) == 1)
			return;
		if (i > 0 && same_file(&sb, &v->look.sb))
			break;
		v->look.sb = sb;
		pause_for(&sb);
	}
	tell(v, path, v->look.what,
	    strncmp(path, "in/", 3) == 0 ?
		"copy it from a backup, or remove it: a vault does so after "
		"a day if it has no trailer" :
		ADVISE_COPY);
}

static DIR *
open_part(int dirfd, const char *name)
{
	DIR *dir;
	int fd;

	fd = sys_open(dirfd, name, O_RDONLY | O_DIRECTORY);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL && fd != -1)
		(void)close(fd);
	return dir;
}

static bool
dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* blob/xx: two digits of the ids below it. */
static bool
fan_name(const char *name)
{
	return strlen(name) == 2 && strspn(name, "0123456789abcdef") == 2;
}

/* Gone between listing and looking is no stray. */
static void
stray(struct verify *v, int dir, const char *name, const char *path)
{
	struct stat sb;

	if (fstatat(dir, name, &sb, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	tell(v, path, S_ISLNK(sb.st_mode) ? "a symbolic link" : "a stray file",
	    ADVISE_STRAY);
}

static void
verify_fan(struct verify *v, const char *sub)
{
	uint8_t id[STORE_ID];
	struct dirent *de;
	char path[320];
	DIR *dir;

	dir = open_part(v->acct, sub);
	if (dir == NULL) {
		tell(v, sub, "cannot be read", ADVISE_ACCOUNT);
		return;
	}
	while ((de = readdir(dir)) != NULL) {
		if (dots(de->d_name))
			continue;
		(void)snprintf(path, sizeof(path), "%.8s/%s", sub, de->d_name);
		v->blobs = true;
		if (blob_name_id(de->d_name, id) == 0 &&
		    strncmp(de->d_name, sub + 5, 2) == 0)
			verify_blob(v, dirfd(dir), de->d_name, path, id);
		else
			stray(v, dirfd(dir), de->d_name, path);
	}
	(void)closedir(dir);
}

static void
verify_blob_entry(struct verify *v, DIR *dir, enum part part, const char *name,
    const char *path)
{
	uint8_t id[STORE_ID];

	if (blob_name_id(name, id) == 0) {
		v->blobs = v->blobs || part == PART_BLOB;
		verify_blob(v, dirfd(dir), name, path, id);
	} else if (part == PART_BLOB && fan_name(name))
		verify_fan(v, path);
	else if (part == PART_IN && strcmp(name, ".bad") == 0)
		tell(v, path, "deliveries that did not open were set aside",
		    "look why they are there, then move them away");
	else if (part == PART_TRASH && strncmp(name, "log.", 4) == 0)
		return;
	else
		stray(v, dirfd(dir), name, path);
}

static void
verify_blobs(struct verify *v, const char *part_name, enum part part)
{
	struct dirent *de;
	char path[320];
	DIR *dir;

	dir = open_part(v->acct, part_name);
	if (dir == NULL)
		return;
	v->in_trash = part == PART_TRASH;
	while ((de = readdir(dir)) != NULL) {
		if (dots(de->d_name))
			continue;
		(void)snprintf(
		    path, sizeof(path), "%.8s/%s", part_name, de->d_name);
		verify_blob_entry(v, dir, part, de->d_name, path);
	}
	(void)closedir(dir);
}

static void
verify_account_file(struct verify *v)
{
	v->known = seal_account_load(v->acct, &v->account) == 0;
	v->check->files++;
	if (!v->known && errno != ENOENT)
		tell(v, "account", "does not verify",
		    ADVISE_COPY "; until then nobody can log in");
}

/* A key file: an older one than one that is good may be half overwritten. */
static void
verify_key(struct verify *v, DIR *dir, const char *name, const char *path)
{
	struct seal_keyfile k;
	struct stat sb;

	v->check->files++;
	if (seal_keyfile_name(name, &k) == -1) {
		/* .slots.0.new and the like are unfinished. */
		if (name[0] != '.')
			stray(v, dirfd(dir), name, path);
		return;
	}
	if (fstatat(dirfd(dir), name, &sb, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	if (k.kind != 2 && (sb.st_mode & 0077) != 0)
		tell(v, path, "open to others", ADVISE_MODE);
	if (!v->known || seal_keyfile_check(v->acct, &v->account, &k) == 0) {
		v->newest[k.kind][k.host] = true;
		return;
	}
	if (errno == ENOENT)
		return;
	pause_for(&sb);
	if (seal_keyfile_check(v->acct, &v->account, &k) == -1 &&
	    errno != ENOENT)
		tell(v, path, "not as the account has signed it", ADVISE_COPY);
}

static void
verify_keys(struct verify *v)
{
	static const char *const kinds[] = {"no password slots that verify",
	    "no keyring that verifies", "no delivery key that verifies"};
	struct dirent *de;
	char path[320];
	unsigned int i;
	DIR *dir;

	dir = open_part(v->acct, "keys");
	if (dir == NULL)
		return;
	while ((de = readdir(dir)) != NULL) {
		if (dots(de->d_name))
			continue;
		(void)snprintf(path, sizeof(path), "keys/%s", de->d_name);
		verify_key(v, dir, de->d_name, path);
	}
	(void)closedir(dir);
	for (i = 0; i < 3; i++) {
		if (!v->newest[i][0] && !v->newest[i][1])
			tell(v, "keys", kinds[i],
			    "copy keys/ from a backup: without it the mail "
			    "cannot be read");
	}
}

/* Signed deletes; ".new" is one being made. */
static void
verify_deletes(struct verify *v)
{
	struct dirent *de;
	unsigned int host;
	char path[320];
	uint64_t n;
	DIR *dir;

	dir = open_part(v->acct, DEL_DIR);
	while (dir != NULL && (de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.' ||
		    strcmp(de->d_name, "confirmed") == 0)
			continue;
		(void)snprintf(path, sizeof(path), "del/%s", de->d_name);
		v->check->files++;
		if (del_name(de->d_name, &host, &n) == -1) {
			stray(v, dirfd(dir), de->d_name, path);
			continue;
		}
		if (!v->known ||
		    del_check(v->acct, &v->account, de->d_name) == 0 ||
		    errno == ENOENT)
			continue;
		pause_for(NULL);
		if (del_check(v->acct, &v->account, de->d_name) == -1 &&
		    errno != ENOENT)
			tell(v, path, "not as the account has signed it",
			    "no delete is executed meanwhile; without del/ "
			    "later ones are signed anew");
	}
	if (dir != NULL)
		(void)closedir(dir);
}

/* What a pass over the log tells, kept until it is known to be true. */
struct faults {
	size_t n;
	struct {
		char file[80];
		char what[128];
	} one[FAULTS_MAX];
};

static void
keep_fault(void *arg, const char *file, const char *what)
{
	struct faults *f = arg;

	if (f->n == FAULTS_MAX)
		return;
	(void)strlcpy(f->one[f->n].file, file, sizeof(f->one[0].file));
	(void)strlcpy(f->one[f->n++].what, what, sizeof(f->one[0].what));
}

static bool
same_faults(const struct faults *a, const struct faults *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++) {
		if (strcmp(a->one[i].file, b->one[i].file) != 0 ||
		    strcmp(a->one[i].what, b->one[i].what) != 0)
			return false;
	}
	return true;
}

static void
verify_strays_of_log(struct verify *v, DIR *dir)
{
	struct segment_name *list;
	struct dirent *de;
	char path[320], name[64];
	size_t i, n;

	if (segment_list(dirfd(dir), &list, &n) == -1)
		return;
	while ((de = readdir(dir)) != NULL) {
		if (dots(de->d_name) || strcmp(de->d_name, ".new") == 0)
			continue;
		(void)snprintf(path, sizeof(path), "log/%s", de->d_name);
		for (i = 0; i < n; i++) {
			segment_print(&list[i], name, sizeof(name));
			if (strcmp(name, de->d_name) == 0)
				break;
		}
		/* One that is newer than the list is none. */
		if (i == n &&
		    strspn(de->d_name, "0123456789abcdef.") !=
			strlen(de->d_name))
			stray(v, dirfd(dir), de->d_name, path);
	}
	free(list);
	if (n == 0 && v->blobs)
		tell(v, "log", "is empty, but there are messages in blob/",
		    ADVISE_LOG);
}

static void
verify_log(struct verify *v)
{
	struct faults *now, *before;
	uint64_t files, octets;
	size_t i;
	int r;
	DIR *dir;

	dir = open_part(v->acct, "log");
	now = calloc(2, sizeof(*now));
	if (dir == NULL || now == NULL)
		goto out;
	before = now + 1;
	for (i = 0, files = octets = 0; i < LOOKS_MAX; i++) {
		now->n = 0;
		r = log_check(dirfd(dir), v->known ? v->account.id : NULL,
		    keep_fault, now, &files, &octets);
		if (r == 0 &&
		    (now->n == 0 || (i > 0 && same_faults(now, before))))
			break;
		*before = *now;
		pause_for(NULL);
	}
	v->check->files += files;
	progress(v, octets);
	for (i = 0; i < now->n; i++)
		tell(v, now->one[i].file, now->one[i].what, ADVISE_LOG);
	verify_strays_of_log(v, dir);
out:
	free(now);
	if (dir != NULL)
		(void)closedir(dir);
}

static void
verify_lines(struct verify *v)
{
	struct store_limits limits;
	struct store_used used;

	if (store_limits_read(v->acct, &limits) != STORE_OK)
		tell(v, "limits", "not lines as the store writes them",
		    "remove it, and set the limits again");
	if (store_usage(v->acct, &used) == STORE_CORRUPT)
		tell(v, "quota", "not lines as the store writes them",
		    "remove it: it is written again at the next login");
}

static const struct entry *
entry_find(const char *name)
{
	size_t i;

	for (i = 0; i < N_ENTRIES; i++) {
		if (strcmp(entries[i].name, name) == 0)
			return &entries[i];
	}
	return NULL;
}

static bool
temporary(const char *name)
{
	return strcmp(name, ".account.new") == 0 ||
	    strcmp(name, "limits.tmp") == 0 || strcmp(name, "quota.tmp") == 0;
}

static void
verify_entry(struct verify *v, const struct entry *e)
{
	struct stat sb;

	if (fstatat(v->acct, e->name, &sb, AT_SYMLINK_NOFOLLOW) == -1) {
		if (e->needed)
			tell(v, e->name, "is missing", ADVISE_ACCOUNT);
		return;
	}
	if (e->part == PART_FILE ? !S_ISREG(sb.st_mode) : !S_ISDIR(sb.st_mode))
		tell(v, e->name,
		    e->part == PART_FILE ? "not a plain file" :
					   "not a directory",
		    ADVISE_ACCOUNT);
	else if ((sb.st_mode & e->forbidden) != 0)
		tell(v, e->name, "open to others", ADVISE_MODE);
	else if (sb.st_uid != v->top.st_uid)
		tell(v, e->name, "belongs to another user", ADVISE_OWNER);
}

static void
verify_top(struct verify *v)
{
	struct dirent *de;
	size_t i;
	DIR *dir;

	for (i = 0; i < N_ENTRIES; i++)
		verify_entry(v, &entries[i]);
	dir = open_part(v->acct, ".");
	while (dir != NULL && (de = readdir(dir)) != NULL) {
		if (!dots(de->d_name) && entry_find(de->d_name) == NULL &&
		    !temporary(de->d_name))
			stray(v, dirfd(dir), de->d_name, de->d_name);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

enum store_result
store_verify(int acctfd, struct store_check *check)
{
	struct verify *v;

	v = calloc(1, sizeof(*v));
	if (v == NULL)
		return STORE_IO;
	v->check = check;
	v->acct = acctfd;
	if (fstat(acctfd, &v->top) == -1) {
		free(v);
		return STORE_IO;
	}
	verify_top(v);
	verify_account_file(v);
	verify_keys(v);
	verify_lines(v);
	verify_deletes(v);
	/* In the order in which a message moves, so that none is missed. */
	verify_blobs(v, "in", PART_IN);
	verify_blobs(v, "blob", PART_BLOB);
	verify_blobs(v, "trash", PART_TRASH);
	verify_log(v);
	free(v);
	return STORE_OK;
}

/* Plain files of one directory. */
static void
measure_files(int acctfd, const char *name, uint64_t *files, uint64_t *octets)
{
	struct dirent *de;
	struct stat sb;
	DIR *dir;

	dir = open_part(acctfd, name);
	while (dir != NULL && (de = readdir(dir)) != NULL) {
		if (fstatat(dirfd(dir), de->d_name, &sb, AT_SYMLINK_NOFOLLOW) ==
			0 &&
		    S_ISREG(sb.st_mode)) {
			(*files)++;
			*octets += (uint64_t)sb.st_size;
		}
	}
	if (dir != NULL)
		(void)closedir(dir);
}

void
store_measure(int acctfd, uint64_t *files, uint64_t *octets)
{
	struct dirent *de;
	char path[320];
	DIR *dir;

	measure_files(acctfd, "in", files, octets);
	measure_files(acctfd, "blob", files, octets);
	measure_files(acctfd, "trash", files, octets);
	measure_files(acctfd, "log", files, octets);
	dir = open_part(acctfd, "blob");
	while (dir != NULL && (de = readdir(dir)) != NULL) {
		if (!fan_name(de->d_name))
			continue;
		(void)snprintf(path, sizeof(path), "blob/%s", de->d_name);
		measure_files(acctfd, path, files, octets);
	}
	if (dir != NULL)
		(void)closedir(dir);
}
