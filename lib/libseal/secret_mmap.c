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
 * Memory for long-lived keys where no promise allows mlock(2) (OpenBSD): pages
 * of their own that are left out of core files.
 */

#include <sys/types.h>
#include <sys/mman.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "seal_keys.h"

struct secret_head {
	size_t mapped;
};
#define HEAD_LEN 64

void *
secret_alloc(size_t size)
{
	struct secret_head head;
	size_t page, mapped;
	uint8_t *p;

	page = (size_t)getpagesize();
	if (size > SIZE_MAX - page - HEAD_LEN) {
		errno = ENOMEM;
		return NULL;
	}
	mapped = (size + HEAD_LEN + page - 1) / page * page;
	p = mmap(NULL, mapped, PROT_READ | PROT_WRITE,
	    MAP_ANON | MAP_PRIVATE | MAP_CONCEAL, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	head.mapped = mapped;
	memcpy(p, &head, sizeof(head));
	return p + HEAD_LEN;
}

static uint8_t *
secret_base(void *p, size_t *mapped)
{
	struct secret_head head;
	uint8_t *base;

	base = (uint8_t *)p - HEAD_LEN;
	memcpy(&head, base, sizeof(head));
	*mapped = head.mapped;
	return base;
}

void
secret_free(void *p)
{
	uint8_t *base;
	size_t mapped;

	if (p == NULL)
		return;
	base = secret_base(p, &mapped);
	(void)mprotect(base, mapped, PROT_READ | PROT_WRITE);
	explicit_bzero(base, mapped);
	(void)munmap(base, mapped);
}

void
secret_readonly(void *p)
{
	uint8_t *base;
	size_t mapped;

	base = secret_base(p, &mapped);
	(void)mprotect(base, mapped, PROT_READ);
}

void
secret_readwrite(void *p)
{
	uint8_t *base;
	size_t mapped;

	base = secret_base(p, &mapped);
	(void)mprotect(base, mapped, PROT_READ | PROT_WRITE);
}
