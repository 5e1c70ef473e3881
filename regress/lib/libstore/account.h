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

/* An account in the test's own directory, mail for it, and a way to cheat. */

#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <stdio.h>
#include "seal.h"
#include "seal_keys.h"
#include "store.h"

struct account {
	int base;
	int dir;
	struct seal_ring *ring;
	struct store *st; /* NULL: closed */
};

#define ACCOUNT "anna@example.org"

/* Fails the test case where a result is not STORE_OK. */
#define OK(call) check(#call, __LINE__, (call))
void check(const char *, int line, enum store_result);

void account_make(struct account *); /* in ., not opened */
void account_open(struct account *);
void account_close(struct account *);
void account_reopen(struct account *);
void account_crash(struct account *); /* without a snapshot, then opens */
void account_end(struct account *);

/* A message whose text and summary follow from n; size octets. */
void fill(uint8_t *, size_t, unsigned int n);
enum store_result send_body(struct store_blob *, unsigned int n, size_t size);
enum store_result deliver(struct account *, unsigned int n, size_t size);
/* And with these flags in its stanza. */
enum store_result
deliver_as(struct account *, unsigned int n, size_t size, uint64_t flags);
enum store_result append(
    struct account *, uint64_t box, unsigned int n, size_t size, uint32_t *uid);
/* Everything of the message is as send_body() made it. */
void check_message(
    struct account *, uint64_t box, uint32_t uid, unsigned int n, size_t size);
/* All deliveries in. */
unsigned int drain(struct account *);
/* A copy of the whole column, until the next call. */
const struct store_msg *column(struct store *, uint64_t box, size_t *n);
/* The state of all boxes as text, to compare; free it. */
char *picture(struct account *);
bool same_picture(const char *got, const char *want);
/* After a close, a crash, and without any snapshot, the state is the same. */
void same_after_reopen(struct account *);
/* Of all messages, made by fill() with the number that their date tells. */
void check_bodies(struct account *);
size_t count_files(struct account *, const char *dir);
void other_octet(int fd, off_t); /* one octet is another one */

/* Sets or removes an annotation of a box, or of the account (0). */
enum store_result
any_meta(struct store *, uint64_t box, uint32_t (*dice)(uint32_t));
/* All of them, a line each. */
void print_meta(FILE *, struct store *, uint64_t box);

#endif
