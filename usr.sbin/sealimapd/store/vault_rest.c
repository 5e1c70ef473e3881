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
 * A vault at rest: most of them idle for hours, and there are as many as users
 * are logged in.  What it can have again is given up, wiped: opened blocks of
 * the snapshot, scratch memory, the pages of buffers, of the heap and of the
 * stack that nothing lies in.
 */

#include <sys/types.h>
#include <sys/time.h>

#include <event.h>
#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "vault_local.h"

#define REST_MS 1000 /* nothing to do for so long */

static struct {
	struct event ev;
	bool begun;   /* ev is set */
	bool stirred; /* since it was added */
} rest;

static uint8_t *scratch;

static void on_rest(int, short, void *);
static void wait_again(void);

void
rest_later(void)
{
	rest.stirred = true;
	if (!rest.begun) {
		evtimer_set(&rest.ev, on_rest, NULL);
		rest.begun = true;
	}
	if (!evtimer_pending(&rest.ev, NULL))
		wait_again();
}

static void
wait_again(void)
{
	const struct timeval tv = {
	    .tv_sec = REST_MS / 1000, .tv_usec = REST_MS % 1000 * 1000};

	rest.stirred = false;
	(void)evtimer_add(&rest.ev, &tv);
}

static void
on_rest(int fd, short what, void *arg)
{
	if (rest.stirred || store_busy(vault_store()) || copy_under_way()) {
		wait_again();
		return;
	}
	store_rest(vault_store());
	freezero(scratch, SCRATCH_MAX);
	scratch = NULL;
	msg_wipe();
	compat_memory_rest();
}

void *
vault_scratch(void)
{
	if (scratch == NULL)
		scratch = vault_alloc(1, SCRATCH_MAX);
	rest_later();
	return scratch;
}
