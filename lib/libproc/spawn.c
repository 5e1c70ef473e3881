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
 * Starting a role: fork, exec of our own program by its absolute path, and the
 * first message.  Between fork and exec the child touches nothing of ours.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "log.h"
#include "msg.h"
#include "procs_local.h"

#define ENV_MAX 8

static void
child(const struct proc *, const char *, int) __attribute__((noreturn));
static char **environment(void);
static void fill_init(const struct proc *, struct proc_init *);
static void send_init(struct proc *, int);

int
proc_spawn(struct proc *p, wire_handler handler, wire_gone gone)
{
	char path[PROC_DIR_MAX];
	int fds[2] = {-1, -1}, logs[2] = {-1, -1};

	if (snprintf(path, sizeof(path), "%s/%s",
		proc_supervisor()->settings->libexec,
		p->row->name) >= (int)sizeof(path))
		fatalx("libexec: path too long");
	if (wire_pair(fds) == -1 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, logs) == -1)
		goto err;
	p->pid = fork();
	if (p->pid == -1)
		goto err;
	if (p->pid == 0)
		child(p, path, fds[1]);
	(void)close(fds[1]);
	(void)shutdown(logs[0], SHUT_WR);
	(void)shutdown(logs[1], SHUT_RD);
	p->wire = wire_new(fds[0], handler, gone, p);
	proc_log_add(logs[0], p->row->name);
	send_init(p, logs[1]);
	return 0;
err:
	log_warn("role=%s cannot be started", p->row->name);
	p->pid = 0;
	for (int i = 0; i < 2; i++) {
		if (fds[i] != -1)
			(void)close(fds[i]);
		if (logs[i] != -1)
			(void)close(logs[i]);
	}
	return -1;
}

/*
 * A session of its own, so that no terminal's signals and no TIOCSTI reach it
 * or come from it.
 */
static void
child(const struct proc *p, const char *path, int fd)
{
	char *argv[2];
	sigset_t none;
	int null_fd;

	null_fd = proc_supervisor()->null_fd;
	(void)setsid();
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(null_fd, STDIN_FILENO) == -1 ||
	    dup2(null_fd, STDOUT_FILENO) == -1)
		_exit(127);
	if (!proc_supervisor()->settings->foreground &&
	    dup2(null_fd, STDERR_FILENO) == -1)
		_exit(127);
	if (fd == PROC_FD) {
		if (fcntl(fd, F_SETFD, 0) == -1)
			_exit(127);
	} else if (dup2(fd, PROC_FD) == -1)
		_exit(127);
	closefrom(PROC_FD + 1);
	argv[0] = strdup(path);
	argv[1] = NULL;
	if (argv[0] != NULL)
		(void)execve(path, argv, environment());
	_exit(127);
}

/* Nothing of the parent's but what the C library and sanitizers look at. */
static char **
environment(void)
{
	static const char *const kept[] = {"TZ", "ASAN_OPTIONS",
	    "UBSAN_OPTIONS", "MSAN_OPTIONS", "LLVM_PROFILE_FILE"};
	static char *env[ENV_MAX];
	const char *value;
	size_t n;

	n = 0;
	env[n++] = strdup("PATH=/usr/bin:/bin");
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		value = getenv(kept[i]);
		if (value != NULL &&
		    asprintf(&env[n], "%s=%s", kept[i], value) != -1)
			n++;
	}
	env[n] = NULL;
	return env;
}

static void
fill_init(const struct proc *p, struct proc_init *init)
{
	const struct proc_settings *s;
	const struct proc_row *row;

	s = proc_supervisor()->settings;
	row = p->row;
	memset(init, 0, sizeof(*init));
	(void)strlcpy(init->name, row->name, sizeof(init->name));
	init->instance = p->instance;
	init->root_mode = geteuid() == 0;
	init->best_effort = s->best_effort;
	init->verbose = proc_supervisor()->verbose;
	init->log_addresses = s->log_addresses;
	memcpy(init->log_key, s->log_key, sizeof(init->log_key));
	init->uid = s->users[row->user].uid;
	init->gid = s->users[row->user].gid;
	init->nofile = row->nofile;
	(void)strlcpy(init->promises,
	    s->apart && row->apart != NULL ? row->apart : row->promises,
	    sizeof(init->promises));
	if ((row->flags & PROC_IN_BASE) != 0)
		(void)strlcpy(init->dir, s->base_dir, sizeof(init->dir));
	else if (!init->root_mode)
		(void)strlcpy(init->dir, "/", sizeof(init->dir));
	else
		(void)snprintf(
		    init->dir, sizeof(init->dir), "%s/empty", s->run_dir);
	for (size_t i = 0; i < PROC_PATHS_MAX && row->paths[i].path != NULL;
	     i++) {
		(void)strlcpy(init->paths[i].path, row->paths[i].path,
		    sizeof(init->paths[i].path));
		(void)strlcpy(init->paths[i].perm, row->paths[i].perm,
		    sizeof(init->paths[i].perm));
		init->n_paths++;
	}
}

static void
send_init(struct proc *p, int log_fd)
{
	struct proc_init init;
	struct msgout *m;

	fill_init(p, &init);
	m = msg_new(p->wire, PROC_INIT, 0);
	proc_init_put(m, &init);
	msg_put_fd(m, log_fd);
	msg_send(m);
}
