/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What comes into the container by unix sockets, and goes out by them: sockets that somebody else made, received over
 * SCM_RIGHTS or taken by pidfd_getfd(2), which keep their maker's cgroup and so are judged by nobody here; and
 * datagrams to abstract names of the host's network namespace. (connect to such a name is judged in bpf/net.bpf.h.)
 */
#ifndef CFD_BPF_UNIX_H
#define CFD_BPF_UNIX_H

#include "bpf/exec.bpf.h"
#include "bpf/net.bpf.h"

#define SOCKFS_MAGIC 0x534f434b

/* Of a socket that is not an argument of the hook; the address is that of the other side. */
static __always_inline struct socket_facts facts_read(struct socket *sock, struct sock *sk)
{
	struct socket_facts facts = {.type = BPF_CORE_READ(sock, type),
				     .family = BPF_CORE_READ(sk, __sk_common.skc_family),
				     .protocol = BPF_CORE_READ(sk, sk_protocol)};

	if (!is_inet(facts.family))
		return facts;
	facts.port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (facts.family == AF_INET)
		set_mapped(&facts.address, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	else
		bpf_core_read(&facts.address, sizeof(facts.address), &sk->__sk_common.skc_v6_daddr);
	return facts;
}

/* Sockets made in the container, and unix sockets, whoever made them. pidfd_getfd(2) has EPERM for what may not be had;
 * of SCM_RIGHTS the descriptor is missing (MSG_CTRUNC). */
SEC("lsm_cgroup/file_receive")
int BPF_PROG(cfd_receive, struct file *file)
{
	struct cfd_guard_state *state = container();
	struct socket *sock = file->private_data;
	struct sock *sk = NULL;
	struct socket_facts facts;
	__u8 reason = CFD_GUARD_NO_REASON;

	if (file->f_inode->i_sb->s_magic != SOCKFS_MAGIC)
		return 1;
	sk = BPF_CORE_READ(sock, sk);
	facts = facts_read(sock, sk);
	if (!is_configured(state))
		reason = CFD_GUARD_NO_POLICY;
	else if (facts.family == AF_UNIX || is_runtime(state))
		return 1;
	else if (!is_own_cgroup(state, BPF_CORE_READ(sk, sk_cgrp_data.cgroup)))
		reason = CFD_GUARD_FOREIGN;
	return answer(settle_socket(state, CFD_GUARD_RECEIVE, reason, EPERM, &facts), EPERM);
}

static __always_inline bool is_abstract(struct unix_sock *sk)
{
	struct unix_address *address = BPF_CORE_READ(sk, addr);
	char first = 1;

	if (!address)
		return false;
	bpf_core_read(&first, sizeof(first), &address->name[0].sun_path[0]);
	return !first;
}

/* Attached where the container is in the host's network namespace. To a name of the container's own it may send. */
SEC("lsm_cgroup/unix_may_send")
int BPF_PROG(cfd_may_send, struct socket *sock, struct socket *other)
{
	struct cfd_guard_state *state = container();
	struct socket_facts facts = facts_of(sock, sock->sk);
	struct sock *sk = other->sk;
	__u8 reason = CFD_GUARD_NO_REASON;

	if (!is_configured(state))
		reason = CFD_GUARD_NO_POLICY;
	else if (sk && is_abstract((struct unix_sock *)sk) &&
		 !is_own_cgroup(state, BPF_CORE_READ(sk, sk_cgrp_data.cgroup)))
		reason = CFD_GUARD_ABSTRACT;
	if (!reason) /* every datagram of every logger: not counted, not told */
		return 1;
	return answer(settle_socket(state, CFD_GUARD_SEND, reason, EPERM, &facts), EPERM);
}

#endif
