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
 * Allocators that wipe.  A prefix of 16 octets keeps the size, since free(3)
 * does not tell it on every system.
 */

#include <sys/types.h>

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "log.h"
#include "tlsio_mem.h"

#define PREFIX 16 /* keeps malloc(3)'s alignment */

static void *mem_alloc(size_t);
static void *mem_realloc(void *, size_t);
static void mem_free(void *);
static void *openssl_alloc(size_t, const char *, int);
static void *openssl_realloc(void *, size_t, const char *, int);
static void openssl_free(void *, const char *, int);

void
tlsio_mem_openssl(void)
{
	if (CRYPTO_set_mem_functions(
		openssl_alloc, openssl_realloc, openssl_free) != 1)
		fatalx("tlsio_mem_openssl() comes too late");
}

void
tlsio_mem_libevent(void)
{
	void (*set)(
	    void *(*)(size_t), void *(*)(void *, size_t), void (*)(void *));
	void *sym;

	/* Not in libevent 1.4, so nothing to link with. */
	sym = dlsym(RTLD_DEFAULT, "event_set_mem_functions");
	if (sym == NULL)
		return;
	memcpy(&set, &sym, sizeof(set));
	set(mem_alloc, mem_realloc, mem_free);
}

static void *
mem_alloc(size_t len)
{
	uint8_t *p;

	if (len > SIZE_MAX - PREFIX)
		return NULL;
	p = malloc(PREFIX + len);
	if (p == NULL)
		return NULL;
	memcpy(p, &len, sizeof(len));
	return p + PREFIX;
}

static void *
mem_realloc(void *old, size_t len)
{
	size_t old_len;
	void *p;

	if (old == NULL)
		return mem_alloc(len);
	memcpy(&old_len, (uint8_t *)old - PREFIX, sizeof(old_len));
	if (len > 0 && len <= old_len && len >= old_len / 2) {
		explicit_bzero((uint8_t *)old + len, old_len - len);
		/* The prefix keeps the true size, so all is wiped later. */
		return old;
	}
	p = mem_alloc(len);
	if (p == NULL)
		return NULL;
	memcpy(p, old, old_len < len ? old_len : len);
	mem_free(old);
	return p;
}

static void
mem_free(void *p)
{
	uint8_t *start;
	size_t len;

	if (p == NULL)
		return;
	start = (uint8_t *)p - PREFIX;
	memcpy(&len, start, sizeof(len));
	freezero(start, PREFIX + len);
}

static void *
openssl_alloc(size_t len, const char *file, int line)
{
	return mem_alloc(len);
}

static void *
openssl_realloc(void *p, size_t len, const char *file, int line)
{
	return mem_realloc(p, len);
}

static void
openssl_free(void *p, const char *file, int line)
{
	mem_free(p);
}
