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
 * unveil(2) by Landlock.  Every right that the kernel knows is handled, those
 * newer than this file too: a right that is not handled is free.  Rights are
 * granted by path; nobody is granted device ioctls or making devices.
 */

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "compat_local.h"

#define PATHS_MAX 32

/* From linux/landlock.h, whose copy on older systems stops at REFER. */
#define LL_RULE_PATH 1U
#define LL_EXECUTE (1ULL << 0)
#define LL_WRITE_FILE (1ULL << 1)
#define LL_READ_FILE (1ULL << 2)
#define LL_READ_DIR (1ULL << 3)
#define LL_REMOVE_DIR (1ULL << 4)
#define LL_REMOVE_FILE (1ULL << 5)
#define LL_MAKE_DIR (1ULL << 7)
#define LL_MAKE_REG (1ULL << 8)
#define LL_MAKE_SOCK (1ULL << 9)
#define LL_MAKE_SYM (1ULL << 12)
#define LL_REFER (1ULL << 13)
#define LL_TRUNCATE (1ULL << 14)
#define LL_RESOLVE_UNIX (1ULL << 16)
#define LL_BITS 64

#define LL_READ (LL_READ_FILE | LL_READ_DIR)
#define LL_WRITE (LL_WRITE_FILE | LL_TRUNCATE | LL_RESOLVE_UNIX)
/* The kernel reads what it executes. */
#define LL_EXEC (LL_EXECUTE | LL_READ_FILE)
#define LL_CREATE                                                     \
	(LL_REMOVE_DIR | LL_REMOVE_FILE | LL_MAKE_DIR | LL_MAKE_REG | \
	    LL_MAKE_SOCK | LL_MAKE_SYM | LL_REFER)
/* The rights that a file has, as against a directory. */
#define LL_OF_FILE (LL_EXECUTE | LL_WRITE_FILE | LL_READ_FILE | LL_TRUNCATE)

struct ll_ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct ll_path {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

static struct {
	struct {
		uint64_t rights;
		int fd;
	} paths[PATHS_MAX];
	size_t n_paths;
	bool pending;            /* unveil() was called since the last layer */
	struct ll_ruleset known; /* what this kernel handles */
	bool probed;
} unveiled;

static int probe(void);
static uint64_t probe_field(size_t);
static int ruleset_new(const struct ll_ruleset *);
static int rights_of(const char *, uint64_t *);
static int path_add(const char *, uint64_t);
static void paths_clear(void);

int
unveil(const char *path, const char *permissions)
{
	uint64_t rights;

	if ((path == NULL) != (permissions == NULL)) {
		errno = EINVAL;
		return -1;
	}
	if (probe() == -1)
		return compat_sandbox_lacks(SANDBOX_NO_FILES);
	if (path == NULL)
		return compat_landlock_enter(true, true);
	if (rights_of(permissions, &rights) == -1)
		return -1;
	return path_add(path, rights);
}

bool
compat_unveil_pending(void)
{
	return unveiled.pending;
}

int
compat_landlock_enter(bool no_files, bool net)
{
	struct ll_ruleset set;
	struct ll_path rule;
	int fd, saved_errno;

	if (probe() == -1)
		return -1;
	set = unveiled.known;
	if (!no_files && !unveiled.pending)
		set.fs = 0;
	if (net)
		set.net = 0;
	if (set.fs == 0 && set.net == 0 && set.scoped == 0)
		return 0;
	fd = ruleset_new(&set);
	if (fd == -1)
		return -1;
	for (size_t i = 0; i < unveiled.n_paths; i++) {
		rule.allowed = unveiled.paths[i].rights & set.fs;
		rule.parent_fd = unveiled.paths[i].fd;
		if (rule.allowed != 0 &&
		    syscall(SYS_landlock_add_rule, fd, LL_RULE_PATH, &rule,
			0) == -1)
			goto err;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    syscall(SYS_landlock_restrict_self, fd, 0) == -1)
		goto err;
	(void)close(fd);
	paths_clear();
	return 0;
err:
	saved_errno = errno;
	(void)close(fd);
	errno = saved_errno;
	return -1;
}

/*
 * Which rights the kernel knows, by asking for each alone.  Without REFER
 * (5.19) no file could be moved between directories, so less will not do.
 */
static int
probe(void)
{
	if (!unveiled.probed) {
		unveiled.known.fs = probe_field(
		    offsetof(struct ll_ruleset, fs));
		unveiled.known.net = probe_field(
		    offsetof(struct ll_ruleset, net));
		unveiled.known.scoped = probe_field(
		    offsetof(struct ll_ruleset, scoped));
		unveiled.probed = true;
	}
	if ((unveiled.known.fs & LL_REFER) == 0) {
		errno = ENOSYS;
		return -1;
	}
	return 0;
}

static uint64_t
probe_field(size_t off)
{
	struct ll_ruleset set;
	uint64_t bit, known;
	int fd;

	known = 0;
	for (int i = 0; i < LL_BITS; i++) {
		memset(&set, 0, sizeof(set));
		bit = 1ULL << i;
		memcpy((char *)&set + off, &bit, sizeof(bit));
		fd = ruleset_new(&set);
		if (fd == -1)
			break;
		known |= bit;
		(void)close(fd);
	}
	return known;
}

/*
 * The struct grew with the kernel: an older one takes the longer one while the
 * tail is zero, and refuses what it does not know.
 */
static int
ruleset_new(const struct ll_ruleset *set)
{
	return (int)syscall(SYS_landlock_create_ruleset, set, sizeof(*set), 0);
}

static int
rights_of(const char *permissions, uint64_t *rights)
{
	*rights = 0;
	for (; *permissions != '\0'; permissions++) {
		switch (*permissions) {
		case 'r':
			*rights |= LL_READ;
			break;
		case 'w':
			*rights |= LL_WRITE;
			break;
		case 'x':
			*rights |= LL_EXEC;
			break;
		case 'c':
			*rights |= LL_CREATE;
			break;
		default:
			errno = EINVAL;
			return -1;
		}
	}
	/* Nothing can be taken out below a path that is granted. */
	if (*rights == 0) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

static int
path_add(const char *path, uint64_t rights)
{
	struct stat st;
	int fd, saved_errno;

	if (unveiled.n_paths == PATHS_MAX) {
		errno = E2BIG;
		return -1;
	}
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1) {
		saved_errno = errno;
		(void)close(fd);
		errno = saved_errno;
		return -1;
	}
	if (!S_ISDIR(st.st_mode))
		rights &= LL_OF_FILE;
	unveiled.paths[unveiled.n_paths].fd = fd;
	unveiled.paths[unveiled.n_paths].rights = rights;
	unveiled.n_paths++;
	unveiled.pending = true;
	return 0;
}

static void
paths_clear(void)
{
	for (size_t i = 0; i < unveiled.n_paths; i++)
		(void)close(unveiled.paths[i].fd);
	unveiled.n_paths = 0;
	unveiled.pending = false;
}
