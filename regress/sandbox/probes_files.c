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
 * Each function tries one way to a file outside of a sandbox.
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes.h"

char probe_secret[4096], probe_made[4096];

/* Files outside of what a row may see. */

static int
e_open_system(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static int
e_open_secret(void)
{
	return open(probe_secret, O_RDONLY);
}

static int
e_open_relative(void)
{
	return open("../secret", O_RDONLY);
}

static int
e_open_dots(void)
{
	return open("accounts/../../secret", O_RDONLY);
}

static int
e_open_write(void)
{
	return open(probe_secret, O_WRONLY);
}

static int
e_create(void)
{
	return open(probe_made, O_WRONLY | O_CREAT, 0600);
}

static int
e_tmpfile(void)
{
	return open("/tmp", O_RDWR | O_TMPFILE, 0600);
}

static int
e_openat2(void)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = {O_RDONLY, 0, 0};

	return (int)syscall(
	    SYS_openat2, AT_FDCWD, probe_secret, &how, sizeof(how));
}

static int
e_proc_mem(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)getppid());
	return open(path, O_RDWR);
}

static int
e_proc_environ(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)getppid());
	return open(path, O_RDONLY);
}

static int
e_device(void)
{
	return open("/dev/null", O_RDWR);
}

static int
e_unlink(void)
{
	return unlink(probe_secret);
}

static int
e_truncate(void)
{
	return truncate(probe_secret, 0);
}

static int
e_rename(void)
{
	return rename(probe_secret, probe_made);
}

static int
e_rename_in(void)
{
	return rename(probe_secret, "accounts/taken");
}

static int
e_link(void)
{
	return link(probe_secret, "accounts/taken");
}

static int
e_mkdir(void)
{
	return mkdir(probe_made, 0700);
}

static int
e_mknod(void)
{
	return mknod(probe_made, S_IFREG | 0600, 0);
}

static int
e_stat(void)
{
	struct stat st;

	return (int)syscall(SYS_newfstatat, AT_FDCWD, probe_secret, &st, 0);
}

/* A path beside the flag that says there is none. */
static int
e_stat_empty(void)
{
	struct stat st;

	return (int)syscall(
	    SYS_newfstatat, AT_FDCWD, probe_secret, &st, AT_EMPTY_PATH);
}

static int
e_access(void)
{
	return access(probe_secret, F_OK);
}

static int
e_readlink(void)
{
	char buf[64];

	return (int)readlink("/proc/self/exe", buf, sizeof(buf));
}

static int
e_chdir(void)
{
	return chdir("/") == 0 ? open("etc/passwd", O_RDONLY) : -1;
}

static int
e_chmod(void)
{
	return chmod(probe_secret, 0666);
}

static int
e_chown(void)
{
	return chown(probe_secret, (uid_t)-1, (gid_t)-1);
}

static int
e_utimens(void)
{
	return utimensat(AT_FDCWD, probe_secret, NULL, 0);
}

static int
e_setxattr(void)
{
	return (int)syscall(SYS_setxattr, probe_secret, "user.x", "y", 1, 0);
}

const struct probe probes_files[] = {
    {"open /etc/passwd", e_open_system, 0},
    {"open a file outside", e_open_secret, 0},
    {"open ../secret", e_open_relative, 0},
    {"open accounts/../../secret", e_open_dots, 0},
    {"open outside for writing", e_open_write, 0},
    {"create outside", e_create, 0},
    {"O_TMPFILE in /tmp", e_tmpfile, 0},
    {"openat2", e_openat2, 0},
    {"/proc/PPID/mem", e_proc_mem, 0},
    {"/proc/PPID/environ", e_proc_environ, 0},
    {"/dev/null", e_device, 0},
    {"unlink outside", e_unlink, 0},
    {"truncate outside", e_truncate, 0},
    {"rename outside", e_rename, 0},
    {"rename into the accounts", e_rename_in, 0},
    {"link into the accounts", e_link, 0},
    {"mkdir outside", e_mkdir, 0},
    {"mknod outside", e_mknod, 0},
    {"stat outside", e_stat, HAS_PATHS},
    {"stat with AT_EMPTY_PATH", e_stat_empty, HAS_PATHS},
    {"access outside", e_access, HAS_PATHS},
    {"readlink", e_readlink, HAS_PATHS},
    {"chdir and open", e_chdir, 0},
    {"chmod outside", e_chmod, HAS_FATTR},
    {"chown outside", e_chown, HAS_FATTR},
    {"utimensat outside", e_utimens, HAS_FATTR},
    {"setxattr", e_setxattr, 0},
};

const size_t n_probes_files = sizeof(probes_files) / sizeof(probes_files[0]);
