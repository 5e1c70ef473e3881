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
 * The wire of one IMAP session: imap-engine asks, the user's vault answers.
 * Names: V_WHAT for requests (engine -> vault), R_WHAT for answers (vault ->
 * engine).  The engine parses and formats; the vault knows boxes, numbers,
 * flags and opaque bytes, and believes nothing here but that the session was
 * opened with a secret of the account.
 *
 * Order.  Requests carry an id (the engine's, not 0).  The vault answers them
 * one after another in the order they came; every request ends with exactly
 * one R_DONE of its id, after the durable sync where it changed anything.
 * Many requests may be under way.  Answers that stream (rows, chunks) are made
 * as the wire drains; meanwhile no later request of the session is read.
 *
 * Numbers.  A message is named by UID or by sequence number; sequence numbers
 * are those this session has been told of (R_EXISTS, R_EXPUNGE).
 * A set is: u32 count, then count times u32 first, u32 last (first <= last;
 * 0xffffffff as "*": the highest number of the box).  One range 0, 0 alone is
 * what the last V_SEARCH with SAVE_ bits has found in this box.  More ranges
 * than fit come before the request, by V_SET.
 *
 * News.  A request with NEWS asks for what others changed, before its R_DONE:
 * R_ROW with flags of changed messages, R_EXISTS of new ones, and, only
 * with NEWS_EXPUNGE, R_EXPUNGE; in this order: rows, expunges, exists.  News
 * always bears id 0.  While idling (V_IDLE) it comes unasked.  Nothing is told
 * of a change before it is durable.
 */

#ifndef VAULT_WIRE_H
#define VAULT_WIRE_H

#define BOX_NAME_MAX 1000        /* octets of a mailbox name, all levels */
#define KEYWORD_MAX 100          /* octets of a keyword */
#define KEYWORDS_MAX 56          /* keywords of a mailbox */
#define SET_RANGES_MAX 8192      /* ranges of one set in one message */
#define SET_TOTAL_MAX 100000     /* the same with those of V_SET before it */
#define APPEND_MESSAGES_MAX 100  /* messages that one V_APPEND series places */
#define CHUNK_PLAIN 65536        /* plain octets of every chunk but the last */
#define SUMMARY_MAX (256 * 1024) /* octets of a summary, plain */
#define UNDELETE_MAX 100         /* blobs of one V_UNDELETE */
#define RENAMES_MAX 500          /* boxes moved by one V_RENAME */
#define MATCHES_MAX 1000         /* pairs of number and UID of one V_SELECT */

/* Bits of a message's flags; keyword i of the box is bit 8 + i. */
#define FLAG_SEEN 0x01ULL
#define FLAG_ANSWERED 0x02ULL
#define FLAG_FLAGGED 0x04ULL
#define FLAG_DELETED 0x08ULL
#define FLAG_DRAFT 0x10ULL
#define FLAG_SYSTEM 0x1fULL
#define FLAG_KEYWORD(i) (1ULL << (8 + (i)))

/* u8 request bits, the first field of the requests that say so. */
#define NEWS 0x01         /* tell news before R_DONE */
#define NEWS_EXPUNGE 0x02 /* expunges too (7.4.1 of RFC 3501 allows it) */
#define BY_UID 0x04       /* the set holds UIDs */
#define SILENT 0x08       /* V_STORE: do not tell the asker the new flags */
#define MODSEQ_NOW 0x10   /* R_MODSEQ first */
#define MODSEQ_LOW 0x20   /* R_MODSEQ where expunges are held back */
#define NEWS_QUIET 0x40   /* no rows of changed flags among the news */

/* u16 special uses of a box (RFC 6154). */
#define USE_ARCHIVE 0x01
#define USE_DRAFTS 0x02
#define USE_FLAGGED 0x04
#define USE_JUNK 0x08
#define USE_SENT 0x10
#define USE_TRASH 0x20
#define USE_ALL 0x40

/* Items of V_FETCH, and of R_ROWS in answer. */
#define ROW_SUMMARY 0x01  /* the summary's chunks */
#define ROW_BODY 0x02     /* the whole body as R_CHUNKs after each row */
#define ROW_SET_SEEN 0x04 /* \Seen is set first (a read-write box only) */
#define ROW_FIRST 0x08    /* body chunk 0 alone, as an R_CHUNK after each row */
#define ROW_IDS 0x10      /* email and thread id, time of saving */
#define ROW_PART 0x40     /* only a part of the set: u8, u32, u32 before it */
#define ROW_GLANCE 0x80   /* of the box of V_GLANCE; by UID, nothing is set */
#define ROW_VANISHED                                            \
	0x20 /* R_VANISHED first: UIDs of the set that are gone \
	      */

/* What sessions may be told of (RFC 5465). */
#define EVENT_NEW 0x01
#define EVENT_EXPUNGE 0x02
#define EVENT_FLAGS 0x04
#define EVENT_MESSAGE 0x07
#define EVENT_NAME 0x08 /* made, removed or renamed */
#define EVENT_SUBSCRIPTION 0x10
#define EVENT_METADATA 0x20        /* of a box */
#define EVENT_SERVER_METADATA 0x40 /* of the account */
#define EVENT_OVERFLOW 0x80

#define META_ENTRIES_MAX 100       /* entries of one request */
#define META_NAME_MAX 256          /* octets of an entry's name */
#define META_VALUE_MAX (16 * 1024) /* octets of its value */
#define META_DEPTH_ALL 255

/* What V_LIST and V_STATUS ask of each box. */
#define BOX_NAMES 0   /* what it is called */
#define BOX_NUMBERS 1 /* and how much is in it */
#define BOX_RECLAIM 2 /* and how much of that an expunge would free */

/* Options of V_SEARCH: what of the found is saved for sets and SEARCH_SAVED. */
#define SAVE_ALL 0x01
#define SAVE_MIN 0x02
#define SAVE_MAX 0x04
#define SAVE_PARTIAL 0x08

/* What of the found V_SORT tells. */
#define PARTIAL_NOT 0   /* all */
#define PARTIAL_FIRST 1 /* by place, from the first, which is 1 */
#define PARTIAL_LAST 2  /* the same from the last */

/* u8 result of R_DONE. */
enum vault_result {
	DONE_OK = 0,
	DONE_NONEXISTENT = 1, /* no such box */
	DONE_TRYCREATE = 2,   /* no such box to put messages into */
	DONE_EXISTS = 3,      /* ALREADYEXISTS */
	DONE_CANNOT = 4,      /* not on INBOX, not with this name */
	DONE_OVERQUOTA = 5,
	DONE_LIMIT = 6, /* too many boxes, keywords, ... */
	DONE_READONLY = 7,
	DONE_EXPUNGED = 8, /* EXPUNGEISSUED: some messages are gone */
	DONE_NOSPACE = 9,  /* the disk is full: nothing was changed */
	DONE_IO = 10,      /* cannot be read */
	DONE_CORRUPT = 11, /* a chunk does not verify */
	DONE_BADSEQ = 12,  /* a sequence number past the last: BAD */
	DONE_NOTSELECTED = 13,
	DONE_CANCELLED = 14,
	DONE_BUSY = 15, /* who would have to help is not there */
	DONE_MESSAGES =
	    19,           /* more messages than V_LIMIT lets; nothing is done */
	DONE_NOPERM = 20, /* not with this account, or this secret */
	DONE_HASCHILDREN = 21 /* no box, but the name of one lies below it */
};

enum vault_wire {
	/* ---- engine -> vault ---- */

	/*
	 * u8 bits, str box name, u8 read-only, u8 whether the client comes
	 * back (RFC 7162); then if so: u32 uidvalidity, u64 modseq, u32 n, n
	 * times u32 sequence number and u32 UID, ascending, that go together,
	 * set of known UIDs or empty: all.  Unselects first, whatever comes of
	 * it.  Answer R_SELECTED; to one who comes back, and if uidvalidity
	 * is the same, R_VANISHED... and R_ROWS of what changed since; R_DONE.
	 */
	V_SELECT = 100,
	/* u8 expunge the deleted (CLOSE of a read-write box). */
	V_UNSELECT = 101,
	/* All boxes: R_BOX..., R_DONE.  u8: BOX_. */
	V_LIST = 102,
	/* str box name, u8 BOX_NUMBERS or _RECLAIM.  R_BOX, R_DONE. */
	V_STATUS = 103,
	/* u16 special use, str box name.  R_DONE carries the id's OBJECTID. */
	V_CREATE = 104,
	V_DELETE = 105, /* str box name */
	/*
	 * u32 count, count times: str old name, str new name; all or none.
	 * INBOX alone: the new box is made and takes all its messages
	 * (RFC 3501 6.3.5).
	 */
	V_RENAME = 106,
	V_SUBSCRIBE = 107, /* u8 on, str name (any name may be subscribed) */
	/*
	 * u8 bits, str box name, u64 system flags, u16 n, n times str keyword,
	 * i64 internal date (seconds, UTC), i16 its zone in minutes (as u16),
	 * u64 size in octets, or 0 if not yet known, u8 codec of compressed
	 * chunks (0 none, 1 deflate, 2 zstd).  Then V_CHUNK..., and
	 * V_APPEND_END or V_APPEND_ABORT of the same id; between them other
	 * requests may come, which are answered before it.  What is refused is
	 * swallowed to its end.
	 */
	V_APPEND = 108,
	/*
	 * u8 kind (0 body, 1 summary), u8 compressed, u32 plain length, then
	 * the rest of the message: the chunk's octets.  All body chunks but the
	 * last hold CHUNK_PLAIN; summary chunks come after them.  None is
	 * longer than what it opens to, and the body no longer than V_APPEND
	 * has said; where it has not, the quota is looked at as it comes.
	 */
	V_CHUNK = 109,
	/*
	 * u64 size in octets, as many as have come, u8 1 if another V_APPEND of
	 * the same id follows: all of them are placed at once, all or none, in
	 * the first one's box. After the last: R_APPENDED of each, R_DONE.
	 */
	V_APPEND_END = 110,
	V_APPEND_ABORT = 111, /* no answer; those that wait are dropped too */
	/*
	 * u8 bits, u8 ROW_ items, u64 modseq, with ROW_PART: u8 PARTIAL_FIRST
	 * or _LAST, u32 first, u32 last place (first <= last) among the set's
	 * messages; set.  Of those only messages that have changed since that
	 * modseq.  R_ROWS (many rows each) and, with
	 * ROW_BODY, R_CHUNK... after each row (an empty body is one empty
	 * chunk).  Messages the session does not know yet are left out; ones
	 * expunged meanwhile too, and then the result is DONE_EXPUNGED.
	 * \Seen set by ROW_SET_SEEN is told by the row, not by news.
	 */
	V_FETCH = 112,
	/*
	 * u32 uid, u32 first chunk, u32 last chunk (0xffffffff: to the end).
	 * R_CHUNK..., R_DONE.
	 */
	V_BODY = 113,
	/*
	 * u8 bits, u8 op (0 replace, 1 add, 2 remove), u64 system flags, u16
	 * n, n times str keyword, u64 UNCHANGEDSINCE or all ones, set.
	 * R_MODIFIED... of those that UNCHANGEDSINCE leaves out, R_ROWS (with
	 * this id) of the set's other messages unless SILENT, R_DONE.
	 */
	V_STORE = 114,
	/* u8 bits, u8 move, str box name, set.  R_COPIED..., R_DONE */
	V_COPY = 115,
	/*
	 * u8 bits, set of UIDs or empty: all with \Deleted.  R_DONE; as with
	 * a move its detail is the box's modseq if something was taken out.
	 */
	V_EXPUNGE = 116,
	/*
	 * u8 bits (BY_UID: answer in UIDs), u8 SAVE_ options, the rest: a
	 * program as search.h packs it.  R_FOUND..., if the program has a
	 * MODSEQ R_FOUND_MODSEQ, R_DONE.
	 */
	V_SEARCH = 117,
	/*
	 * As V_SEARCH, told otherwise: u8 bits, u8 SAVE_ options, u8 enum
	 * sort_how, u8 n, raw[n] criteria (search.h), u8 PARTIAL_, u32 first,
	 * u32 last place (first <= last), program.  R_COUNT, then R_FOUND... in
	 * the order asked for or R_THREADED..., R_FOUND_MODSEQ, R_DONE.
	 */
	V_SORT = 160,
	/*
	 * The same in any box, selected or not: u8 bits with BY_UID, u8 0, u64
	 * box id, then as V_SORT.
	 */
	V_FIND = 161,
	V_NOOP = 118, /* u8 bits: only news.  R_DONE */
	V_IDLE = 119, /* u8 on.  R_DONE to each; between them news with id 0 */
	V_CANCEL = 120, /* the request of this id is no longer wanted */
	/*
	 * u8 bits (BY_UID), u32 number: the message of the selected box in
	 * whose place comes that of the next V_APPEND, in the same frame.  No
	 * answer.
	 */
	V_REPLACE = 180,
	/*
	 * str box name or "" for none, u32 uidvalidity or 0: any.  The box that
	 * is looked into from now on by V_FETCH with ROW_GLANCE and V_PEEK.  No
	 * answer: these are answered DONE_NONEXISTENT if there is none such.
	 */
	V_GLANCE = 122,
	V_PEEK = 123, /* as V_BODY, of that box */
	/*
	 * u32 messages, or 0: any.  From now on a request deals with so many
	 * messages at most, of those that it names with the highest UIDs
	 * (RFC 9738): V_FETCH, V_STORE, V_COPY of a move, V_EXPUNGE with a
	 * set, V_SEARCH, V_SORT without order; it is then told R_LIMITED.
	 * V_COPY and V_SORT of more do nothing.  No answer.
	 */
	V_LIMIT = 124,
	/*
	 * Set: ranges that come before those of the next request's set, or
	 * that the next V_SEARCH calls SEARCH_SENT.  No answer.
	 */
	V_SET = 121,
	/* R_DELETED..., R_DONE: what was deleted and can be brought back */
	V_DELETED = 131,
	/*
	 * str mailbox, "" for where each was (or INBOX), u32 n, n times
	 * raw[16] blob: they are back.  R_DONE.
	 */
	V_UNDELETE = 132,
	/* R_AUDITED... as it goes on and at the end, R_FAULT..., R_DONE */
	V_AUDIT = 135,
	V_SLOTS = 130, /* R_SLOT..., R_DONE: which secrets open the account */
	/*
	 * str quota root, "" for the account's own: R_QUOTA, R_DONE.  A root
	 * is the name of an account.  Another's, and setting any, are for
	 * administrators whose session has the scope to manage.
	 */
	V_QUOTA = 140,
	/*
	 * str quota root, u64 octets or 0: no limit, u64 one more than there
	 * may be messages or 0: no limit.  R_QUOTA, R_DONE.
	 */
	V_SETQUOTA = 141,
	/*
	 * u8 EVENT_ kinds to be told of boxes that are not selected, u8 of the
	 * selected one (message kinds); both 0: none.  R_DONE.  From then on
	 * R_NUDGE comes once there is something, until it is asked for.
	 */
	V_NOTIFY = 142,
	/* u8 bits: what there is.  R_EVENT..., news by the bits, R_DONE. */
	V_EVENTS = 143,
	/*
	 * str box or "" for the account, u8 1: of all boxes, u8 how deep below
	 * the entries (META_DEPTH_ALL: as deep as there are), u64 octets of a
	 * value at most, u16 n, n times str entry: R_META..., R_DONE, whose
	 * detail is the length of the longest that was longer.  Of one box what
	 * is not there is told, without a value.
	 */
	V_META = 144,
	/*
	 * str box or "", u16 n, n times: str entry, u8 has a value, bytes value
	 * then: all are set, or removed, or none.  R_DONE.
	 */
	V_SETMETA = 145,
	V_SETTINGS = 146,     /* R_SETTINGS, R_DONE */
	V_SETTINGS_SET = 147, /* u8 1: save-sent.  R_DONE. */
	/* R_REINDEXED, R_DONE: the search index is gone and will be made anew
	 */
	V_REINDEX = 148,

	/* ---- vault -> engine ---- */

	/*
	 * u64 box id, u32 uidvalidity, u32 uidnext, u64 highest modseq, u32
	 * exists, u32 first unseen sequence number or 0, u8 read-only, u16
	 * special use, u8 there are names below, u16 n, n times str keyword
	 * (bit order; empty: no keyword has that bit).
	 */
	R_SELECTED = 200,
	/*
	 * u64 box id, u16 special use, u8 subscribed, u8 exists (a subscribed
	 * name may have no box), str name, u8 with numbers, then if so: u32
	 * messages, u32 uidnext, u32 uidvalidity, u32 unseen, u32 deleted,
	 * u64 size, u64 highest modseq, u64 octets that an expunge would free
	 * (0 unless BOX_RECLAIM asked for them).
	 */
	R_BOX = 201,
	/* u16 n, n times str keyword: the table changed; before any row uses
	 * it.
	 */
	R_KEYWORDS = 202,
	/*
	 * Many rows, to the end of the message; each: u32 sequence number, u32
	 * uid, u64 flags, u64 modseq, i64 internal date, u16 zone, u64 size,
	 * raw[16] email id (zeros without ROW_IDS), u8 codec, with ROW_IDS:
	 * raw[16] thread id (zeros: none), u32 when it came into the box; u8
	 * what follows: 0 nothing; 1 summary:
	 * u8 compressed, u32 plain length, bytes.  A summary that is longer
	 * than one chunk comes as kind 1 R_CHUNKs right after its row, which
	 * is then the last of its message and says 2.  With id 0, or as news
	 * or in answer to V_STORE, a row tells new flags.
	 */
	R_ROWS = 203,
	/*
	 * u32 uid, u8 kind, u8 compressed, u8 last, u32 index, u32 plain
	 * length, then the rest: the octets.
	 */
	R_CHUNK = 204,
	/*
	 * u32 messages in the box, as the session now knows, u32 lowest and
	 * u32 highest UID of those that are new to it
	 */
	R_EXISTS = 205,
	/* u32 n, n times u32 sequence number and u32 UID, in order */
	R_EXPUNGE = 206,
	/* u32 uidvalidity, u32 uid */
	R_APPENDED = 207,
	/*
	 * u32 uidvalidity, set of source UIDs, set of new UIDs: as many in
	 * both, in order.  Several where they do not fit one message.
	 */
	R_COPIED = 208,
	/*
	 * u32 n, n times u32 number, ascending unless sorted; may come in
	 * several
	 */
	R_FOUND = 209,
	/*
	 * u32 n, n times: u32 number, or 0 over messages without a parent, u32
	 * THREAD_PLACE() (search.h); may come in several
	 */
	R_THREADED = 260,
	/*
	 * u32 how many were found, u32 the first and u32 the last of them (0:
	 * none), whatever part of them is told
	 */
	R_COUNT = 261,
	/*
	 * u32 done, u32 of how many: the search, or the change of many
	 * messages, of this id goes on; before anything else of its answer or
	 * within it
	 */
	R_PROGRESS = 262,
	/* u8 result, str detail (may be empty; safe to show to the user) */
	R_DONE = 210,
	/*
	 * u8 reason: the vault ends this session: 1 kicked, 2 the store
	 * failed, 3 the selected box was removed by another session, 4 the
	 * secret that opened it was changed or revoked.
	 */
	R_BYE = 211,
	/*
	 * u32 id, u8 kind (1 main, 2 app, 3 recovery, 4 escrow, 6 member), u16
	 * scope (1 imap, 2 submission, 4 manage), i64 created, str label, u8
	 * it can be proved by SCRAM, too.
	 */
	R_SLOT = 212,
	/*
	 * raw[16] blob, i64 deleted, i64 a mass delete waits until or 0, i64
	 * internal date, u64 size, str mailbox or "", u8 codec, u8 summary
	 * follows: u8 compressed, u32 plain length, bytes
	 */
	R_DELETED = 213,
	/* u64 messages done, u64 of how many, u64 octets, u64 findings */
	R_AUDITED = 218,
	/* str mailbox, or "" for the log, u32 uid or 0, str what is wrong */
	R_FAULT = 219,
	/* u32 n, n times u32 number (UID if BY_UID): left as they were */
	R_MODIFIED = 214,
	/* set of UIDs that are gone, or never were; may come in several */
	R_VANISHED = 215,
	/* u64 modseq up to which all has been told; id 0 */
	R_MODSEQ = 216,
	/* u32 lowest UID that the request has dealt with; there were others */
	R_LIMITED = 221,
	/* u64 highest modseq of the found, u64 of the first, u64 of the last */
	R_FOUND_MODSEQ = 217,
	/*
	 * str quota root, u64 octets in use, u64 limit in octets or 0, u64
	 * messages, u64 one more than there may be of them or 0
	 */
	R_QUOTA = 230,
	/* There is something that V_EVENTS would tell.  Nothing; id 0. */
	R_NUDGE = 231,
	/*
	 * u8 EVENT_ kinds; then, unless EVENT_OVERFLOW (nothing is told from
	 * now on), str the name before a rename or "", u8 whether boxes lie
	 * below the name, and all that R_BOX has.  With EVENT_METADATA the
	 * name before is the entry's; of EVENT_SERVER_METADATA it is all.
	 */
	R_EVENT = 232,
	/* u64 box or 0, str entry, u8 has a value, bytes value if so */
	R_META = 233,
	R_SETTINGS = 234, /* u8 1: save-sent */
	/* u32 segments, u64 their octets, u32 messages to be indexed */
	R_REINDEXED = 235
};

#endif
