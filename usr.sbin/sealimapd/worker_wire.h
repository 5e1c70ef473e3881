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
 * The wires of imap-worker: its master forks a child per user, whose vault
 * then asks it about messages.  The child sees that user's text while it
 * works and nothing else; the vault takes only yes, no and chunk numbers from
 * it.  Names: FROM_TO_WHAT; payload in the order given; str and bytes carry a
 * u32 length, raw does not.
 *
 * A search.  SEARCH gives the program (search.h), CANDIDATES the messages that
 * the vault's own leaves left open, END says there are no more.  The worker
 * answers every candidate by one verdict, in any order, and END by DONE.  To
 * see a body it asks for chunks (NEED) and gets them as CHUNK, the handles and
 * ranges in the order in which it asked, one after another.  At most
 * WORKER_CANDIDATES_MAX candidates are without a verdict at any time (ended by
 * GONE counts as verdict): the vault waits before it sends more.  One search
 * at a time; ids are the vault's, of the search, not 0.
 */

#ifndef WORKER_WIRE_H
#define WORKER_WIRE_H

#define WORKER_WIRE_VERSION 1

#define WORKER_CANDIDATES_MAX 256    /* without a verdict */
#define WORKER_INDEX_DOCS 4096       /* messages of a segment */
#define WORKER_INDEX_PAGE 32768      /* octets of a page */
#define WORKER_INDEX_HINT 16384      /* octets */
#define WORKER_INDEX_ASKED 64        /* pages of one PAGES */
#define WORKER_INDEX_LEAVES 8        /* of one POSSIBLE */
#define WORKER_TEXT_VERSION 2        /* of the text that is indexed */
#define WORKER_CHUNK_END 0xffffffffU /* NEED: to the last chunk */

/* u8 kind of a chunk */
#define WORKER_CHUNK_BODY 0
#define WORKER_CHUNK_SUMMARY 1

enum worker_wire {
	/*
	 * imap-store master -> worker master: descriptor: the end of a wire
	 * whose other end the vault gets.  u32 version, u8 1: what it is for
	 * can wait for all else.  A child serves it
	 * until EOF; with no child to be had, the descriptor is closed.
	 */
	STORE_WORKER_OPEN = 1,

	/* ---- vault -> worker child ---- */

	/* The first message: u32 version. */
	VAULT_WORKER_HELLO = 10,
	/* A search begins: the rest is a program as search_encode() packs it.
	 */
	VAULT_WORKER_SEARCH = 11,
	/*
	 * Candidates, to the end of the message; each: u32 handle (the
	 * vault's, not in use), u64 size, i64 internal date, u8 codec (0, 1
	 * deflate, 2 zstd), u16 n (nodes of the program), raw[n] truth of each
	 * node (search_eval_store), u8 what is known of the summary:
	 *   0 nothing: the worker parses the body,
	 *   1 it follows whole: u8 compressed, u32 plain length, bytes;
	 *   2 it follows as CHUNKs right after this message (this candidate is
	 *     then its last);
	 * u8 what is here of the body:
	 *   0 nothing,
	 *   1 chunk 0: u8 compressed, u32 plain length, bytes.  The vault
	 *     sends it along where it is small and a BODY or TEXT leaf matters.
	 */
	VAULT_WORKER_CANDIDATES = 12,
	/*
	 * A chunk: u32 handle, u8 kind, u8 compressed, u8 last (of the blob's
	 * body, or of its summary), u32 index, u32 plain length, then the
	 * rest: octets.  Chunks of a handle that has its verdict are ignored,
	 * so the vault may but need not stop them.
	 */
	VAULT_WORKER_CHUNK = 13,
	/* u32 handle: it cannot be read or is expunged; no verdict, please. */
	VAULT_WORKER_GONE = 14,
	/* No more candidates. */
	VAULT_WORKER_END = 15,
	/* The search is no longer wanted: answered by DONE at once. */
	VAULT_WORKER_CANCEL = 16,
	/*
	 * A segment of the index begins; then CANDIDATES with one node, which
	 * is SEARCH_MAYBE, and END as for a search.  Each verdict is enum
	 * worker_indexed; a message that is IN gets the next number, from 0,
	 * in the order of the verdicts.  After END: PAGEs, HINT, DONE.
	 */
	VAULT_WORKER_INDEX = 17,
	/*
	 * In a search, before its candidates, one at a time: what does the
	 * index say?  u32 segment (the vault's), u32 messages (at most
	 * WORKER_INDEX_DOCS), u32 pages, bytes hint.  Answered by POSSIBLE.
	 */
	VAULT_WORKER_SEGMENT = 18,
	/* What PAGES asked for, in that order: u32 page, bytes; none: it
	 * cannot be read. */
	VAULT_WORKER_PAGE = 19,

	/*
	 * A sort or threading begins (never within a search): u8 enum
	 * sort_how, u8 n, raw[n] criteria (search.h).
	 */
	VAULT_WORKER_SORT = 30,
	/*
	 * The messages, in the order of their numbers, to the end of the
	 * message; each: u32 uid, u64 size, i64 internal date, u8 codec, u8
	 * what is known of the summary:
	 *   0 nothing, and nothing can be,
	 *   1 it follows whole: u8 compressed, u32 plain length, bytes;
	 *   2 it follows as CHUNKs right after this message (this one is then
	 *     its last);
	 *   3 the first CHUNK of the body follows instead, likewise;
	 *   4 it is not needed.
	 */
	VAULT_WORKER_ROWS = 31,
	/* No more rows: the answer, and DONE (1: too much to sort). */
	VAULT_WORKER_ROWS_END = 32,

	/* ---- worker child -> vault ---- */

	/* To the end of the message: u32 handle, u8 match (0, 1). */
	WORKER_VAULT_VERDICTS = 20,
	/* u32 handle, u32 first, u32 last chunk (or WORKER_CHUNK_END). */
	WORKER_VAULT_NEED = 21,
	/* All verdicts were given, or the search was cancelled.  u8 0; or 1:
	 * the program was not valid. */
	WORKER_VAULT_DONE = 22,
	/* Of the segment: u16 n (at most WORKER_INDEX_ASKED), n u32 pages. */
	WORKER_VAULT_PAGES = 23,
	/*
	 * u32 segment, u16 n (at most WORKER_INDEX_LEAVES; 0: the index does
	 * not help here), then n times: u16 node, raw a bit of each message:
	 * could that leaf be true of it?  Bit i is of octet i / 8, 1 << i % 8.
	 */
	WORKER_VAULT_POSSIBLE = 24,
	/* The next page of the segment that is made: the rest, octets. */
	WORKER_VAULT_PAGE = 25,
	/* After the last page: what says which page holds what: the rest. */
	WORKER_VAULT_HINT = 26,

	/* To the end of the message: u32 uid, in order; may come in several. */
	WORKER_VAULT_SORTED = 40,
	/*
	 * To the end of the message, each: u32 uid, or 0 where messages that
	 * are siblings have no parent here; u32 THREAD_PLACE().  Parents stand
	 * before what follows them.
	 */
	WORKER_VAULT_THREADED = 41
};

enum worker_indexed {
	WORKER_INDEXED_NOT = 0, /* it cannot be, now or later */
	WORKER_INDEXED_IN = 1,
	WORKER_INDEXED_FULL = 2 /* no room: in the next segment, please */
};

#endif
