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
 * Messages between processes: one message is one SOCK_SEQPACKET packet with a
 * small header (type, id, payload length) and at most one descriptor.  Fields
 * are written one by one with msg_put_*() and read in the same order with
 * msg_get_*(); nothing that the compiler laid out travels.
 *
 * A process has one buffer for sending and one for receiving, shared by all
 * its wires, so an idle wire costs a socket and a struct.  Both are wiped
 * after every message: what passed through is in no process's memory later.
 */

#ifndef MSG_H
#define MSG_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSG_MAX (68 * 1024) /* octets of a packet, header included */
#define MSG_HEADER 12       /* u32 type, u32 id, u32 payload length */
#define MSG_PAYLOAD_MAX (MSG_MAX - MSG_HEADER)
#define MSG_HIGH (256 * 1024) /* queued octets at which a source stops */
#define MSG_QUEUE_MAX (16 * 1024 * 1024) /* queued octets that fail a wire */
#define MSG_SOCKBUF (256 * 1024) /* asked of SO_SNDBUF; BSDs need it raised */

struct wire;
struct msgout;

/* A received message; it and what it points to end with the handler. */
struct msg {
	uint32_t type;
	uint32_t id;
	int fd; /* -1 if none; closed after the handler unless taken */
	const uint8_t *data; /* payload */
	size_t len;
	size_t off; /* what the getters have read */
	bool bad;   /* a getter ran past the end or out of range */
};

/*
 * Getters.  They read the next field; past the end, or against a limit, they
 * set msg->bad, return 0 or NULL, and so does every later one.  End a message
 * with msg_end(): -1 if it was bad or has octets left over, else 0.
 */
uint8_t msg_get_u8(struct msg *);
uint16_t msg_get_u16(struct msg *);
uint32_t msg_get_u32(struct msg *);
uint64_t msg_get_u64(struct msg *);
int64_t msg_get_i64(struct msg *);
/* u32 length and octets; more than max is bad.  Points into the message. */
const uint8_t *msg_get_bytes(struct msg *, size_t *len, size_t max);
/* The same copied to buf, NUL-terminated; an inner NUL is bad. */
int msg_get_str(struct msg *, char *buf, size_t size);
/* Exactly len octets, no length on the wire; copied to buf. */
int msg_get_raw(struct msg *, void *buf, size_t len);
/* All that is left, as it stands. */
const uint8_t *msg_get_rest(struct msg *, size_t *len);
/* The descriptor, now the caller's (close-on-exec); -1 and bad if none. */
int msg_get_fd(struct msg *);
int msg_end(struct msg *);

/*
 * Composing.  msg_new() starts a message in the process's sending buffer (one
 * at a time); puts past MSG_PAYLOAD_MAX are fatal: the caller sizes what it
 * puts.  msg_room() says how much still fits.  msg_put_fd() takes ownership.
 * msg_send() sends at once or, where the socket is full, queues a copy.
 */
struct msgout *msg_new(struct wire *, uint32_t type, uint32_t id);
void msg_put_u8(struct msgout *, uint8_t);
void msg_put_u16(struct msgout *, uint16_t);
void msg_put_u32(struct msgout *, uint32_t);
void msg_put_u64(struct msgout *, uint64_t);
void msg_put_i64(struct msgout *, int64_t);
void msg_put_bytes(struct msgout *, const void *, size_t);
void msg_put_str(struct msgout *, const char *);
void msg_put_raw(struct msgout *, const void *, size_t);
/* len octets of the payload to be filled in place (decrypt into it). */
void *msg_put_space(struct msgout *, size_t len);
/* Overwrites an earlier u32, at an offset that msg_length() gave. */
void msg_set_u32(struct msgout *, size_t off, uint32_t);
void msg_put_fd(struct msgout *, int fd);
size_t msg_length(const struct msgout *);
size_t msg_room(const struct msgout *);
void msg_send(struct msgout *);
void msg_cancel(struct msgout *);
/* A message without payload, in one call. */
void msg_signal(struct wire *, uint32_t type, uint32_t id);

/*
 * Wires.  wire_new() makes fd non-blocking and close-on-exec, owns it, and
 * starts to read (after event_init()).  The handler gets each message; gone is
 * called once, at EOF, on an error or on a malformed packet, and must free the
 * wire.  A handler may free its own wire.  At most WIRE_BURST messages
 * are read in a row before other events have their turn.
 */
#define WIRE_BURST 32

typedef void (*wire_handler)(struct wire *, struct msg *, void *arg);
typedef void (*wire_gone)(struct wire *, void *arg);

int wire_pair(int fds[2]); /* 0, or -1 with errno; sets MSG_SOCKBUF */
struct wire *wire_new(int fd, wire_handler, wire_gone, void *arg);
void
wire_free(struct wire *); /* closes; queued messages are dropped; NULL ok */
int wire_detach(struct wire *); /* likewise, but returns the descriptor */
/*
 * For a child, after fork(2): frees a wire of its parent and closes the child's
 * descriptor, but leaves the event loop alone, which is still the parent's.
 */
void wire_abandon(struct wire *);
void wire_set(struct wire *, wire_handler, wire_gone, void *arg);
int wire_fd(const struct wire *);
void wire_pause(struct wire *);  /* stop reading (also within the handler) */
void wire_resume(struct wire *); /* read on */
size_t
wire_queued(const struct wire *); /* octets not yet taken by the socket */
/*
 * While set, cb is called whenever the queue is empty and the socket takes
 * more: produce at least one message or unset it (cb NULL).  A generator.
 */
void wire_produce(struct wire *, void (*cb)(struct wire *, void *arg));
/* Drops the peer: gone is called from the event loop, soon. */
void wire_fail(struct wire *);

/*
 * Without an event loop: send the composed message, or receive one, waiting at
 * most timeout_ms.  Return 1, 0 at EOF (receive only), -1 with errno
 * (ETIMEDOUT, EBADMSG).  msg_done() wipes the receive buffer and closes an
 * untaken descriptor; call it before the next receive.
 */
struct msgout *msg_new_fd(int fd, uint32_t type, uint32_t id);
int msg_send_wait(struct msgout *, int timeout_ms);
int msg_recv_wait(int fd, struct msg *, int timeout_ms);
void msg_done(struct msg *);

/*
 * Wipes both buffers of this process and returns their pages: before a long
 * idle time, and first thing in a child that was forked within a handler (the
 * message in hand is gone then).
 */
void msg_wipe(void);

#endif
