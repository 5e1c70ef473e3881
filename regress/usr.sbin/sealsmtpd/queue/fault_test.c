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
 * The queue when a call goes wrong: each call that changes the disk, and each
 * that asks for memory, once fails, once finds no space, once is the last of
 * the process, once tears.  What was acknowledged before is there when the
 * queue is read anew, and each message that is there can be read.
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "seal.h"

#include "../../../../usr.sbin/sealsmtpd/queue/journal.h"
#include "../../../../usr.sbin/sealsmtpd/queue/queue.h"

#define MESSAGES 6
#define SECOND 2 /* ... and so many later */
#define RCPTS 3
#define CALLS_MAX 2000
#define NOTES 200
#define JOURNAL_WANTED (24 * 1024) /* see COMPACT_MIN in the Makefile */

enum kind { STOP, FAIL, FULL, TEAR, KINDS };
enum ack { ACK_IN = 1, ACK_DONE = 2, ACK_GOING = 3, ACK_GONE = 4 };

/* What a process has promised, through a pipe. */
struct promise {
	uint8_t what; /* enum ack */
	uint8_t rcpt;
	uint8_t id[QUEUE_ID_LEN];
};

static const uint8_t key[QUEUE_KEY_LEN] = "key";
static struct {
	bool on;
	bool memory; /* else the disk */
	enum kind kind;
	unsigned int at;
	unsigned int calls;
} plan;
static int acks = -1;
static bool compacted;

int __real_openat(int, const char *, int, ...);
ssize_t __real_write(int, const void *, size_t);
ssize_t __real_pwrite(int, const void *, size_t, off_t);
int __real_fsync(int);
int __real_fdatasync(int);
int __real_compat_syncfs(int);
int __real_unlinkat(int, const char *, int);
int __real_renameat(int, const char *, int, const char *);
int __real_ftruncate(int, off_t);
int __real_mkdirat(int, const char *, mode_t);
void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_recallocarray(void *, size_t, size_t, size_t);
int __wrap_openat(int, const char *, int, ...);
ssize_t __wrap_write(int, const void *, size_t);
ssize_t __wrap_pwrite(int, const void *, size_t, off_t);
int __wrap_fsync(int);
int __wrap_fdatasync(int);
int __wrap_compat_syncfs(int);
int __wrap_unlinkat(int, const char *, int);
int __wrap_renameat(int, const char *, int, const char *);
int __wrap_ftruncate(int, off_t);
int __wrap_mkdirat(int, const char *, mode_t);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_recallocarray(void *, size_t, size_t, size_t);

/* True where this call is to fail. */
static bool
now(bool memory)
{
	if (!plan.on || plan.memory != memory || ++plan.calls != plan.at)
		return false;
	if (plan.kind == STOP || plan.kind == TEAR)
		_exit(7);
	errno = memory ? ENOMEM : plan.kind == FULL ? ENOSPC : EIO;
	return true;
}

/* The next call of the disk is to tear. */
static bool
tears(void)
{
	return plan.on && !plan.memory && plan.kind == TEAR &&
	    plan.calls + 1 == plan.at;
}

int
__wrap_openat(int fd, const char *name, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, int) : 0;
	va_end(ap);
	if ((flags & O_CREAT) != 0 && now(false))
		return -1;
	return __real_openat(fd, name, flags, mode);
}

ssize_t
__wrap_write(int fd, const void *p, size_t len)
{
	if (tears())
		(void)!__real_write(fd, p, len / 2);
	return now(false) ? -1 : __real_write(fd, p, len);
}

ssize_t
__wrap_pwrite(int fd, const void *p, size_t len, off_t off)
{
	if (tears())
		(void)!__real_pwrite(fd, p, len / 2, off);
	return now(false) ? -1 : __real_pwrite(fd, p, len, off);
}

int
__wrap_fsync(int fd)
{
	return now(false) ? -1 : __real_fsync(fd);
}

int
__wrap_fdatasync(int fd)
{
	return now(false) ? -1 : __real_fdatasync(fd);
}

int
__wrap_compat_syncfs(int fd)
{
	(void)fd;
	return now(false) ? -1 : 0;
}

int
__wrap_unlinkat(int fd, const char *name, int flags)
{
	return now(false) ? -1 : __real_unlinkat(fd, name, flags);
}

int
__wrap_renameat(int fd, const char *from, int to_fd, const char *to)
{
	return now(false) ? -1 : __real_renameat(fd, from, to_fd, to);
}

int
__wrap_ftruncate(int fd, off_t len)
{
	return now(false) ? -1 : __real_ftruncate(fd, len);
}

int
__wrap_mkdirat(int fd, const char *name, mode_t mode)
{
	return now(false) ? -1 : __real_mkdirat(fd, name, mode);
}

void *
__wrap_malloc(size_t size)
{
	return now(true) ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return now(true) ? NULL : __real_calloc(n, size);
}

void *
__wrap_recallocarray(void *p, size_t old, size_t n, size_t size)
{
	return now(true) ? NULL : __real_recallocarray(p, old, n, size);
}

static void
promise(enum ack what, const struct message *m, unsigned int rcpt)
{
	struct promise p = {.what = (uint8_t)what, .rcpt = (uint8_t)rcpt};

	memcpy(p.id, m->id, sizeof(p.id));
	if (acks != -1 &&
	    __real_write(acks, &p, sizeof(p)) != (ssize_t)sizeof(p))
		_exit(99);
}

static int
queue_open(void)
{
	int fd;

	fd = open("queue", O_RDONLY | O_DIRECTORY);
	if (fd == -1)
		_exit(99);
	spool_init(fd, key);
	record_open(fd, key);
	return fd;
}

/* As sync.c does it: what cannot be synced ends the process. */
static void
sync_or_end(int dir)
{
	if (compat_syncfs(dir) == -1)
		_exit(8);
}

static struct message *
make_message(void)
{
	static const char body[] = "body";
	struct spool_chunk c = {.kind = 1, .plain = 4, .len = 4};
	uint8_t id[QUEUE_ID_LEN];
	char address[32];
	struct spool_out *o;
	struct message *m;

	c.data = (const uint8_t *)body;
	o = spool_create(id);
	if (o == NULL)
		return NULL;
	m = message_new(id, 1);
	if (spool_put(o, &c) == -1 || spool_end(o, &m->sizes) == -1) {
		spool_free(o);
		message_free(m);
		return NULL;
	}
	m->sender = strdup("a@example.org");
	m->login = strdup("a");
	m->envid = strdup("e");
	m->trace = strdup("trace");
	m->arrival = 999000;
	m->expiry = 1432000;
	for (int i = 0; i < RCPTS; i++) {
		(void)snprintf(address, sizeof(address), "u%d@x", i);
		if (!message_add(m, address, "d.test", "", 0))
			_exit(99);
	}
	m->n = m->known;
	if (record_enter(m) == -1) {
		spool_free(o);
		message_free(m);
		return NULL;
	}
	spool_keep(o);
	spool_free(o);
	return m;
}

static struct message *
take_message(int dir)
{
	struct message *m;

	m = make_message();
	if (m == NULL)
		return NULL;
	sync_or_end(dir);
	message_insert(m);
	message_start(m);
	promise(ACK_IN, m, 0);
	return m;
}

/* What an engine and a relay make it do. */
static void
work(int dir)
{
	struct message *all[MESSAGES];

	for (int i = 0; i < MESSAGES; i++)
		all[i] = take_message(dir);
	for (int i = 0; i < MESSAGES; i++) {
		if (all[i] == NULL)
			continue;
		for (int r = 0; r < (i < 3 ? RCPTS : 1); r++) {
			/* With its last one done, a message may go. */
			if (all[i]->left == 1)
				promise(ACK_GOING, all[i], 0);
			rcpt_settle(all[i], &all[i]->rcpts[r], RCPT_DONE);
			note_rcpt(all[i], (uint16_t)r);
			/* The next sync tries again. */
			while (record_changes() == -1)
				;
			if (journal_sync() == -1)
				_exit(8);
			promise(ACK_DONE, all[i], (unsigned int)r);
		}
		if (all[i]->left > 0)
			continue;
		note_gone(all[i]->id);
		while (record_changes() == -1)
			;
		if (journal_sync() == -1)
			_exit(8);
		promise(ACK_GONE, all[i], 0);
		if (!spool_spare(all[i]->id))
			(void)spool_unlink(all[i]->id);
		message_free(all[i]);
	}
	/* Into the files of those that have gone. */
	for (int i = 0; i < SECOND; i++)
		(void)take_message(dir);
	while (spool_spare_unlink())
		;
	for (int i = 0; i < 1000 && record_compact(); i++)
		sync_or_end(dir);
	compacted = journal_size() < JOURNAL_WANTED;
}

/* ---- What a new process finds ----------------------------------------- */

static struct promise got[1024];
static size_t n_got;

static bool
promised(enum ack what, const uint8_t *id, int rcpt)
{
	for (size_t i = 0; i < n_got; i++)
		if (got[i].what == what &&
		    memcmp(got[i].id, id, QUEUE_ID_LEN) == 0 &&
		    (rcpt == -1 || got[i].rcpt == rcpt))
			return true;
	return false;
}

static void
check_message(const struct message *m)
{
	struct spool_chunk c = {0};
	struct spool_in *in;
	size_t n;
	int r;

	in = spool_open(m->id, &m->sizes);
	if (in == NULL)
		errx(1, "a message of the queue has no file");
	n = 0;
	while ((r = spool_get(in, &c)) == 1)
		n += c.plain;
	spool_close(in);
	if (r != 0 || n != 4)
		errx(1, "a message of the queue cannot be read");
	for (int i = 0; i < RCPTS; i++)
		if (promised(ACK_DONE, m->id, i) &&
		    m->rcpts[i].state != RCPT_DONE)
			errx(1, "a recipient gets it twice");
}

static void
check(void)
{
	struct message *m;
	struct dirent *d;
	size_t files;
	DIR *dir;

	(void)queue_open();
	TAILQ_FOREACH (m, messages(), order)
		check_message(m);
	for (size_t i = 0; i < n_got; i++) {
		m = message_find(got[i].id);
		if (got[i].what == ACK_IN && m == NULL &&
		    !promised(ACK_GOING, got[i].id, -1))
			errx(1, "an acknowledged message is lost");
		if (got[i].what == ACK_GONE && m != NULL)
			errx(1, "a message has come back");
	}
	files = 0;
	dir = opendir("queue/msg");
	while (dir != NULL && (d = readdir(dir)) != NULL)
		files += d->d_name[0] != '.';
	if (files != message_count())
		errx(1, "%zu files of %zu messages", files, message_count());
	_exit(0);
}

/* ---- The trials ------------------------------------------------------- */

static int
child(void (*run)(void))
{
	int status;
	pid_t pid;

	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		run();
		_exit(0);
	}
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	return status;
}

/* A journal that is worth a compaction, at the end of the next work. */
static void
prepare(void)
{
	struct message *m;

	work(queue_open());
	m = TAILQ_FIRST(messages());
	for (int i = 0; i < NOTES; i++) {
		note_rcpt(m, RCPTS - 1);
		if (record_changes() == -1)
			_exit(99);
	}
	_exit(journal_size() > JOURNAL_WANTED ? 0 : 98);
}

static void
faulty(void)
{
	int fd;

	/* Its complaints are expected. */
	fd = open("/dev/null", O_WRONLY);
	if (fd == -1 || dup2(fd, STDERR_FILENO) == -1)
		_exit(99);
	plan.on = true;
	work(queue_open());
	plan.on = false;
	/* Where nothing went wrong, all of it was done. */
	if (plan.calls < plan.at && !compacted)
		_exit(99);
	_exit(plan.calls < plan.at ? 42 : 0);
}

/* false: it makes fewer calls. */
static bool
trial(bool memory, enum kind kind, unsigned int at)
{
	int fds[2], status;
	ssize_t len;

	ATF_REQUIRE_EQ(0, system("rm -rf queue && cp -r before queue"));
	ATF_REQUIRE_EQ(0, pipe(fds));
	plan.memory = memory;
	plan.kind = kind;
	plan.at = at;
	plan.calls = 0;
	acks = fds[1];
	status = child(faulty);
	acks = -1;
	(void)close(fds[1]);
	len = read(fds[0], got, sizeof(got));
	(void)close(fds[0]);
	ATF_REQUIRE(len >= 0 && len < (ssize_t)sizeof(got));
	n_got = (size_t)len / sizeof(got[0]);
	ATF_REQUIRE_MSG(WIFEXITED(status) && WEXITSTATUS(status) != 99,
	    "kind %d call %u: status %x", kind, at, status);
	ATF_REQUIRE_EQ_MSG(0, child(check), "kind %d call %u of %s", kind, at,
	    memory ? "memory" : "the disk");
	return WEXITSTATUS(status) != 42;
}

static void
begin(void)
{
	ATF_REQUIRE_EQ(0, seal_init());
	ATF_REQUIRE_EQ(0, mkdir("queue", 0700));
	ATF_REQUIRE_EQ(0, child(prepare));
	ATF_REQUIRE_EQ(0, system("mv queue before"));
}

static unsigned int
all_calls(bool memory, enum kind kind)
{
	unsigned int at;

	for (at = 1; at < CALLS_MAX && trial(memory, kind, at); at++)
		;
	ATF_REQUIRE(at < CALLS_MAX);
	return at - 1;
}

ATF_TC_WITHOUT_HEAD(disk);
ATF_TC_BODY(disk, tc)
{
	static const char *const names[] = {"stop", "fail", "full", "tear"};

	(void)tc;
	begin();
	for (enum kind k = STOP; k < KINDS; k++)
		printf("%s: %u calls\n", names[k], all_calls(false, k));
}

ATF_TC_WITHOUT_HEAD(memory);
ATF_TC_BODY(memory, tc)
{
	(void)tc;
	begin();
	printf("%u calls\n", all_calls(true, FAIL));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, disk);
	ATF_TP_ADD_TC(tp, memory);
	return atf_no_error();
}
