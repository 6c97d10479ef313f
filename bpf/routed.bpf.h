/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether a network of the profile has a destination, and what was found lately. */
#ifndef CFD_BPF_ROUTED_H
#define CFD_BPF_ROUTED_H

#include "bpf/event.bpf.h"
#include "bpf/named.bpf.h"

#define MAPPED bpf_htonl(0xffff) /* ::ffff:0:0/96, RFC 4291 */

/*
 * A trie is as slow as its rules are nested, and programs talk to the same few again and again: what it has allowed is
 * remembered, until the policy is another. A destination is one word, so that it is read and written as a whole, and
 * two that are asked for at the same time cannot mix; an IPv6 address is longer. 0, which memory that is empty has too:
 * it does not fit.
 */
static __always_inline __u64 word_of4(__be32 v4, __u16 port, __u32 protocol)
{
	return protocol > 0xff ? 0 : (__u64)v4 << 32 | (__u64)port << 16 | (__u64)protocol << 8 | 1;
}

static __always_inline __u64 word_of(const struct socket_facts *facts)
{
	const __u32 *words = facts->address.words;

	if (words[0] || words[1] || words[2] != MAPPED)
		return 0;
	return word_of4(words[3], facts->port, facts->protocol);
}

/* Times the golden ratio of 2^64, words that follow each other, wherever they differ, lie far apart (Knuth). */
static __always_inline volatile __u64 *memory_for(struct cfd_guard_state *state, __u64 word)
{
	return &state->routed[word * 0x9e3779b97f4a7c15ull >> (64 - CFD_GUARD_ROUTED_BITS)];
}

static __always_inline bool is_remembered(struct cfd_guard_state *state, __u64 word)
{
	return word && *memory_for(state, word) == word;
}

static __always_inline void remember(struct cfd_guard_state *state, __u64 word)
{
	if (word)
		*memory_for(state, word) = word;
}

/*
 * Asked before the trie: a few comparisons instead of a few hundred instructions. What is not found here is asked
 * there. lib/policy/routes.c chooses networks in which no rule says otherwise, and none with 0.0.0.0, which stands for
 * another.
 */
static __always_inline bool is_in_network(const struct cfd_guard_state *state, __be32 v4, __u16 port, __u32 protocol)
{
	for (int i = 0; i < CFD_GUARD_NETWORKS; i++) {
		const struct cfd_guard_network *network = &state->networks[i];

		if (!network->mask)
			return false;
		if (!((v4 ^ network->address) & network->mask) && range_has(&network->range, protocol, port))
			return true;
	}
	return false;
}

/* The longest matching network decides; user space gave it the ports of all networks around it. */
static __always_inline bool is_in_trie(const struct cfd_guard_state *state, const struct socket_facts *facts)
{
	struct cfd_guard_route_key key = {.bits = 192, .address = facts->address};
	const struct cfd_guard_ports *ports;

	key.policy[0] = (__u32)state->policy;
	key.policy[1] = state->policy >> 32;
	ports = bpf_map_lookup_elem(&routes, &key);
	if (!ports)
		return false;
	for (__u32 i = 0; i < CFD_GUARD_RANGES; i++) {
		if (i >= ports->count)
			return false;
		if (range_has(&ports->ranges[i], facts->protocol, facts->port))
			return true;
	}
	return false;
}

static __always_inline bool is_routed(struct cfd_guard_state *state, const struct socket_facts *facts)
{
	__u64 word = word_of(facts);

	if (is_remembered(state, word))
		return true;
	if (!(word && is_in_network(state, facts->address.words[3], facts->port, facts->protocol)) &&
	    !is_in_trie(state, facts))
		return false;
	remember(state, word);
	return true;
}

#endif
