/* SPDX-License-Identifier: Apache-2.0 */
/* Whether this process is root of the host, and user namespaces that map a range. */
#include "lib/userns/userns.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID_END UINT64_C(4294967295) /* the last number is (uid_t)-1, which is nobody's */

int cfd_userns_is_initial(bool *ret_initial, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf map = {0};
	unsigned long inside, outside, count;
	int r = cfd_fd_read_kernel(AT_FDCWD, "/proc/self/uid_map", 65536, &map, err);

	if (r)
		return r;
	/* A namespace without a map yet reads as empty, and is not the initial one. */
	*ret_initial = map.length && sscanf(map.data, "%lu %lu %lu", &inside, &outside, &count) == 3 && inside == 0 &&
		       outside == 0 && count == ID_END;
	return 0;
}

int cfd_userns_check_rootful(struct cfd_error *err)
{
	bool initial = false;
	int r = cfd_userns_is_initial(&initial, err);

	if (r || (initial && geteuid() == 0))
		return r;
	return cfd_fail(err, -EOPNOTSUPP,
			"the engine runs without root (%s); cofferdam contains rootful engines only, as the guard and "
			"the records of the host are root's",
			initial ? "it is not uid 0" : "in a user namespace");
}

struct child {
	int pid;
	int pidfd;
};

static void child_end(struct child *child)
{
	siginfo_t info;

	if (child->pid <= 0)
		return;
	/* One that cannot be signalled is not waited for: it goes with this process. */
	if (syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0) && errno != ESRCH) {
		cfd_base_close(&child->pidfd);
		return;
	}
	/* ECHILD: whoever started us ignores SIGCHLD, and the kernel has reaped it. */
	while (waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | __WALL) && errno == EINTR)
		;
	cfd_base_close(&child->pidfd);
}

/* Lives until it is killed, or until its parent is gone. It has copies of the parent's descriptors for that long. */
static _Noreturn void child_wait(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
	for (;;)
		pause();
}

static int child_start(struct child *ret_child, struct cfd_error *err)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t parent = getpid();
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		child_wait(parent);
	if (pid < 0 && (errno == ENOSPC || errno == EUSERS))
		return cfd_fail(err, -errno,
				"the kernel makes no more user namespaces: raise user.max_user_namespaces (sysctl)");
	if (pid < 0)
		return cfd_fail_errno(err, -errno, "cannot make a user namespace");
	*ret_child = (struct child){.pid = (int)pid, .pidfd = pidfd};
	return 0;
}

static int write_map(int proc, const char *name, const struct cfd_userns_range *range, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = openat(proc, name, O_WRONLY | O_CLOEXEC);
	char line[64];

	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open %s of the new user namespace", name);
	snprintf(line, sizeof(line), "0 %u %u\n", range->base, range->size);
	return cfd_fd_write_all(fd, line, strlen(line), name, err);
}

int cfd_userns_open(const struct cfd_userns_range *range, int *ret_fd, struct cfd_error *err)
{
	CFD_AUTO(child_end) struct child child = {.pidfd = -1};
	CFD_AUTO_FD int proc = -1, fd = -1;
	char path[32];
	int r = child_start(&child, err);

	if (r)
		return r;
	snprintf(path, sizeof(path), "/proc/%d", child.pid);
	r = cfd_fd_open_dir(AT_FDCWD, path, false, &proc, err);
	if (!r)
		r = write_map(proc, "uid_map", range, err);
	if (!r)
		r = write_map(proc, "gid_map", range, err);
	if (r)
		return r;
	fd = openat(proc, "ns/user", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open the new user namespace");
	*ret_fd = cfd_take_fd(&fd);
	return 0;
}
