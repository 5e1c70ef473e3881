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
 * Fuzzer of libconf: what parses must print as something that parses to the
 * same; the rest must name its fault.
 */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static char *
print(const struct conf *conf, size_t *len)
{
	char *text;
	FILE *f;

	f = open_memstream(&text, len);
	if (f == NULL)
		abort();
	conf_print(conf, f);
	if (fclose(f) != 0)
		abort();
	return text;
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct conf *conf, *again;
	char *errors, *one, *two;
	size_t errors_len, one_len, two_len;
	FILE *f;

	/* Other files are not part of the input. */
	if (memmem(data, size, "include", 7) != NULL)
		return -1;
	f = open_memstream(&errors, &errors_len);
	if (f == NULL)
		abort();
	conf = conf_parse("fuzz", (const char *)data, size, f);
	if (fclose(f) != 0 || (conf == NULL) != (errors_len > 0))
		abort();
	free(errors);
	if (conf == NULL)
		return 0;
	one = print(conf, &one_len);
	again = conf_parse("again", one, one_len, stderr);
	if (again == NULL)
		abort();
	two = print(again, &two_len);
	if (one_len != two_len || memcmp(one, two, one_len) != 0)
		abort();
	free(one);
	free(two);
	conf_free(conf);
	conf_free(again);
	return 0;
}
