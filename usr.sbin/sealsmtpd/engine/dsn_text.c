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
 * How a report reads: for people, then for programs (RFC 3464), then what it is
 * about.  What came from elsewhere is made harmless: no line ends in it, no
 * control characters, and octets above 127 only where the mail had them.
 */

#include <sys/types.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dsn.h"
#include "log.h"

#define DATE_SIZE 64

static void
put(struct dsn *, const char *, ...) __attribute__((__format__(printf, 2, 3)));
static void put_head(struct dsn *);
static void put_words(struct dsn *);
static void put_words_rcpt(struct dsn *, const struct dsn_rcpt *);
static void put_status(struct dsn *);
static void put_rcpt(struct dsn *, const struct dsn_rcpt *);
static void put_orcpt(struct dsn *, const struct dsn_rcpt *);
static void put_part(struct dsn *);
static const char *action(enum dsn_kind);
static const char *status(const struct dsn *, const struct dsn_rcpt *);
static bool is_utf8(const struct dsn *);
static const char *harmless(const struct dsn *, const char *);
static void xtext_decode(const char *, char *, size_t);
static int hex(char);

void
dsn_begin(struct dsn *d)
{
	put_head(d);
	put_words(d);
	put_status(d);
	put_part(d);
}

void
dsn_end(struct dsn *d)
{
	put(d, "\r\n--%s--\r\n", d->boundary);
}

static void
put(struct dsn *d, const char *fmt, ...)
{
	char line[DSN_LINE_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line))
		fatalx("a line of a report does not fit");
	dsn_write(d, line, (size_t)n);
}

static void
put_head(struct dsn *d)
{
	static const char *const subjects[] = {
	    [DSN_FAILED] = "Undelivered mail",
	    [DSN_DELAYED] = "Delayed mail (still being tried)",
	    [DSN_RELAYED] = "Mail sent on",
	    [DSN_DELIVERED] = "Mail delivered",
	};
	const struct site *site;
	char date[DATE_SIZE];

	site = &engine_config()->site;
	(void)snprintf(d->boundary, sizeof(d->boundary), "=_%08x%08x%08x",
	    arc4random(), arc4random(), arc4random());
	smtp_date_print((int64_t)time(NULL), date, sizeof(date));
	put(d, "From: Mail Delivery System <postmaster@%s>\r\n",
	    site->domains[0]);
	put(d, "To: <%s>\r\n", harmless(d, d->sender));
	put(d, "Subject: %s\r\n", subjects[d->kind]);
	put(d, "Date: %s\r\n", date);
	put(d, "Message-ID: <%s@%s>\r\n", d->session.message->id,
	    site->hostname);
	put(d, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
	put(d,
	    "Content-Type: multipart/report; report-type=%s;\r\n"
	    "\tboundary=\"%s\"\r\n",
	    "delivery-status", d->boundary);
	if (is_utf8(d) || (d->flags & QUEUE_8BIT) != 0)
		put(d, "Content-Transfer-Encoding: 8bit\r\n");
	put(d, "\r\nThis is a report in MIME format.\r\n");
}

static void
put_words(struct dsn *d)
{
	char date[DATE_SIZE];

	put(d, "\r\n--%s\r\n", d->boundary);
	put(d, "Content-Type: text/plain; charset=%s\r\n",
	    is_utf8(d) ? "utf-8" : "us-ascii");
	if (is_utf8(d))
		put(d, "Content-Transfer-Encoding: 8bit\r\n");
	smtp_date_print(d->arrival, date, sizeof(date));
	put(d, "\r\nThis is the mail server %s.\r\n\r\n",
	    engine_config()->site.hostname);
	put(d, "Your message of %s\r\n", date);
	switch (d->kind) {
	case DSN_FAILED:
		put(d, "could not be delivered to:\r\n\r\n");
		break;
	case DSN_DELAYED:
		put(d, "has not been delivered yet to:\r\n\r\n");
		break;
	case DSN_RELAYED:
		put(d,
		    "was handed to a server that reports no further, "
		    "for:\r\n\r\n");
		break;
	case DSN_DELIVERED:
		put(d, "was delivered to:\r\n\r\n");
		break;
	}
	for (size_t i = 0; i < d->n; i++)
		put_words_rcpt(d, &d->rcpts[i]);
	if (d->kind == DSN_DELAYED) {
		smtp_date_print(d->expiry, date, sizeof(date));
		put(d,
		    "\r\nIt is tried until %s.\r\n"
		    "You need not send it again.\r\n",
		    date);
	}
}

static void
put_words_rcpt(struct dsn *d, const struct dsn_rcpt *r)
{
	put(d, "    <%s>\r\n", harmless(d, r->address));
	if (r->host[0] != '\0' && r->code != 0)
		put(d, "        %s said:\r\n", harmless(d, r->host));
	if (r->code != 0)
		put(d, "        %u %s\r\n", r->code, harmless(d, r->text));
	else if (r->text[0] != '\0')
		put(d, "        %s\r\n", harmless(d, r->text));
}

/* RFC 3464 2.2; RFC 6533 3 */
static void
put_status(struct dsn *d)
{
	char date[DATE_SIZE], envid[SMTP_ENVID_MAX + 1];

	put(d, "\r\n--%s\r\n", d->boundary);
	put(d, "Content-Type: message/%sdelivery-status\r\n",
	    is_utf8(d) ? "global-" : "");
	if (is_utf8(d))
		put(d, "Content-Transfer-Encoding: 8bit\r\n");
	put(d, "\r\nReporting-MTA: dns; %s\r\n",
	    engine_config()->site.hostname);
	if (d->envid[0] != '\0') {
		xtext_decode(d->envid, envid, sizeof(envid));
		put(d, "Original-Envelope-Id: %s\r\n", harmless(d, envid));
	}
	smtp_date_print(d->arrival, date, sizeof(date));
	put(d, "Arrival-Date: %s\r\n", date);
	for (size_t i = 0; i < d->n; i++)
		put_rcpt(d, &d->rcpts[i]);
}

static void
put_rcpt(struct dsn *d, const struct dsn_rcpt *r)
{
	char date[DATE_SIZE];

	put(d, "\r\n");
	put_orcpt(d, r);
	put(d, "Final-Recipient: %s; %s\r\n", is_utf8(d) ? "utf-8" : "rfc822",
	    harmless(d, r->address));
	put(d, "Action: %s\r\nStatus: %s\r\n", action(d->kind), status(d, r));
	if (r->host[0] != '\0')
		put(d, "Remote-MTA: dns; %s\r\n", harmless(d, r->host));
	if (r->code != 0)
		put(d, "Diagnostic-Code: smtp; %u %s\r\n", r->code,
		    harmless(d, r->text));
	else if (r->text[0] != '\0')
		put(d, "Diagnostic-Code: X-Sealmail; %s\r\n",
		    harmless(d, r->text));
	if (r->when != 0) {
		smtp_date_print(r->when, date, sizeof(date));
		put(d, "Last-Attempt-Date: %s\r\n", date);
	}
	if (d->kind == DSN_DELAYED) {
		smtp_date_print(d->expiry, date, sizeof(date));
		put(d, "Will-Retry-Until: %s\r\n", date);
	}
}

static void
put_orcpt(struct dsn *d, const struct dsn_rcpt *r)
{
	char plain[SMTP_ORCPT_MAX + 1];
	size_t n;

	n = strcspn(r->orcpt, ";");
	if (r->orcpt[n] != ';')
		return;
	xtext_decode(r->orcpt + n + 1, plain, sizeof(plain));
	put(d, "Original-Recipient: %.*s; %s\r\n", (int)n, r->orcpt,
	    harmless(d, plain));
}

static void
put_part(struct dsn *d)
{
	put(d, "\r\n--%s\r\n", d->boundary);
	if (d->whole)
		put(d, "Content-Type: message/%s\r\n",
		    is_utf8(d) ? "global" : "rfc822");
	else if (is_utf8(d))
		put(d, "Content-Type: message/global-headers\r\n");
	else
		put(d, "Content-Type: text/rfc822-headers\r\n");
	if (is_utf8(d) || (d->flags & QUEUE_8BIT) != 0)
		put(d, "Content-Transfer-Encoding: 8bit\r\n");
	put(d, "\r\n");
}

static const char *
action(enum dsn_kind kind)
{
	switch (kind) {
	case DSN_FAILED:
		return "failed";
	case DSN_DELAYED:
		return "delayed";
	case DSN_RELAYED:
		return "relayed";
	case DSN_DELIVERED:
		break;
	}
	return "delivered";
}

/* The class must be the action's (RFC 3464 2.3.4). */
static const char *
status(const struct dsn *d, const struct dsn_rcpt *r)
{
	static const char *const plain[] = {
	    [DSN_FAILED] = "5.0.0",
	    [DSN_DELAYED] = "4.0.0",
	    [DSN_RELAYED] = "2.0.0",
	    [DSN_DELIVERED] = "2.1.5",
	};
	size_t dots;

	dots = 0;
	for (const char *p = r->status; *p != '\0'; p++) {
		dots += *p == '.';
		if (*p != '.' && (*p < '0' || *p > '9'))
			return plain[d->kind];
	}
	if (dots != 2)
		return plain[d->kind];
	/* Time that ran out is 4.4.7, and yet a failure. */
	if (d->kind == DSN_FAILED && r->status[0] == '2')
		return plain[d->kind];
	if (d->kind == DSN_DELAYED && r->status[0] != '4')
		return plain[d->kind];
	if (d->kind > DSN_DELAYED && r->status[0] != '2')
		return plain[d->kind];
	return r->status;
}

static bool
is_utf8(const struct dsn *d)
{
	return (d->flags & QUEUE_UTF8) != 0;
}

/* Lives until the next call. */
static const char *
harmless(const struct dsn *d, const char *s)
{
	static char buf[QUEUE_ADDRESS_MAX + QUEUE_TEXT_MAX];
	unsigned char c;
	size_t n;

	for (n = 0; *s != '\0' && n < sizeof(buf) - 1; n++, s++) {
		c = (unsigned char)*s;
		if (c < ' ' || c == 127 || (c > 127 && !is_utf8(d)))
			c = '?';
		buf[n] = (char)c;
	}
	buf[n] = '\0';
	return buf;
}

static void
xtext_decode(const char *s, char *buf, size_t size)
{
	size_t n;

	for (n = 0; *s != '\0' && n < size - 1; s++) {
		if (*s == '+' && hex(s[1]) != -1 && hex(s[2]) != -1) {
			buf[n++] = (char)(hex(s[1]) << 4 | hex(s[2]));
			s += 2;
		} else
			buf[n++] = *s;
	}
	buf[n] = '\0';
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}
