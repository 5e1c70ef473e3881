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
 * Two hosts that write one account apart and exchange their files by hand, in
 * random order, with crashes between any two calls that change the disk.  The
 * rules are those of the model in STORE.md 5: no name is used twice (I1), no
 * late UID is shown (I2), views and flags converge and no message is lost or,
 * but for concurrent moves, doubled (I3).  RUNS, SEED, STEPS in the
 * environment; READER: a program that reads the account by the page alone, and
 * must see the same (regress/reader).
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"
#include "compat.h"
#include "copying.h"
#include "merge_state.h"
#include "store_retain.h"
#include "store_compare.h"
#include "store_local.h"

#define RUNS 300
#define RUNS_LONG 3000
#define MESSAGES 200 /* of one run */
#define NAMES 4096   /* places of the table of names */
#define BOXES 64
#define ROUNDS 12
#define FIRST_DATE 1700000000

struct note {
	bool created;     /* acknowledged */
	bool seen;        /* a client saw it */
	bool killed;      /* somebody expunged it, or removed its box */
	bool surely;      /* and that was acknowledged, by its instance */
	uint64_t from;    /* out of that box */
	uint8_t named[2]; /* keywords that a host set or took, by number */
	uint8_t names[2]; /* which of them it set */
	bool copied;
	unsigned int moved[2]; /* times, by host */
	uint64_t to[2];        /* where it was moved last */
	uint8_t flagged[2];
	uint8_t value[2]; /* what a host last set */
};

struct name { /* I1 */
	uint64_t box;
	uint32_t uid;
	uint64_t inst;
};

struct shown {
	uint32_t uid;
	uint32_t flags; /* of the system, and the numbers of keywords */
	uint64_t modseq;
};

struct view { /* I2, I4, of one host */
	uint64_t box;
	uint32_t next; /* no lower UID may turn up */
	struct shown *shown;
	size_t n;
};

struct host {
	struct account a;
	char dir[32];
	struct view views[BOXES];
	size_t nviews;
};

static struct host hosts[2];
static struct note notes[MESSAGES];
static unsigned int nnotes;
static struct name names[NAMES];
static char bad[400];
static uint64_t seed;
static unsigned int crash_in; /* calls until the crash; 0: none */
static bool crashed;
static struct {
	unsigned int crashes, merges, again, rounds, messages, checkpoints;
	unsigned int read;
} sum;

#ifdef STORE_MUTANT
bool
store_mutant(unsigned int rule)
{
	static unsigned int broken = UINT_MAX;
	const char *s;

	if (broken == UINT_MAX) {
		s = getenv("MUTANT");
		broken = s == NULL ? 0 : (unsigned int)strtoul(s, NULL, 10);
	}
	return rule == broken;
}
#endif

static void
violation(const char *fmt, ...)
{
	va_list ap;

	if (bad[0] != '\0')
		return;
	va_start(ap, fmt);
	(void)vsnprintf(bad, sizeof(bad), fmt, ap);
	va_end(ap);
}

static uint32_t
dice(uint32_t n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33) % n;
}

/* The table of calls: nothing is synced, and after the crash all fails. */
static bool
dead(void)
{
	if (!crashed && crash_in > 0 && --crash_in == 0) {
		crashed = true;
		sum.crashes++;
	}
	if (crashed)
		errno = EIO;
	return crashed;
}

static int
c_open(int dirfd, const char *name, int flags, mode_t mode)
{
	return dead() ? -1 : openat(dirfd, name, flags, mode);
}

static ssize_t
c_pwrite(int fd, const void *p, size_t len, off_t off)
{
	return dead() ? -1 : pwrite(fd, p, len, off);
}

static int
c_sync(int fd)
{
	return dead() ? -1 : 0;
}

static int
c_rename(int a, const char *from, int b, const char *to)
{
	return dead() ? -1 : renameat(a, from, b, to);
}

static int
c_unlink(int dirfd, const char *name, int flags)
{
	return dead() ? -1 : unlinkat(dirfd, name, flags);
}

static int
c_mkdir(int dirfd, const char *name, mode_t mode)
{
	return dead() ? -1 : mkdirat(dirfd, name, mode);
}

static int
c_ftruncate(int fd, off_t len)
{
	return dead() ? -1 : ftruncate(fd, len);
}

static const struct store_sys table = {c_open, c_pwrite, c_sync, c_sync, c_sync,
    c_rename, c_unlink, c_mkdir, c_ftruncate};

static void
host_open(struct host *h)
{
	enum store_result result;

	if (h->a.st != NULL)
		return;
	result = store_open_host(h->a.base, h->a.dir, h->a.ring,
	    (unsigned int)(h - hosts), &h->a.st);
	if (crashed) {
		store_abandon(h->a.st);
		crashed = false;
		result = store_open_host(h->a.base, h->a.dir, h->a.ring,
		    (unsigned int)(h - hosts), &h->a.st);
	}
	if (result != STORE_OK) {
		violation("open: %s", store_strerror(result));
		h->a.st = NULL;
	} else if (store_damage(h->a.st) != NULL)
		violation("damage: %s", store_damage(h->a.st));
}

/* After each change: committed, or (false) crashed and opened again. */
static bool
settle(struct host *h, enum store_result result)
{
	if (!crashed && result == STORE_OK)
		result = store_commit(h->a.st);
	if (!crashed && result == STORE_OK)
		return true;
	if (!crashed && result != STORE_IO && result != STORE_CORRUPT) {
		(void)store_commit(h->a.st);
		return false;
	}
	if (!crashed)
		violation("a call: %s", store_strerror(result));
	crash_in = 0;
	store_abandon(h->a.st);
	h->a.st = NULL;
	crashed = false;
	host_open(h);
	return false;
}

static void
check_name(uint64_t box, uint32_t uid, uint64_t inst)
{
	size_t i;

	for (i = (box * 31 + uid) % NAMES; names[i].uid != 0;
	     i = (i + 1) % NAMES) {
		if (names[i].box != box || names[i].uid != uid)
			continue;
		if (names[i].inst != inst)
			violation("I1: %llu/%u names two messages",
			    (unsigned long long)box, uid);
		return;
	}
	names[i] = (struct name){box, uid, inst};
}

static struct view *
find_view(struct host *h, uint64_t box)
{
	size_t i;

	for (i = 0; i < h->nviews; i++) {
		if (h->views[i].box == box)
			return &h->views[i];
	}
	if (h->nviews == BOXES)
		return NULL;
	h->views[h->nviews].box = box;
	return &h->views[h->nviews++];
}

static const struct shown *
had(const struct view *v, uint32_t uid)
{
	size_t i;

	for (i = 0; i < v->n; i++) {
		if (v->shown[i].uid == uid)
			return &v->shown[i];
	}
	return NULL;
}

/* I4: who knows the MODSEQ from before hears of what has changed since. */
static void
check_modseq(const struct shown *before, const struct shown *now)
{
	if (before != NULL && before->flags != now->flags &&
	    now->modseq <= before->modseq)
		violation("I4: flags of uid %u: %x at %llu, %x at %llu",
		    now->uid, before->flags, (unsigned long long)before->modseq,
		    now->flags, (unsigned long long)now->modseq);
}

static unsigned int
number(const struct store_msg *m)
{
	return (unsigned int)(m->date - FIRST_DATE);
}

/* Both hosts give the same names, and others, in either case of letters. */
static const char *const keywords[] = {"one", "two", "three", "four"};

/* Keywords of a message by their numbers; one twice is a violation. */
static uint8_t
keyword_set(const struct store_box *b, uint64_t flags)
{
	uint8_t set;
	unsigned int i, k;

	for (set = 0, i = 0; i < b->nkeywords; i++) {
		if (!(flags & 1ULL << (8 + i)))
			continue;
		for (k = 0; k < 4; k++) {
			if (b->keywords[i] == NULL ||
			    strcasecmp(b->keywords[i], keywords[k]) != 0)
				continue;
			if (set & 1U << k)
				violation("I3: a keyword twice");
			set |= (uint8_t)(1U << k);
		}
	}
	for (i = 0; i < b->nkeywords; i++) {
		for (k = i + 1; k < b->nkeywords; k++) {
			if (b->keywords[i] != NULL && b->keywords[k] != NULL &&
			    strcasecmp(b->keywords[i], b->keywords[k]) == 0)
				violation("I3: two bits for one keyword");
		}
	}
	if (flags >> 8 >> b->nkeywords != 0)
		violation("I3: a flag without a name");
	return set;
}

/* What a client of this host now sees. */
static void
present(struct host *h)
{
	const struct store_box *b;
	const struct store_msg *m;
	struct shown *list;
	struct view *v;
	size_t i, n;

	if (h->a.st == NULL || bad[0] != '\0')
		return;
	for (b = NULL; (b = store_box_next(h->a.st, b)) != NULL;) {
		m = column(h->a.st, b->id, &n);
		v = find_view(h, b->id);
		if (v == NULL)
			return;
		for (i = 0; i < n; i++) {
			check_name(b->id, m[i].uid, m[i].inst);
			notes[number(&m[i])].seen = true;
			if (m[i].uid < v->next && had(v, m[i].uid) == NULL)
				violation("I2: late uid %llu/%u < %u, host %d",
				    (unsigned long long)b->id, m[i].uid,
				    v->next, (int)(h - hosts));
		}
		list = calloc(n + 1, sizeof(*list));
		ATF_REQUIRE(list != NULL);
		for (i = 0; i < n; i++) {
			list[i] = (struct shown){m[i].uid,
			    (uint32_t)(m[i].flags & 0x1f) |
				(uint32_t)keyword_set(b, m[i].flags) << 8,
			    m[i].modseq};
			check_modseq(had(v, m[i].uid), &list[i]);
		}
		free(v->shown);
		v->shown = list;
		v->n = n;
		if (b->uidnext < v->next)
			violation("I2: UIDNEXT went down");
		v->next = b->uidnext;
	}
}

static uint64_t
some_box(struct host *h)
{
	const struct store_box *b;
	uint32_t n;

	b = store_box_next(h->a.st, NULL);
	if (dice(3) == 0)
		return b->id;
	for (n = dice(8); n > 0; n--) {
		if (store_box_next(h->a.st, b) != NULL)
			b = store_box_next(h->a.st, b);
	}
	return b->id;
}

/* A message that the client sees, if there is one. */
static const struct store_msg *
some_message(struct host *h, uint64_t *box, struct store_range *r)
{
	const struct store_msg *m;
	size_t n;

	*box = some_box(h);
	m = column(h->a.st, *box, &n);
	if (n == 0)
		return NULL;
	m += dice((uint32_t)n);
	r->first = r->last = m->uid;
	return m;
}

static void
do_append(struct host *h)
{
	enum store_result result;
	unsigned int n;
	uint32_t uid;

	if (nnotes == MESSAGES)
		return;
	n = nnotes++;
	result = append(&h->a, some_box(h), n, 20, &uid);
	if (settle(h, result))
		notes[n].created = true;
}

#define PLACE "accounts/example.org/anna"

/* The same delivery for both hosts, to be drained by either. */
static void
do_deliver(void)
{
	struct dirent *de;
	char from[300], to[300];
	DIR *dir;
	unsigned int n;

	if (nnotes == MESSAGES)
		return;
	n = nnotes++;
	if (deliver(&hosts[0].a, n, 20) != STORE_OK) {
		violation("delivery");
		return;
	}
	notes[n].created = true;
	snprintf(from, sizeof(from), "%s/" PLACE "/in", hosts[0].dir);
	dir = opendir(from);
	ATF_REQUIRE(dir != NULL);
	while ((de = readdir(dir)) != NULL) {
		if (strlen(de->d_name) != 32)
			continue;
		snprintf(from, sizeof(from), "%s/" PLACE "/in/%.40s",
		    hosts[0].dir, de->d_name);
		snprintf(to, sizeof(to), "%s/" PLACE "/in/%.40s", hosts[1].dir,
		    de->d_name);
		if (access(to, F_OK) == -1 && notes[n].value[1] == 0) {
			/* Only what is new: the others were drained there. */
			char mark[300];

			snprintf(mark, sizeof(mark), "%s/%.40s", hosts[1].dir,
			    de->d_name);
			if (access(mark, F_OK) == -1) {
				copy_file(from, to, SIZE_MAX);
				close(open(mark, O_CREAT | O_WRONLY, 0600));
			}
		}
	}
	closedir(dir);
}

static void
do_drain(struct host *h)
{
	struct store_drained d;
	enum store_result result;

	do {
		result = store_drain(h->a.st, &d);
		if (d.bad > 0)
			violation("a delivery does not open");
	} while (settle(h, result) && d.more);
}

static void
do_expunge(struct host *h)
{
	const struct store_msg *m;
	struct store_range r;
	struct note *note;
	uint64_t box;

	m = some_message(h, &box, &r);
	if (m == NULL)
		return;
	note = &notes[number(m)];
	note->killed = true;
	if (settle(h, store_expunge(h->a.st, box, &r, 1, true)))
		note->surely = true;
	note->from = box;
}

static void
do_flag(struct host *h)
{
	const struct store_msg *m;
	struct store_range r;
	struct note *note;
	uint64_t box, bit;
	int on, i;

	m = some_message(h, &box, &r);
	if (m == NULL)
		return;
	note = &notes[number(m)];
	i = (int)(h - hosts);
	bit = 1ULL << dice(3);
	on = (int)dice(2);
	note->flagged[i] |= (uint8_t)bit;
	note->value[i] &= (uint8_t)~bit;
	if (on)
		note->value[i] |= (uint8_t)bit;
	if (!settle(h,
		store_flags(h->a.st, box, &r, 1, on ? bit : 0, on ? 0 : bit,
		    UINT64_MAX)))
		note->flagged[0] = note->flagged[1] = 0xff; /* not known */
}

static void
do_keyword(struct host *h)
{
	const struct store_msg *m;
	struct store_range r;
	struct note *note;
	uint64_t box, flag;
	unsigned int bit, k;
	char name[8];
	bool on;
	int i;

	m = some_message(h, &box, &r);
	if (m == NULL)
		return;
	note = &notes[number(m)];
	i = (int)(h - hosts);
	k = dice(4);
	on = dice(3) != 0;
	(void)strlcpy(name, keywords[k], sizeof(name));
	if (dice(2) == 0)
		name[0] -= 'a' - 'A';
	note->named[i] |= (uint8_t)(1U << k);
	note->names[i] &= (uint8_t) ~(1U << k);
	if (on)
		note->names[i] |= (uint8_t)(1U << k);
	if (store_keyword(h->a.st, box, name, true, &bit) != STORE_OK) {
		(void)settle(h, STORE_IO);
		note->named[0] = note->named[1] = 0xff; /* not known */
		return;
	}
	flag = 1ULL << bit;
	if (!settle(h,
		store_flags(h->a.st, box, &r, 1, on ? flag : 0, on ? 0 : flag,
		    UINT64_MAX)))
		note->named[0] = note->named[1] = 0xff;
}

static void
do_copy(struct host *h, bool move)
{
	const struct store_msg *m;
	struct store_range r;
	uint64_t box, to;

	m = some_message(h, &box, &r);
	if (m == NULL)
		return;
	to = some_box(h);
	if (move) {
		notes[number(m)].moved[h - hosts]++;
		notes[number(m)].to[h - hosts] = to;
	} else
		notes[number(m)].copied = true;
	(void)settle(h, store_copy(h->a.st, box, &r, 1, to, move, NULL, NULL));
}

static void
do_rmbox(struct host *h)
{
	const struct store_msg *m;
	struct box *b;
	uint64_t box;
	size_t n;

	box = some_box(h);
	for (n = 0; n < h->a.st->nboxes && dice(2) == 0; n++) {
		if (h->a.st->boxes[n]->nextra > 0)
			box = h->a.st->boxes[n]->pub.id;
	}
	if (box == STORE_INBOX)
		return;
	m = column(h->a.st, box, &n);
	while (n-- > 0)
		notes[number(&m[n])].killed = true;
	/* What is hidden there goes to INBOX, perhaps beside another copy. */
	b = box_find(h->a.st, box);
	for (n = 0; n < b->nextra; n++)
		notes[number(&b->extra[n].m)].copied = true;
	(void)settle(h, store_rmbox(h->a.st, box));
}

static void
do_boxes(struct host *h)
{
	static const char *const some[] = {
	    "x", "y", "x/y", "y/x", "z", "x/z", "Archive", "y/z"};
	struct store_rename r;
	const char *name;

	name = some[dice(8)];
	switch (dice(6)) {
	case 0:
	case 1:
		do_rmbox(h);
		break;
	case 2:
		r.box = some_box(h);
		r.name = name;
		if (r.box != STORE_INBOX)
			(void)settle(h, store_mvbox(h->a.st, &r, 1));
		break;
	case 3:
		(void)settle(h, store_subscribe(h->a.st, name, dice(2) == 0));
		break;
	default:
		(void)settle(h, store_mkbox(h->a.st, name, 0, NULL));
		break;
	}
}

/* Upkeep: what the log can spare goes, and what nobody uses. */
static void
do_upkeep(struct host *h)
{
	bool more;
	uint32_t seg;

	switch (dice(4)) {
	case 0:
		seg = own_writer(h->a.st)->seg;
		if (settle(h, checkpoint(h->a.st)))
			sum.checkpoints += own_writer(h->a.st)->seg > seg;
		break;
	case 1:
		(void)settle(h, compact(h->a.st));
		break;
	default:
		(void)settle(h, store_idle(h->a.st, &more));
		break;
	}
}

static void
do_close(struct host *h)
{
	(void)store_close(h->a.st);
	h->a.st = NULL;
	crashed = false;
	crash_in = 0;
	if (dice(3) == 0)
		host_open(h);
}

static int
by_segment(const struct dirent **a, const struct dirent **b)
{
	int c;

	c = strncmp((*a)->d_name, (*b)->d_name, 17);
	return c != 0 ? c : atoi((*a)->d_name + 17) - atoi((*b)->d_name + 17);
}

static int
any_file(const struct dirent *de)
{
	return de->d_name[0] != '.' && strstr(de->d_name, ".copy") == NULL;
}

static void
each_file(struct host *from, struct host *to, const char *what, bool whole,
    bool (*copy)(const char *, const char *, unsigned int, bool))
{
	struct dirent **list;
	char src[600], dst[600];
	bool go;
	int i, n;

	snprintf(src, sizeof(src), "%s/" PLACE "/%s", from->dir, what);
	n = scandir(src, &list, any_file, by_segment);
	ATF_REQUIRE(n >= 0);
	for (i = 0, go = true; i < n; i++) {
		snprintf(src, sizeof(src), "%s/" PLACE "/%s/%s", from->dir,
		    what, list[i]->d_name);
		snprintf(dst, sizeof(dst), "%s/" PLACE "/%s/%s", to->dir, what,
		    list[i]->d_name);
		if (go)
			go = copy(
			    src, dst, (unsigned int)(from - hosts), whole);
		free(list[i]);
	}
	free(list);
}

static bool
copy_blob(const char *src, const char *dst, unsigned int host, bool whole)
{
	char mark[300];
	int fd;

	/* Once: a replica does not send again what was removed there. */
	snprintf(mark, sizeof(mark), "%s/%.64s", hosts[!host].dir,
	    strrchr(src, '/') + 1);
	fd = open(mark, O_CREAT | O_EXCL | O_WRONLY, 0600);
	if (fd == -1)
		return true;
	close(fd);
	if (access(dst, F_OK) == -1)
		copy_file(src, dst, SIZE_MAX);
	return true;
}

/* A segment, whole or up to some frame, never less than there was. */
static bool
copy_segment(const char *src, const char *dst, unsigned int host, bool whole)
{
	size_t all, there, take, len;

	if (!segment_of(src, host))
		return true;
	(void)frames_end(src, SIZE_MAX, &all);
	(void)frames_end(dst, SIZE_MAX, &there);
	if (all < there) {
		violation("a series lost frames");
		return false;
	}
	take = whole || all == there ?
	    all :
	    there + dice((uint32_t)(all - there) + 1);
	len = frames_end(src, take, &all);
	copy_file(src, dst, take == 0 ? 64 : len);
	(void)frames_end(src, SIZE_MAX, &all);
	return take == all;
}

/*
 * What was folded into a living account is what a new opening folds: columns,
 * what is hidden, which numbers are known to whom.
 */
static void
check_live(struct host *h)
{
	char *live, *anew;

	if (h->a.st == NULL || bad[0] != '\0' || store_damage(h->a.st) != NULL)
		return;
	live = state_text(h->a.st);
	store_abandon(h->a.st);
	h->a.st = NULL;
	host_open(h);
	if (h->a.st == NULL)
		return;
	anew = state_text(h->a.st);
	if (strcmp(live, anew) != 0)
		violation("merged:\n%s---\nopened anew:\n%s", live, anew);
	free(live);
	free(anew);
}

/* What one host has deleted goes there too, as its signed list would say. */
static bool
trash_too(const char *src, const char *dst, unsigned int host, bool whole)
{
	uint8_t id[STORE_ID];
	const char *name;

	name = strrchr(src, '/') + 1;
	if (seal_unhex(name, id, sizeof(id)) == 0 &&
	    del_trash(hosts[!host].a.dir, id) == -1)
		violation("trash: %s", name);
	return true;
}

/* What one host has written goes to the other: blobs, then log. */
static void
exchange(struct host *from, bool whole)
{
	struct store_merged m;
	struct host *to;
	enum store_result result;
	bool news, lease;

	to = &hosts[from == hosts];
	each_file(from, to, "blob", true, copy_blob);
	each_file(from, to, "log", whole, copy_segment);
	if (whole)
		each_file(from, to, "trash", true, trash_too);
	if (to->a.st == NULL)
		return;
	/* The cheap look must notice it; it may ask for nothing, too. */
	news = store_news(to->a.st);
	lease = store_lease(to->a.st);
	result = store_merge(to->a.st, &m);
	if (!crashed && result == STORE_OK && m.again > 0 && !lease)
		violation("I6: placed again by who has no lease");
	if (!crashed && result == STORE_OK && m.news && !news)
		violation("news that was not noticed");
	if (settle(to, result)) {
		sum.merges += m.news;
		sum.again += m.again;
		if (m.news && dice(4) == 0)
			check_live(to);
	}
	if (to->a.st != NULL && store_damage(to->a.st) != NULL)
		violation("damage: %s", store_damage(to->a.st));
}

/* In step, so that a checkpoint may be written; then on, or a crash. */
static void
do_cut(void)
{
	struct host *h;
	uint32_t seg;
	int i;

	for (i = 0; i < 5 && bad[0] == '\0'; i++) {
		host_open(&hosts[i % 2]);
		exchange(&hosts[!(i % 2)], true);
	}
	h = &hosts[0];
	if (bad[0] != '\0')
		return;
	if (!store_lease(h->a.st))
		h = &hosts[1];
	if (dice(3) == 0)
		crash_in = 1 + dice(12);
	seg = own_writer(h->a.st)->seg;
	if (settle(h, checkpoint(h->a.st)))
		sum.checkpoints += own_writer(h->a.st)->seg > seg;
	crash_in = 0;
}

static void
step(void)
{
	struct host *h;
	uint32_t x;

	h = &hosts[dice(2)];
	if (h->a.st == NULL && dice(2) == 0)
		host_open(h);
	x = dice(116);
	if (x >= 100 && x < 108) {
		do_cut();
	} else if (x >= 82 && x < 100) {
		exchange(h, dice(2) == 0);
	} else if (h->a.st == NULL) {
		/* Nobody is logged in there. */
	} else {
		if (dice(6) == 0)
			crash_in = 1 + dice(14);
		if (x < 25)
			do_append(h);
		else if (x < 32) {
			crash_in = 0;
			do_deliver();
		} else if (x < 42)
			do_drain(h);
		else if (x < 50)
			do_expunge(h);
		else if (x < 58)
			do_flag(h);
		else if (x < 61)
			do_copy(h, false);
		else if (x < 67)
			do_copy(h, true);
		else if (x < 72)
			do_boxes(h);
		else if (x < 77)
			do_upkeep(h);
		else if (x >= 108)
			do_keyword(h);
		else if (x < 80)
			(void)settle(
			    h, store_lease_take(h->a.st, dice(2) == 0));
		else
			do_close(h);
		crash_in = 0;
	}
	present(&hosts[0]);
	present(&hosts[1]);
}

/* All garbage goes that may. */
static void
collect(struct host *h)
{
	bool more;

	for (more = true; more && bad[0] == '\0';) {
		if (!settle(h, store_idle(h->a.st, &more)))
			break;
	}
}

/* As both must show it; MODSEQ is each host's own. */
static char *
view_text(struct host *h)
{
	const struct store_box *b;
	const struct store_msg *m;
	const char *name;
	size_t i, n, size;
	char *text;
	FILE *f;

	f = open_memstream(&text, &size);
	ATF_REQUIRE(f != NULL);
	for (b = NULL; (b = store_box_next(h->a.st, b)) != NULL;) {
		fprintf(f, "box %llu %s v%u %u %u\n", (unsigned long long)b->id,
		    b->name, b->uidvalidity, b->messages, b->unseen);
		m = column(h->a.st, b->id, &n);
		for (i = 0; i < n; i++)
			fprintf(f, " %u %u %llx %llx\n", m[i].uid,
			    number(&m[i]), (unsigned long long)m[i].flags,
			    (unsigned long long)m[i].inst);
	}
	for (name = NULL; (name = store_sub_next(h->a.st, name)) != NULL;)
		fprintf(f, "sub %s\n", name);
	fprintf(f, "lease %d\n", store_lease(h->a.st) == (h == hosts));
	fclose(f);
	return text;
}

/* Everything is exchanged until nothing moves. */
static void
heal(void)
{
	char *was[2], *is[2];
	unsigned int round, i;
	bool same;

	was[0] = was[1] = NULL;
	for (round = 0, same = false; !same && bad[0] == '\0'; round++) {
		if (round == ROUNDS) {
			violation("I3: not settled\n%s---\n%s", was[0], was[1]);
			break;
		}
		host_open(&hosts[0]);
		host_open(&hosts[1]);
		for (i = 0; i < 2 && bad[0] == '\0'; i++)
			do_drain(&hosts[i]);
		for (i = 0; i < 2 && bad[0] == '\0'; i++) {
			exchange(&hosts[i], true);
			present(&hosts[0]);
			present(&hosts[1]);
		}
		if (bad[0] != '\0')
			break;
		for (i = 0, same = true; i < 2; i++) {
			is[i] = view_text(&hosts[i]);
			same = same && was[i] != NULL &&
			    strcmp(was[i], is[i]) == 0;
			free(was[i]);
			was[i] = is[i];
		}
		same = same && strcmp(is[0], is[1]) == 0;
	}
	if (round > sum.rounds)
		sum.rounds = round;
	free(was[0]);
	free(was[1]);
}

static void
check_note(unsigned int n, unsigned int found, uint64_t flags, uint8_t kw)
{
	const struct note *note;
	unsigned int bit;
	int i;

	note = &notes[n];
	if (found > 1 && !note->copied && !note->killed &&
	    note->moved[0] == 1 && note->moved[1] == 1 &&
	    note->to[0] == STORE_INBOX && note->to[1] == STORE_INBOX)
		violation("I3: message %u was moved to INBOX twice", n);
	if (!note->killed && (note->created || note->seen) && found == 0)
		violation("I3: message %u is lost", n);
	if (found > 1 && !note->copied && !(note->moved[0] && note->moved[1]) &&
	    !(note->killed && (note->moved[0] || note->moved[1])))
		violation("I3: message %u is there %u times", n, found);
	/* Where two boxes of a name were joined, its message was moved. */
	if (found > 0 && note->surely && !note->copied && !note->moved[0] &&
	    !note->moved[1] && box_find(hosts[0].a.st, note->from) != NULL)
		violation("I3: message %u was expunged", n);
	if (found != 1 || note->copied || note->moved[0] || note->moved[1] ||
	    note->killed)
		return;
	for (bit = 1; bit < 8; bit <<= 1) {
		for (i = 0; i < 2; i++) {
			if ((note->flagged[i] & bit) &&
			    !(note->flagged[!i] & bit) &&
			    ((flags ^ note->value[i]) & bit))
				violation("I3: flag %u of %u", bit, n);
		}
	}
	for (bit = 1; bit < 16; bit <<= 1) {
		for (i = 0; i < 2; i++) {
			if ((note->named[i] & bit) &&
			    !(note->named[!i] & bit) &&
			    ((kw ^ note->names[i]) & bit))
				violation("I3: keyword %u of %u", bit, n);
		}
		if (!((note->named[0] | note->named[1]) & bit) && (kw & bit))
			violation("I3: keyword %u of %u invented", bit, n);
	}
}

/* Nothing is lost, nothing doubled, every body can be read on both. */
static void
check_all(void)
{
	const struct store_box *b;
	const struct store_msg *m;
	struct store_body *body;
	struct store_cold c;
	unsigned int found[MESSAGES] = {0}, i;
	uint64_t flags[MESSAGES] = {0};
	uint8_t kw[MESSAGES] = {0};
	size_t k, n;

	for (i = 0; i < 2; i++) {
		b = NULL;
		while ((b = store_box_next(hosts[i].a.st, b)) != NULL) {
			m = column(hosts[i].a.st, b->id, &n);
			for (k = 0; k < n; k++) {
				found[number(&m[k])] += i == 0;
				flags[number(&m[k])] = m[k].flags;
				kw[number(&m[k])] = keyword_set(b, m[k].flags);
				if (store_body_open(hosts[i].a.st, b->id,
					m[k].uid, &body) != STORE_OK)
					violation("no body of %u, host %u",
					    number(&m[k]), i);
				else
					store_body_close(body);
				OK(store_cold_get(
				    hosts[i].a.st, b->id, m[k].uid, &c));
				if (!blob_there(hosts[i].a.st, c.blob))
					violation("the body of %u was deleted, "
						  "host %u",
					    number(&m[k]), i);
			}
			if (box_find(hosts[i].a.st, b->id)->want != NULL)
				violation("I3: two boxes of one name");
		}
	}
	for (i = 0; i < nnotes; i++)
		check_note(i, found[i], flags[i], kw[i]);
}

/* Opened anew, from the snapshot and from the log alone, it is the same. */
static void
check_again(struct host *h)
{
	char *before, *after, cmd[100];

	before = view_text(h);
	(void)store_close(h->a.st);
	h->a.st = NULL;
	if (dice(2) == 0) {
		snprintf(cmd, sizeof(cmd), "%s/" PLACE "/snap", h->dir);
		(void)path_remove_tree(AT_FDCWD, cmd);
		ATF_REQUIRE_EQ(0, mkdir(cmd, 0700));
	}
	host_open(h);
	if (bad[0] == '\0') {
		after = view_text(h);
		if (strcmp(before, after) != 0)
			violation("opened anew it differs:\n%s---\n%s", before,
			    after);
		free(after);
	}
	free(before);
}

static void
host_start(struct host *h, struct seal_ring *ring)
{
	memset(h, 0, sizeof(*h));
	snprintf(h->dir, sizeof(h->dir), "host%d", (int)(h - hosts));
	copy_tree("template", h->dir);
	h->a.base = open(h->dir, O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(h->a.base != -1);
	h->a.ring = ring;
	OK(store_account_open(h->a.base, ACCOUNT, &h->a.dir));
	host_open(h);
}

static void
host_stop(struct host *h)
{
	size_t i;

	store_abandon(h->a.st);
	close(h->a.dir);
	close(h->a.base);
	for (i = 0; i < h->nviews; i++)
		free(h->views[i].shown);
	ATF_REQUIRE_EQ(0, path_remove_tree(AT_FDCWD, h->dir));
}

/* What the page says of these files is what the store shows. */
static void
check_reader(struct host *h)
{
	const struct store_box *b;
	const struct store_msg *m;
	const char *reader;
	char cmd[1200];
	size_t i, n;
	FILE *f;

	reader = getenv("READER");
	if (reader == NULL || h->a.st == NULL || bad[0] != '\0' ||
	    store_commit(h->a.st) != STORE_OK)
		return;
	f = fopen("view", "w");
	ATF_REQUIRE(f != NULL);
	for (b = NULL; (b = store_box_next(h->a.st, b)) != NULL;) {
		fprintf(f, "box %llu %s %u %u\n", (unsigned long long)b->id,
		    b->name, b->uidvalidity, b->messages);
		m = column(h->a.st, b->id, &n);
		for (i = 0; i < n; i++)
			fprintf(f, " %u %llx %016llx\n", m[i].uid,
			    (unsigned long long)m[i].flags,
			    (unsigned long long)m[i].inst);
	}
	fclose(f);
	snprintf(
	    cmd, sizeof(cmd), "%s %s/" PLACE " secret view", reader, h->dir);
	sum.read++;
	if (system(cmd) != 0)
		violation("%s sees something else", reader);
}

/* One run; what went wrong is in bad. */
static void
one_run(uint64_t begin, struct seal_ring *ring)
{
	unsigned int n;
	bool early;

	seed = begin;
	bad[0] = '\0';
	memset(notes, 0, sizeof(notes));
	memset(names, 0, sizeof(names));
	nnotes = 0;
	crashed = false;
	crash_in = 0;
	host_start(&hosts[0], ring);
	OK(store_pair(hosts[0].a.st));
	early = dice(3) != 0;
	if (early) {
		/* The usual way: the second host begins with a copy. */
		(void)store_close(hosts[0].a.st);
		hosts[0].a.st = NULL;
		host_start(&hosts[1], ring);
		(void)store_close(hosts[1].a.st);
		hosts[1].a.st = NULL;
		exchange(&hosts[0], true);
		host_open(&hosts[0]);
		host_open(&hosts[1]);
	} else {
		host_start(&hosts[1], ring);
		OK(store_pair(hosts[1].a.st));
	}
	for (n = 5 + dice(56); n > 0 && bad[0] == '\0'; n--) {
		step();
		if (n % 8 == 0)
			check_reader(&hosts[n / 8 % 2]);
	}
	crash_in = 0;
	if (bad[0] == '\0')
		heal();
	for (n = 0; n < 2 && bad[0] == '\0'; n++)
		collect(&hosts[n]);
	if (bad[0] == '\0')
		check_all();
	for (n = 0; n < 2 && bad[0] == '\0'; n++)
		check_again(&hosts[n]);
	for (n = 0; n < 2; n++)
		check_reader(&hosts[n]);
	sum.messages += nnotes;
	host_stop(&hosts[0]);
	host_stop(&hosts[1]);
}

static unsigned int
count_of(const char *name, unsigned int otherwise)
{
	const char *s;

	s = getenv(name);
	return s == NULL ? otherwise : (unsigned int)strtoul(s, NULL, 10);
}

/* In memory, where the machine has it: nothing here is about the disk. */
static void
enter_fast(char *dir)
{
	strlcpy(dir, "/dev/shm/merge.XXXXXXXX", 32);
	if (mkdtemp(dir) == NULL || chdir(dir) == -1)
		dir[0] = '\0';
}

ATF_TC_WITHOUT_HEAD(property);
ATF_TC_BODY(property, tc)
{
	struct account a;
	char home[300], dir[32];
	uint64_t begin;
	unsigned int runs, run;

	ATF_REQUIRE(getcwd(home, sizeof(home)) != NULL);
	enter_fast(dir);
	account_make(&a);
	ATF_REQUIRE_EQ(0, system("mkdir template && mv accounts template/"));
	store_sys_set(&table);
	runs = count_of("RUNS", getenv("STRESS") != NULL ? RUNS_LONG : RUNS);
	begin = getenv("SEED") != NULL ? strtoull(getenv("SEED"), NULL, 10) :
					 (uint64_t)arc4random() << 16;
	printf("seeds %llu to %llu\n", (unsigned long long)begin,
	    (unsigned long long)begin + runs - 1);
	for (run = 0; run < runs && bad[0] == '\0'; run++)
		one_run(begin + run, a.ring);
	store_sys_set(NULL);
	seal_ring_free(a.ring);
	ATF_REQUIRE_EQ(0, chdir(home));
	if (dir[0] != '\0')
		(void)path_remove_tree(AT_FDCWD, dir);
	if (bad[0] != '\0')
		atf_tc_fail(
		    "seed %llu: %s", (unsigned long long)begin + run - 1, bad);
	printf("%u runs, %u messages, %u merges, %u placed again, %u crashes, "
	       "%u checkpoints, at most %u rounds, %u times read\n",
	    runs, sum.messages, sum.merges, sum.again, sum.crashes,
	    sum.checkpoints, sum.rounds, sum.read);
}

static void
no_line(void *arg, const char *name, const char *what)
{
	printf("%s: %s\n", name, what);
}

/* Without a key: what either lacks, and what no exchange mends. */
static struct store_msg *
only_message(struct store *st, uint64_t box, struct place *p)
{
	static struct store_msg m;
	struct cold c;

	ATF_REQUIRE_EQ(1, store_box_find(st, box)->messages);
	m = *store_msg_at(st, box, 0);
	ATF_REQUIRE_EQ(0, cold_read(st, m.cold, &c));
	memset(p, 0, sizeof(*p));
	p->box = box;
	p->how = HOW_AGAIN;
	memcpy(p->instance, c.instance, STORE_ID);
	memcpy(p->blob, c.blob, STORE_ID);
	memcpy(p->key, c.key, SEAL_KEY_LEN);
	p->bytes = c.bytes;
	p->size = m.size;
	p->date = m.date;
	return &m;
}

/*
 * Placements that no order of the calls above makes, but another version or a
 * damaged host might: the highest is shown, and the last of a message stays.
 */
ATF_TC_WITHOUT_HEAD(placements);
ATF_TC_BODY(placements, tc)
{
	struct store_merged m;
	struct store_msg *msg;
	struct account a;
	struct place p;
	struct buf b = {0};
	struct store *st;
	uint32_t uid;

	account_make(&a);
	ATF_REQUIRE_EQ(0, system("mkdir template && mv accounts template/"));
	store_sys_set(&table);
	host_start(&hosts[0], a.ring);
	OK(store_pair(hosts[0].a.st));
	host_start(&hosts[1], a.ring);
	exchange(&hosts[1], true);
	st = hosts[0].a.st;
	OK(append(&hosts[0].a, 2, 1, 100, &uid));
	msg = only_message(st, 2, &p);
	p.uid = uid + 10;
	OK(mut_begin(st, 1024));
	op_place(&b, &p);
	op_queue(st, OP_PLACE, &b);
	buf_clear(&b);
	OK(store_commit(st));
	ATF_CHECK_EQ(uid + 10, store_msg_at(st, 2, 0)->uid);
	/* Both are taken away, the higher one at last. */
	for (; uid != 0; uid = uid < p.uid ? p.uid : 0) {
		OK(mut_begin(st, 1024));
		buf_put64(&b, 2);
		buf_put32(&b, 1);
		buf_put32(&b, uid);
		buf_put64(&b, msg->inst);
		op_queue(st, OP_RETIRE, &b);
		buf_clear(&b);
		OK(store_commit(st));
	}
	OK(store_merge(st, &m));
	ATF_CHECK_EQ(1, m.again);
	msg = only_message(st, 2, &p);
	ATF_CHECK(msg->uid > uid + 10);
	host_stop(&hosts[0]);
	host_stop(&hosts[1]);
	store_sys_set(NULL);
	seal_ring_free(a.ring);
}

static unsigned int
count_all(struct store *st, unsigned int n)
{
	const struct store_box *b;
	const struct store_msg *m;
	unsigned int there;
	size_t i, count;

	there = 0;
	for (b = NULL; (b = store_box_next(st, b)) != NULL;) {
		m = column(st, b->id, &count);
		for (i = 0; i < count; i++)
			there += number(&m[i]) == n;
	}
	return there;
}

/*
 * Both hosts move one message: it is there once.  And a host removes a box
 * that has a message it does not show: that one goes to INBOX.
 */
ATF_TC_WITHOUT_HEAD(moves);
ATF_TC_BODY(moves, tc)
{
	const struct store_range all = {1, UINT32_MAX};
	struct account a;
	uint64_t box;
	uint32_t uid;
	int i;

	account_make(&a);
	ATF_REQUIRE_EQ(0, system("mkdir template && mv accounts template/"));
	store_sys_set(&table);
	host_start(&hosts[0], a.ring);
	OK(store_pair(hosts[0].a.st));
	OK(append(&hosts[0].a, STORE_INBOX, 0, 100, &uid));
	OK(store_mkbox(hosts[0].a.st, "shared", 0, &box));
	OK(store_commit(hosts[0].a.st));
	host_start(&hosts[1], a.ring);
	heal();
	for (i = 0; i < 2; i++) {
		OK(store_copy(
		    hosts[i].a.st, STORE_INBOX, &all, 1, 2, true, NULL, NULL));
		OK(store_commit(hosts[i].a.st));
	}
	OK(append(&hosts[1].a, box, 1, 100, &uid));
	for (i = 2; i < 5; i++)
		OK(append(&hosts[0].a, box, (unsigned int)i, 100, &uid));
	OK(store_commit(hosts[0].a.st));
	OK(store_commit(hosts[1].a.st));
	ATF_REQUIRE(!store_lease(hosts[1].a.st));
	exchange(&hosts[0], true);
	ATF_CHECK_EQ(0, count_all(hosts[1].a.st, 1));
	OK(store_rmbox(hosts[1].a.st, box));
	OK(store_commit(hosts[1].a.st));
	ATF_CHECK_EQ(1, count_all(hosts[1].a.st, 1));
	heal();
	if (bad[0] != '\0')
		atf_tc_fail("%s", bad);
	for (i = 0; i < 2; i++) {
		ATF_CHECK_EQ(1, count_all(hosts[i].a.st, 0));
		ATF_CHECK_EQ(1, count_all(hosts[i].a.st, 1));
		ATF_CHECK_EQ(0, count_all(hosts[i].a.st, 2));
		host_stop(&hosts[i]);
	}
	store_sys_set(NULL);
	seal_ring_free(a.ring);
}

ATF_TC_WITHOUT_HEAD(compare);
ATF_TC_BODY(compare, tc)
{
	struct store_compare c = {.tell = no_line};
	struct account a;
	uint32_t uid;

	account_make(&a);
	ATF_REQUIRE_EQ(0, system("mkdir template && mv accounts template/"));
	host_start(&hosts[0], a.ring);
	copy_tree("host0", "old");
	OK(store_pair(hosts[0].a.st));
	(void)store_close(hosts[0].a.st);
	hosts[0].a.st = NULL;
	host_start(&hosts[1], a.ring);
	exchange(&hosts[0], true);
	exchange(&hosts[1], true);
	OK(store_compare(hosts[0].a.dir, hosts[1].a.dir, &c));
	ATF_CHECK_EQ(0, c.lacks);
	ATF_CHECK_EQ(0, c.conflicts);
	OK(append(&hosts[1].a, STORE_INBOX, 1, 100, &uid));
	OK(store_commit(hosts[1].a.st));
	OK(store_compare(hosts[0].a.dir, hosts[1].a.dir, &c));
	ATF_CHECK_EQ(2, c.lacks); /* the end of a series, and a blob */
	ATF_CHECK_EQ(0, c.conflicts);
	/* An old copy that was written to: two series of one name. */
	ATF_REQUIRE_EQ(0, system("rm -rf host0 && mv old host0"));
	close(hosts[0].a.base);
	hosts[0].a.base = open("host0", O_RDONLY | O_DIRECTORY);
	OK(store_account_open(hosts[0].a.base, ACCOUNT, &hosts[0].a.dir));
	host_open(&hosts[0]);
	OK(append(&hosts[0].a, STORE_INBOX, 2, 100, &uid));
	OK(store_commit(hosts[0].a.st));
	OK(store_compare(hosts[0].a.dir, hosts[1].a.dir, &c));
	ATF_CHECK_EQ(1, c.conflicts);
	host_stop(&hosts[0]);
	host_stop(&hosts[1]);
	seal_ring_free(a.ring);
}

/* Renames that chase each other: the later one is undone, whole. */
ATF_TC_WITHOUT_HEAD(renames);
ATF_TC_BODY(renames, tc)
{
	struct store_rename to_b[] = {{0, "B/A"}};
	struct store_rename to_a[] = {{0, "A/B"}, {0, "A/B/c"}};
	struct store *st;
	struct account a;
	uint64_t c;

	account_make(&a);
	ATF_REQUIRE_EQ(0, system("mkdir template && mv accounts template/"));
	store_sys_set(&table);
	host_start(&hosts[0], a.ring);
	OK(store_pair(hosts[0].a.st));
	OK(store_mkbox(hosts[0].a.st, "A", 0, &to_b[0].box));
	OK(store_mkbox(hosts[0].a.st, "B", 0, &to_a[0].box));
	OK(store_mkbox(hosts[0].a.st, "B/c", 0, &c));
	OK(store_commit(hosts[0].a.st));
	host_start(&hosts[1], a.ring);
	exchange(&hosts[0], true);
	exchange(&hosts[1], true);
	to_a[1].box = c;
	OK(store_mvbox(hosts[0].a.st, to_b, 1));
	OK(store_commit(hosts[0].a.st));
	OK(store_set_use(hosts[1].a.st, c, 0)); /* later, by Lamport's time */
	OK(store_set_use(hosts[1].a.st, c, 0));
	OK(store_commit(hosts[1].a.st));
	OK(store_mvbox(hosts[1].a.st, to_a, 2));
	OK(store_commit(hosts[1].a.st));
	heal();
	if (bad[0] != '\0')
		atf_tc_fail("%s", bad);
	st = hosts[1].a.st;
	ATF_CHECK_STREQ("B/A", store_box_find(st, to_b[0].box)->name);
	ATF_CHECK_STREQ("B", store_box_find(st, to_a[0].box)->name);
	ATF_CHECK_STREQ("B/c", store_box_find(st, c)->name);
	host_stop(&hosts[0]);
	host_stop(&hosts[1]);
	store_sys_set(NULL);
	seal_ring_free(a.ring);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, compare);
	ATF_TP_ADD_TC(tp, renames);
	ATF_TP_ADD_TC(tp, placements);
	ATF_TP_ADD_TC(tp, moves);
	ATF_TP_ADD_TC(tp, property);
	return atf_no_error();
}
