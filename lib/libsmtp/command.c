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
 * Command lines: verbs, HELO names, and the commands with an address (RFC 5321
 * 4.1) or a size (RFC 3030).
 */

#include <sys/types.h>

#include <string.h>
#include <strings.h>

#include "smtp_local.h"

static const struct {
	const char *name;
	enum smtp_verb verb;
} verbs[] = {
    {"HELO", SMTP_HELO},
    {"EHLO", SMTP_EHLO},
    {"LHLO", SMTP_LHLO},
    {"MAIL", SMTP_MAIL},
    {"RCPT", SMTP_RCPT},
    {"DATA", SMTP_DATA},
    {"BDAT", SMTP_BDAT},
    {"RSET", SMTP_RSET},
    {"NOOP", SMTP_NOOP},
    {"HELP", SMTP_HELP},
    {"VRFY", SMTP_VRFY},
    {"EXPN", SMTP_EXPN},
    {"QUIT", SMTP_QUIT},
    {"STARTTLS", SMTP_STARTTLS},
    {"AUTH", SMTP_AUTH},
    /*
     * A web page can make a browser say these to us, and what follows is
     * then an attacker's choice.
     */
    {"GET", SMTP_HTTP},
    {"POST", SMTP_HTTP},
    {"PUT", SMTP_HTTP},
    {"HEAD", SMTP_HTTP},
    {"OPTIONS", SMTP_HTTP},
    {"CONNECT", SMTP_HTTP},
    {"HOST:", SMTP_HTTP},
};

static enum smtp_result params_mail(const char *, size_t, struct smtp_mail *);
static enum smtp_result
param_mail(const struct smtp_param *, struct smtp_mail *, unsigned int *);
static enum smtp_result
params_rcpt(const char *, size_t, bool, struct smtp_rcpt *);
static enum smtp_result
param_rcpt(const struct smtp_param *, bool, struct smtp_rcpt *);
static bool param_auth(const char *, size_t);
static enum smtp_result path_take(const char *, size_t, const char *,
    const char **, size_t *, const char **, size_t *);

bool
smtp_word_is(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(s, word, len) == 0;
}

enum smtp_verb
smtp_verb_parse(
    const char *line, size_t len, const char **arg, size_t *arglen, bool *bad)
{
	size_t n, i;

	*bad = !smtp_text_valid(line, len);
	while (len > 0 && line[len - 1] == ' ')
		len--;
	for (n = 0; n < len && line[n] != ' '; n++)
		;
	for (i = n; i < len && line[i] == ' '; i++)
		;
	*arg = line + i;
	*arglen = len - i;
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (smtp_word_is(line, n, verbs[i].name))
			return verbs[i].verb;
	return SMTP_UNKNOWN;
}

enum smtp_result
smtp_helo_parse(const char *arg, size_t len, char *name, size_t size)
{
	size_t i;

	for (i = 0; i < len && arg[i] != ' '; i++)
		;
	if (i != len || len == 0 || len >= size || len > SMTP_DOMAIN_MAX)
		return SMTP_BAD_SYNTAX;
	if (arg[0] == '[') {
		/* Clients say all sorts of things in brackets. */
		if (arg[len - 1] != ']')
			return SMTP_BAD_SYNTAX;
	} else if (!smtp_domain_valid(arg, len))
		return SMTP_BAD_SYNTAX;
	for (i = 0; i < len; i++)
		if (strchr("()<>\"\\;,", arg[i]) != NULL)
			return SMTP_BAD_SYNTAX;
	memcpy(name, arg, len);
	name[len] = '\0';
	return SMTP_OK;
}

enum smtp_result
smtp_mail_parse(const char *arg, size_t len, struct smtp_mail *mail)
{
	const char *path, *rest;
	size_t path_len, rest_len;
	enum smtp_result res;

	memset(mail, 0, sizeof(*mail));
	res = path_take(arg, len, "FROM:", &path, &path_len, &rest, &rest_len);
	if (res != SMTP_OK)
		return res;
	if (path_len > 0) {
		res = smtp_address_parse(path, path_len, &mail->from);
		if (res != SMTP_OK)
			return res;
		/* Only <> and <postmaster> may be without a domain. */
		if (mail->from.domain[0] == '\0' &&
		    strcasecmp(mail->from.local, "postmaster") != 0)
			return SMTP_BAD_ADDRESS;
	}
	res = params_mail(rest, rest_len, mail);
	if (res != SMTP_OK)
		return res;
	if (!mail->utf8 && !smtp_address_is_ascii(&mail->from))
		return SMTP_NEED_UTF8;
	return SMTP_OK;
}

enum smtp_result
smtp_rcpt_parse(const char *arg, size_t len, bool utf8, struct smtp_rcpt *rcpt)
{
	const char *path, *rest;
	size_t path_len, rest_len;
	enum smtp_result res;

	memset(rcpt, 0, sizeof(*rcpt));
	res = path_take(arg, len, "TO:", &path, &path_len, &rest, &rest_len);
	if (res != SMTP_OK)
		return res;
	res = smtp_address_parse(path, path_len, &rcpt->to);
	if (res != SMTP_OK)
		return res;
	if (rcpt->to.domain[0] == '\0' &&
	    strcasecmp(rcpt->to.local, "postmaster") != 0)
		return SMTP_BAD_ADDRESS;
	res = params_rcpt(rest, rest_len, utf8, rcpt);
	if (res != SMTP_OK)
		return res;
	if (!utf8 && !smtp_address_is_ascii(&rcpt->to))
		return SMTP_NEED_UTF8;
	return SMTP_OK;
}

enum smtp_result
smtp_bdat_parse(const char *arg, size_t len, uint64_t *size, bool *last)
{
	size_t n;

	*last = false;
	for (n = 0; n < len && arg[n] != ' '; n++)
		;
	if (smtp_number(arg, n, size) == -1)
		return SMTP_BAD_SYNTAX;
	while (n < len && arg[n] == ' ')
		n++;
	if (n == len)
		return SMTP_OK;
	if (!smtp_word_is(arg + n, len - n, "LAST"))
		return SMTP_BAD_SYNTAX;
	*last = true;
	return SMTP_OK;
}

/* "FROM:<path> parameters", with a space after the colon as many send it. */
static enum smtp_result
path_take(const char *arg, size_t len, const char *word, const char **path,
    size_t *path_len, const char **rest, size_t *rest_len)
{
	bool quoted;
	size_t i, start;

	i = strlen(word);
	if (len < i || strncasecmp(arg, word, i) != 0)
		return SMTP_BAD_SYNTAX;
	while (i < len && arg[i] == ' ')
		i++;
	if (i == len || arg[i] != '<')
		return SMTP_BAD_SYNTAX;
	start = ++i;
	for (quoted = false; i < len; i++) {
		if (quoted && arg[i] == '\\') {
			i++;
			continue;
		}
		if (arg[i] == '"')
			quoted = !quoted;
		else if (arg[i] == '>' && !quoted)
			break;
	}
	if (i >= len)
		return SMTP_BAD_SYNTAX;
	*path = arg + start;
	*path_len = i - start;
	i++;
	if (i < len && arg[i] != ' ')
		return SMTP_BAD_SYNTAX;
	*rest = arg + i;
	*rest_len = len - i;
	return SMTP_OK;
}

static enum smtp_result
params_mail(const char *s, size_t len, struct smtp_mail *mail)
{
	struct smtp_param params[SMTP_PARAMS_MAX];
	unsigned int seen;
	size_t n;
	enum smtp_result res;

	if (smtp_params_split(s, len, params, SMTP_PARAMS_MAX, &n) == -1)
		return SMTP_BAD_SYNTAX;
	seen = 0;
	for (size_t i = 0; i < n; i++) {
		res = param_mail(&params[i], mail, &seen);
		if (res != SMTP_OK)
			return res;
	}
	return SMTP_OK;
}

/* RFC 4954 5: "<>", or an address as xtext (RFC 3461 4). */
static bool
param_auth(const char *s, size_t len)
{
	static const char hex[] = "0123456789ABCDEF";

	if (len == 2 && memcmp(s, "<>", 2) == 0)
		return true;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '!' || s[i] > '~')
			return false;
		if (s[i] != '+')
			continue;
		if (len - i < 3 || s[i + 1] == '\0' || s[i + 2] == '\0' ||
		    strchr(hex, s[i + 1]) == NULL ||
		    strchr(hex, s[i + 2]) == NULL)
			return false;
		i += 2;
	}
	return true;
}

static enum smtp_result
param_mail(
    const struct smtp_param *p, struct smtp_mail *mail, unsigned int *seen)
{
	unsigned int bit;

	if (smtp_word_is(p->name, p->name_len, "SIZE")) {
		bit = 1;
		if (p->value == NULL ||
		    smtp_number(p->value, p->value_len, &mail->size) == -1)
			return SMTP_BAD_PARAM;
	} else if (smtp_word_is(p->name, p->name_len, "BODY")) {
		bit = 2;
		if (p->value == NULL)
			return SMTP_BAD_PARAM;
		if (smtp_word_is(p->value, p->value_len, "8BITMIME"))
			mail->body = SMTP_BODY_8BITMIME;
		else if (!smtp_word_is(p->value, p->value_len, "7BIT"))
			return SMTP_BAD_PARAM;
	} else if (smtp_word_is(p->name, p->name_len, "SMTPUTF8")) {
		bit = 4;
		if (p->value != NULL)
			return SMTP_BAD_PARAM;
		mail->utf8 = true;
	} else if (smtp_word_is(p->name, p->name_len, "RET")) {
		bit = 8;
		if (smtp_ret_parse(p, &mail->ret) == -1)
			return SMTP_BAD_PARAM;
	} else if (smtp_word_is(p->name, p->name_len, "ENVID")) {
		bit = 16;
		if (smtp_envid_parse(p, mail->envid) == -1)
			return SMTP_BAD_PARAM;
	} else if (smtp_word_is(p->name, p->name_len, "AUTH")) {
		bit = 32;
		if (p->value == NULL || !param_auth(p->value, p->value_len))
			return SMTP_BAD_PARAM;
		mail->auth = true;
	} else if (smtp_word_is(p->name, p->name_len, "REQUIRETLS")) {
		bit = 64;
		if (p->value != NULL)
			return SMTP_BAD_PARAM;
		mail->requiretls = true;
	} else
		return SMTP_UNKNOWN_PARAM;
	if (*seen & bit)
		return SMTP_BAD_PARAM;
	*seen |= bit;
	return SMTP_OK;
}

static enum smtp_result
params_rcpt(const char *s, size_t len, bool utf8, struct smtp_rcpt *rcpt)
{
	struct smtp_param params[SMTP_PARAMS_MAX];
	size_t n;
	enum smtp_result res;

	if (smtp_params_split(s, len, params, SMTP_PARAMS_MAX, &n) == -1)
		return SMTP_BAD_SYNTAX;
	for (size_t i = 0; i < n; i++) {
		res = param_rcpt(&params[i], utf8, rcpt);
		if (res != SMTP_OK)
			return res;
	}
	return SMTP_OK;
}

static enum smtp_result
param_rcpt(const struct smtp_param *p, bool utf8, struct smtp_rcpt *rcpt)
{
	if (smtp_word_is(p->name, p->name_len, "NOTIFY")) {
		if (rcpt->notify != 0 ||
		    smtp_notify_parse(p, &rcpt->notify) == -1)
			return SMTP_BAD_PARAM;
	} else if (smtp_word_is(p->name, p->name_len, "ORCPT")) {
		if (rcpt->orcpt[0] != '\0' ||
		    smtp_orcpt_parse(p, utf8, rcpt->orcpt) == -1)
			return SMTP_BAD_PARAM;
	} else
		return SMTP_UNKNOWN_PARAM;
	return SMTP_OK;
}
