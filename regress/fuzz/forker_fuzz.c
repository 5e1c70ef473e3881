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
 * Fuzzer of imap-store's forker: what the master tells it, while children end.
 * Whatever it is told, it signals its own children alone, none that has been
 * reaped, and leaves none stopped.
 */

#include "../../usr.sbin/sealimapd/store/forker.c"

#include "harness.h"

#define STEPS_MAX 64
#define WHAT_KIND 0x03
#define WHAT_NONE 0x40 /* no descriptor where there should be one */
#define WHAT_OTHER 0x80

enum step_kind {
	SAYS_CHILD,
	SAYS_PAUSE,
	SAYS_RAW,  /* u32 type first */
	CHILD_ENDS /* u8: which; with WHAT_OTHER by a signal */
};

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);
const char *__asan_default_options(void);
int __wrap_poll(struct pollfd *, nfds_t, int);
pid_t __wrap_fork(void);
int __wrap_kill(pid_t, int);
pid_t __wrap_waitpid(pid_t, int *, int);

static struct {
	const uint8_t *input;
	size_t len;
	int steps, wire;
	enum { NEVER, LIVES, STOPPED, ENDED, REAPED } children[STEPS_MAX];
	bool by_signal[STEPS_MAX];
	size_t n;
} f;

/* What it held when it ended is lost. */
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

static void
must(bool good)
{
	if (!good)
		abort();
}

/* What the master says next is there, or a child has ended. */
static bool
comes(const struct harness_step *s)
{
	enum step_kind kind = s->what & WHAT_KIND;
	size_t head = 0;
	uint32_t type;
	int fd = -1;

	if (kind == CHILD_ENDS) {
		if (s->len == 0 || s->data[0] >= f.n ||
		    (f.children[s->data[0]] != LIVES &&
			f.children[s->data[0]] != STOPPED))
			return false;
		f.children[s->data[0]] = ENDED;
		f.by_signal[s->data[0]] = (s->what & WHAT_OTHER) != 0;
		child_ended(SIGCHLD);
		return true;
	}
	type = kind == SAYS_CHILD ? MASTER_FORKER_CHILD : MASTER_FORKER_PAUSE;
	if (kind == SAYS_RAW) {
		if (s->len < sizeof(type))
			return false;
		memcpy(&type, s->data, sizeof(type));
		head = sizeof(type);
	}
	if (((s->what & WHAT_NONE) == 0) == (kind == SAYS_CHILD))
		fd = harness_fd();
	harness_say(f.wire, type, 0, s->data + head, s->len - head, fd);
	return true;
}

int
__wrap_poll(struct pollfd *p, nfds_t n, int timeout)
{
	struct harness_step s;

	must(n == 2 && p[0].fd == f.wire && p[1].fd == child_pipe[0]);
	while (f.steps++ < STEPS_MAX && harness_step(&f.input, &f.len, &s)) {
		if (!comes(&s))
			continue;
		if ((s.what & WHAT_KIND) == CHILD_ENDS)
			p[1].revents = POLLIN;
		else
			p[0].revents = POLLIN;
		return 1;
	}
	p[0].revents = POLLHUP;
	return 1;
}

/* The n-th has the pid n + 1; one in eight cannot be made. */
pid_t
__wrap_fork(void)
{
	if (f.n == STEPS_MAX || f.n % 8 == 7) {
		if (f.n < STEPS_MAX)
			f.n++;
		errno = EAGAIN;
		return -1;
	}
	f.children[f.n] = LIVES;
	return (pid_t)++f.n;
}

/* Who has ended but was not reaped keeps its pid. */
int
__wrap_kill(pid_t pid, int sig)
{
	size_t i = (size_t)pid - 1;

	must(pid > 0 && i < f.n);
	must(f.children[i] != NEVER && f.children[i] != REAPED);
	must(sig == SIGSTOP || sig == SIGCONT);
	if (f.children[i] != ENDED)
		f.children[i] = sig == SIGSTOP ? STOPPED : LIVES;
	return 0;
}

pid_t
__wrap_waitpid(pid_t pid, int *status, int options)
{
	must(pid == -1 && options == WNOHANG);
	for (size_t i = 0; i < f.n; i++) {
		if (f.children[i] != ENDED)
			continue;
		f.children[i] = REAPED;
		*status = f.by_signal[i] ? SIGSEGV : 0;
		return (pid_t)i + 1;
	}
	return 0;
}

static void
forget(void)
{
	struct forked *child;

	while ((child = RB_ROOT(&forks)) != NULL) {
		(void)RB_REMOVE(forks, &forks, child);
		free(child);
	}
	TAILQ_INIT(&stopped);
	(void)close(child_pipe[0]);
	(void)close(child_pipe[1]);
}

static void
run(void)
{
	forker_main(f.wire, -1);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	if (f.wire == 0)
		harness_start();
	memset(&f, 0, sizeof(f));
	harness_begin();
	f.wire = harness_fd();
	f.input = data;
	f.len = len;
	must(!harness_call(run));
	/* A master that has gone: it ends well, and nobody stays stopped. */
	for (size_t i = 0; harness_status() == 0 && i < f.n; i++)
		must(f.children[i] != STOPPED);
	forget();
	harness_end();
	return 0;
}
