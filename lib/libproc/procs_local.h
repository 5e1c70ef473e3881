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
 * Shared by the supervisor's files.  One supervisor per process.
 */

#ifndef PROCS_LOCAL_H
#define PROCS_LOCAL_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/time.h>
#include <sys/tree.h>

#include <event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "msg.h"
#include "proc_local.h"
#include "procs.h"
#include "stats.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_LAST_MS 10000
#define LIFE_LONG_MS 30000 /* a process that lived so long had no bad start */
#define START_TRIES 3      /* before the first time all are up */
#define STOP_WAIT_S 10     /* between PROC_SHUTDOWN and SIGKILL */

/* One process: an instance of a row, running or to be started again. */
struct proc {
	const struct proc_row *row;
	unsigned int instance;
	pid_t pid;         /* 0: not running */
	struct wire *wire; /* NULL: not running, or on its way out */
	bool ready;        /* in its sandbox */
	enum proc_sandbox sandbox;
	unsigned int restarts;
	unsigned int failures; /* deaths in a row before READY */
	unsigned int backoff_ms;
	int64_t born_ms; /* monotonic */
	time_t started;
	struct event ev_restart;
	uint64_t n_conns;
};

struct supervisor {
	const struct proc_daemon *daemon;
	const struct proc_settings *settings;
	void *arg;
	struct proc *procs;
	size_t n_procs;
	time_t started;
	bool verbose;
	bool was_up; /* all were ready at one time */
	bool stopping;
	int result;
	int null_fd;
	int audit_fd;
	struct event ev_child, ev_term, ev_int, ev_hup, ev_kill;
};

/* supervise.c */
struct supervisor *proc_supervisor(void);
int64_t proc_now_ms(void);
unsigned int proc_backoff(unsigned int *ms); /* this one; sets the next */
void proc_stop(void);
int proc_reload(char *reason, size_t size);
void proc_set_verbose(bool);
struct proc *proc_find(const char *role, unsigned int instance);
enum proc_sandbox proc_own_sandbox(void);
/* A role sent what it may not: it is killed, and started again. */
void proc_bad(struct proc *, const char *why);

/* spawn.c: -1 after logging. */
int proc_spawn(struct proc *, wire_handler, wire_gone);

/* wires.c */
void proc_wires_give(struct proc *);
/* A wire between p and a peer of that name, whose end is returned; -1. */
int proc_wire_half(struct proc *, const char *peer, unsigned int instance);
void
proc_wire_send(struct proc *, const char *peer, unsigned int instance, int fd);

/* conns.c */
void proc_conns_begin(void);
void proc_conns_ready(struct proc *);   /* takes connections from now on */
void manager_ready(void);               /* tells a service manager that waits */
void proc_conns_started(struct proc *); /* tell it of all, if it watches */
void proc_conns_died(struct proc *);
void proc_conn_end(struct proc *, uint64_t id);
void proc_conns_stop(void);
/* The parent's own counters. */
#define PROC_COUNTERS 8
void proc_conns_count(struct stat_row[PROC_COUNTERS]);

/* local.c: sockets in the run directory. */
/*
 * Root's and our own user's, and the group's if there is one.  Fatal on
 * failure.
 */
int proc_local_listen(const char *suffix, gid_t);
/* The one that a service manager passes; -1: it passes none of that name. */
int proc_local_passed(const char *suffix);
void proc_local_remove(const char *suffix); /* one left behind */
/* A service manager has made our sockets in a directory that is not ours. */
bool proc_local_only_passed(void);
int proc_local_connect(const char *daemon, const char *suffix);
/* Accepts; -1 if there is nothing, or, unless any, neither root nor us. */
int proc_local_accept(int fd, bool any, uid_t *uid);

/*
 * conns.c: a connection as watchers are told of it, and of those that other
 * daemons tell us of.
 */
struct told {
	uint64_t id;
	uint32_t listener;
	struct sockaddr_storage ss;
	bool trusted;
};
/* To roles that watch. */
void proc_told_opened(const struct told *);
void proc_told_ended(uint64_t id);
void proc_tell(struct wire *, uint32_t type, const struct told *);
/* Those that other daemons are to hear of. */
void proc_conns_each_told(void (*)(const struct told *, void *), void *);

/* strangers.c: connections that other daemons have, told by their parents. */
struct stranger;
RB_HEAD(proc_strangers, stranger);
/* One of a daemon's; -1 if there are too many. */
int proc_stranger_add(struct proc_strangers *, struct msg *);
int proc_stranger_remove(struct proc_strangers *, struct msg *);
void proc_strangers_clear(struct proc_strangers *);
void proc_strangers_tell(struct proc_strangers *, struct wire *);

/* abroad.c: wires between daemons */
void proc_abroad_begin(void);
void proc_abroad_run(void);
void proc_abroad_started(struct proc *);
void proc_abroad_opened(const struct told *);
void proc_abroad_ended(uint64_t conn);
void proc_abroad_stop(void);

/* control.c */
void proc_control_begin(void);

/* stats_ask.c: answers with CTL_COUNT and CTL_DONE; -1: asks already. */
int proc_stats_ask(struct wire *client, uint32_t id);
void proc_stats_counts(struct proc *, struct msg *); /* PROC_COUNTS */
void proc_stats_forget(const struct wire *client);

/* rolelog.c: takes the descriptor. */
void proc_log_add(int fd, const char *role);
/* Prints what all roles have said by now. */
void proc_log_drain(void);

/* table.c: fatal if a table contradicts itself. */
void proc_table_check(const struct proc_daemon *);
unsigned int proc_instances(const struct proc_row *);

#endif
