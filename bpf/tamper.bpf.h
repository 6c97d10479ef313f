/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What would take the guard itself away. bpf(2) needs no privilege of the host's only where the container has a user
 * namespace of its own; a container that shares the host's and has CAP_BPF and CAP_NET_ADMIN could detach the programs
 * or write into the maps. So nothing in a container calls it, whatever the command.
 */
#ifndef CFD_BPF_TAMPER_H
#define CFD_BPF_TAMPER_H

#include "bpf/exec.bpf.h"

/* Whatever the command and whoever the child: both are EPERM, what bpf(2) and ptrace(2) give without the privilege. */
static __always_inline int settle_tamper(struct cfd_guard_state *state, __u8 kind, __u8 reason, __u32 detail)
{
	__u8 verdict = verdict_for(state, kind, reason);
	struct cfd_guard_event *event;

	count(state, kind, verdict);
	event = begin_event(state, kind, verdict, reason, EPERM);
	if (event) {
		note_process(event);
		event->address.words[0] = detail;
		bpf_ringbuf_submit(event, 0);
	}
	return answer(verdict, EPERM);
}

SEC("lsm_cgroup/bpf")
int BPF_PROG(cfd_bpf, int command)
{
	struct cfd_guard_state *state = container();

	if (!is_configured(state))
		return settle_tamper(state, CFD_GUARD_BPF, CFD_GUARD_NO_POLICY, (__u32)command);
	return is_runtime(state) || settle_tamper(state, CFD_GUARD_BPF, CFD_GUARD_TAMPER, (__u32)command);
}

#define PTRACE_MODE_ATTACH 0x02 /* include/linux/ptrace.h */

/*
 * A process of another container, or of the host, would do what this one may not. Only where a pid namespace is shared
 * can it be named at all, so only there is this attached. It is asked by ptrace(2), process_vm_readv(2) and
 * process_vm_writev(2), pidfd_getfd(2) and for /proc/PID/mem.
 */
SEC("lsm_cgroup/ptrace_access_check")
int BPF_PROG(cfd_trace, struct task_struct *child, unsigned int mode)
{
	struct cfd_guard_state *state = container();

	if (!(mode & PTRACE_MODE_ATTACH))
		return 1;
	if (!is_configured(state))
		return settle_tamper(state, CFD_GUARD_TRACE, CFD_GUARD_NO_POLICY, (__u32)child->tgid);
	return is_runtime(state) || is_own_cgroup(state, BPF_CORE_READ(child, cgroups, dfl_cgrp)) ||
	       settle_tamper(state, CFD_GUARD_TRACE, CFD_GUARD_OUTSIDE, (__u32)child->tgid);
}

#endif
