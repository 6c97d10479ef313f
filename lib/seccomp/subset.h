/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is one compiled seccomp program at least as strict as another? Exactly, and with a system call as witness if not.
 *
 * "At least as strict" is the kernel's own order of actions (include/uapi/linux/seccomp.h: the numerically smallest
 * action of all filters wins): KILL_PROCESS, KILL_THREAD, TRAP, ERRNO, USER_NOTIF, TRACE, LOG, ALLOW. The data of an
 * action (which errno) does not count.
 */
#ifndef CFD_SUBSET_H
#define CFD_SUBSET_H

#include "lib/base.h"
#include "lib/err.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

/* BPF_MAXINSNS of linux/bpf_common.h: the kernel takes no longer program. */
#define CFD_SUBSET_MAX_PROGRAM 4096

struct cfd_subset_program {
	struct sock_filter *code;
	size_t length; /* instructions */
};

void cfd_subset_release(struct cfd_subset_program *program); /* frees the code */

struct cfd_subset_result {
	bool holds;                  /* A is at least as strict as B */
	struct seccomp_data witness; /* when it does not hold: a call that A treats less strictly */
	uint32_t action_a, action_b; /* what the two return for it */
	uint64_t steps;              /* the work it took: about one for each instruction followed */
};

/* How strict an action is: the smaller, the stricter. */
static inline int32_t cfd_subset_strictness(uint32_t action)
{
	return (int32_t)(action & SECCOMP_RET_ACTION_FULL);
}

/*
 * Follows the program on one call as the kernel would. -EINVAL: not a program that the kernel would load (length, jump
 * or load out of range, no return at the end). -EOPNOTSUPP: an instruction outside of what libseccomp generates.
 */
int cfd_subset_run(const struct cfd_subset_program *program, const struct seccomp_data *call, uint32_t *ret_action);

/*
 * Compares A with B for every architecture, number, instruction pointer and argument. 0 with the answer, or undecided,
 * which callers must take for a no: -EOPNOTSUPP an instruction or a use of the number that is not understood, -E2BIG
 * the bound on work was reached, -EINVAL not a program, -ENOMEM.
 */
int cfd_subset_compare(const struct cfd_subset_program *a, const struct cfd_subset_program *b,
		       struct cfd_subset_result *ret_result, struct cfd_error *err);

#endif
