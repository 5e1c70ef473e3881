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
 * What sealsmtpd's parent tells its roles of the configuration: a slice for
 * smtp-engine and one for smtp-deliver.  The messages come between
 * PROC_RELOAD_BEGIN and PROC_RELOAD_COMMIT.  A role makes a new slice at BEGIN,
 * hands each message of its config handler to *_slice_get(), and at COMMIT
 * puts the new one in the old one's place.
 * Written and read by parent/slice.c, which parent and roles link.
 */

#ifndef SMTP_CONFIG_H
#define SMTP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "site.h"

struct msg;
struct sockaddr_storage;
struct wire;

#define SMTP_ADDRESS_MAX 400 /* of an address in the aliases */
#define SMTP_LISTENERS_MAX 64
#define SMTP_ALIASES_MAX 100000
#define SMTP_NETS_MAX 1024

enum smtp_config_message {
	/* What struct smtp_slice has but site and lists; after site_put(). */
	SMTP_ENGINE_BASE = 0x100,
	/* u8 enum smtp_listener, u8 enum smtp_tls, u8 TLS 1.3, u64 certs */
	SMTP_ENGINE_LISTENER = 0x103,
	/* To the end of the message: str alias, str target. */
	SMTP_ENGINE_ALIASES = 0x104,
	/* To the end of the message: u8 4 or 6, raw[16] address, u8 bits. */
	SMTP_ENGINE_RELAY = 0x105,
	SMTP_ENGINE_EXCEPT = 0x106, /* likewise */
	SMTP_DELIVER_BASE = 0x110
};

enum smtp_listener {
	SMTP_LISTEN_SMTP = 1,
	SMTP_LISTEN_LMTP = 2,
	SMTP_LISTEN_SUBMISSION = 3 /* of users, who say who they are */
};

enum smtp_tls { SMTP_TLS_NONE = 0, SMTP_TLS_START = 1, SMTP_TLS_FIRST = 2 };

/*
 * One target of an alias; an alias with several has several, one after the
 * other.  The list is sorted by alias (strcmp).
 */
struct smtp_alias {
	char *alias;  /* lower case: "local@domain", or "local": any domain */
	char *target; /* lower case: an account, "local" or "local@domain" */
};

/* A network. */
struct smtp_net {
	uint8_t version; /* 4 or 6 */
	uint8_t address[16];
	uint8_t bits;
};

struct smtp_listen {
	enum smtp_listener kind;
	enum smtp_tls tls;
	bool only_tls13;
	uint64_t certs; /* bit i: certs[i] is served; the lowest without SNI */
};

/* Where a stranger's mail is from: what comes of it. */
enum smtp_dmarc {
	SMTP_DMARC_OFF = 0,
	SMTP_DMARC_COUNT = 1, /* it is told, and counted */
	SMTP_DMARC_ENFORCE = 2
};

struct smtp_slice {
	struct site site;
	uint64_t message_max;          /* octets: SIZE */
	uint32_t rcpt_max;             /* recipients of one message */
	uint32_t messages_max;         /* of one connection */
	uint32_t command_seconds;      /* a client may be silent */
	uint32_t errors_max;           /* bad commands before the door */
	uint32_t received_max;         /* Received: lines before it is a loop */
	uint32_t login_failures;       /* of a connection before the door */
	bool scram;                    /* is offered */
	bool show_agent;               /* submitted mail keeps User-Agent */
	struct smtp_listen *listeners; /* by the index of struct proc_conn */
	size_t n_listeners;
	struct smtp_alias *aliases;
	size_t n_aliases;
	struct smtp_net *relay; /* whose mail to others is taken */
	size_t n_relay;
	enum smtp_dmarc dmarc;
	struct smtp_net *except; /* nobody looks where their mail is from */
	size_t n_except;
};

struct deliver_slice {
	char hostname[SITE_NAME_MAX];
	uint8_t host_index; /* 0 or 1 */
	bool log_addresses;
	uint64_t free_bytes; /* keep so many free on the file system */
	uint64_t free_inodes;
};

struct smtp_slice *smtp_slice_new(void); /* empty; never NULL */
void smtp_slice_free(struct smtp_slice *);
/* Takes in one message; -1 if it is malformed or unknown. */
int smtp_slice_get(struct smtp_slice *, struct msg *);
/* Parent: sends all of it, BEGIN and COMMIT excluded. */
void smtp_slice_put(struct wire *, const struct smtp_slice *);
/* The first entry of an alias, NULL if there is none. */
const struct smtp_alias *
smtp_slice_alias(const struct smtp_slice *, const char *alias);
/* Whether a network of "relay" holds the address. */
bool
smtp_slice_relays(const struct smtp_slice *, const struct sockaddr_storage *);
/* Likewise of "dmarc except". */
bool
smtp_slice_excepts(const struct smtp_slice *, const struct sockaddr_storage *);

struct deliver_slice *deliver_slice_new(void);
void deliver_slice_free(struct deliver_slice *);
int deliver_slice_get(struct deliver_slice *, struct msg *);
void deliver_slice_put(struct wire *, const struct deliver_slice *);

#endif
