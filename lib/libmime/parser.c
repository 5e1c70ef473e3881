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
 * The parser: splits what it is fed into lines, finds boundaries, and makes
 * the tree of parts.  It believes nothing: every octet may come from an
 * attacker, in pieces of any size, and the outcome does not depend on them.
 *
 * A boundary is a whole line: "--", the boundary, "--" if it closes, white
 * space (RFC 2046 5.1.1).  Of several open multiparts the innermost that
 * matches wins; a boundary of an outer one closes all that is within.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "parser_local.h"

static void header_done(struct mime_parser *, uint64_t, uint64_t);
static void body_octets(struct mime_parser *, const char *, size_t);

static struct node *
node_add(struct mime_parser *p, uint32_t parent, uint64_t off)
{
	struct node *n;
	uint32_t room;

	if (p->n == p->room) {
		room = p->room == 0 ? 8 : p->room * 2;
		n = recallocarray(p->nodes, p->room, room, sizeof(*n));
		if (n == NULL) {
			p->failed = true;
			return NULL;
		}
		p->nodes = n;
		p->room = room;
	}
	n = &p->nodes[p->n];
	memset(n, 0, sizeof(*n));
	n->parent = parent;
	n->head_off = off;
	n->rec_off = (uint32_t)p->strings.len;
	n->hdr_off = (uint32_t)p->headers.len;
	p->now = p->n++;
	return n;
}

static void
header_open(struct mime_parser *p, uint32_t parent, uint64_t off)
{
	if (node_add(p, parent, off) == NULL)
		return;
	p->state = IN_HEADER;
	parser_header_start(p);
}

/*
 * The last part that there may be: it has no header and takes all the rest,
 * whatever boundaries stand in it.
 */
static void
opaque_open(struct mime_parser *p, uint32_t parent, uint64_t off)
{
	struct node *n;

	p->limited = true;
	if ((n = node_add(p, parent, off)) == NULL)
		return;
	parser_header_start(p);
	strlcpy(p->content.type, "application", sizeof(p->content.type));
	strlcpy(p->content.subtype, "octet-stream", sizeof(p->content.subtype));
	parser_header_end(p);
	n->body_off = off;
	n->lines = p->lines;
	p->state = SKIPPING;
}

static void
child_open(struct mime_parser *p, uint32_t parent, uint64_t off)
{
	/* One more may be needed for a multipart without parts. */
	if (p->n >= MIME_PARTS_MAX - 2)
		opaque_open(p, parent, off);
	else
		header_open(p, parent, off);
}

/*
 * Closes node i: its body ends at *off, before which *lines LF stand; not
 * before it began, in which case its parents end there too.
 */
static void
node_close(struct mime_parser *p, uint32_t i, uint64_t *off, uint64_t *lines)
{
	struct node *n = &p->nodes[i];

	if (*off < n->body_off) {
		*off = n->body_off;
		*lines = n->lines;
	}
	n->body_len = *off - n->body_off;
	n->lines = *lines - n->lines;
	n->end = p->n;
}

/*
 * A multipart without parts is not to be had in BODYSTRUCTURE: its body is
 * shown as one text part (RFC 3501's grammar wants at least one).
 */
static void
multipart_fill(
    struct mime_parser *p, uint32_t i, uint64_t *off, uint64_t *lines)
{
	struct node *n;

	if (p->nodes[i].kind != MIME_MULTIPART || p->n != i + 1)
		return;
	if ((n = node_add(p, i, p->nodes[i].body_off)) == NULL)
		return;
	parser_header_start(p);
	strlcpy(p->content.type, "text", sizeof(p->content.type));
	strlcpy(p->content.subtype, "plain", sizeof(p->content.subtype));
	parser_header_end(p);
	n->body_off = p->nodes[i].body_off;
	n->lines = p->nodes[i].lines;
	node_close(p, p->now, off, lines);
}

/* Closes whatever is open above level depth: bodies end at off. */
static void
levels_close(
    struct mime_parser *p, unsigned depth, uint64_t off, uint64_t lines)
{
	struct level *l;

	if (p->state == IN_HEADER)
		parser_field(p);
	while (p->state == IN_HEADER && !p->failed)
		header_done(p, p->line_off, p->lines);
	if (p->want)
		preview_stop(&p->preview);
	p->want = false;
	if (p->state != BETWEEN && !p->failed)
		node_close(p, p->now, &off, &lines);
	while (p->nlevels > depth && !p->failed) {
		l = &p->levels[--p->nlevels];
		if (l->multipart && !l->closed)
			p->open--;
		multipart_fill(p, l->node, &off, &lines);
		if (!p->failed)
			node_close(p, l->node, &off, &lines);
	}
	p->state = BETWEEN;
}

static void
level_push(struct mime_parser *p, bool multipart)
{
	struct level *l = &p->levels[p->nlevels++];

	l->node = p->now;
	l->multipart = multipart;
	l->closed = false;
	l->digest = multipart &&
	    name_is(p->content.subtype, strlen(p->content.subtype), "digest");
	l->len = multipart ? p->content.boundary_len : 0;
	memcpy(l->boundary, p->content.boundary, l->len);
	if (multipart)
		p->open++;
}

/* The header of p->now is over; p->line_off is where its body begins. */
static void
body_start(struct mime_parser *p)
{
	struct node *n = &p->nodes[p->now];
	struct leaf leaf;

	switch (n->kind) {
	case MIME_MULTIPART:
		level_push(p, true);
		p->state = BETWEEN;
		break;
	case MIME_MESSAGE:
		level_push(p, false);
		child_open(p, p->now, n->body_off);
		break;
	default:
		p->state = IN_BODY;
		leaf.type = p->content.type;
		leaf.subtype = p->content.subtype;
		leaf.attachment = p->content.attachment;
		leaf.charset = p->content.charset;
		leaf.coding = mime_coding_find(
		    p->content.encoding, strlen(p->content.encoding));
		p->want = preview_start(&p->preview, &leaf);
		break;
	}
}

/* The level whose boundary this line is, or -1. */
static int
boundary_find(
    const struct mime_parser *p, const char *s, size_t len, bool *close)
{
	const struct level *l;
	size_t rest;
	int i;

	while (len > 0 &&
	    (s[len - 1] == '\n' || s[len - 1] == '\r' || s[len - 1] == ' ' ||
		s[len - 1] == '\t'))
		len--;
	if (len < 3)
		return -1;
	for (i = (int)p->nlevels - 1; i >= 0; i--) {
		l = &p->levels[i];
		if (l->len == 0 || l->closed || len - 2 < l->len ||
		    memcmp(s + 2, l->boundary, l->len) != 0)
			continue;
		rest = len - 2 - l->len;
		if (rest == 0) {
			*close = false;
			return i;
		}
		if (rest == 2 && memcmp(s + len - 2, "--", 2) == 0) {
			*close = true;
			return i;
		}
	}
	return -1;
}

/* The line of len octets at s, which begins with "--": is it a boundary? */
static bool
boundary_line(struct mime_parser *p, const char *s, size_t len)
{
	uint64_t off, lines;
	bool close;
	int i;

	if ((i = boundary_find(p, s, len, &close)) == -1)
		return false;
	off = p->line_off - p->eol;
	lines = p->lines - (p->eol > 0 ? 1 : 0);
	levels_close(p, (unsigned)i + 1, off, lines);
	p->off += len;
	if (s[len - 1] == '\n')
		p->lines++;
	/*
	 * The end of a closing line may belong to an outer boundary that
	 * follows at once; the end of another is the boundary's own.
	 */
	p->eol = 0;
	if (close && s[len - 1] == '\n')
		p->eol = len > 1 && s[len - 2] == '\r' ? 2 : 1;
	if (close) {
		p->levels[i].closed = true;
		p->open--;
	} else
		child_open(p, p->levels[i].node, p->off);
	return true;
}

/* The line, now whole, is only its end: "\n" or "\r\n". */
static bool
blank(const struct mime_parser *p)
{
	return !p->more &&
	    (p->line_size == 1 || (p->line_size == 2 && p->line_first == '\r'));
}

/* Whether the header's first line, so far in p->field, is none of a header. */
static bool
no_header(const struct mime_parser *p, bool eol)
{
	const char *s = (const char *)p->field.p;
	size_t len = p->field.len, value;

	if ((!eol && len <= NAME_MAX_LEN + 2) || (eol && blank(p)))
		return false;
	if (len > 5 && (memcmp(s, "From ", 5) == 0 || *s == ' ' || *s == '\t'))
		return false;
	if (len > 6 && memcmp(s, ">From ", 6) == 0)
		return false;
	return field_name(s, len, &value) == 0;
}

/* The header of the node under way ends; its body begins at off. */
static void
header_done(struct mime_parser *p, uint64_t off, uint64_t lines)
{
	struct node *n = &p->nodes[p->now];

	parser_header_end(p);
	n->head_len = off - n->head_off;
	n->body_off = off;
	n->lines = lines;
	body_start(p);
}

/* How much of len more octets of a header is looked at. */
static size_t
header_room(const struct mime_parser *p, size_t len)
{
	uint64_t room = MIME_FIELD_MAX - p->field.len;

	if (p->header_size >= MIME_HEADER_MAX)
		return 0;
	if (room > MIME_HEADER_MAX - p->header_size)
		room = MIME_HEADER_MAX - p->header_size;
	return len < room ? len : (size_t)room;
}

/* The header under way is none: its first line, of which len octets are new,
 * begins the body. */
static void
header_absent(struct mime_parser *p, const char *s, size_t len)
{
	size_t before = (size_t)p->field_size - len;

	header_done(p, p->line_off, p->lines);
	if (p->state == IN_HEADER) /* of a message within: absent too */
		header_done(p, p->line_off, p->lines);
	if (p->state != IN_BODY)
		return;
	/* A new header empties the buffer, but leaves what it holds. */
	body_octets(p, (char *)p->field.p, before);
	body_octets(p, s, len);
}

/*
 * A piece of a header's line.  What stands before the empty line is the
 * header, garbage too; but a header whose first line is no field is absent.
 */
static void
header_octets(struct mime_parser *p, const char *s, size_t len, bool eol)
{
	if (p->first) {
		p->line_size = 0;
		p->line_first = *s;
		p->more = p->nlines > 0 && (*s == ' ' || *s == '\t');
		if (!p->more)
			parser_field(p);
	}
	if (buf_add(&p->field, s, header_room(p, len), MIME_FIELD_MAX) == -1)
		p->failed = true;
	p->field_size += len;
	p->line_size += len;
	p->header_size += len;
	if (p->nlines == 0 && no_header(p, eol)) {
		header_absent(p, s, len);
		return;
	}
	if (!eol)
		return;
	p->nlines++;
	if (blank(p))
		header_done(p, p->off + len, p->lines + 1);
}

static void
body_octets(struct mime_parser *p, const char *s, size_t len)
{
	if (p->want && !preview_feed(&p->preview, s, len))
		p->want = false;
}

/* A piece of a line that is no boundary. */
static void
line_octets(struct mime_parser *p, const char *s, size_t len)
{
	bool eol = s[len - 1] == '\n';

	if (p->state == IN_BODY)
		body_octets(p, s, len);
	else if (p->state == IN_HEADER)
		header_octets(p, s, len, eol);
	p->first = false;
	p->off += len;
	if (!eol) {
		p->last = (uint8_t)s[len - 1];
		return;
	}
	p->lines++;
	p->eol = 1;
	if (len > 1 ? s[len - 2] == '\r' : p->last == '\r')
		p->eol = 2;
	p->last = 0;
	p->line_off = p->off;
	p->mid = false;
	p->first = true;
}

/* The held start of a line turned out to be no boundary. */
static void
held_flush(struct mime_parser *p)
{
	size_t n = p->nheld;

	p->nheld = 0;
	if (n == 0)
		return;
	p->mid = true;
	line_octets(p, p->held, n);
}

/* The same, for a boundary. */
static void
boundary_taken(struct mime_parser *p)
{
	p->nheld = 0;
	p->last = 0;
	p->line_off = p->off;
	p->mid = false;
	p->first = true;
}

/*
 * A line that begins with '-', while multiparts are open: octets taken.  The
 * line is held until it is whole, or is seen to be no boundary.
 */
static size_t
dash_octets(struct mime_parser *p, const char *s, size_t len)
{
	const char *e = memchr(s, '\n', len);
	size_t n = e != NULL ? (size_t)(e - s) + 1 : len;

	if (p->nheld == 0 && e != NULL && n <= LINE_HELD) {
		if (n > 1 && s[1] == '-' && boundary_line(p, s, n))
			boundary_taken(p);
		else {
			p->mid = true;
			line_octets(p, s, n);
		}
		return n;
	}
	if (n > LINE_HELD - p->nheld)
		n = LINE_HELD - p->nheld;
	memcpy(p->held + p->nheld, s, n);
	p->nheld += n;
	if (p->held[p->nheld - 1] == '\n') {
		if (p->nheld > 1 && p->held[1] == '-' &&
		    boundary_line(p, p->held, p->nheld))
			boundary_taken(p);
		else
			held_flush(p);
	} else if (p->nheld == LINE_HELD || (p->nheld > 1 && p->held[1] != '-'))
		held_flush(p);
	return n;
}

static void
skip_octets(struct mime_parser *p, const char *s, size_t len)
{
	const char *e, *end = s + len;

	p->off += len;
	for (; (e = memchr(s, '\n', (size_t)(end - s))) != NULL; s = e + 1)
		p->lines++;
	if (len > 0)
		p->line_off = p->off; /* where it ends does not matter */
}

void
mime_parser_feed(struct mime_parser *p, const void *data, size_t len)
{
	const char *s = data, *e;
	size_t n;

	if (p->failed || p->finished)
		return;
	if (!p->nul && len > 0 && memchr(s, '\0', len) != NULL)
		p->nul = true;
	for (; len > 0 && !p->failed; s += n, len -= n) {
		if (p->state == SKIPPING && p->nheld == 0) {
			skip_octets(p, s, len);
			return;
		}
		if (!p->mid && p->open > 0 && (p->nheld > 0 || *s == '-')) {
			n = dash_octets(p, s, len);
			continue;
		}
		p->mid = true;
		e = memchr(s, '\n', len);
		n = e != NULL ? (size_t)(e - s) + 1 : len;
		line_octets(p, s, n);
	}
}

/* What is open ends with the message. */
void
parser_close(struct mime_parser *p)
{
	if (p->nheld > 0 && p->held[0] == '-' && p->nheld > 1 &&
	    boundary_line(p, p->held, p->nheld))
		boundary_taken(p);
	else
		held_flush(p);
	if (p->failed)
		return;
	if (p->state == IN_HEADER && p->field.len > 0 && p->nlines == 0 &&
	    no_header(p, true))
		header_absent(p, "", 0);
	p->line_off = p->off;
	levels_close(p, 0, p->off, p->lines);
}

struct mime_parser *
mime_parser_new(void)
{
	struct mime_parser *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	if (preview_init(&p->preview) == -1) {
		free(p);
		return NULL;
	}
	mime_parser_reset(p);
	return p;
}

void
mime_parser_reset(struct mime_parser *p)
{
	struct mime_parser old = *p;

	if (p->nodes != NULL)
		explicit_bzero(p->nodes, p->room * sizeof(*p->nodes));
	buf_wipe(&old.field);
	buf_wipe(&old.strings);
	buf_wipe(&old.headers);
	buf_wipe(&old.out);
	buf_wipe(&old.params.text);
	preview_reset(&p->preview);
	old.preview = p->preview;
	explicit_bzero(p, sizeof(*p));
	p->nodes = old.nodes;
	p->room = old.room;
	p->field = old.field;
	p->strings = old.strings;
	p->headers = old.headers;
	p->out = old.out;
	p->params.text = old.params.text;
	p->preview = old.preview;
	explicit_bzero(&old, sizeof(old));
	p->first = true;
	header_open(p, UINT32_MAX, 0);
}

void
mime_parser_free(struct mime_parser *p)
{
	if (p == NULL)
		return;
	buf_free(&p->field);
	buf_free(&p->strings);
	buf_free(&p->headers);
	buf_free(&p->out);
	buf_free(&p->params.text);
	preview_free(&p->preview);
	freezero(p->nodes, p->room * sizeof(*p->nodes));
	freezero(p, sizeof(*p));
}

uint64_t
mime_parser_size(const struct mime_parser *p)
{
	return p->off + p->nheld;
}

uint64_t
mime_parser_lines(const struct mime_parser *p)
{
	return p->lines;
}
