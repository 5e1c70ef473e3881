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
 * Fuzzer of a search worker: programs, candidates, summaries and bodies as a
 * vault hands them on; what is in them whoever sent the mail has chosen.  What
 * only a vault that has gone wrong says may end the worker; nothing else may.
 */

#include "../../usr.sbin/sealimapd/worker/child.c"

#include "harness.h"

#define STEPS_MAX 64
#define WHAT_KIND 0x0f     /* index of kinds[] */
#define WHAT_ID 0x80       /* another search's */
#define WHAT_TOGETHER 0x40 /* with the next one in one burst */

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);
const char *__asan_default_options(void);

static const uint32_t kinds[] = {VAULT_WORKER_SEARCH, VAULT_WORKER_CANDIDATES,
    VAULT_WORKER_CHUNK, VAULT_WORKER_GONE, VAULT_WORKER_END,
    VAULT_WORKER_CANCEL, VAULT_WORKER_SEARCH, VAULT_WORKER_CHUNK,
    VAULT_WORKER_SORT, VAULT_WORKER_ROWS, VAULT_WORKER_ROWS_END,
    VAULT_WORKER_INDEX, VAULT_WORKER_SEGMENT, VAULT_WORKER_PAGE,
    VAULT_WORKER_CANCEL, VAULT_WORKER_END};

/* What it held when it ended is lost. */
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

static void
set_up(void)
{
	if (child.summary != NULL)
		return;
	harness_start();
	(void)mime_charset_init();
	unpack_init();
	child.summary = calloc(1, MIME_SUMMARY_MAX);
	if (child.summary == NULL)
		abort();
}

static void
forget(void)
{
	rows_stop();
	candidates_stop();
	build_stop();
	narrow_stop();
	if (child.waiting != NULL)
		candidate_free(child.waiting);
	child.waiting = NULL;
	for (size_t i = 0; child.query.terms != NULL && i < child.query.n; i++)
		free(child.query.terms[i].text);
	free(child.query.terms);
	search_free(child.query.program);
	memset(&child.query, 0, sizeof(child.query));
	child.open = 0;
	child.n = 0;
	child.ended = false;
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	struct harness_step s;
	int fd, n;

	set_up();
	harness_begin();
	child.hello = true;
	child.vault = wire_new(
	    fd = harness_fd(), child_message, child_gone, NULL);
	for (n = 0; n < STEPS_MAX && harness_step(&data, &len, &s); n++) {
		harness_packet(child.vault, kinds[s.what & WHAT_KIND],
		    (s.what & WHAT_ID) != 0 ? 2 : 1, s.data, s.len, -1);
		if ((s.what & WHAT_TOGETHER) == 0 && !harness_run_or_exit())
			break;
	}
	(void)harness_run_or_exit();
	forget();
	harness_end();
	return 0;
}
