/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which sockets may be made, which destinations may be reached, which ports listened on.
 *
 * Destinations are judged twice, by one function: in the LSM, which sees every family and protocol, and in the cgroup
 * sock_addr hooks, which see TCP Fast Open and datagrams. A connect of TCP or UDP that the LSM allows is counted in the
 * second place only. Socket hooks run with the state of the SOCKET's cgroup, that of the process that made it.
 */
#ifndef CFD_BPF_NET_H
#define CFD_BPF_NET_H

#include "bpf/event.bpf.h"
#include "bpf/named.bpf.h"
#include "bpf/record.bpf.h"
#include "bpf/routed.bpf.h"

#define NAT64 bpf_htonl(0x0064ff9b) /* 64:ff9b::/96, RFC 6052 */
#define LOOPBACK4 bpf_htonl(0x7f000001)
#define SIX_TO_FOUR 0x2002 /* 2002::/16, RFC 3056 */
#define DNS_PORT 53
#define SOCKADDR_IN_MIN 16
#define SOCKADDR_IN6_MIN 24 /* SIN6_LEN_RFC2133: without the scope id */

/* Who may be answered: the last ones that sent to a UDP port that is listened on. Full: the eldest make room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CFD_GUARD_PEERS_MAX);
	__type(key, struct cfd_guard_peer);
	__type(value, __u64);
} peers SEC(".maps");

static __always_inline void set_mapped(struct cfd_guard_address *address, __be32 v4)
{
	address->words[0] = address->words[1] = 0;
	address->words[2] = MAPPED;
	address->words[3] = v4;
}

/* The IPv4 address that the packet will have in the end, when a translator carries it; 0 for none. */
static __always_inline __be32 carried_address(const struct cfd_guard_address *address)
{
	__u32 first = bpf_ntohl(address->words[0]), second = bpf_ntohl(address->words[1]);
	__be32 v4 = 0;

	if (address->words[0] == NAT64 && !address->words[1] && !address->words[2])
		v4 = address->words[3];
	else if (first >> 16 == SIX_TO_FOUR)
		v4 = bpf_htonl(first << 16 | second >> 16);
	/* No translator leads to this machine: such a one is judged as the IPv6 address that it is. */
	return bpf_ntohl(v4) >> 24 == 127 ? 0 : v4;
}

/* As the kernel will understand it: 0.0.0.0 and :: are this machine, and IPv4 in whatever dress is IPv4. */
static __always_inline void translate(struct cfd_guard_address *address)
{
	__be32 v4 = carried_address(address);

	if (v4)
		set_mapped(address, v4);
	else if (!address->words[0] && !address->words[1] && address->words[2] == MAPPED && !address->words[3])
		set_mapped(address, LOOPBACK4);
	else if (!address->words[0] && !address->words[1] && !address->words[2] && !address->words[3])
		address->words[3] = bpf_htonl(1);
}

static __always_inline bool is_resolver(const struct cfd_guard_state *state, const struct cfd_guard_address *address)
{
	for (int i = 0; i < CFD_GUARD_RESOLVERS; i++) {
		const __u32 *words = state->resolvers[i].words;

		if (i >= state->resolver_count)
			return false;
		if (words[0] == address->words[0] && words[1] == address->words[1] && words[2] == address->words[2] &&
		    words[3] == address->words[3])
			return true;
	}
	return false;
}

/*
 * A socket's network namespace is part of the name: in one of its own a container can give itself any address, and
 * pretend that anybody sends.
 */
static __always_inline struct cfd_guard_peer
peer_of(const struct cfd_guard_state *state, const struct socket_facts *facts, const struct cfd_guard_address *address)
{
	return (struct cfd_guard_peer){.cgroup = state->cgroup,
				       .netns = facts->netns,
				       .address = *address,
				       .port = facts->port,
				       .local_port = facts->local_port};
}

/* Whether it has sent to this socket's port not long ago. */
static __always_inline bool is_answer(const struct cfd_guard_state *state, const struct socket_facts *facts,
				      const struct cfd_guard_address *address)
{
	struct cfd_guard_peer peer = peer_of(state, facts, address);
	const __u64 *seen;

	if (facts->protocol != IPPROTO_UDP || !facts->local_port)
		return false;
	seen = bpf_map_lookup_elem(&peers, &peer);
	return seen && bpf_ktime_get_boot_ns() - *seen < CFD_GUARD_PEER_SECONDS * 1000000000ull;
}

/* By what the profile lists. Translates the address. */
static __always_inline __u8 not_listed(struct cfd_guard_state *state, struct socket_facts *facts)
{
	if (!is_configured(state))
		return CFD_GUARD_NO_POLICY;
	translate(&facts->address);
	if (facts->port == DNS_PORT && (facts->protocol == IPPROTO_TCP || facts->protocol == IPPROTO_UDP) &&
	    is_resolver(state, &facts->address))
		return CFD_GUARD_NO_REASON;
	return is_routed(state, facts) || cfd_is_named(state, facts) ? CFD_GUARD_NO_REASON : CFD_GUARD_NOT_LISTED;
}

/* The same, unless it answers somebody: asked last, for what is listed nowhere. */
static __always_inline __u8 or_answer(const struct cfd_guard_state *state, struct socket_facts *facts,
				      const struct cfd_guard_address *as_given, __u8 reason)
{
	facts->is_answer = reason == CFD_GUARD_NOT_LISTED && is_answer(state, facts, as_given);
	return facts->is_answer ? CFD_GUARD_NO_REASON : reason;
}

static __always_inline __u8 no_destination(struct cfd_guard_state *state, struct socket_facts *facts)
{
	const struct cfd_guard_address as_given = facts->address;

	return or_answer(state, facts, &as_given, not_listed(state, facts));
}

static __always_inline void note_socket(struct cfd_guard_event *event, const struct socket_facts *facts)
{
	event->family = facts->family;
	event->socket_type = facts->type;
	event->protocol = facts->protocol;
	event->port = facts->port;
	event->address = facts->address;
}

/* With a verdict that was asked for already: once for each decision, see settle_file_as(). */
static __always_inline __u8 settle_socket_as(struct cfd_guard_state *state, __u8 kind, __u8 verdict, __u8 reason,
					     __u8 error, const struct socket_facts *facts)
{
	struct cfd_guard_event *event;

	if (!facts->is_answer)
		record_socket(state, kind, reason, facts);
	count(state, kind, verdict);
	event = is_told(state, verdict) ? begin_event(state, kind, verdict, reason, error) : NULL;
	if (event) {
		note_process(event);
		note_socket(event, facts);
		bpf_ringbuf_submit(event, 0);
	}
	return verdict;
}

static __always_inline __u8 settle_socket(struct cfd_guard_state *state, __u8 kind, __u8 reason, __u8 error,
					  const struct socket_facts *facts)
{
	return settle_socket_as(state, kind, verdict_for(state, kind, reason), reason, error, facts);
}

/* Global, so that the verifier goes through the loop once; that is also why it asks whether state is NULL. */
__noinline int cfd_may_listen(const struct cfd_guard_state *state, __u32 protocol, __u32 port)
{
	if (!state)
		return false;
	if (state->flags & CFD_GUARD_LISTEN_ANY)
		return true;
	for (int i = 0; i < CFD_GUARD_LISTENS; i++) {
		if (i >= state->listen_count)
			return false;
		if (port && range_has(&state->listens[i], protocol, port))
			return true;
	}
	return false;
}

/* --- cgroup sock_addr: 0 denies with EPERM, which is also what a packet filter that drops gives to senders */

static __always_inline struct socket_facts facts_of_inet4(struct bpf_sock_addr *ctx)
{
	struct socket_facts facts = {.family = AF_INET, .type = ctx->type, .protocol = ctx->protocol};

	facts.port = bpf_ntohs(ctx->user_port);
	set_mapped(&facts.address, ctx->user_ip4);
	return facts;
}

static __always_inline struct socket_facts facts_of_inet6(struct bpf_sock_addr *ctx)
{
	struct socket_facts facts = {.family = AF_INET6, .type = ctx->type, .protocol = ctx->protocol};

	facts.port = bpf_ntohs(ctx->user_port);
	facts.address.words[0] = ctx->user_ip6[0];
	facts.address.words[1] = ctx->user_ip6[1];
	facts.address.words[2] = ctx->user_ip6[2];
	facts.address.words[3] = ctx->user_ip6[3];
	return facts;
}

static __always_inline void note_local(struct bpf_sock_addr *ctx, struct socket_facts *facts)
{
	if (facts->protocol != IPPROTO_UDP)
		return;
	facts->local_port = ctx->sk->src_port;
	facts->netns = bpf_get_netns_cookie(ctx);
}

static __always_inline int judge_sock_addr(struct bpf_sock_addr *ctx, struct cfd_guard_state *state, __u8 kind,
					   struct socket_facts *facts)
{
	const struct cfd_guard_address as_given = facts->address;
	__u8 reason = not_listed(state, facts);

	if (reason == CFD_GUARD_NOT_LISTED) {
		note_local(ctx, facts);
		reason = or_answer(state, facts, &as_given, reason);
	}
	return settle_socket(state, kind, reason, EPERM, facts) != CFD_GUARD_DENIED;
}

/* Functions of their own, so that what is remembered does not pay for the registers and the stack that these need. */
static __noinline int judge_new_inet4(struct bpf_sock_addr *ctx, struct cfd_guard_state *state, __u8 kind)
{
	struct socket_facts facts = facts_of_inet4(ctx);

	return judge_sock_addr(ctx, state, kind, &facts);
}

static __noinline int judge_unremembered_inet4(struct bpf_sock_addr *ctx, struct cfd_guard_state *state, __u8 kind)
{
	__u16 port = bpf_ntohs(ctx->user_port);

	if (!is_in_network(state, ctx->user_ip4, port, ctx->protocol))
		return judge_new_inet4(ctx, state, kind);
	remember(state, word_of4(ctx->user_ip4, port, ctx->protocol));
	count(state, kind, CFD_GUARD_ALLOWED_IT);
	return 1;
}

/* What is remembered needs no translation: 0.0.0.0 never is, as it is remembered as what it stands for. */
static __always_inline int judge_inet4(struct bpf_sock_addr *ctx, __u8 kind)
{
	struct cfd_guard_state *state = container();

	if (!is_configured(state) || state->flags & (CFD_GUARD_LOG_ALLOWED | CFD_GUARD_RECORD))
		return judge_new_inet4(ctx, state, kind);
	if (!is_remembered(state, word_of4(ctx->user_ip4, bpf_ntohs(ctx->user_port), ctx->protocol)))
		return judge_unremembered_inet4(ctx, state, kind);
	count(state, kind, CFD_GUARD_ALLOWED_IT);
	return 1;
}

static __always_inline int judge_inet6(struct bpf_sock_addr *ctx, __u8 kind)
{
	struct socket_facts facts = facts_of_inet6(ctx);

	return judge_sock_addr(ctx, container(), kind, &facts);
}

SEC("cgroup/connect4")
int cfd_connect4(struct bpf_sock_addr *ctx)
{
	return judge_inet4(ctx, CFD_GUARD_CONNECT);
}

SEC("cgroup/connect6")
int cfd_connect6(struct bpf_sock_addr *ctx)
{
	return judge_inet6(ctx, CFD_GUARD_CONNECT);
}

/*
 * A connected socket that sends with a control message (QUIC does) comes here too, without an address; where it goes
 * was judged when it was connected. The kernel lets no datagram go to port 0.
 */
static __always_inline bool is_connected(const struct bpf_sock_addr *ctx)
{
	return !ctx->user_port;
}

SEC("cgroup/sendmsg4")
int cfd_sendmsg4(struct bpf_sock_addr *ctx)
{
	return is_connected(ctx) || judge_inet4(ctx, CFD_GUARD_SEND);
}

SEC("cgroup/sendmsg6")
int cfd_sendmsg6(struct bpf_sock_addr *ctx)
{
	return is_connected(ctx) || judge_inet6(ctx, CFD_GUARD_SEND);
}

/* What a local port may be used for. Port 0 at bind asks for any, as clients do; at listen it means that none was
 * bound. */
static __always_inline __u8 no_local_port(const struct cfd_guard_state *state, const struct socket_facts *facts,
					  bool is_listen)
{
	if (!is_configured(state))
		return CFD_GUARD_NO_POLICY;
	if (facts->family == AF_UNIX || facts->family == AF_NETLINK)
		return CFD_GUARD_NO_REASON;
	if (facts->family != AF_INET && facts->family != AF_INET6)
		return CFD_GUARD_FAMILY;
	if (!is_listen && !facts->port)
		return CFD_GUARD_NO_REASON;
	return cfd_may_listen(state, facts->protocol, facts->port) ? CFD_GUARD_NO_REASON : CFD_GUARD_NOT_LISTED;
}

/* EACCES is what bind(2) gives for a protected port: servers and Java's BindException know it. */
static __always_inline int judge_bind(struct bpf_sock_addr *ctx, __u16 family)
{
	struct cfd_guard_state *state = container();
	struct socket_facts facts = {.family = family, .type = ctx->type, .protocol = ctx->protocol};

	facts.port = bpf_ntohs(ctx->user_port); /* which address is no question */
	return answer(settle_socket(state, CFD_GUARD_BIND, no_local_port(state, &facts, false), EACCES, &facts),
		      EACCES);
}

SEC("cgroup/bind4")
int cfd_bind4(struct bpf_sock_addr *ctx)
{
	return judge_bind(ctx, AF_INET);
}

SEC("cgroup/bind6")
int cfd_bind6(struct bpf_sock_addr *ctx)
{
	return judge_bind(ctx, AF_INET6);
}

/* --- LSM */

static __always_inline bool is_inet(__u16 family)
{
	return family == AF_INET || family == AF_INET6;
}

/* A socket without its inner half is being closed: it stays of no family, which is refused. */
static __always_inline struct socket_facts facts_of(struct socket *sock, struct sock *sk)
{
	struct socket_facts facts = {.type = sock->type};

	if (sk) {
		facts.family = sk->__sk_common.skc_family;
		facts.protocol = sk->sk_protocol;
		facts.local_port = sk->__sk_common.skc_num;
		facts.netns = sk->__sk_common.skc_net.net->net_cookie;
	}
	return facts;
}

/* Reads the address into facts; false when it is too short for its family, which the kernel will refuse anyway. */
static __always_inline bool read_inet(const void *address, int length, __u16 family, struct socket_facts *facts)
{
	struct sockaddr_in6 in6 = {0};
	const struct sockaddr_in *in = (const void *)&in6;

	if (length < (family == AF_INET ? SOCKADDR_IN_MIN : SOCKADDR_IN6_MIN))
		return false;
	if (bpf_probe_read_kernel(&in6, SOCKADDR_IN6_MIN, address))
		return false;
	facts->port = bpf_ntohs(in6.sin6_port);
	if (family == AF_INET)
		set_mapped(&facts->address, in->sin_addr);
	else
		__builtin_memcpy(facts->address.words, in6.sin6_addr, sizeof(facts->address.words));
	return true;
}

/* Unix sockets are the container's own, by the filesystem; an abstract name is its network namespace's. */
static __always_inline __u8 no_unix(const struct cfd_guard_state *state, struct sock *sk, const void *address,
				    int length)
{
	char first = 0;

	if (length <= (int)sizeof(__u16))
		return CFD_GUARD_NO_REASON;
	bpf_probe_read_kernel(&first, 1, address + sizeof(__u16)); /* what cannot be read is 0, so abstract */
	if (first)
		return CFD_GUARD_NO_REASON;
	if (!sk || sk->__sk_common.skc_net.net->ns.inum == state->outer_net_ns)
		return CFD_GUARD_ABSTRACT;
	return CFD_GUARD_NO_REASON;
}

static __always_inline __u8 no_connect(struct cfd_guard_state *state, struct sock *sk, const void *address, int length,
				       struct socket_facts *facts)
{
	__u16 family = 0;

	if (!is_configured(state))
		return CFD_GUARD_NO_POLICY;
	if (facts->family == AF_NETLINK)
		return CFD_GUARD_NO_REASON;
	bpf_probe_read_kernel(&family, sizeof(family), address);
	if (facts->family == AF_UNIX)
		return family == AF_UNIX ? no_unix(state, sk, address, length) : CFD_GUARD_NO_REASON;
	if (!is_inet(facts->family))
		return CFD_GUARD_FAMILY;
	if (family == AF_UNSPEC) /* connect(2): dissolves the association */
		return CFD_GUARD_NO_REASON;
	if (!is_inet(family) || !read_inet(address, length, family, facts))
		return CFD_GUARD_FAMILY;
	return no_destination(state, facts);
}

SEC("lsm_cgroup/socket_connect")
int BPF_PROG(cfd_connect, struct socket *sock, struct sockaddr *address, int length)
{
	struct cfd_guard_state *state = container();
	struct sock *sk = sock->sk;
	struct socket_facts facts = facts_of(sock, sk);
	__u8 reason = no_connect(state, sk, address, length, &facts);
	__u8 verdict = verdict_for(state, CFD_GUARD_CONNECT, reason);

	/* What goes on from here comes to connect4 or connect6, and is counted and told there. */
	if (verdict != CFD_GUARD_DENIED && is_inet(facts.family) &&
	    (facts.protocol == IPPROTO_TCP || facts.protocol == IPPROTO_UDP))
		return 1;
	return answer(settle_socket_as(state, CFD_GUARD_CONNECT, verdict, reason, EPERM, &facts), EPERM);
}

/*
 * TCP and UDP, unix, and the routing netlink, which every resolver asks for addresses, and which lets nobody change
 * anything who has no CAP_NET_ADMIN. Others cannot be judged.
 */
static __always_inline bool is_known_socket(int family, int type, int protocol)
{
	if (family == AF_UNIX)
		return true;
	if (family == AF_NETLINK)
		return protocol == NETLINK_ROUTE;
	if (family != AF_INET && family != AF_INET6)
		return false;
	if (type == SOCK_STREAM)
		return protocol == IPPROTO_IP || protocol == IPPROTO_TCP;
	return type == SOCK_DGRAM && (protocol == IPPROTO_IP || protocol == IPPROTO_UDP);
}

static __always_inline bool is_ping(int family, int type, int protocol)
{
	return type == SOCK_DGRAM &&
	       ((family == AF_INET && protocol == IPPROTO_ICMP) || (family == AF_INET6 && protocol == IPPROTO_ICMPV6));
}

/*
 * What a kernel that does not have it says: with that programs do without (PAM's audit, Go's MPTCP), where they give up
 * on a permission that is denied. But for what is a matter of permission anyway: raw and packet sockets are told as to
 * one without CAP_NET_RAW, echo sockets as to one outside of net.ipv4.ping_group_range.
 */
static __always_inline __u8 create_error(int family, int type, int protocol)
{
	if (family == AF_PACKET || (is_inet(family) && type == SOCK_RAW))
		return EPERM;
	if (is_ping(family, type, protocol))
		return EACCES;
	return is_inet(family) || family == AF_NETLINK ? EPROTONOSUPPORT : EAFNOSUPPORT;
}

SEC("lsm_cgroup/socket_create")
int BPF_PROG(cfd_create, int family, int type, int protocol, int kern)
{
	struct cfd_guard_state *state = container();
	struct socket_facts facts = {.family = family, .type = type, .protocol = protocol};
	__u8 reason = CFD_GUARD_NO_REASON, error = create_error(family, type, protocol);

	if (kern)
		return 1;
	if (!is_configured(state))
		reason = CFD_GUARD_NO_POLICY;
	else if (!is_known_socket(family, type, protocol) &&
		 !(state->flags & CFD_GUARD_PING && is_ping(family, type, protocol)))
		reason = CFD_GUARD_FAMILY;
	return answer(settle_socket(state, CFD_GUARD_CREATE, reason, error, &facts), error);
}

SEC("lsm_cgroup/socket_listen")
int BPF_PROG(cfd_listen, struct socket *sock, int backlog)
{
	struct cfd_guard_state *state = container();
	struct sock *sk = sock->sk;
	struct socket_facts facts = facts_of(sock, sk);

	if (sk && is_inet(facts.family))
		facts.port = sk->__sk_common.skc_num;
	return answer(settle_socket(state, CFD_GUARD_LISTEN, no_local_port(state, &facts, true), EACCES, &facts),
		      EACCES);
}

#endif
