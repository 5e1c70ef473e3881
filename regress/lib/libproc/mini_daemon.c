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
 * A daemon of two roles for the tests of libproc: mini-front (two instances)
 * takes connections, mini-back watches them.  Usage: mini_daemon DIR [asks]
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "msg.h"
#include "procs.h"

static uint32_t generation = 1;

static const struct proc_row rows[] = {
    {
	.name = "mini-back",
	.user = 0,
	.flags = PROC_IN_BASE | PROC_WATCH_CONNS,
	.instances = 1,
	.max = 1,
	.nofile = 64,
	.promises = "stdio rpath wpath cpath recvfd",
	.paths = {{"data", "rwc"}},
    },
    {
	.name = "mini-front",
	.user = 1,
	.flags = PROC_TAKES_CTL,
	.instances = 2,
	.max = 2,
	.nofile = 128,
	.promises = "stdio recvfd",
    },
};

static const struct proc_pair pairs[] = {{"mini-front", "mini-back"}};
static const struct proc_abroad serves[] = {
    {"mini-front", "other", "mini-back", false}};
static const struct proc_abroad asks[] = {
    {"mini-front", "mini", "mini-back", false}};

static void
config(struct wire *w, const struct proc_row *row, unsigned int instance,
    void *arg)
{
	struct msgout *m;

	m = msg_new(w, PROC_OWN, 0);
	msg_put_u32(m, generation);
	msg_send(m);
}

/* Refused where DIR has a file "bad". */
static int
reload(char *reason, size_t size, void *arg)
{
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s/bad", (const char *)arg);
	if (access(path, F_OK) == 0) {
		(void)strlcpy(reason, "the file is bad", size);
		return -1;
	}
	/* The parent's own sandbox: it writes nowhere but in its folders. */
	(void)snprintf(path, sizeof(path), "%s/escape", (const char *)arg);
	if (open(path, O_WRONLY | O_CREAT, 0600) != -1) {
		(void)strlcpy(reason, "the parent is not sandboxed", size);
		return -1;
	}
	(void)execl("/bin/true", "true", (char *)NULL);
	generation++;
	return 0;
}

/* DIR/rate holds a number, or is not there. */
static uint64_t
read_rate(const char *dir)
{
	char path[1024];
	unsigned int rate = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/rate", dir);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%u", &rate) != 1)
		errx(1, "%s", path);
	(void)fclose(f);
	return rate;
}

static int
listener(const char *dir, const char *name)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	char path[1024];
	FILE *f;
	int fd;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 64) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		err(1, "listen");
	(void)snprintf(path, sizeof(path), "%s/%s.port", dir, name);
	f = fopen(path, "w");
	if (f == NULL || fprintf(f, "%d\n", ntohs(sin.sin_port)) < 0 ||
	    fclose(f) != 0)
		err(1, "%s", path);
	return fd;
}

int
main(int argc, char *argv[])
{
	struct proc_daemon d;
	struct proc_settings s;
	char run[1024], base[1024], libexec[1024];

	if (argc < 2)
		errx(1, "usage: mini_daemon dir [asks]");
	memset(&d, 0, sizeof(d));
	memset(&s, 0, sizeof(s));
	d.name = argc > 2 ? "other" : "mini";
	d.version = "1";
	d.rows = rows;
	d.n_rows = 2;
	d.pairs = pairs;
	d.n_pairs = 1;
	d.serves = serves;
	d.n_serves = argc > 2 ? 0 : 1;
	d.asks = asks;
	d.n_asks = argc > 2 ? 1 : 0;
	d.config = config;
	d.reload = reload;
	(void)snprintf(run, sizeof(run), "%s/run", argv[1]);
	(void)snprintf(base, sizeof(base), "%s/base", argv[1]);
	(void)snprintf(libexec, sizeof(libexec), "%s/libexec", argv[1]);
	s.run_dir = run;
	s.base_dir = base;
	s.libexec = libexec;
	s.foreground = true;
	s.verbose = true;
	s.conns_max = 5;
	s.conns_per_source = 4;
	s.conn_rate = read_rate(argv[1]);
	s.control_gid = s.readers_gid = PROC_NO_GROUP;
	for (int i = 0; i < 2; i++) {
		s.users[i].uid = geteuid() == 0 ? (uid_t)(50001 + i) :
						  geteuid();
		s.users[i].gid = geteuid() == 0 ? (gid_t)(50001 + i) :
						  getegid();
	}
	log_init(d.name, true, 1);
	proc_begin(&d, &s, argv[1]);
	proc_listen(listener(argv[1], d.name), 7, "mini-front");
	return proc_run();
}
