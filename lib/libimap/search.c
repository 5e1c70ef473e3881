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
 * SEARCH (RFC 9051 section 6.4.4).  Keys nest by parentheses, NOT and OR; the
 * parser keeps a stack of its own, of IMAP_NEST_MAX, and writes the keys down
 * in prefix order as they come.
 */

#include <sys/types.h>

#include <ctype.h>
#include <string.h>

#include "imap_local.h"

/* What a key's name asks for as arguments. */
enum argument {
	ARG_NONE,
	ARG_NOT_FLAG, /* NOT, then the flag */
	ARG_KEYWORD,
	ARG_UNKEYWORD,
	ARG_DATE,
	ARG_NUMBER,
	ARG_TEXT,
	ARG_FIELD, /* text in the header field of this name */
	ARG_HEADER,
	ARG_SET,
	ARG_INTERVAL,
	ARG_ID,
	ARG_MODSEQ,
	ARG_AFTER, /* of UIDs */
	ARG_UNTIL
};

static const struct {
	const char *name;
	enum imap_key_op op;
	enum argument argument;
	uint32_t flag;
} names[] = {
    {"ALL", IMAP_KEY_ALL, ARG_NONE, 0},
    {"ANSWERED", IMAP_KEY_FLAG, ARG_NONE, IMAP_FLAG_ANSWERED},
    {"BCC", IMAP_KEY_HEADER, ARG_FIELD, 0},
    {"BEFORE", IMAP_KEY_BEFORE, ARG_DATE, 0},
    {"BODY", IMAP_KEY_BODY, ARG_TEXT, 0},
    {"CC", IMAP_KEY_HEADER, ARG_FIELD, 0},
    {"DELETED", IMAP_KEY_FLAG, ARG_NONE, IMAP_FLAG_DELETED},
    {"DRAFT", IMAP_KEY_FLAG, ARG_NONE, IMAP_FLAG_DRAFT},
    {"EMAILID", IMAP_KEY_EMAILID, ARG_ID, 0},
    {"FLAGGED", IMAP_KEY_FLAG, ARG_NONE, IMAP_FLAG_FLAGGED},
    {"FROM", IMAP_KEY_HEADER, ARG_FIELD, 0},
    {"HEADER", IMAP_KEY_HEADER, ARG_HEADER, 0},
    {"KEYWORD", IMAP_KEY_KEYWORD, ARG_KEYWORD, 0},
    {"LARGER", IMAP_KEY_LARGER, ARG_NUMBER, 0},
    {"MODSEQ", IMAP_KEY_MODSEQ, ARG_MODSEQ, 0},
    /* No message is \Recent (RFC 9051 appendix E): so none is new. */
    {"NEW", IMAP_KEY_RECENT, ARG_NONE, 0},
    {"OLD", IMAP_KEY_RECENT, ARG_NOT_FLAG, 0},
    {"OLDER", IMAP_KEY_OLDER, ARG_INTERVAL, 0},
    {"ON", IMAP_KEY_ON, ARG_DATE, 0},
    {"RECENT", IMAP_KEY_RECENT, ARG_NONE, 0},
    {"SAVEDATESUPPORTED", IMAP_KEY_ALL, ARG_NONE, 0},
    {"SAVEDBEFORE", IMAP_KEY_SAVEDBEFORE, ARG_DATE, 0},
    {"SAVEDON", IMAP_KEY_SAVEDON, ARG_DATE, 0},
    {"SAVEDSINCE", IMAP_KEY_SAVEDSINCE, ARG_DATE, 0},
    {"SEEN", IMAP_KEY_FLAG, ARG_NONE, IMAP_FLAG_SEEN},
    {"SENTBEFORE", IMAP_KEY_SENTBEFORE, ARG_DATE, 0},
    {"SENTON", IMAP_KEY_SENTON, ARG_DATE, 0},
    {"SENTSINCE", IMAP_KEY_SENTSINCE, ARG_DATE, 0},
    {"SINCE", IMAP_KEY_SINCE, ARG_DATE, 0},
    {"SMALLER", IMAP_KEY_SMALLER, ARG_NUMBER, 0},
    {"SUBJECT", IMAP_KEY_HEADER, ARG_FIELD, 0},
    {"TEXT", IMAP_KEY_TEXT, ARG_TEXT, 0},
    {"THREADID", IMAP_KEY_THREADID, ARG_ID, 0},
    {"TO", IMAP_KEY_HEADER, ARG_FIELD, 0},
    {"UID", IMAP_KEY_UID, ARG_SET, 0},
    {"UIDAFTER", IMAP_KEY_UID, ARG_AFTER, 0},
    {"UIDBEFORE", IMAP_KEY_UID, ARG_UNTIL, 0},
    {"UNANSWERED", IMAP_KEY_FLAG, ARG_NOT_FLAG, IMAP_FLAG_ANSWERED},
    {"UNDELETED", IMAP_KEY_FLAG, ARG_NOT_FLAG, IMAP_FLAG_DELETED},
    {"UNDRAFT", IMAP_KEY_FLAG, ARG_NOT_FLAG, IMAP_FLAG_DRAFT},
    {"UNFLAGGED", IMAP_KEY_FLAG, ARG_NOT_FLAG, IMAP_FLAG_FLAGGED},
    {"UNKEYWORD", IMAP_KEY_KEYWORD, ARG_UNKEYWORD, 0},
    {"UNSEEN", IMAP_KEY_FLAG, ARG_NOT_FLAG, IMAP_FLAG_SEEN},
    {"YOUNGER", IMAP_KEY_YOUNGER, ARG_INTERVAL, 0},
};

#define NAMES (sizeof(names) / sizeof(names[0]))

/* What is open around the next key. */
struct frame {
	enum { TOP, PAREN, OPERATOR } kind;
	size_t key;    /* the AND that counts its keys */
	unsigned left; /* keys an operator still waits for */
};

struct search {
	struct imap_lex *lex;
	struct frame stack[IMAP_NEST_MAX];
	size_t depth;
	size_t room; /* keys there is room for */
	bool ascii;  /* CHARSET US-ASCII */
};

static struct imap_key *
key_add(struct search *s, enum imap_key_op op)
{
	struct imap_cmd *cmd = s->lex->cmd;
	struct imap_key *key;

	if (cmd->nkeys == s->room) {
		(void)lex_fail(s->lex, "Too many search keys");
		return NULL;
	}
	key = &cmd->keys[cmd->nkeys++];
	key->op = op;
	return key;
}

static int
push(struct search *s, int kind, unsigned left)
{
	if (s->depth == IMAP_NEST_MAX)
		return lex_fail(s->lex, "Search keys nested too deeply");
	s->stack[s->depth].kind = kind;
	s->stack[s->depth].key = s->lex->cmd->nkeys - 1;
	s->stack[s->depth].left = left;
	s->depth++;
	return 0;
}

static int
text(struct search *s, struct imap_str *to)
{
	size_t i;

	if (lex_space(s->lex) == -1 || lex_astring(s->lex, to) == -1)
		return -1;
	if (!imap_utf8_valid(to->p, to->len, false))
		return lex_fail(s->lex, "Search text is not UTF-8");
	for (i = 0; s->ascii && i < to->len; i++)
		if ((uint8_t)to->p[i] >= 0x80)
			return lex_fail(s->lex, "Search text is not ASCII");
	return 0;
}

static void
lower(struct imap_cmd *cmd, struct imap_str *s, const char *from)
{
	char *p;
	size_t i;

	s->len = strlen(from);
	p = imap_cmd_alloc(cmd, s->len + 1);
	for (i = 0; i < s->len; i++)
		p[i] = (char)tolower((unsigned char)from[i]);
	s->p = p;
}

/* "YOUNGER" SP nz-number (RFC 5032) */
static int
key_interval(struct imap_lex *lex, struct imap_key *key)
{
	uint32_t n;

	if (lex_space(lex) == -1 || lex_nznumber(lex, &n) == -1)
		return -1;
	key->number = n;
	return 0;
}

/* objectid = 1*255(ALPHA / DIGIT / "_" / "-") (RFC 8474) */
static int
key_id(struct imap_lex *lex, struct imap_key *key)
{
	size_t i;

	if (lex_space(lex) == -1 || lex_atom(lex, &key->text) == -1)
		return -1;
	for (i = 0; i < key->text.len; i++)
		if (!isalnum((unsigned char)key->text.p[i]) &&
		    key->text.p[i] != '-' && key->text.p[i] != '_')
			break;
	if (i < key->text.len || i > IMAP_ID_MAX)
		return lex_fail(lex, "Bad object id");
	return 0;
}

/*
 * "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer (RFC 7162
 * section 3.1.5); all flags of a message have one, so the entry means nothing.
 */
static int
key_modseq(struct imap_lex *lex, struct imap_key *key)
{
	struct imap_str entry;

	if (lex_space(lex) == -1)
		return -1;
	if (lex_peek(lex, '"')) {
		if (lex_string(lex, &entry) == -1 || lex_space(lex) == -1)
			return -1;
		if (strncmp(entry.p, "/flags/", 7) != 0 || entry.len == 7 ||
		    (!lex_take(lex, "priv") && !lex_take(lex, "shared") &&
			!lex_take(lex, "all")))
			return lex_fail(lex, "Unknown entry");
		if (lex_space(lex) == -1)
			return -1;
	}
	lex->cmd->modseq_key = true;
	return lex_modseq(lex, &key->number, true);
}

/*
 * UIDAFTER and UIDBEFORE of a UID (RFC 9738 section 3.2): sets without "*".
 * Nothing has the last of all.
 */
static int
key_bound(struct imap_lex *lex, struct imap_key *key, bool after)
{
	struct imap_range *range;
	uint32_t n;

	if (lex_space(lex) == -1 || lex_nznumber(lex, &n) == -1)
		return -1;
	range = imap_cmd_alloc(lex->cmd, sizeof(*range));
	range->first = range->last = IMAP_STAR - 1;
	if (after && n < IMAP_STAR - 1)
		range->first = n + 1;
	else if (!after && n > 1) {
		range->first = 1;
		range->last = n - 1;
	}
	key->set.range = range;
	key->set.n = 1;
	return 0;
}

static int
key_argument(struct search *s, struct imap_key *key, size_t name)
{
	struct imap_lex *lex = s->lex;
	struct imap_str field;

	switch (names[name].argument) {
	case ARG_NONE:
	case ARG_NOT_FLAG:
		key->number = names[name].flag;
		return 0;
	case ARG_KEYWORD:
	case ARG_UNKEYWORD:
		if (lex_space(lex) == -1)
			return -1;
		return lex_atom(lex, &key->text);
	case ARG_DATE:
		if (lex_space(lex) == -1)
			return -1;
		return lex_date(lex, &key->date);
	case ARG_NUMBER:
		if (lex_space(lex) == -1)
			return -1;
		return lex_number(lex, &key->number, INT64_MAX);
	case ARG_FIELD:
		lower(lex->cmd, &key->field, names[name].name);
		return text(s, &key->text);
	case ARG_HEADER:
		if (lex_space(lex) == -1 || lex_astring(lex, &field) == -1)
			return -1;
		lower(lex->cmd, &key->field, field.p);
		return text(s, &key->text);
	case ARG_TEXT:
		return text(s, &key->text);
	case ARG_SET:
		if (lex_space(lex) == -1)
			return -1;
		return lex_set(lex, &key->set);
	case ARG_INTERVAL:
		return key_interval(lex, key);
	case ARG_ID:
		return key_id(lex, key);
	case ARG_MODSEQ:
		return key_modseq(lex, key);
	case ARG_AFTER:
	case ARG_UNTIL:
		return key_bound(lex, key, names[name].argument == ARG_AFTER);
	}
	return -1;
}

/* One key that is no operator and no parenthesis. */
static int
leaf(struct search *s)
{
	struct imap_lex *lex = s->lex;
	struct imap_key *key;
	size_t i;

	if (lex->p < lex->end &&
	    (isdigit(*lex->p) || *lex->p == '*' || *lex->p == '$')) {
		key = key_add(s, IMAP_KEY_SEQ);
		return key == NULL ? -1 : lex_set(lex, &key->set);
	}
	for (i = 0; i < NAMES; i++)
		if (lex_take(lex, names[i].name))
			break;
	if (i == NAMES || (lex->rev2 && names[i].op == IMAP_KEY_RECENT))
		return lex_fail(lex, "Unknown search key");
	if ((names[i].argument == ARG_NOT_FLAG ||
		names[i].argument == ARG_UNKEYWORD) &&
	    key_add(s, IMAP_KEY_NOT) == NULL)
		return -1;
	key = key_add(s, names[i].op);
	return key == NULL ? -1 : key_argument(s, key, i);
}

/* 1: a key was read; 0: one was opened, go on inside; -1. */
static int
key_begin(struct search *s)
{
	struct imap_lex *lex = s->lex;

	if (lex_peek(lex, '(')) {
		lex->p++;
		if (key_add(s, IMAP_KEY_AND) == NULL)
			return -1;
		return push(s, PAREN, 0);
	}
	if (lex_take(lex, "NOT")) {
		if (key_add(s, IMAP_KEY_NOT) == NULL || lex_space(lex) == -1)
			return -1;
		return push(s, OPERATOR, 1);
	}
	if (lex_take(lex, "OR")) {
		if (key_add(s, IMAP_KEY_OR) == NULL || lex_space(lex) == -1)
			return -1;
		return push(s, OPERATOR, 2);
	}
	return leaf(s) == -1 ? -1 : 1;
}

/* A key is complete: what does that complete?  1: all; 0: go on; -1. */
static int
key_end(struct search *s)
{
	struct imap_lex *lex = s->lex;
	struct frame *f;

	for (;;) {
		f = &s->stack[s->depth - 1];
		if (f->kind == OPERATOR) {
			if (--f->left > 0)
				return lex_space(lex);
			s->depth--;
			continue;
		}
		lex->cmd->keys[f->key].n++;
		if (f->kind == PAREN && lex_close(lex)) {
			s->depth--;
			continue;
		}
		if (f->kind == TOP && lex_at_end(lex))
			return 1;
		return lex_space(lex);
	}
}

static int
charset(struct search *s)
{
	struct imap_str name;

	s->lex->cmd->has_charset = true;
	if (lex_astring(s->lex, &name) == -1 || lex_space(s->lex) == -1)
		return -1;
	s->ascii = imap_equal(&name, "US-ASCII");
	if (!s->ascii && !imap_equal(&name, "UTF-8"))
		s->lex->cmd->badcharset = true;
	return 0;
}

static const struct {
	const char *name;
	uint32_t bit;
} returns[] = {
    {"MIN", IMAP_RETURN_MIN},
    {"MAX", IMAP_RETURN_MAX},
    {"ALL", IMAP_RETURN_ALL},
    {"COUNT", IMAP_RETURN_COUNT},
    {"SAVE", IMAP_RETURN_SAVE},
    {"CONTEXT", IMAP_RETURN_CONTEXT},
};

/*
 * partial-range = nz-number ":" nz-number, or both of them counted from the
 * end by "-" (RFC 9394 section 3.1).
 */
int
imap_partial(struct imap_lex *lex, struct imap_partial *partial)
{
	uint32_t first, last;
	bool end;

	end = lex_peek(lex, '-');
	if (end)
		lex->p++;
	if (lex_nznumber(lex, &first) == -1 || lex_char(lex, ':') == -1 ||
	    (end && lex_char(lex, '-') == -1) || lex_nznumber(lex, &last) == -1)
		return -1;
	partial->end = end;
	partial->swapped = first > last;
	partial->first = first < last ? first : last;
	partial->last = first < last ? last : first;
	return 0;
}

static int
return_option(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;
	size_t i, known;

	if (lex_take(lex, "PARTIAL")) {
		if ((cmd->returns & IMAP_RETURN_PARTIAL) != 0)
			return lex_fail(lex, "More than one PARTIAL");
		cmd->returns |= IMAP_RETURN_PARTIAL;
		return lex_space(lex) == -1 ? -1 :
					      imap_partial(lex, &cmd->partial);
	}
	if (lex_take(lex, "UPDATE")) {
		if ((cmd->returns & IMAP_RETURN_UPDATE) != 0)
			return lex_fail(lex, "More than one UPDATE");
		cmd->returns |= IMAP_RETURN_UPDATE;
		if (lex->end - lex->p < 2 || memcmp(lex->p, " (", 2) != 0)
			return 0;
		lex->p++;
		return imap_parse_items(lex);
	}
	known = sizeof(returns) / sizeof(returns[0]);
	for (i = 0; i < known; i++)
		if (lex_take(lex, returns[i].name))
			break;
	if (i == known)
		return lex_fail(lex, "Unknown RETURN option");
	cmd->returns |= returns[i].bit;
	return 0;
}

/* "RETURN" SP "(" [option *(SP option)] ")" SP; no option is ALL. */
int
imap_search_return(struct imap_lex *lex)
{
	struct imap_cmd *cmd = lex->cmd;
	size_t n;

	if (!lex_take(lex, "RETURN"))
		return 0;
	if (lex_space(lex) == -1 || lex_char(lex, '(') == -1)
		return -1;
	for (n = 0; !lex_close(lex); n++)
		if ((n > 0 && lex_space(lex) == -1) || return_option(lex) == -1)
			return -1;
	/* RFC 9394 section 3.1: one of the two, or neither. */
	if ((cmd->returns & IMAP_RETURN_PARTIAL) != 0 &&
	    (cmd->returns & IMAP_RETURN_ALL) != 0)
		return lex_fail(lex, "PARTIAL and ALL exclude each other");
	if (n == 0)
		cmd->returns = IMAP_RETURN_ALL;
	cmd->has_return = true;
	return lex_space(lex);
}

int
imap_search_program(struct imap_lex *lex, bool with_charset)
{
	struct search s = {.lex = lex};
	const uint8_t *p;
	int r;

	if (with_charset && charset(&s) == -1)
		return -1;
	/* A charset we do not know: no telling what the rest means. */
	if (lex->cmd->badcharset) {
		lex->p = lex->end;
		return 0;
	}
	for (p = lex->p, s.room = 4; p < lex->end; p++)
		if (*p == ' ' || *p == '(')
			s.room += 2;
	if (s.room > IMAP_KEYS_MAX)
		s.room = IMAP_KEYS_MAX;
	lex->cmd->keys = imap_cmd_alloc(
	    lex->cmd, s.room * sizeof(*lex->cmd->keys));
	if (key_add(&s, IMAP_KEY_AND) == NULL || push(&s, TOP, 0) == -1)
		return -1;
	do {
		r = key_begin(&s);
		if (r == 1)
			r = key_end(&s);
	} while (r == 0);
	return r == 1 ? 0 : -1;
}

/*
 * search = "SEARCH" [SP "RETURN" SP "(" ... ")"] SP
 *          ["CHARSET" SP charset SP] search-key *(SP search-key)
 */
int
imap_parse_search(struct imap_lex *lex)
{
	if (lex_space(lex) == -1 || imap_search_return(lex) == -1)
		return -1;
	if (!lex_take(lex, "CHARSET"))
		return imap_search_program(lex, false);
	return lex_space(lex) == -1 ? -1 : imap_search_program(lex, true);
}
