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
 * Tails of packs while the account rests: up to 64 KiB each, of which the
 * state file of the snapshot has what was there when it was written.  Of that
 * they give up their memory; what came since stays, so that a delivery now and
 * then reads nothing.  They come back when somebody asks for them, when a block
 * is full or before the next snapshot, from the file that was compared with
 * them: it is kept open, whatever comes to its name meanwhile.
 */

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_local.h"

#define TAIL_MIN 4096 /* less of one stays */
#define COMPARED 1024 /* octets at a time */

/* A tail as the file has it. */
struct saved {
	uint64_t len; /* of the pack */
	uint32_t n;
	uint64_t at;
	bool same; /* we have all of it, at the same place */
};

static int
compare(struct seq *s, const struct pack *p, struct saved *t, uint64_t *off)
{
	uint8_t raw[COMPARED];
	struct rd r = {raw, 12, 0, false};
	size_t i, n;

	if (seq_get(s, raw, 12) == -1)
		return -1;
	t->len = rd64(&r);
	t->n = rd32(&r);
	t->at = *off += 12;
	t->same = t->n <= t->len && t->n <= p->tail.len &&
	    t->len - t->n == p->len - p->tail.len;
	for (i = 0; i < t->n; i += n) {
		n = t->n - i < sizeof(raw) ? t->n - i : sizeof(raw);
		if (seq_get(s, raw, n) == -1)
			return -1;
		if (t->same && memcmp(raw, p->tail.p + i, n) != 0)
			t->same = false;
	}
	explicit_bzero(raw, sizeof(raw));
	*off += t->n;
	return 0;
}

/* Without memory, or a descriptor, it stays. */
static void
give_up(struct pack *p, const struct saved *t, int fd)
{
	uint8_t *fresh;
	size_t n;

	n = p->tail.len - t->n;
	fresh = malloc(n + 1);
	if (fresh == NULL)
		return;
	p->away_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (p->away_fd == -1) {
		free(fresh);
		return;
	}
	memcpy(fresh, p->tail.p + t->n, n);
	freezero(p->tail.p, p->tail.size);
	p->tail.p = fresh;
	p->tail.len = n;
	p->tail.size = n + 1;
	p->away = t->n;
	p->away_at = t->at;
}

static bool
is_large(const struct pack *p)
{
	return p->away == 0 && p->tail.len >= TAIL_MIN && !p->tail.failed;
}

void
tails_away(struct store *st)
{
	struct pack *p[] = {&st->cold, &st->sum};
	struct saved t[2];
	struct seq s;
	uint64_t off;
	size_t i;

	if (!st->tails_wait || st->old.fd != -1 || st->work != NULL ||
	    st->snap_bad || st->snap_fd == -1 ||
	    (!is_large(p[0]) && !is_large(p[1])))
		return;
	st->tails_wait = false;
	/* The other of them may be away: then it differs, and nothing is lost.
	 */
	if (seq_open(st, st->snap_fd, &s, "state", KIND_STATE) == -1)
		return;
	if (state_to_packs(st, &s, &off) == 0 &&
	    compare(&s, p[0], &t[0], &off) == 0 &&
	    compare(&s, p[1], &t[1], &off) == 0) {
		for (i = 0; i < 2; i++) {
			if (is_large(p[i]) && t[i].same && t[i].n >= TAIL_MIN)
				give_up(p[i], &t[i], s.fd);
		}
	}
	seq_abort(&s);
}

static int
read_away(struct store *st, const struct pack *p, uint8_t *out)
{
	struct seq s;
	int r;

	if (seq_open_take(st, &s, fcntl(p->away_fd, F_DUPFD_CLOEXEC, 0),
		KIND_STATE) == -1)
		return -1;
	r = seq_seek(&s, p->away_at);
	if (r == 0)
		r = seq_get(&s, out, p->away);
	seq_abort(&s);
	return r;
}

int
tail_back(struct store *st, struct pack *p)
{
	uint8_t *whole;
	size_t len;

	if (p->away == 0)
		return 0;
	len = pack_tail(p);
	whole = malloc(len);
	if (whole == NULL)
		return -1;
	if (read_away(st, p, whole) == -1) {
		freezero(whole, len);
		snap_invalidate(st);
		return -1;
	}
	memcpy(whole + p->away, p->tail.p, p->tail.len);
	freezero(p->tail.p, p->tail.size);
	p->tail.p = whole;
	p->tail.len = p->tail.size = len;
	p->away = 0;
	(void)close(p->away_fd);
	p->away_fd = -1;
	st->tails_wait = true;
	return 0;
}

int
tails_back(struct store *st)
{
	return tail_back(st, &st->cold) == -1 ? -1 : tail_back(st, &st->sum);
}
