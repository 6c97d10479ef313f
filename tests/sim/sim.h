/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls driven through compiled filters: what the kernel would answer, told by lib/subset's simulator, without
 * loading anything.
 */
#ifndef CFD_SIM_H
#define CFD_SIM_H

#include "lib/caps.h"
#include "lib/seccomp/subset.h"

#include <linux/audit.h>

#define ALLOW SECCOMP_RET_ALLOW
#define KILL SECCOMP_RET_KILL_THREAD
#define ERRNO(n) (SECCOMP_RET_ERRNO | (n))
#define PERM ERRNO(1)    /* EPERM: refused knowingly */
#define NOSYS ERRNO(38)  /* ENOSYS: not named by the profile */
#define FAMILY ERRNO(97) /* EAFNOSUPPORT */

/* A number for the native architecture; an unknown name fails the test. */
int sim_number(const char *name);

/* What the filter answers to the call. */
uint32_t sim_run(const struct cfd_subset_program *program, uint32_t arch, int number, const uint64_t args[6]);

/*
 * The shipped profile `docker-default` for these capabilities, merged with tests/sim/engines/<engine>.json unless that
 * is NULL, and compiled. The caller releases the program.
 */
void sim_build(cfd_caps bounding, const char *engine, bool all_architectures, struct cfd_subset_program *ret_program);

/* Tables are of x86_64: elsewhere the test is skipped. */
void sim_needs_x86_64(void);

#endif
