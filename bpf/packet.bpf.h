/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets that leave by another way than to the destination that was judged: IPv4 source routes (IP_OPTIONS,
 * IP_RETOPTS) and IPv6 routing headers (IPV6_RTHDR). Neither needs a capability, and the hooks at connect and sendmsg
 * see only the last stop. Each packet is looked at; one without options costs a few loads.
 */
#ifndef CFD_BPF_PACKET_H
#define CFD_BPF_PACKET_H

#include "bpf/net.bpf.h"

#define ETH_P_IP bpf_htons(0x0800)
#define ETH_P_IPV6 bpf_htons(0x86dd)
#define IPV4_HEADER 20
#define IPV4_OPTIONS_MAX 40
#define IPV4_PROTOCOL_AT 9
#define IPV4_TO_AT 16
#define IPV6_HEADER 40
#define IPV6_NEXT_AT 6
#define IPV6_TO_AT 24
#define IPV6_EXTENSIONS_MAX 8

/* IP options, RFC 791 */
#define OPTION_END 0
#define OPTION_NOTHING 1
#define OPTION_LOOSE_ROUTE 131
#define OPTION_STRICT_ROUTE 137

/* IPv6 next headers, RFC 8200 */
#define HEADER_HOP_BY_HOP 0
#define HEADER_ROUTING 43
#define HEADER_DESTINATION 60

static __always_inline bool has_ipv4_route(struct __sk_buff *skb)
{
	__u32 end, at = IPV4_HEADER;
	__u8 option[2] = {0};

	if (bpf_skb_load_bytes(skb, 0, option, 1))
		return true;
	end = (option[0] & 0xf) * 4;
	for (int i = 0; i < IPV4_OPTIONS_MAX && at < end; i++) {
		if (bpf_skb_load_bytes(skb, at, option, sizeof(option)))
			return true;
		if (option[0] == OPTION_LOOSE_ROUTE || option[0] == OPTION_STRICT_ROUTE)
			return true;
		if (option[0] == OPTION_END)
			return false;
		if (option[0] != OPTION_NOTHING && option[1] < 2)
			return true; /* would never end */
		at += option[0] == OPTION_NOTHING ? 1 : option[1];
	}
	return false;
}

/* A routing header of any type: it comes first, or behind hop-by-hop and destination options. */
static __always_inline bool has_ipv6_route(struct __sk_buff *skb)
{
	__u8 next = 0, header[2];
	__u32 at = IPV6_HEADER;

	if (bpf_skb_load_bytes(skb, IPV6_NEXT_AT, &next, 1))
		return true;
	for (int i = 0; i < IPV6_EXTENSIONS_MAX; i++) {
		if (next == HEADER_ROUTING)
			return true;
		if (next != HEADER_HOP_BY_HOP && next != HEADER_DESTINATION)
			return false;
		if (bpf_skb_load_bytes(skb, at, header, sizeof(header)))
			return true;
		next = header[0];
		at += (header[1] + 1) * 8;
	}
	return true; /* more than anyone has a use for */
}

/* Nearly every packet, without IPv4 options and without extension headers: read in place, as each helper costs more. */
static __always_inline bool is_plain(struct __sk_buff *skb)
{
	const __u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + IPV6_NEXT_AT + 1 > end)
		return false;
	if (skb->protocol == ETH_P_IP)
		return (data[0] & 0xf) * 4 == IPV4_HEADER;
	return data[IPV6_NEXT_AT] != HEADER_HOP_BY_HOP && data[IPV6_NEXT_AT] != HEADER_ROUTING &&
	       data[IPV6_NEXT_AT] != HEADER_DESTINATION;
}

/* By the time a packet leaves, a process of somebody else may be running: it is named if it is the container's. */
static __always_inline void note_sender(struct cfd_guard_event *event, const struct cfd_guard_state *state)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (!is_own_cgroup(state, BPF_CORE_READ(task, cgroups, dfl_cgrp)))
		return;
	event->pid = BPF_CORE_READ(task, tgid);
	event->uid = BPF_CORE_READ(task, cred, uid.val);
	bpf_core_read(event->comm, sizeof(event->comm), &task->comm);
}

/* The address is that of the first stop. */
static __always_inline void tell_packet(struct __sk_buff *skb, struct cfd_guard_state *state, __u8 verdict, __u8 reason)
{
	struct cfd_guard_event *event = begin_event(state, CFD_GUARD_SEND, verdict, reason, EPERM);
	struct socket_facts facts = {.family = AF_INET};
	__be32 v4 = 0;

	if (!event)
		return;
	if (skb->protocol == ETH_P_IPV6) {
		facts.family = AF_INET6;
		bpf_skb_load_bytes(skb, IPV6_TO_AT, &facts.address, sizeof(facts.address));
	} else {
		bpf_skb_load_bytes(skb, IPV4_TO_AT, &v4, sizeof(v4));
		set_mapped(&facts.address, v4);
	}
	note_sender(event, state);
	note_socket(event, &facts);
	bpf_ringbuf_submit(event, 0);
}

/* A function of its own, so that plain packets do not pay for the registers and the stack that it needs. */
static __noinline int judge_packet(struct __sk_buff *skb, struct cfd_guard_state *state)
{
	const struct socket_facts nobody = {.family = AF_INET};
	__u8 reason = CFD_GUARD_NO_REASON, verdict;

	if (!is_configured(state))
		reason = CFD_GUARD_NO_POLICY;
	else if (skb->protocol == ETH_P_IP ? has_ipv4_route(skb) : has_ipv6_route(skb))
		reason = CFD_GUARD_SOURCE_ROUTE;
	if (!reason)
		return 1;
	verdict = verdict_for(state, CFD_GUARD_SEND, reason);
	record_socket(state, CFD_GUARD_SEND, reason, &nobody);
	count(state, CFD_GUARD_SEND, verdict);
	tell_packet(skb, state, verdict, reason);
	return verdict != CFD_GUARD_DENIED;
}

/* 0 drops, and the sender gets EPERM. */
SEC("cgroup_skb/egress")
int cfd_egress(struct __sk_buff *skb)
{
	struct cfd_guard_state *state = container();

	return (is_configured(state) && is_plain(skb)) || judge_packet(skb, state);
}

#endif
