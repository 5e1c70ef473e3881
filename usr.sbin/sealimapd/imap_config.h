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
 * What sealimapd's parent tells its roles of the configuration: a slice for
 * imap-engine and one for imap-store (imap-worker needs none).  The messages
 * come between PROC_RELOAD_BEGIN and PROC_RELOAD_COMMIT.  A role makes a new
 * slice at BEGIN, hands each message of its config handler to *_slice_get(),
 * and at COMMIT puts the new one in the old one's place.
 * Written and read by parent/slice.c, which parent and roles link.
 */

#ifndef IMAP_CONFIG_H
#define IMAP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "site.h"

struct msg;
struct wire;

#define IMAP_LISTENERS_MAX 64
#define IMAP_ACCOUNT_MAX 320 /* octets of local@domain, NUL included */
#define IMAP_ESCROW_LEN 32   /* octets of an administrator's public key */

enum imap_config_message {
	/* What struct engine_slice has but site and lists; after site_put(). */
	IMAP_ENGINE_BASE = 0x100,
	IMAP_ENGINE_LISTENER =
	    0x103, /* u8 enum imap_listener, u8 TLS 1.3, u64 certs */
	IMAP_STORE_BASE = 0x110,
	IMAP_STORE_ADMINISTRATOR = 0x112, /* str account */
	IMAP_STORE_DOMAIN =
	    0x111 /* str name, u32 KDF KiB, u32 KDF passes, u64 quota, and
		   * u32 days in Trash, in Spam, in in/; u32 messages, u32
		   * recipients an hour; bytes escrow key */
};

enum imap_listener {
	IMAP_LISTEN_IMAPS = 1,
	IMAP_LISTEN_IMAP = 2, /* without TLS; loopback only */
	IMAP_LISTEN_STARTTLS = 3
};

struct imap_listen {
	enum imap_listener kind;
	bool only_tls13;
	uint64_t certs; /* bit i: certs[i] is served; the lowest without SNI */
};

struct engine_slice {
	struct site site;
	bool isolated;                 /* a process for each connection */
	uint64_t literal_max;          /* octets of an APPEND */
	uint32_t idle_seconds;         /* autologout after login */
	uint32_t login_seconds;        /* autologout before login */
	uint32_t sessions_max;         /* of one user */
	uint32_t login_failures;       /* of a connection before the door */
	uint32_t command_messages;     /* that one command deals with */
	bool scram;                    /* is offered */
	struct imap_listen *listeners; /* by the index of struct proc_conn */
	size_t n_listeners;
};

struct store_domain {
	char name[SITE_NAME_MAX];
	uint32_t kdf_kib;
	uint32_t kdf_passes;
	uint64_t quota;           /* bytes of a new account; 0: none */
	uint32_t trash_days;      /* mail stays there; 0: for ever */
	uint32_t spam_days;       /* likewise */
	uint32_t waiting_days;    /* of a new account, undrained; 0: for ever */
	uint32_t messages_hour;   /* that a user submits; 0: any */
	uint32_t recipients_hour; /* likewise */
	bool escrow;              /* the master key is sealed to this one too */
	uint8_t escrow_key[IMAP_ESCROW_LEN];
};

struct store_slice {
	uint8_t host_index; /* 0 or 1 */
	bool log_addresses;
	uint32_t linger;          /* seconds a vault stays after its sessions */
	uint32_t sessions_max;    /* of one user */
	uint32_t derivations;     /* at a time (cores) */
	uint32_t failures_source; /* wrong secrets, see guard.c; 0: any */
	uint32_t failures_user;   /* likewise of an account */
	uint64_t quota;           /* of domains that are not listed */
	struct store_domain *domains; /* the first is the default */
	size_t n_domains;
	char (*administrators)[IMAP_ACCOUNT_MAX]; /* of quotas, by IMAP */
	size_t n_administrators;
};

struct engine_slice *engine_slice_new(void); /* empty; never NULL */
void engine_slice_free(struct engine_slice *);
/* Takes in one message; -1 if it is malformed or unknown. */
int engine_slice_get(struct engine_slice *, struct msg *);
/* Parent: sends all of it, BEGIN and COMMIT excluded. */
void engine_slice_put(struct wire *, const struct engine_slice *);

struct store_slice *store_slice_new(void);
void store_slice_free(struct store_slice *);
int store_slice_get(struct store_slice *, struct msg *);
void store_slice_put(struct wire *, const struct store_slice *);

#endif
