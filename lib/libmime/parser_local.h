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
 * State of the parser: parser.c splits lines and makes the tree, field.c
 * takes in header fields, encode.c writes the summary.
 */

#ifndef PARSER_LOCAL_H
#define PARSER_LOCAL_H

#include "mime_local.h"

#define LINE_HELD 1024 /* a longer line is no boundary */

struct node {
	uint64_t head_off, head_len, body_off, body_len;
	uint64_t lines; /* LF in the body; until it is closed: before it */
	uint32_t parent, end;
	uint32_t rec_off, rec_len, hdr_off, hdr_len;
	uint8_t kind, flags;
};

/* An open container. */
struct level {
	uint32_t node;
	bool multipart, digest;
	bool closed; /* the closing boundary was seen */
	size_t len;  /* of the boundary; 0: none that could match */
	char boundary[MIME_BOUNDARY_MAX];
};

enum parser_state {
	IN_HEADER,
	IN_BODY,
	BETWEEN, /* before the first, after the last part of a multipart */
	SKIPPING /* a limit: the last part takes the rest */
};

/* What the fields of the header under way have said. */
struct content {
	char type[TOKEN_MAX + 1], subtype[TOKEN_MAX + 1];
	char encoding[TOKEN_MAX + 1];
	char boundary[MIME_BOUNDARY_MAX];
	size_t boundary_len;
	int charset;
	bool attachment;
	uint32_t seen; /* bits: 1 << tag */
};

struct mime_parser {
	struct node *nodes;
	uint32_t n, room;
	struct level levels[MIME_DEPTH_MAX + 1];
	unsigned nlevels, open; /* open: multiparts whose boundary may come */
	enum parser_state state;
	uint32_t now; /* the node whose header or body is read */

	/* lines */
	uint64_t off, line_off, lines;
	bool mid;     /* within a line whose start has been handled */
	bool first;   /* the next piece is the first of its line */
	uint8_t last; /* octet before, within the line */
	uint8_t eol;  /* octets of the line end before this line */
	char held[LINE_HELD];
	size_t nheld;

	/* the header under way */
	struct buf field;
	uint64_t field_size; /* octets of the field, also those not kept */
	uint64_t line_size;  /* of the line under way */
	char line_first;     /* its first octet */
	uint64_t header_size;
	uint32_t nfields, nlines;
	bool more; /* the line under way continues a field */
	struct content content;
	struct params params;

	struct buf strings, headers, out;
	struct preview preview;
	bool want; /* the body under way goes to the preview */
	bool nul, limited, failed, finished;
	bool has_date;
	int64_t date;
	int zone;
};

void parser_header_start(struct mime_parser *);
/* A whole field is in p->field (or nothing). */
void parser_field(struct mime_parser *);
/* The header is over: writes the record; sets the node's kind. */
void parser_header_end(struct mime_parser *);
/* The message is over: closes all that is open. */
void parser_close(struct mime_parser *);

#endif
