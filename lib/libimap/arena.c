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
 * The memory of a command: blocks from which its arguments are cut, all of
 * them wiped and freed at once with the command.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "imap_local.h"
#include "log.h"

#define BLOCK_SIZE 1024

struct imap_block {
	struct imap_block *next;
	size_t size;
	size_t used;
	max_align_t data[];
};

struct imap_cmd *
imap_cmd_new(void)
{
	struct imap_cmd *cmd;

	cmd = calloc(1, sizeof(*cmd));
	if (cmd == NULL)
		fatal("imap: command");
	return cmd;
}

void
imap_cmd_free(struct imap_cmd *cmd)
{
	struct imap_block *b, *next;

	if (cmd == NULL)
		return;
	for (b = cmd->arena; b != NULL; b = next) {
		next = b->next;
		freezero(b, sizeof(*b) + b->size);
	}
	freezero(cmd, sizeof(*cmd));
}

void *
imap_cmd_alloc(struct imap_cmd *cmd, size_t n)
{
	struct imap_block *b;
	size_t size;
	void *p;

	if (n > SIZE_MAX / 2)
		fatalx("imap: a command of %zu octets", n);
	n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) *
	    sizeof(max_align_t);
	b = cmd->arena;
	if (b == NULL || n > b->size - b->used) {
		size = n > BLOCK_SIZE ? n : BLOCK_SIZE;
		b = calloc(1, sizeof(*b) + size);
		if (b == NULL)
			fatal("imap: command");
		b->size = size;
		/* A large piece goes behind, so that the rest stays of use. */
		if (cmd->arena != NULL && n > BLOCK_SIZE / 2) {
			b->next = cmd->arena->next;
			cmd->arena->next = b;
		} else {
			b->next = cmd->arena;
			cmd->arena = b;
		}
	}
	p = (uint8_t *)b->data + b->used;
	b->used += n;
	return p;
}
