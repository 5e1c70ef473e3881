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
 * What smtp-relay has counted, for sealctl(8).
 */

#include <sys/types.h>

#include "relay.h"
#include "stats.h"

static const char tried[] = "What came of recipients";
static const char offered[] =
    "Messages offered to servers, by what TLS proved of them";

/* In the order of enum relay_count. */
static struct stat_row rows[] = {
    {"relay_recipients_total", "result=\"sent\"", tried, STAT_COUNTER, 0},
    {"relay_recipients_total", "result=\"deferred\"", tried, STAT_COUNTER, 0},
    {"relay_recipients_total", "result=\"failed\"", tried, STAT_COUNTER, 0},
    {"relay_unreachable_total", NULL,
	"Messages for which no server could be reached", STAT_COUNTER, 0},
    {"relay_connections_total", NULL, "Connections that were tried",
	STAT_COUNTER, 0},
    {"relay_messages_total", "tls=\"dane\"", offered, STAT_COUNTER, 0},
    {"relay_messages_total", "tls=\"mta-sts\"", offered, STAT_COUNTER, 0},
    {"relay_messages_total", "tls=\"verified\"", offered, STAT_COUNTER, 0},
    {"relay_messages_total", "tls=\"unverified\"", offered, STAT_COUNTER, 0},
    {"relay_messages_total", "tls=\"none\"", offered, STAT_COUNTER, 0},
};

void
report_init(void)
{
	stats_set(rows, sizeof(rows) / sizeof(rows[0]), NULL);
}

void
report_add(enum relay_count count)
{
	rows[count].value++;
}

void
report_outcome(enum queue_outcome what)
{
	switch (what) {
	case OUTCOME_SENT:
	case OUTCOME_RELAYED:
		report_add(COUNT_SENT);
		break;
	case OUTCOME_DEFERRED:
	case OUTCOME_UNSURE:
		report_add(COUNT_DEFERRED);
		break;
	case OUTCOME_FAILED:
		report_add(COUNT_FAILED);
		break;
	}
}
