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

/* For the default methods of keys. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <err.h>
#include <event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <sodium.h>

#include "../../../usr.sbin/sealkeys/keyset.h"
#include "../../../usr.sbin/sealkeys/serve.h"

#include "msg.h"
#include "peers.h"

static void
write_hidden(const char *name, EVP_PKEY *key, bool is_ec)
{
	uint8_t secret[512];
	char path[64];
	BIGNUM *bn;
	FILE *f;
	int len;

	bn = NULL;
	if (EVP_PKEY_get_bn_param(key,
		is_ec ? OSSL_PKEY_PARAM_PRIV_KEY : OSSL_PKEY_PARAM_RSA_FACTOR1,
		&bn) != 1)
		_exit(1);
	/*
	 * As OpenSSL has it in memory here: words, lowest first.  One key in
	 * 256 is an octet shorter than the others.
	 */
	len = BN_num_bytes(bn) < 32 ? 32 : BN_num_bytes(bn);
	if (BN_bn2lebinpad(bn, secret, len) != len)
		_exit(1);
	for (size_t i = 0; i < 32; i++)
		secret[i] = (uint8_t)~secret[i];
	(void)snprintf(path, sizeof(path), "%s.hidden", name);
	f = fopen(path, "w");
	if (f == NULL || fwrite(secret, 1, 32, f) != 32 || fclose(f) != 0)
		_exit(1);
}

static void
make_cert_child(const char *name, bool is_ec)
{
	X509_NAME *subject;
	X509_EXTENSION *ext;
	EVP_PKEY *key;
	X509 *x;
	FILE *f;
	char path[64], san[80];

	key = is_ec ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
	x = X509_new();
	if (key == NULL || x == NULL)
		_exit(1);
	subject = X509_get_subject_name(x);
	(void)snprintf(san, sizeof(san), "DNS:%s", name);
	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
	if (ext == NULL || X509_set_version(x, 2) != 1 ||
	    ASN1_INTEGER_set(X509_get_serialNumber(x), 1) != 1 ||
	    X509_gmtime_adj(X509_getm_notBefore(x), -3600) == NULL ||
	    X509_gmtime_adj(X509_getm_notAfter(x), 86400) == NULL ||
	    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
		(const unsigned char *)name, -1, -1, 0) != 1 ||
	    X509_set_issuer_name(x, subject) != 1 ||
	    X509_set_pubkey(x, key) != 1 || X509_add_ext(x, ext, -1) != 1 ||
	    X509_sign(x, key, EVP_sha256()) == 0)
		_exit(1);
	(void)snprintf(path, sizeof(path), "%s.crt", name);
	f = fopen(path, "w");
	if (f == NULL || PEM_write_X509(f, x) != 1 || fclose(f) != 0)
		_exit(1);
	(void)snprintf(path, sizeof(path), "%s.key", name);
	f = fopen(path, "w");
	if (f == NULL ||
	    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) != 1 ||
	    fclose(f) != 0)
		_exit(1);
	write_hidden(name, key, is_ec);
	_exit(0);
}

void
make_cert(const char *name, bool is_ec)
{
	pid_t pid;

	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0)
		make_cert_child(name, is_ec);
	ATF_REQUIRE_EQ(0, wait_client(pid));
}

char *
read_text(const char *path, size_t *len)
{
	char *text;
	FILE *f;

	text = calloc(1, 65536);
	f = fopen(path, "r");
	if (text == NULL || f == NULL)
		abort();
	*len = fread(text, 1, 65535, f);
	(void)fclose(f);
	return text;
}

struct tlsio_server *
load_server(const char *const *names, size_t n)
{
	struct tlsio_cert certs[4];
	struct tlsio_server_conf conf;
	struct tlsio_server *s;
	char path[64], error[TLSIO_ERROR_MAX];

	memset(certs, 0, sizeof(certs));
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s.crt", names[i]);
		certs[i].chain = read_text(path, &certs[i].len);
	}
	memset(&conf, 0, sizeof(conf));
	conf.certs = certs;
	conf.n_certs = n;
	conf.alpn = "imap";
	conf.scope = "test";
	conf.ticket_seconds = 7200;
	s = tlsio_server_new(&conf, error);
	ATF_REQUIRE_MSG(s != NULL, "%s", error);
	return s;
}

int
start_keys(const char *const *names, size_t n)
{
	struct keyset *ks;
	const char *wrong;
	char *pem, path[64];
	size_t len;
	int fds[2];
	pid_t pid;

	ATF_REQUIRE_EQ(0, wire_pair(fds));
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid > 0) {
		(void)close(fds[1]);
		return fds[0];
	}
	(void)close(fds[0]);
	/* Sign here, whatever the server has set. */
	RSA_set_default_method(RSA_PKCS1_OpenSSL());
	EC_KEY_set_default_method(EC_KEY_OpenSSL());
	ks = keyset_new();
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s.key", names[i]);
		pem = read_text(path, &len);
		wrong = keyset_add(ks, names[i], (uint8_t *)pem, len);
		if (wrong != NULL)
			errx(1, "%s: %s", path, wrong);
	}
	if (sodium_init() == -1)
		_exit(1);
	event_init();
	serve_keys(ks, 1);
	serve_tickets(7200);
	serve_wire(fds[1]);
	/* Until its only wire ends. */
	while (serve_any())
		(void)event_loop(EVLOOP_ONCE);
	_exit(0);
}

int
start_client(client_run run, void *arg, pid_t *pid)
{
	int fds[2];

	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	*pid = fork();
	ATF_REQUIRE(*pid != -1);
	if (*pid == 0) {
		(void)close(fds[0]);
		(void)alarm(60);
		_exit(run(fds[1], arg));
	}
	(void)close(fds[1]);
	return fds[0];
}

int
wait_client(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return 1000 + WTERMSIG(status);
}

struct tls *
client_connect(int fd, const struct client_tls *c)
{
	struct tls_config *config;
	struct tls *tls;
	char path[64];

	(void)snprintf(path, sizeof(path), "%s.crt", c->trusted);
	config = tls_config_new();
	tls = tls_client();
	if (config == NULL || tls == NULL ||
	    tls_config_set_ca_file(config, path) == -1 ||
	    tls_config_set_protocols(config, c->protocols) == -1 ||
	    (c->session_fd != -1 &&
		tls_config_set_session_fd(config, c->session_fd) == -1) ||
	    (c->alpn != NULL && tls_config_set_alpn(config, c->alpn) == -1) ||
	    tls_configure(tls, config) == -1 ||
	    tls_connect_socket(tls, fd, c->servername) == -1 ||
	    tls_handshake(tls) == -1) {
		(void)fprintf(
		    stderr, "client: %s\n", tls == NULL ? "-" : tls_error(tls));
		return NULL;
	}
	return tls;
}

int
client_write(struct tls *tls, int fd, const void *data, size_t len)
{
	const uint8_t *p;
	ssize_t n;

	for (p = data; len > 0; p += n, len -= (size_t)n) {
		n = tls == NULL ? send(fd, p, len, MSG_NOSIGNAL) :
				  tls_write(tls, p, len);
		if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT)
			n = 0;
		else if (n <= 0)
			return -1;
	}
	return 0;
}

ssize_t
client_line(struct tls *tls, int fd, char *buf, size_t size)
{
	size_t len;
	ssize_t n;

	for (len = 0; len < size - 1; len += (size_t)n) {
		n = tls == NULL ? recv(fd, buf + len, 1, 0) :
				  tls_read(tls, buf + len, 1);
		if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT) {
			n = 0;
			continue;
		}
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		if (buf[len] == '\n') {
			len++;
			break;
		}
	}
	buf[len] = '\0';
	return (ssize_t)len;
}

void
run_until(const bool *done)
{
	struct timeval tv = {15, 0};

	(void)event_loopexit(&tv);
	while (!*done) {
		if (event_loop(EVLOOP_ONCE) != 0)
			break;
	}
	ATF_CHECK(*done);
}
