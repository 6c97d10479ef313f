/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the map of a user namespace that may have no process. */
#include "lib/userns/map.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAP_TEXT 256 /* a line of one range has 33 characters; what has more than one is none of ours */

/* Read from inside, the numbers are those of the parent namespace (user_namespaces(7), /proc/PID/uid_map). */
static _Noreturn void child_tell(int userns_fd, int pipe_end, pid_t parent)
{
	char text[MAP_TEXT];
	ssize_t length;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || setns(userns_fd, CLONE_NEWUSER))
		_exit(1);
	fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, text, sizeof(text));
	_exit(length > 0 && write(pipe_end, text, (size_t)length) == length ? 0 : 1);
}

static int ask_child(int userns_fd, char ret_text[MAP_TEXT + 1], struct cfd_error *err)
{
	CFD_AUTO_FD int reader = -1, writer = -1;
	pid_t parent = getpid(), pid;
	ssize_t length;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return cfd_fail_errno(err, -errno, "cannot make a pipe");
	reader = ends[0];
	writer = ends[1];
	pid = fork();
	if (pid == 0)
		child_tell(userns_fd, writer, parent);
	if (pid < 0)
		return cfd_fail_errno(err, -errno, "cannot start a process in a user namespace");
	cfd_base_close(&writer);
	do
		length = read(reader, ret_text, MAP_TEXT); /* smaller than PIPE_BUF: whole or not at all */
	while (length < 0 && errno == EINTR);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (length <= 0)
		return cfd_fail(err, -EINVAL, "the map of a user namespace cannot be read from inside of it");
	ret_text[length] = '\0';
	return 0;
}

int cfd_userns_read_map(int userns_fd, struct cfd_userns_range *ret_range, struct cfd_error *err)
{
	char text[MAP_TEXT + 1], behind;
	struct cfd_userns_range range;
	uint32_t inside;
	int r = ask_child(userns_fd, text, err);

	if (r)
		return r;
	if (sscanf(text, "%10" SCNu32 " %10" SCNu32 " %10" SCNu32 " %c", &inside, &range.base, &range.size, &behind) !=
		    3 ||
	    inside != 0)
		return cfd_fail(err, -EINVAL, "the user namespace has a map that cofferdam did not write: %.64s", text);
	*ret_range = range;
	return 0;
}
