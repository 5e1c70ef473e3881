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
 * The messages to be sorted, as the vault shows them one after the other, and
 * what is told it at the end.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "worker.h"

#include "../worker_wire.h"
#include "sort.h"

#define TOLD_MAX 8000 /* gathered before they are sent */

static struct {
	uint32_t id; /* of the search; 0: none */
	struct mime_parser *parser;
	struct { /* a row whose chunks come */
		bool waits, body;
		uint32_t uid, next;
		uint64_t size;
		int64_t arrival;
		uint8_t codec;
	} row;
	uint8_t *summary; /* of chunks */
	size_t summary_len;
	struct wire *vault; /* while results are told */
	struct msgout *out;
	size_t told;
} state;

void
rows_stop(void)
{
	if (state.id != 0)
		sort_stop();
	mime_parser_free(state.parser);
	if (state.summary != NULL)
		freezero(state.summary, MIME_SUMMARY_MAX);
	memset(&state, 0, sizeof(state));
}

static void
rows_end(struct wire *vault, uint8_t result)
{
	struct msgout *o;
	uint32_t id = state.id;

	report_add(WORKER_SORTS, 1);
	report_tell();
	rows_stop();
	unpack_wipe();
	o = msg_new(vault, WORKER_VAULT_DONE, id);
	msg_put_u8(o, result);
	msg_send(o);
}

void
rows_begin(struct msg *msg)
{
	const uint8_t *criteria;
	uint8_t how;
	size_t n, len;

	how = msg_get_u8(msg);
	n = msg_get_u8(msg);
	criteria = msg_get_rest(msg, &len);
	if (msg->bad || len != n || state.id != 0 || msg->id == 0 ||
	    sort_begin(how, criteria, n) == -1)
		child_nonsense(msg);
	state.id = msg->id;
}

bool
rows_sorting(uint32_t id)
{
	return state.id != 0 && state.id == id;
}

static void
told(uint32_t type, size_t size)
{
	if (state.out == NULL || ++state.told > TOLD_MAX ||
	    msg_room(state.out) < size) {
		if (state.out != NULL)
			msg_send(state.out);
		state.out = msg_new(state.vault, type, state.id);
		state.told = 1;
	}
}

void
child_sorted(uint32_t uid)
{
	told(WORKER_VAULT_SORTED, 4);
	msg_put_u32(state.out, uid);
}

void
child_threaded(uint32_t uid, uint32_t place)
{
	told(WORKER_VAULT_THREADED, 8);
	msg_put_u32(state.out, uid);
	msg_put_u32(state.out, place);
}

/* The row under way, with what has been found to be its summary. */
static void
row_done(const uint8_t *p, size_t len)
{
	struct mime_summary s;
	bool ok;

	/* One that does not hold together is as good as none. */
	ok = p != NULL && mime_summary_open(&s, p, len, state.row.size) == 0;
	sort_row(
	    state.row.uid, state.row.size, state.row.arrival, ok ? &s : NULL);
	state.row.waits = false;
	report_add(WORKER_MESSAGES, 1);
}

static void
row_get(struct msg *msg)
{
	struct packed packed = {NULL, 0, 0, false};
	const uint8_t *p;
	uint8_t known;

	if (state.row.waits)
		child_nonsense(msg);
	memset(&state.row, 0, sizeof(state.row));
	state.row.uid = msg_get_u32(msg);
	state.row.size = msg_get_u64(msg);
	state.row.arrival = msg_get_i64(msg);
	state.row.codec = msg_get_u8(msg);
	known = msg_get_u8(msg);
	if (msg->bad)
		child_nonsense(msg);
	switch (known) {
	case 0:
	case 4:
		row_done(NULL, 0);
		break;
	case 1:
		child_packed(msg, &packed);
		p = unpack(UNPACK_SUMMARY, state.row.codec, packed.compressed,
		    packed.p, packed.len, packed.plain_len);
		row_done(p, packed.plain_len);
		break;
	case 2:
	case 3:
		if (msg->off < msg->len)
			child_nonsense(msg);
		state.row.waits = true;
		state.row.body = known == 3;
		state.summary_len = 0;
		break;
	default:
		child_nonsense(msg);
	}
}

/* No summary was kept: the header tells, if it lies in the first chunk. */
static void
row_parse(const uint8_t *p, size_t len)
{
	const uint8_t *summary;
	size_t n;

	if (state.parser == NULL && (state.parser = mime_parser_new()) == NULL)
		fatal(NULL);
	mime_parser_feed(state.parser, p, len);
	summary = mime_parser_finish(state.parser, &n);
	state.row.size = mime_parser_size(state.parser);
	row_done(summary, n);
	mime_parser_reset(state.parser);
}

static void
chunk_get(struct msg *msg)
{
	uint32_t uid = msg_get_u32(msg), index;
	uint8_t kind = msg_get_u8(msg);
	bool compressed = msg_get_u8(msg) != 0, last = msg_get_u8(msg) != 0;
	const uint8_t *p;
	size_t plain, len;

	index = msg_get_u32(msg);
	plain = msg_get_u32(msg);
	p = msg_get_rest(msg, &len);
	if (msg->bad || !state.row.waits || uid != state.row.uid ||
	    index != state.row.next++ ||
	    (kind == WORKER_CHUNK_BODY) != state.row.body)
		child_nonsense(msg);
	p = unpack(UNPACK_BODY, state.row.codec, compressed, p, len, plain);
	if (state.row.body) {
		if (p == NULL)
			row_done(NULL, 0);
		else
			row_parse(p, plain);
		return;
	}
	if (state.summary == NULL &&
	    (state.summary = calloc(1, MIME_SUMMARY_MAX)) == NULL)
		fatal(NULL);
	if (p != NULL && plain <= MIME_SUMMARY_MAX - state.summary_len) {
		memcpy(state.summary + state.summary_len, p, plain);
		state.summary_len += plain;
	}
	if (last)
		row_done(state.summary, state.summary_len);
}

void
rows_message(struct msg *msg, struct wire *vault)
{
	int result;

	switch (msg->type) {
	case VAULT_WORKER_ROWS:
		while (msg->off < msg->len)
			row_get(msg);
		break;
	case VAULT_WORKER_CHUNK:
		chunk_get(msg);
		break;
	case VAULT_WORKER_ROWS_END:
		if (state.row.waits)
			child_nonsense(msg);
		state.vault = vault;
		result = sort_end();
		if (state.out != NULL)
			msg_send(state.out);
		state.out = NULL;
		rows_end(vault, result == -1);
		break;
	case VAULT_WORKER_CANCEL:
		rows_end(vault, 0);
		break;
	default:
		child_nonsense(msg);
	}
}
