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
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "sealctl.h"
#include "store_wire.h"

#define GRACE_DAYS 7 /* as long as users are told */

/* [-n days] [account]; a usage error is -1. */
static int
sweep_args(struct invocation *inv, uint32_t *days, char *account, size_t size)
{
	const char *why;
	int ch;

	*days = GRACE_DAYS;
	account[0] = '\0';
	optind = 1;
	while ((ch = getopt(inv->argc, inv->argv, "n:")) != -1) {
		if (ch != 'n')
			return -1;
		*days = (uint32_t)strtonum(optarg, 0, GRACE_DAYS, &why);
		if (why != NULL) {
			warnx("%s: days, 0 to %d: %s", optarg, GRACE_DAYS, why);
			return -1;
		}
	}
	if (inv->argc - optind > 1)
		return -1;
	return inv->argc == optind ?
	    0 :
	    account_name(inv->conf, inv->argv[optind], account, size);
}

int
cmd_sweep(struct invocation *inv)
{
	static const struct column columns[] = {
	    {"accounts", COLUMN_NUMBER, 10},
	    {"failed", COLUMN_NUMBER, 10},
	    {"trashed", COLUMN_NUMBER, 10},
	    {"removed", COLUMN_NUMBER, 10},
	};
	char account[ACCOUNT_NAME_MAX];
	struct msgout *m;
	struct store st;
	struct msg msg;
	uint32_t days, failed = 0;
	int code;

	if (sweep_args(inv, &days, account, sizeof(account)) == -1)
		return EXIT_BAD_USAGE;
	if ((code = store_open(&st, inv)) != 0)
		return code;
	memset(&msg, 0, sizeof(msg));
	m = store_new(&st, CTL_MASTER_SWEEP);
	msg_put_str(m, account);
	msg_put_u32(m, days);
	store_send(m);
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
	code = store_end(&msg, account[0] != '\0' ? account : NULL) == 0 &&
		failed == 0 ?
	    0 :
	    EXIT_FAILED;
	if (out_end(code) == -1)
		code = EXIT_FAILED;
	store_close(&st);
	return code;
}
