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
 * sealctl sweep: what the store does once a day, now.
 */

#include <sys/types.h>

#include <err.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "sealctl.h"
#include "store_wire.h"

int
cmd_sweep(struct invocation *inv)
{
	static const struct column columns[] = {
	    {"accounts", COLUMN_NUMBER, 10},
	    {"failed", COLUMN_NUMBER, 10},
	    {"trashed", COLUMN_NUMBER, 10},
	    {"removed", COLUMN_NUMBER, 10},
	};
	struct store st;
	struct msg msg;
	uint32_t failed = 0;
	int code;

	if (inv->argc != 1)
		return EXIT_BAD_USAGE;
	if ((code = store_open(&st, inv)) != 0)
		return code;
	memset(&msg, 0, sizeof(msg));
	store_send(store_new(&st, CTL_MASTER_SWEEP));
	out_start(columns, sizeof(columns) / sizeof(columns[0]), inv->json);
	store_receive(&st, &msg);
	if (msg.type == MASTER_CTL_SWEPT) {
		out_number(msg_get_u32(&msg));
		failed = msg_get_u32(&msg);
		out_number(failed);
		out_number(msg_get_u64(&msg));
		out_number(msg_get_u64(&msg));
		if (msg_end(&msg) == -1)
			errx(EXIT_FAILED,
			    "imap-store: its answer is not understood");
		store_receive(&st, &msg);
	}
	code = store_end(&msg, NULL) == 0 && failed == 0 ? 0 : EXIT_FAILED;
	if (out_end() == -1)
		code = EXIT_FAILED;
	store_close(&st);
	return code;
}
