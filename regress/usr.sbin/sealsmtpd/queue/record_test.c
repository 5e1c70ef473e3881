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
 * The queue in its journal: whatever happens to it is there again after it was
 * read, also where a write was cut at any octet, and at every step of a
 * compaction.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <atf-c.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump.h"
#include "seal.h"

#include "../../../../usr.sbin/sealsmtpd/queue/journal.h"
#include "../../../../usr.sbin/sealsmtpd/queue/queue.h"
#include "../../../../usr.sbin/sealsmtpd/queue/origins.h"
#include "../../../../usr.sbin/sealsmtpd/queue/tally.h"

#define STEPS 400

static const uint8_t key[QUEUE_KEY_LEN] = "key";
static const char *srcdir;

static char *
lived(void)
{
	char *text;
	size_t len;
	FILE *f;

	f = open_memstream(&text, &len);
	ATF_REQUIRE(f != NULL);
	dump_state(f);
	(void)fclose(f);
	return text;
}

/* What a new process reads of a directory. */
static char *
read_of(const char *dir)
{
	char command[4096], *text;
	size_t len;
	FILE *p, *f;
	int c;

	(void)snprintf(command, sizeof(command), "%s/queuedump %s 2>dump.err",
	    srcdir, dir);
	p = popen(command, "r");
	f = open_memstream(&text, &len);
	ATF_REQUIRE(p != NULL && f != NULL);
	while ((c = getc(p)) != EOF)
		(void)putc(c, f);
	(void)fclose(f);
	ATF_REQUIRE_EQ_MSG(0, pclose(p), "queuedump %s", dir);
	return text;
}

static void
check_same(const char *what)
{
	char *a, *b;

	ATF_REQUIRE_EQ(0, system("rm -rf copy && cp -r queue copy"));
	a = lived();
	b = read_of("copy");
	ATF_CHECK_MSG(
	    strcmp(a, b) == 0, "%s: lived:\n%s\nread:\n%s", what, a, b);
	free(a);
	free(b);
}

static void
begin(const atf_tc_t *tc)
{
	int fd;

	srcdir = atf_tc_get_config_var(tc, "srcdir");
	ATF_REQUIRE_EQ(0, seal_init());
	ATF_REQUIRE_EQ(0, mkdir("queue", 0700));
	fd = open("queue", O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(fd != -1);
	spool_init(fd, key);
	record_open(fd, key);
}

static struct message *
make_message(void)
{
	struct spool_chunk c = {
	    .kind = 1, .plain = 4, .data = (const uint8_t *)"body", .len = 4};
	uint8_t id[QUEUE_ID_LEN];
	char address[64], dest[64];
	struct spool_out *o;
	struct message *m;
	unsigned int n;

	o = spool_create(id);
	ATF_REQUIRE(o != NULL);
	ATF_REQUIRE_EQ(0, spool_put(o, &c));
	m = message_new(id, 1);
	ATF_REQUIRE_EQ(0, spool_end(o, &m->sizes));
	spool_keep(o);
	spool_free(o);
	m->sender = strdup("a@example.org");
	m->login = strdup("a");
	m->envid = strdup("e+2B");
	m->trace = strdup("trace");
	m->arrival = 999000;
	m->expiry = 1432000;
	n = arc4random_uniform(10) == 0 ? 300 : 1 + arc4random_uniform(5);
	for (unsigned int i = 0; i < n; i++) {
		(void)snprintf(address, sizeof(address), "u%u@x", i);
		(void)snprintf(
		    dest, sizeof(dest), "d%u.test", arc4random_uniform(20));
		ATF_REQUIRE(message_add(m, address, dest,
		    i % 3 == 0 ? "rfc822;x" : "", (uint8_t)(i % 16)));
	}
	m->n = m->known;
	return m;
}

static void
enter(void)
{
	struct message *m;

	m = make_message();
	ATF_REQUIRE_EQ(0, record_enter(m));
	message_insert(m);
	message_start(m);
}

static struct message *
any(void)
{
	uint8_t id[QUEUE_ID_LEN];
	struct message *m;

	arc4random_buf(id, sizeof(id));
	m = message_after(id);
	return m != NULL ? m : TAILQ_FIRST(messages());
}

static void
note_work(struct message *m, struct work *w)
{
	for (uint16_t i = 0; i < m->n; i++)
		if (m->rcpts[i].work == w)
			note_rcpt(m, i);
}

/* One of the things that happen to a queue. */
static void
step(void)
{
	struct message *m;
	struct rcpt *r;
	struct work *w;
	struct dest *d;
	uint16_t i;

	m = any();
	if (m == NULL || arc4random_uniform(4) == 0) {
		enter();
		return;
	}
	i = (uint16_t)arc4random_uniform(m->n);
	r = &m->rcpts[i];
	switch (arc4random_uniform(10)) {
	case 0:
		rcpt_verdict(r, 77, 250, "2.0.0", "mx", "fine");
		rcpt_settle(m, r, RCPT_DONE);
		note_rcpt(m, i);
		break;
	case 1:
		if (r->state != RCPT_WAIT)
			break;
		rcpt_verdict(r, 78, 550, "5.1.1", "mx", "no");
		rcpt_settle(m, r, RCPT_FAILED);
		note_rcpt(m, i);
		break;
	case 2:
		w = r->work;
		if (w == NULL || w->held)
			break;
		rcpt_verdict(r, 79, 450, "4.2.0", "mx", "later");
		r->attempts++;
		work_take(w);
		work_due(w, 1000000 + (int64_t)arc4random_uniform(9999));
		note_work(m, w);
		break;
	case 3:
		r->warning = true;
		note_rcpt(m, i);
		break;
	case 4:
		r->warning = false;
		r->warned = true;
		note_rcpt(m, i);
		break;
	case 5:
		if (r->work == NULL)
			break;
		work_hold(r->work, !r->work->held);
		note_work(m, r->work);
		break;
	case 6:
		d = dest_get("known.test");
		dest_remember(d, (const uint8_t *)"tls", 3);
		dest_unreachable(d, 1000000, 60);
		note_dest(d);
		break;
	case 7:
		sched_hold(!sched_held());
		note_hold();
		break;
	case 8:
		note_gone(m->id);
		(void)spool_unlink(m->id);
		message_free(m);
		break;
	case 9:
		/* A day of seven. */
		note_tally(
		    tally_add((int64_t)arc4random_uniform(14) * TALLY_DAY / 2,
			TLS_POLICY_STS, (uint8_t)arc4random_uniform(3),
			"known.test", "mx.known.test"));
		(void)origins_add(
		    (int64_t)arc4random_uniform(14) * ORIGINS_DAY / 2,
		    (const uint8_t *)"a.test 192.0.2.1 b.test",
		    14 + arc4random_uniform(9));
		origins_changed(note_origin);
		break;
	}
}

ATF_TC_WITHOUT_HEAD(replayed);
ATF_TC_BODY(replayed, tc)
{
	begin(tc);
	for (int i = 0; i < STEPS; i++) {
		step();
		ATF_REQUIRE_EQ(0, record_changes());
		if (i % 20 == 0)
			check_same("step");
	}
	check_same("end");
}

/* The last frame cut at each of its octets is as if it had not been. */
ATF_TC_WITHOUT_HEAD(cut);
ATF_TC_BODY(cut, tc)
{
	struct stat before, after;
	char *old, *now, *text;

	begin(tc);
	for (int i = 0; i < 30; i++)
		enter();
	/* A message that enters is written at once: not what is cut here. */
	old = NULL;
	do {
		free(old);
		ATF_REQUIRE_EQ(0, stat("queue/log/1", &before));
		old = lived();
		step();
	} while (!record_pending());
	ATF_REQUIRE_EQ(0, record_changes());
	now = lived();
	ATF_REQUIRE_EQ(0, stat("queue/log/1", &after));
	ATF_REQUIRE(after.st_size > before.st_size);
	for (off_t n = before.st_size; n <= after.st_size; n += 7) {
		ATF_REQUIRE_EQ(0, system("rm -rf copy && cp -r queue copy"));
		ATF_REQUIRE_EQ(0, truncate("copy/log/1", n));
		text = read_of("copy");
		ATF_CHECK_MSG(strcmp(text, n == after.st_size ? now : old) == 0,
		    "cut at %lld", (long long)n);
		free(text);
	}
	free(old);
	free(now);
}

/* A frame amid others that does not verify: the rest stays, nothing is cut. */
ATF_TC_WITHOUT_HEAD(damaged);
ATF_TC_BODY(damaged, tc)
{
	struct stat st;
	char *text, c;
	int fd;

	begin(tc);
	for (int i = 0; i < 10; i++)
		enter();
	ATF_REQUIRE_EQ(0, stat("queue/log/1", &st));
	for (int i = 0; i < 10; i++)
		enter();
	ATF_REQUIRE_EQ(0, system("rm -rf copy && cp -r queue copy"));
	fd = open("copy/log/1", O_RDWR);
	ATF_REQUIRE(fd != -1);
	/* Within the frame of the eleventh. */
	ATF_REQUIRE_EQ(1, pread(fd, &c, 1, st.st_size + 60));
	c ^= 1;
	ATF_REQUIRE_EQ(1, pwrite(fd, &c, 1, st.st_size + 60));
	(void)close(fd);
	text = read_of("copy");
	ATF_CHECK(strstr(text, "a@example.org") != NULL);
	free(text);
	ATF_REQUIRE_EQ(0, system("grep -q damaged dump.err"));
	/* All files are there yet, and the damaged segment. */
	ATF_CHECK_EQ(0,
	    system("test $(ls copy/msg | wc -l) -eq $(ls queue/msg | wc -l)"));
	ATF_CHECK_EQ(0, system("test -s copy/log/1 -a -f copy/log/2"));
}

ATF_TC_WITHOUT_HEAD(compacted);
ATF_TC_BODY(compacted, tc)
{
	struct message *m;
	bool more;
	int steps;

	begin(tc);
	/* A journal past what compaction thinks worth it, of few messages. */
	while (journal_size() < 17 * 1024 * 1024) {
		enter();
		if (message_count() < 700)
			continue;
		m = TAILQ_FIRST(messages());
		note_gone(m->id);
		(void)spool_unlink(m->id);
		message_free(m);
		ATF_REQUIRE_EQ(0, record_changes());
	}
	check_same("before");
	steps = 0;
	do {
		more = record_compact();
		for (int i = 0; i < 20; i++)
			step();
		ATF_REQUIRE_EQ(0, record_changes());
		check_same("during");
		steps++;
	} while (more);
	ATF_CHECK(steps > 2);
	ATF_CHECK(journal_size() < 8 * 1024 * 1024);
	check_same("after");
	for (int i = 0; i < 50; i++)
		step();
	ATF_REQUIRE_EQ(0, record_changes());
	check_same("later");
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, replayed);
	ATF_TP_ADD_TC(tp, cut);
	ATF_TP_ADD_TC(tp, damaged);
	ATF_TP_ADD_TC(tp, compacted);
	return atf_no_error();
}
