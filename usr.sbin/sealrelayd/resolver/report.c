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
 * What smtp-resolver has counted, for sealctl(8).
 */

#include <sys/types.h>

#include "resolver.h"
#include "stats.h"

static const char answers[] = "Answers to questions, by their outcome";
static const char checks[] = "What DNSSEC says of those that came";

/* The first in the order of enum resolver_status. */
static struct stat_row rows[] = {
    {"dns_answers_total", "status=\"ok\"", answers, STAT_COUNTER, 0},
    {"dns_answers_total", "status=\"nodata\"", answers, STAT_COUNTER, 0},
    {"dns_answers_total", "status=\"nxdomain\"", answers, STAT_COUNTER, 0},
    {"dns_answers_total", "status=\"bogus\"", answers, STAT_COUNTER, 0},
    {"dns_answers_total", "status=\"servfail\"", answers, STAT_COUNTER, 0},
    {"dns_answers_total", "status=\"timeout\"", answers, STAT_COUNTER, 0},
    {"dns_answers_total", "status=\"broken\"", answers, STAT_COUNTER, 0},
    {"dns_answers_total", "status=\"busy\"", answers, STAT_COUNTER, 0},
    {"dns_validated_total", "result=\"secure\"", checks, STAT_COUNTER, 0},
    {"dns_validated_total", "result=\"insecure\"", checks, STAT_COUNTER, 0},
    {"dns_validated_total", "result=\"bogus\"", checks, STAT_COUNTER, 0},
};
#define STATUSES (RESOLVER_BUSY + 1)
#define ROW_SECURE STATUSES
#define ROW_INSECURE (STATUSES + 1)
#define ROW_BOGUS (STATUSES + 2)

void
report_init(void)
{
	stats_set(rows, sizeof(rows) / sizeof(rows[0]), NULL);
}

void
report_answer(enum resolver_status status, bool secure)
{
	if ((unsigned int)status < STATUSES)
		rows[status].value++;
	if (status == RESOLVER_BOGUS)
		rows[ROW_BOGUS].value++;
	else if (status <= RESOLVER_NXDOMAIN)
		rows[secure ? ROW_SECURE : ROW_INSECURE].value++;
}
