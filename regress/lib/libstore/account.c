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

/* What account.h promises: one account, mail for it, and its picture. */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"

void
check(const char *what, int line, enum store_result result)
{
	if (result != STORE_OK)
		atf_tc_fail(
		    "line %d: %s: %s", line, what, store_strerror(result));
}

void
account_make(struct account *a)
{
	char code[SEAL_CODE_SIZE];
	int fd;

	memset(a, 0, sizeof(*a));
	ATF_REQUIRE_EQ(0, seal_init());
	a->base = open(".", O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(a->base != -1);
	OK(store_account_create(a->base, ACCOUNT, &fd));
	a->ring = seal_account_create(
	    fd, 0, "secret", 6, &seal_kdf_low, 1700000000, code);
	ATF_REQUIRE(a->ring != NULL);
	OK(store_account_publish(a->base, ACCOUNT, fd));
	close(fd);
	OK(store_account_open(a->base, ACCOUNT, &a->dir));
}

void
account_open(struct account *a)
{
	OK(store_open(a->base, a->dir, a->ring, &a->st));
}

void
account_close(struct account *a)
{
	OK(store_close(a->st));
	a->st = NULL;
}

void
account_reopen(struct account *a)
{
	account_close(a);
	account_open(a);
}

void
account_crash(struct account *a)
{
	store_abandon(a->st);
	account_open(a);
}

void
account_end(struct account *a)
{
	if (a->st != NULL)
		account_close(a);
	seal_ring_free(a->ring);
	close(a->dir);
	close(a->base);
}

void
fill(uint8_t *p, size_t len, unsigned int n)
{
	uint32_t x;
	size_t i;

	x = n * 2654435761U + 1;
	for (i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = (uint8_t)(x >> 24);
	}
}

static enum store_result
send_as(struct store_blob *blob, unsigned int n, size_t size, uint64_t flags)
{
	struct store_chunk c = {0};
	struct store_envelope env = {0};
	enum store_result result;
	uint8_t *p, sum[100];
	size_t off;

	p = malloc(size + 1);
	ATF_REQUIRE(p != NULL);
	fill(p, size, n);
	result = STORE_OK;
	for (off = 0; result == STORE_OK && off < size; off += c.len) {
		c.kind = STORE_BODY;
		c.len = size - off < STORE_CHUNK ? size - off : STORE_CHUNK;
		c.plain = (uint32_t)c.len;
		c.data = p + off;
		result = store_blob_chunk(blob, &c);
	}
	free(p);
	fill(sum, sizeof(sum), n + 1000000);
	c.kind = STORE_SUMMARY;
	c.len = c.plain = sizeof(sum);
	c.data = sum;
	if (result == STORE_OK)
		result = store_blob_chunk(blob, &c);
	memcpy(env.delivery_id, &n, sizeof(n));
	env.date = 1700000000 + n;
	env.from = "b@example.net";
	env.to = ACCOUNT;
	env.hint = env.verdict = "";
	env.flags = flags;
	return result == STORE_OK ? store_blob_finish(blob, &env) : result;
}

enum store_result
send_body(struct store_blob *blob, unsigned int n, size_t size)
{
	return send_as(blob, n, size, 0);
}

enum store_result
deliver_as(struct account *a, unsigned int n, size_t size, uint64_t flags)
{
	struct store_rcpt *rcpt;
	struct store_blob *blob;
	enum store_result result;

	result = store_rcpt_open(a->base, ACCOUNT, &rcpt);
	if (result != STORE_OK)
		return result;
	result = store_rcpt_check(rcpt, size);
	blob = NULL;
	if (result == STORE_OK)
		result = store_blob_create(rcpt, 2, &blob);
	store_rcpt_free(rcpt);
	if (result == STORE_OK)
		result = send_as(blob, n, size, flags);
	if (result == STORE_OK)
		result = store_blob_sync(a->base, &blob, 1);
	store_blob_free(blob);
	return result;
}

enum store_result
deliver(struct account *a, unsigned int n, size_t size)
{
	return deliver_as(a, n, size, 0);
}

enum store_result
append(
    struct account *a, uint64_t box, unsigned int n, size_t size, uint32_t *uid)
{
	struct store_place place = {0};
	struct store_blob *blob;
	enum store_result result;

	result = store_append_create(a->st, 0, size, &blob);
	if (result != STORE_OK)
		return result;
	result = send_body(blob, n, size);
	if (result != STORE_OK) {
		store_blob_free(blob);
		return result;
	}
	place.box = box;
	place.date = 1700000000 + n;
	place.zone = -330;
	place.size = size;
	return store_place(a->st, blob, &place, uid);
}

void
check_message(
    struct account *a, uint64_t box, uint32_t uid, unsigned int n, size_t size)
{
	static uint8_t want[STORE_CHUNK], got[STORE_CHUNK];
	struct store_chunk c, sum[STORE_SUMMARY_CHUNKS];
	const struct store_msg *m;
	struct store_body *b;
	uint8_t *p;
	size_t off, k;
	uint32_t i;

	m = store_msg_find(a->st, box, uid, NULL);
	ATF_REQUIRE(m != NULL);
	ATF_REQUIRE_EQ(size, m->size);
	ATF_REQUIRE_EQ(1700000000 + n, m->date);
	p = malloc(size + 1);
	ATF_REQUIRE(p != NULL);
	fill(p, size, n);
	OK(store_body_open(a->st, box, uid, &b));
	for (i = 0, off = 0; i < store_body_chunks(b, STORE_BODY); i++) {
		OK(store_body_read(b, STORE_BODY, i, got, sizeof(got), &c));
		ATF_REQUIRE(c.len <= size - off);
		ATF_REQUIRE(memcmp(p + off, got, c.len) == 0);
		off += c.len;
	}
	ATF_REQUIRE_EQ(size, off);
	free(p);
	store_body_close(b);
	OK(store_summary(a->st, box, uid, sum, &k));
	fill(want, 100, n + 1000000);
	ATF_REQUIRE_EQ(1, k);
	ATF_REQUIRE_EQ(100, sum[0].len);
	ATF_REQUIRE(memcmp(want, sum[0].data, 100) == 0);
}

unsigned int
drain(struct account *a)
{
	struct store_drained d;
	unsigned int n;

	n = 0;
	do {
		OK(store_drain(a->st, &d));
		n += d.placed;
	} while (d.more);
	return n;
}

const struct store_msg *
column(struct store *st, uint64_t box, size_t *n)
{
	static struct store_msg *all;
	const struct store_box *b;
	const struct store_msg *m;
	size_t pos, part;

	*n = 0;
	b = store_box_find(st, box);
	if (b == NULL)
		return NULL;
	free(all);
	all = calloc(b->messages + 1, sizeof(*all));
	ATF_REQUIRE(all != NULL);
	for (pos = 0; (m = store_msgs(st, box, pos, &part)) != NULL;
	     pos += part) {
		ATF_REQUIRE(pos + part <= b->messages);
		memcpy(all + pos, m, part * sizeof(*m));
	}
	*n = pos;
	return pos == 0 ? NULL : all;
}

char *
picture(struct account *a)
{
	const struct store_box *b;
	const struct store_msg *m;
	struct store_cold c;
	const char *sub;
	size_t i, n, size;
	char *text;
	FILE *f;

	f = open_memstream(&text, &size);
	ATF_REQUIRE(f != NULL);
	for (b = NULL; (b = store_box_next(a->st, b)) != NULL;) {
		m = column(a->st, b->id, &n);
		fprintf(f, "box %llu %s v%u n%u use %u: %u %u %u %llu kw",
		    (unsigned long long)b->id, b->name, b->uidvalidity,
		    b->uidnext, b->use, b->messages, b->unseen, b->deleted,
		    (unsigned long long)b->size);
		for (i = 0; i < b->nkeywords; i++)
			fprintf(f, " %s",
			    b->keywords[i] == NULL ? "-" : b->keywords[i]);
		fprintf(f, "\n");
		print_meta(f, a->st, b->id);
		ATF_REQUIRE_EQ(b->messages, n);
		for (i = 0; i < n; i++) {
			OK(store_cold_get(a->st, b->id, m[i].uid, &c));
			fprintf(f, " %u %llx %llu %u %lld %d %02x%02x%02x\n",
			    m[i].uid, (unsigned long long)m[i].flags,
			    (unsigned long long)m[i].modseq, m[i].size,
			    (long long)m[i].date, (int)m[i].zone, c.blob[0],
			    c.instance[1], c.emailid[2]);
		}
	}
	print_meta(f, a->st, 0);
	for (sub = NULL; (sub = store_sub_next(a->st, sub)) != NULL;)
		fprintf(f, "sub %s\n", sub);
	fprintf(f, "live %llu\n", (unsigned long long)store_live_bytes(a->st));
	fclose(f);
	return text;
}

void
check_bodies(struct account *a)
{
	const struct store_box *b;
	const struct store_msg *m;
	size_t i, n;

	for (b = NULL; (b = store_box_next(a->st, b)) != NULL;) {
		m = column(a->st, b->id, &n);
		for (i = 0; i < n; i++) {
			m = column(a->st, b->id, &n);
			check_message(a, b->id, m[i].uid,
			    (unsigned int)(m[i].date - 1700000000), m[i].size);
		}
	}
}

/*
 * What is undone leaves no trace but UIDs that were given: got may have a
 * higher next one than want.
 */
bool
same_picture(const char *got, const char *want)
{
	unsigned long next, least;
	char *end;

	while (*got != '\0' && *want != '\0') {
		if (strncmp(got, " n", 2) != 0 || strncmp(want, " n", 2) != 0) {
			if (*got++ != *want++)
				return false;
			continue;
		}
		next = strtoul(got + 2, &end, 10);
		got = end;
		least = strtoul(want + 2, &end, 10);
		want = end;
		if (next < least)
			return false;
	}
	return *got == *want;
}

void
other_octet(int fd, off_t off)
{
	uint8_t c;

	ATF_REQUIRE_EQ(1, pread(fd, &c, 1, off));
	c ^= 0x40;
	ATF_REQUIRE_EQ(1, pwrite(fd, &c, 1, off));
}

/* After a close, a crash, and without any snapshot, the state is the same. */
void
same_after_reopen(struct account *a)
{
	char *before, *after;
	unsigned int how;

	OK(store_commit(a->st));
	before = picture(a);
	for (how = 0; how < 3; how++) {
		if (how == 0)
			account_crash(a);
		else if (how == 1)
			account_reopen(a);
		else {
			account_close(a);
			ATF_REQUIRE_EQ(0, system("rm -rf accounts/*/*/snap/*"));
			account_open(a);
		}
		ATF_REQUIRE(store_damage(a->st) == NULL);
		after = picture(a);
		if (strcmp(before, after) != 0)
			atf_tc_fail("way %u:\n%s---\n%s", how, before, after);
		free(after);
	}
	free(before);
}

size_t
count_files(struct account *a, const char *name)
{
	struct dirent *de;
	struct stat sb;
	size_t n;
	DIR *dir;
	int fd;

	fd = openat(a->dir, name, O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(fd != -1);
	dir = fdopendir(fd);
	ATF_REQUIRE(dir != NULL);
	for (n = 0; (de = readdir(dir)) != NULL;) {
		ATF_REQUIRE_EQ(0, fstatat(fd, de->d_name, &sb, 0));
		n += S_ISREG(sb.st_mode);
	}
	closedir(dir);
	return n;
}

enum store_result
any_meta(struct store *st, uint64_t box, uint32_t (*dice)(uint32_t))
{
	static const char *const names[] = {
	    "/private/comment", "/shared/comment", "/private/x/y"};
	uint8_t value[3000];
	struct store_meta m[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		m[i].name = names[(i + dice(2)) % 3];
		m[i].len = dice(4) == 0 ? dice(sizeof(value)) : dice(20);
		m[i].value = dice(4) == 0 ? NULL : value;
	}
	memset(value, 'a' + (int)dice(26), sizeof(value));
	return store_meta_set(st, dice(5) == 0 ? 0 : box, m, 1 + dice(2));
}

void
print_meta(FILE *f, struct store *st, uint64_t box)
{
	const struct store_meta *m;

	for (size_t i = 0; (m = store_meta_at(st, box, i)) != NULL; i++)
		fprintf(f, " meta %s %zu %.*s\n", m->name, m->len, (int)m->len,
		    (const char *)m->value);
}
