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
 * What the store costs, each figure beside what the machine can do: writing,
 * syncing and sealing alone.  Run in an empty folder on the disk in question.
 * usage: store_bench [MESSAGES]
 */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "compat.h"
#include "store_work.h"

#define ACCOUNT "anna@example.org"
#define SIZE 4096 /* octets of a message */
#define SUMMARY 300
#define SECONDS 2.0 /* of each measured rate */

static int base, dir;
static struct seal_ring *ring;
static uint8_t body[SIZE];

static double
now(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		err(1, "clock_gettime");
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
must(const char *what, enum store_result result)
{
	if (result != STORE_OK)
		errx(1, "%s: %s", what, store_strerror(result));
}
#define OK(call) must(#call, (call))

static void
make_account(void)
{
	char code[SEAL_CODE_SIZE];
	int fd;

	if (seal_init() == -1)
		errx(1, "seal_init");
	base = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (base == -1)
		err(1, ".");
	OK(store_account_create(base, ACCOUNT, &fd));
	ring = seal_account_create(
	    fd, 0, "secret", 6, &seal_kdf_low, time(NULL), code);
	if (ring == NULL)
		err(1, "seal_account_create");
	OK(store_account_publish(base, ACCOUNT, fd));
	(void)close(fd);
	OK(store_account_open(base, ACCOUNT, &dir));
}

/* Files of one message's size, n of them to a sync: the disk's limit. */
static double
rate_disk(unsigned int n, bool syncing)
{
	char name[64], buf[8192];
	unsigned int done, i;
	double begin, all;
	int fd;

	memset(buf, 1, sizeof(buf));
	if (mkdir("raw", 0700) == -1 && errno != EEXIST)
		err(1, "raw");
	begin = now();
	for (done = 0; now() - begin < SECONDS;) {
		for (i = 0; i < n; i++, done++) {
			(void)snprintf(name, sizeof(name), "raw/%ld.%u.%d.%u",
			    (long)getpid(), n, syncing, done);
			fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
			if (fd == -1 || write(fd, buf, sizeof(buf)) == -1)
				err(1, "%s", name);
			if (syncing && i == n - 1 && compat_syncfs(fd) == -1)
				err(1, "syncfs");
			(void)close(fd);
		}
	}
	all = done / (now() - begin);
	/* For the next measurement. */
	if (compat_syncfs(base) == -1)
		warn("syncfs");
	return all;
}

/* Octets written over in place, then fdatasync(2): the limit of a commit. */
static double
rate_fdatasync(void)
{
	static char zeros[1 << 20];
	unsigned int n;
	double begin;
	int fd;

	fd = open("raw.log", O_WRONLY | O_CREAT, 0600);
	if (fd == -1 || write(fd, zeros, sizeof(zeros)) == -1 ||
	    fsync(fd) == -1)
		err(1, "raw.log");
	begin = now();
	for (n = 0; now() - begin < SECONDS; n++) {
		if (pwrite(fd, "x", 1, (n % 256) * 4096) == -1 ||
		    fdatasync(fd) == -1)
			err(1, "raw.log");
	}
	(void)close(fd);
	return n / (now() - begin);
}

static double
rate_seal(void)
{
	static uint8_t out[SIZE + SEAL_BOX_EXTRA];
	uint8_t key[SEAL_KEY_LEN] = {1};
	unsigned int n;
	double begin;

	begin = now();
	for (n = 0; now() - begin < SECONDS / 2; n++)
		seal_box(key, body, 16, body, sizeof(body), out);
	return n / (now() - begin);
}

/* A key agreement: an ephemeral pair and its secret. */
static double
rate_curve(void)
{
	static uint8_t out[crypto_box_SEALBYTES + 1];
	uint8_t pk[crypto_box_PUBLICKEYBYTES], sk[crypto_box_SECRETKEYBYTES];
	unsigned int n;
	double begin;

	if (crypto_box_keypair(pk, sk) == -1)
		errx(1, "crypto_box_keypair");
	begin = now();
	for (n = 0; now() - begin < SECONDS / 2; n++) {
		if (crypto_box_seal(out, body, 1, pk) == -1)
			errx(1, "crypto_box_seal");
	}
	return n / (now() - begin);
}

static void
send_one(struct store_blob *blob)
{
	struct store_envelope env = {.from = "a", .to = ACCOUNT, .hint = ""};
	struct store_chunk c = {0};

	c.kind = STORE_BODY;
	c.data = body;
	c.plain = (uint32_t)(c.len = sizeof(body));
	OK(store_blob_chunk(blob, &c));
	c.kind = STORE_SUMMARY;
	c.plain = (uint32_t)(c.len = SUMMARY);
	OK(store_blob_chunk(blob, &c));
	seal_random(env.delivery_id, sizeof(env.delivery_id));
	env.date = time(NULL);
	env.verdict = "";
	OK(store_blob_finish(blob, &env));
}

/* Deliveries, n of them to a sync; syncing or not. */
static double
rate_delivery(unsigned int n, bool syncing)
{
	struct store_blob *blobs[64];
	struct store_rcpt *rcpt;
	unsigned int done, i;
	double begin;

	OK(store_rcpt_open(base, ACCOUNT, &rcpt));
	begin = now();
	for (done = 0; now() - begin < SECONDS; done += n) {
		for (i = 0; i < n; i++) {
			OK(store_blob_create(rcpt, 0, &blobs[i]));
			send_one(blobs[i]);
		}
		if (syncing)
			OK(store_blob_sync(base, blobs, n));
		for (i = 0; i < n; i++)
			store_blob_free(blobs[i]);
	}
	store_rcpt_free(rcpt);
	return done / (now() - begin);
}

/* The same in several processes at once; their sum. */
static double
together(double (*rate)(unsigned int, bool), unsigned int processes,
    unsigned int n, bool syncing)
{
	double one, sum;
	unsigned int i;
	int fds[2], status;
	pid_t pid;

	if (processes == 1)
		return rate(n, syncing);
	if (pipe(fds) == -1)
		err(1, "pipe");
	for (i = 0; i < processes; i++) {
		pid = fork();
		if (pid == -1)
			err(1, "fork");
		if (pid == 0) {
			one = rate(n, syncing);
			_exit(write(fds[1], &one, sizeof(one)) != sizeof(one));
		}
	}
	for (i = 0, sum = 0; i < processes; i++, sum += one) {
		if (read(fds[0], &one, sizeof(one)) != sizeof(one) ||
		    wait(&status) == -1 || status != 0)
			errx(1, "a child failed");
	}
	(void)close(fds[0]);
	(void)close(fds[1]);
	return sum;
}

/*
 * Deliveries beside the same files written without sealing them, by as many
 * processes: smtp-deliver has one for each core.
 */
static void
report_deliveries(void)
{
	static const unsigned int by[] = {1, 8, 64};
	unsigned int cores, i, p;
	double all, disk;

	cores = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	printf(
	    "key agreement alone: %.0f a second, one for %d messages at most\n",
	    rate_curve(), SEAL_SENDER_MESSAGES);
	printf("deliveries without syncs: %.0f a second; files alone: %.0f\n",
	    rate_delivery(1, false), rate_disk(1, false));
	for (i = 0; i < 3; i++) {
		for (p = 1; p <= cores; p += cores > 1 ? cores - 1 : 1) {
			if (by[i] % p != 0)
				continue;
			disk = together(rate_disk, p, by[i] / p, true);
			all = together(rate_delivery, p, by[i] / p, true);
			printf("deliveries by %u, processes %u: %.0f a second; "
			       "the disk alone: %.0f (%.0f %%)\n",
			    by[i], p, all, disk, 100 * all / disk);
		}
	}
	/* What was delivered is of no use below. */
	if (system("rm -rf raw raw.log && find accounts/*/*/in "
		   "-mindepth 1 -delete") != 0)
		errx(1, "rm");
}

/* What n messages of INBOX are in log and snapshot; their bodies are not. */
static void
fill_box(struct store *st, unsigned int n)
{
	struct place p;
	struct buf b = {0};
	uint64_t off;
	unsigned int i;

	for (i = 0; i < n; i++) {
		OK(mut_begin(st, 512));
		memset(&p, 0, sizeof(p));
		p.box = STORE_INBOX;
		p.uid = next_uid(st, box_find(st, STORE_INBOX));
		p.how = HOW_NEW;
		seal_random(p.instance, sizeof(p.instance));
		seal_random(p.blob, sizeof(p.blob));
		seal_random(p.key, sizeof(p.key));
		p.bytes = 8192;
		p.size = SIZE;
		p.saved = (uint32_t)time(NULL);
		p.date = time(NULL);
		if (pack_append(st, &st->sum, body, SUMMARY, &off) == -1)
			err(1, "pack_append");
		st->next_sum_off = off;
		st->next_sum_len = SUMMARY;
		op_place(&b, &p);
		op_queue(st, OP_PLACE, &b);
		buf_clear(&b);
		op_group_end(st);
	}
	OK(store_commit(st));
}

static struct store *
opened(void)
{
	struct store *st;

	OK(store_open(base, dir, ring, &st));
	if (store_damage(st) != NULL)
		errx(1, "damaged: %s", store_damage(st));
	return st;
}

/* In a child, so that the memory it needs can be told. */
static long
open_child(bool use, double *seconds)
{
	struct store *st;
	struct rusage ru;
	double begin, took;
	int fds[2], status;
	pid_t pid;

	if (pipe(fds) == -1 || (pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		begin = now();
		st = opened();
		if (use)
			OK(store_use(st, STORE_INBOX));
		took = now() - begin;
		if (write(fds[1], &took, sizeof(took)) != sizeof(took))
			_exit(1);
		store_abandon(st);
		_exit(0);
	}
	if (read(fds[0], seconds, sizeof(*seconds)) != sizeof(*seconds) ||
	    wait4(pid, &status, 0, &ru) != pid || status != 0)
		errx(1, "the child failed");
	(void)close(fds[0]);
	(void)close(fds[1]);
	return ru.ru_maxrss;
}

static void
report_open(unsigned int n, long empty)
{
	double bare, used;
	long rss;

	(void)open_child(false, &bare);
	rss = open_child(true, &used);
	printf("open of %u messages: %.0f ms, with its column %.0f ms; "
	       "%.0f octets of memory a message\n",
	    n, bare * 1e3, used * 1e3, (double)(rss - empty) * 1024 / n);
}

static uint32_t
uid_at(struct store *st, size_t pos)
{
	return store_msg_at(st, STORE_INBOX, pos)->uid;
}

/* One change and its commit, at some place of the mailbox. */
static void
report_changes(struct store *st, const char *what, unsigned int messages)
{
	struct store_range r;
	uint64_t before, octets;
	size_t n;
	unsigned int i;
	double begin, flags, copies, expunges;

	OK(store_use(st, STORE_INBOX));
	n = store_box_find(st, STORE_INBOX)->messages;
	before = st->log_since;
	begin = now();
	for (i = 0; i < 100; i++) {
		r.first = r.last = uid_at(st, n / 101 * i);
		OK(store_flags(st, STORE_INBOX, &r, 1, 2, 0, UINT64_MAX));
		OK(store_commit(st));
	}
	flags = (now() - begin) / 100;
	octets = (st->log_since - before) / 100;
	begin = now();
	for (i = 0; i < 100; i++) {
		r.first = r.last = uid_at(st, n / 101 * i);
		OK(store_copy(st, STORE_INBOX, &r, 1, 2, false, NULL, NULL));
		OK(store_commit(st));
	}
	copies = (now() - begin) / 100;
	begin = now();
	for (i = 0; i < 100; i++) {
		r.first = r.last = uid_at(st, n / 101 * i);
		OK(store_expunge(st, STORE_INBOX, &r, 1, true));
		OK(store_commit(st));
	}
	expunges = (now() - begin) / 100;
	printf("%s at %u messages: flag %.0f us and %llu octets of log, "
	       "copy %.0f us, expunge %.0f us\n",
	    what, messages, flags * 1e6, (unsigned long long)octets,
	    copies * 1e6, expunges * 1e6);
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

static const struct store_sys unsynced = {real_open, pwrite, no_sync, no_sync,
    no_sync, renameat, unlinkat, mkdirat, ftruncate};

/* What upkeep there is, to its end; users wait for one step at most. */
static unsigned int
run_steps(struct store *st, double *sum, double *longest)
{
	unsigned int steps;
	double begin, took;
	bool more;

	*sum = *longest = 0;
	for (steps = 0, more = true; more; steps++) {
		begin = now();
		OK(store_idle(st, &more));
		took = now() - begin;
		*sum += took;
		if (took > *longest)
			*longest = took;
	}
	return steps;
}

static void
report_idle(struct store *st, unsigned int n)
{
	double longest, sum;
	unsigned int steps;

	/* Filling without syncs has left more than use ever does. */
	if (compat_syncfs(base) == -1)
		warn("syncfs");
	OK(snap_begin(st, 0));
	steps = run_steps(st, &sum, &longest);
	printf("snapshot at %u messages: %.0f ms, %u steps, the longest "
	       "%.1f ms\n",
	    n, sum * 1e3, steps, longest * 1e3);
	OK(checkpoint_begin(st));
	steps = run_steps(st, &sum, &longest);
	printf("checkpoint at %u messages: %.0f ms, %u steps, the longest "
	       "%.1f ms\n",
	    n, sum * 1e3, steps, longest * 1e3);
	OK(compact_begin(st));
	steps = run_steps(st, &sum, &longest);
	printf("compaction at %u messages: %.0f ms, %u steps, the longest "
	       "%.1f ms\n",
	    n, sum * 1e3, steps, longest * 1e3);
}

static void
report_mailbox(unsigned int n, long empty)
{
	struct store *st;
	unsigned int have;
	double begin;

	store_sys_set(&unsynced);
	st = opened();
	have = store_box_find(st, STORE_INBOX)->messages;
	begin = now();
	fill_box(st, n - have);
	printf("placed %u messages: %.0f a second\n", n - have,
	    (n - have) / (now() - begin));
	report_changes(st, "without syncs", n);
	store_sys_set(NULL);
	report_changes(st, "with syncs", n);
	report_idle(st, n);
	OK(store_close(st));
	report_open(n, empty);
}

int
main(int argc, char **argv)
{
	static const unsigned int sizes[] = {1000, 100000, 1000000};
	unsigned int i, max;
	double seconds;
	long empty;

	max = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 1000000;
	setvbuf(stdout, NULL, _IOLBF, 0);
	seal_random(body, sizeof(body));
	make_account();
	printf("fdatasync alone: %.0f a second\n", rate_fdatasync());
	printf("sealing %d octets alone: %.0f a second\n", SIZE, rate_seal());
	report_deliveries();
	OK(store_close(opened()));
	empty = open_child(true, &seconds);
	for (i = 0; i < 3; i++) {
		if (sizes[i] <= max)
			report_mailbox(sizes[i], empty);
	}
	seal_ring_free(ring);
	return 0;
}
