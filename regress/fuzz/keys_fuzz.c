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
 * Fuzzer of sealkeys: what an engine that is not to be trusted asks of the
 * process that holds the keys.  The key it names is put right if the first
 * octet of the step says so.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <sodium.h>

#include "../../usr.sbin/sealkeys/keyset.h"
#include "../../usr.sbin/sealkeys/serve.h"
#include "harness.h"

#define STEPS_MAX 16
#define WHAT_EC 1      /* the id of the EC key is put in */
#define WHAT_RSA 2     /* of the RSA key */
#define WHAT_HAVE 4    /* asks whether the key is there */
#define WHAT_TYPE 0x80 /* another type of message */

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static uint8_t ids[2][KEYS_ID_LEN];

static void
add_key(struct keyset *set, EVP_PKEY *pkey, uint8_t id[KEYS_ID_LEN])
{
	unsigned char *der = NULL, *pem;
	BIO *bio;
	long n;
	int len;

	bio = BIO_new(BIO_s_mem());
	if (pkey == NULL || bio == NULL ||
	    PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1)
		abort();
	n = BIO_get_mem_data(bio, &pem);
	if (keyset_add(set, "name", pem, (size_t)n) != NULL)
		abort();
	BIO_free(bio);
	len = i2d_PUBKEY(pkey, &der);
	if (len <= 0)
		abort();
	SHA256(der, (size_t)len, id);
	OPENSSL_free(der);
	EVP_PKEY_free(pkey);
}

static void
set_up(void)
{
	static struct keyset *set;

	if (set != NULL)
		return;
	harness_start();
	if (sodium_init() == -1)
		abort();
	set = keyset_new();
	add_key(set, EVP_EC_gen("P-256"), ids[0]);
	add_key(set, EVP_RSA_gen(2048), ids[1]);
	serve_keys(set, 1);
	serve_tickets(KEYS_TICKET_LIFE_MAX);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	struct harness_step s;
	uint8_t buf[4096];
	uint32_t type;
	struct wire *w;
	int fd;

	set_up();
	harness_begin();
	serve_wire(fd = harness_fd());
	for (int n = 0; n < STEPS_MAX && harness_step(&data, &len, &s); n++) {
		if ((w = harness_wire(fd)) == NULL)
			break;
		if (s.len > sizeof(buf))
			s.len = sizeof(buf);
		memcpy(buf, s.data, s.len);
		type = (s.what & WHAT_HAVE) != 0 ? KEYS_HAVE : KEYS_SIGN;
		if ((s.what & WHAT_TYPE) != 0)
			type = s.what;
		if (s.len > KEYS_ID_LEN && (s.what & (WHAT_EC | WHAT_RSA)) != 0)
			memcpy(buf + (type == KEYS_SIGN),
			    ids[(s.what & WHAT_RSA) != 0], KEYS_ID_LEN);
		harness_packet(w, type, (uint32_t)n, buf, s.len, -1);
		harness_run();
	}
	if ((w = harness_wire(fd)) != NULL) {
		harness_eof(w);
		harness_run();
	}
	harness_end();
	return 0;
}
