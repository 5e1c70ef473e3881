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
 * pledge(2) on Linux: promises to a Landlock layer and a seccomp filter.
 */

#include <sys/prctl.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "compat.h"
#include "compat_local.h"

static const struct {
	const char *name;
	uint32_t promise;
} promise_names[] = {
    {"stdio", P_STDIO},
    {"rpath", P_RPATH},
    {"wpath", P_WPATH},
    {"cpath", P_CPATH},
    {"fattr", P_FATTR},
    {"flock", P_FLOCK},
    {"unix", P_UNIX},
    {"inet", P_INET},
    {"dns", P_DNS},
    {"proc", P_PROC},
    {"exec", P_EXEC},
    {"id", P_ID},
    {"unveil", P_UNVEIL},
    {"sendfd", P_SENDFD},
    {"recvfd", P_RECVFD},
};

#define N_PROMISES (sizeof(promise_names) / sizeof(promise_names[0]))

static struct {
	uint32_t held;     /* by this process: of the last pledge() */
	uint32_t filtered; /* what the kernel still lets through */
	bool best_effort;
	int missing;
} state = {.held = P_ALL, .filtered = P_ALL};

static int promises_parse(const char *, uint32_t *);
static int files_enter(uint32_t);

int
pledge(const char *promises, const char *execpromises)
{
	uint32_t wanted, children;

	if (promises == NULL)
		return 0;
	children = 0;
	if (promises_parse(promises, &wanted) == -1 ||
	    (execpromises != NULL &&
		promises_parse(execpromises, &children) == -1))
		return -1;
	if ((wanted & ~state.held) != 0 || (children & ~state.filtered) != 0) {
		errno = EPERM;
		return -1;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	if (files_enter(wanted | children) == -1)
		return -1;
	if (compat_filter_enter(wanted | children | P_ALWAYS) == -1 &&
	    compat_sandbox_lacks(SANDBOX_NO_SYSCALLS) == -1)
		return -1;
	state.held = wanted;
	state.filtered = wanted | children;
	return 0;
}

void
compat_sandbox_best_effort(bool on)
{
	state.best_effort = on;
}

int
compat_sandbox_missing(void)
{
	return state.missing;
}

int
compat_sandbox_lacks(int part)
{
	if (errno != ENOSYS || !state.best_effort)
		return -1;
	state.missing |= part;
	return 0;
}

/* Names between single or several blanks. */
static int
promises_parse(const char *text, uint32_t *set)
{
	size_t i, len;

	*set = 0;
	for (;;) {
		text += strspn(text, " ");
		len = strcspn(text, " ");
		if (len == 0)
			return 0;
		for (i = 0; i < N_PROMISES; i++) {
			if (strlen(promise_names[i].name) == len &&
			    memcmp(promise_names[i].name, text, len) == 0)
				break;
		}
		if (i == N_PROMISES) {
			errno = EINVAL;
			return -1;
		}
		*set |= promise_names[i].promise;
		text += len;
	}
}

/*
 * The Landlock half.  Once "unveil" is given up, the kernel takes no more
 * layers from this process; those it has stay.
 */
static int
files_enter(uint32_t promises)
{
	bool no_files;

	if ((state.filtered & (P_UNVEIL | P_EXEC)) == 0) {
		if (!compat_unveil_pending())
			return 0;
		errno = EPERM;
		return -1;
	}
	no_files = (promises &
		       (P_RPATH | P_WPATH | P_CPATH | P_FATTR | P_EXEC |
			   P_UNIX)) == 0;
	if (compat_landlock_enter(
		no_files, (promises & (P_INET | P_DNS)) != 0) == 0)
		return 0;
	return compat_sandbox_lacks(SANDBOX_NO_FILES);
}
