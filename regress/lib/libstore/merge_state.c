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

#include <sys/types.h>

#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "merge_state.h"

/* By id: in which order a fold meets them says nothing. */
static void
order_writers(const struct store *st, size_t order[WRITERS_MAX])
{
	size_t i, j;

	for (i = 0; i < st->nwriters; i++) {
		for (j = i; j > 0 &&
		     memcmp(st->writers[order[j - 1]].id, st->writers[i].id,
			 WRITER_LEN) > 0;
		     j--)
			order[j] = order[j - 1];
		order[j] = i;
	}
}

static void
print_messages(FILE *f, const struct box *b)
{
	const struct store_msg *m;
	size_t i;

	for (i = 0; i < b->n; i++) {
		m = col_at(b, i);
		fprintf(f, " %u %llx %llx\n", m->uid,
		    (unsigned long long)m->inst, (unsigned long long)m->flags);
	}
	for (i = 0; i < b->nextra; i++) {
		m = &b->extra[i].m;
		fprintf(f, " hidden %u %llx %llx late %u\n", m->uid,
		    (unsigned long long)m->inst, (unsigned long long)m->flags,
		    b->extra[i].late);
	}
	for (i = 0; i < b->ntombs; i++)
		fprintf(f, " gone %u %llx\n", b->tombs->t[i].uid,
		    (unsigned long long)b->tombs->t[i].inst);
}

static void
print_metas(FILE *f, const struct metas *ms)
{
	for (size_t i = 0; i < ms->n; i++)
		fprintf(f, " meta %s %zu %s\n", ms->m[i].name, ms->m[i].len,
		    (const char *)ms->m[i].value);
}

static void
print_numbers(FILE *f, const struct store *st, const struct box *b,
    const size_t order[WRITERS_MAX])
{
	size_t i;

	for (i = 0; i < STORE_KEYWORDS_MAX; i++) {
		if (b->keywords[i] != NULL)
			fprintf(f, " keyword %zu %s\n", i, b->keywords[i]);
		if (b->alias[i] != 0)
			fprintf(f, " keyword %zu is %u\n", i, b->alias[i] - 1);
	}
	for (i = 0; i < st->nwriters; i++)
		fprintf(f, " last %u in %llu\n", b->last[order[i]].uid,
		    (unsigned long long)b->last[order[i]].seq);
}

char *
state_text(struct store *st)
{
	size_t order[WRITERS_MAX], i, j, size;
	struct box *b;
	char *text;
	FILE *f;

	order_writers(st, order);
	f = open_memstream(&text, &size);
	ATF_REQUIRE(f != NULL);
	fprintf(f, "lease %u paired %u live %llu\n", st->lease, st->paired,
	    (unsigned long long)st->live);
	for (i = 0; i < st->nboxes; i++) {
		b = st->boxes[i];
		ATF_REQUIRE_EQ(0, col_load(st, b));
		fprintf(f, "box %llu %s wants %s, %u unseen %u\n",
		    (unsigned long long)b->pub.id, b->pub.name,
		    b->want == NULL ? "nothing" : b->want, b->uidmax,
		    b->pub.unseen);
		print_numbers(f, st, b, order);
		for (j = 0; j < b->nrecent; j++)
			fprintf(f, " recent %u of %u in %llu\n",
			    b->recent[j].uid,
			    st->writers[b->recent[j].writer].host,
			    (unsigned long long)b->recent[j].seq);
		print_metas(f, &b->metas);
		print_messages(f, b);
	}
	print_metas(f, &st->metas);
	for (i = 0; i < st->nghosts; i++) {
		b = st->ghosts[i];
		fprintf(f, "removed %llu %s, %u\n",
		    (unsigned long long)b->pub.id, b->pub.name, b->uidmax);
		print_numbers(f, st, b, order);
	}
	fclose(f);
	return text;
}
