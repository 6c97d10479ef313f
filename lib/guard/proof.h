/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard's own cgroup, <cgroup2>/cofferdam, and the trial that takes place in it. Nothing ever runs there but, for
 * some milliseconds, a child that tries what a container without policy must not do: whether it was denied is the only
 * proof that the kernel calls the programs (they load and attach even where `bpf` is not among the active LSMs).
 */
#ifndef CFD_GUARD_PROOF_H
#define CFD_GUARD_PROOF_H

#include "lib/base.h"
#include "lib/err.h"

/*
 * The cgroup, new and empty: one that is left from an earlier load is removed first, and with it what was attached to
 * it. Its id is what the storage of its state is keyed by.
 */
int cfd_guard_proof_cgroup(int *ret_fd, uint64_t *ret_id, struct cfd_error *err);

/*
 * A child enters the cgroup, maps its own program executable, makes a UDP socket and connects it to this machine.
 * Nothing is sent, and what came of it is not told: the counters in the cgroup's state tell.
 */
int cfd_guard_proof_run(int cgroup_fd, struct cfd_error *err);

/* Removes the cgroup, and with it, a moment later, what is attached to it. None there is no error. */
int cfd_guard_proof_remove(struct cfd_error *err);

#endif
