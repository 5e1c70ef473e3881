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
 * What the files of libmime share: the layout of a summary, growing buffers,
 * header fields, charsets.
 */

#ifndef MIME_LOCAL_H
#define MIME_LOCAL_H

#include <string.h>

#include "mime.h"
#include "mime_text.h"

/*
 * A summary, all integers big-endian:
 *  0 u32 magic          4 u8 version      5 u8 version of the covered list
 *  6 u16 sections       8 u32 length      12 u32 sum of all else
 * 16 u64 size           24 u64 lines      32 i64 date
 * 40 i16 zone           42 u16 flags      44 u32 parts
 * then per section: u16 type, u16 zero, u32 offset, u32 length; then them.
 * Readers skip sections whose type they do not know.
 */
#define SUM_MAGIC 0x534d494dU
#define SUM_HEADER 48
#define SUM_SECTION 12
#define SUM_SECTIONS_MAX 16
#define SUM_HAS_DATE 1
#define SUM_HAS_NUL 2
#define SUM_LIMITED 4

enum sum_section {
	SEC_PARTS = 1,   /* PART_SIZE octets each, preorder */
	SEC_STRINGS = 2, /* records of the parts */
	SEC_HEADERS = 3, /* kept header fields, verbatim */
	SEC_PREVIEW = 4  /* UTF-8 */
};

/*
 * A part: u16 parent (0xffff none), u16 end, u8 kind, u8 flags, u16 zero,
 * u64 head_off, head_len, body_off, body_len, body_lines,
 * u32 record offset, length, u32 kept header offset, length.
 */
#define PART_SIZE 64
#define PART_KEPT 1    /* it is a message: its header's fields are kept */
#define PART_PARTIAL 2 /* but some were too long or too many */
#define PART_NUL 4     /* and some have NUL in them */

/* A record: u8 tag, u16 length, octets; repeated. */
enum tag {
	TAG_TYPE = 1,
	TAG_SUBTYPE,
	TAG_ENCODING,
	TAG_ID,
	TAG_DESCRIPTION,
	TAG_MD5,
	TAG_LOCATION,
	TAG_DISPOSITION,
	TAG_LANGUAGE, /* one each */
	TAG_TNAME,    /* a parameter of the type: name, then its value */
	TAG_TVALUE,
	TAG_DNAME, /* of the disposition */
	TAG_DVALUE
};
#define TAG_MAX TAG_DVALUE

/* What a summary may hold of each; all together MIME_SUMMARY_MAX. */
#define STRINGS_MAX (96 * 1024)
#define STRINGS_SOFT (64 * 1024) /* from here on only types and encodings */
#define HEADERS_MAX (80 * 1024)
#define HEADERS_TOP (48 * 1024) /* of part 0 */
#define TOKEN_MAX 127           /* octets of a type, subtype or encoding */
#define TEXT_MAX 4096           /* octets of any other string */
#define NAME_MAX_LEN 255        /* octets of a field's name */

/* A buffer that grows up to a maximum. */
struct buf {
	uint8_t *p;
	size_t len, size;
};
int buf_add(struct buf *, const void *, size_t, size_t max); /* -1 ENOMEM */
void buf_wipe(struct buf *); /* empty; keeps its room */
void buf_free(struct buf *); /* wipes */

static inline uint32_t
get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t
get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static inline uint64_t
get64(const uint8_t *p)
{
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

static inline void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static inline void
put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)(v >> 32));
	put32(p + 4, (uint32_t)v);
}

uint32_t sum_check(const uint8_t *, size_t);

/*
 * For large arrays of functions that are called for each of 10,000 messages:
 * the compiler would clear them at every call.  What is read was written.
 */
#define UNINITIALISED __attribute__((__uninitialized__))

/* So many octets of the front are none below ' ', by eights. */
static inline size_t
no_controls(const void *text, size_t len)
{
	const uint8_t *p = text;
	uint64_t word;
	size_t i;

	for (i = 0; len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		/* A top bit where there was none: it was below. */
		if (((word - 0x2020202020202020) & ~word &
			0x8080808080808080) != 0)
			break;
	}
	return i;
}

/* ASCII only, whatever the locale. */
static inline int
lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

bool name_is(const char *s, size_t len, const char *name); /* any case */

/*
 * The name of the field that begins at s: its length, 0 if this is no field;
 * *value is where the value begins (after the colon).
 */
size_t field_name(const char *s, size_t len, size_t *value);

/* Number of a kept name, or -1; the first FIELD_ENVELOPE are of ENVELOPE. */
#define FIELD_ENVELOPE 10
#define COVERED_VERSION 1
int field_kept(const char *name, size_t len);

/* Parses one field of Content-*: a value, with its parameters. */
struct param {
	const char *name, *value;
	size_t name_len, value_len;
};
struct params {
	struct param v[MIME_PARAMS_MAX];
	size_t n;
	struct buf text; /* what v points into, by turns */
	bool cut;        /* there were more */
};
/*
 * Value, then parameters, into p (whose text is reused; it must hold len + 1
 * octets twice: -1 without memory).  token: the value, without comments.
 */
int params_parse(
    struct params *, const char *s, size_t len, char *token, size_t token_size);
size_t skip_cfws(const char *s, size_t len, size_t pos);
/* Unfolded and trimmed; NUL, CR and LF gone; cut at size.  The length. */
size_t unfold(const char *s, size_t len, char *out, size_t size);

/* Kept fields by name, see header.c. */
const char *field_of(enum mime_field);
int header_find(const struct mime_summary *, uint32_t part, const char *wanted,
    size_t *pos, struct mime_str *value);

/* Charsets. */
#define CHARSET_LATIN1 0
#define CHARSET_UTF8 1
/*
 * Converts; returns octets put to out, *used those taken from in.  What is
 * left is an incomplete character (unless final) or out is full.  fresh: reset
 * the shift state first.  out must have room for 8 octets at least.
 */
size_t charset_convert(int charset, const char *in, size_t len, size_t *used,
    char *out, size_t size, bool fresh, bool final);
bool charset_by_line(int charset); /* has shift states, back at line ends */
/*
 * UTF-16 and UTF-32, whatever the name says of their order: the octets of a
 * byte order mark, 0 of all others; and the charset that the one at s, if there
 * is one, *bom octets, tells (RFC 2781 section 3.2).
 */
size_t charset_bom(int charset);
int charset_order(int charset, const char *s, size_t len, size_t *bom);
/* Octets of the valid UTF-8 at the start of s; then *more: whether what
 * follows may still become valid (an incomplete character). */
size_t utf8_valid(const char *s, size_t len, bool *more);
size_t utf8_put(uint32_t c, char out[4]);
/* The character at s (valid UTF-8) and its length. */
uint32_t utf8_get(const char *s, size_t len, size_t *n);
void fold_init(void);

/* Transfer decoding, in pieces. */
struct decoder {
	enum mime_coding coding;
	uint32_t bits;
	int nbits;
	int state; /* QP: octets after '=' */
	char hold[2];
	size_t blanks; /* QP: white space that may end the line */
	bool ended;    /* base64: padding seen */
};
void decoder_init(struct decoder *, enum mime_coding);
/* Decodes; out must hold len + DECODER_SLACK octets; the length. */
#define DECODER_SLACK 80
size_t decoder_feed(struct decoder *, const char *in, size_t len, char *out);
size_t decoder_end(struct decoder *, char *out);

/* HTML to text, in pieces; out must hold len + HTML_SLACK octets. */
#define HTML_NAME_MAX 16
#define HTML_SLACK 64
struct html {
	int state;
	char name[HTML_NAME_MAX]; /* of a tag or an entity, so far */
	size_t n;
	char quote;
	char skip[HTML_NAME_MAX]; /* element whose content is no text */
	bool space;               /* last out was white space */
	int dashes;
};
void html_init(struct html *);
size_t html_feed(struct html *, const char *in, size_t len, char *out);
size_t html_end(struct html *, char *out);

void mime_text_wipe(struct mime_text *);

/* Preview of the first text of a message. */
struct preview {
	struct mime_text *text;
	char out[2][MIME_PREVIEW_MAX * 4 + 4]; /* plain, HTML */
	size_t len[2], chars[2];
	int now; /* which is being written; -1 none */
	bool have[2];
	bool space;
};
int preview_init(struct preview *); /* -1: no memory */
void preview_reset(struct preview *);
/* A leaf begins; whether its body is wanted. */
struct leaf {
	const char *type, *subtype;
	bool attachment;
	enum mime_coding coding;
	int charset;
};
bool preview_start(struct preview *, const struct leaf *);
bool preview_feed(struct preview *, const void *, size_t);
void preview_stop(struct preview *);
struct mime_str preview_get(const struct preview *);
void preview_free(struct preview *);

#endif
