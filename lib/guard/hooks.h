/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The LSM hooks that programs on cgroups take up. The kernel has CFD_GUARD_HOOKS_MAX for the whole host
 * (CGROUP_LSM_NUM, include/linux/bpf-cgroup-defs.h); a hook is free again when the last program has left it. Knows
 * libbpf.
 */
#ifndef CFD_GUARD_HOOKS_H
#define CFD_GUARD_HOOKS_H

#include "lib/base.h"
#include "lib/err.h"

#define CFD_GUARD_HOOKS_MAX 10

/* Room for the names of all hooks, with commas. */
#define CFD_GUARD_HOOKS_NAMES 512

/* The LSM hook of a program, by its open descriptor: "bprm_check_security". "?" when the kernel does not tell. */
const char *cfd_guard_hooks_name(int program_fd, char *buffer, size_t room);

/*
 * Counts the hooks that programs of others take up, in the cgroup2 hierarchy mounted at `root`, and writes their names
 * into `names`. Programs of the guard's (of any version) do not count.
 */
int cfd_guard_hooks_of_others(const char *root, char names[CFD_GUARD_HOOKS_NAMES], size_t *ret_count,
			      struct cfd_error *err);

/* Loads the least program of the kind and lets it go: whether this kernel takes any from this caller. -EOPNOTSUPP. */
int cfd_guard_hooks_try(struct cfd_error *err);

#endif
