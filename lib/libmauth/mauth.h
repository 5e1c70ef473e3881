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
 * Who a message is from, as DNS can tell: SPF (RFC 7208), DMARC (RFC 7489) and
 * the field that says what came of it (RFC 8601).  DKIM is libdkim's.
 *
 * Nothing here asks anybody.  A check says what it wants to know
 * (*_question()), is told (*_answer()), and so on until it wants nothing more.
 * All of it works on what strangers wrote, in time and memory that limits
 * below bound; nothing recurses.
 */

#ifndef MAUTH_H
#define MAUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAUTH_NAME_MAX 256 /* of a domain, NUL included */

/* ---- Questions -------------------------------------------------------- */

enum mauth_type {
	MAUTH_TXT,  /* each record: its text, strings joined */
	MAUTH_A,    /* 4 octets */
	MAUTH_AAAA, /* 16 octets */
	MAUTH_MX,   /* the host's name */
	MAUTH_PTR   /* a name; asked for by address */
};

struct mauth_question {
	enum mauth_type type;
	char name[MAUTH_NAME_MAX]; /* ASCII; of PTR: the numeric address */
};

enum mauth_status {
	MAUTH_FOUND,   /* one record or more */
	MAUTH_NOTHING, /* no such name, or no such records */
	MAUTH_TROUBLE  /* nobody knows: a later time may do */
};

struct mauth_record {
	const void *data;
	size_t len;
};

struct mauth_answer {
	enum mauth_status status;
	const struct mauth_record *records;
	size_t n;
};

/* Letters, digits, '-' and '_' in labels of a length that DNS allows. */
bool mauth_name_ok(const char *);

/* ---- Results ---------------------------------------------------------- */

/* Of SPF, DKIM and DMARC, each of which has some of them. */
enum mauth_result {
	MAUTH_NONE = 0,
	MAUTH_PASS = 1,
	MAUTH_FAIL = 2,
	MAUTH_SOFTFAIL = 3,
	MAUTH_NEUTRAL = 4,
	MAUTH_POLICY = 5,
	MAUTH_TEMPERROR = 6,
	MAUTH_PERMERROR = 7
};
#define MAUTH_RESULTS 8
const char *mauth_result_name(enum mauth_result); /* RFC 8601 2.7 */

/* ---- SPF -------------------------------------------------------------- */

#define SPF_LOOKUPS_MAX 10 /* terms that ask DNS: RFC 7208 4.6.4 */
#define SPF_VOIDS_MAX 2    /* of their answers that may be empty */
#define SPF_HOSTS_MAX 10   /* of an MX set; more is an error */
#define SPF_PTRS_MAX 10    /* of an address's names, that are looked at */

struct spf_client {
	uint8_t version; /* 4 or 6; an IPv4-mapped address is 4 */
	uint8_t address[16];
	const char *helo;
	/* The sender; both "": the null path, then it is postmaster@HELO. */
	const char *local;
	const char *domain;
};

struct spf;
struct spf *spf_new(const struct spf_client *); /* NULL: no memory */
void spf_free(struct spf *);                    /* NULL is fine */
/* NULL: it is over, and spf_result() is what it came to. */
const struct mauth_question *spf_question(const struct spf *);
void spf_answer(struct spf *, const struct mauth_answer *);
enum mauth_result spf_result(const struct spf *);
/* The domain that was looked at: the sender's, or HELO's. */
const char *spf_domain(const struct spf *);

/* ---- DMARC ------------------------------------------------------------ */

#define DMARC_LABELS_MAX 8 /* names of one walk up the tree */
#define DMARC_IDS_MAX 16   /* domains that have proved themselves */

enum dmarc_policy {
	DMARC_NO_POLICY = 0,
	DMARC_P_NONE = 1,
	DMARC_P_QUARANTINE = 2,
	DMARC_P_REJECT = 3
};
const char *dmarc_policy_name(enum dmarc_policy); /* "" of the first */

struct dmarc_record {
	enum dmarc_policy p, sp; /* sp: as p where nothing was said */
	bool strict_dkim, strict_spf;
	uint8_t pct;
	char psd; /* 'y', 'n' or 'u' */
};
/* false: it is no DMARC record, or one that means nothing. */
bool dmarc_parse(const void *, size_t, struct dmarc_record *);

enum dmarc_by { DMARC_BY_SPF, DMARC_BY_DKIM };

/* Of mail whose From has this domain.  NULL: no memory. */
struct dmarc;
struct dmarc *dmarc_new(const char *from);
void dmarc_free(struct dmarc *); /* NULL is fine */
/* A domain that SPF or DKIM has proved; what is too much is left out. */
void dmarc_proved(struct dmarc *, enum dmarc_by, const char *domain);
/* NULL: it wants to know nothing more of what it was told so far. */
const struct mauth_question *dmarc_question(const struct dmarc *);
void dmarc_answer(struct dmarc *, const struct mauth_answer *);

struct dmarc_verdict {
	enum mauth_result result; /* none, pass, fail, temperror */
	enum dmarc_policy policy; /* for the From domain, before pct */
	struct dmarc_record record;
	char domain[MAUTH_NAME_MAX]; /* that has the record */
	bool spf, dkim;              /* proved and aligned */
};
/* Once there is no question. */
void dmarc_verdict(const struct dmarc *, struct dmarc_verdict *);

/* ---- Authentication-Results ------------------------------------------- */

#define AUTHRES_FIELD_MAX 4096  /* octets of a field made, NUL included */
#define AUTHRES_COMMENTS_MAX 16 /* comments in comments */

/*
 * Does the value of such a field speak for this host?  One that cannot be read
 * does: it is better gone.
 */
bool authres_is(const char *value, size_t len, const char *host);

/* The caller's; its members are this library's. */
struct authres {
	char *buf;
	size_t len;
	size_t column;
	bool full;
	bool any; /* a method was said */
};
/* buf has AUTHRES_FIELD_MAX octets. */
void authres_begin(struct authres *, char *buf, const char *host);
/* A method; reason: NULL is none. */
void authres_method(struct authres *, const char *method, enum mauth_result,
    const char *reason);
/* ptype.property of the method before, as a comment in parentheses. */
void authres_property(struct authres *, const char *name, const char *value);
void authres_comment(struct authres *, const char *);
/* Exactly n octets that mean nothing. */
void authres_pad(struct authres *, size_t n);
/* CRLF at its end; -1: what there was did not fit. */
int authres_end(struct authres *, size_t *len);

#endif
