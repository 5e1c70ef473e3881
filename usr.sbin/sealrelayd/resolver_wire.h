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
 * Between smtp-resolver and those who ask it, sealctl for one (CTL_CONNECT).
 * The resolver answers each question once, in any order.  Names are ASCII
 * (A-labels) without a final dot.  What stands in answers was chosen by
 * strangers: the resolver has checked that lengths hold and that names are
 * made of letters, digits, '-', '_' and '.', nothing more.
 *
 * An id belongs to the asker, is never 0, and names one question of this wire
 * until its answer.
 */

#ifndef RESOLVER_WIRE_H
#define RESOLVER_WIRE_H

#define RESOLVER_VERSION 1

#define RESOLVER_NAME_MAX 256       /* octets of a name, NUL included */
#define RESOLVER_OPEN_MAX 1024      /* questions of one wire unanswered */
#define RESOLVER_MX_MAX 20          /* the best so many of a set */
#define RESOLVER_ADDRESSES_MAX 16   /* of a host, of each family */
#define RESOLVER_TLSA_MAX 16        /* the first so many of a set */
#define RESOLVER_TLSA_DATA_MAX 2048 /* octets; longer ones are left out */
#define RESOLVER_TEXTS_MAX 32       /* the first so many of a set */
#define RESOLVER_TEXT_MAX 8192      /* octets; longer ones are left out */
#define RESOLVER_NAMES_MAX 8        /* the first so many of a PTR set */
#define RESOLVER_DATA_MAX 1024      /* octets; longer ones are left out */
#define RESOLVER_DATAS_MAX 32       /* the first so many of a set */
#define RESOLVER_CNAMES_MAX 8       /* a longer chain is RESOLVER_BROKEN */
#define RESOLVER_SECONDS 30         /* then RESOLVER_TIMEOUT */

/* What may be asked for by RESOLVER_DATA. */
#define RESOLVER_TYPE_SRV 33
#define RESOLVER_TYPE_SSHFP 44
#define RESOLVER_TYPE_CAA 257

#define RESOLVER_IPV4 1
#define RESOLVER_IPV6 2

enum resolver_message {
	/* Both, first: u32 RESOLVER_VERSION. */
	RESOLVER_HELLO = 1,

	RESOLVER_MX = 2,      /* asker: str domain */
	RESOLVER_ADDRESS = 3, /* asker: str host, u8 of RESOLVER_IPV4 | _IPV6 */
	RESOLVER_TLSA = 4,    /* asker: str host, u16 port: _port._tcp.host */
	RESOLVER_TXT = 5,     /* asker: str name */
	RESOLVER_PTR = 6,     /* asker: str address, numeric */
	RESOLVER_DATA = 7,    /* asker: str name, u16 RESOLVER_TYPE_* */

	/*
	 * Resolver: u8 enum resolver_status, u8 secure (1: DNSSEC proved every
	 * step, also that something is not there), u32 seconds it may be kept,
	 * str canonical name (where aliases lead; the name itself without),
	 * u32 n, then n times, by the question:
	 *   MX: u16 preference, str host; the lowest preference first.  A null
	 *       MX (RFC 7505) is one record with host "".
	 *   ADDRESS: u8 4 or 6, raw 4 or 16 octets
	 *   TLSA: u8 usage, u8 selector, u8 matching type, bytes data
	 *   TXT: bytes, the strings of one record joined
	 *   PTR: str name
	 *   DATA: bytes, as they stand in the record
	 * n is 0 unless the status is RESOLVER_OK.
	 */
	RESOLVER_ANSWER = 16,
};

enum resolver_status {
	RESOLVER_OK = 0,
	RESOLVER_NODATA = 1, /* the name is there, such records are not */
	RESOLVER_NXDOMAIN = 2,
	RESOLVER_BOGUS = 3, /* forged, or badly signed: never "insecure" */
	RESOLVER_SERVFAIL = 4,
	RESOLVER_TIMEOUT = 5,
	RESOLVER_BROKEN = 6, /* malformed, or past a limit above */
	RESOLVER_BUSY = 7    /* RESOLVER_OPEN_MAX, or too many in all */
};

#endif
