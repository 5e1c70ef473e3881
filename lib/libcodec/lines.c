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
 * Lines of base64.  Only whole lines that end in CRLF, without padding and
 * without any other octet, are taken: four letters are then three octets in one
 * way alone, and what is put together is what was there.
 */

#include <sys/types.h>

#include <string.h>

#include "lines.h"

#define BAD 0x80000000u

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static struct {
	bool made;
	uint32_t value[4][256]; /* of a letter at each place of its group */
	char pair[4096][2];     /* two letters for twelve bits */
} tables;

static void
tables_make(void)
{
	unsigned int i, place;

	for (place = 0; place < 4; place++)
		for (i = 0; i < 256; i++)
			tables.value[place][i] = BAD;
	for (i = 0; i < 64; i++)
		for (place = 0; place < 4; place++)
			tables.value[place][(uint8_t)letters[i]] = (uint32_t)i
			    << (18 - 6 * place);
	for (i = 0; i < 4096; i++) {
		tables.pair[i][0] = letters[i >> 6];
		tables.pair[i][1] = letters[i & 63];
	}
	tables.made = true;
}

/* False if a letter is none; out has then been written to. */
static bool
line_apart(const uint8_t *p, unsigned int groups, uint8_t *out)
{
	uint32_t v, all = 0;

	for (; groups > 0; groups--, p += 4, out += 3) {
		v = tables.value[0][p[0]] | tables.value[1][p[1]] |
		    tables.value[2][p[2]] | tables.value[3][p[3]];
		all |= v;
		out[0] = (uint8_t)(v >> 16);
		out[1] = (uint8_t)(v >> 8);
		out[2] = (uint8_t)v;
	}
	return (all & BAD) == 0;
}

static void
line_join(uint8_t *out, const uint8_t *p, unsigned int groups)
{
	uint32_t v;

	for (; groups > 0; groups--, p += 3, out += 4) {
		v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		memcpy(out, tables.pair[v >> 12], 2);
		memcpy(out + 2, tables.pair[v & 4095], 2);
	}
	out[0] = '\r';
	out[1] = '\n';
}

/* Octets of the line at p up to its CR; 0: it is no candidate. */
static size_t
line_letters(const uint8_t *p, size_t len)
{
	const uint8_t *cr;
	size_t n;

	if (len > LINES_GROUPS_MAX * 4 + 2)
		len = LINES_GROUPS_MAX * 4 + 2;
	if (len < LINES_GROUPS_MIN * 4 + 2)
		return 0;
	cr = memchr(p, '\r', len - 1);
	if (cr == NULL || cr[1] != '\n')
		return 0;
	n = (size_t)(cr - p);
	return n % 4 == 0 && n / 4 >= LINES_GROUPS_MIN ? n : 0;
}

static void
text_add(struct lines *l, const uint8_t *p, size_t len)
{
	memcpy(l->text + l->text_len, p, len);
	l->text_len += len;
}

/* One more line, of its own run if it does not go on with the last. */
static bool
run_add(struct lines *l, size_t text, unsigned int groups)
{
	if (text == 0 && l->runs > 0 && l->run[l->runs - 1].groups == groups) {
		l->run[l->runs - 1].lines++;
		return true;
	}
	if (l->runs == LINES_RUNS_MAX)
		return false;
	l->run[l->runs].text = (uint16_t)text;
	l->run[l->runs].lines = 1;
	l->run[l->runs].groups = (uint8_t)groups;
	l->runs++;
	return true;
}

void
lines_apart(struct lines *l, const uint8_t *p, size_t len)
{
	const uint8_t *lf;
	size_t at, from, n;

	if (!tables.made)
		tables_make();
	l->runs = 0;
	l->text_len = l->octets_len = 0;
	from = at = 0;
	while (at < len) {
		n = line_letters(p + at, len - at);
		if (n > 0 &&
		    line_apart(p + at, (unsigned int)n / 4,
			l->octets + l->octets_len)) {
			if (!run_add(l, at - from, (unsigned int)n / 4))
				break;
			text_add(l, p + from, at - from);
			l->octets_len += n / 4 * 3;
			from = at = at + n + 2;
			continue;
		}
		lf = memchr(p + at, '\n', len - at);
		if (lf == NULL)
			break;
		at = (size_t)(lf - p) + 1;
	}
	text_add(l, p + from, len - from);
}

/* Whether the runs are of what l says there is, and give len octets. */
static bool
runs_fit(const struct lines *l, size_t len)
{
	size_t text, octets, lines, all;
	unsigned int i;

	text = octets = 0;
	all = l->text_len;
	for (i = 0; i < l->runs; i++) {
		if (l->run[i].groups == 0 || l->run[i].lines == 0)
			return false;
		lines = l->run[i].lines;
		text += l->run[i].text;
		octets += lines * l->run[i].groups * 3;
		all += lines * (l->run[i].groups * 4u + 2);
		if (all > len)
			return false;
	}
	return text <= l->text_len && octets == l->octets_len && all == len;
}

bool
lines_join(const struct lines *l, const uint8_t *text, const uint8_t *octets,
    uint8_t *out, size_t len)
{
	const uint8_t *text_end = text + l->text_len;
	unsigned int i, groups, lines;

	if (!runs_fit(l, len))
		return false;
	if (!tables.made)
		tables_make();
	for (i = 0; i < l->runs; i++) {
		memcpy(out, text, l->run[i].text);
		out += l->run[i].text;
		text += l->run[i].text;
		groups = l->run[i].groups;
		for (lines = l->run[i].lines; lines > 0; lines--) {
			line_join(out, octets, groups);
			out += groups * 4 + 2;
			octets += groups * 3;
		}
	}
	memcpy(out, text, (size_t)(text_end - text));
	return true;
}
