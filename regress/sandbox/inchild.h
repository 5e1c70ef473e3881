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
 * A sandbox cannot be left, so each probe runs in a child of its own.
 */

#ifndef INCHILD_H
#define INCHILD_H

/* What run() returns for a child that did not exit by itself. */
#define KILLED_BY(sig) (1000 + (sig))
#define SANDBOX_KILL KILLED_BY(31) /* SIGSYS */

/* Forks, calls fn(arg) in the child, and returns its exit status. */
int run(int (*fn)(const void *), const void *arg);
/* As the user nobody, where this process is root. */
int run_as_user(int (*fn)(const void *), const void *arg);

#endif
