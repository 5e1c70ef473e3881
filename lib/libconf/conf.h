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
 * The configuration file, sealmail.conf(5), for all daemons and tools: read by
 * parents and tools only, each role gets its slice as messages.
 */

#ifndef CONF_H
#define CONF_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "conf_table.h"

struct sockaddr_storage;

#define CONF_LIST_MAX 1024     /* domains, certificates, ... of each kind */
#define CONF_FILE_MAX 1048576  /* octets of a config file */
#define CONF_INCLUDE_MAX 16    /* nesting of include */
#define CONF_FORWARDS_MAX 16   /* name servers that are asked */
#define CONF_FORWARD_MAX 64    /* octets of one with its port, NUL included */
#define CONF_AUTH_MAX 1024     /* octets of a password's file, NUL included */
#define CONF_ANCHORS_MAX 65536 /* octets of a file of trust anchors */
#define CONF_ESCROW_LEN 32     /* octets of an administrator's public key */

enum conf_role {
	CONF_KEYS,  /* sealkeys */
	CONF_NET,   /* engines */
	CONF_VAULT, /* imap-store; primary group mail */
	CONF_WORK,  /* imap-worker */
	CONF_MAIL,  /* smtp-deliver; primary group mail */
	CONF_QUEUE, /* smtp-queue */
	CONF_ROLES
};

/* Who a role runs as: a name of passwd(5), or numbers without an entry. */
struct conf_user {
	char name[CONF_NAME_MAX]; /* "" if numeric */
	uid_t uid;                /* if name is "" */
	gid_t gid;
};

#define CONF_ACCOUNT_MAX 320 /* octets of local@domain, NUL included */

struct conf_kdf {
	uint32_t kib;    /* memory of Argon2id */
	uint32_t passes; /* its time cost */
};

/* Mail that expires: where it lies. */
enum conf_expire {
	CONF_TRASH,   /* boxes of that special use */
	CONF_SPAM,    /* likewise, Junk */
	CONF_WAITING, /* in/, of accounts that nobody logs in to */
	CONF_EXPIRES
};

/* Limits that a domain may have of its own. */
enum conf_rate { CONF_RATE_MESSAGES, CONF_RATE_RECIPIENTS, CONF_RATES };

struct conf_domain {
	char name[CONF_NAME_MAX]; /* lower case */
	struct conf_kdf kdf;
	uint64_t quota;                /* octets of a new account, 0: none */
	uint32_t expire[CONF_EXPIRES]; /* days, 0: never */
	bool own_expire[CONF_EXPIRES];
	bool own_kdf; /* not taken from the defaults */
	/* Limits of a user of this domain: "messages-per-hour" ... */
	uint64_t rate[CONF_RATES];
	bool own_rate[CONF_RATES];
	bool own_quota;
	bool own_escrow;
	char escrow[CONF_PATH_MAX]; /* file of a public key; "": none */
	uint8_t escrow_key[CONF_ESCROW_LEN]; /* by conf_escrow_load() */
};

struct conf_cert {
	char name[CONF_NAME_MAX];
	char cert[CONF_PATH_MAX]; /* PEM chain */
	char key[CONF_PATH_MAX];  /* PEM key */
	char ocsp[CONF_PATH_MAX]; /* DER response to staple, "" if none */
};

enum conf_proto {
	CONF_IMAPS,
	CONF_IMAP,
	CONF_SMTP,
	CONF_LMTP,
	CONF_SUBMISSION, /* STARTTLS, then AUTH */
	CONF_SUBMISSIONS /* TLS from the start */
};

enum conf_tls { CONF_TLS_NONE, CONF_TLS_START, CONF_TLS_FIRST };

struct conf_listen {
	enum conf_proto proto;
	enum conf_tls tls;
	bool only_tls13; /* else from TLS 1.2 on */
	bool own_tls13;  /* not taken from the default */
	bool is_socket;
	char address[CONF_NAME_MAX]; /* numeric, or "*": both families */
	uint16_t port;               /* the protocol's if not given */
	char path[CONF_PATH_MAX];    /* if is_socket */
	size_t n_certs;              /* 0: all of them, the first by default */
	size_t *certs;               /* indices into conf->certs */
	int line;                    /* in the file, for messages */
};

/* What comes of a DMARC policy of mail that comes in. */
enum conf_dmarc { CONF_DMARC_OFF, CONF_DMARC_COUNT, CONF_DMARC_ENFORCE };

/* What a relay asks of the TLS of the next server. */
enum conf_relay_tls {
	CONF_RELAY_NONE, /* never */
	CONF_RELAY_MAY,  /* DANE and MTA-STS where there are; else if offered */
	CONF_RELAY_VERIFY, /* a certificate that proves the name, or no mail */
	CONF_RELAY_FIRST   /* likewise, with TLS from the start */
};

/* Mail for a domain goes to a host that the config names. */
struct conf_route {
	char domain[CONF_NAME_MAX]; /* lower case; "*": all others */
	/* Name or numeric address; "": as DNS says, and as no "*" does. */
	char host[CONF_NAME_MAX];
	uint16_t port;
	enum conf_relay_tls tls;
	char auth[CONF_PATH_MAX]; /* file "name:password"; "": none */
};

struct conf_dkim {
	char domain[CONF_NAME_MAX];
	char selector[CONF_NAME_MAX];
	char key[CONF_PATH_MAX]; /* PEM: RSA or Ed25519 */
};

/* By the numbers of enum codec. */
enum conf_codec { CONF_STORED = 0, CONF_DEFLATE = 1, CONF_ZSTD = 3 };

/* Limits: "limit NAME VALUE".  Names, defaults and bounds: limits.c. */
enum conf_limit {
	CONF_MESSAGE_SIZE,           /* octets of a message, in or APPEND */
	CONF_CONNECTIONS,            /* at once, of a daemon */
	CONF_CONNECTIONS_PER_SOURCE, /* at once, of one address */
	CONF_CONNECTION_RATE,        /* new ones a minute of one address */
	CONF_SESSIONS_PER_USER,      /* logged in at once */
	CONF_LOGIN_FAILURES,         /* of a connection before the door */
	CONF_FAILURES_PER_SOURCE,    /* of one address, in ten minutes */
	CONF_FAILURES_PER_USER,      /* of one account, likewise */
	CONF_LOGIN_TIMEOUT,          /* seconds until login, IMAP */
	CONF_IDLE_TIMEOUT,           /* seconds without a command, IMAP */
	CONF_COMMAND_TIMEOUT,        /* seconds without a command, SMTP */
	CONF_DERIVATIONS,            /* Argon2id at once; 0: one per core */
	CONF_RECIPIENTS,             /* of a message */
	CONF_MESSAGES_PER_SESSION,   /* of one SMTP connection */
	CONF_BAD_COMMANDS,           /* before the door */
	CONF_RECEIVED_LINES,         /* before a message counts as looping */
	CONF_FREE_SPACE,             /* octets to leave free on the disk */
	CONF_FREE_INODES,            /* inodes to leave free on the disk */
	CONF_TICKET_LIFE,            /* seconds a TLS session is resumed */
	CONF_CERTIFICATE_CHECK,      /* seconds between looks; 0: none */
	CONF_QUEUE_LIFETIME,         /* seconds that mail is tried */
	CONF_QUEUE_WARNING,          /* ... before a warning; 0: none */
	CONF_QUEUE_RETRY,            /* ... until the second try */
	CONF_QUEUE_RETRY_LONGEST,    /* ... between tries at most */
	CONF_DESTINATION_JOBS,       /* messages to one destination at once */
	CONF_RELAY_JOBS,             /* ... to all of them */
	CONF_MESSAGES_PER_HOUR,      /* that a user submits; 0: any */
	CONF_RECIPIENTS_PER_HOUR,    /* ... of them; 0: any */
	CONF_COMMAND_MESSAGES,       /* that one IMAP command deals with */
	CONF_LIMITS
};

/* A network. */
struct conf_net {
	int family; /* AF_INET or AF_INET6 */
	uint8_t address[16];
	uint8_t bits;
};

/* "control": groups that may use the daemons' control sockets. */
enum conf_control {
	CONF_OPERATORS, /* for everything */
	CONF_READERS,   /* to look */
	CONF_CONTROLS
};

struct conf_group {
	char name[CONF_NAME_MAX]; /* "" if numeric, or there is none */
	gid_t gid;
	bool is_set;
};

struct conf {
	char hostname[CONF_NAME_MAX];
	char postmaster[CONF_NAME_MAX]; /* default: postmaster@first domain */
	char directory[CONF_PATH_MAX];  /* accounts and what goes with them */
	char run_directory[CONF_PATH_MAX]; /* sockets */
	char libexec[CONF_PATH_MAX];       /* programs of the roles */
	struct conf_user users[CONF_ROLES];
	char mail_group[CONF_NAME_MAX]; /* "" if numeric */
	gid_t mail_gid;
	struct conf_domain *domains; /* at least one; the first is default */
	size_t n_domains;
	struct conf_cert *certs; /* the first serves without SNI */
	size_t n_certs;
	struct conf_listen *listens;
	size_t n_listens;
	struct conf_table *tables;
	size_t n_tables;
	size_t aliases; /* index into tables; SIZE_MAX: none */
	uint64_t limits[CONF_LIMITS];
	struct conf_net *trusted; /* free of limits of one address */
	size_t n_trusted;
	struct conf_group control[CONF_CONTROLS];
	bool isolated; /* an engine for each IMAP connection */

	struct conf_kdf kdf;           /* of domains that say nothing */
	uint64_t quota;                /* likewise; 0: none */
	char escrow[CONF_PATH_MAX];    /* likewise; "": none */
	uint32_t expire[CONF_EXPIRES]; /* likewise; days, 0: never */
	uint32_t linger;       /* seconds a vault outlives its sessions */
	uint8_t host_index;    /* 0 or 1, of a pair */
	enum conf_codec codec; /* how new messages are compressed */
	/* Of "address@port"; none: names are resolved from the root. */
	char forwards[CONF_FORWARDS_MAX][CONF_FORWARD_MAX];
	size_t n_forwards;
	char anchors[CONF_PATH_MAX];   /* file of trust anchors; "": built in */
	char queue_key[CONF_PATH_MAX]; /* 32 octets; what waits is under it */
	enum conf_relay_tls relay_tls; /* without a route */
	/* Numeric addresses to call others from, IPv4 and IPv6; "": any. */
	char relay_source[2][CONF_FORWARD_MAX];
	struct conf_net *relay_from; /* whose mail to others is taken */
	size_t n_relay_from;
	struct conf_route *routes;
	size_t n_routes;
	char dkim_directory[CONF_PATH_MAX]; /* see conf_dkim_each() */
	struct conf_dkim *dkim;
	size_t n_dkim;
	bool only_tls13; /* of listeners that say nothing */
	bool scram;      /* offered to mail programs */
	enum conf_dmarc dmarc;
	/* Nobody looks where their mail is from; loopback if none is said. */
	struct conf_net *dmarc_except;
	size_t n_dmarc_except;
	bool show_agent; /* submitted mail keeps its User-Agent */
	/* Accounts whose users set quotas of others by IMAP; lower case. */
	char (*administrators)[CONF_ACCOUNT_MAX];
	size_t n_administrators;
	bool log_addresses; /* in clear */
	bool log_verbose;
	bool best_effort; /* start even where the sandbox is incomplete */
};

/*
 * Reads the file.  NULL if anything is wrong; each fault is a line
 * "file:line:column: text" on errors.  The file must belong to root or the
 * caller and must not be writable by others.  File tables are not read yet.
 */
struct conf *conf_load(const char *path, FILE *errors);
/* The same from memory; name stands in the messages. */
struct conf *
conf_parse(const char *name, const char *text, size_t len, FILE *errors);
void conf_free(struct conf *); /* NULL is fine */
/* Prints all of it in the same syntax: parsing that gives the same again. */
void conf_print(const struct conf *, FILE *);
/*
 * What conf_load() does not look at: certificates and keys are there and
 * readable, tables parse, users exist.  -1 and lines on errors, or 0.
 */
int conf_check(const struct conf *, FILE *errors);
/*
 * The same of what mail on its way out needs, which daemons start without:
 * passwords of routes, keys of DKIM, trust anchors.
 */
int conf_check_out(const struct conf *, FILE *errors);
/*
 * The same of what would not work as it is meant: addresses of elsewhere,
 * folders that are none, a queue key that others may read.
 */
int conf_check_site(const struct conf *, FILE *errors);
/*
 * Whether the aliases in this table, which was read, lead to domains of the
 * configuration; -1 and lines on errors: mail for others would be lost.
 */
int conf_aliases_check(
    const struct conf *, const struct conf_table *, FILE *errors);

/*
 * The ids of a role; -1 (and a line on errors) where passwd(5) has no such
 * user.  CONF_VAULT and CONF_MAIL get the mail group's gid.
 */
int
conf_ids(const struct conf *, enum conf_role, uid_t *, gid_t *, FILE *errors);
int conf_mail_gid(const struct conf *, gid_t *, FILE *errors);
/* (gid_t)-1 where there is no such group in the configuration. */
int
conf_control_gid(const struct conf *, enum conf_control, gid_t *, FILE *errors);
/* Whether "trust" names the address. */
bool conf_trusts(const struct conf *, const struct sockaddr_storage *);
/* Whether one of n networks holds the address. */
bool conf_nets_hold(
    const struct conf_net *, size_t n, const struct sockaddr_storage *);

/*
 * Reads the public keys that domains name for escrow, each from a file that
 * root or the caller alone may change: who could, would read all new mail.
 */
int conf_escrow_load(struct conf *, FILE *errors);

enum conf_dkim_state {
	CONF_DKIM_SIGNS = 1,
	CONF_DKIM_NEXT = 2, /* made, to be published before it signs */
	CONF_DKIM_OLD = 3   /* the record alone: mail under way needs it */
};

struct conf_dkim_key {
	char domain[CONF_NAME_MAX];
	char selector[CONF_NAME_MAX];
	char path[CONF_PATH_MAX];
	int64_t since; /* that it is in this state; 0: named */
	enum conf_dkim_state state;
	bool named; /* by the configuration */
};

typedef void (*conf_dkim_cb)(const struct conf_dkim_key *, void *arg);
/*
 * Calls for all DKIM keys: those named, and those in the directory, by domain.
 * -1 after lines on errors where that cannot be read or is not safe.
 */
int conf_dkim_each(const struct conf *, conf_dkim_cb, void *arg, FILE *errors);
/* Whether that can be a domain or a selector. */
bool conf_dkim_name(const char *);

/*
 * The "name:password" of a route that has such a file; freezero(it, *len + 1).
 * NULL after a line on errors.
 */
char *conf_route_auth(const struct conf_route *, size_t *len, FILE *errors);

/*
 * Opens a file with a secret: refuses what others may read or write, or what
 * does not belong to root or the caller.  -1 and a line on errors.
 */
int conf_open_secret(const char *path, FILE *errors);
/* Reads a whole file of at most max octets; freezero(p, *len + 1); NUL added.
 */
uint8_t *conf_read_file(int fd, size_t max, size_t *len);

const char *conf_role_name(enum conf_role);
const char *conf_proto_name(enum conf_proto);
const char *conf_limit_name(enum conf_limit);
const char *conf_expire_name(enum conf_expire);
const char *conf_control_name(enum conf_control);
const struct conf_domain *conf_domain_find(const struct conf *, const char *);

#endif
