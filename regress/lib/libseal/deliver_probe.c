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
 * A program that uses all of seal.h and nothing else of libseal, for
 * link_test.sh to look at.
 */

#include <sys/types.h>

#include <fcntl.h>
#include <string.h>

#include "seal.h"

int
main(int argc, char *argv[])
{
	static uint8_t out[SEAL_PIECE_MAX];
	uint8_t id[SEAL_ID_LEN] = {0}, key[SEAL_KEY_LEN];
	struct seal_stanza stanza;
	struct seal_account account;
	struct seal_delivery to;
	struct seal_trailer trailer;
	struct seal_header header;
	struct seal_sender *sender;
	struct seal_blob *b;
	struct seal_sum *sum;
	int fd;

	fd = open(argc > 1 ? argv[1] : ".", O_RDONLY | O_DIRECTORY);
	if (seal_init() == -1 || seal_account_load(fd, &account) == -1 ||
	    seal_delivery_load(fd, &account, &to) == -1)
		return 1;
	memset(&stanza, 0, sizeof(stanza));
	sender = seal_sender_new(&to);
	if (sender == NULL)
		return 1;
	b = seal_blob_new(sender, 0, id);
	if (b == NULL || seal_blob_header(b, out) == -1 ||
	    seal_blob_chunk(b, SEAL_BODY, 0, 1, id, 1, out) == -1 ||
	    seal_blob_finish(b, &stanza, 0) == -1 ||
	    seal_blob_next(b, out, sizeof(out)) == -1)
		return 1;
	seal_blob_key(b, key);
	seal_sender_forget(sender);
	seal_sender_free(sender);
	seal_blob_free(b);
	sum = seal_sum_new();
	if (sum == NULL || seal_header_parse(out, &header) == -1 ||
	    seal_trailer_parse(out, &trailer) == -1)
		return 1;
	seal_sum_update(sum, out, sizeof(out));
	return seal_sum_end(sum, key) == -1;
}
