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
 * Session tickets.  Their keys come from sealkeys, the same for all engines of
 * a daemon, so that a client may go on with any of them and after a reload.
 * libtls would make keys of its own for each context; its callback is replaced
 * (ctx_mode.c).  Before sealkeys has sent some, a key of this process's own
 * does: OpenSSL cannot be told to send no ticket in TLS 1.3.
 */

/* HMAC_CTX is deprecated in OpenSSL 3. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <sodium.h>

#include "../../usr.sbin/sealkeys/keys_wire.h"
#include "../libseal/seal_keys.h"

#include "log.h"
#include "msg.h"
#include "tlsio_local.h"

#define AES_LEN 32
#define OWN KEYS_TICKETS /* the place of our own key */

struct ticket_key {
	uint8_t name[KEYS_TICKET_NAME];
	uint8_t key[KEYS_TICKET_KEY];
	time_t make_until; /* monotonic */
	time_t take_until;
};

static struct ticket_key *keys; /* the newest first, then our own */

static int start(const struct ticket_key *, unsigned char *, EVP_CIPHER_CTX *,
    HMAC_CTX *, int);
static time_t uptime(void);

void
ticket_init(void)
{
	struct ticket_key *own;

	if (sodium_init() == -1)
		fatalx("sodium_init");
	keys = secret_alloc((KEYS_TICKETS + 1) * sizeof(*keys));
	if (keys == NULL)
		fatal("secret_alloc");
	own = &keys[OWN];
	arc4random_buf(own->name, sizeof(own->name));
	arc4random_buf(own->key, sizeof(own->key));
	own->make_until = own->take_until = uptime() + KEYS_TICKET_LIFE_MAX;
}

void
ticket_alone(void)
{
	explicit_bzero(keys, KEYS_TICKETS * sizeof(*keys));
	arc4random_buf(keys[OWN].name, sizeof(keys[OWN].name));
	arc4random_buf(keys[OWN].key, sizeof(keys[OWN].key));
}

int
ticket_take(struct msg *m)
{
	struct ticket_key *k;
	time_t now;
	uint8_t n;

	now = uptime();
	explicit_bzero(keys, KEYS_TICKETS * sizeof(*keys));
	n = msg_get_u8(m);
	if (n > KEYS_TICKETS)
		return -1;
	for (k = keys; k < keys + n; k++) {
		(void)msg_get_raw(m, k->name, sizeof(k->name));
		(void)msg_get_raw(m, k->key, sizeof(k->key));
		k->make_until = now + (time_t)msg_get_u32(m);
		k->take_until = now + (time_t)msg_get_u32(m);
	}
	if (msg_end(m) == 0)
		return 0;
	explicit_bzero(keys, KEYS_TICKETS * sizeof(*keys));
	return -1;
}

/* OpenSSL's and LibreSSL's callback: 1 done, 2 and renew, 0 no such key. */
int
ticket_callback(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, HMAC_CTX *hmac, int encrypt)
{
	const struct ticket_key *k;
	time_t now;

	now = uptime();
	if (encrypt) {
		k = keys[0].make_until > now ? &keys[0] : &keys[OWN];
		memcpy(name, k->name, sizeof(k->name));
		arc4random_buf(
		    iv, (size_t)EVP_CIPHER_iv_length(EVP_aes_256_cbc()));
		return start(k, iv, cipher, hmac, 1) == -1 ? -1 : 1;
	}
	for (k = keys; k <= keys + OWN; k++) {
		if (k->take_until <= now) {
			explicit_bzero(keys + (k - keys), sizeof(*k));
			continue;
		}
		if (memcmp(k->name, name, sizeof(k->name)) != 0)
			continue;
		if (start(k, iv, cipher, hmac, 0) == -1)
			return -1;
		/* In TLS 1.3 a ticket is for one use: RFC 8446 C.4. */
		return k == keys && k->make_until > now &&
			SSL_version(ssl) < TLS1_3_VERSION ?
		    1 :
		    2;
	}
	return 0;
}

static int
start(const struct ticket_key *k, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    HMAC_CTX *hmac, int encrypt)
{
	if (EVP_CipherInit_ex(
		cipher, EVP_aes_256_cbc(), NULL, k->key, iv, encrypt) != 1 ||
	    HMAC_Init_ex(hmac, k->key + AES_LEN,
		(int)(sizeof(k->key) - AES_LEN), EVP_sha256(), NULL) != 1)
		return -1;
	return 0;
}

static time_t
uptime(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	return ts.tv_sec;
}
