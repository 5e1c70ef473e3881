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
 * The user wants the search index made anew: it is thrown away at once, some
 * segments at a time, and made again as it was made at first, in quiet moments.
 */

#include <sys/types.h>

#include "log.h"
#include "vault_index.h"

#define STEP_SEGMENTS 16 /* removed before others have their turn */

static void parse_reindex(struct session *, struct job *, struct msg *);
static enum step answer_reindex(struct session *, struct job *);

const struct job_kind reindex_kinds[] = {
    {V_REINDEX, false, parse_reindex, NULL, answer_reindex},
    {0, false, NULL, NULL, NULL},
};

static void
parse_reindex(struct session *s, struct job *j, struct msg *m)
{
}

/*
 * From the end, so that the others stay where they are: a search that has one
 * of them open goes on with it, and looks at what the next ones were about.
 */
static enum step
segments_remove(struct job *j)
{
	const struct store_index_segment *segments;
	uint64_t octets;
	size_t n;

	for (int i = 0; i < STEP_SEGMENTS; i++) {
		segments = store_index_segments(index_open(), &n);
		if (n == 0)
			return STEP_DONE;
		octets = segments[n - 1].octets;
		j->result = result_of(store_index_remove(index_open(), n - 1));
		if (j->result != DONE_OK)
			return STEP_DONE;
		j->octets += octets;
		j->pieces++;
	}
	return STEP_MORE;
}

static enum step
answer_reindex(struct session *s, struct job *j)
{
	struct msgout *o;

	if (!index_again()) {
		j->result = DONE_IO;
		return STEP_DONE;
	}
	if (segments_remove(j) != STEP_DONE)
		return STEP_MORE;
	index_soon();
	if (j->result != DONE_OK)
		return STEP_DONE;
	log_info("account=%s search index removed: segments=%u octets=%llu",
	    log_addr(vault_account()), j->pieces,
	    (unsigned long long)j->octets);
	o = msg_new(s->wire, R_REINDEXED, j->id);
	msg_put_u32(o, j->pieces);
	msg_put_u64(o, j->octets);
	msg_put_u32(o, index_goal());
	msg_send(o);
	return STEP_DONE;
}
