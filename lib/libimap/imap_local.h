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
 * What the files of libimap share: the lexer over one whole command, and the
 * parsers of arguments.  Every parser returns 0, or -1 with lex->error set;
 * the first error stays.
 */

#ifndef IMAP_LOCAL_H
#define IMAP_LOCAL_H

#include "imap.h"

struct imap_lex {
	const uint8_t *p;
	const uint8_t *end;
	struct imap_cmd *cmd;
	const char *error;
	bool utf8;    /* names are not modified UTF-7 */
	bool rev2;    /* RFC 9051 alone: what it took out is unknown */
	bool binary;  /* a literal8 may stand here */
	bool more;    /* the end was met inside a literal (APPEND) */
	bool single;  /* APPEND: no further message may follow */
	size_t steps; /* of it, so far */
	struct imap_step *last; /* of those */
};

/* lex.c */
int lex_fail(struct imap_lex *, const char *error);
int lex_space(struct imap_lex *);
int lex_char(struct imap_lex *, int c);
bool lex_peek(const struct imap_lex *, int c);
bool lex_at_end(const struct imap_lex *);
/* Takes a ")" if one is here, and spaces before it. */
bool lex_close(struct imap_lex *);
int lex_atom(struct imap_lex *, struct imap_str *);
int lex_astring(struct imap_lex *, struct imap_str *);
int lex_string(struct imap_lex *, struct imap_str *);
int lex_nstring(struct imap_lex *, struct imap_str *, bool *nil);
int lex_number(struct imap_lex *, uint64_t *, uint64_t max);
int lex_nznumber(struct imap_lex *, uint32_t *);
/* mod-sequence-value of RFC 7162, or mod-sequence-valzer. */
int lex_modseq(struct imap_lex *, uint64_t *, bool zero);
/* A run of letters, digits and "." or "-" as a word; does not fail on none. */
size_t lex_word(const struct imap_lex *, const char **);
/* Is the text here this word, in any case, and the end of a word? */
bool lex_take(struct imap_lex *, const char *word);
int lex_mailbox(struct imap_lex *, struct imap_str *);
/* The name of a mailbox from what was given as such. */
int lex_name(struct imap_lex *, const struct imap_str *raw, struct imap_str *);
int lex_pattern(struct imap_lex *, struct imap_str *);
/* A number in braces at the end of a line: its parts; false if none. */
struct imap_literal {
	uint64_t size;
	bool nonsync; /* + or - */
	bool binary;  /* ~ */
	bool overflow;
	size_t len; /* octets of the braces and what belongs to them */
};
bool imap_literal_find(const uint8_t *, size_t, struct imap_literal *);
bool imap_atom_char(uint8_t);
int imap_parse_sealmail(struct imap_lex *);
/* metadata.c */
int imap_parse_getmetadata(struct imap_lex *);
int imap_parse_setmetadata(struct imap_lex *);
int imap_parse_entries(struct imap_lex *);
/* notify.c */
int imap_parse_notify(struct imap_lex *);
/* fetch.c: "(" fetch-att *(SP fetch-att) ")" */
int imap_parse_items(struct imap_lex *);
/* From behind the "[" to behind the partial. */
int imap_parse_section(struct imap_lex *, struct imap_section *);
/* quota.c */
int imap_parse_getquota(struct imap_lex *);
int imap_parse_setquota(struct imap_lex *);
bool imap_equal(const struct imap_str *, const char *word);

/* set.c */
int lex_set(struct imap_lex *, struct imap_set *);
/* The same without "*" and "$". */
int lex_numbers(struct imap_lex *, struct imap_set *);

/* date.c */
int lex_date(struct imap_lex *, int32_t *days);
int lex_date_time(struct imap_lex *, int64_t *utc, int16_t *zone);

/* command.c */
struct imap_verb_row {
	const char *name;
	enum imap_verb verb;
	bool uid;    /* there is a UID form */
	bool before; /* understood before login */
	bool rev1;   /* not in IMAP4rev2 (RFC 9051 appendix E) */
	int (*parse)(struct imap_lex *);
};
/* Tag, verb and arguments of a whole command; always sets cmd->verb. */
void imap_command_parse(struct imap_lex *, bool login);
/* The tag, and the row of the verb or NULL. */
const struct imap_verb_row *imap_command_begin(struct imap_lex *, bool login);
int lex_flags(struct imap_lex *, bool parens);
/* "(" item *(SP item) ")" of STATUS into cmd->status. */
int lex_status_items(struct imap_lex *);

/* downgrade.c */
struct imap_buf;
struct mime_addr;
bool imap_is_ascii(const char *, size_t);
/* Is it UTF-8 that the reader of the buffer cannot take? */
bool imap_must_downgrade(const struct imap_buf *, const char *, size_t);
/* A string with encoded-words for what is not ASCII. */
void imap_put_encoded(struct imap_buf *, const char *, size_t);
/* What stands between an address's parentheses. */
void imap_put_address(struct imap_buf *, const struct mime_addr *);
/* The value of a parameter of RFC 2231, as a string. */
void imap_put_extended(struct imap_buf *, const char *, size_t);

/* append.c, fetch.c, list.c, search.c */
int imap_parse_append(struct imap_lex *);
int imap_parse_replace(struct imap_lex *);
/* SELECT and EXAMINE with their parameters. */
int imap_parse_select(struct imap_lex *);
/* What follows a literal of it, which may have been a message's part. */
int imap_parse_append_more(struct imap_lex *, bool part);
int imap_parse_list(struct imap_lex *);
int imap_parse_lsub(struct imap_lex *);
int imap_parse_fetch(struct imap_lex *);
int imap_parse_search(struct imap_lex *);
/* sort.c: SORT and THREAD. */
int imap_parse_sort(struct imap_lex *);
int imap_parse_thread(struct imap_lex *);
int imap_parse_cancelupdate(struct imap_lex *);
int imap_parse_esearch(struct imap_lex *);
/* notify.c: filter-mailboxes (RFC 5465, RFC 7377: one), with its names. */
int imap_filter(struct imap_lex *, struct imap_event_group *, bool one);
/* search.c: a RETURN with its options, if there is one, and a space. */
int imap_search_return(struct imap_lex *);
/* partial-range of RFC 9394. */
int imap_partial(struct imap_lex *, struct imap_partial *);
/* The charset, then the keys to the end. */
int imap_search_program(struct imap_lex *, bool charset);

#endif
