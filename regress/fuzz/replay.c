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
 * Runs a fuzzer without libFuzzer, as an ordinary test: each seed of the
 * folders that are named, whole, cut at each of its octets (of long ones, at
 * some) and with octets changed.  Prints how many seeds there were.
 */

#include <sys/types.h>

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEED_MAX (1024 * 1024)
#define CUTS 64 /* of a seed */

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static void
replay(uint8_t *seed, size_t len)
{
	size_t step = len / CUTS + 1;
	uint8_t c;

	(void)LLVMFuzzerTestOneInput(seed, len);
	for (size_t i = 0; i < len; i += step)
		(void)LLVMFuzzerTestOneInput(seed, i);
	for (size_t i = 0; i < len; i += step) {
		c = seed[i];
		seed[i] = (uint8_t) "\0\xff\x80\x01\r\n\"{ "[i % 9];
		(void)LLVMFuzzerTestOneInput(seed, len);
		seed[i] = c;
	}
}

static void
replay_file(int dir, const char *name)
{
	static uint8_t buf[SEED_MAX];
	uint8_t *seed;
	ssize_t n;
	int fd;

	if ((fd = openat(dir, name, O_RDONLY)) == -1 ||
	    (n = read(fd, buf, sizeof(buf))) == -1)
		err(1, "%s", name);
	(void)close(fd);
	if ((seed = malloc((size_t)n + 1)) == NULL)
		err(1, NULL);
	memcpy(seed, buf, (size_t)n);
	replay(seed, (size_t)n);
	free(seed);
}

int
main(int argc, char *argv[])
{
	struct dirent *de;
	unsigned int n = 0;
	DIR *dir;

	for (int i = 1; i < argc; i++) {
		if ((dir = opendir(argv[i])) == NULL)
			err(1, "%s", argv[i]);
		while ((de = readdir(dir)) != NULL) {
			if (de->d_name[0] == '.')
				continue;
			if (getenv("FUZZ_VERBOSE") != NULL)
				(void)printf("%s\n", de->d_name);
			replay_file(dirfd(dir), de->d_name);
			n++;
		}
		(void)closedir(dir);
	}
	(void)printf("%u seeds\n", n);
	return n == 0;
}
