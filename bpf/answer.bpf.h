/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Answers of UDP servers: who has sent to a port that may be listened on is noted, and bpf/net.bpf.h lets it be
 * answered. A process of the container must not be able to pretend that somebody sends.
 */
#ifndef CFD_BPF_ANSWER_H
#define CFD_BPF_ANSWER_H

#include "bpf/net.bpf.h"

/*
 * A server that answers asks for the sender's address, which is when these run: after the datagram was received. A
 * profile that is being recorded lists no ports yet.
 */
static __always_inline int note_peer(struct bpf_sock_addr *ctx, struct socket_facts *facts)
{
	struct cfd_guard_state *state = container();
	__u16 local_port = ctx->sk->src_port;
	struct cfd_guard_peer peer;
	__u64 now, *seen;

	if (!is_configured(state) || facts->protocol != IPPROTO_UDP || !local_port ||
	    !(cfd_may_listen(state, IPPROTO_UDP, local_port) || is_recorded(state)))
		return 1;
	note_local(ctx, facts);
	peer = peer_of(state, facts, &facts->address);
	now = bpf_ktime_get_boot_ns();
	seen = bpf_map_lookup_elem(&peers, &peer);
	if (seen)
		*seen = now;
	else
		bpf_map_update_elem(&peers, &peer, &now, 0);
	return 1; /* nothing else is allowed here */
}

SEC("cgroup/recvmsg4")
int cfd_recvmsg4(struct bpf_sock_addr *ctx)
{
	struct socket_facts facts = facts_of_inet4(ctx);

	return note_peer(ctx, &facts);
}

SEC("cgroup/recvmsg6")
int cfd_recvmsg6(struct bpf_sock_addr *ctx)
{
	struct socket_facts facts = facts_of_inet6(ctx);

	return note_peer(ctx, &facts);
}

/*
 * With IP_FREEBIND a process may send by IPv6 from any address, so from somebody else's to a server of its own. (By
 * IPv4 the kernel lets nobody do that who has no CAP_NET_ADMIN or CAP_NET_RAW.) ENOPROTOOPT is what older kernels say.
 */
SEC("cgroup/setsockopt")
int cfd_setsockopt(struct bpf_sockopt *ctx)
{
	struct socket_facts facts = {.family = AF_INET6, .type = SOCK_DGRAM, .protocol = IPPROTO_UDP};
	struct cfd_guard_state *state = container();
	bool is_freebind = (ctx->level == IPPROTO_IPV6 && ctx->optname == IPV6_FREEBIND) ||
			   (ctx->level == IPPROTO_IP && ctx->optname == IP_FREEBIND);

	if (!is_freebind || ctx->sk->family != AF_INET6 || ctx->sk->protocol != IPPROTO_UDP)
		return 1;
	return answer(settle_socket(state, CFD_GUARD_BIND,
				    is_configured(state) ? CFD_GUARD_FORGED : CFD_GUARD_NO_POLICY, ENOPROTOOPT, &facts),
		      ENOPROTOOPT);
}

#endif
