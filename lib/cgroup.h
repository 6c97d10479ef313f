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
 * linux.cgroupsPath says ("/a/b", or systemd's "slice:prefix:name" -> ".../prefix-name.scope"). Refused (-EINVAL): no
 * cgroup2 mounted, the hierarchy's root, or a cgroup that also holds the calling process or its parent, since then the
 * guard would govern the engine. -ESRCH: no such process. Gives an open directory, its path for people and its id (the
 * inode number, which is the kernel's cgroup id on 64 bits).
 */
int cfd_cgroup_of_container(int pid, const char *cgroups_path, int *ret_fd, char **ret_path, uint64_t *ret_id,
			    struct cfd_error *err);

#endif
