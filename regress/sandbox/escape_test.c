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
 * What an intruder would try from inside each role: the rows of the real
 * tables, entered by the code that roles enter them with, against a fixed list
 * of ways out.  Each try must be killed or refused, and a control must live.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <atf-c.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "inchild.h"
#include "probes.h"
#include "procs_local.h"

#include "../../usr.sbin/sealimapd/parent/imap_procs.h"
#include "../../usr.sbin/sealrelayd/parent/relay_procs.h"
#include "../../usr.sbin/sealsmtpd/parent/smtp_procs.h"

#define OUT 42 /* a way out was found */
#define SAFE 7

struct row {
	const char *name;
	const char *promises;
	struct proc_path paths[PROC_PATHS_MAX];
	size_t n_paths;
	uid_t uid; /* as root: who it is then */
};

/* DESIGN.md section 2; a row more or less must be said here too. */
static const char *const names[] = {"sealkeys", "imap-store", "imap-worker",
    "imap-engine", "sealkeys", "smtp-deliver", "smtp-engine", "smtp-queue",
    "smtp-relay", "smtp-resolver"};

static struct row rows[16];
static size_t n_rows;

static void
add_rows(const struct proc_daemon *d)
{
	struct row *r;

	for (size_t i = 0; i < d->n_rows; i++) {
		r = &rows[n_rows++];
		r->name = d->rows[i].name;
		r->promises = d->rows[i].promises;
		r->uid = (uid_t)(50001 + i);
		while (r->n_paths < PROC_PATHS_MAX &&
		    d->rows[i].paths[r->n_paths].path != NULL) {
			r->paths[r->n_paths] = d->rows[i].paths[r->n_paths];
			r->n_paths++;
		}
	}
}

static void
make_dir(const char *path)
{
	ATF_REQUIRE(mkdir(path, 0777) == 0);
}

/* Landlock's scope is looked at only where there is a listener. */
static void
listen_abstract(void)
{
	int fd;

	probe_abstract.sun_family = AF_UNIX;
	(void)snprintf(probe_abstract.sun_path + 1,
	    sizeof(probe_abstract.sun_path) - 1, "sealmail.%d", (int)getpid());
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE(bind(fd, (struct sockaddr *)&probe_abstract,
			sizeof(probe_abstract)) == 0);
	ATF_REQUIRE(listen(fd, 64) == 0);
}

static void
prepare(void)
{
	struct row *r;
	char cwd[2048];
	int fd;

	(void)umask(0);
	ATF_REQUIRE(getcwd(cwd, sizeof(cwd)) != NULL);
	ATF_REQUIRE(chmod(".", 0777) == 0);
	(void)snprintf(probe_secret, sizeof(probe_secret), "%s/secret", cwd);
	(void)snprintf(probe_made, sizeof(probe_made), "%s/made", cwd);
	fd = open(probe_secret, O_WRONLY | O_CREAT, 0666);
	ATF_REQUIRE(fd != -1 && write(fd, "x", 1) == 1 && close(fd) == 0);
	make_dir("base");
	make_dir("base/accounts");
	make_dir("base/accounts/one");
	make_dir("base/accounts/two");
	make_dir("base/removed");
	make_dir("base/head");
	make_dir("base/queue");
	probe_tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	probe_udp = socket(AF_INET, SOCK_DGRAM, 0);
	probe_local = socket(AF_UNIX, SOCK_STREAM, 0);
	ATF_REQUIRE(probe_tcp != -1 && probe_udp != -1 && probe_local != -1);
	listen_abstract();
	add_rows(imap_parent.daemon);
	add_rows(smtp_parent.daemon);
	add_rows(relay_parent.daemon);
	/* A vault's second stage. */
	r = &rows[n_rows++];
	r->name = "vault";
	r->promises = "stdio rpath wpath cpath fattr flock recvfd";
	r->paths[0] = (struct proc_path){"accounts/one", "rwc"};
	r->n_paths = 1;
	r->uid = 50020;
}

static unsigned int
has(const struct row *r)
{
	unsigned int set;

	set = 0;
	if (strstr(r->promises, "proc") != NULL)
		set |= HAS_PROC;
	if (r->n_paths > 0)
		set |= HAS_PATHS;
	if (strstr(r->promises, "fattr") != NULL)
		set |= HAS_FATTR;
	if (strstr(r->promises, "inet") != NULL)
		set |= HAS_INET;
	return set;
}

struct attempt {
	const struct row *row;
	int (*call)(void);
	int as_user;
};

static int
enter_and_try(const void *arg)
{
	const struct attempt *a = arg;

	if (chdir("base") == -1)
		return 98;
	if (a->as_user &&
	    (setgroups(0, NULL) == -1 ||
		setresgid(a->row->uid, a->row->uid, a->row->uid) == -1 ||
		setresuid(a->row->uid, a->row->uid, a->row->uid) == -1))
		return 97;
	if (compat_nodump() == -1)
		return 96;
	proc_sandbox_enter(a->row->promises, a->row->paths, a->row->n_paths);
	return a->call() < 0 ? SAFE : OUT;
}

static int
control(void)
{
	char *p;

	p = malloc(100000);
	if (p == NULL || write(probe_local, "", 0) == 0)
		return -1;
	free(p);
	return getpid() > 0 ? 0 : -1;
}

static int
write_in(const char *dir)
{
	int dfd, fd;

	dfd = open(dir, O_RDONLY | O_DIRECTORY);
	if (dfd == -1)
		return -1;
	fd = openat(dfd, "f", O_RDWR | O_CREAT, 0600);
	if (fd == -1 || write(fd, "x", 1) != 1 || fsync(fd) == -1 ||
	    renameat(dfd, "f", dfd, "g") == -1 || unlinkat(dfd, "g", 0) == -1)
		return -1;
	return 0;
}

static int
own_files(void)
{
	return write_in("accounts/one");
}

static int
own_queue(void)
{
	return write_in("queue");
}

static int
foreign_account(void)
{
	return open("accounts/two", O_RDONLY | O_DIRECTORY);
}

static void
try_probes(struct attempt *a, const struct probe *probes, size_t n)
{
	int res;

	for (size_t i = 0; i < n; i++) {
		if ((probes[i].fine & has(a->row)) != 0)
			continue;
		a->call = probes[i].call;
		res = run(enter_and_try, a);
		ATF_CHECK_MSG(res == SANDBOX_KILL || res == SAFE, "%s: %s: %d",
		    a->row->name, probes[i].name, res);
	}
}

static void
try_all(int as_user)
{
	struct attempt a;

	for (size_t i = 0; i < n_rows; i++) {
		a.row = &rows[i];
		a.as_user = as_user;
		a.call = control;
		ATF_CHECK_EQ_MSG(OUT, run(enter_and_try, &a),
		    "%s: the control died", a.row->name);
		if (a.row->n_paths > 0) {
			a.call = strcmp(a.row->name, "smtp-queue") == 0 ?
			    own_queue :
			    own_files;
			ATF_CHECK_EQ_MSG(OUT, run(enter_and_try, &a),
			    "%s: cannot do its work", a.row->name);
		}
		try_probes(&a, probes_files, n_probes_files);
		try_probes(&a, probes_system, n_probes_system);
	}
	ATF_CHECK_EQ(0, access(probe_secret, R_OK));
	ATF_CHECK_EQ(-1, access(probe_made, F_OK));
}

ATF_TC(table);
ATF_TC_HEAD(table, tc)
{
	atf_tc_set_md_var(tc, "descr", "the tables hold the rows we know");
}
ATF_TC_BODY(table, tc)
{
	prepare();
	ATF_REQUIRE_EQ(sizeof(names) / sizeof(names[0]) + 1, n_rows);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ATF_CHECK_STREQ(names[i], rows[i].name);
	/* Whoever meets the network sees no file and starts nothing. */
	for (size_t i = 0; i < n_rows; i++) {
		if (strstr(rows[i].name, "engine") != NULL ||
		    strcmp(rows[i].name, "sealkeys") == 0)
			ATF_CHECK_STREQ("stdio recvfd", rows[i].promises);
	}
	proc_table_check(imap_parent.daemon);
	proc_table_check(smtp_parent.daemon);
	proc_table_check(relay_parent.daemon);
}

ATF_TC_WITHOUT_HEAD(escapes);
ATF_TC_BODY(escapes, tc)
{
	prepare();
	try_all(0);
}

ATF_TC(escapes_as_role);
ATF_TC_HEAD(escapes_as_role, tc)
{
	atf_tc_set_md_var(tc, "descr", "under the numeric uids of roles");
	atf_tc_set_md_var(tc, "require.user", "root");
}
ATF_TC_BODY(escapes_as_role, tc)
{
	prepare();
	try_all(1);
}

ATF_TC_WITHOUT_HEAD(vault_sees_one_account);
ATF_TC_BODY(vault_sees_one_account, tc)
{
	struct attempt a;
	int res;

	prepare();
	a.row = &rows[n_rows - 1];
	a.as_user = 0;
	a.call = foreign_account;
	res = run(enter_and_try, &a);
	ATF_CHECK_EQ(SAFE, res);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, table);
	ATF_TP_ADD_TC(tp, escapes);
	ATF_TP_ADD_TC(tp, escapes_as_role);
	ATF_TP_ADD_TC(tp, vault_sees_one_account);
	return atf_no_error();
}
