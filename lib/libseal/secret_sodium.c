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
 * Memory for long-lived keys, where libsodium can lock it: between guard pages,
 * wiped when freed.
 */

#include <sys/types.h>

#include <errno.h>

#include "seal_keys.h"
#include "seal_local.h"

void *
secret_alloc(size_t size)
{
	void *p;

	p = sodium_malloc(size);
	if (p == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	sodium_memzero(p, size);
	return p;
}

void
secret_free(void *p)
{
	sodium_free(p);
}

void
secret_readonly(void *p)
{
	(void)sodium_mprotect_readonly(p);
}

void
secret_readwrite(void *p)
{
	(void)sodium_mprotect_readwrite(p);
}
