/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What all programs share: the maps, the container's state, counting, and telling user space. A program finds a reason
 * to deny (or none) and calls settle(): there a reason becomes a verdict.
 */
#ifndef CFD_BPF_EVENT_H
#define CFD_BPF_EVENT_H

#include "bpf/kernel.h"
#include "bpf/guard.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#define CGROUP_LEVELS 64

/* BPF_PROG() unpacks the arguments of a hook into names, ctx first; few programs use them all. */
#pragma clang diagnostic ignored "-Wunused-parameter"

/* With a key of 8 bytes, the id of a cgroup, all programs that are attached to a cgroup share one value. */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, __u64);
	__type(value, struct cfd_guard_container);
} containers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, CFD_GUARD_ROUTES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct cfd_guard_route_key);
	__type(value, struct cfd_guard_ports);
} routes SEC(".maps");

/* Only user space uses these two: which policies are whole in `routes`, and what it found out about the kernel. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CFD_GUARD_POLICIES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct cfd_guard_policy);
} policies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cfd_guard_loaded);
} loaded SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CFD_GUARD_EXEMPTIONS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct cfd_guard_exemption);
} exemptions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, CFD_GUARD_RING_BYTES);
} guard_events SEC(".maps");

struct socket_facts { /* the part of an event that only network programs have */
	__u16 family, type, protocol, port;
	struct cfd_guard_address address;
	__u16 local_port; /* this and the next only for UDP, to tell answers; not told in events */
	__u64 netns;      /* cookie of the network namespace */
	bool is_answer;   /* goes to somebody who asked: no destination of the container's choice, so it is not recorded
			   */
};

/* The state of the cgroup that this program was attached to, also for processes in its children. Never NULL. */
static __always_inline struct cfd_guard_state *container(void)
{
	struct cfd_guard_container *value = bpf_get_local_storage(&containers, 0);

	return &value->state;
}

static __always_inline bool is_configured(const struct cfd_guard_state *state)
{
	const __u32 wanted[2] = {CFD_GUARD_MAGIC, CFD_GUARD_VERSION};
	__u64 a, b;

	_Static_assert(__builtin_offsetof(struct cfd_guard_state, version) == sizeof(state->magic),
		       "version follows magic");
	__builtin_memcpy(&a, state, sizeof(a));
	__builtin_memcpy(&b, wanted, sizeof(b));
	return a == b; /* one comparison for the two of them, as every program begins with it */
}

/*
 * Whether that cgroup is the container's, or below it. A loop over what others made: the pointers are read, not
 * followed. One that is deeper than the loop is not ours.
 */
static __always_inline bool is_own_cgroup(const struct cfd_guard_state *state, struct cgroup *cgroup)
{
	int level = BPF_CORE_READ(cgroup, level);
	struct cgroup **ancestors = __builtin_preserve_access_index(&cgroup->ancestors[0]), *ancestor = NULL;

	for (int i = 0; i < CGROUP_LEVELS && i <= level; i++) {
		if (bpf_probe_read_kernel(&ancestor, sizeof(ancestor), ancestors + i))
			return false;
		if (BPF_CORE_READ(ancestor, kn, id) == state->cgroup)
			return true;
	}
	return false;
}

/* Asked only about what is to be denied: whatever is allowed pays nothing for it. */
static __always_inline bool is_exempt(const struct cfd_guard_state *state, __u8 kind)
{
	const struct cfd_guard_exemption *exemption;
	__u64 cgroup = state->cgroup, until;

	if (!(1u << kind & (CFD_GUARD_EXEC_KINDS | CFD_GUARD_NET_KINDS)))
		return false;
	exemption = bpf_map_lookup_elem(&exemptions, &cgroup);
	if (!exemption || exemption->created != state->created || exemption->init_pid != state->init_pid)
		return false;
	until = exemption->until[1u << kind & CFD_GUARD_EXEC_KINDS ? CFD_GUARD_PART_EXEC : CFD_GUARD_PART_NET];
	return bpf_ktime_get_boot_ns() < until;
}

/* A zeroed state has no flags: that no policy is there must deny all the same. */
static __always_inline __u8 verdict_for(const struct cfd_guard_state *state, __u8 kind, __u8 reason)
{
	if (!reason)
		return CFD_GUARD_ALLOWED_IT;
	if (!is_configured(state))
		return CFD_GUARD_DENIED;
	if (!(state->flags & CFD_GUARD_ENFORCE))
		return CFD_GUARD_WOULD_DENY;
	return is_exempt(state, kind) ? CFD_GUARD_EXEMPTED : CFD_GUARD_DENIED;
}

static __always_inline void count(struct cfd_guard_state *state, __u8 kind, __u8 verdict)
{
	if (verdict == CFD_GUARD_ALLOWED_IT)
		__sync_fetch_and_add(&state->allowed_times[kind], 1);
	else if (verdict == CFD_GUARD_WOULD_DENY)
		__sync_fetch_and_add(&state->warned_times[kind], 1);
	else if (verdict == CFD_GUARD_EXEMPTED)
		__sync_fetch_and_add(&state->exempted_times[kind], 1);
	else
		__sync_fetch_and_add(&state->denied_times[kind], 1);
}

static __always_inline bool is_told(const struct cfd_guard_state *state, __u8 verdict)
{
	return verdict != CFD_GUARD_ALLOWED_IT || (state->flags & CFD_GUARD_LOG_ALLOWED);
}

/* An event about no process yet, or NULL when the ring is full, which is counted. */
static __always_inline struct cfd_guard_event *begin_event(struct cfd_guard_state *state, __u8 kind, __u8 verdict,
							   __u8 reason, __u8 error)
{
	struct cfd_guard_event *event = bpf_ringbuf_reserve(&guard_events, sizeof(*event), 0);

	if (!event) {
		__sync_fetch_and_add(&state->lost, 1);
		return NULL;
	}
	__builtin_memset(event, 0, sizeof(*event) - sizeof(event->path));
	event->path[0] = '\0';
	event->time = bpf_ktime_get_boot_ns();
	event->cgroup = state->cgroup;
	event->policy = state->policy;
	event->kind = kind;
	event->verdict = verdict;
	event->reason = reason;
	event->error = verdict == CFD_GUARD_ALLOWED_IT ? 0 : error;
	event->lost = state->lost > 0xffffffff ? 0xffffffff : state->lost;
	return event;
}

static __always_inline void note_process(struct cfd_guard_event *event)
{
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->uid = (__u32)bpf_get_current_uid_gid();
	bpf_get_current_comm(event->comm, sizeof(event->comm));
}

/* For LSM programs: 1 allows; 0 denies, with the errno that was set. */
static __always_inline int answer(__u8 verdict, int error)
{
	if (verdict != CFD_GUARD_DENIED)
		return 1;
	bpf_set_retval(-error);
	return 0;
}

#endif
