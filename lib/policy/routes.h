/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net.connect and net.listen of a profile -> the rules in the form of bpf/guard.h. The kernel looks up the longest
 * network that matches and nothing else, so each network is given the ports of all networks around it here.
 */
#ifndef CFD_ROUTES_H
#define CFD_ROUTES_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_guard_address;
struct cfd_guard_network;
struct cfd_guard_range;
struct cfd_guard_route;
struct cfd_profile;
struct cfd_profile_port;

/*
 * The caller frees the array (NULL when there are no rules). Sorted, padding zeroed, key.policy 0: the same rules give
 * the same bytes. `dns` is not among them, see cfd_routes_resolvers.
 *
 * The addresses of cloud metadata services are opened by the word `metadata` or by a network that is neither all of its
 * family nor the word `cluster`; a network of IPv6 (::/0) does not mean the IPv4 addresses that are mapped into it.
 * -E2BIG: more than CFD_POLICY_MAX_ROUTES networks, or more port ranges for one than CFD_GUARD_RANGES.
 */
int cfd_routes_compile(const struct cfd_profile *profile, struct cfd_guard_route **ret_routes, size_t *ret_count,
		       struct cfd_error *err);

/*
 * Of such rules: up to CFD_GUARD_NETWORKS networks of IPv4, the widest, of which every address may be reached in the
 * same range of ports, so that most destinations need not be looked for among all rules. `networks` is zeroed before.
 */
void cfd_routes_networks(const struct cfd_guard_route *routes, size_t count, struct cfd_guard_network *networks);

/* The ranges of net.listen, merged. -E2BIG: more than room. */
int cfd_routes_listens(const struct cfd_profile *profile, struct cfd_guard_range *ranges, size_t room,
		       uint16_t *ret_count, struct cfd_error *err);

/* The ranges of ports of one rule, merged; none means all. -E2BIG: more than room. */
int cfd_routes_ranges(const struct cfd_profile_port *ports, size_t count, struct cfd_guard_range *ranges, size_t room,
		      uint16_t *ret_count, struct cfd_error *err);

/*
 * The name servers of a resolv.conf(5), as the C libraries read it: the first three; this machine when there are none.
 * And always 127.0.0.11: Docker's resolver inside of the container, which it may write into the file only later.
 */
int cfd_routes_resolvers(const char *resolv_conf, struct cfd_guard_address *addresses, size_t room, uint16_t *ret_count,
			 struct cfd_error *err);

#endif
