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

/* What the recorder and the replayer of disk.h share. */

#ifndef DISK_LOCAL_H
#define DISK_LOCAL_H

#include "disk.h"

enum event_kind {
	EV_LINK, /* a new file or directory */
	EV_WRITE,
	EV_TRUNCATE,
	EV_RENAME,
	EV_UNLINK,
	EV_SYNC,
	EV_SYNCFS
};

struct event {
	enum event_kind kind;
	unsigned int node;
	unsigned int dir;
	unsigned int dir2;
	char name[64];
	char name2[64];
	size_t off; /* EV_TRUNCATE: the size */
	size_t len;
	uint8_t *data;
};

/* A file or directory; the data is what is durable. */
struct node {
	bool dir;
	ino_t ino;
	char path[256];
	uint8_t *data;
	size_t size;
	size_t *pending; /* writes and truncates, by their events */
	size_t npending;
};

struct link {
	unsigned int dir;
	unsigned int node;
	char name[64];
};

struct links {
	struct link *links;
	size_t n;
	size_t size;
};

struct disk {
	bool has_syncfs;
	struct event *events;
	size_t nevents;
	struct node *nodes; /* 0 is the folder of all */
	unsigned int nnodes;
	struct links start;
};
extern struct disk disk;

/* In place of what the name was; node 0: nothing is there then. */
void disk_link(
    struct links *, unsigned int dir, const char *name, unsigned int node);

#endif
