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
 * Roots of the web's PKI.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "log.h"
#include "tlsio_local.h"

#define ROOTS_MAX (4 * 1024 * 1024) /* octets of a bundle */

static char *read_file(const char *, size_t *);

struct tlsio_roots *
tlsio_roots_new(const char *pem, size_t len, char error[TLSIO_ERROR_MAX])
{
	struct tlsio_roots *r;
	X509 *x;
	BIO *bio;
	size_t n;

	error[0] = '\0';
	r = calloc(1, sizeof(*r));
	if (r == NULL || (r->store = X509_STORE_new()) == NULL)
		fatal("roots");
	bio = len > ROOTS_MAX ? NULL : BIO_new_mem_buf(pem, (int)len);
	n = 0;
	while (bio != NULL &&
	    (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (X509_STORE_add_cert(r->store, x) == 1)
			n++;
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (n > 0)
		return r;
	(void)strlcpy(error, "no certificate in PEM", TLSIO_ERROR_MAX);
	tlsio_roots_free(r);
	return NULL;
}

struct tlsio_roots *
tlsio_roots_file(const char *path, char error[TLSIO_ERROR_MAX])
{
	struct tlsio_roots *r;
	char *pem;
	size_t len;

	if (path == NULL)
		path = tls_default_ca_cert_file();
	pem = read_file(path, &len);
	if (pem == NULL) {
		(void)snprintf(
		    error, TLSIO_ERROR_MAX, "%s: %s", path, strerror(errno));
		return NULL;
	}
	r = tlsio_roots_new(pem, len, error);
	free(pem);
	return r;
}

static char *
read_file(const char *path, size_t *len)
{
	struct stat st;
	char *text;
	ssize_t n;
	int fd;

	text = NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		return NULL;
	if (fstat(fd, &st) == -1)
		goto err;
	errno = EFBIG;
	if (st.st_size > ROOTS_MAX)
		goto err;
	text = calloc(1, (size_t)st.st_size + 1);
	if (text == NULL)
		goto err;
	for (*len = 0; *len < (size_t)st.st_size; *len += (size_t)n) {
		n = read(fd, text + *len, (size_t)st.st_size - *len);
		if (n == -1)
			goto err;
		if (n == 0)
			break;
	}
	(void)close(fd);
	return text;
err:
	free(text);
	(void)close(fd);
	return NULL;
}

void
tlsio_roots_free(struct tlsio_roots *r)
{
	if (r == NULL)
		return;
	X509_STORE_free(r->store);
	free(r);
}
