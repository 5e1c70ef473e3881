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
 * Loss of power: random work on an account is recorded, then the account is
 * opened in every state, or in many, that a loss of power could have left at
 * any moment of it.  What was acknowledged is there, what was under way is
 * there whole or not at all, every body reads, nothing is read-only, waiting
 * deliveries come in once each, and a second opening finds the same.
 *
 * And the test can fail: with any one of the syncs left out that libstore
 * needs, it does.  The seed is printed; SEED in the environment sets it, and
 * STRESS makes it long, by RUNS in the environment as long as wanted.
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"
#include "disk.h"
#include "store_local.h"

#define STEPS 60
#define NEVER SIZE_MAX
#define MAIL_MAX (STEPS * 2)
#define DATE 1700000000

static uint64_t seed;
static const char *phase; /* what is being done, for dropped syncs */

static uint32_t
dice(uint32_t n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33) % n;
}

/* What was true at which moment. */
static struct {
	size_t at;
	char *picture;
} marks[STEPS * 12 + 8];
static size_t nmarks;

/* Deliveries, by their number. */
static struct {
	size_t begun;
	size_t acked;
	size_t placed; /* the mark that shows it, or NEVER */
} mail[MAIL_MAX];
static unsigned int nmail;

static struct seal_ring *ring; /* of the account */

static void
mark(struct account *a)
{
	phase = "commit";
	OK(store_commit(a->st));
	marks[nmarks].picture = picture(a);
	marks[nmarks++].at = disk_now();
}

static size_t
some_size(void)
{
	return dice(6) == 0 ? 70000 : dice(9000);
}

static void
drain_all(struct account *a)
{
	unsigned int i;

	phase = "drain";
	(void)drain(a);
	for (i = 0; i < nmail; i++) {
		if (mail[i].placed == NEVER)
			mail[i].placed = nmarks;
	}
}

/* As smtp-deliver does; late: the vault drains before the sync. */
static void
take_in(struct account *a, bool late)
{
	struct store_rcpt *rcpt;
	struct store_blob *blob;
	unsigned int n;

	n = nmail++;
	mail[n].begun = disk_now();
	mail[n].acked = mail[n].placed = NEVER;
	phase = "deliver";
	OK(store_rcpt_open(a->base, ACCOUNT, &rcpt));
	OK(store_blob_create(rcpt, 2, &blob));
	store_rcpt_free(rcpt);
	OK(send_body(blob, n, some_size()));
	if (late) {
		drain_all(a);
		mark(a);
		phase = "deliver";
	}
	OK(store_blob_sync(a->base, &blob, 1));
	mail[n].acked = disk_now();
	store_blob_free(blob);
}

static uint64_t
some_box(struct account *a)
{
	const struct store_box *b;
	uint32_t n;

	b = store_box_next(a->st, NULL);
	for (n = dice(5); n > 0; n--) {
		if (store_box_next(a->st, b) != NULL)
			b = store_box_next(a->st, b);
	}
	return b->id;
}

static void
change_boxes(struct account *a)
{
	struct store_rename r;
	char name[32];

	(void)snprintf(name, sizeof(name), "box %u", dice(4));
	r.box = some_box(a);
	r.name = name;
	switch (dice(6)) {
	case 4:
	case 5:
		OK(any_meta(a->st, r.box, dice));
		break;
	case 0:
		(void)store_mkbox(a->st, name, 0, NULL);
		break;
	case 1:
		(void)store_mvbox(a->st, &r, 1);
		break;
	case 2:
		(void)store_rmbox(a->st, r.box);
		break;
	default:
		OK(store_subscribe(a->st, name, dice(2) == 0));
		break;
	}
}

/* As of very many: between the pieces others go on, and are answered. */
static void
copy_pieces(
    struct account *a, uint64_t box, const struct store_range *r, uint64_t to)
{
	struct store_copying *c;
	unsigned int bit;
	uint64_t other;
	uint32_t uid;
	bool more;

	OK(store_keyword(a->st, to, "word", true, &bit));
	mark(a);
	phase = "copy";
	a->st->small_steps = true;
	OK(store_copy_begin(a->st, box, r, 1, to, NULL, NULL, &c));
	for (more = true; more;) {
		OK(store_copy_step(c, &more));
		other = some_box(a);
		if (!more || other == to)
			continue;
		OK(append(a, other, MAIL_MAX + STEPS, some_size(), &uid));
		mark(a);
		phase = "copy";
	}
	a->st->small_steps = false;
}

static void
change_messages(struct account *a)
{
	struct store_range r;
	uint64_t box, to;
	unsigned int bit;

	box = dice(2) == 0 ? STORE_INBOX : some_box(a);
	to = some_box(a);
	r.first = 1 + dice(store_box_find(a->st, box)->uidnext);
	r.last = r.first + dice(12);
	switch (dice(6)) {
	case 0:
		OK(store_keyword(a->st, box, "word", true, &bit));
		OK(store_flags(a->st, box, &r, 1, 1ULL << bit, 0, UINT64_MAX));
		break;
	case 1:
		OK(store_flags(a->st, box, &r, 1, dice(32), 0, UINT64_MAX));
		break;
	case 2:
		OK(store_expunge(a->st, box, &r, 1, true));
		break;
	case 3:
		OK(store_copy(a->st, box, &r, 1, to, false, NULL, NULL));
		break;
	case 4:
		copy_pieces(a, box, &r, to);
		break;
	default:
		OK(store_copy(a->st, box, &r, 1, to, true, NULL, NULL));
		break;
	}
}

static void
upkeep(struct account *a)
{
	bool more;

	switch (dice(6)) {
	case 0:
		phase = "snapshot";
		OK(snap_save(a->st));
		break;
	case 1:
		phase = "checkpoint";
		OK(checkpoint(a->st));
		break;
	case 2:
		phase = "compact";
		OK(compact(a->st));
		break;
	case 3:
		phase = "idle";
		do
			OK(store_idle(a->st, &more));
		while (more);
		break;
	case 4:
		phase = "close";
		account_close(a);
		phase = "open";
		account_open(a);
		break;
	default:
		phase = "open";
		account_crash(a);
		break;
	}
}

static void
step(struct account *a, unsigned int i)
{
	uint32_t uid;

	switch (dice(12)) {
	case 0:
	case 1:
		phase = "append";
		OK(append(a, some_box(a), MAIL_MAX + i, some_size(), &uid));
		break;
	case 2:
	case 3:
		take_in(a, false);
		break;
	case 4:
		take_in(a, true);
		break;
	case 5:
	case 6:
		drain_all(a);
		break;
	case 7:
		change_boxes(a);
		break;
	case 8:
	case 9:
		upkeep(a);
		break;
	default:
		change_messages(a);
		break;
	}
	mark(a);
}

/* The account of each test case is made once; work begins with it opened. */
static void
work(struct account *a, bool has_syncfs, bool fan)
{
	unsigned int i;

	nmarks = 0;
	nmail = 0;
	disk_start(has_syncfs);
	phase = "open";
	account_open(a);
	if (fan)
		a->st->nflat = BLOB_FLAT;
	mark(a);
	for (i = 0; i < STEPS; i++)
		step(a, i);
	phase = "close";
	account_close(a);
	disk_stop();
}

/* What went wrong, for the report; NULL: nothing. */
static char trouble[2000];

static bool wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static bool
wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(trouble, sizeof(trouble), fmt, ap);
	va_end(ap);
	return false;
}

static bool
body_reads(struct account *a, uint64_t box, const struct store_msg *m)
{
	static uint8_t want[80000], got[STORE_CHUNK];
	enum store_result result;
	struct store_chunk c;
	struct store_body *b;
	unsigned int n;
	uint32_t i;
	size_t off;

	n = (unsigned int)(m->date - DATE);
	if (m->size > sizeof(want) ||
	    store_body_open(a->st, box, m->uid, &b) != STORE_OK)
		return wrong("the body of message %u does not open", n);
	fill(want, m->size, n);
	result = STORE_OK;
	off = 0;
	for (i = 0; i < store_body_chunks(b, STORE_BODY); i++) {
		result = store_body_read(
		    b, STORE_BODY, i, got, sizeof(got), &c);
		if (result != STORE_OK || c.len > m->size - off ||
		    memcmp(want + off, got, c.len) != 0)
			break;
		off += c.len;
	}
	store_body_close(b);
	return off == m->size ? true :
				wrong("the body of message %u is not whole", n);
}

static bool
bodies_read(struct account *a)
{
	const struct store_box *b;
	const struct store_msg *m;
	size_t i, n;

	for (b = NULL; (b = store_box_next(a->st, b)) != NULL;) {
		m = column(a->st, b->id, &n);
		for (i = 0; m != NULL && i < n; i++) {
			if (!body_reads(a, b->id, &m[i]))
				return false;
		}
		if (n != b->messages)
			return wrong("box %s has no column", b->name);
	}
	return true;
}

static bool
opens(struct account *a)
{
	enum store_result result;

	result = store_open(a->base, a->dir, ring, &a->st);
	if (result != STORE_OK)
		return wrong("does not open: %s", store_strerror(result));
	if (store_damage(a->st) != NULL)
		return wrong("read-only: %s", store_damage(a->st));
	return true;
}

/* The mark whose picture it shows: of the last one, or the next. */
static bool
known_picture(struct account *a, size_t at, size_t *which)
{
	size_t i;
	char *got;

	for (i = 0; i < nmarks && marks[i].at <= at; i++)
		;
	/* Before the first the boxes are not made, or their time differs. */
	*which = i == 0 ? 0 : i - 1;
	if (i == 0)
		return true;
	got = picture(a);
	if (!same_picture(got, marks[i - 1].picture)) {
		*which = i;
		if (i == nmarks || !same_picture(got, marks[i].picture))
			return wrong("acknowledged\n%.500s\ngot\n%.500s",
			    marks[i - 1].picture, got);
	}
	free(got);
	return true;
}

/* Each delivery that was not yet placed comes in once. */
static bool
mail_comes(struct account *a, size_t at, size_t which)
{
	unsigned int seen[MAIL_MAX] = {0}, i;
	const struct store_msg *m;
	struct store_drained d;
	uint32_t next;
	size_t n, j;

	next = store_box_find(a->st, STORE_INBOX)->uidnext;
	do {
		if (store_drain(a->st, &d) != STORE_OK)
			return wrong("drain failed");
		if (d.bad > 0)
			return wrong("a bad delivery");
	} while (d.more);
	m = column(a->st, STORE_INBOX, &n);
	for (j = 0; j < n; j++) {
		if (m[j].uid >= next && m[j].date - DATE < MAIL_MAX)
			seen[m[j].date - DATE]++;
	}
	for (i = 0; i < nmail; i++) {
		if (mail[i].placed != NEVER && mail[i].placed <= which) {
			if (seen[i] != 0)
				return wrong("mail %u came twice", i);
		} else if (seen[i] > 1)
			return wrong("mail %u came %u times", i, seen[i]);
		else if (mail[i].acked <= at && seen[i] == 0)
			return wrong("mail %u is lost", i);
		else if (mail[i].begun > at && seen[i] != 0)
			return wrong("mail %u came too early", i);
	}
	return true;
}

static const struct store_sys unsynced;

/* The account in disk_crashed(), as its user finds it. */
static bool
look_at(struct account *a, size_t at)
{
	char *before, *after;
	size_t which;
	bool good;

	if (!opens(a) || !bodies_read(a) || !known_picture(a, at, &which))
		return false;
	/* A crash at once, and nothing is different. */
	before = picture(a);
	store_abandon(a->st);
	a->st = NULL;
	if (!opens(a) || !bodies_read(a) || !mail_comes(a, at, which) ||
	    !bodies_read(a))
		return false;
	free(before);
	before = picture(a);
	if (store_close(a->st) != STORE_OK)
		return wrong("does not close");
	a->st = NULL;
	if (!opens(a) || !bodies_read(a))
		return false;
	after = picture(a);
	good = strcmp(before, after) == 0 ||
	    wrong("another state at the next opening");
	free(before);
	free(after);
	return good;
}

static bool
look(size_t at, void *arg)
{
	struct account a = {0};
	size_t *where = arg;
	bool good;

	*where = at;
	a.ring = ring;
	a.base = open(disk_crashed(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ATF_REQUIRE(a.base != -1);
	if (store_account_open(a.base, ACCOUNT, &a.dir) != STORE_OK)
		return wrong("no account");
	good = look_at(&a, at);
	if (a.st != NULL)
		store_abandon(a.st);
	close(a.dir);
	close(a.base);
	return good;
}

static int
no_sync(int fd)
{
	return 0;
}

static int
real_open(int dirfd, const char *name, int flags, mode_t mode)
{
	return openat(dirfd, name, flags, mode);
}

/* While states are looked at nothing need be durable. */
static const struct store_sys unsynced = {real_open, pwrite, no_sync, no_sync,
    no_sync, renameat, unlinkat, mkdirat, ftruncate};

static uint64_t
new_seed(void)
{
	const char *s;

	s = getenv("SEED");
	seed = s != NULL ? strtoull(s, NULL, 10) : arc4random();
	return seed;
}

static void
forget(void)
{
	while (nmarks > 0)
		free(marks[--nmarks].picture);
	disk_free();
}

/* One account, its work, and all that could be left; false: trouble says. */
static bool
one_run(bool has_syncfs, bool fan, unsigned int samples, unsigned int stride,
    size_t *states)
{
	struct account a;
	uint64_t begin;
	size_t where;

	begin = new_seed();
	trouble[0] = '\0';
	ATF_REQUIRE_EQ(0, system("rm -rf accounts head"));
	account_make(&a);
	ring = a.ring;
	work(&a, has_syncfs, fan);
	store_sys_set(&unsynced);
	*states += disk_replay(begin, samples, stride, look, &where);
	store_sys_set(NULL);
	if (trouble[0] != '\0')
		printf("seed %llu, syncfs %d, fan %d, call %zu of %zu: %s\n",
		    (unsigned long long)begin, has_syncfs, fan, where,
		    disk_now(), trouble);
	forget();
	account_end(&a);
	return trouble[0] == '\0';
}

static void
many_runs(bool has_syncfs, unsigned int runs, unsigned int long_runs)
{
	const char *s = getenv("RUNS");
	unsigned int i;
	size_t states;

	if (getenv("STRESS") != NULL)
		runs = s != NULL ? (unsigned int)atoi(s) : long_runs;
	for (i = 0, states = 0; i < runs; i++) {
		if (!one_run(has_syncfs, i % 3 == 2, 4,
			getenv("STRESS") != NULL ? 1 : 7, &states))
			atf_tc_fail("%s", trouble);
		if (getenv("STRESS") != NULL) {
			printf("run %u of %u: %zu states so far\n", i + 1, runs,
			    states);
			(void)fflush(stdout);
		}
	}
	printf("%zu states\n", states);
}

ATF_TC_WITHOUT_HEAD(syncfs);
ATF_TC_BODY(syncfs, tc)
{
	many_runs(true, 3, 100);
}

ATF_TC_WITHOUT_HEAD(fsync);
ATF_TC_BODY(fsync, tc)
{
	many_runs(false, 3, 100);
}

/* Syncs that are needed. */
static const struct omission {
	const char *what;
	bool has_syncfs;
	const char *kind;
	const char *path; /* begins with */
	const char *phase;
} omissions[] = {
    {"a frame", true, "fdatasync", "log/", ""},
    {"a new segment", true, "fsync", "log/.new", ""},
    {"the name of a new segment", true, "fsync", "log", ""},
    {"a delivery", true, "syncfs", "", "deliver"},
    {"an appended message", true, "syncfs", "", "commit"},
    {"a drained delivery", true, "syncfs", "", "drain"},
    {"renames of a drain, before a snapshot", true, "syncfs", "", "snapshot"},
    {"the columns of a snapshot", false, "fsync", "snap/", "snapshot"},
    {"a delivery's file", false, "fsync", "in/", "deliver"},
    {"a delivery's name", false, "fsync", "in", "deliver"},
    {"an appended file", false, "fsync", "blob/", "commit"},
    {"an appended name", false, "fsync", "blob", "commit"},
    {"a drained file", false, "fsync", "in/", "drain"},
    {"a drained name", false, "fsync", "in", "drain"},
};
#define OMISSIONS (sizeof(omissions) / sizeof(omissions[0]))
static const struct omission *omitted;

static bool
omit(const char *kind, const char *path)
{
	size_t len;

	len = strlen(omitted->path);
	if (strcmp(kind, omitted->kind) != 0 ||
	    strncmp(phase, omitted->phase, strlen(omitted->phase)) != 0)
		return false;
	if (len == 0 || strcmp(path, omitted->path) == 0)
		return true;
	return omitted->path[len - 1] == '/' &&
	    strncmp(path, omitted->path, len) == 0;
}

/* In a process of its own: a test case that fails in it is what is wanted. */
static bool
noticed(const struct omission *o)
{
	unsigned int i;
	size_t states;
	pid_t pid;
	int status;

	(void)fflush(NULL);
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		omitted = o;
		disk_drop(omit);
		for (i = 0, states = 0; i < 12; i++) {
			if (!one_run(o->has_syncfs, false, 4, 3, &states)) {
				(void)fflush(NULL);
				_exit(3);
			}
		}
		_exit(0);
	}
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_REQUIRE_MSG(WIFEXITED(status), "signal %d", WTERMSIG(status));
	ATF_REQUIRE(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 3);
	return WEXITSTATUS(status) == 3;
}

ATF_TC_WITHOUT_HEAD(omissions);
ATF_TC_BODY(omissions, tc)
{
	size_t i;

	for (i = 0; i < OMISSIONS; i++) {
		printf("without the sync of %s: ", omissions[i].what);
		if (!noticed(&omissions[i]))
			atf_tc_fail_nonfatal(
			    "without the sync of %s nothing is noticed",
			    omissions[i].what);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, syncfs);
	ATF_TP_ADD_TC(tp, fsync);
	ATF_TP_ADD_TC(tp, omissions);
	return atf_no_error();
}
