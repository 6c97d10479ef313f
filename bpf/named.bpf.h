/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Destinations that are reached by name: what the name stood for when the container was created, and, where it is
 * followed, what bpf/dns.bpf.h has learned since. Asked only when no network of the profile has the address.
 */
#ifndef CFD_BPF_NAMED_H
#define CFD_BPF_NAMED_H

#include "bpf/event.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CFD_GUARD_LEARNED);
	__type(key, struct cfd_guard_learned_key);
	__type(value, struct cfd_guard_learned);
} learned SEC(".maps");

static __always_inline bool range_has(const struct cfd_guard_range *range, __u16 protocol, __u16 port)
{
	return (!range->protocol || range->protocol == protocol) && port >= range->first && port <= range->last;
}

static __always_inline bool is_same_address(const struct cfd_guard_address *a, const struct cfd_guard_address *b)
{
	return a->words[0] == b->words[0] && a->words[1] == b->words[1] && a->words[2] == b->words[2] &&
	       a->words[3] == b->words[3];
}

/*
 * This and cfd_is_named() are global functions, each of which the verifier looks at by itself: five programs ask, and
 * the loops would be too many ways for it to follow in each of them.
 */
__noinline int name_has_port(const struct cfd_guard_name *name, const struct socket_facts *facts)
{
	if (!name || !facts)
		return false;
	for (__u32 i = 0; i < CFD_GUARD_NAME_RANGES; i++)
		if (i < name->count && range_has(&name->ranges[i], facts->protocol, facts->port))
			return true;
	return false;
}

static __always_inline bool is_learned(const struct cfd_guard_state *state, __u32 name,
				       const struct socket_facts *facts)
{
	struct cfd_guard_learned_key key = {.cgroup = state->cgroup, .address = facts->address, .name = name};
	const struct cfd_guard_learned *found = bpf_map_lookup_elem(&learned, &key);

	return found && found->until > bpf_ktime_get_boot_ns();
}

__noinline int cfd_is_named(const struct cfd_guard_state *state, const struct socket_facts *facts)
{
	if (!state || !facts)
		return false;
	for (__u32 i = 0; i < CFD_GUARD_ADDRESSES; i++) {
		__u32 name = state->address_names[i];

		if (i >= state->address_count)
			break;
		if (name < CFD_GUARD_NAMES && is_same_address(&state->addresses[i], &facts->address) &&
		    name_has_port(&state->names[name], facts))
			return true;
	}
	for (__u32 i = 0; i < CFD_GUARD_NAMES; i++) {
		if (i >= state->name_count)
			break;
		if (state->names[i].hash && name_has_port(&state->names[i], facts) && is_learned(state, i, facts))
			return true;
	}
	return false;
}

#endif
