/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the runtime and standing in for it. */
#include "shim/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIXED_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Whole names, and beginnings that end in `_`. */
// clang-format off
static const char *const kept_variables[] = {
	"USER=",                     /* runc without root: whether XDG_RUNTIME_DIR counts */
	"HOME=",                     /* runc looks for its rootless directory there */
	"XDG_RUNTIME_DIR=",          /* both: root of a user's containers; the user's bus */
	"DBUS_SESSION_BUS_ADDRESS=", /* systemd's cgroup manager */
	"DBUS_SYSTEM_BUS_ADDRESS=",
	"NOTIFY_SOCKET=",            /* sd_notify of the container */
	"LISTEN_FDS=",               /* socket activation: descriptors from 3 on */
	"LISTEN_FDNAMES=",
	"LISTEN_PID=",
	"_OCI_",                     /* conmon: _OCI_SYNCPIPE, _OCI_STARTPIPE, _OCI_ATTACHPIPE */
	"LANG=",
	"LC_ALL=",
	"TZ=",
};
// clang-format on

static const int unforwarded[] = {SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGSEGV,
				  SIGBUS,  SIGILL,  SIGFPE,  SIGTRAP, SIGABRT};

static bool is_kept(const char *variable)
{
	for (size_t i = 0; i < CFD_COUNT(kept_variables); i++)
		if (cfd_starts_with(variable, kept_variables[i]))
			return true;
	return false;
}

char **cfd_launch_environment(char *const *environment)
{
	size_t count = 0, kept = 0;
	char **list;

	while (environment[count])
		count++;
	list = calloc(count + 2, sizeof(*list));
	if (!list)
		return NULL;
	list[kept++] = (char *)FIXED_PATH;
	for (size_t i = 0; i < count; i++)
		if (is_kept(environment[i]))
			list[kept++] = environment[i];
	return list;
}

int cfd_launch_replace(const char *runtime, char **argv, struct cfd_error *err)
{
	execv(runtime, argv);
	return cfd_fail_errno(err, -errno, "cannot execute the OCI runtime %s", runtime);
}

static void signals_to_forward(sigset_t *set)
{
	sigfillset(set);
	for (size_t i = 0; i < CFD_COUNT(unforwarded); i++)
		sigdelset(set, unforwarded[i]);
}

/* Only what is safe between fork and execve. */
static _Noreturn void become_runtime(const char *runtime, char **argv, char **environment, const sigset_t *mask,
				     pid_t parent, int report)
{
	bool tied = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
	ssize_t written;
	int code;

	/* If the parent died before the prctl, nobody will send the signal: hence the second look. */
	if (getppid() != parent)
		_exit(1);
	if (tied) {
		sigprocmask(SIG_SETMASK, mask, NULL);
		execve(runtime, argv, environment);
	}
	code = errno;
	written = write(report, &code, sizeof(code));
	(void)written; /* the parent has gone, or has what it needs */
	_exit(127);
}

/* The errno with which the child's execve failed, or 0: the pipe is closed by the execve. */
static int read_report(int report)
{
	ssize_t length;
	int code = 0;

	do
		length = read(report, &code, sizeof(code));
	while (length < 0 && errno == EINTR);
	return length == (ssize_t)sizeof(code) ? code : 0;
}

static int await_execve(const char *runtime, struct cfd_launch *launch, int report, struct cfd_error *err)
{
	int code = read_report(report);

	if (!code)
		return 0;
	cfd_launch_release(launch);
	return cfd_fail_errno(err, -code, "cannot execute the OCI runtime %s, or the interpreter that it names",
			      runtime);
}

int cfd_launch_start(const char *runtime, char **argv, struct cfd_launch *launch, struct cfd_error *err)
{
	CFD_AUTO_FREE char **environment = cfd_launch_environment(environ);
	CFD_AUTO_FD int signals = -1, report = -1, child_end = -1;
	sigset_t forward, before;
	pid_t self = getpid(), child;
	int ends[2];

	if (!environment)
		return cfd_fail_memory(err, "the runtime's environment");
	/* With SIGCHLD ignored, as an engine may have left it, there would be no status to wait for. */
	signal(SIGCHLD, SIG_DFL);
	signals_to_forward(&forward);
	sigprocmask(SIG_BLOCK, &forward, &before);
	signals = signalfd(-1, &forward, SFD_CLOEXEC);
	if (signals < 0)
		return cfd_fail_errno(err, -errno, "cannot open a descriptor for signals");
	if (pipe2(ends, O_CLOEXEC))
		return cfd_fail_errno(err, -errno, "cannot make a pipe");
	report = ends[0];
	child_end = ends[1];
	child = fork();
	if (child < 0)
		return cfd_fail_errno(err, -errno, "cannot start a process for the OCI runtime");
	if (child == 0)
		become_runtime(runtime, argv, environment, &before, self, child_end);
	cfd_base_close(&child_end);
	launch->pid = child;
	launch->signals = cfd_take_fd(&signals);
	return await_execve(runtime, launch, report, err);
}

static int has_ended(pid_t pid, bool *ret_ended, int *ret_status, struct cfd_error *err)
{
	int status = 0;
	pid_t found;

	do
		found = waitpid(pid, &status, WNOHANG);
	while (found < 0 && errno == EINTR);
	if (found < 0)
		return cfd_fail_errno(err, -errno, "cannot wait for the OCI runtime");
	*ret_ended = found == pid;
	if (*ret_ended)
		*ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}

int cfd_launch_wait(struct cfd_launch *launch, int *ret_status, struct cfd_error *err)
{
	struct signalfd_siginfo info;
	bool ended = false;

	for (;;) {
		int r = has_ended(launch->pid, &ended, ret_status, err);
		ssize_t length;

		if (r)
			return r;
		if (ended)
			break;
		length = read(launch->signals, &info, sizeof(info));
		if (length < 0 && errno == EINTR)
			continue;
		if (length != (ssize_t)sizeof(info))
			return cfd_fail_errno(err, length < 0 ? -errno : -EIO, "cannot read signals");
		if (info.ssi_signo != SIGCHLD && info.ssi_code <= 0)
			kill(launch->pid, (int)info.ssi_signo);
	}
	launch->pid = 0;
	return 0;
}

void cfd_launch_release(struct cfd_launch *launch)
{
	if (launch->pid > 0) {
		kill(launch->pid, SIGKILL);
		waitpid(launch->pid, NULL, 0);
		launch->pid = 0;
	}
	cfd_base_close(&launch->signals);
}

static void destroy_actions(posix_spawn_file_actions_t *actions)
{
	posix_spawn_file_actions_destroy(actions);
}

/* stdin and stderr are /dev/null; nothing but those and the pipe is wanted, and all others are for the container. */
static int spawn(const char *runtime, const char *word, int output, pid_t *ret_pid, struct cfd_error *err)
{
	CFD_AUTO(destroy_actions) posix_spawn_file_actions_t actions;
	CFD_AUTO_FREE char **environment = cfd_launch_environment(environ);
	char *const argv[] = {(char *)runtime, (char *)word, NULL};
	int r = posix_spawn_file_actions_init(&actions);

	if (!r && !environment)
		r = ENOMEM;
	if (!r)
		r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDERR_FILENO);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (!r)
		r = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	if (!r)
		r = posix_spawn(ret_pid, runtime, &actions, NULL, argv, environment);
	return r ? cfd_fail_errno(err, -r, "cannot start %s %s", runtime, word) : 0;
}

/* The first bytes; the rest is read too, as the writer might wait. */
static void read_start(int fd, char *text, size_t size)
{
	char rest[256];
	size_t length = 0;
	ssize_t got;

	do {
		got = length + 1 < size ? read(fd, text + length, size - 1 - length) : read(fd, rest, sizeof(rest));
		if (got > 0 && length + 1 < size)
			length += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	text[length] = '\0';
}

int cfd_launch_ask(const char *runtime, const char *word, char *text, size_t size, struct cfd_error *err)
{
	CFD_AUTO_FD int input = -1, output = -1;
	pid_t pid = 0;
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC))
		return cfd_fail_errno(err, -errno, "cannot make a pipe");
	input = ends[0];
	output = ends[1];
	r = spawn(runtime, word, output, &pid, err);
	if (r)
		return r;
	cfd_base_close(&output);
	read_start(input, text, size);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}
