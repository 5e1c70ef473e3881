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
 * The parent's side of libproc, driven by a daemon's tables: which roles there
 * are, what each may do, who speaks with whom.  A parent's main():
 *
 *	read the config, open listeners (privileged ports);
 *	proc_begin(&daemon, &settings, arg);
 *	proc_listen(fd, index, "imap-engine"), for each listener;
 *	exit(proc_run());
 *
 * proc_run() sandboxes the parent, starts the roles, serves the control socket
 * and returns when everything has stopped.
 */

#ifndef PROCS_H
#define PROCS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "log.h"
#include "proc.h"

struct wire;

#define PROC_USERS_MAX 8
#define PROC_INSTANCES_MAX 64
#define PROC_PER_CORE 0 /* as many instances as processors ... */
#define PROC_NO_GROUP ((gid_t)-1)

/* Flags of a row. */
#define PROC_IN_BASE 0x01     /* lives in the base directory, else in none */
#define PROC_WATCH_CONNS 0x02 /* is told of all connections */
#define PROC_TAKES_CTL 0x04   /* sealctl may speak to it (CTL_CONNECT) */

struct proc_row {
	const char *name;  /* of the process, its program, its log tag */
	unsigned int user; /* index into settings' users */
	unsigned int flags;
	unsigned int instances; /* a number or PROC_PER_CORE */
	unsigned int max;       /* ... but not more than these */
	unsigned int nofile;    /* descriptors at most */
	const char *promises;
	const char *apart; /* promises of "sessions isolated"; NULL: the same */
	struct proc_path paths[PROC_PATHS_MAX]; /* ends with a NULL path */
	/* For people: the manual and STYLE.md's role block. */
	const char *runs_as;
	const char *talks_to;
	const char *holds;
	const char *trusts;
};

/* Every instance of a gets a wire to every instance of b. */
struct proc_pair {
	const char *a;
	const char *b;
};

/* Our asker's instances each get a wire to wanted of another daemon. */
struct proc_abroad {
	const char *asker;
	const char *daemon;
	const char *wanted;
	bool told; /* that daemon is to hear of our connections */
};

struct proc_daemon {
	const char *name; /* "sealimapd" */
	const char *version;
	const struct proc_row *rows;
	size_t n_rows;
	const struct proc_pair *pairs;
	size_t n_pairs;
	const struct proc_abroad *asks; /* what we ask of others */
	size_t n_asks;
	const struct proc_abroad *serves; /* what others (daemon) may ask */
	size_t n_serves;
	/* Sends a role its slice, between BEGIN and COMMIT. */
	void (*config)(struct wire *, const struct proc_row *,
	    unsigned int instance, void *arg);
	/*
	 * SIGHUP or CTL_RELOAD: reads the config anew; then config is called
	 * for each role.  -1 and a reason, and the old one stays.
	 */
	int (*reload)(char *reason, size_t size, void *arg);
	/*
	 * Connections of this listener are told to the daemons of asks that
	 * are to hear, whose watching roles hear of them as of their own;
	 * NULL: of none.
	 */
	bool (*tells)(uint32_t listener, void *arg);
	/* Limits of one address do not hold for this one; NULL: for all. */
	bool (*trusts)(const struct sockaddr_storage *, void *arg);
	/* A role's own message (from PROC_OWN); NULL: none is expected. */
	void (*message)(const struct proc_row *, unsigned int instance,
	    struct msg *, void *arg);
	/* CTL_CERTIFICATES: sends CTL_CERTIFICATE for each; NULL: none. */
	void (*certs)(struct wire *, uint32_t id, void *arg);
};

struct proc_settings {
	const char *libexec; /* where the programs of the roles are */
	const char *run_dir; /* sockets; made if missing */
	const char *base_dir;
	struct {
		uid_t uid;
		gid_t gid;
	} users[PROC_USERS_MAX];
	bool best_effort;
	bool foreground; /* roles keep standard error */
	bool verbose;
	bool log_addresses;
	uint8_t log_key[LOG_KEY_LEN];
	bool apart;         /* sessions isolated */
	gid_t control_gid;  /* may do what root may, by sealctl; or none */
	gid_t readers_gid;  /* may ask; or none */
	uint64_t conns_max; /* at once */
	uint64_t conns_per_source; /* at once */
	uint64_t conn_rate;        /* new ones a minute of one source; 0: any */
};

/*
 * Settings are not copied: a reload may change limits and log_addresses in
 * place.  Fatal on failure: another daemon of the name runs, a socket cannot
 * be made, a table is wrong.
 */
void
proc_begin(const struct proc_daemon *, const struct proc_settings *, void *arg);
/* Connections of fd (listening) go to the instances of the role. */
void proc_listen(int fd, unsigned int index, const char *role);
/* Sends every role its slice again, from what reload() would have left. */
void proc_resend(void);
/* A role's message was not what it may send: it is killed. */
void proc_message_bad(const struct proc_row *, unsigned int instance);
/* 0 after an orderly stop, 1 if the roles could not be started. */
int proc_run(void);

/*
 * Makes a directory that is missing, and checks one that is there: no symbolic
 * link, this owner, writable by nobody else; with a set-group-ID bit in the
 * mode, also this group and mode (without root: that it is the caller's).  -1
 * after logging.
 */
int proc_dir_make(const char *path, mode_t, uid_t, gid_t);

/* The tables for the manual: one mdoc item per role. */
void proc_table_print(const struct proc_daemon *, FILE *);

#endif
