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
 * The wire to sealkeys.  Signatures of handshakes come from there: the default
 * methods of RSA and EC keys ask it, naming the key by its public half, the
 * only one here.  What comes unasked are the keys of tickets.
 */

/* The methods are deprecated in OpenSSL 3, and without a successor. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <sys/types.h>

#include <errno.h>
#include <event.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "../../usr.sbin/sealkeys/keys_wire.h"

#include "log.h"
#include "msg.h"
#include "tlsio_local.h"

static int signer_fd = -1;
static struct event ev_signer;
static uint32_t serial;

static int rsa_sign(int, const unsigned char *, unsigned char *, RSA *, int);
static int rsa_refuse(int, const unsigned char *, unsigned char *, RSA *, int);
static int ec_sign(int, const unsigned char *, int, unsigned char *,
    unsigned int *, const BIGNUM *, const BIGNUM *, EC_KEY *);
static int
ask(enum keys_how, const uint8_t *, const uint8_t *, size_t, uint8_t *, size_t);
static int answer(struct msg *, uint8_t *, size_t);
static int round_trip(struct msgout *, struct msg *);
static bool unasked(struct msg *);
static void on_unasked(int, short, void *);
static int key_id(const uint8_t *, int, uint8_t[KEYS_ID_LEN]);
static int64_t now_ms(void);

void
tlsio_signer(int fd)
{
	if (signer_fd != -1) {
		(void)event_del(&ev_signer);
		(void)close(signer_fd);
	}
	signer_fd = fd;
	if (fd == -1)
		return;
	event_set(&ev_signer, fd, EV_READ | EV_PERSIST, on_unasked, NULL);
	if (event_add(&ev_signer, NULL) == -1)
		fatal("sealkeys");
	certs_signer();
}

int
tlsio_signer_pair(void)
{
	struct msgout *out;
	int fds[2];

	if (signer_fd == -1 || wire_pair(fds) == -1)
		return -1;
	out = msg_new_fd(signer_fd, KEYS_WIRE, 0);
	msg_put_fd(out, fds[1]);
	if (msg_send_wait(out, KEYS_TIMEOUT_MS) == 1)
		return fds[0];
	(void)close(fds[0]);
	return -1;
}

/* The inherited event belongs to a loop that is run no more. */
void
tlsio_signer_child(int fd)
{
	if (signer_fd != -1)
		(void)close(signer_fd);
	signer_fd = fd;
	ticket_alone();
}

static void
on_unasked(int fd, short what, void *arg)
{
	struct msg m;
	int n;

	n = msg_recv_wait(fd, &m, 0);
	if (n == 1) {
		/* Else an answer that nobody waits for any more. */
		(void)unasked(&m);
		msg_done(&m);
	} else if (n == 0 || (n == -1 && errno != ETIMEDOUT))
		tlsio_signer(-1); /* the parent starts another */
}

static bool
unasked(struct msg *m)
{
	if (m->type != KEYS_TICKETS_ARE)
		return false;
	if (ticket_take(m) == -1)
		log_warnx("sealkeys sent malformed tickets");
	return true;
}

int
signer_have(const uint8_t *id, uint32_t *generation)
{
	struct msgout *out;
	struct msg m;
	uint8_t have;

	if (signer_fd == -1)
		return -1;
	out = msg_new_fd(signer_fd, KEYS_HAVE, ++serial);
	msg_put_raw(out, id, KEYS_ID_LEN);
	if (round_trip(out, &m) == -1)
		return -1;
	*generation = msg_get_u32(&m);
	have = msg_get_u8(&m);
	if (m.type != KEYS_HAVE_IS || msg_end(&m) == -1 ||
	    have > KEYS_HAVE_FORMER) {
		log_warnx("sealkeys answered nonsense type=%u", m.type);
		msg_done(&m);
		return -1;
	}
	msg_done(&m);
	return (int)have;
}

void
signer_init(void)
{
	EC_KEY_METHOD *ec;
	RSA_METHOD *rsa;

	rsa = RSA_meth_dup(RSA_PKCS1_OpenSSL());
	ec = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
	if (rsa == NULL || ec == NULL ||
	    RSA_meth_set_priv_enc(rsa, rsa_sign) != 1 ||
	    RSA_meth_set_priv_dec(rsa, rsa_refuse) != 1)
		fatalx("signer");
	RSA_set_default_method(rsa);
	EC_KEY_METHOD_set_sign(ec, ec_sign, NULL, NULL);
	EC_KEY_set_default_method(ec);
}

static int
rsa_sign(int len, const unsigned char *from, unsigned char *to, RSA *rsa,
    int padding)
{
	uint8_t id[KEYS_ID_LEN];
	unsigned char *der;
	enum keys_how how;
	int n;

	if (padding == RSA_PKCS1_PADDING)
		how = KEYS_RSA_PKCS1;
	else if (padding == RSA_NO_PADDING)
		how = KEYS_RSA_RAW;
	else
		return -1;
	der = NULL;
	n = i2d_RSA_PUBKEY(rsa, &der);
	if (len < 0 || key_id(der, n, id) == -1)
		n = -1;
	else
		n = ask(how, id, from, (size_t)len, to, (size_t)RSA_size(rsa));
	OPENSSL_free(der);
	return n;
}

/* No key exchange of ours decrypts. */
static int
rsa_refuse(int len, const unsigned char *from, unsigned char *to, RSA *rsa,
    int padding)
{
	return -1;
}

static int
ec_sign(int type, const unsigned char *digest, int len, unsigned char *sig,
    unsigned int *siglen, const BIGNUM *kinv, const BIGNUM *r, EC_KEY *key)
{
	uint8_t id[KEYS_ID_LEN];
	unsigned char *der;
	int n;

	der = NULL;
	n = i2d_EC_PUBKEY(key, &der);
	if (len < 0 || key_id(der, n, id) == -1)
		n = -1;
	else
		n = ask(KEYS_ECDSA, id, digest, (size_t)len, sig,
		    (size_t)ECDSA_size(key));
	OPENSSL_free(der);
	if (n <= 0)
		return 0;
	*siglen = (unsigned int)n;
	return 1;
}

static int
key_id(const uint8_t *der, int len, uint8_t id[KEYS_ID_LEN])
{
	if (len <= 0 ||
	    EVP_Digest(der, (size_t)len, id, NULL, EVP_sha256(), NULL) != 1)
		return -1;
	return 0;
}

/* The signature's length, or -1.  Waits: sealkeys does nothing but this. */
static int
ask(enum keys_how how, const uint8_t *id, const uint8_t *data, size_t len,
    uint8_t *sig, size_t size)
{
	struct msgout *out;
	struct msg m;
	int n;

	if (signer_fd == -1 || len > KEYS_DIGEST_MAX)
		return -1;
	out = msg_new_fd(signer_fd, KEYS_SIGN, ++serial);
	msg_put_u8(out, (uint8_t)how);
	msg_put_raw(out, id, KEYS_ID_LEN);
	msg_put_bytes(out, data, len);
	if (round_trip(out, &m) == -1)
		return -1;
	n = answer(&m, sig, size);
	msg_done(&m);
	return n;
}

/* Sends, and waits for the answer to it; 0, or -1 after logging. */
static int
round_trip(struct msgout *out, struct msg *m)
{
	int64_t deadline, left;
	int n;

	deadline = now_ms() + KEYS_TIMEOUT_MS;
	if (msg_send_wait(out, KEYS_TIMEOUT_MS) != 1) {
		log_warn("sealkeys does not take a request");
		return -1;
	}
	for (;;) {
		left = deadline - now_ms();
		n = msg_recv_wait(signer_fd, m, left > 0 ? (int)left : 0);
		if (n != 1) {
			log_warnx("sealkeys does not answer");
			if (n == 0)
				tlsio_signer(-1);
			return -1;
		}
		/* Or an answer that came too late for another handshake. */
		if (!unasked(m) && m->id == serial)
			return 0;
		msg_done(m);
	}
}

static int
answer(struct msg *m, uint8_t *sig, size_t size)
{
	const uint8_t *p;
	size_t len;

	if (m->type == KEYS_REFUSED) {
		log_warnx("sealkeys refused a signature");
		return -1;
	}
	p = msg_get_bytes(m, &len, KEYS_SIGNATURE_MAX);
	if (m->type != KEYS_SIGNED || msg_end(m) == -1 || len == 0 ||
	    len > size) {
		log_warnx("sealkeys answered nonsense type=%u", m->type);
		return -1;
	}
	memcpy(sig, p, len);
	return (int)len;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
