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
 * How long a queue takes to start and how much memory it costs: small, or with
 * STRESS in the environment 100,000 messages in under 3 seconds and 100 MB.
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "compat.h"
#include "seal.h"

#include "../../../../usr.sbin/sealsmtpd/queue/journal.h"
#include "../../../../usr.sbin/sealsmtpd/queue/queue.h"

#define SMALL 5000
#define LARGE 100000
#define OCTETS_EACH 1000 /* of memory, at most */
#define MS_MAX 3000

static const uint8_t key[QUEUE_KEY_LEN] = "key";
static unsigned int count;

static void
queue_open(void)
{
	int fd;

	fd = open("queue", O_RDONLY | O_DIRECTORY);
	if (fd == -1)
		err(1, "queue");
	spool_init(fd, key);
	record_open(fd, key);
}

static void
fill(void)
{
	struct spool_chunk c = {
	    .kind = 1, .plain = 4, .data = (const uint8_t *)"body", .len = 4};
	uint8_t id[QUEUE_ID_LEN];
	char address[64], dest[64];
	struct spool_out *o;
	struct message *m;

	queue_open();
	for (unsigned int i = 0; i < count; i++) {
		o = spool_create(id);
		if (o == NULL)
			err(1, "spool");
		m = message_new(id, 1);
		if (spool_put(o, &c) == -1 || spool_end(o, &m->sizes) == -1)
			err(1, "spool");
		spool_keep(o);
		spool_free(o);
		m->sender = strdup("someone.with.a.name@example.org");
		m->login = strdup("someone.with.a.name@example.org");
		m->trace = strdup("099dbb590.716b01fab7000001.1");
		m->arrival = 999000;
		m->expiry = 1432000;
		(void)snprintf(
		    address, sizeof(address), "recipient%u@example.net", i);
		(void)snprintf(dest, sizeof(dest), "d%u.example.net", i % 1000);
		if (!message_add(m, address, dest, "", 0))
			errx(1, "too many destinations");
		m->n = m->known;
		if (record_enter(m) == -1)
			err(1, "journal");
		message_free(m);
	}
	if (journal_sync() == -1)
		err(1, "journal");
}

static void
start(void)
{
	struct timespec a, b;
	uint64_t before, after;
	long ms;

	if (compat_memory(getpid(), &before) == -1)
		before = 0;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	queue_open();
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	if (compat_memory(getpid(), &after) == -1)
		after = 0;
	ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
	printf("%zu messages: %ld ms, %llu octets each\n", message_count(), ms,
	    (unsigned long long)((after - before) / count));
	if (message_count() != count)
		errx(1, "messages are missing");
	/* What a sanitizer costs besides is not ours. */
	if (getenv("SANITIZED") != NULL)
		return;
	if (ms > MS_MAX)
		errx(1, "too slow");
	if (after > before && (after - before) / count > OCTETS_EACH)
		errx(1, "too large");
	(void)fflush(stdout);
}

static void
child(void (*run)(void))
{
	int status;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		run();
		_exit(0);
	}
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_REQUIRE_EQ(0, status);
}

ATF_TC_WITHOUT_HEAD(costs);
ATF_TC_BODY(costs, tc)
{
	(void)tc;
	count = getenv("STRESS") != NULL ? LARGE : SMALL;
	ATF_REQUIRE_EQ(0, seal_init());
	ATF_REQUIRE_EQ(0, mkdir("queue", 0700));
	child(fill);
	child(start);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, costs);
	return atf_no_error();
}
