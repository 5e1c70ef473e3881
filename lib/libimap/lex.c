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
 * The words of the grammar (RFC 9051 section 9): atoms, strings in their three
 * forms, numbers.  The input is one whole command, literals included, without
 * its last line end.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <utf8proc.h>

#include "imap_local.h"

int
lex_fail(struct imap_lex *lex, const char *error)
{
	if (lex->error == NULL)
		lex->error = error;
	return -1;
}

bool
lex_peek(const struct imap_lex *lex, int c)
{
	return lex->p < lex->end && *lex->p == c;
}

bool
lex_at_end(const struct imap_lex *lex)
{
	return lex->p == lex->end;
}

int
lex_char(struct imap_lex *lex, int c)
{
	if (!lex_peek(lex, c))
		return lex_fail(lex, "Syntax error in arguments");
	lex->p++;
	return 0;
}

int
lex_space(struct imap_lex *lex)
{
	if (!lex_peek(lex, ' '))
		return lex_fail(lex, "Missing argument");
	lex->p++;
	return 0;
}

/* Beyond the grammar: spaces before it, which clients are known to send. */
bool
lex_close(struct imap_lex *lex)
{
	const uint8_t *p = lex->p;

	while (p < lex->end && *p == ' ')
		p++;
	if (p == lex->end || *p != ')')
		return false;
	lex->p = p + 1;
	return true;
}

bool
imap_equal(const struct imap_str *s, const char *word)
{
	return s->len == strlen(word) && strncasecmp(s->p, word, s->len) == 0;
}

/* ATOM-CHAR: any CHAR except atom-specials. */
bool
imap_atom_char(uint8_t c)
{
	return c > ' ' && c < 0x7f && strchr("(){%*\"\\]", c) == NULL;
}

/* ASTRING-CHAR = ATOM-CHAR / resp-specials */
static bool
astring_char(uint8_t c)
{
	return imap_atom_char(c) || c == ']';
}

/* list-char = ATOM-CHAR / list-wildcards / resp-specials */
static bool
list_char(uint8_t c)
{
	return astring_char(c) || c == '%' || c == '*';
}

static void
copy(struct imap_lex *lex, const uint8_t *p, size_t len, struct imap_str *s)
{
	char *to;

	to = imap_cmd_alloc(lex->cmd, len + 1);
	memcpy(to, p, len);
	s->p = to;
	s->len = len;
}

static int
run(struct imap_lex *lex, bool (*member)(uint8_t), struct imap_str *s)
{
	const uint8_t *p;

	for (p = lex->p; p < lex->end && member(*p); p++)
		;
	if (p == lex->p)
		return lex_fail(lex, "Syntax error in arguments");
	copy(lex, lex->p, (size_t)(p - lex->p), s);
	lex->p = p;
	return 0;
}

int
lex_atom(struct imap_lex *lex, struct imap_str *s)
{
	return run(lex, imap_atom_char, s);
}

size_t
lex_word(const struct imap_lex *lex, const char **word)
{
	const uint8_t *p;

	for (p = lex->p; p < lex->end; p++)
		if (!((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= 'a' && *p <= 'z') || *p == '.' || *p == '-'))
			break;
	*word = (const char *)lex->p;
	return (size_t)(p - lex->p);
}

bool
lex_take(struct imap_lex *lex, const char *word)
{
	const char *p;
	size_t len;

	len = lex_word(lex, &p);
	if (len != strlen(word) || strncasecmp(p, word, len) != 0)
		return false;
	lex->p += len;
	return true;
}

/* Room for the quoted string that begins here, and a NUL. */
static size_t
quoted_size(const struct imap_lex *lex)
{
	const uint8_t *p;

	for (p = lex->p; p < lex->end && *p != '"'; p++)
		if (*p == '\\' && p + 1 < lex->end)
			p++;
	return (size_t)(p - lex->p) + 1;
}

/*
 * quoted; what is not ASCII is for IMAP4rev2 alone (RFC 9051 section 9) and
 * must then be UTF-8.  Others use a literal.
 */
static int
lex_quoted(struct imap_lex *lex, struct imap_str *s)
{
	const uint8_t *p;
	char *to;
	size_t n;

	lex->p++;
	to = imap_cmd_alloc(lex->cmd, quoted_size(lex));
	n = 0;
	for (p = lex->p; p < lex->end && *p != '"'; p++) {
		if (*p == '\\') {
			if (++p == lex->end)
				break;
			if (*p != '"' && *p != '\\')
				return lex_fail(lex, "Bad quoted string");
		}
		if (*p == '\0' || *p == '\r' || *p == '\n')
			return lex_fail(lex, "Bad character in quoted string");
		if (*p >= 0x80 && !lex->utf8)
			return lex_fail(lex, "8-bit text in quoted string");
		to[n++] = (char)*p;
	}
	if (p == lex->end)
		return lex_fail(lex, "Unterminated quoted string");
	lex->p = p + 1;
	if (!imap_utf8_valid(to, n, false))
		return lex_fail(lex, "Quoted string is not UTF-8");
	s->p = to;
	s->len = n;
	return 0;
}

/*
 * The number in braces at the end of a line, the line end left off.  What has
 * more digits than any literal may have is one that is too large.
 */
bool
imap_literal_find(const uint8_t *line, size_t len, struct imap_literal *literal)
{
	size_t i, begin;

	memset(literal, 0, sizeof(*literal));
	if (len < 3 || line[len - 1] != '}')
		return false;
	i = len - 1;
	if (line[i - 1] == '+') {
		literal->nonsync = true;
		i--;
	}
	for (begin = i; begin > 0; begin--)
		if (line[begin - 1] < '0' || line[begin - 1] > '9')
			break;
	if (begin == i || begin == 0 || line[begin - 1] != '{')
		return false;
	literal->len = len - begin + 1;
	if (begin > 1 && line[begin - 2] == '~') {
		literal->binary = true;
		literal->len++;
	}
	for (; begin < i; begin++) {
		if (literal->size > UINT32_MAX * 1024ULL)
			literal->overflow = true;
		else
			literal->size = literal->size * 10 +
			    (uint64_t)(line[begin] - '0');
	}
	return true;
}

static int
lex_literal(struct imap_lex *lex, struct imap_str *s)
{
	struct imap_literal literal;
	const uint8_t *p;
	size_t n;

	for (p = lex->p; p < lex->end && *p != '\r' && *p != '\n'; p++)
		;
	if (!imap_literal_find(lex->p, (size_t)(p - lex->p), &literal) ||
	    literal.len != (size_t)(p - lex->p) || literal.overflow)
		return lex_fail(lex, "Bad literal");
	if (p == lex->end) {
		lex->more = true;
		return lex_fail(lex, "Literal without octets");
	}
	if (literal.binary && !lex->binary)
		return lex_fail(lex, "Binary literal not allowed here");
	if (*p == '\r')
		p++;
	if (p == lex->end || *p++ != '\n')
		return lex_fail(lex, "Bad literal");
	if (literal.size > (size_t)(lex->end - p)) {
		lex->more = true;
		return lex_fail(lex, "Literal without octets");
	}
	n = (size_t)literal.size;
	if (!literal.binary && memchr(p, '\0', n) != NULL)
		return lex_fail(lex, "NUL in literal");
	copy(lex, p, n, s);
	lex->p = p + n;
	return 0;
}

int
lex_string(struct imap_lex *lex, struct imap_str *s)
{
	if (lex_peek(lex, '"'))
		return lex_quoted(lex, s);
	if (lex_peek(lex, '{') || lex_peek(lex, '~'))
		return lex_literal(lex, s);
	return lex_fail(lex, "Syntax error in arguments");
}

int
lex_astring(struct imap_lex *lex, struct imap_str *s)
{
	if (lex_peek(lex, '"') || lex_peek(lex, '{'))
		return lex_string(lex, s);
	return run(lex, astring_char, s);
}

int
lex_nstring(struct imap_lex *lex, struct imap_str *s, bool *nil)
{
	*nil = lex_take(lex, "NIL");
	return *nil ? 0 : lex_string(lex, s);
}

int
lex_number(struct imap_lex *lex, uint64_t *number, uint64_t max)
{
	uint64_t n;

	if (lex->p == lex->end || *lex->p < '0' || *lex->p > '9')
		return lex_fail(lex, "Number expected");
	for (n = 0; lex->p < lex->end && *lex->p >= '0' && *lex->p <= '9';
	     lex->p++) {
		if (n > (max - (uint64_t)(*lex->p - '0')) / 10)
			return lex_fail(lex, "Number too large");
		n = n * 10 + (uint64_t)(*lex->p - '0');
	}
	*number = n;
	return 0;
}

/* nz-number = digit-nz *DIGIT: neither zero nor a leading one. */
int
lex_nznumber(struct imap_lex *lex, uint32_t *number)
{
	uint64_t n;

	if (lex_peek(lex, '0'))
		return lex_fail(lex, "Zero is not allowed here");
	if (lex_number(lex, &n, UINT32_MAX) == -1)
		return -1;
	*number = (uint32_t)n;
	return 0;
}

int
lex_modseq(struct imap_lex *lex, uint64_t *modseq, bool zero)
{
	if (lex_number(lex, modseq, INT64_MAX) == -1)
		return -1;
	if (*modseq == 0 && !zero)
		return lex_fail(lex, "Zero is not allowed here");
	return 0;
}

/*
 * Net-Unicode is in normal form C (RFC 9051 section 5.1, RFC 5198): a name
 * that is not becomes it, in every command.  The length is bounded because
 * putting marks in order is quadratic in utf8proc.
 */
static void
normalize(struct imap_lex *lex, struct imap_str *s)
{
	utf8proc_uint8_t *normal = NULL;
	utf8proc_ssize_t n;
	size_t i;

	for (i = 0; i < s->len; i++)
		if ((uint8_t)s->p[i] >= 0x80)
			break;
	if (i == s->len)
		return;
	n = utf8proc_map((const utf8proc_uint8_t *)s->p,
	    (utf8proc_ssize_t)s->len, &normal,
	    UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (n < 0)
		lex->cmd->badname = true;
	else if ((size_t)n != s->len || memcmp(normal, s->p, s->len) != 0) {
		copy(lex, normal, (size_t)n, s);
		lex->cmd->denormal = true;
	}
	freezero(normal, n < 0 ? 0 : (size_t)n);
}

/*
 * A mailbox name as UTF-8.  INBOX is INBOX in any case (RFC 3501 5.1), also as
 * the first level.  A name that no mailbox can have is noted, not refused:
 * the grammar allows it.
 */
int
lex_name(struct imap_lex *lex, const struct imap_str *raw, struct imap_str *s)
{
	char *to;
	ssize_t n;

	to = imap_cmd_alloc(lex->cmd, raw->len + 1);
	if (lex->utf8) {
		memcpy(to, raw->p, raw->len);
		n = imap_utf8_valid(to, raw->len, true) ? (ssize_t)raw->len :
							  -1;
	} else
		n = imap_utf7_decode(raw->p, raw->len, to, raw->len + 1);
	if (n == -1) {
		lex->cmd->badname = true;
		memset(to, 0, raw->len + 1);
		n = 0;
	}
	if (n >= 5 && strncasecmp(to, "INBOX", 5) == 0 &&
	    (n == 5 || to[5] == '/'))
		memcpy(to, "INBOX", 5);
	s->p = to;
	s->len = (size_t)n;
	if (s == &lex->cmd->name)
		lex->cmd->given = *s;
	if (s->len <= IMAP_NAME_MAX)
		normalize(lex, s);
	return 0;
}

int
lex_mailbox(struct imap_lex *lex, struct imap_str *s)
{
	struct imap_str raw;

	if (lex_astring(lex, &raw) == -1)
		return -1;
	return lex_name(lex, &raw, s);
}

/* list-mailbox = 1*list-char / string */
int
lex_pattern(struct imap_lex *lex, struct imap_str *s)
{
	struct imap_str raw;

	if (lex_peek(lex, '"') || lex_peek(lex, '{')) {
		if (lex_string(lex, &raw) == -1)
			return -1;
	} else if (run(lex, list_char, &raw) == -1)
		return -1;
	return lex_name(lex, &raw, s);
}
