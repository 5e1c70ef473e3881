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
 * A process's counters, and rows of them on a wire.
 */

#include <sys/types.h>

#include <string.h>

#include "log.h"
#include "msg.h"
#include "stats.h"

/* Lengths, kind and value. */
#define ROW_MAX (STATS_NAME_MAX + STATS_LABEL_MAX + STATS_HELP_MAX + 32)

static struct {
	struct stat_row *rows;
	size_t n;
	void (*refresh)(struct stat_row *);
} stats;

void
stats_set(struct stat_row *rows, size_t n, void (*refresh)(struct stat_row *))
{
	if (n > STATS_MAX)
		fatalx("counters: too many");
	for (size_t i = 0; i < n; i++) {
		if (strlen(rows[i].name) >= STATS_NAME_MAX ||
		    strlen(rows[i].help) >= STATS_HELP_MAX ||
		    (rows[i].label != NULL &&
			strlen(rows[i].label) >= STATS_LABEL_MAX))
			fatalx("counter %s: too long", rows[i].name);
	}
	stats.rows = rows;
	stats.n = n;
	stats.refresh = refresh;
}

size_t
stats_count(void)
{
	return stats.n;
}

void
stats_refresh(void)
{
	if (stats.refresh != NULL)
		stats.refresh(stats.rows);
}

size_t
stats_put(struct msgout *m, size_t i)
{
	while (i < stats.n && msg_room(m) >= ROW_MAX)
		stats_put_row(m, &stats.rows[i++]);
	return i;
}

void
stats_put_row(struct msgout *m, const struct stat_row *row)
{
	msg_put_u8(m, (uint8_t)row->kind);
	msg_put_str(m, row->name);
	msg_put_str(m, row->label == NULL ? "" : row->label);
	msg_put_str(m, row->help);
	msg_put_u64(m, row->value);
}

void
stats_get_row(struct msg *m, struct stat_got *row)
{
	uint8_t kind;

	memset(row, 0, sizeof(*row));
	kind = msg_get_u8(m);
	(void)msg_get_str(m, row->name, sizeof(row->name));
	(void)msg_get_str(m, row->label, sizeof(row->label));
	(void)msg_get_str(m, row->help, sizeof(row->help));
	row->value = msg_get_u64(m);
	if (kind > STAT_GAUGE)
		m->bad = true;
	row->kind = kind == STAT_GAUGE ? STAT_GAUGE : STAT_COUNTER;
}
