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
 * Fuzzer of libmsg's getters: the first half of the input says which to call,
 * the second is the message.  None may read outside it.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "msg.h"

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct msg m;
	const uint8_t *p;
	uint8_t *copy, raw[64];
	char str[64];
	size_t half, len;
	bool was_bad;

	half = size / 2;
	/* Memory of its own, so that its end is seen. */
	copy = malloc(size - half + 1);
	if (copy == NULL)
		abort();
	memcpy(copy, data + half, size - half);
	memset(&m, 0, sizeof(m));
	m.fd = -1;
	m.data = copy;
	m.len = size - half;
	for (size_t i = 0; i < half; i++) {
		was_bad = m.bad;
		switch (data[i] & 7) {
		case 0:
			(void)msg_get_u8(&m);
			break;
		case 1:
			(void)msg_get_u16(&m);
			break;
		case 2:
			(void)msg_get_u32(&m);
			break;
		case 3:
			(void)msg_get_u64(&m);
			break;
		case 4:
			p = msg_get_bytes(&m, &len, data[i]);
			if (len > data[i] || (p == NULL && len != 0) ||
			    (p != NULL && p + len > copy + m.len))
				abort();
			break;
		case 5:
			if (msg_get_str(&m, str, sizeof(str)) == 0 &&
			    strlen(str) >= sizeof(str))
				abort();
			break;
		case 6:
			(void)msg_get_raw(&m, raw, data[i] % sizeof(raw));
			break;
		default:
			(void)msg_get_fd(&m);
			break;
		}
		if ((was_bad && !m.bad) || m.off > m.len)
			abort();
	}
	if (msg_end(&m) == 0 && (m.bad || m.off != m.len))
		abort();
	free(copy);
	return 0;
}
