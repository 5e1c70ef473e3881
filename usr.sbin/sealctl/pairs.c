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
 * For `sealctl check`: whether each certificate's key is its own, and whether
 * its time has come and not gone.
 */

#include <sys/types.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "conf.h"
#include "sealctl.h"

#define PAIR_PEM_MAX (256 * 1024)

static X509 *
leaf_load(const char *path)
{
	X509 *x = NULL;
	uint8_t *text;
	size_t len;
	BIO *bio;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1)
		return NULL;
	text = conf_read_file(fd, PAIR_PEM_MAX, &len);
	(void)close(fd);
	if (text == NULL)
		return NULL;
	bio = BIO_new_mem_buf(text, (int)len);
	if (bio != NULL)
		x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	freezero(text, len + 1);
	return x;
}

/* Asked for no password: a daemon could not give one either. */
static int
no_password(char *buf, int size, int writing, void *arg)
{
	return -1;
}

static EVP_PKEY *
key_load(const char *path)
{
	EVP_PKEY *key = NULL;
	uint8_t *text;
	size_t len;
	BIO *bio;
	int fd;

	/* conf_check() has complained of who else may read it. */
	fd = conf_open_secret(path, stderr);
	if (fd == -1)
		return NULL;
	text = conf_read_file(fd, PAIR_PEM_MAX, &len);
	(void)close(fd);
	if (text == NULL)
		return NULL;
	bio = BIO_new_mem_buf(text, (int)len);
	if (bio != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	freezero(text, len + 1);
	return key;
}

static const char *
pair_wrong(X509 *x, EVP_PKEY *key)
{
	if (x == NULL)
		return "is no certificate";
	if (key == NULL)
		return "has a key that cannot be read";
	if (X509_check_private_key(x, key) != 1)
		return "has another key than that of its key file";
	if (X509_cmp_current_time(X509_get0_notAfter(x)) <= 0)
		return "has expired";
	if (X509_cmp_current_time(X509_get0_notBefore(x)) >= 0)
		return "is not valid yet";
	return NULL;
}

void
pairs_check(const struct conf *conf)
{
	const struct conf_cert *c;
	const char *wrong;
	EVP_PKEY *key;
	X509 *x;

	for (size_t i = 0; i < conf->n_certs; i++) {
		c = &conf->certs[i];
		x = leaf_load(c->cert);
		key = key_load(c->key);
		wrong = pair_wrong(x, key);
		if (wrong != NULL)
			(void)fprintf(stderr, "%s: certificate %s %s\n",
			    c->cert, c->name, wrong);

		X509_free(x);
		EVP_PKEY_free(key);
	}
	ERR_clear_error();
}
