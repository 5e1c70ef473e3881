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
 * Records that are made of files: TLSA and CAA of certificates, SSHFP of the
 * host keys of sshd(8).
 */

#include <sys/types.h>

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <sodium.h>

#include "seal.h"
#include "zone.h"

#include "../sealrelayd/resolver_wire.h"

#define PEM_MAX (256 * 1024)
#define KEY_MAX 16384 /* octets of a public key of ssh */
#define SSH_DIR "/etc/ssh"

static X509 *cert_load(const char *);
static void add_tlsa(const struct conf *, X509 *, uint16_t, struct zone *);
static void add_caa(const char *, X509 *, struct zone *);
static void add_sshfp(const struct conf *, const char *, struct zone *);

/* Who issues, and by which name CAA (RFC 8659) knows him. */
static const struct {
	const char *organisation;
	const char *name;
} issuers[] = {
    {"Let's Encrypt", "letsencrypt.org"},
    {"Internet Security Research Group", "letsencrypt.org"},
    {"ZeroSSL", "sectigo.com"},
    {"Sectigo Limited", "sectigo.com"},
    {"DigiCert Inc", "digicert.com"},
    {"Google Trust Services", "pki.goog"},
    {"Google Trust Services LLC", "pki.goog"},
    {"Buypass AS-983163327", "buypass.com"},
    {"GlobalSign nv-sa", "globalsign.com"},
};

static const struct {
	const char *word;
	uint8_t algorithm;
} ssh_kinds[] = {
    {"ssh-rsa", 1},
    {"ecdsa-sha2-nistp256", 3},
    {"ecdsa-sha2-nistp384", 3},
    {"ecdsa-sha2-nistp521", 3},
    {"ssh-ed25519", 4},
};

void
zone_certs(const struct conf *conf, const char *domain, struct zone *z)
{
	const struct conf_listen *l;
	X509 *cert;
	bool first, caa;

	first = strcmp(domain, conf->domains[0].name) == 0;
	caa = false;
	for (size_t i = 0; i < conf->n_certs; i++) {
		cert = cert_load(conf->certs[i].cert);
		if (cert == NULL)
			continue;
		if (!caa)
			add_caa(domain, cert, z);
		caa = true;
		for (size_t n = 0; first && n < conf->n_listens; n++) {
			l = &conf->listens[n];
			if (!l->is_socket && l->proto != CONF_LMTP &&
			    l->tls != CONF_TLS_NONE)
				add_tlsa(conf, cert, l->port, z);
		}
		X509_free(cert);
	}
}

void
zone_sshfp(const struct conf *conf, struct zone *z)
{
	char path[512];
	struct dirent *d;
	size_t len;
	DIR *dir;

	dir = opendir(SSH_DIR);
	if (dir == NULL)
		return;
	while ((d = readdir(dir)) != NULL) {
		len = strlen(d->d_name);
		if (strncmp(d->d_name, "ssh_host_", 9) != 0 || len < 8 ||
		    strcmp(d->d_name + len - 8, "_key.pub") != 0)
			continue;
		(void)snprintf(path, sizeof(path), SSH_DIR "/%s", d->d_name);
		add_sshfp(conf, path, z);
	}
	(void)closedir(dir);
}

static X509 *
cert_load(const char *path)
{
	uint8_t *pem;
	X509 *cert;
	size_t len;
	BIO *bio;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	pem = fd == -1 ? NULL : conf_read_file(fd, PEM_MAX, &len);
	if (fd != -1)
		(void)close(fd);
	if (pem == NULL) {
		warn("%s", path);
		return NULL;
	}
	bio = BIO_new_mem_buf(pem, (int)len);
	cert = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	free(pem);
	if (cert == NULL)
		warnx("%s: no certificate in PEM", path);
	return cert;
}

/* RFC 7672 3.1: DANE-EE of the public key survives a renewal with the key. */
static void
add_tlsa(const struct conf *conf, X509 *cert, uint16_t port, struct zone *z)
{
	char name[ZONE_NAME_MAX], hex[2 * SHA256_DIGEST_LENGTH + 1];
	uint8_t digest[SHA256_DIGEST_LENGTH];
	char data[sizeof(hex) + 8];
	struct zone_record *r;
	unsigned char *der;
	int len;

	der = NULL;
	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	if (len <= 0)
		return;
	(void)SHA256(der, (size_t)len, digest);
	OPENSSL_free(der);
	seal_hex(digest, sizeof(digest), hex);
	(void)snprintf(data, sizeof(data), "3 1 1 %s", hex);
	(void)snprintf(name, sizeof(name), "_%u._tcp.%s", port, conf->hostname);
	for (size_t i = 0; i < z->n; i++)
		if (strcmp(z->records[i].name, name) == 0 &&
		    strcmp(z->records[i].data, data) == 0)
			return;
	r = zone_add(z, ZONE_TLSA, "TLSA", name,
	    "DANE, if the zone is signed; keep the key when renewing");
	(void)strlcpy(r->data, data, sizeof(r->data));
	r->raw[0] = 3;
	r->raw[1] = r->raw[2] = 1;
	memcpy(r->raw + 3, digest, sizeof(digest));
	r->raw_len = 3 + sizeof(digest);
	r->rrtype = port;
}

static void
add_caa(const char *domain, X509 *cert, struct zone *z)
{
	char organisation[128];
	struct zone_record *r;
	const char *name;
	size_t len;

	name = NULL;
	if (X509_NAME_get_text_by_NID(X509_get_issuer_name(cert),
		NID_organizationName, organisation, sizeof(organisation)) == -1)
		organisation[0] = '\0';
	for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++)
		if (strcmp(organisation, issuers[i].organisation) == 0)
			name = issuers[i].name;
	if (name == NULL) {
		(void)zone_add(z, ZONE_NOTE, "", domain,
		    "CAA: name who may issue certificates for the domain, as "
		    "0 issue \"ca.example\": the issuer of yours is not known");
		return;
	}
	r = zone_add(z, ZONE_RAW, "CAA", domain,
	    "nobody else may issue certificates for the domain");
	(void)snprintf(r->data, sizeof(r->data), "0 issue \"%s\"", name);
	r->rrtype = RESOLVER_TYPE_CAA;
	len = strlen(name);
	r->raw[1] = 5;
	memcpy(r->raw + 2, "issue", 5);
	memcpy(r->raw + 7, name, len);
	r->raw_len = 7 + len;
}

/* RFC 4255, 6594: SHA-256 of the key. */
static void
add_sshfp(const struct conf *conf, const char *path, struct zone *z)
{
	char line[KEY_MAX], hex[2 * SHA256_DIGEST_LENGTH + 1];
	uint8_t blob[KEY_MAX];
	char *word, *rest, *key;
	struct zone_record *r;
	uint8_t algorithm;
	size_t len;
	FILE *f;

	f = fopen(path, "re");
	if (f == NULL)
		return;
	rest = fgets(line, sizeof(line), f);
	(void)fclose(f);
	word = strsep(&rest, " ");
	key = strsep(&rest, " \n");
	algorithm = 0;
	for (size_t i = 0; i < sizeof(ssh_kinds) / sizeof(ssh_kinds[0]); i++)
		if (word != NULL && strcmp(word, ssh_kinds[i].word) == 0)
			algorithm = ssh_kinds[i].algorithm;
	if (algorithm == 0 || key == NULL ||
	    sodium_base642bin(blob, sizeof(blob), key, strlen(key), NULL, &len,
		NULL, sodium_base64_VARIANT_ORIGINAL) == -1)
		return;
	r = zone_add(z, ZONE_RAW, "SSHFP", conf->hostname,
	    "ssh knows the host by it, if the zone is signed");
	r->rrtype = RESOLVER_TYPE_SSHFP;
	r->raw[0] = algorithm;
	r->raw[1] = 2;
	(void)SHA256(blob, len, r->raw + 2);
	r->raw_len = 2 + SHA256_DIGEST_LENGTH;
	seal_hex(r->raw + 2, SHA256_DIGEST_LENGTH, hex);
	(void)snprintf(r->data, sizeof(r->data), "%u 2 %s", algorithm, hex);
}
