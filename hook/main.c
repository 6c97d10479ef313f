/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cofferdam-hook: called by the runtime with the container's state on standard input, or by podman, before there is a
 * runtime, with config.json. A failure of createRuntime or precreate ends the creation; crun and podman hide what a
 * hook says, so the audit log has it too.
 */
#include "hook/call.h"

#include "lib/audit.h"
#include "lib/fd.h"
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

// clang-format off
static const struct {
	const char *name;
	int (*open)(int input, struct cfd_call *call, struct cfd_error *err);
	int (*run)(struct cfd_call *call, struct cfd_error *err);
} stages[] = {
	{ "createRuntime", cfd_call_open,      cfd_stage_create },
	{ "prestart",      cfd_call_open,      cfd_stage_create }, /* the older name of the same moment */
	{ "poststop",      cfd_call_open,      cfd_stage_stop },
	{ "precreate",     cfd_precreate_open, cfd_stage_precreate },
};
// clang-format on

/*
 * The hook ends itself when it takes too long; its `timeout` in config.json is left out. All of crun (1.8 to 1.28,
 * run_process_with_stdin_timeout_envp) loses the hook's SIGCHLD when another child's is pending, then waits for the
 * whole of the timeout and fails a creation that went well: 1 of 60 here.
 */
#define SECONDS_AT_MOST 60

static void limit_time(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	signal(SIGALRM, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	alarm(SECONDS_AT_MOST);
}

static int usage(void)
{
	fputs("usage: cofferdam-hook createRuntime | prestart | poststop   (called by an OCI runtime, state on stdin)\n"
	      "       cofferdam-hook precreate [--with-runtime]   (called by podman, config.json on stdin)\n",
	      stderr);
	return 2;
}

/* One that is closed would become the next file that is opened, which would get what is meant for the caller. */
static bool hold_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	return true;
}

static bool is_null_device(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

/*
 * podman gives its precreate hooks /dev/null for standard error (go.podman.io/common/pkg/hooks/exec), and its user an
 * exit status. So the words go where podman's own go. The descriptor itself is borrowed: to open /proc/PID/fd/2 anew
 * would give us, as root, what podman may have only for reading. Where it cannot be had, the audit log has to do.
 */
static void borrow_stderr_of_parent(void)
{
	pid_t parent = getppid();
	CFD_AUTO_FD int pidfd = -1, fd = -1;

	if (!is_null_device(STDERR_FILENO))
		return;
	pidfd = pidfd_open(parent, 0);
	if (pidfd < 0 || getppid() != parent)
		return;
	fd = pidfd_getfd(pidfd, STDERR_FILENO, 0);
	if (fd >= 0)
		dup2(fd, STDERR_FILENO);
}

/* runc hands it on to the engine, as its own error. */
static void tell(size_t stage, const char *message)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};

	if (stages[stage].run == cfd_stage_precreate)
		borrow_stderr_of_parent();
	if (cfd_buf_addf(&text, "cofferdam-hook: %s: %s", stages[stage].name, message) == 0)
		cfd_log_refusal(NULL, false, text.data);
}

/* crun hides what a hook says. The shim, which waits for the runtime, finds it here and tells the engine. */
static void leave_message(const struct cfd_call *call, const char *message)
{
	CFD_AUTO_FD int dirfd = -1;
	struct cfd_error ignored = {0};

	if (call->ours && cfd_state_open_container(call->state, call->key, &dirfd, &ignored) == 0)
		cfd_fd_write_file(dirfd, CFD_STATE_FAILURE, message, strlen(message), 0600, false, &ignored);
}

static int run(size_t stage, bool with_runtime)
{
	CFD_AUTO(cfd_call_release) struct cfd_call call = CFD_CALL_INIT;
	struct cfd_error err = {0}, ignored = {0};
	int r;

	limit_time();
	signal(SIGPIPE, SIG_IGN); /* whoever does not read standard output to its end is told */
	call.with_runtime = with_runtime;
	r = stages[stage].open(STDIN_FILENO, &call, &err);
	if (!r)
		r = stages[stage].run(&call, &err);
	if (!r)
		return 0;
	tell(stage, err.message);
	leave_message(&call, err.message);
	if (call.audit_fd >= 0)
		cfd_audit_failure(call.audit_fd, &call.config, call.id ? call.id : "", stages[stage].name, err.message,
				  &ignored);
	return 1;
}

int main(int argc, char **argv)
{
	bool with_runtime = argc == 3 && cfd_streq(argv[1], "precreate") && cfd_streq(argv[2], "--with-runtime");

	if (!hold_standard_descriptors())
		return 1;
	if (argc == 2 && cfd_streq(argv[1], "--version")) {
		puts("cofferdam-hook " CFD_VERSION);
		return 0;
	}
	for (size_t i = 0; (argc == 2 || with_runtime) && i < CFD_COUNT(stages); i++)
		if (cfd_streq(argv[1], stages[i].name))
			return run(i, with_runtime);
	return usage();
}
