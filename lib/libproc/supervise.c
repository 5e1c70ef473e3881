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
 * The supervisor: starts the roles of a daemon, starts them again when they
 * die, and stops them.  It parses nothing but our own messages.
 */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "compat.h"
#include "log.h"
#include "msg.h"
#include "procs_local.h"

#define PARENT_PROMISES \
	"stdio rpath inet unix sendfd recvfd proc exec id unveil"

static struct supervisor sup;

static void make_dirs(void);
static void make_procs(void);
static void raise_nofile(void);
static void set_signals(void);
static void sandbox(void);
static void start(struct proc *);
static void start_later(struct proc *);
static void restart_due(int, short, void *);
static void send_config(struct proc *);
static void role_dispatch(struct wire *, struct msg *, void *);
static void role_gone(struct wire *, void *);
static void on_ready(struct proc *, struct msg *);
static void on_conn_closed(struct proc *, struct msg *);
static void on_child(int, short, void *);
static void on_stop(int, short, void *);
static void on_hup(int, short, void *);
static void on_kill(int, short, void *);
static void died(struct proc *, int);
static void log_death(const struct proc *, int);
static bool all_ready(void);
static bool none_left(void);

void
proc_begin(const struct proc_daemon *daemon,
    const struct proc_settings *settings, void *arg)
{
	sup.daemon = daemon;
	sup.settings = settings;
	sup.arg = arg;
	sup.verbose = settings->verbose;
	sup.started = time(NULL);
	proc_table_check(daemon);
	if (compat_nodump() == -1)
		fatal("nodump");
	compat_sandbox_best_effort(settings->best_effort);
	if (event_init() == NULL)
		fatalx("event_init");
	sup.null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (sup.null_fd == -1)
		fatal("open path=/dev/null");
	sup.audit_fd = compat_audit_open();
	raise_nofile();
	make_procs();
	make_dirs();
	proc_control_begin();
	proc_abroad_begin();
	proc_conns_begin();
}

int
proc_run(void)
{
	set_signals();
	sandbox();
	for (size_t i = 0; i < sup.n_procs; i++)
		start(&sup.procs[i]);
	proc_abroad_run();
	if (event_dispatch() == -1)
		fatal("event_dispatch");
	proc_log_drain();
	return sup.result;
}

struct supervisor *
proc_supervisor(void)
{
	return &sup;
}

int64_t
proc_now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

unsigned int
proc_backoff(unsigned int *ms)
{
	unsigned int now;

	now = *ms == 0 ? BACKOFF_FIRST_MS : *ms;
	*ms = now > BACKOFF_LAST_MS / 2 ? BACKOFF_LAST_MS : now * 2;
	return now;
}

void
proc_stop(void)
{
	struct timeval tv = {STOP_WAIT_S, 0};
	struct proc *p;

	if (sup.stopping)
		return;
	sup.stopping = true;
	log_info("stopping");
	proc_conns_stop();
	proc_abroad_stop();
	for (size_t i = 0; i < sup.n_procs; i++) {
		p = &sup.procs[i];
		(void)event_del(&p->ev_restart);
		if (p->wire != NULL)
			msg_signal(p->wire, PROC_SHUTDOWN, 0);
	}
	evtimer_set(&sup.ev_kill, on_kill, NULL);
	if (evtimer_add(&sup.ev_kill, &tv) == -1)
		fatalx("evtimer_add");
	if (none_left())
		(void)event_loopexit(NULL);
}

int
proc_reload(char *reason, size_t size)
{
	if (sup.stopping) {
		(void)strlcpy(reason, "stopping", size);
		return -1;
	}
	if (sup.daemon->reload == NULL) {
		(void)strlcpy(reason, "not supported", size);
		return -1;
	}
	if (sup.daemon->reload(reason, size, sup.arg) == -1) {
		log_warnx("reload failed: %s", reason);
		return -1;
	}
	proc_resend();
	log_info("config reloaded");
	return 0;
}

void
proc_resend(void)
{
	for (size_t i = 0; i < sup.n_procs; i++) {
		if (sup.procs[i].wire != NULL)
			send_config(&sup.procs[i]);
	}
}

void
proc_set_verbose(bool on)
{
	struct msgout *m;

	sup.verbose = on;
	log_verbose(on);
	for (size_t i = 0; i < sup.n_procs; i++) {
		if (sup.procs[i].wire == NULL)
			continue;
		m = msg_new(sup.procs[i].wire, PROC_VERBOSE, 0);
		msg_put_u8(m, on);
		msg_send(m);
	}
}

struct proc *
proc_find(const char *role, unsigned int instance)
{
	struct proc *p;

	for (size_t i = 0; i < sup.n_procs; i++) {
		p = &sup.procs[i];
		if (p->instance == instance && strcmp(p->row->name, role) == 0)
			return p;
	}
	return NULL;
}

enum proc_sandbox
proc_own_sandbox(void)
{
	switch (compat_sandbox_missing()) {
	case 0:
		return PROC_SANDBOX_FULL;
	case SANDBOX_NO_SYSCALLS | SANDBOX_NO_FILES:
		return PROC_SANDBOX_NONE;
	default:
		return PROC_SANDBOX_PARTIAL;
	}
}

void
proc_bad(struct proc *p, const char *why)
{
	log_warnx("role=%s instance=%u pid=%d misbehaves: %s", p->row->name,
	    p->instance, (int)p->pid, why);
	if (p->wire != NULL)
		wire_fail(p->wire);
}

void
proc_message_bad(const struct proc_row *row, unsigned int instance)
{
	struct proc *p;

	p = proc_find(row->name, instance);
	if (p != NULL)
		proc_bad(p, "malformed message");
}

/*
 * The run directory, and in it the root of those that need no file.  It is not
 * ours where a service manager has made our sockets in it.
 */
static void
make_dirs(void)
{
	char path[PROC_DIR_MAX];

	if (proc_local_only_passed())
		return;
	if (proc_dir_make(sup.settings->run_dir, 0755, geteuid(), getegid()) ==
	    -1)
		exit(1);
	if (snprintf(path, sizeof(path), "%s/empty", sup.settings->run_dir) >=
	    (int)sizeof(path))
		fatalx("run directory: name too long");
	if (geteuid() == 0 && proc_dir_make(path, 0755, 0, getegid()) == -1)
		exit(1);
}

static void
make_procs(void)
{
	const struct proc_row *row;
	struct proc *p;
	size_t n;

	n = 0;
	for (size_t i = 0; i < sup.daemon->n_rows; i++)
		n += proc_instances(&sup.daemon->rows[i]);
	sup.procs = calloc(n, sizeof(*sup.procs));
	if (sup.procs == NULL)
		fatal("calloc");
	for (size_t i = 0; i < sup.daemon->n_rows; i++) {
		row = &sup.daemon->rows[i];
		for (unsigned int k = 0; k < proc_instances(row); k++) {
			p = &sup.procs[sup.n_procs++];
			p->row = row;
			p->instance = k;
			evtimer_set(&p->ev_restart, restart_due, p);
		}
	}
}

/* Roles can only lower what the parent has. */
static void
raise_nofile(void)
{
	struct rlimit rl;
	rlim_t wanted;

	wanted = 1024;
	for (size_t i = 0; i < sup.daemon->n_rows; i++) {
		if (sup.daemon->rows[i].nofile > wanted)
			wanted = sup.daemon->rows[i].nofile;
	}
	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		fatal("getrlimit");
	if (rl.rlim_max < wanted && geteuid() == 0) {
		rl.rlim_cur = rl.rlim_max = wanted;
		if (setrlimit(RLIMIT_NOFILE, &rl) == 0)
			return;
		if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
			fatal("getrlimit");
	}
	if (rl.rlim_max < wanted)
		log_info("descriptors: %llu wanted, the limit is %llu",
		    (unsigned long long)wanted,
		    (unsigned long long)rl.rlim_max);
	rl.rlim_cur = rl.rlim_max < wanted ? rl.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		fatal("setrlimit");
}

static void
set_signals(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	signal_set(&sup.ev_child, SIGCHLD, on_child, NULL);
	signal_set(&sup.ev_term, SIGTERM, on_stop, NULL);
	signal_set(&sup.ev_int, SIGINT, on_stop, NULL);
	signal_set(&sup.ev_hup, SIGHUP, on_hup, NULL);
	if (signal_add(&sup.ev_child, NULL) == -1 ||
	    signal_add(&sup.ev_term, NULL) == -1 ||
	    signal_add(&sup.ev_int, NULL) == -1 ||
	    signal_add(&sup.ev_hup, NULL) == -1)
		fatal("signal_add");
}

/*
 * The parent's own promises, and for its children what the rows say.  It may
 * read whatever its user may: the next config may name other certificates.
 */
static void
sandbox(void)
{
	char children[1024];
	const struct proc_row *row;
	const char *interpreter;

	(void)strlcpy(children, PARENT_PROMISES, sizeof(children));
	for (size_t i = 0; i < sup.daemon->n_rows; i++) {
		row = &sup.daemon->rows[i];
		(void)strlcat(children, " ", sizeof(children));
		if (strlcat(children,
			row->apart != NULL ? row->apart : row->promises,
			sizeof(children)) >= sizeof(children))
			fatalx("promises are too long");
	}
	interpreter = compat_interpreter();
	if (unveil("/", "r") == -1 ||
	    unveil(sup.settings->libexec, "rx") == -1 ||
	    (interpreter != NULL && unveil(interpreter, "rx") == -1) ||
	    unveil(sup.settings->run_dir, "rwc") == -1 ||
	    unveil(sup.settings->base_dir, "rwc") == -1)
		fatal("unveil");
	if (pledge(PARENT_PROMISES, children) == -1)
		fatal("pledge");
	if (compat_sandbox_missing() != 0)
		log_warnx("this kernel has not all of the sandbox, and the "
			  "config says to go on (best-effort)");
}

static void
start(struct proc *p)
{
	if (proc_spawn(p, role_dispatch, role_gone) == -1) {
		start_later(p);
		return;
	}
	p->ready = false;
	p->sandbox = PROC_SANDBOX_NONE;
	p->born_ms = proc_now_ms();
	p->started = time(NULL);
	log_debug("role=%s instance=%u pid=%d started", p->row->name,
	    p->instance, (int)p->pid);
	send_config(p);
	proc_wires_give(p);
	proc_abroad_started(p);
	proc_conns_started(p);
}

static void
start_later(struct proc *p)
{
	struct timeval tv;
	unsigned int ms;

	ms = proc_backoff(&p->backoff_ms);
	tv.tv_sec = ms / 1000;
	tv.tv_usec = (ms % 1000) * 1000;
	if (evtimer_add(&p->ev_restart, &tv) == -1)
		fatalx("evtimer_add");
}

static void
restart_due(int fd, short what, void *arg)
{
	struct proc *p;

	p = arg;
	if (sup.stopping)
		return;
	p->restarts++;
	start(p);
}

static void
send_config(struct proc *p)
{
	msg_signal(p->wire, PROC_RELOAD_BEGIN, 0);
	sup.daemon->config(p->wire, p->row, p->instance, sup.arg);
	msg_signal(p->wire, PROC_RELOAD_COMMIT, 0);
}

/* What a role may say; anything else and it is not what it was. */
static void
role_dispatch(struct wire *w, struct msg *m, void *arg)
{
	struct proc *p;

	p = arg;
	switch (m->type) {
	case PROC_READY:
		on_ready(p, m);
		break;
	case PROC_CONN_CLOSED:
		on_conn_closed(p, m);
		break;
	case PROC_COUNTS:
		proc_stats_counts(p, m);
		break;
	default:
		if (m->type >= PROC_OWN && sup.daemon->message != NULL)
			sup.daemon->message(p->row, p->instance, m, sup.arg);
		else
			proc_bad(p, "unexpected message");
		break;
	}
}

static void
role_gone(struct wire *w, void *arg)
{
	struct proc *p;

	p = arg;
	wire_free(w);
	p->wire = NULL;
	/* Dead already as a rule; not reaped yet, so the pid is still its. */
	if (p->pid != 0)
		(void)kill(p->pid, SIGKILL);
}

static void
on_ready(struct proc *p, struct msg *m)
{
	uint8_t level;

	level = msg_get_u8(m);
	if (msg_end(m) == -1 || p->ready || level > PROC_SANDBOX_FULL ||
	    (level != PROC_SANDBOX_FULL && !sup.settings->best_effort)) {
		proc_bad(p, "malformed READY");
		return;
	}
	p->ready = true;
	p->failures = 0;
	p->sandbox = (enum proc_sandbox)level;
	proc_conns_ready(p);
	if (!sup.was_up && all_ready()) {
		sup.was_up = true;
		log_info("%s %s ready", sup.daemon->name, sup.daemon->version);
		manager_ready();
	}
}

static void
on_conn_closed(struct proc *p, struct msg *m)
{
	uint64_t id;

	id = msg_get_u64(m);
	if (msg_end(m) == -1) {
		proc_bad(p, "malformed CONN_CLOSED");
		return;
	}
	proc_conn_end(p, id);
}

static void
on_child(int sig, short what, void *arg)
{
	pid_t pid;
	int status;

	/* Its last words come before the news of its death. */
	proc_log_drain();
	for (;;) {
		pid = waitpid(-1, &status, WNOHANG);
		if (pid == -1 && errno == EINTR)
			continue;
		if (pid <= 0)
			break;
		for (size_t i = 0; i < sup.n_procs; i++) {
			if (sup.procs[i].pid == pid) {
				died(&sup.procs[i], status);
				break;
			}
		}
	}
	if (sup.stopping && none_left())
		(void)event_loopexit(NULL);
}

static void
on_stop(int sig, short what, void *arg)
{
	proc_stop();
}

static void
on_hup(int sig, short what, void *arg)
{
	char reason[256];

	(void)proc_reload(reason, sizeof(reason));
}

static void
on_kill(int fd, short what, void *arg)
{
	for (size_t i = 0; i < sup.n_procs; i++) {
		if (sup.procs[i].pid == 0)
			continue;
		log_warnx("role=%s pid=%d does not stop: killed",
		    sup.procs[i].row->name, (int)sup.procs[i].pid);
		(void)kill(sup.procs[i].pid, SIGKILL);
	}
}

static void
died(struct proc *p, int status)
{
	if (!sup.stopping || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		log_death(p, status);
	p->pid = 0;
	wire_free(p->wire);
	p->wire = NULL;
	if (!p->ready)
		p->failures++;
	p->ready = false;
	proc_conns_died(p);
	if (sup.stopping)
		return;
	if (!sup.was_up && p->failures >= START_TRIES) {
		log_warnx("role=%s cannot be started", p->row->name);
		sup.result = 1;
		proc_stop();
		return;
	}
	if (proc_now_ms() - p->born_ms >= LIFE_LONG_MS)
		p->backoff_ms = 0;
	start_later(p);
}

static void
log_death(const struct proc *p, int status)
{
	const char *name;
	int number;

	if (WIFEXITED(status)) {
		log_warnx("role=%s instance=%u pid=%d ended status=%d%s",
		    p->row->name, p->instance, (int)p->pid, WEXITSTATUS(status),
		    WEXITSTATUS(status) == 127 ? " (not executable?)" : "");
		return;
	}
	if (WTERMSIG(status) != SIGSYS) {
		log_warnx("role=%s instance=%u pid=%d died signal=%d (%s)",
		    p->row->name, p->instance, (int)p->pid, WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
		return;
	}
	number = compat_audit_find(sup.audit_fd, p->pid);
	name = number == -1 ? "unknown" : compat_syscall_name(number);
	log_warnx("role=%s instance=%u pid=%d killed by its sandbox "
		  "signal=%d syscall=%s number=%d",
	    p->row->name, p->instance, (int)p->pid, WTERMSIG(status),
	    name == NULL ? "unlisted" : name, number);
}

static bool
all_ready(void)
{
	for (size_t i = 0; i < sup.n_procs; i++) {
		if (!sup.procs[i].ready)
			return false;
	}
	return true;
}

static bool
none_left(void)
{
	for (size_t i = 0; i < sup.n_procs; i++) {
		if (sup.procs[i].pid != 0)
			return false;
	}
	return true;
}
