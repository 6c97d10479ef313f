/* SPDX-License-Identifier: Apache-2.0 */
/* Which cgroup is the container's. */
#include "lib/guard/cgroup.h"
#include "lib/fd.h"
#include "lib/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CGROUP_MAX_BYTES ((size_t)64 << 10)

int cfd_cgroup_root(char **ret_path, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	struct cfd_mountinfo mount;
	char *cursor;
	int r = cfd_mountinfo_read(&buf, err);

	if (r)
		return r;
	cursor = buf.data;
	while (cfd_mountinfo_next(&cursor, &mount)) {
		if (!cfd_streq(mount.type, "cgroup2") || !cfd_streq(mount.root, "/"))
			continue;
		*ret_path = strdup(mount.point);
		return *ret_path ? 0 : cfd_fail_memory(err, "a path");
	}
	return cfd_fail(err, -EINVAL,
			"no cgroup2 filesystem is mounted here, so no container can be governed: boot with "
			"systemd.unified_cgroup_hierarchy=1, or mount -t cgroup2 none /sys/fs/cgroup");
}

/* Where the components of `part` stand in `path`, the last time; NULL: nowhere. Both without a slash at their end. */
static const char *find_components(const char *path, const char *part)
{
	size_t length = strlen(part);
	const char *found = NULL;

	if (!length)
		return NULL;
	for (const char *at = path; (at = strstr(at, part)); at++)
		if (at > path && at[-1] == '/' && (at[length] == '/' || !at[length]))
			found = at;
	return found;
}

/* slice:prefix:name */
static int top_of_unit(const char *path, const char *cgroups_path, size_t *ret_length, struct cfd_error *err)
{
	const char *prefix = strchr(cgroups_path, ':') + 1, *name = strchr(prefix, ':'), *found;
	CFD_AUTO_BUF struct cfd_buf unit = {0};
	int r;

	if (!name || strchr(name + 1, ':') || !name[1])
		return cfd_fail(err, -EINVAL, "linux.cgroupsPath %s is not of the form slice:prefix:name",
				cgroups_path);
	if (cfd_ends_with(name + 1, ".slice"))
		r = cfd_buf_add_string(&unit, name + 1);
	else if (name == prefix)
		r = cfd_buf_addf(&unit, "%s.scope", name + 1);
	else
		r = cfd_buf_addf(&unit, "%.*s-%s.scope", (int)(name - prefix), prefix, name + 1);
	if (r)
		return cfd_fail_memory(err, "a cgroup's name");
	found = find_components(path, unit.data);
	if (!found)
		return cfd_fail(err, -EINVAL,
				"the container's first process is in the cgroup %s, not in the unit %s that "
				"linux.cgroupsPath %s names",
				path, unit.data, cgroups_path);
	*ret_length = (size_t)(found - path) + unit.length;
	return 0;
}

static int top_of_path(const char *path, const char *cgroups_path, size_t *ret_length, struct cfd_error *err)
{
	CFD_AUTO_FREE char *wanted = strdup(cgroups_path);
	const char *found = NULL;
	size_t length;

	if (!wanted)
		return cfd_fail_memory(err, "a cgroup's name");
	length = strlen(wanted);
	while (length && wanted[length - 1] == '/')
		wanted[--length] = '\0';
	if (wanted[0] != '/')
		found = find_components(path, wanted);
	else if (length > 1 && cfd_starts_with(path, wanted) && (path[length] == '/' || !path[length]))
		found = path;
	if (!found)
		return cfd_fail(
			err, -EINVAL,
			"the container's first process is in the cgroup %s, not in %s as linux.cgroupsPath says", path,
			cgroups_path);
	*ret_length = (size_t)(found - path) + length;
	return 0;
}

int cfd_cgroup_top(const char *path, const char *cgroups_path, size_t *ret_length, struct cfd_error *err)
{
	size_t length = strlen(path), tail = strlen("/container");

	if (cgroups_path && cgroups_path[0])
		return strchr(cgroups_path, ':') ? top_of_unit(path, cgroups_path, ret_length, err)
						 : top_of_path(path, cgroups_path, ret_length, err);
	if (cfd_ends_with(path, ".scope/container"))
		length -= tail;
	*ret_length = length;
	return 0;
}

/* The path in the line `0::PATH`; other lines are hierarchies of version 1. */
static int read_path(const char *process, char **ret_path, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	char name[64], *cursor, *line;
	int r;

	snprintf(name, sizeof(name), "/proc/%s/cgroup", process);
	r = cfd_fd_read_kernel(AT_FDCWD, name, CGROUP_MAX_BYTES, &buf, err);
	if (r == -ENOENT || r == -ESRCH)
		return cfd_fail(err, -ESRCH, "process %s is gone", process);
	if (r)
		return r;
	cursor = buf.data;
	while ((line = strsep(&cursor, "\n"))) {
		if (!cfd_starts_with(line, "0::/"))
			continue;
		*ret_path = strdup(line + 3);
		return *ret_path ? 0 : cfd_fail_memory(err, "a path");
	}
	return cfd_fail(err, -EINVAL, "%s has no line for cgroup2: this kernel runs cgroup version 1 only", name);
}

static bool is_within(const char *path, const char *top)
{
	size_t length = strlen(top);

	return cfd_starts_with(path, top) && (path[length] == '/' || !path[length]);
}

static int check_not_ours(const char *top, struct cfd_error *err)
{
	char parent[16];
	const char *processes[] = {"self", parent};

	snprintf(parent, sizeof(parent), "%d", (int)getppid());
	for (size_t i = 0; i < CFD_COUNT(processes); i++) {
		CFD_AUTO_FREE char *path = NULL;
		int r;

		if (i && getppid() == 0) /* in a pid namespace of our own */
			break;
		r = read_path(processes[i], &path, err);
		if (r)
			return r;
		if (is_within(path, top))
			return cfd_fail(
				err, -EINVAL,
				"the container's cgroup %s also holds the runtime or this process (%s), which the "
				"guard would then govern: give the container a cgroup of its own",
				top, path);
	}
	return 0;
}

static int open_cgroup(const char *root, const char *top, int *ret_fd, uint64_t *ret_id, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf path = {0};
	CFD_AUTO_FD int fd = -1;
	struct stat st;
	int r;

	if (cfd_buf_addf(&path, "%s%s", root, top))
		return cfd_fail_memory(err, "a path");
	r = cfd_fd_open_dir(AT_FDCWD, path.data, false, &fd, err);
	if (r)
		return r;
	if (fstat(fd, &st))
		return cfd_fail_errno(err, -errno, "cannot stat %s", path.data);
	*ret_id = st.st_ino;
	*ret_fd = cfd_take_fd(&fd);
	return 0;
}

static int find_top(int pid, const char *cgroups_path, char **ret_top, struct cfd_error *err)
{
	CFD_AUTO_FREE char *path = NULL;
	char process[16];
	size_t length;
	int r;

	snprintf(process, sizeof(process), "%d", pid);
	r = read_path(process, &path, err);
	if (r)
		return r;
	if (cfd_streq(path, "/") || cfd_starts_with(path, "/../") || cfd_streq(path, "/.."))
		return cfd_fail(
			err, -EINVAL,
			"the container's first process is in the cgroup %s: it needs one of its own, below ours", path);
	r = cfd_cgroup_top(path, cgroups_path, &length, err);
	if (r)
		return r;
	path[length] = '\0';
	*ret_top = cfd_take(path);
	return 0;
}

int cfd_cgroup_of_container(int pid, const char *cgroups_path, int *ret_fd, char **ret_path, uint64_t *ret_id,
			    struct cfd_error *err)
{
	CFD_AUTO_FREE char *root = NULL, *top = NULL;
	CFD_AUTO_FD int fd = -1;
	uint64_t id = 0;
	int r = cfd_cgroup_root(&root, err);

	if (!r)
		r = find_top(pid, cgroups_path, &top, err);
	if (!r)
		r = check_not_ours(top, err);
	if (!r)
		r = open_cgroup(root, top, &fd, &id, err);
	if (r)
		return r;
	*ret_fd = cfd_take_fd(&fd);
	*ret_path = cfd_take(top);
	*ret_id = id;
	return 0;
}
