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
 * FETCH within imap-engine.  Rows, and where needed bodies, stream by once.
 * What one pass cannot answer (sections beyond the first chunk, or that
 * overlap in a large message; a summary that does not hold together) is asked
 * for again afterwards, message by message.
 */

#ifndef FETCH_H
#define FETCH_H

#include "engine.h"
#include "mime.h"
#include "mime_text.h"

/* What becomes of one BODY[...] of a message. */
enum piece_kind {
	PIECE_NIL,    /* no such part */
	PIECE_NONE,   /* not told: how it is encoded is not known */
	PIECE_MEMORY, /* off, len: in fetch->memory */
	PIECE_NUMBER, /* len is the answer itself (BINARY.SIZE) */
	PIECE_RANGE,  /* off, len: octets of the message */
	PIECE_FILTER  /* off, len: octets that are told as a filter leaves them:
		       * a header of whose fields some are wanted, or a part to
		       * be decoded */
};

struct piece {
	const struct imap_section *section;
	enum piece_kind kind;
	enum mime_coding coding; /* of BINARY */
	uint64_t off;
	uint64_t len;
	bool begun; /* its literal has been opened */
	bool nul;   /* of BINARY: there may be NUL in it */
};

enum fetch_step {
	FETCH_ROWS,  /* the one pass */
	SLOW_ROW,    /* one message: its row and summary */
	SLOW_PARSE,  /* its body, to make a summary anew */
	SLOW_RANGE,  /* chunks of a piece */
	SLOW_FILTER, /* a header through the filter */
	SLOW_COUNT   /* the same, to learn the length first */
};

struct fetch {
	enum fetch_step step;
	uint8_t items;  /* ROW_ */
	bool have_row;  /* its chunks are awaited */
	bool any;       /* the answer has an item: a space before the next */
	uint32_t chunk; /* the next of them */
	struct row row;
	struct imap_buf head;    /* the answer up to the sections */
	struct imap_buf summary; /* plain octets, while they come in pieces */
	struct imap_buf memory;
	struct piece *piece;
	size_t n;
	size_t now;     /* the piece at hand */
	uint64_t pos;   /* octets of it that were told */
	uint64_t total; /* SLOW_COUNT, SLOW_FILTER: octets that passed */
	struct filter *filter;
	bool unknown_cte; /* BINARY: what cannot be decoded was asked for */
	bool checking;    /* the pass of fetch_check.c, before the one */
	struct fetch_uids {
		struct imap_set set;
		size_t size;
		uint32_t seq; /* of the last of them */
	} good, bad;          /* is there what can be read? */
	struct mime_parser *parser;
	uint32_t *deferred; /* UIDs */
	size_t n_deferred, next, size;
};

/* A chunk as it came; chunk_open() makes its octets plain. */
struct chunk {
	uint32_t uid;
	uint8_t kind;
	bool last;
	uint32_t index;
	const uint8_t *p; /* of the plain octets; NULL: it does not open */
	size_t len;       /* of the plain octets */
	uint8_t codec;    /* of what came; 0: it is plain */
	const uint8_t *packed;
	size_t packed_len;
};

/* fetch_piece.c */
uint8_t fetch_rows_wanted(struct job *);
/* The answer up to the sections. */
void
fetch_put_head(struct job *, struct imap_buf *, const struct mime_summary *sum);
/* Works out f->piece, of n sections; true if any needs the body. */
bool fetch_plan(struct fetch *, const struct imap_section *, size_t n,
    const struct mime_summary *sum);
/* " BODY[...] {n}" or all of a piece that is short. */
void fetch_put_name(struct imap_buf *, const struct imap_section *);
void fetch_put_value(
    struct job *, const struct piece *, const uint8_t *, uint64_t len);
void fetch_put_memory(struct job *, struct piece *);
/* The answer is whole. */
void fetch_put_end(struct job *);
/* What a PIECE_FILTER goes through. */
struct filter;
struct filter *filter_new(const struct piece *);
void filter_feed(struct filter *, const void *, size_t, mime_out, void *arg);
void filter_end(struct filter *, mime_out, void *arg);
void filter_free(struct filter *);
/* Filters a whole header that is at hand. */
void fetch_put_filtered(struct job *, struct piece *, const uint8_t *);
/* Of total octets, what a partial leaves: from *first, *count. */
void fetch_partial(const struct imap_section *, uint64_t total, uint64_t *first,
    uint64_t *count);

/* Is it known how that section is encoded? */
bool fetch_decodes(const struct imap_section *, const struct mime_summary *);

/* fetch_check.c */
bool fetch_check_due(struct job *);
/* A row has come, with its summary, or NULL if that does not open. */
void fetch_check_row(struct job *, const struct mime_summary *);
/* Asks for what the pass has left to be asked for; false: nothing. */
bool fetch_check_next(struct job *);

/* fetch_slow.c */
void fetch_slow_next(struct job *);
void fetch_slow_rows(struct job *, struct msg *);
void fetch_slow_chunk(struct job *, const struct chunk *);
void fetch_slow_done(struct job *, enum vault_result);

/* fetch.c */
/* V_FETCH of these UIDs, or, where set is NULL, of what the command names. */
void fetch_ask(struct job *, uint8_t items, const struct imap_set *set);
int chunk_read(struct msg *, uint8_t codec, struct chunk *);
void chunk_open(struct chunk *);
int chunk_get(struct msg *, uint8_t codec, struct chunk *); /* both */
void fetch_defer(struct job *, uint32_t uid);
/* Reads what follows a row: a summary that came with it, in plain. */
const uint8_t *fetch_summary_get(struct msg *, const struct row *, size_t *len);
const uint8_t *summary_unpack(struct msg *, uint8_t codec, size_t *len);

#endif
