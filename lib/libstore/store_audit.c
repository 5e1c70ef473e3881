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
 * The audit: box by box, message by message, chunk by chunk, then the log,
 * segment by segment, and at last what the log folds to.  Places are kept as
 * box id, UID and segment, which hold whatever sessions do in between.
 */

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_audit.h"
#include "store_keyless.h"
#include "store_refold.h"

#define SLICE_OCTETS (4 << 20) /* of bodies in one step */
#define SLICE_MESSAGES 64

struct store_audit {
	struct store *st;
	store_audit_found found;
	void *arg;
	struct store_audited sum;
	uint64_t box; /* at work; 0: the log */
	uint32_t uid; /* the next is above */
	bool counted; /* the box's columns were looked at */
	struct store_body *body;
	enum store_kind kind; /* of the next chunk */
	uint32_t chunk;
	uint64_t plain; /* octets of the body so far */
	uint8_t *buf;
	struct segment_name *segments; /* NULL until the log's turn */
	size_t nsegments;
	size_t segment;
	bool logged;         /* they are all done */
	struct refold *fold; /* NULL until its turn */
};

struct store_audit *
store_audit_new(struct store *st, store_audit_found found, void *arg)
{
	struct store_audit *a;
	size_t i;

	a = calloc(1, sizeof(*a));
	if (a == NULL || (a->buf = malloc(STORE_CHUNK)) == NULL) {
		free(a);
		return NULL;
	}
	a->st = st;
	a->found = found;
	a->arg = arg;
	for (i = 0; i < st->nboxes; i++)
		a->sum.total += st->boxes[i]->pub.messages;
	a->box = st->nboxes > 0 ? st->boxes[0]->pub.id : 0;
	return a;
}

void
store_audit_free(struct store_audit *a)
{
	if (a == NULL)
		return;
	store_body_close(a->body);
	freezero(a->buf, STORE_CHUNK);
	free(a->segments);
	refold_free(a->fold);
	free(a);
}

void
store_audit_state(const struct store_audit *a, struct store_audited *out)
{
	*out = a->sum;
}

static void
found(struct store_audit *a, const char *box, uint32_t uid, const char *what)
{
	a->sum.findings++;
	a->found(a->arg, box, uid, what);
}

static void
tell_found(void *arg, const char *box, uint32_t uid, const char *what)
{
	found(arg, box, uid, what);
}

/* The counts of a box are what its column adds up to. */
static void
check_counts(struct store_audit *a, struct box *b)
{
	const struct store_msg *m;
	uint64_t size;
	uint32_t unseen, deleted, last;
	size_t i;

	size = 0;
	unseen = deleted = last = 0;
	for (i = 0; i < b->n; i++) {
		m = col_at(b, i);
		if (m->uid <= last)
			found(
			    a, b->pub.name, m->uid, "its UID is out of order");
		last = m->uid;
		unseen += (m->flags & STORE_SEEN) == 0;
		deleted += (m->flags & STORE_DELETED) != 0;
		size += m->size;
		if (m->modseq > b->pub.modseq)
			found(a, b->pub.name, m->uid,
			    "its MODSEQ is above its mailbox's");
	}
	if (b->pub.messages != b->n || b->pub.unseen != unseen ||
	    b->pub.deleted != deleted || b->pub.size != size)
		found(a, b->pub.name, 0, "its counts are not its messages'");
	if (last >= b->pub.uidnext)
		found(a, b->pub.name, last, "its UID is not below UIDNEXT");
}

static void
message_end(struct store_audit *a, const char *what)
{
	const struct box *b = box_find(a->st, a->box);

	store_body_close(a->body);
	a->body = NULL;
	a->sum.done++;
	if (what != NULL && b != NULL)
		found(a, b->pub.name, a->uid, what);
}

/* The file's table, and what the snapshot has of the summary. */
static enum store_result
message_begin(struct store_audit *a, const struct store_msg *m)
{
	struct store_chunk chunks[STORE_SUMMARY_CHUNKS];
	enum store_result result;
	size_t n;

	a->uid = m->uid;
	a->kind = STORE_BODY;
	a->chunk = 0;
	a->plain = 0;
	result = store_body_open(a->st, a->box, a->uid, &a->body);
	if (result == STORE_LIMIT)
		return result; /* sessions have so many open: later */
	if (result != STORE_OK) {
		message_end(a,
		    result == STORE_CORRUPT ?
			"its file is missing, damaged or another's" :
			store_strerror(result));
		return STORE_OK;
	}
	n = STORE_SUMMARY_CHUNKS;
	if (store_summary(a->st, a->box, a->uid, chunks, &n) != STORE_OK)
		found(a, box_find(a->st, a->box)->pub.name, a->uid,
		    "its summary does not open");
	return STORE_OK;
}

/* One chunk of the body or the summary; octets. */
static size_t
message_chunk(struct store_audit *a)
{
	const struct store_msg *m;
	struct store_chunk c;

	if (a->chunk >= store_body_chunks(a->body, a->kind)) {
		a->chunk = 0;
		if (a->kind == STORE_BODY) {
			a->kind = STORE_SUMMARY;
			return 0;
		}
		m = store_msg_find(a->st, a->box, a->uid, NULL);
		message_end(a,
		    m != NULL && m->size != a->plain ?
			"its size is not its body's" :
			NULL);
		return 0;
	}
	if (store_body_read(a->body, a->kind, a->chunk, a->buf, STORE_CHUNK,
		&c) != STORE_OK) {
		message_end(a,
		    a->kind == STORE_BODY ?
			"a piece of its body does not open" :
			"a piece of its summary does not open");
		return STORE_CHUNK;
	}
	if (a->kind == STORE_BODY)
		a->plain += c.plain;
	a->chunk++;
	a->sum.octets += c.len;
	return c.len;
}

static void
next_box(struct store_audit *a)
{
	uint64_t next = 0;
	size_t i;

	for (i = 0; i < a->st->nboxes && next == 0; i++) {
		if (a->st->boxes[i]->pub.id > a->box)
			next = a->st->boxes[i]->pub.id;
	}
	a->box = next;
	a->uid = 0;
	a->counted = false;
}

static enum store_result
boxes_step(struct store_audit *a)
{
	enum store_result result;
	struct box *b;
	size_t octets, pos;
	unsigned int n;
	bool same;

	for (octets = n = 0; octets < SLICE_OCTETS && n < SLICE_MESSAGES;) {
		if (a->body != NULL) {
			octets += message_chunk(a);
			n += a->body == NULL;
			continue;
		}
		b = box_find(a->st, a->box);
		if (b != NULL && col_load(a->st, b) == -1) {
			found(a, b->pub.name, 0, "its columns do not open");
			b = NULL;
		}
		if (b != NULL && !a->counted)
			check_counts(a, b);
		a->counted = true;
		pos = b == NULL ? 0 : col_find(b, a->uid + 1, &same);
		if (b == NULL || pos >= b->n) {
			next_box(a);
			return STORE_OK;
		}
		result = message_begin(a, col_at(b, pos));
		if (result != STORE_OK) {
			a->uid--;
			return STORE_OK;
		}
		n += a->body == NULL;
	}
	return STORE_OK;
}

/* Each frame opens under the chain that it continues. */
static void
check_frames(struct store_audit *a, const struct segment *s, const char *file)
{
	struct seal_frame f;
	uint8_t chain[SEAL_CHAIN_LEN], key[SEAL_KEY_LEN], *out;
	size_t at, len;
	int r;

	memcpy(chain, s->chain, sizeof(chain));
	for (at = SEG_HEADER; at < s->end; at += f.len) {
		if (seal_frame_parse(s->data + at, s->end - at, &f) == -1)
			break;
		out = malloc(f.len);
		r = out == NULL || log_key(a->st, f.epoch, key) == -1 ?
		    -1 :
		    seal_frame_open(key, &f, chain, s->data + at, out, &len);
		explicit_bzero(key, sizeof(key));
		freezero(out, f.len);
		if (r == -1) {
			found(a, NULL, 0, file);
			return;
		}
		a->sum.frames++;
	}
}

static enum store_result
log_step(struct store_audit *a)
{
	const struct segment_name *name;
	struct segment s;
	char file[64], what[128];
	int fd;

	fd = sys_open(a->st->acct, "log", O_RDONLY | O_DIRECTORY);
	if (fd == -1)
		return sys_result();
	if (a->segments == NULL &&
	    segment_list(fd, &a->segments, &a->nsegments) == -1) {
		(void)close(fd);
		return sys_result();
	}
	if (a->segment < a->nsegments) {
		name = &a->segments[a->segment++];
		segment_read(fd, name, a->st->account, &s);
		segment_print(name, file, sizeof(file));
		(void)snprintf(
		    what, sizeof(what), "log/%s: a frame does not open", file);
		/* One that a checkpoint has retired meanwhile is gone. */
		if (s.state == SEGMENT_GOOD || s.state == SEGMENT_TORN)
			check_frames(a, &s, what);
		else if (s.state != SEGMENT_IO || errno != ENOENT) {
			(void)snprintf(what, sizeof(what),
			    "log/%s: damaged (sealctl verify)", file);
			found(a, NULL, 0, what);
		}
		free(s.data);
	}
	(void)close(fd);
	a->logged = a->segment >= a->nsegments;
	return STORE_OK;
}

enum store_result
store_audit_step(struct store_audit *a, bool *more)
{
	*more = true;
	/* What a copy has placed so far is not told, nor is it an error. */
	if (a->st->copying != NULL)
		return STORE_OK;
	if (a->box != 0)
		return boxes_step(a);
	if (!a->logged)
		return log_step(a);
	if (a->fold == NULL) {
		a->fold = refold_new(a->st, tell_found, a);
		return a->fold == NULL ? sys_result() : STORE_OK;
	}
	return refold_step(a->fold, more);
}
