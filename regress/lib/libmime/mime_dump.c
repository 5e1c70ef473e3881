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
 * Prints what libmime finds in the message on standard input, one fact a
 * line, for comparison with an independent reader (mime_python_test.sh).
 * usage: mime_dump [piece]
 */

#include <sys/types.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mime.h"
#include "mime_text.h"

static void
put(const char *key, struct mime_str s)
{
	unsigned char c;
	size_t i;

	if (s.s == NULL)
		return;
	printf(" %s=", key);
	for (i = 0; i < s.len; i++) {
		c = (unsigned char)s.s[i];
		if (c <= ' ' || c >= 127 || c == '\\')
			printf("\\%03o", c);
		else
			putchar(c);
	}
}

static void
part(const struct mime_summary *s, uint32_t i)
{
	struct mime_str name, value;
	struct mime_part m;
	size_t pos;

	mime_part_get(s, i, &m);
	printf("part %u parent=%d end=%u kind=%d head=%ju+%ju body=%ju+%ju "
	       "lines=%ju",
	    i, (int)m.parent, m.end, m.kind, (uintmax_t)m.head_off,
	    (uintmax_t)m.head_len, (uintmax_t)m.body_off, (uintmax_t)m.body_len,
	    (uintmax_t)m.body_lines);
	put("type", m.type);
	put("subtype", m.subtype);
	put("encoding", m.encoding);
	put("id", m.id);
	put("description", m.description);
	put("disposition", m.disposition);
	put("location", m.location);
	put("md5", m.md5);
	for (pos = 0; mime_language_next(&m, &pos, &name);)
		put("language", name);
	printf("\n");
	for (pos = 0;
	     mime_param_next(&m, MIME_PARAMS_TYPE, &pos, &name, &value);) {
		printf("param %u", i);
		put("name", name);
		put("value", value);
		printf("\n");
	}
	for (pos = 0; mime_param_next(
		 &m, MIME_PARAMS_DISPOSITION, &pos, &name, &value);) {
		printf("dparam %u", i);
		put("name", name);
		put("value", value);
		printf("\n");
	}
}

static void
envelope(const struct mime_summary *s, uint32_t i)
{
	static const char *const names[] = {"date", "subject", "from", "sender",
	    "reply-to", "to", "cc", "bcc", "in-reply-to", "message-id"};
	struct mime_addr_iter it;
	struct mime_addr a;
	char buf[MIME_VALUE_MAX];
	int f;

	for (f = MIME_DATE; f <= MIME_MESSAGE_ID; f++) {
		if (f >= MIME_FROM && f <= MIME_BCC) {
			mime_addr_init(&it, s, i, (enum mime_field)f);
			while (mime_addr_next(&it, &a)) {
				printf("addr %u %s", i, names[f]);
				put("name", a.name);
				put("adl", a.adl);
				put("mailbox", a.mailbox);
				put("host", a.host);
				printf("\n");
			}
			continue;
		}
		printf("text %u %s", i, names[f]);
		put("value",
		    mime_envelope_text(
			s, i, (enum mime_field)f, buf, sizeof(buf)));
		printf("\n");
	}
}

int
main(int argc, char *argv[])
{
	size_t piece = argc > 1 ? strtoul(argv[1], NULL, 10) : 65536;
	struct mime_parser *p;
	struct mime_summary s;
	struct mime_part m;
	const uint8_t *sum;
	char buf[65536];
	ssize_t n;
	size_t len;
	uint32_t i;

	if (piece == 0 || piece > sizeof(buf))
		errx(1, "piece");
	mime_charset_init();
	if ((p = mime_parser_new()) == NULL)
		err(1, NULL);
	while ((n = read(STDIN_FILENO, buf, piece)) > 0)
		mime_parser_feed(p, buf, (size_t)n);
	if ((sum = mime_parser_finish(p, &len)) == NULL)
		errx(1, "no summary");
	if (mime_summary_open(&s, sum, len, mime_parser_size(p)) == -1)
		err(1, "own summary refused");
	printf("message size=%ju lines=%ju parts=%u summary=%zu limited=%d "
	       "nul=%d",
	    (uintmax_t)s.size, (uintmax_t)s.lines, s.nparts, len, s.limited,
	    s.has_nul);
	if (s.has_date)
		printf(" date=%jd zone=%d", (intmax_t)s.date, s.zone);
	printf("\npreview");
	put("text", s.preview);
	printf("\n");
	for (i = 0; i < s.nparts; i++) {
		part(&s, i);
		mime_part_get(&s, i, &m);
		if (i == 0)
			envelope(&s, 0);
		if (m.kind == MIME_MESSAGE)
			envelope(&s, i + 1);
	}
	mime_parser_free(p);
	return 0;
}
