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
 * Charsets to UTF-8.  iconv loads a module per charset, which it cannot do
 * within a sandbox, so all are opened before it and kept.  UTF-8 itself and
 * Latin-1 (read as Windows-1252, which is what is meant by it) need none.
 */

#include <sys/types.h>

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "mime_local.h"

#define CHARSET_FIRST 2 /* index of table[0] */
#define BOM_MAX 4       /* octets */

/* Names without '-', '_', '.', ':' and in lower case. */
static struct charset {
	const char *name;  /* for iconv */
	bool by_line;      /* has states */
	const char *alias; /* separated by spaces */
	iconv_t cd;
	bool open;
} table[] = {
    {"ISO-8859-2", false, "iso88592 latin2 l2", NULL, false},
    {"ISO-8859-3", false, "iso88593 latin3", NULL, false},
    {"ISO-8859-4", false, "iso88594 latin4", NULL, false},
    {"ISO-8859-5", false, "iso88595 cyrillic", NULL, false},
    {"ISO-8859-6", false, "iso88596 iso88596i arabic", NULL, false},
    {"ISO-8859-7", false, "iso88597 greek", NULL, false},
    {"ISO-8859-8", false, "iso88598 iso88598i hebrew", NULL, false},
    {"ISO-8859-9", false, "iso88599 latin5", NULL, false},
    {"ISO-8859-10", false, "iso885910 latin6", NULL, false},
    {"ISO-8859-11", false, "iso885911", NULL, false},
    {"ISO-8859-13", false, "iso885913 latin7", NULL, false},
    {"ISO-8859-14", false, "iso885914 latin8", NULL, false},
    {"ISO-8859-15", false, "iso885915 latin9", NULL, false},
    {"ISO-8859-16", false, "iso885916 latin10", NULL, false},
    {"CP1250", false, "windows1250 cp1250", NULL, false},
    {"CP1251", false, "windows1251 cp1251", NULL, false},
    {"CP1253", false, "windows1253 cp1253", NULL, false},
    {"CP1254", false, "windows1254 cp1254", NULL, false},
    {"CP1255", true, "windows1255 cp1255", NULL, false},
    {"CP1256", false, "windows1256 cp1256", NULL, false},
    {"CP1257", false, "windows1257 cp1257", NULL, false},
    {"CP1258", true, "windows1258 cp1258", NULL, false},
    {"CP874", false, "windows874 cp874 tis620", NULL, false},
    {"KOI8-R", false, "koi8r koi8", NULL, false},
    {"KOI8-U", false, "koi8u", NULL, false},
    {"IBM437", false, "cp437 ibm437", NULL, false},
    {"IBM850", false, "cp850 ibm850", NULL, false},
    {"IBM852", false, "cp852 ibm852", NULL, false},
    {"IBM866", false, "cp866 ibm866", NULL, false},
    {"MACINTOSH", false, "macintosh macroman xmacroman", NULL, false},
    {"GB18030", false, "gb18030 gb2312 gbk cp936 euccn xgbk", NULL, false},
    {"HZ", true, "hzgb2312 hz", NULL, false},
    {"BIG5-HKSCS", true, "big5hkscs big5 cp950 xxbig5", NULL, false},
    {"ISO-2022-JP-2", true, "iso2022jp iso2022jp2 csiso2022jp", NULL, false},
    {"EUC-JP", false, "eucjp xeucjp ujis", NULL, false},
    {"CP932", false, "shiftjis sjis xsjis windows31j cp932 mskanji", NULL,
	false},
    {"CP949", false, "ksc56011987 ksc5601 euckr cp949 windows949 uhc", NULL,
	false},
    {"ISO-2022-KR", true, "iso2022kr", NULL, false},
    {"EUC-TW", false, "euctw", NULL, false},
    {"VISCII", false, "viscii", NULL, false},
    {"TCVN", true, "tcvn tcvn5712", NULL, false},
    {"JOHAB", false, "johab cp1361 ksc56011992", NULL, false},
    {"ISO-2022-CN", true, "iso2022cn", NULL, false},
    {"ISO-2022-CN-EXT", true, "iso2022cnext", NULL, false},
    {"ISO-2022-JP-3", true, "iso2022jp3 iso2022jp2004", NULL, false},
    {"EUC-JISX0213", true, "eucjisx0213 eucjis2004", NULL, false},
    {"SHIFT_JISX0213", true, "shiftjisx0213 shiftjis2004", NULL, false},
    {"CP737", false, "cp737 ibm737", NULL, false},
    {"CP775", false, "cp775 ibm775", NULL, false},
    {"IBM855", false, "cp855 ibm855", NULL, false},
    {"IBM856", false, "cp856 ibm856", NULL, false},
    {"IBM857", false, "cp857 ibm857", NULL, false},
    {"CP858", false, "cp858 ibm858 ibm00858 cp00858", NULL, false},
    {"IBM860", false, "cp860 ibm860", NULL, false},
    {"IBM861", false, "cp861 ibm861 cpis", NULL, false},
    {"IBM862", false, "cp862 ibm862", NULL, false},
    {"IBM863", false, "cp863 ibm863", NULL, false},
    {"IBM864", false, "cp864 ibm864", NULL, false},
    {"IBM865", false, "cp865 ibm865", NULL, false},
    {"IBM869", false, "cp869 ibm869 cpgr", NULL, false},
    {"CP1125", false, "cp1125 ibm1125 cp866u", NULL, false},
    {"KOI8-RU", false, "koi8ru", NULL, false},
    {"KOI8-T", false, "koi8t", NULL, false},
    {"RK1048", false, "kz1048 rk1048 strk10482002", NULL, false},
    {"PT154", false, "pt154 ptcp154 cp154 csptcp154", NULL, false},
    {"MAC-CYRILLIC", false, "maccyrillic xmaccyrillic", NULL, false},
    {"MAC-CENTRALEUROPE", false, "maccentraleurope xmaccentraleurroman xmacce",
	NULL, false},
    {"MAC-UK", false, "macuk xmacukrainian", NULL, false},
    {"MAC-IS", false, "macis xmacicelandic", NULL, false},
    {"GEORGIAN-PS", false, "georgianps", NULL, false},
    {"GEORGIAN-ACADEMY", false, "georgianacademy", NULL, false},
    {"ARMSCII-8", false, "armscii8", NULL, false},
    {"TSCII", true, "tscii", NULL, false},
    {"HP-ROMAN8", false, "hproman8 roman8", NULL, false},
    {"CP1133", false, "ibm1133 cp1133", NULL, false},
    {"IBM037", false, "cp037 ibm037", NULL, false},
    {"IBM273", false, "cp273 ibm273", NULL, false},
    {"IBM424", false, "cp424 ibm424", NULL, false},
    {"IBM500", false, "cp500 ibm500", NULL, false},
    {"IBM875", false, "cp875 ibm875", NULL, false},
    {"IBM1026", false, "cp1026 ibm1026", NULL, false},
    {"IBM1047", false, "cp1047 ibm1047", NULL, false},
    {"IBM1140", false, "cp1140 ibm1140 ibm01140", NULL, false},
    {"UTF-7", true, "utf7 unicode11utf7", NULL, false},
    {"UTF-16LE", false, "utf16le utf16 ucs2 iso10646ucs2 unicode", NULL, false},
    {"UTF-16BE", false, "utf16be", NULL, false},
    {"UTF-32LE", false, "utf32le utf32 ucs4 iso10646ucs4", NULL, false},
    {"UTF-32BE", false, "utf32be", NULL, false},
};
#define NTABLE (sizeof(table) / sizeof(table[0]))
#define CHARSET_WIDE ((int)NTABLE + CHARSET_FIRST - 4) /* these four */

/* 0x80 to 0x9f of Windows-1252; 0 where it has nothing. */
static const uint16_t cp1252[32] = {0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026,
    0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0, 0,
    0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122,
    0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178};

int
mime_charset_init(void)
{
	size_t i;
	int n = 0;

	for (i = 0; i < NTABLE; i++) {
		if (!table[i].open) {
			table[i].cd = iconv_open("UTF-8", table[i].name);
			table[i].open = table[i].cd != (iconv_t)-1;
		}
		n += table[i].open;
	}
	fold_init();
	return n;
}

static bool
alias_is(const char *list, const char *name, size_t len)
{
	const char *p = list, *e;

	for (;;) {
		e = strchr(p, ' ');
		if ((e != NULL ? (size_t)(e - p) : strlen(p)) == len &&
		    memcmp(p, name, len) == 0)
			return true;
		if (e == NULL)
			return false;
		p = e + 1;
	}
}

int
mime_charset_find(const char *name, size_t len, bool *known)
{
	static const char utf8[] = "utf8 utf8mac unicode11utf8 cp65001 "
				   "usascii ascii ansix341968 iso646us";
	static const char latin1[] = "iso88591 latin1 l1 windows1252 cp1252 "
				     "iso885911987 xansi";
	size_t i, n = 0;
	char norm[32];

	for (i = 0; i < len && name[i] != '*' && n < sizeof(norm); i++) {
		if (strchr("-_.: \"'", name[i]) == NULL)
			norm[n++] = (char)lower((unsigned char)name[i]);
	}
	if (known != NULL)
		*known = true;
	if (n > 0 && n < sizeof(norm)) {
		/* ASCII with eighth bits is UTF-8 more often than not. */
		if (alias_is(utf8, norm, n))
			return CHARSET_UTF8;
		if (alias_is(latin1, norm, n))
			return CHARSET_LATIN1;
		for (i = 0; i < NTABLE; i++) {
			if (table[i].open && alias_is(table[i].alias, norm, n))
				return (int)i + CHARSET_FIRST;
		}
	}
	if (known != NULL)
		*known = false;
	return CHARSET_LATIN1;
}

bool
charset_by_line(int charset)
{
	return charset >= CHARSET_FIRST &&
	    table[charset - CHARSET_FIRST].by_line;
}

size_t
charset_bom(int charset)
{
	if (charset < CHARSET_WIDE)
		return 0;
	return charset < CHARSET_WIDE + 2 ? 2 : 4;
}

int
charset_order(int charset, const char *s, size_t len, size_t *bom)
{
	static const char marks[4][BOM_MAX] = {
	    {'\xff', '\xfe', 0, 0},
	    {'\xfe', '\xff', 0, 0},
	    {'\xff', '\xfe', 0, 0},
	    {0, 0, '\xfe', '\xff'},
	};
	size_t n = charset_bom(charset);
	int other;

	*bom = 0;
	if (n == 0 || len < n)
		return charset;
	other = CHARSET_WIDE + (n == 2 ? 0 : 2);
	for (int i = other; i < other + 2; i++) {
		if (memcmp(s, marks[i - CHARSET_WIDE], n) == 0 &&
		    table[i - CHARSET_FIRST].open) {
			*bom = n;
			return i;
		}
	}
	return charset;
}

size_t
utf8_put(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/*
 * The character at s, of at most len octets: its length; 0 if it is not valid,
 * -1 if it may become so with more octets.
 */
static int
utf8_length(const unsigned char *s, size_t len)
{
	unsigned char low = 0x80, high = 0xbf;
	int i, n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	/* No overlong forms, surrogates, nor anything past U+10FFFF. */
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	for (i = 1; i < n; i++) {
		if ((size_t)i >= len)
			return -1;
		if (s[i] < low || s[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return n;
}

size_t
utf8_valid(const char *s, size_t len, bool *more)
{
	const unsigned char *p = (const unsigned char *)s;
	uint64_t word;
	size_t i = 0;
	int n;

	*more = false;
	while (i < len) {
		if (len - i >= 8) {
			memcpy(&word, p + i, 8);
			if ((word & 0x8080808080808080ULL) == 0) {
				i += 8;
				continue;
			}
		}
		n = utf8_length(p + i, len - i);
		if (n <= 0) {
			*more = n == -1;
			return i;
		}
		i += (size_t)n;
	}
	return i;
}

uint32_t
utf8_get(const char *s, size_t len, size_t *n)
{
	const unsigned char *p = (const unsigned char *)s;
	uint32_t c = p[0];

	*n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (*n > len)
		*n = len;
	if (*n == 2)
		c = (c & 0x1f) << 6 | (p[1] & 0x3fU);
	else if (*n == 3)
		c = (c & 0x0f) << 12 | (p[1] & 0x3fU) << 6 | (p[2] & 0x3fU);
	else if (*n == 4)
		c = (c & 0x07) << 18 | (p[1] & 0x3fU) << 12 |
		    (p[2] & 0x3fU) << 6 | (p[3] & 0x3fU);
	return c;
}

static size_t
latin1_convert(const char *in, size_t len, size_t *used, char *out, size_t size)
{
	size_t i, n = 0;
	uint32_t c;

	for (i = 0; i < len && size - n >= 4; i++) {
		c = (unsigned char)in[i];
		if (c >= 0x80 && c < 0xa0)
			c = cp1252[c - 0x80] != 0 ? cp1252[c - 0x80] : 0xfffd;
		n += utf8_put(c, out + n);
	}
	*used = i;
	return n;
}

static size_t
utf8_convert(const char *in, size_t len, size_t *used, char *out, size_t size,
    bool final)
{
	size_t i = 0, n = 0, run, take;
	bool more;

	while (i < len && size - n >= 4) {
		take = len - i < size - n ? len - i : size - n;
		run = utf8_valid(in + i, take, &more);
		memcpy(out + n, in + i, run);
		n += run;
		i += run;
		if (run == take)
			continue;
		if (more && take < len - i + run)
			break; /* out is full amid a character */
		if (more && !final)
			break;
		if (size - n < 3)
			break;
		n += utf8_put(0xfffd, out + n);
		i++;
	}
	*used = i;
	return n;
}

static size_t
iconv_convert(struct charset *cs, const char *in, size_t len, size_t *used,
    char *out, size_t size, bool final)
{
	size_t left = len, room = size;
	char *p, *o = out;

	memcpy(&p, &in, sizeof(p)); /* iconv(3) does not write to it */
	while (left > 0) {
		if (iconv(cs->cd, &p, &left, &o, &room) != (size_t)-1)
			break;
		if (errno == E2BIG || (errno == EINVAL && !final))
			break;
		/* Not of this charset: one octet is lost. */
		if (room < 4)
			break;
		room -= utf8_put(0xfffd, o);
		o = out + (size - room);
		p++;
		left--;
	}
	/* Some keep a character back, to put an accent on it. */
	if (final && left == 0)
		(void)iconv(cs->cd, NULL, NULL, &o, &room);
	*used = len - left;
	return size - room;
}

size_t
charset_convert(int charset, const char *in, size_t len, size_t *used,
    char *out, size_t size, bool fresh, bool final)
{
	struct charset *cs;

	if (charset == CHARSET_UTF8)
		return utf8_convert(in, len, used, out, size, final);
	if (charset == CHARSET_LATIN1)
		return latin1_convert(in, len, used, out, size);
	cs = &table[charset - CHARSET_FIRST];
	if (fresh)
		(void)iconv(cs->cd, NULL, NULL, NULL, NULL);
	return iconv_convert(cs, in, len, used, out, size, final);
}
