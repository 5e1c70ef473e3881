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
 * What msg.c, wire.c and wait.c share: the two buffers and the packet calls.
 */

#ifndef MSG_LOCAL_H
#define MSG_LOCAL_H

#include <sys/types.h>

#include "msg.h"

struct msgout {
	struct wire *wire; /* where msg_send() sends it; NULL: fd_out */
	int fd_out;        /* for msg_send_wait() */
	int fd;            /* travels with the message, or -1 */
	size_t len;        /* octets in buf, the header included */
	bool busy;
	bool heap; /* not the process's buffer, but one made for nesting */
	uint8_t *buf;
};

/* The buffer that a packet is received into. */
struct msgin {
	bool busy;
	bool heap;
	uint8_t *buf;
};

enum packet_result {
	PACKET_OK,
	PACKET_AGAIN, /* nothing there, or no room */
	PACKET_EOF,
	PACKET_RESET, /* the peer closed with our packets unread */
	PACKET_BAD,   /* not one of our packets */
	PACKET_ERROR  /* errno */
};

struct msgin *msgin_get(void);
void msgin_put(struct msgin *, size_t used);
void msgout_put(struct msgout *);
void msgout_seal(struct msgout *); /* writes the header */

/* Never wait.  packet_recv() owns nothing afterwards; m->fd is the caller's. */
enum packet_result packet_recv(int fd, struct msgin *, struct msg *);
enum packet_result packet_send(int fd, const void *, size_t, int fd_passed);

/* For msg_send(): takes the octets and the descriptor. */
void wire_send(struct wire *, const uint8_t *, size_t, int fd);

#endif
