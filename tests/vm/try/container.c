/* SPDX-License-Identifier: Apache-2.0 */
/* The part of engine and runtime: containers that are started, and entered as by `runtime exec`. */
#include "tests/vm/try/try.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The runtime's part: a mount namespace and a root of its own, then it waits to be told to go on. */
static _Noreturn void become_init(const char *cgroup, const char *root, int ready, char **argv)
{
	char byte;

	try_enter_cgroup(cgroup);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(root, root, NULL, MS_BIND | MS_REC, NULL) || chdir(root) || chroot("."))
		try_die_errno("root");
	if (read(ready, &byte, 1) != 1)
		exit(3);
	execv(argv[0], argv);
	printf("%s\n", strerrorname_np(errno));
	fflush(stdout);
	_exit(126);
}

static void write_pid(const char *name, pid_t pid)
{
	char text[16], file[128];
	struct cfd_error err;
	int length = snprintf(text, sizeof(text), "%d", pid);

	snprintf(file, sizeof(file), "%s.pid", name);
	if (cfd_fd_write_file(try_state_dir(), file, text, (size_t)length, 0600, false, &err))
		try_die(&err);
}

static pid_t read_pid(const char *name)
{
	char path[256], text[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), TRY_STATE "/%s.pid", name);
	file = fopen(path, "re");
	if (!file || !fgets(text, sizeof(text), file))
		try_die_errno(path);
	fclose(file);
	return (pid_t)strtol(text, NULL, 10);
}

pid_t try_start_init(const char *cgroup, const char *root, const struct cfd_policy *policy, char **argv,
		     unsigned long namespaces)
{
	struct cfd_guard_target target;
	struct cfd_error err;
	int ready[2];
	pid_t pid;

	target.cgroup_fd = try_open_cgroup(cgroup, true, &target.cgroup_id);
	if (pipe2(ready, O_CLOEXEC))
		try_die_errno("pipe");
	pid = (pid_t)syscall(SYS_clone, namespaces | SIGCHLD, NULL, NULL, NULL, NULL);
	if (!pid) {
		close(ready[1]);
		become_init(cgroup, root, ready[0], argv);
	}
	/* Its mount namespace tells it apart from the runtime's: wait until it has one. */
	for (int i = 0; i < 2000; i++) {
		char mine[64], its[64], path[64];
		ssize_t a = readlink("/proc/self/ns/mnt", mine, sizeof(mine) - 1), b;

		snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
		b = readlink(path, its, sizeof(its) - 1);
		if (a > 0 && b > 0 && (a != b || memcmp(mine, its, (size_t)a)))
			break;
		usleep(1000);
	}
	target.init_pid = pid;
	for (int twice = 0; policy && twice < 2; twice++) /* engines run hooks twice */
		if (cfd_guard_attach(&target, policy, try_everything, &err)) {
			kill(pid, SIGKILL);
			try_die(&err);
		}
	if (write(ready[1], "", 1) != 1)
		try_die_errno("start");
	close(ready[0]);
	close(ready[1]);
	close(target.cgroup_fd);
	return pid;
}

static int start(char **argv, bool wait_for_it)
{
	struct cfd_policy *policy = try_compile(argv[1], argv[2], argv[3]);
	pid_t pid = try_start_init(argv[0], argv[3], policy, argv + 4, 0);
	int status = 0;

	write_pid(argv[0], pid);
	if (!wait_for_it)
		return 0;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* bare NAME ROOT ARGV...: the same without the guard, for comparisons. */
int try_bare(char **argv)
{
	write_pid(argv[0], try_start_init(argv[0], argv[1], NULL, argv + 2, 0));
	return 0;
}

static int enter(char **argv, bool early)
{
	char path[64], late[] = "enter-late";
	int mnt;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", read_pid(argv[0]));
	mnt = open(path, O_RDONLY | O_CLOEXEC);
	if (early) { /* the runtime re-executes itself when it is in the cgroup already */
		try_enter_cgroup(argv[1]);
		argv[-1] = late;
		execv("/proc/self/exe", argv - 2);
		try_die_errno("re-exec");
	}
	try_enter_cgroup(argv[1]);
	snprintf(path, sizeof(path), "/proc/%d/root", read_pid(argv[0]));
	if (mnt < 0 || setns(mnt, CLONE_NEWNS) || chdir(path) || chroot("."))
		try_die_errno("enter");
	execv(argv[2], argv + 2);
	printf("%s\n", strerrorname_np(errno));
	return 126;
}

/* start NAME PROFILES PROFILE ROOT ARGV...: leaves it running. */
int try_start(char **argv)
{
	return start(argv, false);
}

/* run NAME PROFILES PROFILE ROOT ARGV...: waits and gives its status. */
int try_run(char **argv)
{
	return start(argv, true);
}

/* enter NAME CGROUP ARGV...: as `runtime exec` does, into the cgroup, then into the container, then exec. */
int try_enter(char **argv)
{
	return enter(argv, false);
}

/* enter-early NAME CGROUP ARGV...: the same, re-executed in between. */
int try_enter_early(char **argv)
{
	return enter(argv, true);
}
