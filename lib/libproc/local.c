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
 * Sockets and directories of a daemon in the file system.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "parent_local.h"
#include "procs_local.h"

#define BACKLOG 16
#define DIR_TRIES 100     /* for another daemon to finish a directory ... */
#define DIR_WAIT_US 10000 /* ... so long apart */

static void address(struct sockaddr_un *, const char *, const char *);
static int seqpacket(void);
static bool somebody_listens(const struct sockaddr_un *);

int
proc_local_listen(const char *suffix, gid_t gid)
{
	struct sockaddr_un sun;
	mode_t old;
	int fd;

	address(&sun, proc_supervisor()->daemon->name, suffix);
	/* Whom it is open to, the service manager has decided. */
	fd = proc_local_passed(suffix);
	if (fd != -1)
		return fd;
	fd = seqpacket();
	if (fd == -1)
		fatal("socket");
	old = umask(0177);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		if (errno != EADDRINUSE)
			fatal("bind path=%s", sun.sun_path);
		if (somebody_listens(&sun))
			fatalx("already running: path=%s", sun.sun_path);
		/* Left behind by one that was killed. */
		if (unlink(sun.sun_path) == -1 ||
		    bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
			fatal("bind path=%s", sun.sun_path);
	}
	(void)umask(old);
	if (gid != PROC_NO_GROUP &&
	    (chown(sun.sun_path, (uid_t)-1, gid) == -1 ||
		chmod(sun.sun_path, 0660) == -1))
		fatal("chown path=%s gid=%u", sun.sun_path, gid);
	if (listen(fd, BACKLOG) == -1)
		fatal("listen path=%s", sun.sun_path);
	return fd;
}

int
proc_local_passed(const char *suffix)
{
	struct sockaddr_un sun;

	if (!passed_any())
		return -1;
	address(&sun, proc_supervisor()->daemon->name, suffix);
	return passed_take((const struct sockaddr *)&sun);
}

bool
proc_local_only_passed(void)
{
	return geteuid() != 0 && passed_any();
}

void
proc_local_remove(const char *suffix)
{
	struct sockaddr_un sun;

	address(&sun, proc_supervisor()->daemon->name, suffix);
	(void)unlink(sun.sun_path);
}

int
proc_local_connect(const char *daemon, const char *suffix)
{
	struct sockaddr_un sun;
	uid_t uid;
	gid_t gid;
	int fd, saved_errno;

	address(&sun, daemon, suffix);
	fd = seqpacket();
	if (fd == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		goto err;
	if (getpeereid(fd, &uid, &gid) == -1)
		goto err;
	if (uid != 0 && uid != geteuid()) {
		log_warnx("path=%s belongs to uid=%u", sun.sun_path, uid);
		errno = EPERM;
		goto err;
	}
	return fd;
err:
	saved_errno = errno;
	(void)close(fd);
	errno = saved_errno;
	return -1;
}

int
proc_local_accept(int fd, bool any, uid_t *uid)
{
	gid_t gid;
	int c;

	c = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (c == -1)
		return -1;
	*uid = (uid_t)-1;
	if (getpeereid(c, uid, &gid) == -1 ||
	    (!any && *uid != 0 && *uid != geteuid())) {
		log_warnx("local connection refused uid=%u", *uid);
		(void)close(c);
		return -1;
	}
	return c;
}

/*
 * A directory that is there is looked at by its name: to open one of another
 * user root would need a right over all files.  Two daemons of one start may
 * want the same directory: one that root has just made is not yet its owner's,
 * and gets a moment.
 */
static int
dir_stat(const char *path, struct stat *st, uid_t uid)
{
	for (int i = 0; i < DIR_TRIES; i++) {
		if (lstat(path, st) == -1)
			return -1;
		if (uid == 0 || st->st_uid != 0 || geteuid() != 0)
			break;
		(void)usleep(DIR_WAIT_US);
	}
	if (!S_ISDIR(st->st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	return 0;
}

/* The owner last: it is what another daemon waits for. */
static int
dir_new(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	int fd, ret;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	ret = fchmod(fd, mode);
	if (ret == 0 && geteuid() == 0)
		ret = fchown(fd, uid, gid);
	(void)close(fd);
	return ret;
}

int
proc_dir_make(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	struct stat st;
	bool made;

	made = mkdir(path, 0700) == 0;
	if (!made && errno != EEXIST) {
		log_warn("mkdir path=%s", path);
		return -1;
	}
	if ((made && dir_new(path, mode, uid, gid) == -1) ||
	    dir_stat(path, &st, uid) == -1) {
		log_warn("directory path=%s", path);
		return -1;
	}
	if (geteuid() != 0)
		uid = geteuid();
	if (st.st_uid != uid || (st.st_mode & 022) != 0) {
		log_warnx("directory path=%s: must belong to uid=%u and not "
			  "be writable by others (is uid=%u mode=%04o)",
		    path, uid, st.st_uid, st.st_mode & 07777);
		return -1;
	}
	/* A set-group-ID bit says that the group matters. */
	if (geteuid() == 0 && (mode & S_ISGID) != 0 &&
	    (st.st_gid != gid || (st.st_mode & 07777) != mode)) {
		log_warnx("directory path=%s: must have gid=%u mode=%04o (has "
			  "gid=%u mode=%04o)",
		    path, gid, mode, st.st_gid, st.st_mode & 07777);
		return -1;
	}
	return 0;
}

static void
address(struct sockaddr_un *sun, const char *daemon, const char *suffix)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	if (snprintf(sun->sun_path, sizeof(sun->sun_path), "%s/%s.%s",
		proc_supervisor()->settings->run_dir, daemon,
		suffix) >= (int)sizeof(sun->sun_path))
		fatalx("run directory %s: its name is too long for a socket "
		       "(%zu octets at most)",
		    proc_supervisor()->settings->run_dir,
		    sizeof(sun->sun_path) - strlen(daemon) - strlen(suffix) -
			3);
}

static int
seqpacket(void)
{
	return socket(
	    AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static bool
somebody_listens(const struct sockaddr_un *sun)
{
	bool yes;
	int fd;

	fd = seqpacket();
	if (fd == -1)
		fatal("socket");
	yes = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ||
	    errno == EAGAIN;
	(void)close(fd);
	return yes;
}
