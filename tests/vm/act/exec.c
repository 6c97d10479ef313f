/* SPDX-License-Identifier: Apache-2.0 */
/* What is executed, or mapped so that it may be; and what a container does first. */
#include "tests/vm/act/act.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Runs `FD --help`-like: a copy of guard-act itself or of a shell; the child's exec tells. */
static int exec_fd(int fd, char **argv)
{
	syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	return act_tell(1);
}

int act_exec(char **argv)
{
	pid_t child = fork();
	int status;

	if (!child) {
		execv(argv[0], argv);
		act_tell(1);
		_exit(126);
	}
	waitpid(child, &status, 0);
	return 0;
}

int act_memfd(char **argv)
{
	int from = open(argv[0], O_RDONLY), to = memfd_create("x", MFD_CLOEXEC);

	if (from < 0 || to < 0 || act_copy_into(from, to))
		return act_tell(1);
	return exec_fd(to, argv);
}

int act_tmpfile(char **argv)
{
	int from = open(argv[0], O_RDONLY), to = open(argv[1], O_RDWR | O_TMPFILE, 0755), again;
	char path[64];

	if (from < 0 || to < 0 || act_copy_into(from, to))
		return act_tell(1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", to);
	again = open(path, O_RDONLY | O_CLOEXEC); /* else ETXTBSY */
	if (again < 0)
		return act_tell(1);
	close(to);
	return exec_fd(again, argv);
}

/* Opens a file of the image, unlinks it, executes what is left. */
int act_deleted(char **argv)
{
	int fd = open(argv[0], O_RDONLY | O_CLOEXEC);

	if (fd < 0 || unlink(argv[0]))
		return act_tell(1);
	return exec_fd(fd, argv);
}

int act_mmap(char **argv)
{
	int fd = open(argv[0], O_RDONLY);

	return act_tell(fd < 0 || mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED);
}

int act_mmap_read(char **argv)
{
	int fd = open(argv[0], O_RDONLY);

	return act_tell(fd < 0 || mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
}

int act_mmap_anonymous(char **argv)
{
	(void)argv;
	return act_tell(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			MAP_FAILED);
}

/* What a container must not get through with its first instructions: status 1, a shell ran; 2, a connect was not
 * denied; 3, both. */
int act_first(char **argv)
{
	struct act_address to = act_parse(argv[0], argv[1]);
	int status = 0, fd = -1;
	pid_t child = vfork();

	if (!child) {
		execl("/bin/sh", "sh", "-c", "exit 42", NULL);
		_exit(0);
	}
	waitpid(child, &status, 0);
	fd = socket(to.storage.ss_family, SOCK_DGRAM, 0);
	if (fd < 0 || (connect(fd, (struct sockaddr *)&to.storage, to.length) && errno == EPERM))
		return WEXITSTATUS(status) == 42;
	return (WEXITSTATUS(status) == 42) | 2;
}
