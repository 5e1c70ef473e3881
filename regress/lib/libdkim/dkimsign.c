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
 * Signs a message on standard input: dkimsign DOMAIN SELECTOR KEY.PEM
 */

#include <sys/types.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "dkim.h"

#define MESSAGE_MAX 4000000

int
main(int argc, char *argv[])
{
	static char message[MESSAGE_MAX], field[DKIM_FIELD_MAX + 2048];
	static struct dkim_signature s;
	struct dkim_body *b;
	EVP_PKEY *key;
	EVP_PKEY_CTX *ctx;
	EVP_MD_CTX *md;
	uint8_t sig[512];
	size_t len, head, sig_len;
	char *end;
	FILE *f;

	if (argc != 4)
		errx(2, "usage: dkimsign DOMAIN SELECTOR KEY.PEM");
	f = fopen(argv[3], "r");
	key = f == NULL ? NULL : PEM_read_PrivateKey(f, NULL, NULL, NULL);
	if (key == NULL)
		errx(1, "%s", argv[3]);
	len = fread(message, 1, sizeof(message) - 1, stdin);
	end = memmem(message, len, "\r\n\r\n", 4);
	head = end == NULL ? len : (size_t)(end - message) + 2;
	(void)strlcpy(s.domain, argv[1], sizeof(s.domain));
	(void)strlcpy(s.selector, argv[2], sizeof(s.selector));
	s.when = (int64_t)time(NULL);
	s.algorithm = EVP_PKEY_base_id(key) == EVP_PKEY_RSA ?
	    DKIM_RSA_SHA256 :
	    DKIM_ED25519_SHA256;
	b = dkim_body_new();
	if (b == NULL)
		err(1, "dkim_body_new");
	if (end != NULL)
		dkim_body_update(b, end + 4, len - head - 2);
	dkim_body_end(b, s.body);
	dkim_body_free(b);
	if (dkim_sign(&s, message, head) == -1)
		errx(1, "dkim_sign");
	sig_len = sizeof(sig);
	if (s.algorithm == DKIM_RSA_SHA256) {
		ctx = EVP_PKEY_CTX_new(key, NULL);
		if (EVP_PKEY_sign_init(ctx) != 1 ||
		    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
		    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1 ||
		    EVP_PKEY_sign(
			ctx, sig, &sig_len, s.digest, sizeof(s.digest)) != 1)
			errx(1, "sign");
	} else {
		md = EVP_MD_CTX_new();
		if (EVP_DigestSignInit(md, NULL, NULL, NULL, key) != 1 ||
		    EVP_DigestSign(
			md, sig, &sig_len, s.digest, sizeof(s.digest)) != 1)
			errx(1, "sign");
	}
	if (dkim_field(&s, sig, sig_len, field, sizeof(field)) == -1)
		errx(1, "dkim_field");
	(void)fputs(field, stdout);
	(void)fwrite(message, 1, len, stdout);
	return 0;
}
