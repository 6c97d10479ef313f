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

#endif
