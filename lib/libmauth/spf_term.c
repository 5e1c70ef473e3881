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
 * The terms of an SPF record (RFC 7208 4.6.1, 5, 6, 12).
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "spf_local.h"

static int term_modifier(const char *, size_t, size_t, struct spf_term *);
static int term_mechanism(const char *, size_t, struct spf_term *);
static int term_domain(const char *, size_t, bool, bool, struct spf_term *);
static int term_network(const char *, size_t, struct spf_term *);
static bool cut_bits(const char *, size_t *, const char *, uint8_t, uint8_t *);
static bool is_word(const char *, size_t, const char *);

bool
spf_is_record(const char *text, size_t len, const char **terms)
{
	if (len < 6 || strncasecmp(text, "v=spf1", 6) != 0 ||
	    (len > 6 && text[6] != ' '))
		return false;
	*terms = text + 6;
	return true;
}

int
spf_term_next(const char **pos, const char *end, struct spf_term *t)
{
	const char *p;
	size_t len, name;

	while (*pos < end && **pos == ' ')
		(*pos)++;
	p = *pos;
	for (len = 0; p + len < end && p[len] != ' '; len++)
		if ((unsigned char)p[len] < 0x21 || (unsigned char)p[len] > 126)
			return -1;
	if (len == 0)
		return 0;
	*pos = p + len;
	memset(t, 0, sizeof(*t));
	t->bits4 = 32;
	t->bits6 = 128;
	name = 0;
	while (name < len &&
	    (isalnum((unsigned char)p[name]) || p[name] == '-' ||
		p[name] == '_' || p[name] == '.'))
		name++;
	if (name > 0 && name < len && p[name] == '=' &&
	    isalpha((unsigned char)p[0]))
		return term_modifier(p, len, name, t);
	t->result = MAUTH_PASS;
	if (strchr("+-~?", *p) != NULL) {
		t->result = *p == '+' ? MAUTH_PASS :
		    *p == '-'         ? MAUTH_FAIL :
		    *p == '~'         ? MAUTH_SOFTFAIL :
					MAUTH_NEUTRAL;
		p++;
		len--;
	}
	return term_mechanism(p, len, t);
}

bool
spf_terms_ok(const char *text, const char *end, struct spf_term *redirect)
{
	struct spf_term t;
	bool explained;
	int r;

	memset(redirect, 0, sizeof(*redirect));
	redirect->kind = SPF_UNKNOWN;
	explained = false;
	while ((r = spf_term_next(&text, end, &t)) == 1) {
		/* RFC 7208 6: each at most once. */
		if (t.kind == SPF_REDIRECT) {
			if (redirect->kind == SPF_REDIRECT)
				return false;
			*redirect = t;
		} else if (t.kind == SPF_EXP) {
			if (explained)
				return false;
			explained = true;
		}
	}
	return r == 0;
}

static int
term_modifier(const char *p, size_t len, size_t name, struct spf_term *t)
{
	t->spec = p + name + 1;
	t->len = len - name - 1;
	if (is_word(p, name, "redirect"))
		t->kind = SPF_REDIRECT;
	else if (is_word(p, name, "exp"))
		t->kind = SPF_EXP;
	else
		t->kind = SPF_UNKNOWN;
	return spf_macros_ok(t->spec, t->len, t->kind != SPF_UNKNOWN) ? 1 : -1;
}

static int
term_mechanism(const char *p, size_t len, struct spf_term *t)
{
	static const struct {
		const char *name;
		enum spf_kind kind;
		bool must; /* have a domain */
		bool bits; /* may have prefix lengths */
	} mechanisms[] = {
	    {"all", SPF_ALL, false, false},
	    {"include", SPF_INCLUDE, true, false},
	    {"a", SPF_A, false, true},
	    {"mx", SPF_MX, false, true},
	    {"ptr", SPF_PTR, false, false},
	    {"ip4", SPF_IP4, true, true},
	    {"ip6", SPF_IP6, true, true},
	    {"exists", SPF_EXISTS, true, false},
	};
	size_t name;

	name = 0;
	while (name < len && p[name] != ':' && p[name] != '/')
		name++;
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]);
	     i++) {
		if (!is_word(p, name, mechanisms[i].name))
			continue;
		t->kind = mechanisms[i].kind;
		if (t->kind == SPF_ALL)
			return name == len ? 1 : -1;
		if (t->kind == SPF_IP4 || t->kind == SPF_IP6)
			return term_network(p + name, len - name, t);
		return term_domain(p + name, len - name, mechanisms[i].must,
		    mechanisms[i].bits, t);
	}
	return -1;
}

/* [ ":" domain-spec ] [ "/" bits ] [ "//" bits ] */
static int
term_domain(const char *p, size_t len, bool must, bool bits, struct spf_term *t)
{
	if (bits &&
	    !(cut_bits(p, &len, "//", 128, &t->bits6) &&
		cut_bits(p, &len, "/", 32, &t->bits4)))
		return -1;
	if (len == 0)
		return must ? -1 : 1;
	if (*p != ':')
		return -1;
	t->spec = p + 1;
	t->len = len - 1;
	return t->len > 0 && spf_macros_ok(t->spec, t->len, true) ? 1 : -1;
}

/* ":" address [ "/" bits ] */
static int
term_network(const char *p, size_t len, struct spf_term *t)
{
	char text[INET6_ADDRSTRLEN];
	bool ip4;

	ip4 = t->kind == SPF_IP4;
	if (!cut_bits(
		p, &len, "/", ip4 ? 32 : 128, ip4 ? &t->bits4 : &t->bits6))
		return -1;
	if (len < 2 || *p != ':' || len > sizeof(text))
		return -1;
	memcpy(text, p + 1, len - 1);
	text[len - 1] = '\0';
	return inet_pton(ip4 ? AF_INET : AF_INET6, text, t->address) == 1 ? 1 :
									    -1;
}

/*
 * A prefix length at the end, if there is one.  False: it is too long.  One
 * with a zero before it stays, and is no name's end.
 */
static bool
cut_bits(
    const char *p, size_t *len, const char *slash, uint8_t max, uint8_t *bits)
{
	unsigned int n;
	size_t digits, at, slashes;

	digits = 0;
	while (digits < *len && isdigit((unsigned char)p[*len - digits - 1]))
		digits++;
	slashes = strlen(slash);
	if (digits == 0 || digits > 3 || *len - digits < slashes)
		return true;
	at = *len - digits;
	if (memcmp(p + at - slashes, slash, slashes) != 0 ||
	    (p[at] == '0' && digits > 1))
		return true;
	n = 0;
	for (size_t i = at; i < *len; i++)
		n = n * 10 + (unsigned int)(p[i] - '0');
	if (n > max)
		return false;
	*bits = (uint8_t)n;
	*len = at - slashes;
	return true;
}

static bool
is_word(const char *p, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(p, word, len) == 0;
}
