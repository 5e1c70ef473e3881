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
 * Between smtp-engine and smtp-deliver.  The engine asks about recipients and
 * streams messages; the deliverer seals them per recipient, makes them
 * durable and answers.  A deliverer parses no address and no message: account
 * names are normalised by the engine, bodies and summaries are opaque chunks.
 *
 * An id belongs to the engine, is never 0, and names one question or one
 * delivery of this wire until its answer.  An engine that opens more than there
 * may be loses its wire, as for anything else that is against these rules.
 */

#ifndef DELIVER_WIRE_H
#define DELIVER_WIRE_H

#define DELIVER_VERSION 3

#define DELIVER_ACCOUNT_MAX 320 /* of an account's name, NUL included */
#define DELIVER_ADDRESS_MAX 800 /* of an envelope address as text */
#define DELIVER_HINT_MAX 255    /* of the +detail */
#define DELIVER_TARGETS_MAX 500 /* accounts of one delivery */
#define DELIVER_OPEN_MAX 4096   /* unanswered deliveries of one wire */
#define DELIVER_FILES_MAX 8192  /* ... and their targets, of all of them */
#define DELIVER_CHUNK_MAX 65536 /* plain octets of a chunk */

/* The delivery id in log lines of both: its first octets, in hex. */
#define DELIVER_TRACE_FMT "%02x%02x%02x%02x%02x%02x%02x%02x"
#define DELIVER_TRACE(id) \
	(id)[0], (id)[1], (id)[2], (id)[3], (id)[4], (id)[5], (id)[6], (id)[7]

enum deliver_message {
	/*
	 * Both, first: u32 DELIVER_VERSION.
	 */
	DELIVER_HELLO = 1,

	/*
	 * Engine: may this account receive?  str account, u64 octets it is
	 * about to receive (0: unknown).
	 */
	DELIVER_CHECK = 2,
	/*
	 * Deliverer, to CHECK: u8 enum deliver_result, u8 1: what this
	 * account submits is copied to its \Sent box, by the user's wish; u8 1:
	 * it is far from its quota, and the answer holds for a moment.  Free
	 * blocks and inodes are looked at too, so there is room when the engine
	 * says 354.
	 */
	DELIVER_CHECKED = 3,

	/*
	 * Engine: a piece of delivery id: records (enum deliver_record) up to
	 * the end of the packet.  The first begins with an ENVELOPE; after
	 * COMMIT or ABORT none may follow.
	 */
	DELIVER_PUT = 4,
	/*
	 * Deliverer, once per delivery that was committed: u16 n, n times u8
	 * enum deliver_result in the order of the TARGET and OWN records.
	 * DELIVER_DONE of a target means durable.  An aborted delivery is not
	 * answered.
	 */
	DELIVER_ANSWER = 5,
};

enum deliver_record {
	/*
	 * str envelope sender, u8 codec of the blob (2: zstd), i64 internal
	 * date in seconds, raw 16 octets: the delivery id
	 */
	DELIVER_ENVELOPE = 1,
	/* str account, str envelope recipient, str hint (+detail) */
	DELIVER_TARGET = 2,
	/*
	 * u8 kind (0 body, 1 summary), u8 flags (1: compressed), u32 plain
	 * length, bytes.  All of the body comes before the summary; chunks but
	 * the last of a kind hold DELIVER_CHUNK_MAX plain octets.
	 */
	DELIVER_CHUNK = 3,
	/*
	 * u16 n, n times u16: indices of targets that have had this message
	 * before (the client tries again); they are answered as
	 * DELIVER_DONE and get nothing.  The end of the packet.
	 */
	DELIVER_COMMIT = 4,
	DELIVER_ABORT = 5, /* nothing; the end of the packet */
	/*
	 * str account: a target that has submitted this itself; the copy goes
	 * to its \Sent box, \Seen.
	 */
	DELIVER_OWN = 6,
	/*
	 * Nothing; before COMMIT.  The owner of its From domain wants it to be
	 * quarantined: it goes to the \Junk box of whoever has one.
	 */
	DELIVER_SUSPECT = 7,
	/*
	 * Nothing; in place of the body's first chunk, which comes when all of
	 * the body is there: DELIVER_CHUNK_MAX octets, not compressed.  So what
	 * stands on top of a message can tell what it has come to.
	 */
	DELIVER_LATER = 8,
	/* bytes, DELIVER_CHUNK_MAX of them: that chunk; once, before COMMIT */
	DELIVER_FIRST = 9,
};

enum deliver_result {
	DELIVER_DONE = 0,     /* durable; to CHECK: it may receive */
	DELIVER_UNKNOWN = 1,  /* no such account */
	DELIVER_DISABLED = 2, /* takes no mail by the administrator's word */
	DELIVER_OVERQUOTA = 3,
	DELIVER_FULL = 4,    /* no space, or too few inodes, for anybody */
	DELIVER_TROUBLE = 5, /* anything else; try again later */
};

/* As logs and counters name it. */
static inline const char *
deliver_result_name(enum deliver_result result)
{
	switch (result) {
	case DELIVER_DONE:
		return "done";
	case DELIVER_UNKNOWN:
		return "unknown";
	case DELIVER_DISABLED:
		return "disabled";
	case DELIVER_OVERQUOTA:
		return "overquota";
	case DELIVER_FULL:
		return "full";
	case DELIVER_TROUBLE:
		return "trouble";
	}
	return "?";
}

#endif
