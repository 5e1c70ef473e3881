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
 * What the two halves of libproc tell each other: PROC_INIT, addresses, and
 * packets of the log socket.
 */

#ifndef PROC_LOCAL_H
#define PROC_LOCAL_H

#include <sys/types.h>
#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log.h"
#include "proc.h"

#define PROC_PROMISES_MAX 256 /* octets of promises, NUL included */
#define PROC_DIR_MAX 1024     /* octets of a path */
#define PROC_PERM_MAX 5       /* "rwxc" */
#define PROC_INIT_WAIT_MS 10000
#define PROC_LOG_HEADER 5 /* u32 pid, u8 priority; the text follows */
#define PROC_LOG_MAX (PROC_LOG_HEADER + LOG_LINE_MAX)

struct proc_init {
	char name[PROC_NAME_MAX];
	uint32_t instance;
	bool root_mode;   /* change root, user and group */
	bool best_effort; /* go on without a complete sandbox */
	bool verbose;
	bool log_addresses; /* in clear */
	uint8_t log_key[LOG_KEY_LEN];
	uint32_t uid;
	uint32_t gid;
	char dir[PROC_DIR_MAX]; /* root directory, or just where to be */
	uint32_t nofile;
	char promises[PROC_PROMISES_MAX];
	struct {
		char path[PROC_DIR_MAX];
		char perm[PROC_PERM_MAX];
	} paths[PROC_PATHS_MAX];
	uint32_t n_paths;
};

void proc_init_put(struct msgout *, const struct proc_init *);
int proc_init_get(struct msg *, struct proc_init *); /* -1 if malformed */

/* u8 kind (0 local, 4, 6), then for 4 and 6: raw address, u16 port. */
void proc_addr_put(struct msgout *, const struct sockaddr_storage *);
void proc_addr_get(struct msg *, struct proc_conn *); /* msg->bad on errors */
/* Numeric text of an address; "local" for AF_UNIX. */
void proc_addr_print(const struct sockaddr_storage *, char *, size_t);

/* In the role: drops privileges as the parent said.  Fatal on failure. */
void proc_drop(const struct proc_init *);
/* Fatal on failure. */
void proc_sandbox_enter(
    const char *promises, const struct proc_path *, size_t n_paths);

#endif
