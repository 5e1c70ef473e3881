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
 * imap-store under a parent that is played: the real program is started with
 * fd 3, told what a parent tells it, and spoken to over an engine's, a
 * deliverer's and a control tool's wires.
 */

#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "../../../../usr.sbin/sealimapd/store_wire.h"

struct msg;

#define DRIVER_DOMAIN "example.org"
#define DRIVER_WAIT_MS 20000
#define DRIVER_LOG "driver.log" /* what the program logged */

struct driver {
	pid_t pid;
	int parent;  /* our end of its wire to the parent */
	int engine;  /* imap-engine's end */
	int smtp;    /* smtp-engine's, for SERVICE_SUBMISSION */
	int deliver; /* smtp-deliver's end */
	int log;     /* what drains its log */
	uint32_t id;
};

/* What driver_start() starts, below srcdir, instead of imap-store itself. */
void driver_program(const char *);

/*
 * Starts the program of srcdir (the test's) in dir, with one domain whose
 * passwords cost kib and passes.  Fails the test where it does not come up.
 */
void driver_start(struct driver *, const char *srcdir, const char *dir,
    uint32_t kib, uint32_t passes, uint32_t derivations);
/* Says so to the program and fails the test unless it is there until then. */
void driver_stop(struct driver *);
/* A fresh wire to a clerk. */
int driver_ctl(struct driver *);
/* user add: password NULL: generated.  What is shown goes to the buffers. */
uint8_t driver_add(
    int ctl, const char *account, const char *password, char *made, char *code);
uint8_t driver_del(int ctl, const char *account);
/* Tells of a connection's source. */
void driver_conn(struct driver *, uint64_t conn, const char *ipv4);
/* Sends LOGIN; the id. */
uint32_t driver_login_send(
    struct driver *, const char *account, uint8_t service, uint64_t conn);
/* The answer to any LOGIN: its id; *fd the opener's wire or -1, *why. */
uint32_t driver_login_answer(struct driver *, int *fd, uint8_t *why);
void driver_auth(int opener, const char *secret);
/*
 * All of it: 0 and the session's wire, or the refusal.
 */
uint8_t driver_login(struct driver *, const char *account, const char *secret,
    uint8_t service, int *session);
/* A change of slots: the refusal, or 0 and what the vault answered. */
struct driver_change {
	uint8_t op;
	const char *fresh;
	const char *label;
	uint16_t scope;
	uint32_t id;
};
struct driver_answer {
	uint8_t result;
	uint32_t slot;
	uint32_t revoked;
	char code[CODE_MAX];
};
void driver_change_send(
    int opener, const char *secret, const struct driver_change *);
/* -1: the wire ended without an answer. */
int driver_change_wait(int opener, uint8_t *why, struct driver_answer *);
uint8_t driver_change(struct driver *, const char *account, const char *secret,
    const struct driver_change *, struct driver_answer *);
/* The refusal, or 0 where the wire says WELCOME. */
uint8_t driver_outcome(int opener);
/* As smtp-deliver: durable in in/ of base/, and nobody told. */
void driver_put(const char *account, const char *text);
/* And announced. */
void driver_deliver(struct driver *, const char *account, const char *text);
/* Receives, or fails the test. */
void driver_receive(int fd, struct msg *, uint32_t type);

#endif
