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
 * Text of messages made comparable: transfer encodings and charsets undone,
 * encoded-words decoded, HTML stripped, letters folded, needles found.  All of
 * it streams in bounded memory.
 */

#ifndef MIME_TEXT_H
#define MIME_TEXT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mime.h"

#define MIME_NEEDLE_MAX 1024 /* octets of a folded needle */
#define MIME_TEXT_STEP 4096  /* octets decoded at a time */

/*
 * Opens the charsets that mail uses and makes the folding tables.  Before the
 * sandbox (iconv loads modules), once; the number of charsets opened.
 */
int mime_charset_init(void);

/* 0..: how a charset of that name is converted; never fails: an unknown name
 * counts as Latin-1.  known, if not NULL, says whether it was. */
int mime_charset_find(const char *name, size_t len, bool *known);

/* Transfer encodings, by name as it stands in the header. */
enum mime_coding { MIME_CODING_NONE, MIME_CODING_QP, MIME_CODING_BASE64 };
enum mime_coding mime_coding_find(const char *name, size_t len);

/*
 * Transfer encodings undone, octet for octet (IMAP's BINARY): what comes out
 * goes to out.  _known() says whether a name is one that RFC 2045 knows.
 */
bool mime_coding_known(const char *name, size_t len);
struct mime_decoder;
struct mime_decoder *mime_decoder_new(enum mime_coding); /* NULL: no memory */
void mime_decoder_feed(
    struct mime_decoder *, const void *, size_t, mime_out, void *arg);
void mime_decoder_end(struct mime_decoder *, mime_out, void *arg);
void mime_decoder_free(struct mime_decoder *); /* wipes; NULL is fine */

/*
 * A pipe from the octets of a body to text: transfer encoding, charset, and
 * HTML if html is set, to UTF-8; folded too if fold is set.  What comes out
 * goes to out in pieces that do not split a character.  Bad input becomes
 * U+FFFD or is left out; it never ends the pipe.
 */
struct mime_text;
struct mime_text *mime_text_new(void); /* NULL: no memory; reused by _start */
void mime_text_start(struct mime_text *, enum mime_coding, int charset,
    bool html, bool fold, mime_out out, void *arg);
void mime_text_feed(struct mime_text *, const void *, size_t);
void mime_text_end(struct mime_text *);
void mime_text_free(struct mime_text *); /* wipes; NULL is fine */

/*
 * Decodes a header value: unfolds, RFC 2047 encoded-words (broken ones stay),
 * raw 8-bit as UTF-8 or Latin-1.  The length in out, which ends in NUL.
 */
size_t mime_words_decode(const char *, size_t len, char *out, size_t size);
/* Decodes an RFC 2231 value ("utf-8'en'a%20b"), likewise. */
size_t mime_ext_decode(const char *, size_t len, char *out, size_t size);

/*
 * Folds UTF-8: case, accents, width, ligatures (NFKD without marks, then case
 * folding).  Never longer than three times the input plus 64; cut at size.
 */
size_t mime_fold(const char *, size_t len, char *out, size_t size);

/*
 * A key whose octets order text as i;unicode-casemap does (RFC 5051); cut at
 * size, between characters.
 */
size_t mime_collate(const char *, size_t len, char *out, size_t size);

/*
 * The base subject of a decoded one (RFC 5256 section 2.1), within buf, which
 * has room for len octets.  *reply: it is that of a reply or a forward.
 */
struct mime_str mime_subject_base(
    const char *, size_t len, char *buf, size_t size, bool *reply);

/* Whether folded needle stands in folded text. */
bool mime_contains(
    const char *text, size_t len, const char *needle, size_t needle_len);

/*
 * A needle sought in folded text that streams by, also across pieces.  The
 * caller keeps the needle; _feed() is true once it was found.  An empty needle
 * is found at once.
 */
struct mime_finder {
	const char *needle;
	size_t len;
	size_t kept; /* octets of tail */
	bool found;
	char tail[2 * MIME_NEEDLE_MAX];
};
void mime_finder_init(struct mime_finder *, const char *needle, size_t len);
bool mime_finder_feed(struct mime_finder *, const char *, size_t);

#endif
