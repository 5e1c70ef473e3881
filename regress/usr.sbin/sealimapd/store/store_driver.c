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
 * A played parent, engine and sealctl for imap-store.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "msg.h"
#include "proc_local.h"
#include "seal_keys.h"
#include "seal_read.h"
#include "store_blob.h"
#include "store_driver.h"
#include "../../../../usr.sbin/sealimapd/imap_config.h"

#define PROMISES "stdio rpath wpath cpath fattr flock unveil sendfd recvfd proc"

static const char *program = "../../../../usr.sbin/sealimapd/store/imap-store";

void
driver_program(const char *name)
{
	program = name;
}

static void
nothing(struct wire *w, struct msg *m, void *arg)
{
}

static void
nobody(struct wire *w, void *arg)
{
}

static void
send_now(struct msgout *m)
{
	ATF_REQUIRE_EQ(1, msg_send_wait(m, DRIVER_WAIT_MS));
}

void
driver_receive(int fd, struct msg *m, uint32_t type)
{
	int n;

	n = msg_recv_wait(fd, m, DRIVER_WAIT_MS);
	ATF_REQUIRE_MSG(n == 1, "waited for type %u: %d, %s", type, n,
	    n == -1 ? strerror(errno) : "end");
	ATF_REQUIRE_MSG(
	    m->type == type, "type %u instead of %u", m->type, type);
}

/* Prints the program's log until its end. */
static int
log_drain(void)
{
	char buf[PROC_LOG_MAX + 1];
	ssize_t n;
	int fds[2];
	pid_t pid;

	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds));
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		close(fds[0]);
		FILE *file = fopen(DRIVER_LOG, "a");

		while ((n = recv(fds[1], buf, sizeof(buf) - 1, 0)) > 5) {
			buf[n] = '\0';
			fprintf(stderr, "log: %s\n", buf + 5);
			if (file != NULL) {
				fprintf(file, "%s\n", buf + 5);
				(void)fflush(file);
			}
		}
		_exit(0);
	}
	close(fds[1]);
	return fds[0];
}

static void
send_init(struct driver *d, const char *dir)
{
	static const char *const paths[] = {"accounts", "head", "removed"};
	struct proc_init init;
	struct msgout *m;
	char *real;

	memset(&init, 0, sizeof(init));
	(void)strlcpy(init.name, "imap-store", sizeof(init.name));
	init.verbose = true;
	init.log_addresses = true;
	real = realpath(dir, NULL);
	ATF_REQUIRE(real != NULL);
	(void)strlcpy(init.dir, real, sizeof(init.dir));
	free(real);
	init.nofile = 1024;
	(void)strlcpy(init.promises, PROMISES, sizeof(init.promises));
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		(void)strlcpy(
		    init.paths[i].path, paths[i], sizeof(init.paths[i].path));
		(void)strlcpy(
		    init.paths[i].perm, "rwc", sizeof(init.paths[i].perm));
		init.n_paths++;
	}
	m = msg_new_fd(d->parent, PROC_INIT, 0);
	proc_init_put(m, &init);
	msg_put_fd(m, dup(d->log));
	send_now(m);
}

static void
send_config(
    struct driver *d, uint32_t kib, uint32_t passes, uint32_t derivations)
{
	struct store_domain domain;
	struct store_slice slice;
	struct wire *w;

	memset(&domain, 0, sizeof(domain));
	(void)strlcpy(domain.name, DRIVER_DOMAIN, sizeof(domain.name));
	domain.kdf_kib = kib;
	domain.kdf_passes = passes;
	memset(&slice, 0, sizeof(slice));
	slice.linger = 1;
	slice.sessions_max = 100;
	slice.derivations = derivations;
	slice.domains = &domain;
	slice.n_domains = 1;
	send_now(msg_new_fd(d->parent, PROC_RELOAD_BEGIN, 0));
	(void)event_init();
	w = wire_new(dup(d->parent), nothing, nobody, NULL);
	store_slice_put(w, &slice);
	wire_free(w);
	send_now(msg_new_fd(d->parent, PROC_RELOAD_COMMIT, 0));
}

static int
send_wire(struct driver *d, const char *role)
{
	struct msgout *m;
	int fds[2];

	ATF_REQUIRE_EQ(0, wire_pair(fds));
	m = msg_new_fd(d->parent, PROC_WIRE, 0);
	msg_put_str(m, role);
	msg_put_u32(m, 0);
	msg_put_fd(m, fds[1]);
	send_now(m);
	return fds[0];
}

void
driver_start(struct driver *d, const char *srcdir, const char *dir,
    uint32_t kib, uint32_t passes, uint32_t derivations)
{
	char path[1024];
	struct msg m;
	int fds[2];

	memset(d, 0, sizeof(*d));
	ATF_REQUIRE_EQ(0, seal_init());
	(void)snprintf(path, sizeof(path), "%s/%s", srcdir, program);
	if (mkdir(dir, 0700) == -1)
		ATF_REQUIRE_EQ(EEXIST, errno);
	/* First, so that it holds no end of a wire. */
	d->log = log_drain();
	ATF_REQUIRE_EQ(0, wire_pair(fds));
	d->pid = fork();
	ATF_REQUIRE(d->pid != -1);
	if (d->pid == 0) {
		if (fds[1] != PROC_FD)
			(void)dup2(fds[1], PROC_FD);
		else
			(void)fcntl(PROC_FD, F_SETFD, 0);
		execl(path, "imap-store", (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	d->parent = fds[0];
	send_init(d, dir);
	driver_receive(d->parent, &m, PROC_READY);
	msg_done(&m);
	send_config(d, kib, passes, derivations);
	d->engine = send_wire(d, "imap-engine");
	d->smtp = send_wire(d, "smtp-engine");
	d->deliver = send_wire(d, "smtp-deliver");
}

void
driver_stop(struct driver *d)
{
	int status;

	ATF_CHECK_EQ_MSG(0, waitpid(d->pid, &status, WNOHANG),
	    "imap-store has ended before");
	send_now(msg_new_fd(d->parent, PROC_SHUTDOWN, 0));
	ATF_REQUIRE_EQ(d->pid, waitpid(d->pid, &status, 0));
	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(d->parent);
	close(d->engine);
	close(d->smtp);
	close(d->deliver);
	close(d->log);
}

int
driver_ctl(struct driver *d)
{
	struct msgout *m;
	int fds[2];

	ATF_REQUIRE_EQ(0, wire_pair(fds));
	m = msg_new_fd(d->parent, PROC_CTL, 0);
	msg_put_u32(m, 0);
	msg_put_u8(m, 1);
	msg_put_fd(m, fds[1]);
	send_now(m);
	return fds[0];
}

uint8_t
driver_add(
    int ctl, const char *account, const char *password, char *made, char *code)
{
	const uint8_t *p;
	struct msgout *out;
	struct msg m;
	uint8_t error;
	size_t len;

	out = msg_new_fd(ctl, CTL_MASTER_USER_ADD, 7);
	msg_put_u32(out, STORE_WIRE_VERSION);
	msg_put_str(out, account);
	msg_put_bytes(out, password, password == NULL ? 0 : strlen(password));
	msg_put_u64(out, 0);
	send_now(out);
	for (;;) {
		ATF_REQUIRE_EQ(1, msg_recv_wait(ctl, &m, DRIVER_WAIT_MS));
		ATF_REQUIRE_EQ(7, m.id);
		if (m.type == MASTER_CTL_END)
			break;
		ATF_REQUIRE_EQ(MASTER_CTL_CREATED, m.type);
		p = msg_get_bytes(&m, &len, SEAL_PASSWORD_SIZE - 1);
		ATF_REQUIRE(p != NULL);
		if (made != NULL) {
			memcpy(made, p, len);
			made[len] = '\0';
		}
		if (code != NULL)
			(void)msg_get_str(&m, code, SEAL_CODE_SIZE);
		msg_done(&m);
	}
	error = msg_get_u8(&m);
	msg_done(&m);
	return error;
}

uint8_t
driver_del(int ctl, const char *account)
{
	struct msgout *out;
	struct msg m;
	uint8_t error;

	out = msg_new_fd(ctl, CTL_MASTER_USER_DEL, 8);
	msg_put_u32(out, STORE_WIRE_VERSION);
	msg_put_str(out, account);
	send_now(out);
	driver_receive(ctl, &m, MASTER_CTL_END);
	error = msg_get_u8(&m);
	msg_done(&m);
	return error;
}

void
driver_conn(struct driver *d, uint64_t conn, const char *ipv4)
{
	struct sockaddr_storage ss;
	struct sockaddr_in sin;
	struct msgout *m;

	memset(&ss, 0, sizeof(ss));
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	ATF_REQUIRE_EQ(1, inet_pton(AF_INET, ipv4, &sin.sin_addr));
	memcpy(&ss, &sin, sizeof(sin));
	m = msg_new_fd(d->parent, PROC_CONN_OPENED, 0);
	msg_put_u64(m, conn);
	msg_put_u32(m, 0);
	proc_addr_put(m, &ss);
	msg_put_u8(m, 0);
	send_now(m);
}

uint32_t
driver_login_send(
    struct driver *d, const char *account, uint8_t service, uint64_t conn)
{
	struct msgout *out;

	out = msg_new_fd(service == SERVICE_SUBMISSION ? d->smtp : d->engine,
	    ENGINE_MASTER_LOGIN, ++d->id);
	msg_put_u64(out, conn);
	msg_put_u8(out, service);
	msg_put_str(out, account);
	send_now(out);
	return d->id;
}

uint32_t
driver_login_answer(struct driver *d, int *fd, uint8_t *why)
{
	struct pollfd pfd[2];
	struct msg m;
	uint32_t id;
	int from;

	*fd = -1;
	*why = 0;
	pfd[0] = (struct pollfd){.fd = d->engine, .events = POLLIN};
	pfd[1] = (struct pollfd){.fd = d->smtp, .events = POLLIN};
	ATF_REQUIRE(poll(pfd, 2, DRIVER_WAIT_MS) > 0);
	from = pfd[0].revents != 0 ? d->engine : d->smtp;
	ATF_REQUIRE_EQ(1, msg_recv_wait(from, &m, DRIVER_WAIT_MS));
	id = m.id;
	if (m.type == MASTER_ENGINE_OPENER)
		*fd = msg_get_fd(&m);
	else {
		ATF_REQUIRE_EQ(MASTER_ENGINE_REFUSED, m.type);
		*why = msg_get_u8(&m);
	}
	ATF_REQUIRE_EQ(0, msg_end(&m));
	msg_done(&m);
	return id;
}

void
driver_change_send(
    int opener, const char *secret, const struct driver_change *c)
{
	struct msgout *out;

	out = msg_new_fd(opener, ENGINE_OPENER_AUTH, 1);
	msg_put_u32(out, STORE_WIRE_VERSION);
	msg_put_u8(out, 1);
	msg_put_bytes(out, secret, strlen(secret));
	msg_put_u8(out, c->op);
	msg_put_bytes(out, c->fresh, c->fresh == NULL ? 0 : strlen(c->fresh));
	msg_put_str(out, c->label == NULL ? "" : c->label);
	msg_put_u16(out, c->scope);
	msg_put_u32(out, c->id);
	send_now(out);
}

int
driver_change_wait(int opener, uint8_t *why, struct driver_answer *a)
{
	struct msg m;

	*why = 0;
	memset(a, 0, sizeof(*a));
	if (msg_recv_wait(opener, &m, DRIVER_WAIT_MS) != 1)
		return -1;
	if (m.type == OPENER_ENGINE_NO) {
		*why = msg_get_u8(&m);
		ATF_REQUIRE(*why != 0);
	} else {
		ATF_REQUIRE_EQ(VAULT_ENGINE_MANAGED, m.type);
		a->result = msg_get_u8(&m);
		a->slot = msg_get_u32(&m);
		(void)msg_get_str(&m, a->code, sizeof(a->code));
		a->revoked = msg_get_u32(&m);
		ATF_REQUIRE_EQ(0, msg_end(&m));
	}
	msg_done(&m);
	/* And that is all of it. */
	ATF_CHECK_EQ(0, msg_recv_wait(opener, &m, DRIVER_WAIT_MS));
	return 0;
}

uint8_t
driver_change(struct driver *d, const char *account, const char *secret,
    const struct driver_change *c, struct driver_answer *a)
{
	uint8_t why;
	int fd;

	(void)driver_login_send(d, account, SERVICE_MANAGE, 1);
	(void)driver_login_answer(d, &fd, &why);
	ATF_REQUIRE(fd != -1);
	driver_change_send(fd, secret, c);
	ATF_REQUIRE_EQ(0, driver_change_wait(fd, &why, a));
	close(fd);
	return why;
}

void
driver_auth(int opener, const char *secret)
{
	struct msgout *out;

	out = msg_new_fd(opener, ENGINE_OPENER_AUTH, 1);
	msg_put_u32(out, STORE_WIRE_VERSION);
	msg_put_u8(out, 1);
	msg_put_bytes(out, secret, strlen(secret));
	send_now(out);
}

uint8_t
driver_outcome(int opener)
{
	uint8_t why = 0;
	struct msg m;

	ATF_REQUIRE_EQ(1, msg_recv_wait(opener, &m, DRIVER_WAIT_MS));
	if (m.type == OPENER_ENGINE_NO) {
		why = msg_get_u8(&m);
		ATF_REQUIRE(why != 0);
	} else
		ATF_REQUIRE_EQ(VAULT_ENGINE_WELCOME, m.type);
	msg_done(&m);
	return why;
}

uint8_t
driver_login(struct driver *d, const char *account, const char *secret,
    uint8_t service, int *session)
{
	uint8_t why;
	int fd;

	(void)driver_login_send(d, account, service, 1);
	(void)driver_login_answer(d, &fd, &why);
	if (fd == -1)
		return why;
	driver_auth(fd, secret);
	why = driver_outcome(fd);
	if (why == 0 && session != NULL)
		*session = fd;
	else
		close(fd);
	return why;
}

void
driver_put(const char *account, const char *text)
{
	struct store_chunk chunk;
	struct store_envelope env;
	struct store_rcpt *rcpt;
	struct store_blob *blob;
	int base;

	base = open("base", O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(base != -1);
	ATF_REQUIRE_EQ(STORE_OK, store_rcpt_open(base, account, &rcpt));
	ATF_REQUIRE_EQ(STORE_OK, store_blob_create(rcpt, 0, &blob));
	memset(&chunk, 0, sizeof(chunk));
	chunk.kind = STORE_BODY;
	chunk.data = text;
	chunk.len = strlen(text);
	chunk.plain = (uint32_t)chunk.len;
	ATF_REQUIRE_EQ(STORE_OK, store_blob_chunk(blob, &chunk));
	chunk.kind = STORE_SUMMARY;
	ATF_REQUIRE_EQ(STORE_OK, store_blob_chunk(blob, &chunk));
	memset(&env, 0, sizeof(env));
	seal_random(env.delivery_id, sizeof(env.delivery_id));
	env.date = 1000000;
	env.from = env.to = env.hint = env.verdict = "";
	ATF_REQUIRE_EQ(STORE_OK, store_blob_finish(blob, &env));
	ATF_REQUIRE_EQ(STORE_OK, store_blob_sync(base, &blob, 1));
	store_blob_free(blob);
	store_rcpt_free(rcpt);
	close(base);
}

void
driver_deliver(struct driver *d, const char *account, const char *text)
{
	struct msgout *out;

	driver_put(account, text);
	out = msg_new_fd(d->deliver, DELIVER_MASTER_MAIL, 0);
	msg_put_str(out, account);
	send_now(out);
}
