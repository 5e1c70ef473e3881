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
 * Around smtp-queue.  smtp-engine hands it messages and asks it for
 * signatures; smtp-relay gets what is due and says what came of it.  The queue
 * parses no address and no message: addresses, parameters, bodies and replies
 * are opaque to it, and a destination is what the engine called it.
 *
 * An id belongs to the asker, is never 0, and names one question, entry, job
 * or report of this wire until its answer.
 */

#ifndef QUEUE_WIRE_H
#define QUEUE_WIRE_H

#define QUEUE_VERSION 1

#define QUEUE_ID_LEN 16         /* octets of a message's name in the queue */
#define QUEUE_ADDRESS_MAX 800   /* of an envelope address, NUL included */
#define QUEUE_DEST_MAX 256      /* of a destination, NUL included */
#define QUEUE_ORCPT_MAX 800     /* of ORCPT, as it was given */
#define QUEUE_ENVID_MAX 128     /* of ENVID, as it was given */
#define QUEUE_TRACE_MAX 64      /* of the id that the log knows it by */
#define QUEUE_STATUS_MAX 16     /* of an enhanced status code */
#define QUEUE_HOST_MAX 256      /* of a remote server's name */
#define QUEUE_TEXT_MAX 512      /* of what it said */
#define QUEUE_RCPTS_MAX 1000    /* of a message */
#define QUEUE_JOB_RCPTS_MAX 100 /* of a job */
#define QUEUE_CHUNK_MAX 65536   /* plain octets of a chunk */
#define QUEUE_HEAD_MAX 65536    /* octets of a head */
#define QUEUE_MEMORY_MAX 4096   /* octets that are kept of a destination */
#define QUEUE_OPEN_MAX 4096     /* entries of a wire without an answer */
#define QUEUE_WINDOW 4          /* chunks ahead of TOOK */
#define QUEUE_DIGEST_LEN 32     /* SHA-256 */
#define QUEUE_SIGNATURE_MAX 512
#define QUEUE_ORIGIN_MAX 1536 /* octets of a row about where mail is from */

/* Flags of a message. */
#define QUEUE_8BIT 0x01
#define QUEUE_UTF8 0x02         /* SMTPUTF8 */
#define QUEUE_REQUIRETLS 0x04   /* RFC 8689 */
#define QUEUE_TLS_OPTIONAL 0x08 /* its header says TLS-Required: No */

/* RET of RFC 3461 4.3. */
#define QUEUE_RET_NONE 0
#define QUEUE_RET_FULL 1
#define QUEUE_RET_HDRS 2

/* NOTIFY of RFC 3461 4.1; 0: nothing was said. */
#define QUEUE_NOTIFY_NEVER 0x01
#define QUEUE_NOTIFY_SUCCESS 0x02
#define QUEUE_NOTIFY_FAILURE 0x04
#define QUEUE_NOTIFY_DELAY 0x08

enum queue_message {
	/* All, first: u32 QUEUE_VERSION. */
	QUEUE_HELLO = 1,

	/* ---- smtp-engine ------------------------------------------------ */

	/* Engine: is there room for u64 octets (0: unknown)? */
	QUEUE_CHECK = 2,
	QUEUE_CHECKED = 3, /* queue: u8 enum queue_result */
	/*
	 * Engine: a piece of entry id: records (enum queue_record) up to the
	 * end of the packet.  The first begins with an ENVELOPE; after COMMIT
	 * or ABORT none may follow.
	 */
	QUEUE_PUT = 4,
	/*
	 * Queue, once per entry that was committed: u8 enum queue_result,
	 * raw[16] the message's name.  QUEUE_DONE means durable.
	 */
	QUEUE_ANSWER = 5,
	/*
	 * Engine: sign for a domain: str domain, str selector, raw[32] SHA-256
	 * of the canonicalised header (RFC 6376 3.7).
	 */
	QUEUE_SIGN = 6,
	QUEUE_SIGNED = 7, /* queue: u8 enum queue_result, bytes signature */
	/*
	 * Queue: a report is due (id: the queue's): u8 enum queue_report, str
	 * sender (never empty), str envid, u8 ret, str trace id, i64 arrival,
	 * i64 expiry, u8 flags, u8 codec, u32 octets of the head, u64 of the
	 * body, u32 n, then n times: str recipient, str orcpt, u16 code (0:
	 * none), str status, str host, str text, i64 time of it.  n recipients
	 * fit the packet; others come in further reports.
	 */
	QUEUE_REPORT = 8,
	/* Engine: it is durable elsewhere (u8 1), or cannot be made (u8 0). */
	QUEUE_REPORTED = 9,

	/*
	 * Engine of a report, relay of a job: the message of this id, please:
	 * u64 plain octets of the body at most; 0: the head alone.
	 */
	QUEUE_WANT = 10,
	/*
	 * Queue, to WANT: u8 0 head, 1 body; u8 flags (1: compressed, 2: the
	 * last of all), u32 plain octets, bytes.  A message that cannot be read
	 * ends with an empty chunk whose flags are 4.
	 */
	QUEUE_CHUNK = 11,
	QUEUE_STOP = 12, /* engine, relay: no more chunks of this id */
	/*
	 * Engine, relay: a chunk of this id has been used.  The queue is at
	 * most QUEUE_WINDOW chunks ahead: a slow server costs no more memory.
	 */
	QUEUE_TOOK = 13,
	/*
	 * Queue, to engines, first where there are any and after each change:
	 * u8 1: forget those known; then to the end: str domain, str selector,
	 * u8 1 rsa-sha256, 2 ed25519-sha256.  These it signs with.
	 */
	QUEUE_KEYS = 14,

	/*
	 * Engine: a stranger's message whose From domain has a DMARC record:
	 * bytes, a row to be counted by day, opaque to the queue: words (enum
	 * queue_origin) with a space between, "-" for what there is not.
	 */
	QUEUE_ORIGIN = 26,

	/* ---- smtp-relay ------------------------------------------------- */

	/* Relay: u32 jobs more that it would take. */
	QUEUE_READY = 20,
	/*
	 * Queue: a job (id: the queue's): str destination, str sender, str
	 * trace id, u8 flags, u8 codec, u32 octets of the head, u64 of the
	 * body, str envid, u8 ret, bytes memory of the destination, u32 n, then
	 * n times: u16 index, str recipient, str orcpt, u8 notify.
	 */
	QUEUE_JOB = 21,
	/*
	 * Relay: what came of recipients of a job: u16 n, then n times: u16
	 * index, u8 enum queue_outcome, u16 code (0: none), str status, str
	 * host, str text.  When each has one, the job is over.
	 */
	QUEUE_OUTCOME = 22,
	/*
	 * Relay: the destination of this job cannot be reached: u32 seconds
	 * that it would wait (0: the queue decides), str status, str host, str
	 * text.  Recipients of the job without an outcome are deferred, and so
	 * is all other mail for it.
	 */
	QUEUE_UNREACHABLE = 23,
	/*
	 * Relay: str destination, bytes: what a relay should know of it the
	 * next time; kept until it is replaced, durable, sealed.
	 */
	QUEUE_MEMORY = 24,

	/*
	 * Relay: what TLS came to with a server of this destination: u8 enum
	 * queue_tls_policy, u8 result, str destination, str host.  0 is
	 * success, else what failed, in the order of RFC 8460 4.3:
	 * starttls-not-supported (1), certificate-host-mismatch, -expired,
	 * -not-trusted, validation-failure (5), tlsa-invalid, dnssec-invalid,
	 * dane-required, sts-policy-fetch-error (9), sts-policy-invalid,
	 * sts-webpki-invalid.
	 */
	QUEUE_TLS = 25,

	/* ---- sealctl, over CTL_CONNECT's wire --------------------------- */

	/*
	 * Every question begins with u32 QUEUE_VERSION and a filter: str id
	 * (hexadecimal) or trace id, str destination, str sender, str
	 * recipient; what is empty is any.  Answered by what is said there,
	 * and by CTL_END.
	 */
	QUEUE_CTL_LIST = 40,  /* CTL_RCPT of each recipient not done */
	QUEUE_CTL_FLUSH = 41, /* try them now, and their destinations */
	/* Nothing is relayed until RESUME; without a filter: nothing at all. */
	QUEUE_CTL_PAUSE = 42,
	QUEUE_CTL_RESUME = 43,
	QUEUE_CTL_REMOVE = 44,     /* then u8: 1 with a report to the sender */
	QUEUE_CTL_RESCHEDULE = 45, /* then i64: not before this time */
	/* CTL_CODEC, then CHUNKs with id 0: the first that the filter names. */
	QUEUE_CTL_MESSAGE = 46,
	/*
	 * raw[16] id, str trace id, str sender, str recipient, str destination,
	 * u8 enum queue_ctl_state, i64 arrival, i64 expiry, i64 next try, u16
	 * tries (of its destination too), u64 octets, u16 code, str status, str
	 * host, str text
	 */
	QUEUE_CTL_RCPT = 60,
	/*
	 * u8 enum queue_result, u32 recipients that it was about, u32 (of a
	 * REMOVE with reports) those of whom only a report is left: they stay
	 */
	QUEUE_CTL_END = 61,
	/* No filter: u32 version.  CTL_COUNTS: see below. */
	QUEUE_CTL_STATS = 47,
	/*
	 * u64 messages, u64 recipients, u64 destinations, u64 jobs with relays,
	 * u64 octets of the journal, u8 everything is held
	 */
	QUEUE_CTL_COUNTS = 62,
	QUEUE_CTL_CODEC = 63, /* u8 codec of the message whose CHUNKs come */
	/* No filter: u32 version.  CTL_TALLY..., CTL_END. */
	QUEUE_CTL_TLS = 48,
	/* u32 day since 1970, u64 sessions, then as QUEUE_TLS */
	QUEUE_CTL_TALLY = 64,
	/* No filter: u32 version.  CTL_ORIGIN..., CTL_END. */
	QUEUE_CTL_DMARC = 49,
	/* u32 day since 1970, u64 messages, bytes as QUEUE_ORIGIN */
	QUEUE_CTL_ORIGIN = 65
};

#define QUEUE_TLS_RESULTS 12

/* The words of QUEUE_ORIGIN, in this order. */
enum queue_origin {
	ORIGIN_FROM,        /* the From domain */
	ORIGIN_ADDRESS,     /* of the client, numeric */
	ORIGIN_POLICY,      /* none, quarantine, reject */
	ORIGIN_DISPOSITION, /* none, quarantine, reject */
	ORIGIN_DMARC,       /* pass, fail, temperror */
	ORIGIN_SPF,         /* the result */
	ORIGIN_SPF_DOMAIN,
	ORIGIN_SPF_ALIGNED, /* yes, no */
	ORIGIN_DKIM, /* of the signature that counts: one that is aligned */
	ORIGIN_DKIM_DOMAIN,
	ORIGIN_DKIM_SELECTOR,
	ORIGIN_DKIM_ALIGNED, /* yes, no */
	ORIGIN_DOMAIN,       /* that has the record */
	ORIGIN_WORDS
};

/* RFC 8460 4.2: which policy a session was under. */
enum queue_tls_policy {
	TLS_POLICY_NONE = 0,
	TLS_POLICY_STS = 1,
	TLS_POLICY_DANE = 2
};

enum queue_ctl_state {
	QUEUE_CTL_WAITS = 1,
	QUEUE_CTL_ACTIVE = 2, /* a relay has it */
	QUEUE_CTL_HELD = 3,
	QUEUE_CTL_REPORTS = 4 /* its sender is to be told */
};

enum queue_record {
	/*
	 * str sender, str login ("": none), u8 flags, u8 codec, str envid, u8
	 * ret, i64 arrival, u32 seconds to live (0: as configured), str trace
	 * id
	 */
	QUEUE_ENVELOPE = 1,
	/* str recipient, str destination, str orcpt, u8 notify */
	QUEUE_RCPT = 2,
	/*
	 * u8 0 head, 1 body; u8 flags (1: compressed), u32 plain octets,
	 * bytes.  The body first, by chunks that are full but for the last;
	 * then the head, which is relayed before it.
	 */
	QUEUE_DATA = 3,
	QUEUE_COMMIT = 4, /* nothing; the end of the packet */
	QUEUE_ABORT = 5,  /* nothing; the end of the packet */
	/* u8 flags that the message has besides those of its ENVELOPE */
	QUEUE_FLAGS = 6,
	/*
	 * str recipient, str orcpt: one who has the message already, and of
	 * whom its sender is to hear that.
	 */
	QUEUE_TOLD = 7
};

enum queue_result {
	QUEUE_DONE = 0,
	QUEUE_FULL = 1,    /* no space, or too few inodes */
	QUEUE_REFUSED = 2, /* no such key */
	QUEUE_TROUBLE = 3, /* anything else; try again later */
	QUEUE_NONE = 4     /* sealctl: there is no such message */
};

enum queue_outcome {
	OUTCOME_SENT = 1,    /* and the next server cares for DSNs */
	OUTCOME_RELAYED = 2, /* it does not: RFC 3461 5.2.2 */
	OUTCOME_DEFERRED = 3,
	OUTCOME_FAILED = 4,
	/* Deferred; all of it was sent and no answer came: it may be there. */
	OUTCOME_UNSURE = 5
};

enum queue_report {
	REPORT_FAILED = 1,
	REPORT_DELAYED = 2,
	REPORT_RELAYED = 3,  /* success, as far as we shall know */
	REPORT_DELIVERED = 4 /* success: an account here has it */
};

#endif
