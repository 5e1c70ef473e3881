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
 * The role's side of libproc: how a program that a parent started drops its
 * privileges, enters its sandbox and talks to the parent.  main() of a role:
 *
 *	allocators (libevent's and OpenSSL's, where they are wiping), and what
 *	reads files of the system: tzset(), iconv_open() ...;
 *	proc_role_start(argc, argv, "imap-engine", &handlers, arg);
 *	set-up: sodium_init(), tls_init(), files of its own directory ...;
 *	proc_role_sandbox();
 *	event_dispatch();
 *
 * proc_role_start() has called event_init() and has sent all logging to the
 * parent.  Messages of the parent come from the event loop, in this order:
 * reload_begin, config messages, reload_commit, wires; connections only after
 * proc_role_sandbox().  When the parent is gone, the role exits.
 * The parent's side is procs.h.
 */

#ifndef PROC_H
#define PROC_H

#include <sys/types.h>
#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct msg;
struct msgout;

#define PROC_FD 3         /* the wire to the parent */
#define PROC_NAME_MAX 32  /* octets of a role's name, NUL included */
#define PROC_ADDR_MAX 64  /* of an address as text */
#define PROC_PATHS_MAX 16 /* paths of a row */
#define PROC_VERSION 1

/*
 * parent <-> role.  Types from PROC_OWN belong to the daemon (its config
 * slices) and are handed to the config handler.
 */
enum proc_message {
	/* parent, first: see init.c.  Descriptor: the socket for log lines. */
	PROC_INIT = 1,
	/* role, once it is in its sandbox: u8 enum proc_sandbox. */
	PROC_READY = 2,
	/* parent: str role, u32 instance of the peer.  Descriptor. */
	PROC_WIRE = 4,
	/* parent: u64 conn, u32 listener, address.  Descriptor. */
	PROC_CONN = 5,
	/* role: u64 conn: the connection has ended. */
	PROC_CONN_CLOSED = 6,
	/*
	 * parent, to roles that watch: u64 conn, u32 listener, address, u8
	 * trusted / u64 conn.
	 */
	PROC_CONN_OPENED = 7,
	PROC_CONN_ENDED = 8,
	/*
	 * parent: u32 uid of the requester, u8 whether it may change things or
	 * just look.  Descriptor: a wire of ctl.h.
	 */
	PROC_CTL = 9,
	/* parent: a config follows; it is complete.  No payload. */
	PROC_RELOAD_BEGIN = 10,
	PROC_RELOAD_COMMIT = 11,
	/* parent: u8 whether to log debug lines. */
	PROC_VERBOSE = 12,
	/* parent: finish and exit; SIGKILL comes 10 s later. */
	PROC_SHUTDOWN = 13,
	/* parent: what has been counted?  No payload. */
	PROC_STATS = 14,
	/* role: u32 the last one?  Then rows of stats.c to the end; same id. */
	PROC_COUNTS = 15,
	PROC_OWN = 0x100
};

enum proc_sandbox {
	PROC_SANDBOX_NONE = 0,    /* the kernel has none (best-effort only) */
	PROC_SANDBOX_PARTIAL = 1, /* it lacks a part (best-effort only) */
	PROC_SANDBOX_FULL = 2
};

struct proc_conn {
	uint64_t id;              /* never used twice */
	uint32_t listener;        /* index into the config's listeners */
	char peer[PROC_ADDR_MAX]; /* numeric address, "local" for AF_UNIX */
	struct sockaddr_storage ss;
	socklen_t sslen;
	bool trusted; /* no limits of one address; conn_opened only */
};

/*
 * What a role does with the parent's messages; NULL: the role expects none of
 * that kind and one is fatal (reload_*, shutdown and verbose may be NULL).
 * A handler owns the descriptor it is given, non-blocking and close-on-exec.
 */
struct proc_handlers {
	/* A message from PROC_OWN on; read it with msg_get_*(), msg_end(). */
	void (*config)(struct msg *, void *arg);
	void (*reload_begin)(void *arg);
	void (*reload_commit)(void *arg);
	/*
	 * A wire to a peer.  Comes again, with the same role and instance,
	 * when that peer was started anew: the new wire takes the old one's
	 * place (whose EOF may come before or after).
	 */
	void (*wire)(
	    const char *role, unsigned int instance, int fd, void *arg);
	/* A connection to serve; say proc_conn_closed() when it has ended. */
	void (*conn)(const struct proc_conn *, int fd, void *arg);
	/* Where the row says PROC_WATCH_CONNS: all connections come and go. */
	void (*conn_opened)(const struct proc_conn *, void *arg);
	void (*conn_ended)(uint64_t conn, void *arg);
	/* A wire to a control tool, run by uid; it speaks first. */
	void (*ctl)(uid_t uid, bool may_change, int fd, void *arg);
	/* The level of the log has changed, for this process; NULL is fine. */
	void (*verbose)(bool, void *arg);
	/* Finish what is under way, then exit; NULL: exit at once. */
	void (*shutdown)(void *arg);
};

struct proc_path {
	const char *path; /* relative to the role's root or directory */
	const char *perm; /* of "rwxc", as unveil() */
};

/* All of these are fatal where they fail. */
void proc_role_start(int argc, char *argv[], const char *name,
    const struct proc_handlers *, void *arg);
void proc_role_sandbox(void);

/* What PROC_INIT said. */
unsigned int proc_instance(void);
bool proc_is_root_mode(void); /* started by root: own uid, chroot */
gid_t proc_gid(void);

void proc_conn_closed(uint64_t conn); /* nothing, in a forked child */
/*
 * The source that limits count by: the address, of IPv6 the network of a
 * customer, "2001:db8:1:2::/64".
 */
void proc_source(const struct proc_conn *, char *, size_t);

/*
 * A message of the daemon's own (type from PROC_OWN) to the parent; sent with
 * msg_send().
 */
struct msgout *proc_parent_new(uint32_t type, uint32_t id);

/*
 * fork() for a role that promised "proc".  In the child the event loop is a new
 * one, empty; the wire to the parent is gone (logging goes on), signals are as
 * at the role's start and libmsg's buffers are wiped.  The caller frees its
 * other wires there with wire_abandon(), forgets its other events, calls
 * proc_narrow(), then event_dispatch(), and never returns to the old loop.
 */
pid_t proc_fork(const char *title);

/*
 * The second stage: only these promises, and, if n_paths is not 0 or the row
 * had paths, only these paths.  Can only take away.  Fatal on failure.
 */
void
proc_narrow(const char *promises, const struct proc_path *, size_t n_paths);

/*
 * For a tool that is run by hand, once it has read its configuration: only
 * these promises and paths from here on.  best_effort: as far as the kernel
 * can.  Fatal on failure.
 */
void proc_tool_narrow(bool best_effort, const char *promises,
    const struct proc_path *, size_t n_paths);

#endif
