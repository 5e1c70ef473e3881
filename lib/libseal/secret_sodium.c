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
 * Memory for long-lived keys, where it can be locked: pages of their own
 * between two that nobody may touch, the key at their end, locked, left out of
 * core files, wiped when freed.  As sodium_malloc(3) without the page that it
 * keeps a size in: a user who is logged in has several of these.
 */

#include <sys/types.h>
#include <sys/mman.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "seal_keys.h"
#include "seal_local.h"

/* Right before what the caller has. */
struct secret_head {
	size_t mapped; /* octets between the guards */
	size_t size;   /* of these, at the end, the caller's */
	size_t check;
};
#define HEAD_LEN 32
#define ALIGN 16

static size_t
check_of(const struct secret_head *head)
{
	return ~(head->mapped ^ head->size << 1);
}

void *
secret_alloc(size_t size)
{
	struct secret_head head;
	uint8_t *map, *p;
	size_t page;

	page = (size_t)getpagesize();
	if (size > SIZE_MAX / 2) {
		errno = ENOMEM;
		return NULL;
	}
	head.size = (size + ALIGN - 1) / ALIGN * ALIGN;
	head.mapped = (head.size + HEAD_LEN + page - 1) / page * page;
	head.check = check_of(&head);
	map = mmap(NULL, head.mapped + 2 * page, PROT_NONE,
	    MAP_ANON | MAP_PRIVATE, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	if (mprotect(map + page, head.mapped, PROT_READ | PROT_WRITE) == -1) {
		(void)munmap(map, head.mapped + 2 * page);
		errno = ENOMEM;
		return NULL;
	}
	/* Where no more may be locked it is a page like others. */
	(void)sodium_mlock(map + page, head.mapped);
	p = map + page + head.mapped - head.size;
	memcpy(p - HEAD_LEN, &head, sizeof(head));
	return p;
}

/* What lies between the guards. */
static uint8_t *
secret_base(void *p, size_t *mapped)
{
	struct secret_head head;

	memcpy(&head, (uint8_t *)p - HEAD_LEN, sizeof(head));
	if (head.check != check_of(&head))
		abort();
	*mapped = head.mapped;
	return (uint8_t *)p + head.size - head.mapped;
}

void
secret_free(void *p)
{
	uint8_t *base;
	size_t mapped, page;

	if (p == NULL)
		return;
	page = (size_t)getpagesize();
	base = secret_base(p, &mapped);
	(void)mprotect(base, mapped, PROT_READ | PROT_WRITE);
	(void)sodium_munlock(base, mapped); /* it wipes */
	(void)munmap(base - page, mapped + 2 * page);
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
