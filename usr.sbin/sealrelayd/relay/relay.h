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
 * What the files of smtp-relay share: jobs of the queue, questions to the
 * resolver, plans of where to go, connections.
 */

#ifndef RELAY_H
#define RELAY_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/tree.h>

#include <event.h>
#include <stdbool.h>
#include <stdint.h>

#include "tlsio_client.h"

#include "../../sealsmtpd/queue_wire.h"
#include "../relay_config.h"
#include "../resolver_wire.h"
#include "reply.h"

#define HOSTS_MAX RESOLVER_MX_MAX
#define ADDRESSES_TRIED_MAX 6 /* of one host */
#define ATTEMPTS_MAX 12       /* connections of one job */
#define CONN_MESSAGES_MAX 100 /* of one connection */
#define CONN_IDLE_SECONDS 5   /* it waits so long for the next message */
#define CONNECT_SECONDS 30
#define GREETING_SECONDS 300 /* RFC 5321 4.5.3.2 */
#define COMMAND_SECONDS 300
#define TLS_SECONDS 60
#define BLOCK_SECONDS 180
#define FINAL_SECONDS 600
#define REMEMBERED_SECONDS (14 * 86400) /* that TLS is not given up */

/* What a destination could do; see memory.c. */
enum known_tls { KNOWN_NOTHING = 0, KNOWN_TLS = 1, KNOWN_VERIFIED = 2 };

struct route {
	char domain[RELAY_NAME_MAX];
	char host[RELAY_NAME_MAX]; /* "": as DNS says, but for tls */
	uint16_t port;
	enum relay_tls tls;
	char *auth; /* NULL: none */
};

struct relay_config {
	char hostname[RELAY_NAME_MAX];
	enum relay_tls tls;
	uint32_t jobs;
	char source[2][RELAY_ADDRESS_MAX]; /* IPv4, IPv6; "": any */
	bool log_addresses;
	struct route *routes;
	size_t n_routes;
};

struct job_rcpt {
	uint16_t index; /* the queue's */
	char *address;
	char *orcpt;
	uint8_t notify;
	bool done;     /* the queue knows its outcome */
	bool accepted; /* by RCPT */
};

struct conn;
struct plan;

/* One message for one destination. */
struct job {
	RB_ENTRY(job) entry;
	uint32_t id;
	char dest[QUEUE_DEST_MAX];
	char *sender;
	char *trace;
	char *envid;
	uint8_t flags;
	uint8_t codec;
	uint8_t ret;
	uint32_t head;
	uint64_t body;
	enum known_tls known;
	int64_t known_when;
	struct job_rcpt *rcpts;
	uint32_t n;
	uint32_t left;     /* rcpts without an outcome */
	struct plan *plan; /* being made or tried, or NULL */
	struct conn *conn; /* which sends it, or NULL */
};

/* ---- main.c ----------------------------------------------------------- */

const struct relay_config *relay_config(void);
const struct tlsio_roots *relay_roots(void);
int64_t relay_now(void); /* seconds, UTC */
/*
 * A socket on its way to the address, from where the configuration says; -1
 * with errno.
 */
int relay_connect(const struct sockaddr *, socklen_t);

/* ---- ctl.c: sealctl --------------------------------------------------- */

void ctl_start(int fd);

/* ---- report.c: what is counted; the order is that of its rows ---------- */

enum relay_count {
	COUNT_SENT,
	COUNT_DEFERRED,
	COUNT_FAILED,
	COUNT_UNREACHABLE,
	COUNT_CONNECTIONS,
	COUNT_DANE,
	COUNT_STS,
	COUNT_VERIFIED,
	COUNT_UNVERIFIED,
	COUNT_PLAIN
};
void report_init(void);
void report_add(enum relay_count);
void report_outcome(enum queue_outcome); /* of a recipient */

/* ---- queue.c: the wire to smtp-queue ---------------------------------- */

void queue_start(int fd);
void queue_ready(uint32_t jobs); /* it may give so many more */
struct job *job_find(uint32_t id);
/* What came of a recipient; when all have one, the job is freed. */
void job_outcome(struct job *, struct job_rcpt *, enum queue_outcome,
    unsigned int code, const char *status, const char *host, const char *text);
/* The same of all that have none yet. */
void job_outcome_all(struct job *, enum queue_outcome, unsigned int code,
    const char *status, const char *host, const char *text);
/* No server of the destination can be reached; frees the job. */
void job_unreachable(
    struct job *, const char *status, const char *host, const char *text);
void job_want(struct job *);
void job_took(struct job *);
void job_stop(struct job *);
void job_remember(struct job *, enum known_tls);
void job_keep(struct job *); /* the same, and the policy of MTA-STS */
/* What TLS came to with a host of the destination, for the day's count. */
void queue_tls(const char *dest, enum queue_tls_policy, enum tlsio_result,
    const char *host);

/* ---- dns.c: the wire to smtp-resolver --------------------------------- */

struct mx {
	uint16_t preference;
	char host[RESOLVER_NAME_MAX]; /* "": a null MX */
};

struct address {
	uint8_t family; /* 4, 6 */
	uint8_t octets[16];
};

struct answer {
	enum resolver_status status;
	bool secure;
	char name[RESOLVER_NAME_MAX]; /* canonical */
	struct mx mx[RESOLVER_MX_MAX];
	size_t n_mx;
	struct address addresses[2 * RESOLVER_ADDRESSES_MAX];
	size_t n_addresses;
	struct {
		uint8_t parts[3];
		size_t len;
		uint8_t data[RESOLVER_TLSA_DATA_MAX];
	} tlsa[RESOLVER_TLSA_MAX];
	size_t n_tlsa;
	struct {
		const uint8_t *data; /* until the callback returns */
		size_t len;
	} texts[RESOLVER_TEXTS_MAX];
	size_t n_texts;
};

struct question;
typedef void (*dns_cb)(const struct answer *, void *arg);

void dns_start(int fd);
/* cb is called once, later; with a status of trouble where there is no wire. */
struct question *dns_mx(const char *domain, dns_cb, void *arg);
struct question *dns_address(const char *host, dns_cb, void *arg);
struct question *dns_tlsa(const char *host, uint16_t port, dns_cb, void *arg);
struct question *dns_text(const char *name, dns_cb, void *arg);
void dns_cancel(struct question *); /* NULL is fine */

/* ---- plan.c: where a job goes ----------------------------------------- */

/* What is asked of TLS at this host. */
struct tls_policy {
	bool first; /* from the start of the connection */
	bool must;  /* no mail without it */
	enum tlsio_trust trust;
	bool go_on; /* unverified will do */
	bool sts;   /* MTA-STS says so */
	bool told;  /* the domain's: what comes of it is counted */
	enum queue_tls_policy kind;
	bool named; /* the domain has named the host, by DNSSEC or MTA-STS */
	bool loose; /* for mail that wants no policy of the domain heeded */
	char name[RESOLVER_NAME_MAX];
	char name2[RESOLVER_NAME_MAX]; /* another that will do, or "" */
	struct tlsio_tlsa tlsa[RESOLVER_TLSA_MAX];
	uint8_t tlsa_data[RESOLVER_TLSA_MAX][64];
	size_t n_tlsa;
};

/* Begins: the job will have a connection, or an outcome. */
void plan_start(struct job *);
void plan_free(struct plan *);
/* The connection's attempt failed before a message was under way. */
void plan_failed(struct plan *, const char *status, const char *text);
/* The handshake did, and the mail may go without: the same address again. */
void plan_without_tls(struct plan *);
const struct tls_policy *plan_policy(const struct plan *);
const struct route *plan_route(const struct plan *); /* NULL: by MX */
const char *plan_host(const struct plan *);
struct job *plan_job(const struct plan *);
/* This server is none for REQUIRETLS; another may be. */
void plan_lacks(struct plan *);

/* ---- conn.c, session.c: connections ----------------------------------- */

/* An idle one to the destination takes the job; false: there is none. */
bool conn_reuse(struct job *);
/* Connects; the plan hears of failures until the job is taken. */
void conn_start(
    struct plan *, const struct sockaddr *, socklen_t, const char *address);
void conn_abort(struct conn *); /* its job is gone */
/* A chunk of the conn's job: plain octets. */
void conn_data(struct conn *, const uint8_t *, size_t, bool last);
void conn_data_failed(struct conn *); /* the message cannot be read */
void conns_close(void); /* idle ones: the configuration has changed */

#endif
