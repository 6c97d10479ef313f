/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which cgroup is the container's? Its TOP one: with systemd's manager crun puts init into <scope>/container, and an
 * exec'd process may land beside it, so a guard on init's own cgroup would miss siblings.
 */
#ifndef CFD_CGROUP_H
#define CFD_CGROUP_H

#include "lib/base.h"
#include "lib/err.h"

/*
 * The container's top cgroup on the unified hierarchy: /proc/PID/cgroup of its first process, cut at what
 * linux.cgroupsPath says (cfd_cgroup_top). Refused (-EINVAL): no cgroup2 mounted, the hierarchy's root, a cgroup that
 * cgroupsPath does not lead to, or one that also holds the calling process or its parent, since then the guard would
 * govern the engine. -ESRCH: no such process. Gives an open directory, its path for people and its id (the inode
 * number, which is the kernel's cgroup id on 64 bits).
 */
int cfd_cgroup_of_container(int pid, const char *cgroups_path, int *ret_fd, char **ret_path, uint64_t *ret_id,
			    struct cfd_error *err);

/*
 * How much of `path`, the cgroup of the container's first process, is the container's: the length of its top cgroup's
 * path. cgroups_path is linux.cgroupsPath: "/a/b" is from the root, "a/b" is below the runtime's own cgroup, and
 * "slice:prefix:name" is the systemd unit prefix-name.scope (or `name` itself, if it ends in .slice), as runc and crun
 * understand them. NULL or "": the runtime chose, and `path` is all of it but crun's own "/container" below a scope.
 * -EINVAL when path is not there.
 */
int cfd_cgroup_top(const char *path, const char *cgroups_path, size_t *ret_length, struct cfd_error *err);

/* Where cgroup2 is mounted as a whole; the caller frees it. -EINVAL: nowhere. */
int cfd_cgroup_root(char **ret_path, struct cfd_error *err);

#endif
