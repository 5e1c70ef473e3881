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
 * Internet messages (RFC 5322, 2045-2047, 2231, 6532), worked out where they
 * enter and where no key is held.  The parser reads a message in pieces of
 * any size, in bounded memory and linear time, and makes a summary: what IMAP
 * and the list views of clients ask, without the message itself.  The reader
 * takes a summary as network input: mime_summary_open() checks all of it.
 * Text functions (decoding, folding, finding) stand in mime_text.h.
 *
 * Offsets are octets in the message as it was received.  A line ends with LF
 * (CR before it belongs to the end); a bare CR is an octet like any other.
 */

#ifndef MIME_H
#define MIME_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MIME_DEPTH_MAX 20             /* containers around a part */
#define MIME_PARTS_MAX 1000           /* parts; the last one is opaque */
#define MIME_FIELDS_MAX 1000          /* header fields looked at per part */
#define MIME_FIELD_MAX (32 * 1024)    /* octets looked at of one field */
#define MIME_HEADER_MAX (1024 * 1024) /* octets looked at of one header */
#define MIME_PARAMS_MAX 64            /* parameters of one field */
#define MIME_SUMMARY_MAX (256 * 1024) /* octets of a summary */
#define MIME_PREVIEW_MAX 200          /* characters of a preview */
#define MIME_BOUNDARY_MAX 256         /* octets; longer ones match nothing */
#define MIME_VALUE_MAX (16 * 1024)    /* enough for any envelope text */
#define MIME_VERSION 1

/* Not NUL-terminated; s is NULL where IMAP says NIL. */
struct mime_str {
	const char *s;
	size_t len;
};

/*
 * The parser.  _new() returns NULL for want of memory; _feed() takes any
 * pieces; _finish() returns the summary, which lives until _reset() (ready for
 * the next message, keeps its buffers) or _free(); NULL for want of memory.
 * Both wipe what they held.  Size and lines (LF) are of all that was fed.
 * Call mime_charset_init() (mime_text.h) before the sandbox: without it,
 * previews of text in other charsets than UTF-8 and Latin-1 are poor.
 */
struct mime_parser;
struct mime_parser *mime_parser_new(void);
void mime_parser_feed(struct mime_parser *, const void *, size_t);
const uint8_t *mime_parser_finish(struct mime_parser *, size_t *len);
uint64_t mime_parser_size(const struct mime_parser *);
uint64_t mime_parser_lines(const struct mime_parser *);
void mime_parser_reset(struct mime_parser *);
void mime_parser_free(struct mime_parser *); /* NULL is fine */

/*
 * The reader.  It allocates nothing and points into the octets it was given.
 * _open() checks every bound, the tree's shape, every range against size (the
 * message's octets), and that strings hold no NUL, CR, LF; -1 with EBADMSG if
 * anything is wrong, in which case the caller parses the message anew.  After
 * it nothing below can fail for what the summary says.
 */
struct mime_summary {
	uint64_t size;  /* octets of the message */
	uint64_t lines; /* LF in the message */
	int64_t date;   /* of the Date field: UTC seconds, if has_date */
	int zone;       /* and its zone: minutes east of UTC */
	bool has_date;
	bool has_nul;    /* the message has NUL octets: a rev1 literal not */
	bool limited;    /* a limit was reached */
	uint32_t nparts; /* at least 1: part 0 is the whole message */
	struct mime_str preview; /* UTF-8; single spaces; may be empty */
	const uint8_t *base, *parts, *strings, *headers, *threads; /* private */
	uint32_t strings_len, headers_len, threads_len, covered;
};
int mime_summary_open(
    struct mime_summary *, const void *, size_t len, uint64_t size);

enum mime_kind {
	MIME_LEAF = 0,
	MIME_MULTIPART = 1, /* has children, at least one */
	MIME_MESSAGE = 2    /* message/rfc822 or message/global: one child, the
			     * message in it */
};

/*
 * One part.  Parts stand in preorder: the children of i begin at i + 1, the
 * sibling after i is its end.  A header's range includes the empty line; the
 * body follows it at once, without the line end before the next boundary.
 * Parts whose header is absent have head_len 0.
 */
struct mime_part {
	uint32_t index;
	uint32_t parent; /* UINT32_MAX: part 0 */
	uint32_t end;    /* first index past the part and all below it */
	enum mime_kind kind;
	uint64_t head_off, head_len;
	uint64_t body_off, body_len;
	uint64_t body_lines;           /* LF in the body */
	struct mime_str type, subtype; /* never NULL; as written, default set */
	struct mime_str id, description, md5, location, disposition;
	struct mime_str encoding; /* never NULL; "7BIT" by default */
	const uint8_t *record;    /* private */
	size_t record_len;
};

void
mime_part_get(const struct mime_summary *, uint32_t index, struct mime_part *);
/* message/global (RFC 6532): a leaf where it is encoded. */
bool mime_part_is_global(const struct mime_part *);
enum mime_params { MIME_PARAMS_TYPE, MIME_PARAMS_DISPOSITION };
/* The next parameter, 1, or 0 at the end; *pos begins at 0.  RFC 2231
 * continuations are joined ("filename*" = "utf-8''..." if any is encoded). */
int mime_param_next(const struct mime_part *, enum mime_params, size_t *pos,
    struct mime_str *name, struct mime_str *value);
/* The next Content-Language tag, 1, or 0. */
int
mime_language_next(const struct mime_part *, size_t *pos, struct mime_str *tag);
/* A parameter of the type by name (any case); s NULL if there is none. */
struct mime_str
mime_param_find(const struct mime_part *, enum mime_params, const char *name);

/*
 * Section numbers of IMAP: path {1, 2, 3} is BODY[1.2.3].  n 0 is part 0.
 * The index, or -1 if there is no such part.  Then BODY[p] is the body's
 * range (n 0: the whole message), BODY[p.MIME] the header's.
 */
int mime_part_find(const struct mime_summary *, const uint32_t *path, size_t n);
/* The message whose HEADER and TEXT BODY[p.HEADER], BODY[p.TEXT] mean: its
 * index, with that header's and body's ranges; -1 if p is no message. */
int
mime_part_message(const struct mime_summary *, const uint32_t *path, size_t n);

/* Envelope, of part 0 or of the child of a MIME_MESSAGE. */
enum mime_field {
	MIME_DATE,
	MIME_SUBJECT,
	MIME_FROM,
	MIME_SENDER,
	MIME_REPLY_TO,
	MIME_TO,
	MIME_CC,
	MIME_BCC,
	MIME_IN_REPLY_TO,
	MIME_MESSAGE_ID
};

/* The unfolded text of the first such field in buf, cut at size; s NULL if
 * there is none.  No NUL, CR, LF; encoded-words stay as they are. */
struct mime_str mime_envelope_text(const struct mime_summary *, uint32_t part,
    enum mime_field, char *buf, size_t size);

/*
 * All fields of an envelope, found in one pass over the kept ones: the value
 * of the first of each name, as it stands (s NULL: none).  The functions take
 * it instead of a summary, and give the same.
 */
#define MIME_ENVELOPE_FIELDS 10
struct mime_envelope {
	const struct mime_summary *summary; /* private, all of it */
	uint32_t part;
	uint32_t many; /* bits of the fields that stand there twice */
	struct mime_str value[MIME_ENVELOPE_FIELDS];
};
void mime_envelope_find(
    struct mime_envelope *, const struct mime_summary *, uint32_t part);
struct mime_str mime_envelope_unfold(
    const struct mime_envelope *, enum mime_field, char *buf, size_t size);

/* Addresses, as ENVELOPE shows them: a group begins with host.s NULL and its
 * name as mailbox, and ends with both NULL.  A missing domain is "". */
struct mime_addr {
	struct mime_str name, adl, mailbox, host;
};
#define MIME_ADDR_MAX 1000 /* octets of one address's strings; more are cut */
struct mime_addr_iter {
	const struct mime_summary *summary; /* private, all of it */
	const char *p, *end;
	size_t pos;
	uint32_t part;
	enum mime_field field;
	bool group;
	char buf[4 * MIME_ADDR_MAX];
};
/* Sender and Reply-To default to From (RFC 3501 7.4.2).  The strings of an
 * address live until the next call.  1, or 0 at the end. */
void mime_addr_init(struct mime_addr_iter *, const struct mime_summary *,
    uint32_t part, enum mime_field);
/* The field itself, without a default: false if it holds nothing. */
bool mime_addr_init_found(
    struct mime_addr_iter *, const struct mime_envelope *, enum mime_field);
/* The same over a text (of LEN octets) that stands outside a summary. */
void mime_addr_init_text(struct mime_addr_iter *, const char *, size_t len);
int mime_addr_next(struct mime_addr_iter *, struct mime_addr *);

/*
 * Header fields of part 0, octet for octet ("Name: value CRLF", folds and
 * all).  _cover() says whether the summary knows all fields of that name, be
 * they none (-> HEADER.FIELDS is answered by _next() and an empty line);
 * otherwise the header is to be read from the body, through a mime_filter.
 * _next() goes through the kept fields in the message's order: 1, or 0.
 */
bool
mime_header_cover(const struct mime_summary *, const char *name, size_t len);
int mime_header_next(const struct mime_summary *, uint32_t part, size_t *pos,
    struct mime_str *name, struct mime_str *raw);

/*
 * HEADER.FIELDS and HEADER.FIELDS.NOT (inverse) over a header that streams
 * by: what passes is given to out in pieces.  The empty line at the end of the
 * header is not given: the caller adds CRLF.  Memory: names alone.
 */
struct mime_filter;
typedef void (*mime_out)(void *arg, const void *, size_t);
struct mime_filter *
mime_filter_new(const struct mime_str *names, size_t n, bool negate);
void mime_filter_feed(
    struct mime_filter *, const void *, size_t, mime_out, void *arg);
void mime_filter_end(struct mime_filter *, mime_out, void *arg);
void mime_filter_free(struct mime_filter *);

/* Message ids that References, In-Reply-To (or neither) name, oldest first,
 * then the message's own if own is set: without <>; 1, or 0 at the end. */
int mime_thread_next(
    const struct mime_summary *, size_t *pos, bool *own, struct mime_str *id);

/* Whether that id, after which pos stands so, is one of In-Reply-To. */
#define mime_thread_reply(pos) ((pos) >> 24 == 1)

/* RFC 5322 3.3 and 4.3: seconds UTC and minutes east; -1 if it is none. */
int mime_date_parse(const char *, size_t len, int64_t *seconds, int *zone);

#endif
