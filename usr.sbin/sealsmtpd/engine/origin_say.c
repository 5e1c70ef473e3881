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
 * What came of it: Authentication-Results (RFC 8601), and a line in the log.
 */

#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "log.h"

#include "engine.h"
#include "origin.h"

/* Octets of a result with its reason, of how it is folded, of a policy. */
#define RESULT_MAX 96

static bool
say(const struct origin *, size_t n_keys, size_t room, char *, size_t *);
static void say_spf(const struct origin *, struct authres *);
static void say_dkim(const struct origin *, struct authres *, size_t);
static void say_dmarc(const struct origin *, struct authres *);
static const char *disposition(const struct origin *);
static const struct dkim_verified *signature_of(const struct origin *);
static bool is_kin(const char *, const char *);
static void printable(char *, size_t, const char *);

/*
 * The field, in buf of AUTHRES_FIELD_MAX octets; its length, 0: nobody has
 * looked.  room: exactly so long; 0: as long as it is.
 */
size_t
origin_field(const struct session *s, size_t room, char *buf)
{
	const struct origin *o;
	size_t len, n;

	o = s->origin;
	if (o == NULL)
		return 0;
	/* What is too long is said of as many signatures as fit. */
	for (n = o->n_keys;; n--) {
		if (say(o, n, room, buf, &len))
			return len;
		if (n == 0)
			return 0;
	}
}

/*
 * How long the field may become, once the header is known: a result that is
 * still open is none now, and will be a longer word, with a reason.
 */
size_t
origin_room(const struct session *s)
{
	char field[AUTHRES_FIELD_MAX];
	size_t len;

	len = origin_field(s, 0, field);
	if (len == 0)
		return 0;
	len += (2 + s->origin->n_keys) * RESULT_MAX;
	return len < AUTHRES_FIELD_MAX ? len : AUTHRES_FIELD_MAX - 1;
}

void
origin_log(const struct session *s)
{
	char from[MAUTH_NAME_MAX * 4];
	const struct origin *o;
	enum mauth_result dkim, r;

	o = s->origin;
	if (o == NULL)
		return;
	dkim = MAUTH_NONE;
	for (size_t i = 0; i < o->n_keys; i++) {
		r = dkim_verify_result(o->dkim, i)->result;
		if (i == 0 || r == MAUTH_PASS)
			dkim = r;
	}
	printable(from, sizeof(from), o->from);
	log_info("origin conn=%llu peer=%s id=%s from=%s spf=%s dkim=%s "
		 "dmarc=%s policy=%s disposition=%s",
	    (unsigned long long)s->conn, s->peer, s->message->id, from,
	    mauth_result_name(spf_result(o->spf)), mauth_result_name(dkim),
	    mauth_result_name(o->verdict.result),
	    o->verdict.policy == DMARC_NO_POLICY ?
		"-" :
		dmarc_policy_name(o->verdict.policy),
	    disposition(o));
}

/* For the owner of the From domain, who asks for reports by his record. */
void
origin_count(const struct session *s)
{
	const struct dkim_verified *v;
	const struct origin *o;
	char row[QUEUE_ORIGIN_MAX];
	int n;

	o = s->origin;
	if (o == NULL || o->verdict.policy == DMARC_NO_POLICY)
		return;
	v = signature_of(o);
	n = snprintf(row, sizeof(row), "%s %s %s %s %s %s %s %s %s %s %s %s %s",
	    o->from, s->peer, dmarc_policy_name(o->verdict.policy),
	    disposition(o), mauth_result_name(o->verdict.result),
	    mauth_result_name(spf_result(o->spf)),
	    mauth_name_ok(spf_domain(o->spf)) ? spf_domain(o->spf) : "-",
	    o->verdict.spf ? "yes" : "no",
	    mauth_result_name(v == NULL ? MAUTH_NONE : v->result),
	    v == NULL || v->domain[0] == '\0' ? "-" : v->domain,
	    v == NULL || v->domain[0] == '\0' ? "-" : v->selector,
	    o->verdict.dkim ? "yes" : "no", o->verdict.domain);
	if (n > 0 && (size_t)n < sizeof(row))
		queue_origin(row);
}

static const char *
disposition(const struct origin *o)
{
	return o->refusal != NULL ? "reject" :
	    o->suspect            ? "quarantine" :
				    "none";
}

/* The signature that counts: one that is aligned, that is good, the first. */
static const struct dkim_verified *
signature_of(const struct origin *o)
{
	const struct dkim_verified *v, *best;

	best = NULL;
	for (size_t i = 0; i < o->n_keys; i++) {
		v = dkim_verify_result(o->dkim, i);
		if (best == NULL ||
		    (v->result == MAUTH_PASS && best->result != MAUTH_PASS) ||
		    (v->result == MAUTH_PASS && is_kin(v->domain, o->from) &&
			!is_kin(best->domain, o->from)))
			best = v;
	}
	return best;
}

/* Is one of them the other, or below it? */
static bool
is_kin(const char *a, const char *b)
{
	const char *longer, *shorter;
	size_t n, m;

	longer = strlen(a) >= strlen(b) ? a : b;
	shorter = longer == a ? b : a;
	n = strlen(longer);
	m = strlen(shorter);
	return strcmp(longer + n - m, shorter) == 0 &&
	    (n == m || longer[n - m - 1] == '.');
}

static bool
say(const struct origin *o, size_t n_keys, size_t room, char *buf, size_t *len)
{
	struct authres a;

	authres_begin(&a, buf, engine_config()->site.hostname);
	say_spf(o, &a);
	say_dkim(o, &a, n_keys);
	say_dmarc(o, &a);
	if (room > 0 && a.len + 2 > room)
		return false;
	if (room > 0)
		authres_pad(&a, room - 2 - a.len);
	return authres_end(&a, len) == 0;
}

static void
say_spf(const struct origin *o, struct authres *a)
{
	const struct session *s;

	s = o->session;
	authres_method(a, "spf", spf_result(o->spf), NULL);
	if (s->mail.from.domain[0] != '\0')
		authres_property(a, "smtp.mailfrom", spf_domain(o->spf));
	else
		authres_property(a, "smtp.helo", spf_domain(o->spf));
}

static void
say_dkim(const struct origin *o, struct authres *a, size_t n)
{
	const struct dkim_verified *v;

	if (o->n_keys == 0)
		authres_method(a, "dkim", MAUTH_NONE, NULL);
	for (size_t i = 0; i < n; i++) {
		v = dkim_verify_result(o->dkim, i);
		authres_method(a, "dkim", v->result, v->reason);
		if (v->domain[0] == '\0')
			continue;
		authres_property(a, "header.d", v->domain);
		authres_property(a, "header.s", v->selector);
		authres_property(a, "header.b", v->start);
	}
}

static void
say_dmarc(const struct origin *o, struct authres *a)
{
	char text[64];

	authres_method(a, "dmarc", o->verdict.result, NULL);
	if (o->verdict.policy != DMARC_NO_POLICY) {
		(void)snprintf(text, sizeof(text), "p=%s dis=%s",
		    dmarc_policy_name(o->verdict.policy), disposition(o));
		authres_comment(a, text);
	}
	if (o->author == AUTHOR_ONE)
		authres_property(a, "header.from", o->from);
}

/* A domain of a stranger's header, for a line of the log. */
static void
printable(char *to, size_t size, const char *from)
{
	(void)strlcpy(to, from[0] == '\0' ? "-" : log_vis(from), size);
}
