/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What would take the guard itself away. bpf(2) needs no privilege of the host's only where the container has a user
 * namespace of its own; a container that shares the host's and has CAP_BPF and CAP_NET_ADMIN could detach the programs
 * or write into the maps. So nothing in a container calls it, whatever the command.
 */
#ifndef CFD_BPF_TAMPER_H
#define CFD_BPF_TAMPER_H

#include "bpf/exec.bpf.h"

SEC("lsm_cgroup/bpf")
int BPF_PROG(cfd_bpf, int command)
{
	struct cfd_guard_state *state = container();
	__u8 reason = CFD_GUARD_NO_POLICY, verdict;
	struct cfd_guard_event *event;

	if (is_configured(state)) {
		if (is_runtime(state))
			return 1;
		reason = CFD_GUARD_TAMPER;
	}
	verdict = verdict_for(state, CFD_GUARD_BPF, reason);
	count(state, CFD_GUARD_BPF, verdict);
	event = begin_event(state, CFD_GUARD_BPF, verdict, reason, EPERM);
	if (event) {
		note_process(event);
		event->address.words[0] = (__u32)command;
		bpf_ringbuf_submit(event, 0);
	}
	/* bpf(2): EPERM, without sufficient privilege; all who call it can do without. */
	return answer(verdict, EPERM);
}

#define PTRACE_MODE_ATTACH 0x02 /* include/linux/ptrace.h */

/* Whether the process is in this container's cgroup, or in one below. */
static __always_inline bool is_inside(const struct cfd_guard_state *state, struct task_struct *task)
{
	struct cgroup *cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp);

	for (int i = 0; cgroup && i < CFD_GUARD_NESTED; i++) {
		if (BPF_CORE_READ(cgroup, kn, id) == state->cgroup)
			return true;
		cgroup = (struct cgroup *)BPF_CORE_READ(cgroup, self.parent);
	}
	return false;
}

/*
 * A process of another container, or of the host, would do what this one may not. Only where a pid namespace is shared
 * can it be named at all, so only there is this attached. It is asked by ptrace(2), process_vm_readv(2) and
 * process_vm_writev(2), pidfd_getfd(2) and for /proc/PID/mem.
 */
SEC("lsm_cgroup/ptrace_access_check")
int BPF_PROG(cfd_trace, struct task_struct *child, unsigned int mode)
{
	struct cfd_guard_state *state = container();
	__u8 reason = CFD_GUARD_NO_POLICY, verdict;
	struct cfd_guard_event *event;

	if (!(mode & PTRACE_MODE_ATTACH))
		return 1;
	if (is_configured(state)) {
		if (is_runtime(state) || is_inside(state, child))
			return 1;
		reason = CFD_GUARD_OUTSIDE;
	}
	verdict = verdict_for(state, CFD_GUARD_TRACE, reason);
	count(state, CFD_GUARD_TRACE, verdict);
	event = begin_event(state, CFD_GUARD_TRACE, verdict, reason, EPERM);
	if (event) {
		note_process(event);
		event->address.words[0] = (__u32)child->tgid;
		bpf_ringbuf_submit(event, 0);
	}
	return answer(verdict, EPERM); /* ptrace(2): the tracer has insufficient privileges */
}

#endif
