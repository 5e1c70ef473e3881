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
 * A child: serves the vault of one user until its wire ends.
 */

#include <sys/types.h>

#include <event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "msg.h"
#include "proc.h"

#include "../worker_wire.h"
#include "worker.h"

#define VERDICTS_MAX 4096 /* gathered before they are sent */

static struct {
	struct wire *vault;
	bool hello;
	struct query query;
	bool ended; /* no more candidates come */
	unsigned int open;
	struct {
		uint32_t handle;
		uint8_t match;
	} verdicts[VERDICTS_MAX];
	size_t n;
	/* A summary that comes as chunks, and whose it is. */
	struct candidate *waiting;
	uint8_t *summary;
	size_t summary_len;
	uint32_t summary_next;
} child;

static void child_message(struct wire *, struct msg *, void *);
static void child_gone(struct wire *, void *);

void
child_main(int fd)
{
	unpack_init();
	if ((child.summary = calloc(1, MIME_SUMMARY_MAX)) == NULL)
		fatal(NULL);
	child.vault = wire_new(fd, child_message, child_gone, NULL);
	event_dispatch();
	_exit(1);
}

static void
child_gone(struct wire *w, void *arg)
{
	_exit(0);
}

/* The vault is ours; if it speaks nonsense, the child is of no use. */
_Noreturn void
child_nonsense(const struct msg *msg)
{
	fatalx("wire to a vault: bad message type=%u", msg->type);
}

static void
verdicts_send(void)
{
	struct msgout *o;
	size_t i;

	if (child.n == 0)
		return;
	o = msg_new(child.vault, WORKER_VAULT_VERDICTS, child.query.id);
	for (i = 0; i < child.n; i++) {
		msg_put_u32(o, child.verdicts[i].handle);
		msg_put_u8(o, child.verdicts[i].match);
	}
	msg_send(o);
	child.n = 0;
}

void
child_verdict(const struct candidate *c, bool match)
{
	child.verdicts[child.n].handle = c->handle;
	child.verdicts[child.n].match = child.query.index ? build_verdict(c) :
							    match;
	child.open--;
	if (++child.n == VERDICTS_MAX)
		verdicts_send();
}

void
child_need(uint32_t handle, uint64_t first, uint64_t last)
{
	struct msgout *o;

	o = msg_new(child.vault, WORKER_VAULT_NEED, child.query.id);
	msg_put_u32(o, handle);
	msg_put_u32(o, (uint32_t)first);
	msg_put_u32(o, (uint32_t)last);
	msg_send(o);
}

/* Forgets the search and all text that was seen for it. */
static void
search_end(uint8_t result)
{
	struct msgout *o;
	uint32_t id = child.query.id;
	size_t i;

	verdicts_send();
	report_add(WORKER_SEARCHES, 1);
	report_tell();
	candidates_stop();
	build_stop();
	narrow_stop();
	if (child.waiting != NULL)
		candidate_free(child.waiting);
	child.waiting = NULL;
	for (i = 0; child.query.terms != NULL && i < child.query.n; i++) {
		if (child.query.terms[i].text != NULL)
			freezero(child.query.terms[i].text,
			    child.query.terms[i].len + 1);
	}
	free(child.query.terms);
	search_free(child.query.program);
	memset(&child.query, 0, sizeof(child.query));
	child.open = 0;
	child.ended = false;
	explicit_bzero(child.summary, MIME_SUMMARY_MAX);
	unpack_wipe();
	o = msg_new(child.vault, WORKER_VAULT_DONE, id);
	msg_put_u8(o, result);
	msg_send(o);
}

/* Folds a term as the text will be. */
static void
term_make(struct term *t, const struct search_node *node)
{
	char folded[3 * SEARCH_TEXT_MAX + 64];
	size_t n;

	n = mime_fold(node->text, node->text_len, folded, sizeof(folded));
	if (n > MIME_NEEDLE_MAX)
		n = MIME_NEEDLE_MAX; /* as far as can be compared */
	if ((t->text = malloc(n + 1)) == NULL)
		fatal(NULL);
	memcpy(t->text, folded, n);
	t->text[n] = '\0';
	t->len = n;
	explicit_bzero(folded, sizeof(folded));
}

static void
search_begin(struct msg *msg)
{
	const struct search_node *node;
	const uint8_t *p;
	size_t len, i;

	if (child.query.program != NULL || msg->id == 0)
		child_nonsense(msg);
	p = msg_get_rest(msg, &len);
	child.query.id = msg->id;
	child.query.program = search_decode(p, len);
	if (child.query.program == NULL) {
		search_end(1);
		return;
	}
	child.query.n = search_count(child.query.program);
	child.query.terms = calloc(child.query.n, sizeof(*child.query.terms));
	if (child.query.terms == NULL)
		fatal(NULL);
	for (i = 0; i < child.query.n; i++) {
		node = search_node(child.query.program, i);
		if (search_is_text_leaf(node->kind) && node->text != NULL)
			term_make(&child.query.terms[i], node);
	}
	candidates_start(&child.query);
}

static void
index_begin(const struct msg *msg)
{
	if (child.query.program != NULL || msg->id == 0)
		child_nonsense(msg);
	child.query.id = msg->id;
	build_start(&child.query);
	candidates_start(&child.query);
}

static void
index_end(void)
{
	search_end(0);
}

static void
truth_get(struct msg *msg, struct candidate *c)
{
	size_t i, n = msg_get_u16(msg);

	if (msg->bad || n != child.query.n)
		child_nonsense(msg);
	if ((c->truth = calloc(1, n)) == NULL)
		fatal(NULL);
	if (msg_get_raw(msg, c->truth, n) == -1)
		child_nonsense(msg);
	for (i = 0; i < n; i++) {
		if (c->truth[i] > SEARCH_MAYBE)
			child_nonsense(msg);
	}
}

void
child_packed(struct msg *msg, struct packed *packed)
{
	packed->compressed = msg_get_u8(msg) != 0;
	packed->plain_len = msg_get_u32(msg);
	packed->p = msg_get_bytes(msg, &packed->len, CHUNK_SIZE);
	if (msg->bad)
		child_nonsense(msg);
}

static void
candidate_get(struct msg *msg)
{
	struct packed body = {NULL, 0, 0, false}, packed = body;
	const uint8_t *summary = NULL;
	struct candidate *c;
	uint8_t known;

	if (child.open >= WORKER_CANDIDATES_MAX || child.waiting != NULL)
		child_nonsense(msg);
	if ((c = calloc(1, sizeof(*c))) == NULL)
		fatal(NULL);
	c->handle = msg_get_u32(msg);
	c->size = msg_get_u64(msg);
	(void)msg_get_i64(msg);
	c->codec = msg_get_u8(msg);
	truth_get(msg, c);
	known = msg_get_u8(msg);
	if (known == 1) {
		child_packed(msg, &packed);
		summary = unpack(UNPACK_SUMMARY, c->codec, packed.compressed,
		    packed.p, packed.len, packed.plain_len);
	}
	if (msg_get_u8(msg) == 1)
		child_packed(msg, &body);
	if (msg->bad || known > 2 || (known == 2 && msg->off < msg->len))
		child_nonsense(msg);
	child.open++;
	report_add(WORKER_MESSAGES, 1);
	if (known == 2) {
		child.waiting = c;
		child.summary_len = 0;
		child.summary_next = 0;
		return;
	}
	candidate_begin(c, summary, packed.plain_len, &body);
}

/* A piece of the summary that child.waiting waits for. */
static void
summary_piece(const struct msg *msg, const uint8_t *p, size_t len,
    uint32_t index, bool last)
{
	struct packed none = {NULL, 0, 0, false};
	struct candidate *c = child.waiting;

	if (index != child.summary_next++)
		child_nonsense(msg);
	if (p == NULL || len > MIME_SUMMARY_MAX - child.summary_len) {
		/* Damaged: the body tells. */
		child.summary_len = 0;
		p = child.summary;
		len = 0;
	}
	memcpy(child.summary + child.summary_len, p, len);
	child.summary_len += len;
	if (!last)
		return;
	child.waiting = NULL;
	candidate_begin(c, child.summary, child.summary_len, &none);
}

static void
chunk_get(struct msg *msg)
{
	uint32_t handle = msg_get_u32(msg);
	uint8_t kind = msg_get_u8(msg);
	bool compressed = msg_get_u8(msg) != 0;
	bool last = msg_get_u8(msg) != 0;
	uint32_t index = msg_get_u32(msg);
	size_t plain_len = msg_get_u32(msg), len;
	const uint8_t *p = msg_get_rest(msg, &len);

	if (msg->bad)
		child_nonsense(msg);
	if (kind == WORKER_CHUNK_SUMMARY) {
		if (child.waiting == NULL || child.waiting->handle != handle)
			child_nonsense(msg);
		p = unpack(UNPACK_SUMMARY, child.waiting->codec, compressed, p,
		    len, plain_len);
		summary_piece(msg, p, plain_len, index, last);
		return;
	}
	p = unpack(UNPACK_BODY, candidate_codec(handle), compressed, p, len,
	    plain_len);
	if (p == NULL) {
		/* It does not open: as if it were empty, which finds nothing.
		 */
		static const uint8_t nothing[CHUNK_SIZE];

		p = nothing;
		if (plain_len > CHUNK_SIZE)
			plain_len = 0;
	}
	if (candidate_chunk(handle, index, last, p, plain_len) == -1)
		child_nonsense(msg);
}

static void
gone_get(struct msg *msg)
{
	uint32_t handle = msg_get_u32(msg);

	if (msg_end(msg) == -1)
		child_nonsense(msg);
	if (child.waiting != NULL && child.waiting->handle == handle) {
		candidate_free(child.waiting);
		child.waiting = NULL;
		child.open--;
	} else if (candidate_gone(handle))
		child.open--;
}

static void
child_dispatch(struct msg *msg)
{
	if (msg->type == VAULT_WORKER_SORT && child.query.program == NULL) {
		rows_begin(msg);
		return;
	}
	if (rows_sorting(msg->id)) {
		rows_message(msg, child.vault);
		return;
	}
	/* Nothing more comes into a segment whose pages are on their way. */
	if (build_closed() && msg->type != VAULT_WORKER_CANCEL) {
		if (msg->type != VAULT_WORKER_CHUNK &&
		    msg->type != VAULT_WORKER_GONE)
			child_nonsense(msg);
		return;
	}
	switch (msg->type) {
	case VAULT_WORKER_SEARCH:
		search_begin(msg);
		return;
	case VAULT_WORKER_CANDIDATES:
		while (msg->off < msg->len)
			candidate_get(msg);
		break;
	case VAULT_WORKER_CHUNK:
		chunk_get(msg);
		break;
	case VAULT_WORKER_GONE:
		gone_get(msg);
		break;
	case VAULT_WORKER_END:
		child.ended = true;
		break;
	case VAULT_WORKER_CANCEL:
		search_end(0);
		return;
	case VAULT_WORKER_INDEX:
		index_begin(msg);
		return;
	case VAULT_WORKER_SEGMENT:
		if (narrow_segment(&child.query, child.vault, msg) == -1)
			child_nonsense(msg);
		return;
	case VAULT_WORKER_PAGE:
		if (narrow_page(&child.query, child.vault, msg) == -1)
			child_nonsense(msg);
		return;
	default:
		child_nonsense(msg);
	}
	verdicts_send();
	if (!child.ended || child.waiting != NULL || !candidates_empty())
		return;
	if (child.query.index)
		build_finish(child.vault, child.query.id, index_end);
	else
		search_end(0);
}

static void
child_message(struct wire *w, struct msg *msg, void *arg)
{
	if (!child.hello) {
		if (msg->type != VAULT_WORKER_HELLO ||
		    msg_get_u32(msg) != WORKER_WIRE_VERSION ||
		    msg_end(msg) == -1)
			child_nonsense(msg);
		child.hello = true;
		return;
	}
	/* What comes after a search ended (or was not valid) is of no use. */
	if (msg->type != VAULT_WORKER_SEARCH &&
	    msg->type != VAULT_WORKER_SORT && !rows_sorting(msg->id) &&
	    msg->type != VAULT_WORKER_INDEX &&
	    (child.query.program == NULL || msg->id != child.query.id))
		return;
	child_dispatch(msg);
}
