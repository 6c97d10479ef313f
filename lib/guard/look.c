/* SPDX-License-Identifier: Apache-2.0 */
/* What is in force, as the kernel has it. Nothing here changes anything. */
#include "bpf/guard.h"
#include "lib/guard/guard.h"
#include "lib/guard/bpf.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int cfd_guard_read(uint64_t cgroup_id, struct cfd_guard_state *ret_state, struct cfd_error *err)
{
	CFD_AUTO_FD int containers = -1;
	struct cfd_guard_state state;
	int r = cfd_guard_bpf_open(cfd_guard_bpf_set(), "containers", &containers, err);

	if (r)
		return r;
	r = cfd_guard_bpf_read_state(containers, cgroup_id, &state);
	if (r)
		return cfd_fail(err, r, "no guard is attached to the cgroup %llu", (unsigned long long)cgroup_id);
	*ret_state = state;
	return 0;
}

int cfd_guard_attached(const char *cgroup_path, struct cfd_guard_parts *ret_parts, struct cfd_error *err)
{
	CFD_AUTO_FD int cgroup = open(cgroup_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), map = -1;
	struct cfd_guard_loaded loaded;
	const uint32_t key = 0;
	unsigned halves;
	int r;

	if (cgroup < 0)
		return cfd_fail_errno(err, -errno, "cannot open the cgroup %s", cgroup_path);
	r = cfd_guard_bpf_open(cfd_guard_bpf_set(), "loaded", &map, err);
	if (r)
		return r;
	r = cfd_guard_bpf_lookup(map, &key, &loaded);
	if (r)
		return cfd_fail_errno(err, r, "cannot read what was loaded");
	halves = cfd_guard_bpf_attached(loaded.programs, cgroup);
	*ret_parts = (struct cfd_guard_parts){
		.exec = halves & CFD_GUARD_FILES,
		.net = halves & CFD_GUARD_SOCKETS && halves & CFD_GUARD_DESTINATIONS,
		.destinations = halves & CFD_GUARD_DESTINATIONS && !(halves & CFD_GUARD_SOCKETS),
	};
	return 0;
}

int cfd_guard_routes(uint64_t policy, struct cfd_guard_route *routes, size_t room, size_t *ret_count,
		     struct cfd_error *err)
{
	CFD_AUTO_FD int map = -1;
	struct cfd_guard_route route;
	size_t count = 0;
	int r = cfd_guard_bpf_open(cfd_guard_bpf_set(), "routes", &map, err), more;

	if (r)
		return r;
	more = cfd_guard_bpf_next_key(map, NULL, &route.key);
	/* Bounded: a key that is removed meanwhile makes the kernel begin anew. */
	for (size_t i = 0; !more && i < 2 * CFD_GUARD_ROUTES_MAX; i++) {
		struct cfd_guard_route_key key = route.key;

		if (((uint64_t)key.policy[1] << 32 | key.policy[0]) == policy &&
		    !cfd_guard_bpf_lookup(map, &key, &route.ports)) {
			if (count < room)
				routes[count] = route;
			count++;
		}
		more = cfd_guard_bpf_next_key(map, &key, &route.key);
	}
	*ret_count = count;
	return 0;
}
