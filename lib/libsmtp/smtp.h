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
 * The grammar of SMTP and LMTP, without any input or output: RFC 5321, 1870
 * (SIZE), 6152 (8BITMIME), 6531 (SMTPUTF8), 3030 (CHUNKING), 2034 (enhanced
 * status codes) and 2033 (LMTP).  Everything works in the caller's memory and
 * in time linear in its input; nothing recurses.
 */

#ifndef SMTP_H
#define SMTP_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of a command line, CRLF included: RFC 5321 4.5.3.1.4 and more. */
#define SMTP_COMMAND_MAX 2048
/* Unquoted.  RFC 5321 4.5.3.1.1 has 64; bounce addresses are longer. */
#define SMTP_LOCAL_MAX 255
#define SMTP_DOMAIN_MAX 255 /* RFC 5321 4.5.3.1.2 */
#define SMTP_PATH_MAX (SMTP_LOCAL_MAX * 2 + 2 + 1 + SMTP_DOMAIN_MAX)
#define SMTP_PARAMS_MAX 16 /* ESMTP parameters of one command */
#define SMTP_ENVID_MAX 100 /* RFC 3461 4.4 */
#define SMTP_ORCPT_MAX 500 /* RFC 3461 4.2 */
#define SMTP_REPLY_MAX 512 /* octets of one reply line, CRLF included */

/* ---- Commands --------------------------------------------------------- */

enum smtp_verb {
	SMTP_UNKNOWN,
	SMTP_HELO,
	SMTP_EHLO,
	SMTP_LHLO,
	SMTP_MAIL,
	SMTP_RCPT,
	SMTP_DATA,
	SMTP_BDAT,
	SMTP_RSET,
	SMTP_NOOP,
	SMTP_HELP,
	SMTP_VRFY,
	SMTP_EXPN,
	SMTP_QUIT,
	SMTP_STARTTLS,
	SMTP_AUTH,
	SMTP_HTTP, /* another protocol's request, or a header: hang up */
};

enum smtp_result {
	SMTP_OK,
	SMTP_BAD_SYNTAX,    /* 501 5.5.2 */
	SMTP_BAD_ADDRESS,   /* 501 5.1.3, in MAIL 5.1.7 */
	SMTP_BAD_PARAM,     /* 501 5.5.4: known, but its value is wrong */
	SMTP_UNKNOWN_PARAM, /* 555 5.5.4 */
	SMTP_NEED_UTF8,     /* 553 5.6.7: octets above 127 without SMTPUTF8 */
};

/*
 * The verb of a line (without its line end), and where its argument stands.
 * Arguments are printable ASCII and, above 127, well-formed UTF-8; a control
 * character or a bad sequence makes *bad true.
 */
enum smtp_verb smtp_verb_parse(
    const char *line, size_t len, const char **arg, size_t *arglen, bool *bad);

/* The client's name in HELO, EHLO and LHLO: a domain or an address literal. */
enum smtp_result
smtp_helo_parse(const char *arg, size_t len, char *name, size_t size);

struct smtp_address {
	char local[SMTP_LOCAL_MAX + 1];   /* without quotes and backslashes */
	char domain[SMTP_DOMAIN_MAX + 1]; /* lower case, or [literal] */
};

enum smtp_body { SMTP_BODY_7BIT, SMTP_BODY_8BITMIME };

/* RFC 3461 4.3: how much of a message a report brings back. */
enum smtp_ret { SMTP_RET_NONE, SMTP_RET_FULL, SMTP_RET_HDRS };

/* RFC 3461 4.1: bits; 0: NOTIFY was not said. */
#define SMTP_NOTIFY_NEVER 0x01
#define SMTP_NOTIFY_SUCCESS 0x02
#define SMTP_NOTIFY_FAILURE 0x04
#define SMTP_NOTIFY_DELAY 0x08

/* MAIL FROM: an empty local part and domain is the null reverse path. */
struct smtp_mail {
	struct smtp_address from;
	uint64_t size; /* declared; 0 if not */
	enum smtp_body body;
	bool utf8;
	enum smtp_ret ret;
	char envid[SMTP_ENVID_MAX + 1]; /* xtext, as given; "" if not */
	bool auth;                      /* AUTH= was said */
	bool requiretls;                /* RFC 8689 */
};

/* RCPT TO: an empty domain stands with <postmaster> only, or is not said. */
struct smtp_rcpt {
	struct smtp_address to;
	uint8_t notify;
	char orcpt[SMTP_ORCPT_MAX + 1]; /* type;xtext, as given; "" if not */
};

/* arg begins with FROM: or TO:.  utf8 tells what MAIL of this mail said. */
enum smtp_result
smtp_mail_parse(const char *arg, size_t len, struct smtp_mail *);
enum smtp_result
smtp_rcpt_parse(const char *arg, size_t len, bool utf8, struct smtp_rcpt *);
/* BDAT: size and LAST. */
enum smtp_result
smtp_bdat_parse(const char *arg, size_t len, uint64_t *size, bool *last);

/* ---- Addresses -------------------------------------------------------- */

/*
 * One address without angle brackets ("a.b@example.org", "\"a b\"@[1.2.3.4]",
 * "postmaster").  A source route is skipped, as RFC 5321 4.1.1.3 wants.
 */
enum smtp_result
smtp_address_parse(const char *s, size_t len, struct smtp_address *);
/* With quotes where the local part needs them; "" for the null path. */
void smtp_address_print(const struct smtp_address *, char *buf, size_t size);
bool smtp_address_is_ascii(const struct smtp_address *);
/*
 * A domain with its labels of UTF-8 as A-labels (RFC 5890, 3492), lower case;
 * literals stay.  The labels must be normalised already.  -1: does not fit.
 */
int smtp_domain_ascii(const char *domain, char *buf, size_t size);
/*
 * The account's name: local part in lower case (ASCII letters only), cut at
 * the first separator (0: none; never at its first octet), '@', domain.  The
 * rest after the separator goes to detail ("" if none).  fallback is the
 * domain of an address without one.  Returns -1 if something does not fit.
 */
int smtp_address_account(const struct smtp_address *, char separator,
    const char *fallback, char *account, size_t size, char *detail,
    size_t detail_size);

/* ---- Replies ---------------------------------------------------------- */

/*
 * "CODE ENH text\r\n", or "CODE-ENH text\r\n" where more lines follow; enh may
 * be NULL (RFC 2034: not in replies to HELO, EHLO, LHLO, nor in 220 and 354).
 * Control characters of the text become '?'; a long text is cut.  Returns the
 * length.
 */
size_t smtp_reply(char *buf, size_t size, int code, const char *enh, bool more,
    const char *fmt, ...) __attribute__((__format__(printf, 6, 7)));

/* ---- Message data ----------------------------------------------------- */

/*
 * What ends a message is CRLF.CRLF and nothing else (RFC 5321 4.1.1.4).  A CR
 * or LF on its own never ends a line; and since programs disagree about it
 * ("SMTP smuggling": one server's message is another's two), a message with
 * one is refused, never repaired and never passed on.  Where such a bare
 * octet and a dot form what a sloppy server takes for the end, nothing after
 * it may be believed either: SMTP_DATA_SMUGGLED, answer and hang up.  All
 * other octets, NUL and 8 bit included, come through unchanged; lines of any
 * length do.
 */
enum smtp_data_state {
	SMTP_DATA_MORE,     /* all input consumed, or the output is full */
	SMTP_DATA_END,      /* what follows the consumed input is a command */
	SMTP_DATA_SMUGGLED, /* refuse and close */
};

struct smtp_data {
	uint64_t size;     /* octets decoded so far */
	uint32_t received; /* Received fields of the header */
	bool bare;         /* a bare CR or LF was seen: 550 5.6.0 at the end */
	bool in_header;
	uint8_t last;   /* the octet before */
	uint8_t dot;    /* where in CRLF . CR LF the input stands */
	uint8_t sloppy; /* where in a sloppy end it stands */
	uint8_t match;  /* octets of "received:" seen in this line */
};

void smtp_data_init(struct smtp_data *);
/*
 * Decodes (unstuffs) DATA.  Reads at most *inlen octets, writes at most
 * *outlen (at least 4); both are set to what was used.
 */
enum smtp_data_state smtp_data_decode(struct smtp_data *, const uint8_t *in,
    size_t *inlen, uint8_t *out, size_t *outlen);
/* The same checks on octets of a BDAT chunk; last: it ends the message. */
void
smtp_data_chunk(struct smtp_data *, const uint8_t *in, size_t len, bool last);

/* ---- Trace fields ----------------------------------------------------- */

struct smtp_trace {
	const char
	    *from; /* reverse path, printed; "" is <>; NULL: it goes on */
	const char *helo;
	const char *peer;     /* the client's address as text; NULL: local */
	const char *host;     /* our name */
	const char *protocol; /* ESMTP, ESMTPS, LMTP, UTF8SMTPS ... */
	const char *tls;      /* "TLSv1.3 TLS_AES_..."; NULL in clear */
	const char *id;       /* of this transaction */
	const char *rcpt;     /* the only recipient, or NULL */
	int64_t when;         /* seconds since 1970 */
};

/*
 * Return-Path, Delivered-To (one recipient), Received; where it goes on, the
 * last alone (RFC 5321 4.4).  -1: does not fit.
 */
int smtp_trace_print(
    const struct smtp_trace *, char *buf, size_t size, size_t *len);
/* RFC 5322 date, in UTC. */
void smtp_date_print(int64_t when, char *buf, size_t size);

#endif
