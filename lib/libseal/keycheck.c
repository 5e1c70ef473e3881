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
 * Key files as a checker without any key sees them: name, envelope and the
 * account's signature.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "seal_local.h"

int
seal_keyfile_name(const char *name, struct seal_keyfile *k)
{
	unsigned int host;
	uint64_t v;
	int kind;

	for (kind = KEYFILE_SLOTS; kind <= KEYFILE_DELIVERY; kind++) {
		for (host = 0; host < KEYFILE_HOSTS; host++) {
			v = keyfile_version(
			    name, (enum keyfile_kind)kind, host);
			if (v == 0)
				continue;
			k->kind = (unsigned int)kind;
			k->host = host;
			k->version = v;
			return 0;
		}
	}
	errno = EBADMSG;
	return -1;
}

int
seal_keyfile_check(
    int dirfd, const struct seal_account *a, const struct seal_keyfile *k)
{
	char name[KEYFILE_NAME_SIZE];
	struct keyfile kf;
	int keys, ret, save;

	memset(&kf, 0, sizeof(kf));
	if (k->kind > KEYFILE_DELIVERY) {
		errno = EINVAL;
		return -1;
	}
	keys = keyfile_dir(dirfd);
	if (keys == -1)
		return -1;
	(void)snprintf(name, sizeof(name), "%s.%u.%llu", keyfile_names[k->kind],
	    k->host, (unsigned long long)k->version);
	ret = keyfile_read(keys, name, KEYFILE_MAX, &kf.buf, &kf.len);
	if (ret == 0)
		ret = keyfile_parse(&kf, (enum keyfile_kind)k->kind, a);
	if (ret == 0 && (kf.host != k->host || kf.version != k->version)) {
		errno = EBADMSG;
		ret = -1;
	}
	save = errno;
	keyfile_clear(&kf);
	close(keys);
	errno = save;
	return ret;
}
