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
 * Fuzzer of libmime.  The first octet chooses how the rest, a message, is cut
 * into pieces, or that it is a summary.  What cannot be true aborts: another
 * summary for other pieces, an own summary that is refused, a summary that
 * opens and then leads outside the message or gives IMAP what it cannot carry.
 */

#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mime.h"
#include "mime_local.h"
#include "mime_text.h"

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* A string that is to be quoted or sent as a literal. */
static void
walk_string(struct mime_str s)
{
	size_t i;

	for (i = 0; s.s != NULL && i < s.len; i++)
		must(s.s[i] != '\0' && s.s[i] != '\r' && s.s[i] != '\n');
}

static void
walk_part(const struct mime_summary *s, uint32_t i, struct mime_part *m)
{
	struct mime_str name, value;
	size_t pos;

	mime_part_get(s, i, m);
	must(m->index == i && m->end > i && m->end <= s->nparts);
	must(m->head_off + m->head_len == m->body_off);
	must(m->body_off + m->body_len <= s->size);
	must(m->type.len > 0 && m->subtype.len > 0 && m->encoding.len > 0);
	must((m->kind == MIME_LEAF) == (m->end == i + 1));
	walk_string(m->type);
	walk_string(m->subtype);
	walk_string(m->encoding);
	walk_string(m->id);
	walk_string(m->description);
	walk_string(m->md5);
	walk_string(m->location);
	walk_string(m->disposition);
	for (pos = 0;
	     mime_param_next(m, MIME_PARAMS_TYPE, &pos, &name, &value);) {
		walk_string(name);
		walk_string(value);
	}
	for (pos = 0; mime_param_next(
		 m, MIME_PARAMS_DISPOSITION, &pos, &name, &value);) {
		walk_string(name);
		walk_string(value);
	}
	for (pos = 0; mime_language_next(m, &pos, &name);)
		walk_string(name);
}

static void
walk_envelope(const struct mime_summary *s, uint32_t part)
{
	static struct mime_addr_iter it;
	static char buf[MIME_VALUE_MAX];
	struct mime_addr a;
	bool group = false;
	int f;

	for (f = MIME_DATE; f <= MIME_MESSAGE_ID; f++) {
		walk_string(mime_envelope_text(
		    s, part, (enum mime_field)f, buf, sizeof(buf)));
		mime_addr_init(&it, s, part, (enum mime_field)f);
		while (mime_addr_next(&it, &a)) {
			walk_string(a.name);
			walk_string(a.adl);
			walk_string(a.mailbox);
			walk_string(a.host);
			/* Groups begin, end, and do not nest. */
			if (a.host.s == NULL) {
				must(group == (a.mailbox.s == NULL));
				group = !group;
			}
		}
		must(!group);
	}
}

static void
walk_headers(const struct mime_summary *s)
{
	struct mime_str name, raw, id;
	size_t pos;
	bool own;

	for (pos = 0; mime_header_next(s, 0, &pos, &name, &raw);) {
		must(name.len > 0 && name.len < raw.len);
		must(name.s == raw.s);
	}
	for (pos = 0; mime_thread_next(s, &pos, &own, &id);) {
		must(id.len > 0);
		walk_string(id);
	}
}

static void
walk_sections(const struct mime_summary *s)
{
	uint32_t path[MIME_DEPTH_MAX + 4];
	struct mime_part m;
	size_t n;
	int at;

	/* Down the first parts, as far as it goes. */
	for (n = 0; n < MIME_DEPTH_MAX + 4; n++) {
		at = mime_part_find(s, path, n);
		must(at >= -1 && at < (int)s->nparts);
		must(mime_part_message(s, path, n) < (int)s->nparts);
		if (at == -1)
			break;
		path[n] = 1;
	}
	must(n < MIME_DEPTH_MAX + 4);
	mime_part_get(s, 0, &m);
	path[0] = s->nparts + 1;
	must(mime_part_find(s, path, 1) == -1);
	path[0] = 0;
	must(mime_part_find(s, path, 1) == -1);
}

/* All that the accessors give. */
static void
walk(const struct mime_summary *s)
{
	struct mime_part m;
	uint32_t i;
	bool more;

	must(utf8_valid(s->preview.s, s->preview.len, &more) == s->preview.len);
	walk_string(s->preview);
	for (i = 0; i < s->nparts; i++) {
		walk_part(s, i, &m);
		if (i == 0 || m.kind == MIME_MESSAGE)
			walk_envelope(s, i == 0 ? 0 : i + 1);
	}
	walk_headers(s);
	walk_sections(s);
}

static void
swallow(void *arg, const void *data, size_t len)
{
	bool more;

	/* Text is whole, valid characters, whatever went in. */
	must(utf8_valid(data, len, &more) == len);
	*(size_t *)arg += len;
}

static void
fuzz_text(const uint8_t *in, size_t len, unsigned how)
{
	static struct mime_text *t;
	size_t whole = 0, pieces = 0, i;
	int charset;

	if (t == NULL && (t = mime_text_new()) == NULL)
		abort();
	charset = (int)(how % 12);
	if (mime_charset_init() < 20)
		charset %= 2;
	mime_text_start(t, (enum mime_coding)(how % 3), charset, how & 8,
	    how & 16, swallow, &whole);
	mime_text_feed(t, in, len);
	mime_text_end(t);
	mime_text_start(t, (enum mime_coding)(how % 3), charset, how & 8,
	    how & 16, swallow, &pieces);
	for (i = 0; i < len; i++)
		mime_text_feed(t, in + i, 1);
	mime_text_end(t);
	must(whole == pieces);
}

static void
fuzz_words(const uint8_t *in, size_t len)
{
	static char out[4096], folded[4096];
	int64_t seconds;
	size_t n;
	bool more;
	int zone;

	n = mime_words_decode((const char *)in, len, out, sizeof(out));
	must(n < sizeof(out) && utf8_valid(out, n, &more) == n);
	n = mime_fold(out, n, folded, sizeof(folded));
	must(utf8_valid(folded, n, &more) == n);
	n = mime_ext_decode((const char *)in, len, out, sizeof(out));
	must(n < sizeof(out) && utf8_valid(out, n, &more) == n);
	if (mime_date_parse((const char *)in, len, &seconds, &zone) == 0)
		must(zone >= -1440 && zone <= 1440);
}

/* The message at once, and in pieces of that size: one summary. */
static void
fuzz_message(const uint8_t *in, size_t len, size_t piece)
{
	static struct mime_parser *a, *b;
	const uint8_t *one, *two;
	struct mime_summary s;
	size_t i, n, one_len, two_len;

	if (a == NULL &&
	    ((a = mime_parser_new()) == NULL ||
		(b = mime_parser_new()) == NULL))
		abort();
	mime_parser_reset(a);
	mime_parser_reset(b);
	mime_parser_feed(a, in, len);
	for (i = 0; i < len; i += n) {
		n = len - i < piece ? len - i : piece;
		mime_parser_feed(b, in + i, n);
	}
	one = mime_parser_finish(a, &one_len);
	two = mime_parser_finish(b, &two_len);
	must(one != NULL && two != NULL && one_len <= MIME_SUMMARY_MAX);
	must(one_len == two_len && memcmp(one, two, one_len) == 0);
	must(mime_parser_size(a) == len);
	must(mime_summary_open(&s, one, one_len, len) == 0);
	walk(&s);
}

/* A summary, its sum put right, and the size that it names. */
static void
fuzz_summary(const uint8_t *in, size_t len)
{
	struct mime_summary s;
	uint8_t *copy;

	if (len < 24 || len > MIME_SUMMARY_MAX)
		return;
	if ((copy = malloc(len)) == NULL)
		abort();
	memcpy(copy, in, len);
	put32(copy + 12, sum_check(copy, len));
	if (mime_summary_open(&s, copy, len, get64(copy + 16)) == 0)
		walk(&s);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const unsigned char *in, size_t len)
{
	static bool ready;

	if (!ready) {
		mime_charset_init();
		ready = true;
	}
	if (len == 0)
		return 0;
	if (in[0] == 'S')
		fuzz_summary(in + 1, len - 1);
	else if (in[0] == 'T' && len > 1)
		fuzz_text(in + 2, len - 2, in[1]);
	else if (in[0] == 'W')
		fuzz_words(in + 1, len - 1);
	else
		fuzz_message(in, len, 1 + in[0] % 7);
	return 0;
}
