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
 * What this deliverer has counted, for sealctl(8).
 */

#include "deliver.h"
#include "stats.h"

static const char result_help[] = "Deliveries to accounts, by what came of it";

/* In the order of enum count; results as in deliver_wire.h. */
static struct stat_row rows[COUNTS] = {
    [COUNT_RESULT + DELIVER_DONE] = {"deliveries_total", "result=\"done\"",
	result_help, STAT_COUNTER, 0},
    [COUNT_RESULT + DELIVER_UNKNOWN] = {"deliveries_total",
	"result=\"unknown\"", result_help, STAT_COUNTER, 0},
    [COUNT_RESULT + DELIVER_DISABLED] = {"deliveries_total",
	"result=\"disabled\"", result_help, STAT_COUNTER, 0},
    [COUNT_RESULT + DELIVER_OVERQUOTA] = {"deliveries_total",
	"result=\"overquota\"", result_help, STAT_COUNTER, 0},
    [COUNT_RESULT + DELIVER_FULL] = {"deliveries_total", "result=\"full\"",
	result_help, STAT_COUNTER, 0},
    [COUNT_RESULT + DELIVER_TROUBLE] = {"deliveries_total",
	"result=\"trouble\"", result_help, STAT_COUNTER, 0},
    [COUNT_BYTES] = {"delivered_bytes_total", NULL,
	"Sealed octets that deliveries wrote", STAT_COUNTER, 0},
    [COUNT_SYNCS] = {"syncs_total", NULL,
	"Syncs of the disk for deliveries, each for all that wait",
	STAT_COUNTER, 0},
    [COUNT_SYNCED] = {"synced_messages_total", NULL,
	"Messages that syncs made durable", STAT_COUNTER, 0},
    [COUNT_WAITING] = {"deliveries_waiting", NULL,
	"Messages that wait for a sync", STAT_GAUGE, 0},
    [COUNT_ANNOUNCED] = {"announcements_total", NULL,
	"Times that imap-store was told of new mail", STAT_COUNTER, 0},
};

static void
report_refresh(struct stat_row *all)
{
	all[COUNT_WAITING].value = sync_waiting();
}

void
report_init(void)
{
	stats_set(rows, COUNTS, report_refresh);
}

void
report_add(unsigned int count, uint64_t n)
{
	rows[count].value += n;
}
