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
 * What sealkeys has counted, for sealctl(8).
 */

#include "serve.h"
#include "stats.h"

static const char help[] = "Signatures of handshakes that engines asked for";

static struct stat_row rows[] = {
    {"signatures_total", "result=\"made\"", help, STAT_COUNTER, 0},
    {"signatures_total", "result=\"refused\"", help, STAT_COUNTER, 0},
};

void
report_init(void)
{
	stats_set(rows, sizeof(rows) / sizeof(rows[0]), NULL);
}

void
report_signature(bool made)
{
	rows[made ? 0 : 1].value++;
}
