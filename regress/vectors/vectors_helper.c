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
 * Looking up the committed vectors, and opening the account that was made.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "vectors_helper.h"

#define LINE_SIZE (2 * VALUE_MAX + 128)

char vectors_dir[512];

static char text[LINE_SIZE]; /* the value that was looked up last */

/* The value of a line of vectors.txt, as text. */
const char *
vector_text(const char *name)
{
	char path[600];
	size_t len;
	FILE *f;
	bool found;

	(void)snprintf(path, sizeof(path), "%s/vectors.txt", vectors_dir);
	f = fopen(path, "r");
	ATF_REQUIRE(f != NULL);
	len = strlen(name);
	found = false;
	while (!found && fgets(text, sizeof(text), f) != NULL)
		found = strncmp(text, name, len) == 0 && text[len] == ' ';
	ATF_REQUIRE_MSG(found, "no vector %s", name);
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	memmove(text, text + len + 1, strlen(text + len + 1) + 1);
	return text;
}

const uint8_t *
vector(const char *name, struct value *v)
{
	const char *hex;

	hex = vector_text(name);
	v->len = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;
	ATF_REQUIRE(v->len <= sizeof(v->p));
	if (v->len > 0)
		ATF_REQUIRE_EQ_MSG(
		    0, seal_unhex(hex, v->p, v->len), "vector %s", name);
	return v->p;
}

/* prefix and name, as one vector's name. */
const uint8_t *
vector_of(const char *prefix, const char *name, struct value *v)
{
	char full[64];

	(void)snprintf(full, sizeof(full), "%s%s", prefix, name);
	return vector(full, v);
}

uint64_t
number(const char *name)
{
	return strtoull(vector_text(name), NULL, 10);
}

void
same(const char *name, const void *p, size_t len)
{
	struct value v;

	(void)vector(name, &v);
	ATF_CHECK_EQ_MSG(len, v.len, "%s: %zu octets", name, len);
	ATF_CHECK_MSG(
	    len == v.len && memcmp(v.p, p, len) == 0, "%s differs", name);
}

void
same_of(const char *prefix, const char *name, const void *p, size_t len)
{
	char full[64];

	(void)snprintf(full, sizeof(full), "%s%s", prefix, name);
	same(full, p, len);
}

void
begin(const atf_tc_t *tc)
{
	(void)snprintf(vectors_dir, sizeof(vectors_dir), "%s",
	    atf_tc_get_config_var(tc, "srcdir"));
	ATF_REQUIRE_EQ(0, seal_init());
}

int
open_dir(const char *name)
{
	char path[600];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", vectors_dir, name);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(fd != -1);
	return fd;
}

struct seal_ring *
unlock(int fd, const char *secret, enum seal_slot_kind kind)
{
	struct seal_slot_info info;
	struct seal_account a;
	struct seal_slots *slots;
	struct seal_ring *r;
	uint8_t amk[SEAL_KEY_LEN];

	ATF_REQUIRE_EQ(0, seal_account_load(fd, &a));
	same("account", a.id, sizeof(a.id));
	same("public", a.sign_pk, sizeof(a.sign_pk));
	slots = seal_slots_load(fd, &a);
	ATF_REQUIRE(slots != NULL);
	r = NULL;
	if (seal_slots_try(slots, &a, secret, strlen(secret), &seal_kdf_low,
		amk, &info) == 0) {
		ATF_CHECK_EQ(kind, info.kind);
		same("amk", amk, sizeof(amk));
		r = seal_ring_load(fd, &a, amk);
		ATF_REQUIRE(r != NULL);
	}
	seal_slots_free(slots);
	return r;
}

struct seal_ring *
unlock_password(int fd)
{
	struct seal_ring *r;
	struct value v;

	(void)vector("password", &v);
	v.p[v.len] = '\0';
	r = unlock(fd, (const char *)v.p, SEAL_SLOT_MAIN);
	ATF_REQUIRE(r != NULL);
	return r;
}

/* A whole file below a directory; *len octets. */
uint8_t *
slurp(int fd, const char *name, size_t *len)
{
	struct stat sb;
	uint8_t *p;
	int file;

	file = openat(fd, name, O_RDONLY);
	ATF_REQUIRE(file != -1 && fstat(file, &sb) == 0);
	*len = (size_t)sb.st_size;
	p = malloc(*len);
	ATF_REQUIRE(p != NULL && read(file, p, *len) == sb.st_size);
	close(file);
	return p;
}
