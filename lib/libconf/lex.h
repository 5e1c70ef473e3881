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
 * The lexer of sealmail.conf(5): files that include each other, words, quotes,
 * macros.  What a word means is the grammar's to say.
 */

#ifndef LEX_H
#define LEX_H

#include <stddef.h>
#include <stdio.h>

/* A word and where it stands; both live until lex_end(). */
struct word {
	const char *s;
	const char *file;
	int line;
	int col;
};

enum lex_kind {
	LEX_END = 0,
	LEX_WORD = 256, /* bare: it may be a keyword */
	LEX_STRING      /* quoted, a macro's value, or before or behind '=' */
	/* or a character: '\n', '{', '}', '=', ',', or one without meaning */
};

/* Begins; faults are lines "file:line:column: text" on errors. */
void lex_begin(FILE *errors);
void lex_end(void);          /* forgets all words */
int lex_next(struct word *); /* an enum lex_kind, or a character */
void lex_report(const struct word *, const char *, ...)
    __attribute__((format(printf, 2, 3)));
int lex_errors(void); /* so many were there */
void lex_define(const struct word *name, const struct word *value);
/* A path that does not begin at / begins where the including file is. */
void lex_include(const struct word *);
/* The first file, or text that is taken; -1 after a report. */
int lex_push_file(const char *path, const struct word *including);
int lex_push_text(const char *name, char *text, size_t len);
struct word lex_first(void); /* where the first file stands by now */

#endif
