/* SPDX-License-Identifier: Apache-2.0 */
/* The ids that a user namespace maps. */
#include "lib/userns/maps.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINES_MAX 340 /* UID_GID_MAP_MAX_EXTENTS, user_namespaces(7) */

void cfd_maps_release(struct cfd_maps *maps)
{
	free(maps->uids.values);
	free(maps->gids.values);
	*maps = (struct cfd_maps){0};
}

/* Three numbers, in columns that the kernel fills up with spaces. Moves behind the line. */
static int parse_line(const char **text, struct cfd_spec_id_map *ret_map)
{
	uint32_t numbers[3];

	for (size_t i = 0; i < CFD_COUNT(numbers); i++) {
		char word[16];
		uint64_t number;
		size_t length;

		*text += strspn(*text, " ");
		length = strspn(*text, "0123456789");
		if (length >= sizeof(word))
			return -EINVAL;
		memcpy(word, *text, length);
		word[length] = '\0';
		if (cfd_parse_u64(word, UINT32_MAX, &number))
			return -EINVAL;
		numbers[i] = (uint32_t)number;
		*text += length;
	}
	if (**text != '\n')
		return -EINVAL;
	(*text)++;
	*ret_map = (struct cfd_spec_id_map){.container_id = numbers[0], .host_id = numbers[1], .size = numbers[2]};
	return 0;
}

int cfd_maps_parse(const char *text, struct cfd_spec_id_maps *ret_maps, struct cfd_error *err)
{
	CFD_AUTO_FREE struct cfd_spec_id_map *values = calloc(LINES_MAX, sizeof(*values));
	size_t count = 0;

	if (!values)
		return cfd_fail_memory(err, "a mapping of ids");
	for (; *text; count++)
		if (count == LINES_MAX || parse_line(&text, &values[count]))
			return cfd_fail(err, -EINVAL, "line %zu of a mapping of ids cannot be read", count + 1);
	*ret_maps = (struct cfd_spec_id_maps){.values = cfd_take(values), .count = count};
	return 0;
}

static int read_one(const char *process, const char *name, struct cfd_spec_id_maps *ret_maps, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	char path[64];
	int r;

	snprintf(path, sizeof(path), "%s/%s", process, name);
	r = cfd_fd_read_kernel(AT_FDCWD, path, 65536, &text, err);
	return r ? r : cfd_maps_parse(text.data ? text.data : "", ret_maps, err);
}

static int read_both(const char *process, struct cfd_maps *ret_maps, struct cfd_error *err)
{
	CFD_AUTO(cfd_maps_release) struct cfd_maps maps = {0};
	int r = read_one(process, "uid_map", &maps.uids, err);

	if (!r)
		r = read_one(process, "gid_map", &maps.gids, err);
	if (r)
		return r;
	*ret_maps = maps;
	maps = (struct cfd_maps){0};
	return 0;
}

/* Lives in the namespace until it is killed. Another pid namespace is not entered, so its number is ours. */
static _Noreturn void child_enter(int fd, int report, pid_t parent)
{
	char byte = 'y';

	if (setns(fd, CLONE_NEWUSER) || prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent ||
	    write(report, &byte, 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static bool has_entered(int report)
{
	ssize_t length;
	char byte = 0;

	do
		length = read(report, &byte, 1);
	while (length < 0 && errno == EINTR);
	return length == 1;
}

static int read_inside(int fd, struct cfd_maps *ret_maps, struct cfd_error *err)
{
	CFD_AUTO_FD int reader = -1, writer = -1;
	pid_t parent = getpid(), child;
	char process[32];
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC))
		return cfd_fail_errno(err, -errno, "cannot make a pipe");
	reader = ends[0];
	writer = ends[1];
	child = fork();
	if (child == 0)
		child_enter(fd, writer, parent);
	if (child < 0)
		return cfd_fail_errno(err, -errno, "cannot start a process for a user namespace");
	cfd_base_close(&writer);
	snprintf(process, sizeof(process), "/proc/%d", (int)child);
	r = has_entered(reader) ? read_both(process, ret_maps, err)
				: cfd_fail(err, -EPERM, "this process may not enter the user namespace");
	kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

/* "/proc/PID" of "/proc/PID/ns/user", if the process is in the namespace. */
static bool names_process(int fd, const char *path, char ret_process[32])
{
	size_t digits = cfd_starts_with(path, "/proc/") ? strspn(path + strlen("/proc/"), "0123456789") : 0;
	struct stat wanted, found;

	if (!digits || digits > 10 || !cfd_streq(path + strlen("/proc/") + digits, "/ns/user"))
		return false;
	snprintf(ret_process, 32, "%.*s", (int)(strlen("/proc/") + digits), path);
	return fstat(fd, &wanted) == 0 && stat(path, &found) == 0 && wanted.st_dev == found.st_dev &&
	       wanted.st_ino == found.st_ino;
}

int cfd_maps_of_namespace(int fd, const char *path, struct cfd_maps *ret_maps, struct cfd_error *err)
{
	struct cfd_error why = {0};
	char process[32];
	int r;

	if (fd < 0)
		return cfd_fail(err, -EPERM, "%s is no namespace that can be opened", path);
	r = read_inside(fd, ret_maps, &why);
	if (r == -EPERM && names_process(fd, path, process))
		return read_both(process, ret_maps, err);
	if (r)
		*err = why;
	return r;
}
