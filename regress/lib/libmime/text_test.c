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

/* Text: decoding, charsets, encoded-words, folding, finding. */

#include <sys/types.h>

#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "mime_text.h"

struct out {
	char s[65536];
	size_t n;
};

static void
put(void *arg, const void *p, size_t len)
{
	struct out *o = arg;

	ATF_REQUIRE(len < sizeof(o->s) - o->n);
	memcpy(o->s + o->n, p, len);
	o->n += len;
	o->s[o->n] = '\0';
}

static void
pipe_is(const char *coding, const char *charset, bool html, bool fold,
    const char *in, size_t len, const char *want)
{
	struct mime_text *t = mime_text_new();
	static struct out o;
	size_t piece, i, n;
	bool known;

	ATF_REQUIRE(t != NULL);
	for (piece = 1; piece <= len; piece++) {
		o.n = 0;
		o.s[0] = '\0';
		mime_text_start(t, mime_coding_find(coding, strlen(coding)),
		    mime_charset_find(charset, strlen(charset), &known), html,
		    fold, put, &o);
		ATF_CHECK_MSG(known, "%s", charset);
		for (i = 0; i < len; i += n) {
			n = len - i < piece ? len - i : piece;
			mime_text_feed(t, in + i, n);
		}
		mime_text_end(t);
		ATF_CHECK_STREQ_MSG(
		    o.s, want, "%s %s %zu: %s", coding, charset, piece, o.s);
	}
	mime_text_free(t);
}
#define PIPE_IS(coding, charset, html, fold, in, want) \
	pipe_is(coding, charset, html, fold, in, sizeof(in) - 1, want)

ATF_TC_WITHOUT_HEAD(pipes);
ATF_TC_BODY(pipes, tc)
{
	ATF_REQUIRE(mime_charset_init() >= 40);
	PIPE_IS("7bit", "us-ascii", false, false, "plain\r\n", "plain\r\n");
	PIPE_IS("quoted-printable", "utf-8", false, false,
	    "Gr=C3=BC=\r\n=C3=9Fe= \t\r\n=3D=zz=", "Gr\303\274\303\237e==zz=");
	PIPE_IS("BASE64", "utf-8", false, false,
	    "R3LD\r\nvMOf*ZQ==", "Gr\303\274\303\237e");
	PIPE_IS("8bit", "iso-8859-1", false, false, "gr\374n \200",
	    "gr\303\274n \342\202\254");
	PIPE_IS("8bit", "KOI8-R", false, false, "\360\322\311\327\305\324",
	    "\320\237\321\200\320\270\320\262\320\265\321\202");
	PIPE_IS("8bit", "GB2312", false, false, "\304\343\272\303",
	    "\344\275\240\345\245\275");
	PIPE_IS("7bit", "ISO-2022-JP", false, false,
	    "\033$B$3$s\033(B\n\033$B$3\033(Bx",
	    "\343\201\223\343\202\223\n\343\201\223x");
	PIPE_IS("8bit", "Shift_JIS", false, false, "\202\261\202\361",
	    "\343\201\223\343\202\223");
	PIPE_IS("8bit", "utf-8", false, false, "a\377b\303",
	    "a\357\277\275b\357\277\275");
	/* A letter waits for its accent; and no longer than to its end. */
	PIPE_IS("8bit", "windows-1258", false, false, "Vi\352\362t xa",
	    "Vi\341\273\207t xa");
	PIPE_IS(
	    "8bit", "windows-1258", false, false, "\362b\na", "\314\243b\na");
	/* RFC 2781 3.2: a mark tells the order, whatever the name says. */
	PIPE_IS("8bit", "UTF-16", false, false, "\376\377\0a\0\374\0b",
	    "a\303\274b");
	PIPE_IS("8bit", "UTF-16", false, false, "\377\376a\0\374\0b\0",
	    "a\303\274b");
	PIPE_IS("8bit", "UTF-16LE", false, true, "\376\377\330\075\336\0\0\334",
	    "\360\237\230\200u");
	PIPE_IS("8bit", "UTF-16BE", false, false, "\377\376a\0", "a");
	PIPE_IS(
	    "8bit", "UTF-16BE", false, false, "\0a\376\377", "a\357\273\277");
	PIPE_IS("8bit", "UTF-16", false, false, "a\0\374\0", "a\303\274");
	PIPE_IS(
	    "base64", "UTF-16", true, false, "/v8APABiAD4A/A==", "\303\274");
	PIPE_IS("8bit", "UTF-32", false, false, "\0\0\376\377\0\0\0a\0\0\0\374",
	    "a\303\274");
	PIPE_IS("8bit", "UTF-32BE", false, false,
	    "\377\376\0\0a\0\0\0\374\0\0\0", "a\303\274");
	PIPE_IS("8bit", "UTF-32", false, false, "a\0\0\0", "a");
	PIPE_IS("8bit", "windows-1251", false, true, "\317\360\350",
	    "\320\277\321\200\320\270");
}

ATF_TC_WITHOUT_HEAD(html);
ATF_TC_BODY(html, tc)
{
	mime_charset_init();
	PIPE_IS("", "utf-8", true, false,
	    "<html><style>p { }</style><p class=\"a>b\">A&amp;B &#x41;&#66;"
	    "<b>c</b>d<br>e<!-- x --> > f &bogus; g < h <script>if (a < b) "
	    "x('</p>');</script>i",
	    "A&B ABcd e > f &bogus; g < h i");
	PIPE_IS("quoted-printable", "iso-8859-1", true, true,
	    "<p>Gr&Uuml;=DFE</p", "grusse");
}

ATF_TC_WITHOUT_HEAD(words);
ATF_TC_BODY(words, tc)
{
	static const char *const t[][2] = {
	    {"=?ISO-8859-1?Q?Andr=E9?= Pirard", "Andr\303\251 Pirard"},
	    {"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"},
	    {"=?ISO-8859-1?Q?a?=\r\n =?ISO-8859-1?Q?_b?=", "a b"},
	    {"=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=", "\303\274"},
	    {"=?utf-8?B?w6TDtg==?=", "\303\244\303\266"},
	    {"=?utf-8*de?q?x?=", "x"},
	    {"plain =?broken?= =?utf-8?x?y?= text",
		"plain =?broken?= =?utf-8?x?y?= text"},
	    {"fold\r\n ed", "fold ed"},
	    {"gr\374n", "gr\303\274n"},
	    {"gr\303\274n", "gr\303\274n"},
	    {"=?utf-16?B?/v8A/A==?= =?utf-16?B?/v8A/A==?=",
		"\303\274\357\273\277\303\274"},
	    {"=?utf-16?Q?=FF=FE=FC=00?= x", "\303\274 x"},
	    {"=?utf-32?Q?=00=00=FE=FF=00=00=00=FC?=", "\303\274"},
	    {"=?koi8-r?B?8NLJ18XU?=",
		"\320\237\321\200\320\270\320\262\320\265\321\202"},
	    {"", ""},
	};
	char out[200];
	size_t i, n;

	mime_charset_init();
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		n = mime_words_decode(
		    t[i][0], strlen(t[i][0]), out, sizeof(out));
		ATF_CHECK_STREQ_MSG(out, t[i][1], "%s: %s", t[i][0], out);
		ATF_CHECK_EQ(n, strlen(out));
	}
	mime_ext_decode("utf-8'en'%e2%82%ac%20r", 22, out, sizeof(out));
	ATF_CHECK_STREQ(out, "\342\202\254 r");
	mime_ext_decode("iso-8859-1''%E9", 15, out, sizeof(out));
	ATF_CHECK_STREQ(out, "\303\251");
	/* Cut where the room ends, not amid a character. */
	n = mime_words_decode("\303\274\303\274\303\274\303\274\303\274"
			      "\303\274\303\274\303\274",
	    16, out, 12);
	ATF_CHECK(n <= 11 && n % 2 == 0);
}

ATF_TC_WITHOUT_HEAD(fold);
ATF_TC_BODY(fold, tc)
{
	static const char *const t[][2] = {
	    {"Hello WORLD [@`{}]~", "hello world [@`{}]~"},
	    {"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"},
	    {"\303\204\303\226\303\234\303\237", "aouss"},
	    {"Stra\303\237e", "strasse"},
	    {"\303\230re\305\202 \305\222uf", "orel oeuf"},
	    {"e\314\201", "e"},
	    {"\357\274\241\357\275\202", "ab"},
	    {"\357\254\201n", "fin"},
	    {"\316\243\316\257\317\203\317\205\317\206\316\277\317\202",
		"\317\203\316\271\317\203\317\205\317\206\316\277\317\203"},
	    {"\320\231\320\276\320\264", "\320\270\320\276\320\264"},
	    {"so\302\255ft", "soft"},
	};
	char out[200];
	size_t i, n;

	mime_charset_init();
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		n = mime_fold(t[i][0], strlen(t[i][0]), out, sizeof(out) - 1);
		out[n] = '\0';
		ATF_CHECK_STREQ_MSG(out, t[i][1], "%s: %s", t[i][0], out);
	}
	ATF_CHECK_EQ(mime_fold("ABC", 3, out, 2), 2);
}

ATF_TC_WITHOUT_HEAD(find);
ATF_TC_BODY(find, tc)
{
	static const char text[] = "abababcabcd needle aaaab nee dle";
	struct mime_finder f;
	size_t start, len, piece, i, n;
	bool found;

	/* Every needle that is there, over every border. */
	for (start = 0; start < sizeof(text) - 1; start++) {
		for (len = 1; len < sizeof(text) - start; len++) {
			for (piece = 1; piece < 12; piece++) {
				mime_finder_init(&f, text + start, len);
				found = false;
				for (i = 0; i < sizeof(text) - 1; i += n) {
					n = sizeof(text) - 1 - i < piece ?
					    sizeof(text) - 1 - i :
					    piece;
					found = mime_finder_feed(
					    &f, text + i, n);
				}
				ATF_REQUIRE_MSG(
				    found, "%zu %zu %zu", start, len, piece);
			}
		}
	}
	for (piece = 1; piece < 12; piece++) {
		mime_finder_init(&f, "needles", 7);
		for (i = 0; i < sizeof(text) - 1; i += n) {
			n = sizeof(text) - 1 - i < piece ?
			    sizeof(text) - 1 - i :
			    piece;
			ATF_CHECK(!mime_finder_feed(&f, text + i, n));
		}
	}
	mime_finder_init(&f, "", 0);
	ATF_CHECK(f.found);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, pipes);
	ATF_TP_ADD_TC(tp, html);
	ATF_TP_ADD_TC(tp, words);
	ATF_TP_ADD_TC(tp, fold);
	ATF_TP_ADD_TC(tp, find);
	return atf_no_error();
}
