/* SPDX-License-Identifier: Apache-2.0 */
/* Which version of which runtime will read config.json? */
#include "shim/reader.h"

#include "shim/contain.h"
#include "shim/launch.h"

#include "lib/spec/readers.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

static void destroy_actions(posix_spawn_file_actions_t *actions)
{
	posix_spawn_file_actions_destroy(actions);
}

/* stdin and stderr are /dev/null; nothing but those and the pipe is wanted, and all others are for the container. */
static int spawn(const char *runtime, int output, pid_t *ret_pid, struct cfd_error *err)
{
	CFD_AUTO(destroy_actions) posix_spawn_file_actions_t actions;
	CFD_AUTO_FREE char **environment = cfd_launch_environment(environ);
	char *const argv[] = {(char *)runtime, (char *)"--version", NULL};
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
	return r ? cfd_fail_errno(err, -r, "cannot ask the OCI runtime %s for its version", runtime) : 0;
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

int cfd_reader_ask(const char *runtime, struct cfd_reader *ret_reader, struct cfd_error *err)
{
	CFD_AUTO_FD int input = -1, output = -1;
	char text[128];
	pid_t pid = 0;
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC))
		return cfd_fail_errno(err, -errno, "cannot make a pipe");
	input = ends[0];
	output = ends[1];
	r = spawn(runtime, output, &pid, err);
	if (r)
		return r;
	cfd_base_close(&output);
	read_start(input, text, sizeof(text));
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	*ret_reader = cfd_reader_parse(text);
	return 0;
}

int cfd_reader_fit_config(struct cfd_contain *contain, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf list = {0};
	struct cfd_reader reader;
	int r;

	if (!cfd_reader_matters(&contain->verdict.spec))
		return 0;
	r = cfd_reader_ask(contain->runtime, &reader, err);
	if (!r)
		r = cfd_reader_fit(&contain->verdict.spec, &reader, &list, err);
	if (!r && list.length)
		r = cfd_contain_notice(contain, err, "removed from config.json, as %s would ignore it: %s",
				       contain->runtime, list.data);
	return r;
}
