/* SPDX-License-Identifier: Apache-2.0 */
/* Work in a child, whose error comes back through a pipe. */
#include "lib/child.h"

#include "lib/base.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert(sizeof(struct cfd_error) <= PIPE_BUF, "it arrives whole or not at all");

static _Noreturn void child(int (*work)(void *data, struct cfd_error *err), void *data, int pipe_end, pid_t parent)
{
	struct cfd_error err = {0};
	int r = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		r = cfd_fail_errno(&err, -errno, "cannot tie a process to the one that started it");
	/* In a pid namespace other than the parent's, getppid() is 0. */
	if (getppid() != 0 && getppid() != parent)
		_exit(1);
	if (!r)
		r = work(data, &err);
	err.code = r;
	_exit(write(pipe_end, &err, sizeof(err)) == (ssize_t)sizeof(err) ? 0 : 1);
}

int cfd_child_run(int (*work)(void *data, struct cfd_error *err), void *data, const char *what, struct cfd_error *err)
{
	CFD_AUTO_FD int reader = -1, writer = -1;
	struct cfd_error result = {0};
	pid_t parent = getpid(), pid;
	ssize_t length;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return cfd_fail_errno(err, -errno, "cannot make a pipe");
	reader = ends[0];
	writer = ends[1];
	pid = fork();
	if (pid == 0)
		child(work, data, writer, parent);
	if (pid < 0)
		return cfd_fail_errno(err, -errno, "cannot start %s", what);
	cfd_base_close(&writer);
	do
		length = read(reader, &result, sizeof(result));
	while (length < 0 && errno == EINTR);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (length != (ssize_t)sizeof(result))
		return cfd_fail(err, -EIO, "%s died", what);
	if (result.code)
		*err = result;
	return result.code;
}
