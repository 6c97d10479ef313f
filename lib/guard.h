/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard: BPF programs that are loaded once per boot and pinned, attached to each container's cgroup, and that write
 * events to a ring. lib/guard.c is the only file that knows libbpf. See doc/guard.md for the theory of operation.
 */
#ifndef CFD_GUARD_H
#define CFD_GUARD_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_policy;
struct cfd_guard_event; /* bpf/guard.h */

#define CFD_GUARD_PINS "/sys/fs/bpf/cofferdam"

struct cfd_guard_parts { /* which halves of the guard are wanted, or were had */
	bool exec, net;
};

/*
 * Makes sure that the programs of this version are loaded and pinned: at once if they are, else under a lock in
 * `lock_dir`. A set that is torn (its loader was killed) is removed and loaded anew. ret_had tells what this kernel
 * gives; -EOPNOTSUPP with the reason and the remedy (kernel version, `bpf` missing in lsm=, no bpffs) when a wanted half
 * cannot be had, unless it is in `optional`.
 */
int cfd_guard_load(int lock_dir, struct cfd_guard_parts wanted, struct cfd_guard_parts optional,
		   struct cfd_guard_parts *ret_had, struct cfd_error *err);

/*
 * Attaches the loaded programs to the cgroup and puts the policy in force there. Between the two a zeroed policy denies.
 * On failure everything is detached again. Nothing has to be undone later: it goes with the cgroup.
 */
int cfd_guard_attach(int cgroup_fd, uint64_t cgroup_id, const struct cfd_policy *policy, struct cfd_guard_parts parts,
		     struct cfd_error *err);

/*
 * Hands every event that is in the ring to `handle` and returns their number in ret_count. One consumer at a time: takes
 * a lock in lock_dir. With `wait_ms` > 0 waits that long for the first one. No pinned ring: -ENOENT.
 */
int cfd_guard_drain(int lock_dir, int wait_ms, int (*handle)(const struct cfd_guard_event *event, void *data),
		    void *data, size_t *ret_count, struct cfd_error *err);

/* For `doctor`: one feature a row, whether it is there, and what to do if not. */
struct cfd_guard_feature {
	const char *name;
	bool present;
	char detail[160];
};
size_t cfd_guard_probe(struct cfd_guard_feature *features, size_t room);

#endif
