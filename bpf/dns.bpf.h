/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keeps names that are followed current, by the answers that the container gets to its own questions. The two programs
 * are attached to containers whose profile follows a name, and to no others; they only look and never drop.
 *
 * An answer is believed when all of this holds: it comes over UDP from port 53 of a resolver of the container's
 * resolv.conf, into the container's own network namespace, not over loopback (where the container could answer itself);
 * the container has asked that resolver, from that port, with that id, less than half a minute ago, and was not
 * answered yet; the question is the one that was asked, of a followed name. What it teaches is in the map before the
 * answer is in the container's socket, so nobody is ever denied for being quick.
 */
#ifndef CFD_BPF_DNS_H
#define CFD_BPF_DNS_H

#include "bpf/names.h"
#include "bpf/packet.bpf.h"

#define LOOPBACK_INTERFACE 1            /* LOOPBACK_IFINDEX in the kernel's linux/netdevice.h */
#define IPV4_FRAGMENT bpf_htons(0x3fff) /* `more fragments` and the offset */
#define UDP_HEADER 8
#define UDP_FROM_AT 0
#define UDP_TO_AT 2
#define NANOSECONDS 1000000000ull
#define ANSWER_WITHIN (30 * NANOSECONDS) /* the C libraries wait 5 s, twice or three times */

/* RFC 1035, 4.1 */
#define DNS_HEADER 12
#define DNS_NAME_MAX 255
#define DNS_LABELS_MAX 128
#define DNS_RECORDS_MAX 32 /* of one answer; more do not fit into 512 bytes with a name of some length */
#define DNS_RECORD 10      /* type, class, TTL, length; behind the name */
#define DNS_IS_ANSWER 0x8000
#define DNS_TRUNCATED 0x0200
#define DNS_OPCODE 0x7800
#define DNS_ERROR 0x000f
#define DNS_POINTER 0xc0
#define DNS_A 1
#define DNS_AAAA 28
#define DNS_CNAME 5
#define DNS_IN 1

struct dns_asked_key {
	__u64 cgroup;
	struct cfd_guard_address resolver;
	__u16 port, id;
	__u32 unused;
};

struct dns_asked {
	__u64 time;
	__u16 name, type; /* an index into the state's names; DNS_A or DNS_AAAA */
	__u32 unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CFD_GUARD_ASKED);
	__type(key, struct dns_asked_key);
	__type(value, struct dns_asked);
} asked SEC(".maps");

struct dns_packet {
	struct cfd_guard_address from, to;
	__u16 from_port, to_port; /* host byte order */
	__u32 at;                 /* of the DNS message */
};

struct dns_header {
	__be16 id, flags, questions, answers, authorities, others;
};

struct dns_question {
	struct cfd_name_hash hash;
	__u64 name; /* the result */
	__u32 at;   /* where it is; then behind it */
	__u32 left; /* of a label */
	__u16 type, class;
	__u32 unused;
};

struct dns_lesson { /* what an answer is read with */
	__u64 cgroup;
	__u32 name;  /* an index into the state's names */
	__u32 least; /* TTL so far */
	__u32 at;    /* of the next record */
	__u32 unused;
};

struct dns_record {
	__be16 type, class;
	__be32 ttl;
	__be16 length;
} __attribute__((packed));

static __always_inline bool is_dns_port(const __u8 *port)
{
	return !port[0] && port[1] == DNS_PORT;
}

/*
 * Nearly every packet has nothing to do with a resolver: told in place, as each helper costs more. `at`: where in the
 * UDP header the resolver's port would be. With IPv4 options, and where the start is not in one piece, it is not known.
 */
static __always_inline bool is_no_dns(struct __sk_buff *skb, __u32 at)
{
	const __u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (skb->protocol == ETH_P_IP) {
		if (data + IPV4_HEADER + UDP_HEADER > end || (data[0] & 0xf) * 4 != IPV4_HEADER)
			return false;
		return data[IPV4_PROTOCOL_AT] != IPPROTO_UDP || !is_dns_port(data + IPV4_HEADER + at);
	}
	if (data + IPV6_HEADER + UDP_HEADER > end)
		return false;
	return data[IPV6_NEXT_AT] != IPPROTO_UDP || !is_dns_port(data + IPV6_HEADER + at);
}

static __always_inline bool read_ipv4(struct __sk_buff *skb, struct dns_packet *packet)
{
	struct {
		__u8 version, service;
		__be16 length, id, fragment;
		__u8 ttl, protocol;
		__be16 sum;
		__be32 from, to;
	} header;

	if (bpf_skb_load_bytes(skb, 0, &header, sizeof(header)))
		return false;
	if (header.protocol != IPPROTO_UDP || (header.fragment & IPV4_FRAGMENT))
		return false;
	set_mapped(&packet->from, header.from);
	set_mapped(&packet->to, header.to);
	packet->at = (header.version & 0xf) * 4;
	return true;
}

/* Extension headers, the one of fragments too: not looked behind. */
static __always_inline bool read_ipv6(struct __sk_buff *skb, struct dns_packet *packet)
{
	struct {
		__u8 start[IPV6_NEXT_AT], next, hops;
		struct cfd_guard_address from, to;
	} header;

	if (bpf_skb_load_bytes(skb, 0, &header, sizeof(header)) || header.next != IPPROTO_UDP)
		return false;
	packet->from = header.from;
	packet->to = header.to;
	packet->at = IPV6_HEADER;
	return true;
}

static __always_inline bool read_udp(struct __sk_buff *skb, struct dns_packet *packet)
{
	__be16 ports[2];

	if (skb->protocol == ETH_P_IP ? !read_ipv4(skb, packet)
				      : skb->protocol != ETH_P_IPV6 || !read_ipv6(skb, packet))
		return false;
	if (bpf_skb_load_bytes(skb, packet->at, ports, sizeof(ports)))
		return false;
	packet->from_port = bpf_ntohs(ports[0]);
	packet->to_port = bpf_ntohs(ports[1]);
	packet->at += UDP_HEADER;
	return true;
}

/* A container can make network namespaces of its own, in which it is every host. */
static __always_inline bool is_at_home(struct __sk_buff *skb, const struct cfd_guard_state *state)
{
	struct sk_buff *kernel = (void *)skb;
	struct sock *sk = NULL;

	bpf_core_read(&sk, sizeof(sk), &kernel->sk);
	return sk && state->net_ns && BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) == state->net_ns;
}

/* 127.0.0.0/8 is among the resolvers (Docker's); ::1 may be. */
static __always_inline bool is_loopback(const struct cfd_guard_address *address)
{
	if (address->words[0] || address->words[1])
		return false;
	return address->words[2] == MAPPED ? bpf_ntohl(address->words[3]) >> 24 == 127 : !address->words[2];
}

static __always_inline bool is_trusted(const struct cfd_guard_state *state, const struct cfd_guard_address *resolver)
{
	return is_resolver(state, resolver) && !is_loopback(resolver);
}

/*
 * What follows are global functions, each of which the verifier looks at by itself; and what they keep between bytes
 * is in memory that it knows nothing of. So it need not follow each way through the loops, which would be too many.
 */
__noinline int hash_byte(struct dns_question *question, __u32 byte)
{
	if (!question)
		return -1;
	cfd_name_take(&question->hash, byte);
	return 0;
}

__noinline int hash_end(struct dns_question *question)
{
	if (!question)
		return -1;
	question->name = cfd_name_end(&question->hash);
	return 0;
}

/* Reads the question at question->at, and hashes its name. */
__noinline int read_question(struct __sk_buff *skb, struct dns_question *question)
{
	__be16 end[2];
	__u8 byte;

	if (!question)
		return -1;
	for (int i = 0; i < DNS_NAME_MAX; i++) {
		if (bpf_skb_load_bytes(skb, question->at, &byte, sizeof(byte)))
			return -1;
		question->at++;
		hash_byte(question, cfd_name_lower(byte));
		if (question->left) {
			question->left--;
			continue;
		}
		if (byte & DNS_POINTER)
			return -1; /* nothing is there yet to point to */
		question->left = byte;
		if (byte)
			continue;
		if (bpf_skb_load_bytes(skb, question->at, end, sizeof(end)))
			return -1;
		question->at += sizeof(end);
		hash_end(question);
		question->type = bpf_ntohs(end[0]);
		question->class = bpf_ntohs(end[1]);
		return 0;
	}
	return -1;
}

/* Where the name that is there ends, or -1. */
__noinline int skip_name(struct __sk_buff *skb, __u32 at)
{
	__u8 length;

	for (int i = 0; i < DNS_LABELS_MAX; i++) {
		if (bpf_skb_load_bytes(skb, at, &length, sizeof(length)))
			return -1;
		if ((length & DNS_POINTER) == DNS_POINTER)
			return at + 2;
		if (length & DNS_POINTER)
			return -1;
		at += 1 + length;
		if (!length)
			return at;
	}
	return -1;
}

/* The followed name that is asked for, or CFD_GUARD_NAMES. On return question->at is behind it. */
static __always_inline __u32 followed_name(struct __sk_buff *skb, const struct cfd_guard_state *state,
					   struct dns_question *question)
{
	const __u64 key[2] = {state->name_key[0], state->name_key[1]};

	cfd_name_start(&question->hash, key);
	if (read_question(skb, question) || question->class != DNS_IN ||
	    (question->type != DNS_A && question->type != DNS_AAAA) || !question->name)
		return CFD_GUARD_NAMES;
	for (__u32 i = 0; i < CFD_GUARD_NAMES; i++)
		if (i < state->name_count && state->names[i].hash == question->name)
			return i;
	return CFD_GUARD_NAMES;
}

/* The packet's DNS header, when it is a message with one question. */
static __always_inline bool read_header(struct __sk_buff *skb, const struct dns_packet *packet,
					struct dns_header *header)
{
	return !bpf_skb_load_bytes(skb, packet->at, header, sizeof(*header)) && header->questions == bpf_htons(1) &&
	       !(bpf_ntohs(header->flags) & DNS_OPCODE);
}

static __always_inline void fill_asked_key(struct dns_asked_key *key, const struct cfd_guard_state *state,
					   const struct cfd_guard_address *resolver, __u16 port, __be16 id)
{
	key->cgroup = state->cgroup;
	key->resolver = *resolver;
	key->port = port;
	key->id = id;
	key->unused = 0;
}

SEC("cgroup_skb/egress")
int cfd_asks(struct __sk_buff *skb)
{
	struct cfd_guard_state *state = container();
	struct dns_question question = {0};
	struct dns_packet packet = {0};
	struct dns_asked value = {0};
	struct dns_asked_key key;
	struct dns_header header;
	__u32 name;

	if (!is_configured(state) || is_no_dns(skb, UDP_TO_AT) || !read_udp(skb, &packet) ||
	    packet.to_port != DNS_PORT || !is_trusted(state, &packet.to) || !is_at_home(skb, state) ||
	    !read_header(skb, &packet, &header) || bpf_ntohs(header.flags) & DNS_IS_ANSWER)
		return 1;
	question.at = packet.at + DNS_HEADER;
	name = followed_name(skb, state, &question);
	if (name == CFD_GUARD_NAMES)
		return 1;
	fill_asked_key(&key, state, &packet.to, packet.from_port, header.id);
	value.time = bpf_ktime_get_boot_ns();
	value.name = name;
	value.type = question.type;
	bpf_map_update_elem(&asked, &key, &value, 0);
	return 1;
}

static __always_inline void learn(const struct dns_lesson *lesson, struct cfd_guard_address *address, __u32 ttl)
{
	struct cfd_guard_learned_key key = {.cgroup = lesson->cgroup, .name = lesson->name};
	struct cfd_guard_learned value;

	translate(address);
	if (cfd_name_is_barred(address))
		return;
	if (ttl < CFD_GUARD_LEARNED_MIN)
		ttl = CFD_GUARD_LEARNED_MIN;
	if (ttl > CFD_GUARD_LEARNED_MAX)
		ttl = CFD_GUARD_LEARNED_MAX;
	key.address = *address;
	value.until = bpf_ktime_get_boot_ns() + ttl * NANOSECONDS;
	bpf_map_update_elem(&learned, &key, &value, 0);
}

/* RFC 2181, 8: one that is negative is none. A chain is as short-lived as its least link. */
static __always_inline __u32 ttl_of(const struct dns_record *record, struct dns_lesson *lesson)
{
	__u32 ttl = bpf_ntohl(record->ttl);

	if (ttl >> 31)
		ttl = 0;
	if (ttl > lesson->least)
		ttl = lesson->least;
	if (record->type == bpf_htons(DNS_CNAME))
		lesson->least = ttl;
	return ttl;
}

/* The record at lesson->at, which is moved behind it; -1 when there is none. */
__noinline int learn_record(struct __sk_buff *skb, struct dns_lesson *lesson)
{
	struct cfd_guard_address address = {0};
	struct dns_record record;
	__u32 ttl;
	int at;

	if (!lesson)
		return -1;
	at = skip_name(skb, lesson->at);
	if (at < 0 || bpf_skb_load_bytes(skb, at, &record, sizeof(record)))
		return -1;
	at += DNS_RECORD;
	lesson->at = at + bpf_ntohs(record.length);
	ttl = ttl_of(&record, lesson);
	if (record.class != bpf_htons(DNS_IN))
		return 0;
	if (record.type == bpf_htons(DNS_A) && record.length == bpf_htons(4)) {
		if (bpf_skb_load_bytes(skb, at, &address.words[3], 4))
			return -1;
		address.words[2] = MAPPED;
		learn(lesson, &address, ttl);
	} else if (record.type == bpf_htons(DNS_AAAA) && record.length == bpf_htons(16)) {
		if (bpf_skb_load_bytes(skb, at, &address, 16))
			return -1;
		learn(lesson, &address, ttl);
	}
	return 0;
}

/* A and AAAA of the answer section: the resolver put nothing there but what the name led to. */
static __always_inline void learn_records(struct __sk_buff *skb, struct dns_lesson *lesson, __u32 count)
{
	for (__u32 i = 0; i < DNS_RECORDS_MAX; i++)
		if (i >= count || learn_record(skb, lesson))
			return;
}

/* Whether it answers a question that waits for its answer; that one is answered then. */
static __always_inline bool was_asked(const struct dns_asked_key *key, __u32 name, __u16 type)
{
	const struct dns_asked *found = bpf_map_lookup_elem(&asked, key);

	if (!found || found->name != name || found->type != type ||
	    found->time + ANSWER_WITHIN < bpf_ktime_get_boot_ns())
		return false;
	return !bpf_map_delete_elem(&asked, key);
}

SEC("cgroup_skb/ingress")
int cfd_answers(struct __sk_buff *skb)
{
	struct cfd_guard_state *state = container();
	struct dns_question question = {0};
	struct dns_packet packet = {0};
	struct dns_lesson lesson = {0};
	struct dns_asked_key key;
	struct dns_header header;
	__u32 name, flags;

	if (!is_configured(state) || skb->ifindex == LOOPBACK_INTERFACE || is_no_dns(skb, UDP_FROM_AT) ||
	    !read_udp(skb, &packet) || packet.from_port != DNS_PORT || !is_trusted(state, &packet.from) ||
	    !is_at_home(skb, state) || !read_header(skb, &packet, &header))
		return 1;
	flags = bpf_ntohs(header.flags);
	if (!(flags & DNS_IS_ANSWER) || flags & (DNS_TRUNCATED | DNS_ERROR))
		return 1;
	question.at = packet.at + DNS_HEADER;
	name = followed_name(skb, state, &question);
	if (name == CFD_GUARD_NAMES)
		return 1;
	fill_asked_key(&key, state, &packet.from, packet.to_port, header.id);
	if (!was_asked(&key, name, question.type))
		return 1;
	lesson.cgroup = state->cgroup;
	lesson.name = name;
	lesson.least = CFD_GUARD_LEARNED_MAX;
	lesson.at = question.at;
	learn_records(skb, &lesson, bpf_ntohs(header.answers));
	return 1;
}

#endif
