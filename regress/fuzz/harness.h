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
 * What the fuzzers of whole programs share.  harness.c takes the place of
 * libmsg's wires: a wire has no socket, its packets are delivered by hand, and
 * what is sent on it is shown to the fuzzer and dropped.  Everything else is
 * the program's own.
 */

#ifndef HARNESS_H
#define HARNESS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msg.h"

/*
 * Before anything else, once: the event loop exists, logging is silent.  With
 * FUZZ_LOG in the environment it is not; harness_show() shows what else is.
 */
void harness_start(void);
void harness_show(const uint8_t *, size_t);
/* The same log again, after the program has set its own. */
void harness_quiet(void);
/*
 * Ends of the process that are right: harness_catch() is true when the
 * -Wl,--wrap=exit.
 */
void harness_begin(void);
void harness_end(void); /* frees the wires that are left */
/*
 * The wires that there are now are never freed, and this one of them leads to
 * the program's parent.
 */
void harness_keep(struct wire *parent);

/* Shown what is sent; NULL: nobody. */
typedef void (*harness_sent)(struct wire *, const struct msg *, void *arg);
void harness_on_send(harness_sent, void *arg);

/* The newest wire that was made on this descriptor, or NULL. */
struct wire *harness_wire(int fd);
/* A descriptor number of no file: for wire_new(). */
int harness_fd(void);
/* Packets wait while the wire is paused; fd is the program's. */
void harness_packet(struct wire *, uint32_t type, uint32_t id,
    const uint8_t *data, size_t len, int fd);
void harness_eof(struct wire *);
/* The socket takes nothing until the loop has gone round. */
void harness_slow(struct wire *, bool);
/* Until nothing more happens. */
void harness_run(void);
/*
 * The same where a message may rightly end the program: false if it did, and
 * then what it held at that moment is lost.  Not from within the event loop.
 */
bool harness_run_or_exit(void);
bool harness_call(void (*)(void)); /* the same of a function */
int harness_status(void);          /* with which it ended */

/*
 * For programs without a loop: what msg_recv_wait() finds on this descriptor,
 * one after the other, and then its end.
 */
void harness_say(int fd, uint32_t type, uint32_t id, const uint8_t *data,
    size_t len, int passed);
/* Shown what msg_send_wait() sends; may call harness_say().  NULL: nobody. */
typedef void (*harness_told)(int fd, const struct msg *, void *arg);
void harness_on_tell(harness_told, void *arg);

/*
 * An input is a list of steps: u8 what, u16 length (little-endian), octets.
 * What is left at the end is a step too.
 */
struct harness_step {
	uint8_t what;
	const uint8_t *data;
	size_t len;
};
bool harness_step(const uint8_t **input, size_t *left, struct harness_step *);

#endif
