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
 * Between the parts of SPF: terms of a record, macros, and the check itself.
 */

#ifndef SPF_LOCAL_H
#define SPF_LOCAL_H

#include "mauth.h"

#define SPF_EXPANDED_MAX 4096 /* octets of macros expanded; more is no name */
#define SPF_DEPTH_MAX (SPF_LOOKUPS_MAX + 1) /* records at a time */

enum spf_kind {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
	SPF_REDIRECT,
	SPF_EXP,
	SPF_UNKNOWN /* a modifier of others */
};

struct spf_term {
	enum spf_kind kind;
	enum mauth_result result; /* of a mechanism that matches */
	const char *spec;         /* a domain-spec, within the record */
	size_t len;               /* 0: there is none */
	uint8_t bits4, bits6;
	uint8_t address[16];
};

/* spf_term.c.  "v=spf1", and what may follow it. */
bool spf_is_record(const char *, size_t len, const char **terms);
/* The next term; *pos moves behind it.  1; 0: there is none; -1: malformed. */
int spf_term_next(const char **pos, const char *end, struct spf_term *);
/* Is all of it well formed?  redirect: that modifier, or kind SPF_UNKNOWN. */
bool spf_terms_ok(const char *, const char *end, struct spf_term *redirect);

/* spf_macro.c: what macros stand for. */
struct spf_values {
	const struct spf_client *client;
	const char *local;
	const char *sender;    /* domain */
	const char *domain;    /* of the record */
	const char *validated; /* %{p} */
};
/* A macro-string; domain: a domain-spec, which ends as a name does. */
bool spf_macros_ok(const char *, size_t, bool domain);
bool spf_wants_ptr(const char *, size_t);
/* As much of it, from the right, as a name may have.  -1: it is no name. */
int spf_expand(
    const struct spf_values *, const char *, size_t, char name[MAUTH_NAME_MAX]);

enum spf_step {
	SPF_ASK_RECORD,
	SPF_ASK_ADDRESS,
	SPF_ASK_MX,
	SPF_ASK_MX_ADDRESS,
	SPF_ASK_PTR,
	SPF_ASK_PTR_ADDRESS
};

/* A record under way; those below it have included it. */
struct spf_frame {
	char domain[MAUTH_NAME_MAX];
	char *record;
	const char *pos, *end;
	struct spf_term redirect; /* kind SPF_UNKNOWN: none, or followed */
	struct spf_term term;     /* under way */
	bool redirected;          /* there must be a record */
};

struct spf {
	struct spf_client client; /* texts are those that follow */
	char helo[MAUTH_NAME_MAX];
	char local[MAUTH_NAME_MAX];
	char domain[MAUTH_NAME_MAX];

	struct spf_frame frames[SPF_DEPTH_MAX];
	size_t depth; /* the one under way */
	unsigned int lookups, voids;
	bool again;   /* the term, now that more is known */
	bool counted; /* it is among the lookups */

	bool asking;
	enum spf_step step;
	struct mauth_question question;
	char target[MAUTH_NAME_MAX];
	char hosts[SPF_HOSTS_MAX][MAUTH_NAME_MAX];
	size_t n_hosts, host;

	bool ptr_known;
	char names[SPF_PTRS_MAX][MAUTH_NAME_MAX]; /* of the address */
	bool validated[SPF_PTRS_MAX];
	size_t n_names, name;

	bool over;
	enum mauth_result result;
};

/* spf.c */
void spf_run(struct spf *);
void spf_over(struct spf *, enum mauth_result);
void spf_match(struct spf *); /* the term under way */
void spf_ask(struct spf *, enum spf_step, enum mauth_type, const char *name);
void spf_ask_address(struct spf *, enum spf_step, const char *name);
void spf_void(struct spf *, enum mauth_status); /* an answer was empty */

#endif
