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
 * What the fuzzers role_*_fuzz.c share.  Each has a role's whole program,
 * main() too: it starts under a parent, and then that parent says what it
 * likes, once it has said PROC_INIT.  Nothing it says may do more harm than to
 * end the process.
 */

#ifndef ROLE_STEPS_H
#define ROLE_STEPS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct role_target {
	const char *name;
	const uint32_t *own; /* types of its configuration */
	size_t n_own;
	void (*check)(void);  /* at each COMMIT that it survives */
	void (*forget)(void); /* that it had a configuration; or NULL */
};

/* The program's: NAME_fuzz.c includes its main.c with this name for main. */
int role_main(int, char *[]);
void role_must(bool);
/*
 * It forks for those whose wires it is given, and they speak too: what
 * proc_fork says.  Otherwise no fork succeeds, and peers are silent.
 */
void role_forks(pid_t (*)(void));
/* An input. */
void role_run(const struct role_target *, const unsigned char *, size_t);

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

#endif
