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
 * sealctl dns and dkim: the records that a mail site needs, and whether the
 * world sees them.
 */

#ifndef ZONE_H
#define ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "sealctl.h"

#define ZONE_NAME_MAX 1024
#define ZONE_DATA_MAX 4096
#define ZONE_NOTE_MAX 2048
#define ZONE_RAW_MAX 512
#define ZONE_ADDRESSES_MAX 16
#define DKIM_RECORD_MAX 4096
#define DKIM_KEEP_DAYS 7 /* a retired key's record stays published */
#define DKIM_RSA_BITS 2048

/* How a record is looked up, and what is enough. */
enum zone_kind {
	ZONE_ADDRESS,   /* of the host: this one is among them */
	ZONE_PTR,       /* of this address: this name */
	ZONE_MX,        /* this host is among them */
	ZONE_TEXT,      /* exactly this text */
	ZONE_TEXT_KIND, /* one text that begins as this one does, to ';' */
	ZONE_TLSA,      /* among them, and signed */
	ZONE_RAW,       /* among them: raw octets */
	ZONE_NOTE       /* a remark, no record */
};

struct zone_record {
	enum zone_kind kind;
	char name[ZONE_NAME_MAX]; /* without the final dot */
	const char *type;
	char data[ZONE_DATA_MAX];
	char note[ZONE_NOTE_MAX]; /* what it is for, and what to do */
	uint16_t rrtype;          /* of ZONE_RAW */
	uint8_t raw[ZONE_RAW_MAX];
	size_t raw_len;
	bool old; /* it may go */
};

struct zone {
	struct zone_record *records;
	size_t n;
};

/* zone.c: all records of a domain; of the host too where it is the first. */
void zone_make(const struct conf *, const char *domain, struct zone *);
/* Only those of DKIM keys in this state; 0: of all. */
void zone_make_dkim(
    const struct conf *, const char *domain, int state, struct zone *);
struct zone_record *zone_add(struct zone *, enum zone_kind, const char *type,
    const char *name, const char *note);
void zone_print(const struct zone *, bool json);
/* -1: no domain of the configuration; in lower case in buf. */
int zone_domain(const struct conf *, const char *arg, char *buf, size_t size);

/* zonekeys.c: what is read of files: certificates, host keys of ssh. */
void zone_certs(const struct conf *, const char *domain, struct zone *);
void zone_sshfp(const struct conf *, struct zone *);

/* zonecheck.c: by the daemon's resolver; the exit code. */
int zone_check(struct invocation *, const struct zone *, bool quiet);

/*
 * zonepolicy.c: the web server's half of MTA-STS, as smtp-relay sees it: its
 * row, below that of the record.  false: something is to be done.
 */
bool zone_policy(struct ctl *, const struct conf *, const struct zone_record *);

/*
 * zonespf.c: an address of this host that SPF of the name does not let send, by
 * an open wire to smtp-resolver; NULL: all may.  *result is what came of it.
 */
const char *zone_spf(int fd, const struct conf *, const struct zone *,
    const char *name, const char **result);

/* dns.c: for dkim. */
int zone_print_dkim(struct invocation *, const char *domain, int state);
int zone_published(struct invocation *, const char *domain, int state);

/* dkimkey.c */
int dkim_file_write(const char *path, const void *, size_t);
/* A new key in the file; its record's text.  -1 (printed). */
int dkim_key_make(const char *path, bool ed25519, char *record, size_t size);
/* The record of a key, or of what is left of one; -1 (printed). */
int dkim_key_record(const struct conf_dkim_key *, char *record, size_t size,
    const char **algorithm, int *bits);

#endif
