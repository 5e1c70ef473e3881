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
 * What smtp-queue has counted, for sealctl(8).
 */

#include <sys/types.h>

#include "count.h"
#include "queue.h"
#include "stats.h"

static const char entered[] = "Messages that were handed over, by the answer";
static const char tried[] = "What relays say of recipients";
static const char reports[] = "Reports to senders that were asked for";

/* In the order of enum queue_count. */
static struct stat_row rows[] = {
    {"queue_entered_total", "result=\"queued\"", entered, STAT_COUNTER, 0},
    {"queue_entered_total", "result=\"refused\"", entered, STAT_COUNTER, 0},
    {"queue_octets_total", NULL, "Octets of the messages that were queued",
	STAT_COUNTER, 0},
    {"queue_jobs_total", NULL, "Messages handed to a relay, each time",
	STAT_COUNTER, 0},
    {"queue_recipients_total", "result=\"sent\"", tried, STAT_COUNTER, 0},
    {"queue_recipients_total", "result=\"deferred\"", tried, STAT_COUNTER, 0},
    {"queue_recipients_total", "result=\"failed\"", tried, STAT_COUNTER, 0},
    {"queue_reports_total", "result=\"made\"", reports, STAT_COUNTER, 0},
    {"queue_reports_total", "result=\"failed\"", reports, STAT_COUNTER, 0},
    {"queue_left_total", NULL, "Messages that have left the queue",
	STAT_COUNTER, 0},
    {"queue_messages", NULL, "Messages in the queue", STAT_GAUGE, 0},
    {"queue_destinations", NULL, "Destinations for which there are some",
	STAT_GAUGE, 0},
};

static void
refresh(struct stat_row *all)
{
	all[COUNT_MESSAGES].value = message_count();
	all[COUNT_DESTINATIONS].value = dest_count();
}

void
count_init(void)
{
	stats_set(rows, sizeof(rows) / sizeof(rows[0]), refresh);
}

void
count_add(enum queue_count count, uint64_t n)
{
	rows[count].value += n;
}
