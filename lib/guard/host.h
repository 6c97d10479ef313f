/* SPDX-License-Identifier: Apache-2.0 */
/* What the guard needs of this host, and what to do when it is not there. Knows nothing of BPF but where it shows. */
#ifndef CFD_GUARD_HOST_H
#define CFD_GUARD_HOST_H

#include "lib/base.h"
#include "lib/err.h"

#define CFD_GUARD_HOST_LSM_LIST "/sys/kernel/security/lsm" /* Documentation/admin-guide/LSM/index.rst */

/* The first half of cfd_guard_host_check. */
int cfd_guard_host_check_bpffs(struct cfd_error *err);

/* bpffs at /sys/fs/bpf and cgroup2 somewhere. -EOPNOTSUPP with the command that helps; nothing is mounted here. */
int cfd_guard_host_check(struct cfd_error *err);

/*
 * Whether the kernel consults BPF programs as a security module. -EOPNOTSUPP: it does not, with the boot parameter that
 * would make it. 0 also when it cannot be told (no securityfs): then only a trial tells.
 */
int cfd_guard_host_check_lsm(struct cfd_error *err);

/*
 * -EOPNOTSUPP: why the kernel did not load the programs (among them LSM programs: `lsm`), from what it returned and
 * from the verifier's log, which is changed.
 */
int cfd_guard_host_explain(bool lsm, int code, char *log, struct cfd_error *err);

/* The kernel's release, for messages; always a string. */
const char *cfd_guard_host_release(char *buffer, size_t room);

#endif
