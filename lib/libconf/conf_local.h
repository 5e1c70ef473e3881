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
 * What the grammar (parse.y) asks of build.c: one function per statement,
 * which checks its words and notes them.  Each returns NULL, or what is wrong.
 */

#ifndef CONF_LOCAL_H
#define CONF_LOCAL_H

#include "conf.h"

enum conf_limit_kind { LIMIT_COUNT, LIMIT_SIZE, LIMIT_SECONDS };

struct conf_limit_row {
	const char *name;
	enum conf_limit_kind kind;
	uint64_t initial;
	uint64_t min;
	uint64_t max;
};

extern const struct conf_limit_row conf_limit_rows[CONF_LIMITS];

struct conf *build_new(void); /* with all defaults; fatal without memory */
const char *build_finish(struct conf *);

const char *build_name(char *buf, size_t size, const char *host);
const char *build_path(char *buf, size_t size, const char *path);
const char *build_postmaster(struct conf *, const char *address);
/* These two add an element, which the others of their kind then fill in. */
const char *build_domain(struct conf *, const char *name);
const char *build_listen(struct conf *, int line);
const char *build_cert(struct conf *, const char *name);
const char *build_cert_path(struct conf *, const char *path);
const char *build_key_path(struct conf *, const char *path);
const char *build_ocsp_path(struct conf *, const char *path);
const char *build_listen_address(struct conf_listen *, const char *);
const char *
build_listen_socket(struct conf *, struct conf_listen *, const char *path);
void build_listen_proto(struct conf_listen *, enum conf_proto);
const char *
build_listen_cert(struct conf *, struct conf_listen *, const char *name);
const char *build_listen_port(struct conf_listen *, const char *port);
const char *build_listen_tls(struct conf_listen *, enum conf_tls);
/* The lowest version of TLS: "1.2" or "1.3". */
const char *build_tls_version(bool *only_tls13, const char *);
const char *build_table(struct conf *, const char *name, const char *file);
const char *build_pair(struct conf *, const char *key, const char *value);
const char *build_table_end(struct conf *);
const char *build_aliases(struct conf *, const char *table);
const char *build_user(struct conf *, const char *role, const char *who);
const char *build_group(struct conf *, const char *group, const char *who);
const char *build_limit(struct conf *, const char *name, const char *value);
/* submission.c: limits of a domain's users. */
const char *
build_rate(struct conf_domain *, const char *name, const char *value);
void submission_finish(const struct conf *, struct conf_domain *);
bool submission_has(const struct conf_domain *); /* limits of its own */
void print_rates(const struct conf_domain *, FILE *);
const char *build_kdf(struct conf_kdf *, const char *name);
const char *
build_kdf_cost(struct conf_kdf *, const char *memory, const char *passes);
const char *build_forward(struct conf *, const char *address, const char *port);
/* Networks. */
const char *build_net(struct conf_net **list, size_t *n, const char *network);
void print_net(const struct conf_net *, FILE *);
/* The same but for "first". */
const char *build_mx_tls(enum conf_relay_tls *, const char *);
const char *build_relay_tls(enum conf_relay_tls *, const char *);
const char *build_relay_from(struct conf *, const char *network);
const char *build_dmarc(struct conf *, const char *word);
/* A route, and then what is said of it. */
const char *build_route(struct conf *, const char *domain);
const char *build_route_host(struct conf *, const char *);
const char *build_route_port(struct conf *, const char *);
const char *build_route_tls(struct conf *, const char *);
/* What is asked of servers of the last route's domain, wherever they are. */
const char *build_domain_tls(struct conf *, const char *);
const char *build_route_auth(struct conf *, const char *path);
const char *build_relay_source(struct conf *, const char *address);
const char *build_dkim(
    struct conf *, const char *domain, const char *selector, const char *key);
const char *build_quota(uint64_t *, const char *);
const char *build_escrow(char path[CONF_PATH_MAX], const char *);
/* What expires, or -1; and its days. */
int build_expire_kind(const char *);
const char *build_expire(uint32_t *, const char *);
bool build_is_account(const char *); /* a name of passwd(5) or group(5) */
const char *build_trust(struct conf *, const char *network);
const char *build_control(struct conf *, const char *which, const char *who);
void print_control(const struct conf *, FILE *); /* and trust */
const char *build_administrator(struct conf *, const char *account);
const char *build_linger(struct conf *, const char *);
const char *build_codec(struct conf *, const char *);

/* check.c: the file has such a block; closes it. */
int check_pem(int fd, const char *path, const char *block, FILE *errors);

/* forms.c: the statement that begins with this word; NULL: there is none. */
const char *conf_form(const char *word);

/* Why a value is none of this limit's, until the next call. */
const char *conf_limit_wrong(const struct conf_limit_row *);

/* Numbers.  0, or -1 where the text is none or outside the bounds. */
int conf_number(const char *, uint64_t min, uint64_t max, uint64_t *);
int conf_size(const char *, uint64_t min, uint64_t max, uint64_t *);
int conf_seconds(const char *, uint64_t min, uint64_t max, uint64_t *);

/* Pairs of a table.  add: NULL or what is wrong; sort: a double key or NULL. */
const char *
conf_table_add(struct conf_table *, const char *key, const char *value);
const char *conf_table_sort(struct conf_table *);

#endif
