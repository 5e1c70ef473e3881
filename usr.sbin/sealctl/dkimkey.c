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
 * DKIM keys: made, and the records that go with them (RFC 6376 3.6.1, 8463).
 */

#include <sys/types.h>

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>

#include "zone.h"

#define PEM_MAX 16384
#define PUBLIC_MAX 1024 /* octets of a public key */

static EVP_PKEY *key_generate(bool);
static EVP_PKEY *key_load(const char *);
static int no_password(char *, int, int, void *);
static int record_of(EVP_PKEY *, char *, size_t);

/* A new file, which is whole or not there. */
int
dkim_file_write(const char *path, const void *data, size_t len)
{
	char tmp[CONF_PATH_MAX];
	int fd;

	if (snprintf(tmp, sizeof(tmp), "%s.new", path) >= (int)sizeof(tmp))
		return -1;
	(void)unlink(tmp);
	fd = open(
	    tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
	if (fd == -1) {
		warn("%s", tmp);
		return -1;
	}
	if (write(fd, data, len) != (ssize_t)len || fsync(fd) == -1 ||
	    close(fd) == -1 || link(tmp, path) == -1) {
		warn("%s", path);
		(void)unlink(tmp);
		return -1;
	}
	(void)unlink(tmp);
	return 0;
}

int
dkim_key_make(const char *path, bool ed25519, char *record, size_t size)
{
	EVP_PKEY *pkey;
	BUF_MEM *mem;
	BIO *bio;
	int ret;

	ret = -1;
	pkey = key_generate(ed25519);
	bio = BIO_new(BIO_s_secmem());
	if (pkey != NULL && bio != NULL &&
	    PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) ==
		1 &&
	    BIO_get_mem_ptr(bio, &mem) == 1 &&
	    record_of(pkey, record, size) == 0)
		ret = dkim_file_write(path, mem->data, mem->length);
	else
		warnx("%s: libcrypto makes no key", path);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	return ret;
}

int
dkim_key_record(const struct conf_dkim_key *key, char *record, size_t size,
    const char **algorithm, int *bits)
{
	uint8_t *text;
	EVP_PKEY *pkey;
	size_t len;
	int fd, ret;

	*algorithm = "none";
	*bits = 0;
	if (key->state == CONF_DKIM_OLD) {
		fd = open(key->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		text = fd == -1 ? NULL : conf_read_file(fd, PEM_MAX, &len);
		if (fd != -1)
			(void)close(fd);
		if (text == NULL) {
			warn("%s", key->path);
			return -1;
		}
		text[strcspn((char *)text, "\r\n")] = '\0';
		ret = strlcpy(record, (char *)text, size) < size ? 0 : -1;
		free(text);
		return ret;
	}
	pkey = key_load(key->path);
	if (pkey == NULL)
		return -1;
	*algorithm = EVP_PKEY_base_id(pkey) == EVP_PKEY_ED25519 ? "ed25519" :
								  "rsa";
	*bits = EVP_PKEY_bits(pkey);
	ret = record_of(pkey, record, size);
	EVP_PKEY_free(pkey);
	return ret;
}

static EVP_PKEY *
key_generate(bool ed25519)
{
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *pkey;

	pkey = NULL;
	ctx = EVP_PKEY_CTX_new_id(
	    ed25519 ? EVP_PKEY_ED25519 : EVP_PKEY_RSA, NULL);
	if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 ||
	    (!ed25519 &&
		EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, DKIM_RSA_BITS) != 1) ||
	    EVP_PKEY_keygen(ctx, &pkey) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static EVP_PKEY *
key_load(const char *path)
{
	EVP_PKEY *pkey;
	uint8_t *pem;
	BIO *bio;
	size_t len;
	int fd;

	fd = conf_open_secret(path, stderr);
	if (fd == -1)
		return NULL;
	pem = conf_read_file(fd, PEM_MAX, &len);
	(void)close(fd);
	if (pem == NULL) {
		warn("%s", path);
		return NULL;
	}
	bio = BIO_new_mem_buf(pem, (int)len);
	pkey = bio == NULL ?
	    NULL :
	    PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	freezero(pem, len + 1);
	if (pkey != NULL && EVP_PKEY_base_id(pkey) != EVP_PKEY_ED25519 &&
	    EVP_PKEY_base_id(pkey) != EVP_PKEY_RSA) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	if (pkey == NULL)
		warnx("%s: no RSA or Ed25519 key in PEM", path);
	return pkey;
}

static int
record_of(EVP_PKEY *pkey, char *record, size_t size)
{
	char text[2 * PUBLIC_MAX];
	uint8_t public[PUBLIC_MAX];
	uint8_t *p;
	size_t len;
	int n;

	if (EVP_PKEY_base_id(pkey) == EVP_PKEY_ED25519) {
		len = sizeof(public);
		if (EVP_PKEY_get_raw_public_key(pkey, public, &len) != 1)
			return -1;
	} else {
		n = i2d_PUBKEY(pkey, NULL);
		if (n <= 0 || (size_t)n > sizeof(public))
			return -1;
		p = public;
		len = (size_t)i2d_PUBKEY(pkey, &p);
	}
	(void)sodium_bin2base64(
	    text, sizeof(text), public, len, sodium_base64_VARIANT_ORIGINAL);
	n = snprintf(record, size, "v=DKIM1; k=%s; h=sha256; p=%s",
	    EVP_PKEY_base_id(pkey) == EVP_PKEY_ED25519 ? "ed25519" : "rsa",
	    text);
	return n < 0 || (size_t)n >= size ? -1 : 0;
}

/* One with a password is of no use to a daemon. */
static int
no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}
