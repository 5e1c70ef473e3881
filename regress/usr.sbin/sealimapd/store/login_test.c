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
 * Logins and accounts, through the real imap-store.
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <atf-c.h>

#include "msg.h"
#include "seal_keys.h"
#include "seal_read.h"
#include "store_blob.h"
#include "store_driver.h"
#include "../../../../usr.sbin/sealimapd/vault_wire.h"

#define LOW 8, 1     /* KiB and passes */
#define SILENT_MAX 4 /* of master.h */
#define USER "user@" DRIVER_DOMAIN
#define PASSWORD "a pass phrase"

static void
start(const atf_tc_t *tc, struct driver *d)
{
	driver_start(d, atf_tc_get_config_var(tc, "srcdir"), "base", LOW, 2);
}

static void
add(struct driver *d, const char *account)
{
	int ctl;

	ctl = driver_ctl(d);
	ATF_REQUIRE_EQ(0, driver_add(ctl, account, PASSWORD, NULL, NULL));
	close(ctl);
}

ATF_TC_WITHOUT_HEAD(login);
ATF_TC_BODY(login, tc)
{
	struct driver d;
	int s;

	start(tc, &d);
	add(&d, USER);
	ATF_CHECK_EQ(REFUSED_CREDENTIALS,
	    driver_login(&d, USER, "wrong", SERVICE_IMAP, NULL));
	ATF_CHECK_EQ(REFUSED_CREDENTIALS,
	    driver_login(&d, USER, "", SERVICE_IMAP, NULL));
	ATF_CHECK_EQ(REFUSED_CREDENTIALS,
	    driver_login(
		&d, "nobody@" DRIVER_DOMAIN, PASSWORD, SERVICE_IMAP, NULL));
	ATF_CHECK_EQ(REFUSED_CREDENTIALS,
	    driver_login(
		&d, "user@elsewhere.org", PASSWORD, SERVICE_IMAP, NULL));
	ATF_CHECK_EQ(REFUSED_CREDENTIALS,
	    driver_login(&d, "", PASSWORD, SERVICE_IMAP, NULL));
	ATF_REQUIRE_EQ(0, driver_login(&d, USER, PASSWORD, SERVICE_IMAP, &s));
	close(s);
	driver_stop(&d);
}

/* The second session goes to the first one's vault, known or proved. */
ATF_TC_WITHOUT_HEAD(living_vault);
ATF_TC_BODY(living_vault, tc)
{
	struct driver d;
	int s[5];

	start(tc, &d);
	add(&d, USER);
	for (int i = 0; i < 5; i++) {
		ATF_REQUIRE_EQ(
		    0, driver_login(&d, USER, PASSWORD, SERVICE_IMAP, &s[i]));
		ATF_CHECK_EQ(REFUSED_CREDENTIALS,
		    driver_login(&d, USER, "wrong", SERVICE_IMAP, NULL));
	}
	for (int i = 0; i < 5; i++)
		close(s[i]);
	driver_stop(&d);
}

/* Submission compares; it opens no vault, with or without one alive. */
ATF_TC_WITHOUT_HEAD(submission);
ATF_TC_BODY(submission, tc)
{
	struct driver d;
	struct msg m;
	int s, t;

	start(tc, &d);
	add(&d, USER);
	ATF_CHECK_EQ(REFUSED_CREDENTIALS,
	    driver_login(&d, USER, "wrong", SERVICE_SUBMISSION, NULL));
	ATF_REQUIRE_EQ(
	    0, driver_login(&d, USER, PASSWORD, SERVICE_SUBMISSION, &s));
	ATF_CHECK_EQ(0, msg_recv_wait(s, &m, DRIVER_WAIT_MS));
	close(s);
	ATF_REQUIRE_EQ(0, driver_login(&d, USER, PASSWORD, SERVICE_IMAP, &t));
	ATF_REQUIRE_EQ(
	    0, driver_login(&d, USER, PASSWORD, SERVICE_SUBMISSION, &s));
	ATF_CHECK_EQ(0, msg_recv_wait(s, &m, DRIVER_WAIT_MS));
	close(s);
	close(t);
	driver_stop(&d);
}

/* The engine that submits gets no wire to what a vault would answer on. */
ATF_TC_WITHOUT_HEAD(submission_alone);
ATF_TC_BODY(submission_alone, tc)
{
	static const uint8_t services[] = {SERVICE_IMAP, SERVICE_MANAGE};
	struct msgout *out;
	struct driver d;
	struct msg m;

	for (size_t i = 0; i < sizeof(services); i++) {
		start(tc, &d);
		if (i == 0)
			add(&d, USER);
		out = msg_new_fd(d.smtp, ENGINE_MASTER_LOGIN, 7);
		msg_put_u64(out, 1);
		msg_put_u8(out, services[i]);
		msg_put_str(out, USER);
		ATF_REQUIRE_EQ(1, msg_send_wait(out, DRIVER_WAIT_MS));
		ATF_CHECK_EQ(0, msg_recv_wait(d.smtp, &m, DRIVER_WAIT_MS));
		close(d.smtp);
		d.smtp = -1;
		ATF_CHECK_EQ(
		    0, driver_login(&d, USER, PASSWORD, SERVICE_IMAP, NULL));
		driver_stop(&d);
	}
}

/* A recovery code is a secret of manage scope and nothing else. */
ATF_TC_WITHOUT_HEAD(recovery);
ATF_TC_BODY(recovery, tc)
{
	char made[SEAL_PASSWORD_SIZE], code[SEAL_CODE_SIZE];
	struct driver d;
	int ctl, s;

	start(tc, &d);
	ctl = driver_ctl(&d);
	ATF_REQUIRE_EQ(0, driver_add(ctl, USER, NULL, made, code));
	close(ctl);
	ATF_CHECK_EQ(SEAL_PASSWORD_SIZE - 1, strlen(made));
	ATF_CHECK_EQ(SEAL_CODE_SIZE - 1, strlen(code));
	ATF_CHECK_EQ(REFUSED_CREDENTIALS,
	    driver_login(&d, USER, code, SERVICE_IMAP, NULL));
	ATF_CHECK_EQ(REFUSED_CREDENTIALS,
	    driver_login(&d, USER, code, SERVICE_SUBMISSION, NULL));
	ATF_REQUIRE_EQ(0, driver_login(&d, USER, made, SERVICE_IMAP, &s));
	ATF_CHECK_EQ(REFUSED_CREDENTIALS,
	    driver_login(&d, USER, code, SERVICE_IMAP, NULL));
	close(s);
	driver_stop(&d);
}

/*
 * Another secret of the account, at a vault that has not seen it: the opener
 * derives and proves the master key; from then on the vault knows it.
 */
ATF_TC_WITHOUT_HEAD(proof);
ATF_TC_BODY(proof, tc)
{
	const struct driver_change app = {
	    .op = SLOT_APP_ADD, .label = "x", .scope = SEAL_SCOPE_IMAP};
	char made[SEAL_PASSWORD_SIZE], first;
	struct driver_answer a;
	struct driver d;
	int ctl, s, t[3];

	start(tc, &d);
	ctl = driver_ctl(&d);
	ATF_REQUIRE_EQ(0, driver_add(ctl, USER, NULL, made, NULL));
	close(ctl);
	ATF_REQUIRE_EQ(0, driver_login(&d, USER, made, SERVICE_IMAP, &s));
	ATF_REQUIRE_EQ(0, driver_change(&d, USER, made, &app, &a));
	ATF_REQUIRE_EQ(SLOT_DONE, a.result);
	for (int i = 0; i < 3; i++) {
		ATF_REQUIRE_EQ(
		    0, driver_login(&d, USER, a.code, SERVICE_IMAP, &t[i]));
		first = a.code[0];
		a.code[0] = first == '0' ? '1' : '0';
		ATF_REQUIRE_EQ(REFUSED_CREDENTIALS,
		    driver_login(&d, USER, a.code, SERVICE_IMAP, NULL));
		a.code[0] = first;
		close(t[i]);
	}
	close(s);
	driver_stop(&d);
}

/* The pid of a process of ours by its title's end. */
static pid_t
find_process(pid_t above, const char *title)
{
	char path[64], buf[512], *p;
	struct dirent *de;
	pid_t found = 0, ppid;
	ssize_t n;
	DIR *dir;
	int fd;

	dir = opendir("/proc");
	ATF_REQUIRE(dir != NULL);
	while (found == 0 && (de = readdir(dir)) != NULL) {
		(void)snprintf(
		    path, sizeof(path), "/proc/%.20s/stat", de->d_name);
		fd = open(path, O_RDONLY);
		if (fd == -1)
			continue;
		n = read(fd, buf, sizeof(buf) - 1);
		close(fd);
		if (n <= 0)
			continue;
		buf[n] = '\0';
		p = strrchr(buf, ')');
		if (p == NULL || sscanf(p, ") %*c %d", &ppid) != 1 ||
		    ppid != above)
			continue;
		(void)snprintf(
		    path, sizeof(path), "/proc/%.20s/cmdline", de->d_name);
		fd = open(path, O_RDONLY);
		n = fd == -1 ? -1 : read(fd, buf, sizeof(buf) - 1);
		if (fd != -1)
			close(fd);
		if (n <= 0)
			continue;
		buf[n] = '\0';
		if (strstr(buf, title) != NULL)
			found = (pid_t)atoi(de->d_name);
	}
	closedir(dir);
	return found;
}

/* A killed vault ends its sessions; the next login makes a new one. */
ATF_TC_WITHOUT_HEAD(killed_vault);
ATF_TC_BODY(killed_vault, tc)
{
	pid_t forker, vault, last = 0;
	struct driver d;
	struct msg m;
	int s;

	start(tc, &d);
	add(&d, USER);
	forker = find_process(d.pid, "forker");
	ATF_REQUIRE(forker > 0);
	for (int i = 0; i < 5; i++) {
		ATF_REQUIRE_EQ(
		    0, driver_login(&d, USER, PASSWORD, SERVICE_IMAP, &s));
		vault = find_process(forker, "vault");
		ATF_REQUIRE(vault > 0 && vault != last);
		ATF_REQUIRE_EQ(0, kill(vault, SIGKILL));
		ATF_CHECK(msg_recv_wait(s, &m, DRIVER_WAIT_MS) != 1);
		close(s);
		last = vault;
	}
	driver_stop(&d);
	/* Nobody dies by a signal unheard. */
	ATF_CHECK_EQ(0, system("grep -q \"ended by signal 9\" " DRIVER_LOG));
}

/* A vault goes some time after its last session, and another comes. */
ATF_TC_WITHOUT_HEAD(linger);
ATF_TC_BODY(linger, tc)
{
	struct driver d;
	pid_t forker;
	int s;

	start(tc, &d);
	add(&d, USER);
	forker = find_process(d.pid, "forker");
	for (int i = 0; i < 2; i++) {
		ATF_REQUIRE_EQ(
		    0, driver_login(&d, USER, PASSWORD, SERVICE_IMAP, &s));
		ATF_CHECK(find_process(forker, "vault") > 0);
		close(s);
		for (int t = 0; t < 200 && find_process(forker, "vault") > 0;
		     t++)
			(void)usleep(50000);
		ATF_CHECK_EQ(0, find_process(forker, "vault"));
	}
	driver_stop(&d);
}

/* Without the forker there is no imap-store: its parent starts it anew. */
ATF_TC_WITHOUT_HEAD(killed_forker);
ATF_TC_BODY(killed_forker, tc)
{
	struct driver d;
	pid_t forker;
	int s, status;

	start(tc, &d);
	add(&d, USER);
	ATF_REQUIRE_EQ(0, driver_login(&d, USER, PASSWORD, SERVICE_IMAP, &s));
	forker = find_process(d.pid, "forker");
	ATF_REQUIRE(forker > 0);
	ATF_REQUIRE_EQ(0, kill(forker, SIGKILL));
	ATF_REQUIRE_EQ(d.pid, waitpid(d.pid, &status, 0));
	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	close(s);
	/* And all is there in the next life, also under the dying vault. */
	driver_start(&d, atf_tc_get_config_var(tc, "srcdir"), "base", LOW, 2);
	ATF_CHECK_EQ(0, driver_login(&d, USER, PASSWORD, SERVICE_IMAP, &s));
	close(s);
	driver_stop(&d);
}

/* Does a process hold the text anywhere it may write? */
static bool
holds(pid_t pid, const char *text)
{
	char path[64], line[512], perms[8];
	unsigned long from, to;
	bool found = false;
	uint8_t *buf;
	ssize_t n;
	FILE *maps;
	int mem;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "r");
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	mem = open(path, O_RDONLY);
	ATF_REQUIRE_MSG(
	    maps != NULL && mem != -1, "%s: %s", path, strerror(errno));
	while (!found && fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, perms) != 3 ||
		    perms[0] != 'r' || perms[1] != 'w')
			continue;
		buf = malloc(to - from);
		ATF_REQUIRE(buf != NULL);
		n = pread(mem, buf, to - from, (off_t)from);
		if (n > 0)
			found = memmem(buf, (size_t)n, text, strlen(text)) !=
			    NULL;
		free(buf);
	}
	(void)fclose(maps);
	close(mem);
	return found;
}

/* A password, once used, is in nobody's memory: not even its vault's. */
ATF_TC(wiped);
ATF_TC_HEAD(wiped, tc)
{
	atf_tc_set_md_var(tc, "require.user", "root");
}
ATF_TC_BODY(wiped, tc)
{
	const struct driver_change passwd = {
	    .op = SLOT_PASSWD, .fresh = "a fresh secret"};
	const struct driver_change app = {
	    .op = SLOT_APP_ADD, .label = "x", .scope = SEAL_SCOPE_IMAP};
	struct driver_answer answer;
	char made[SEAL_PASSWORD_SIZE], code[SEAL_CODE_SIZE];
	pid_t forker, vault, clerk;
	struct driver d;
	int ctl, s, t;

	if (getenv("SANITIZED") != NULL)
		atf_tc_skip("memory cannot be scanned under sanitizers");
	start(tc, &d);
	ctl = driver_ctl(&d);
	ATF_REQUIRE_EQ(0, driver_add(ctl, USER, PASSWORD, NULL, NULL));
	ATF_REQUIRE_EQ(
	    0, driver_add(ctl, "b@" DRIVER_DOMAIN, NULL, made, code));
	ATF_REQUIRE_EQ(0, driver_login(&d, USER, PASSWORD, SERVICE_IMAP, &s));
	ATF_REQUIRE_EQ(0, driver_login(&d, USER, PASSWORD, SERVICE_IMAP, &t));
	ATF_REQUIRE_EQ(REFUSED_CREDENTIALS,
	    driver_login(&d, USER, "wrong secret", SERVICE_IMAP, NULL));
	forker = find_process(d.pid, "forker");
	vault = find_process(forker, "vault");
	clerk = find_process(forker, "clerk");
	ATF_REQUIRE(forker > 0 && vault > 0 && clerk > 0);
	ATF_REQUIRE_EQ(0, driver_change(&d, USER, PASSWORD, &passwd, &answer));
	ATF_REQUIRE_EQ(0, driver_change(&d, USER, passwd.fresh, &app, &answer));
	ATF_REQUIRE_EQ(SLOT_DONE, answer.result);
	ATF_CHECK(!holds(vault, passwd.fresh));
	/* It answers, and wipes then. */
	for (int i = 0; i < 1000 && holds(vault, answer.code); i++)
		(void)usleep(10000);
	ATF_CHECK(!holds(vault, answer.code));
	ATF_CHECK(!holds(d.pid, passwd.fresh));
	ATF_CHECK(!holds(forker, passwd.fresh));
	/* The control: what the vault must know can be found. */
	ATF_CHECK(holds(vault, USER));
	ATF_CHECK(!holds(vault, PASSWORD));
	ATF_CHECK(!holds(vault, "wrong secret"));
	ATF_CHECK(!holds(clerk, PASSWORD));
	ATF_CHECK(!holds(clerk, made));
	ATF_CHECK(!holds(clerk, code));
	ATF_CHECK(!holds(forker, PASSWORD));
	ATF_CHECK(!holds(d.pid, PASSWORD));
	ATF_CHECK(!holds(d.pid, made));
	close(s);
	close(t);
	close(ctl);
	driver_stop(&d);
}

/* Many at once at an account without a vault: one derives, all get in. */
ATF_TC_WITHOUT_HEAD(together);
ATF_TC_BODY(together, tc)
{
	enum { N = 20 };
	struct driver d;
	int fds[N];
	uint8_t why;

	driver_start(
	    &d, atf_tc_get_config_var(tc, "srcdir"), "base", 65536, 3, 2);
	add(&d, USER);
	for (int i = 0; i < N; i++)
		(void)driver_login_send(&d, USER, SERVICE_IMAP, 1);
	for (int i = 0; i < N; i++) {
		(void)driver_login_answer(&d, &fds[i], &why);
		ATF_REQUIRE(fds[i] != -1);
		driver_auth(fds[i], PASSWORD);
	}
	for (int i = 0; i < N; i++) {
		ATF_CHECK_EQ(0, driver_outcome(fds[i]));
		close(fds[i]);
	}
	driver_stop(&d);
}

/* Waits for an R_EXISTS of n; others may come before. */
static void
exists(int session, uint32_t n)
{
	struct msg m;
	uint32_t have;

	do {
		ATF_REQUIRE_EQ(1, msg_recv_wait(session, &m, DRIVER_WAIT_MS));
		ATF_REQUIRE(m.type != R_BYE);
		have = m.type == R_EXISTS ? msg_get_u32(&m) : 0;
		msg_done(&m);
	} while (have != n);
}

/* What SELECT of INBOX says that there is. */
static uint32_t
messages(int session)
{
	struct msgout *out;
	struct msg m;
	uint32_t n;

	out = msg_new_fd(session, V_SELECT, 1);
	msg_put_u8(out, 0);
	msg_put_str(out, "INBOX");
	msg_put_u8(out, 0);
	msg_put_u8(out, 0);
	ATF_REQUIRE_EQ(1, msg_send_wait(out, DRIVER_WAIT_MS));
	driver_receive(session, &m, R_SELECTED);
	(void)msg_get_u64(&m);
	(void)msg_get_u32(&m);
	(void)msg_get_u32(&m);
	(void)msg_get_u64(&m);
	n = msg_get_u32(&m);
	msg_done(&m);
	driver_receive(session, &m, R_DONE);
	msg_done(&m);
	return n;
}

/* A living vault tells its sessions of a delivery at once. */
ATF_TC_WITHOUT_HEAD(mail);
ATF_TC_BODY(mail, tc)
{
	struct msgout *out;
	struct driver d;
	struct msg m;
	int s;

	start(tc, &d);
	add(&d, USER);
	/* One that came before the login is there at SELECT. */
	driver_deliver(&d, USER, "one");
	ATF_REQUIRE_EQ(0, driver_login(&d, USER, PASSWORD, SERVICE_IMAP, &s));
	ATF_CHECK_EQ(1, messages(s));
	out = msg_new_fd(s, V_IDLE, 2);
	msg_put_u8(out, 1);
	ATF_REQUIRE_EQ(1, msg_send_wait(out, DRIVER_WAIT_MS));
	driver_receive(s, &m, R_DONE);
	msg_done(&m);
	driver_deliver(&d, USER, "two");
	exists(s, 2);
	driver_deliver(&d, USER, "three");
	exists(s, 3);
	/* One for nobody, and one for somebody who is not there. */
	add(&d, "b@" DRIVER_DOMAIN);
	driver_deliver(&d, "b@" DRIVER_DOMAIN, "four");
	driver_deliver(&d, USER, "five");
	exists(s, 4);
	close(s);
	driver_stop(&d);
}

/*
 * Who logs in sees what was delivered before, told of or not: beside another
 * session, and however short before a drain has ended.
 */
ATF_TC_WITHOUT_HEAD(untold);
ATF_TC_BODY(untold, tc)
{
	enum { ROUNDS = 200 };
	uint32_t have = 0;
	struct driver d;
	int s, t;

	start(tc, &d);
	add(&d, USER);
	ATF_REQUIRE_EQ(0, driver_login(&d, USER, PASSWORD, SERVICE_IMAP, &s));
	for (int round = 0; round < ROUNDS; round++) {
		/* The vault is told of the first, or of none. */
		if (round % 2 == 0) {
			driver_deliver(&d, USER, "told");
			have++;
		}
		driver_put(USER, "untold");
		have++;
		ATF_REQUIRE_EQ(
		    0, driver_login(&d, USER, PASSWORD, SERVICE_IMAP, &t));
		ATF_REQUIRE_EQ_MSG(have, messages(t), "round %d", round);
		close(t);
	}
	close(s);
	driver_stop(&d);
}

ATF_TC_WITHOUT_HEAD(accounts);
ATF_TC_BODY(accounts, tc)
{
	struct driver d;
	struct dirent *de;
	struct stat st;
	DIR *dir;
	int ctl, s, n = 0;

	start(tc, &d);
	ctl = driver_ctl(&d);
	ATF_REQUIRE_EQ(0, driver_add(ctl, USER, PASSWORD, NULL, NULL));
	ATF_CHECK_EQ(
	    CTL_END_EXISTS, driver_add(ctl, USER, PASSWORD, NULL, NULL));
	ATF_CHECK_EQ(
	    1, driver_add(ctl, "user@elsewhere.org", PASSWORD, NULL, NULL));
	ATF_CHECK_EQ(
	    1, driver_add(ctl, "@" DRIVER_DOMAIN, PASSWORD, NULL, NULL));
	ATF_CHECK_EQ(1, driver_del(ctl, "nobody@" DRIVER_DOMAIN));
	ATF_REQUIRE_EQ(0, driver_login(&d, USER, PASSWORD, SERVICE_IMAP, &s));
	/* Removing ends the sessions, keeps the directory, frees the name. */
	ATF_CHECK_EQ(0, driver_del(ctl, USER));
	ATF_CHECK_EQ(-1, stat("base/accounts/" DRIVER_DOMAIN "/user", &st));
	dir = opendir("base/removed");
	ATF_REQUIRE(dir != NULL);
	while ((de = readdir(dir)) != NULL)
		n += de->d_name[0] != '.';
	closedir(dir);
	ATF_CHECK_EQ(1, n);
	ATF_CHECK_EQ(REFUSED_CREDENTIALS,
	    driver_login(&d, USER, PASSWORD, SERVICE_IMAP, NULL));
	ATF_REQUIRE_EQ(0, driver_add(ctl, USER, "another one", NULL, NULL));
	close(s);
	ATF_REQUIRE_EQ(
	    0, driver_login(&d, USER, "another one", SERVICE_IMAP, &s));
	close(s);
	close(ctl);
	driver_stop(&d);
}

/* Lists all; the sessions of the account, and how many there are. */
static uint32_t
list_users(int ctl, const char *account, int *n)
{
	int64_t login;
	char name[ACCOUNT_NAME_MAX], state[16];
	struct msgout *out;
	struct msg m;
	uint32_t vault, sessions = 0, one;

	*n = 0;
	out = msg_new_fd(ctl, CTL_MASTER_USER_LIST, 3);
	msg_put_u32(out, STORE_WIRE_VERSION);
	msg_put_str(out, "");
	ATF_REQUIRE_EQ(1, msg_send_wait(out, DRIVER_WAIT_MS));
	for (;;) {
		ATF_REQUIRE_EQ(1, msg_recv_wait(ctl, &m, DRIVER_WAIT_MS));
		if (m.type == MASTER_CTL_END)
			break;
		ATF_REQUIRE_EQ(MASTER_CTL_USER, m.type);
		(void)msg_get_str(&m, name, sizeof(name));
		(void)msg_get_str(&m, state, sizeof(state));
		(void)msg_get_u64(&m);
		(void)msg_get_u64(&m);
		(void)msg_get_u64(&m);
		ATF_CHECK_EQ(0, msg_get_u64(&m));
		one = msg_get_u32(&m);
		vault = msg_get_u32(&m);
		ATF_CHECK(one == 0 || vault > 0);
		ATF_CHECK(msg_get_i64(&m) > 1700000000);
		login = msg_get_i64(&m);
		ATF_CHECK(login == 0 || login > 1700000000);
		ATF_CHECK_EQ(vault > 0, login > 0);
		ATF_CHECK_EQ(0, msg_end(&m));
		ATF_CHECK_STREQ("active", state);
		msg_done(&m);
		if (strcmp(name, account) == 0)
			sessions = one;
		else
			ATF_CHECK_EQ(0, one);
		(*n)++;
	}
	ATF_CHECK_EQ(0, msg_get_u8(&m));
	msg_done(&m);
	return sessions;
}

ATF_TC_WITHOUT_HEAD(list);
ATF_TC_BODY(list, tc)
{
	struct driver d;
	int ctl, s, n, tries = 0;

	start(tc, &d);
	add(&d, "a@" DRIVER_DOMAIN);
	add(&d, "b@" DRIVER_DOMAIN);
	ctl = driver_ctl(&d);
	ATF_CHECK_EQ(0, list_users(ctl, "b@" DRIVER_DOMAIN, &n));
	ATF_CHECK_EQ(2, n);
	ATF_REQUIRE_EQ(0,
	    driver_login(&d, "b@" DRIVER_DOMAIN, PASSWORD, SERVICE_IMAP, &s));
	/* The vault tells the master soon after it has welcomed. */
	while (list_users(ctl, "b@" DRIVER_DOMAIN, &n) != 1) {
		ATF_REQUIRE(++tries < 200);
		(void)usleep(10000);
	}
	close(s);
	tries = 0;
	while (list_users(ctl, "b@" DRIVER_DOMAIN, &n) != 0) {
		ATF_REQUIRE(++tries < 200);
		(void)usleep(10000);
	}
	close(ctl);
	driver_stop(&d);
}

/* A peer that talks nonsense loses its wire, and nobody else anything. */
ATF_TC_WITHOUT_HEAD(nonsense);
ATF_TC_BODY(nonsense, tc)
{
	struct msgout *out;
	struct driver d;
	struct msg m;
	int fd;
	uint8_t why;

	start(tc, &d);
	add(&d, USER);
	out = msg_new_fd(d.deliver, ENGINE_MASTER_LOGIN, 1);
	msg_put_u64(out, 1);
	msg_put_u8(out, SERVICE_IMAP);
	msg_put_str(out, USER);
	ATF_REQUIRE_EQ(1, msg_send_wait(out, DRIVER_WAIT_MS));
	ATF_CHECK_EQ(0, msg_recv_wait(d.deliver, &m, DRIVER_WAIT_MS));
	/* An opener that hears no secret. */
	(void)driver_login_send(&d, USER, SERVICE_IMAP, 1);
	(void)driver_login_answer(&d, &fd, &why);
	ATF_REQUIRE(fd != -1);
	out = msg_new_fd(fd, ENGINE_OPENER_AUTH, 1);
	msg_put_u32(out, STORE_WIRE_VERSION + 1);
	ATF_REQUIRE_EQ(1, msg_send_wait(out, DRIVER_WAIT_MS));
	ATF_CHECK_EQ(REFUSED_UNAVAILABLE, driver_outcome(fd));
	close(fd);
	ATF_CHECK_EQ(0, driver_login(&d, USER, PASSWORD, SERVICE_IMAP, NULL));
	driver_stop(&d);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, login);
	ATF_TP_ADD_TC(tp, living_vault);
	ATF_TP_ADD_TC(tp, submission);
	ATF_TP_ADD_TC(tp, submission_alone);
	ATF_TP_ADD_TC(tp, recovery);
	ATF_TP_ADD_TC(tp, proof);
	ATF_TP_ADD_TC(tp, killed_vault);
	ATF_TP_ADD_TC(tp, linger);
	ATF_TP_ADD_TC(tp, killed_forker);
	ATF_TP_ADD_TC(tp, wiped);
	ATF_TP_ADD_TC(tp, together);
	ATF_TP_ADD_TC(tp, mail);
	ATF_TP_ADD_TC(tp, untold);
	ATF_TP_ADD_TC(tp, accounts);
	ATF_TP_ADD_TC(tp, list);
	ATF_TP_ADD_TC(tp, nonsense);
	return atf_no_error();
}
