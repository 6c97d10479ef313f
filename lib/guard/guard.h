/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard: BPF programs that are loaded once per boot and pinned, attached to each container's cgroup, and that write
 * events to a ring. lib/guard/guard.c is the only file that knows libbpf. See doc/guard.md for the theory of operation.
 */
#ifndef CFD_GUARD_H
#define CFD_GUARD_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_guard_event; /* bpf/guard.h */
struct cfd_guard_route; /* bpf/guard.h */
struct cfd_guard_state; /* bpf/guard.h */
struct cfd_policy;

#define CFD_GUARD_PINS "/sys/fs/bpf/cofferdam"

/*
 * Halves of the guard. `net` is all of it: destinations and bind, and through the LSM the kinds of sockets, listen
 * without bind, and sockets that are received. Without the LSM a kernel can still judge destinations and bind (cgroup
 * sock_addr programs); that is `destinations`, which cfd_guard_load only ever sets in ret_had, beside a `net` that is
 * false, when `net` was optional.
 */
struct cfd_guard_parts {
	bool exec, net, destinations;
};

/*
 * Makes sure that the programs of this version are loaded and pinned: at once if they are, else under a lock in
 * `lock_dir`. A set that is torn (its loader was killed, a pin was removed) is removed and loaded anew. What was loaded
 * is proved before it is pinned: a child in a cgroup of its own (<cgroup2>/cofferdam, which stays: it keeps the
 * kernel's trampolines alive) must be denied. ret_had tells which of the wanted halves are there; -EOPNOTSUPP with the
 * reason and the remedy (kernel version, `bpf` missing in lsm=, no bpffs, no cgroup2) when a wanted half cannot be had,
 * unless it is in `optional`. ret_lacks gets, for the audit log, what is not enforced and why; it stays empty when all
 * that is wanted is there.
 */
int cfd_guard_load(int lock_dir, struct cfd_guard_parts wanted, struct cfd_guard_parts optional,
		   struct cfd_guard_parts *ret_had, struct cfd_buf *ret_lacks, struct cfd_error *err);

struct cfd_guard_target { /* see cfd_cgroup_of_container */
	int cgroup_fd;    /* the container's top cgroup, a directory open for reading (not O_PATH) */
	uint64_t cgroup_id;
	int init_pid; /* the container's first process, waiting to execute its program */
};

/*
 * Attaches the loaded programs to the cgroup and puts the policy in force there. Between the two a zeroed policy
 * denies. On failure everything that this call attached is detached again. Nothing has to be undone later: it goes with
 * the cgroup. Called again for the same container with the same policy it changes nothing (engines run hooks twice).
 * -EBUSY: another container that lives is governed there. -ENOSPC: no room for the network rules. -EOPNOTSUPP: the
 * policy wants what cannot be had (image_only on an overlay whose layout the kernel does not tell; `startup` from
 * within a pid namespace).
 */
int cfd_guard_attach(const struct cfd_guard_target *target, const struct cfd_policy *policy,
		     struct cfd_guard_parts parts, struct cfd_error *err);

/*
 * What a policy that was put off (cfd_policy_put_off) left out, before the container is started: resolvers and names,
 * from the two files as they are now. Nothing to do where the hook attached nothing that judges destinations, or when
 * it was done before. Errors as of cfd_hostnames_read and cfd_hostnames_resolve.
 */
int cfd_guard_complete(uint64_t cgroup_id, const struct cfd_policy *policy, const char *hosts, const char *resolv_conf,
		       struct cfd_error *err);

struct cfd_guard_collected {
	size_t rules; /* entries of network rules */
	size_t sets;  /* versions of the programs */
};

/*
 * Removes the network rules of policies that are in force nowhere, and the pins of other versions that govern nobody.
 * cfd_guard_attach does it by itself when there is no room. Nothing loaded: nothing is removed.
 */
int cfd_guard_collect(struct cfd_guard_collected *ret_collected, struct cfd_error *err);

/* What is in force in a cgroup, and what was counted there. -ENOENT: nothing is, or nothing is loaded. */
int cfd_guard_read(uint64_t cgroup_id, struct cfd_guard_state *ret_state, struct cfd_error *err);

/* Which parts have all of their programs on the cgroup at this path, of which -ENOENT is returned when it is gone. */
int cfd_guard_attached(const char *cgroup_path, struct cfd_guard_parts *ret_parts, struct cfd_error *err);

/* The network rules of a policy that are in the kernel, at most `room` of them, in no order; ret_count may be more. */
int cfd_guard_routes(uint64_t policy, struct cfd_guard_route *routes, size_t room, size_t *ret_count,
		     struct cfd_error *err);

/*
 * Hands every event that is in the ring to `handle` and returns their number in ret_count; a non-zero return of handle
 * stops it and is returned, that event being consumed. One consumer at a time: takes a lock in lock_dir. With
 * `wait_ms` > 0 waits that long for the first one. No pinned ring: -ENOENT.
 */
int cfd_guard_drain(int lock_dir, int wait_ms, int (*handle)(const struct cfd_guard_event *event, void *data),
		    void *data, size_t *ret_count, struct cfd_error *err);

/* The words for an event's numbers, as they stand in logs: "exec", "would-deny", "shell-sealed". Never NULL. */
const char *cfd_guard_kind_name(uint8_t kind);
const char *cfd_guard_verdict_name(uint8_t verdict);
const char *cfd_guard_reason_name(uint8_t reason);

/* For `doctor`: one feature a row, whether it is as it must be, and what to do if not. */
struct cfd_guard_feature {
	const char *name;
	bool present;
	char detail[512];
};
size_t cfd_guard_probe(struct cfd_guard_feature *features, size_t room);

#endif
