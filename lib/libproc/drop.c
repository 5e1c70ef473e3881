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
 * A role gives up what it does not need: root directory, user, groups, limits,
 * then the sandbox.  This order, and nowhere else.
 */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "log.h"
#include "proc_local.h"

static void drop_ids(const struct proc_init *);
static void limit(const struct proc_init *);

void
proc_drop(const struct proc_init *init)
{
	if (init->root_mode) {
		if (chroot(init->dir) == -1)
			fatal("chroot dir=%s", init->dir);
		if (chdir("/") == -1)
			fatal("chdir");
		drop_ids(init);
	} else if (chdir(init->dir) == -1)
		fatal("chdir dir=%s", init->dir);
	/* Modes are as the roles ask, whatever the starter's mask was. */
	(void)umask(0007);
	limit(init);
	/* A change of user makes a process dumpable again on some systems. */
	if (compat_nodump() == -1)
		fatal("nodump");
}

void
proc_sandbox_enter(
    const char *promises, const struct proc_path *paths, size_t n_paths)
{
	for (size_t i = 0; i < n_paths; i++) {
		if (unveil(paths[i].path, paths[i].perm) == -1)
			fatal("unveil path=%s", paths[i].path);
	}
	if (pledge(promises, NULL) == -1)
		fatal("pledge promises=\"%s\"", promises);
}

static void
drop_ids(const struct proc_init *init)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (init->uid == 0 || init->gid == 0)
		fatalx("no role runs as root");
	if (setgroups(0, NULL) == -1)
		fatal("setgroups");
	if (setresgid(init->gid, init->gid, init->gid) == -1)
		fatal("setresgid gid=%u", init->gid);
	if (setresuid(init->uid, init->uid, init->uid) == -1)
		fatal("setresuid uid=%u", init->uid);
	if (getresgid(&rgid, &egid, &sgid) == -1 ||
	    getresuid(&ruid, &euid, &suid) == -1)
		fatal("getresuid");
	if (rgid != init->gid || egid != init->gid || sgid != init->gid ||
	    ruid != init->uid || euid != init->uid || suid != init->uid ||
	    getgroups(0, NULL) != 0)
		fatalx("ids did not change");
	if (setuid(0) != -1 || errno != EPERM)
		fatalx("root can be had again");
}

/* Only ever down: the parent has what the machine gives. */
static void
limit(const struct proc_init *init)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		fatal("getrlimit");
	if (rl.rlim_max > init->nofile)
		rl.rlim_max = init->nofile;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		fatal("setrlimit nofile=%u", init->nofile);
	if (strstr(init->promises, "proc") == NULL) {
		rl.rlim_cur = rl.rlim_max = 0;
		if (setrlimit(RLIMIT_NPROC, &rl) == -1)
			fatal("setrlimit nproc=0");
	}
}
