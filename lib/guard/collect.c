/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removes what no container needs any more. Which policies are in force is read from the states themselves, which go
 * with their cgroups; so nobody has to be believed, and nothing is forgotten after a crash.
 */
#include "bpf/guard.h"
#include "lib/fd.h"
#include "lib/guard/guard.h"
#include "lib/guard/bpf.h"
#include "lib/guard/exempt.h"
#include "lib/guard/pins.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

/* The ids of the policies that are in force, one after the other in the buffer. */
static int read_policies_in_force(struct cfd_buf *ids, struct cfd_error *err)
{
	CFD_AUTO_FD int map = -1;
	struct cfd_guard_state state;
	uint64_t cgroup, *previous = NULL;
	int r = cfd_guard_bpf_open(cfd_guard_bpf_set(), "containers", &map, err);

	if (r)
		return r;
	while (!cfd_guard_bpf_next_key(map, previous, &cgroup)) {
		if (!cgroup) /* no cgroup's id: the end of the list on kernels without 5828b9e5b272 */
			return 0;
		previous = &cgroup;
		if (cfd_guard_bpf_read_state(map, cgroup, &state)) /* gone since */
			return cfd_fail(err, -EAGAIN, "containers come and go; try again");
		if (cfd_buf_add(ids, &state.policy, sizeof(state.policy)))
			return cfd_fail_memory(err, "the policies in force");
	}
	/* This kind of map says that the list is over, too, when the key that it was given has gone meanwhile. */
	if (previous && cfd_guard_bpf_read_state(map, *previous, &state))
		return cfd_fail(err, -EAGAIN, "containers come and go; try again");
	return 0;
}

static bool is_in_force(const struct cfd_buf *ids, uint64_t id)
{
	const uint64_t *list = (const uint64_t *)ids->data;

	for (size_t i = 0; i < ids->length / sizeof(*list); i++)
		if (list[i] == id)
			return true;
	return false;
}

/* The policy's own entry first: a rule that is missing under an entry that is there would never be put in again. */
static int remove_policies(const struct cfd_buf *ids, size_t *removed, struct cfd_error *err)
{
	CFD_AUTO_FD int map = -1;
	uint64_t id, next;
	int r = cfd_guard_bpf_open(cfd_guard_bpf_set(), "policies", &map, err), more;

	if (r)
		return r;
	for (more = cfd_guard_bpf_next_key(map, NULL, &id); !more; id = next) {
		more = cfd_guard_bpf_next_key(map, &id, &next);
		if (is_in_force(ids, id))
			continue;
		r = cfd_guard_bpf_delete(map, &id);
		if (r && r != -ENOENT)
			return cfd_fail_errno(err, r, "cannot remove a policy that is not in use");
		(*removed)++;
	}
	return 0;
}

static int remove_routes(const struct cfd_buf *ids, size_t *removed, struct cfd_error *err)
{
	CFD_AUTO_FD int map = -1;
	struct cfd_guard_route_key key, next;
	int r = cfd_guard_bpf_open(cfd_guard_bpf_set(), "routes", &map, err), more;

	if (r)
		return r;
	for (more = cfd_guard_bpf_next_key(map, NULL, &key); !more; key = next) {
		more = cfd_guard_bpf_next_key(map, &key, &next);
		if (is_in_force(ids, (uint64_t)key.policy[1] << 32 | key.policy[0]))
			continue;
		r = cfd_guard_bpf_delete(map, &key);
		if (r && r != -ENOENT)
			return cfd_fail_errno(err, r, "cannot remove a network rule that is not in use");
		(*removed)++;
	}
	return 0;
}

/* A set of another version governs nobody when no cgroup has a state of it. */
static int remove_unused_set(int pins, const char *set, void *data, struct cfd_error *err)
{
	struct cfd_guard_collected *collected = data;
	CFD_AUTO_FD int map = -1;
	uint64_t cgroup;
	int r;

	if (cfd_streq(set, cfd_guard_bpf_set()) || cfd_starts_with(set, "new-"))
		return 0;
	r = cfd_guard_bpf_open(set, "containers", &map, err);
	if (r && r != -ENOENT) /* without the map the set is torn; otherwise it is not known whom it governs */
		return r;
	if (!r && !cfd_guard_bpf_next_key(map, NULL, &cgroup))
		return 0;
	r = cfd_guard_pins_remove(pins, set, err);
	collected->sets += !r;
	return r;
}

int cfd_guard_collect(struct cfd_guard_collected *ret_collected, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf ids = {0};
	CFD_AUTO_FD int lock = -1;
	struct cfd_guard_collected collected = {0};
	int r = cfd_guard_pins_lock(true, &lock, err);

	if (!r)
		r = cfd_guard_pins_each(lock, remove_unused_set, &collected, err);
	if (!r)
		r = read_policies_in_force(&ids, err);
	if (!r)
		r = remove_policies(&ids, &collected.rules, err);
	if (!r)
		r = remove_routes(&ids, &collected.rules, err);
	if (!r)
		r = cfd_guard_exempt_collect(err);
	if (r && r != -ENOENT) /* nothing is loaded: nothing to remove */
		return r;
	*ret_collected = collected;
	return 0;
}
