/* SPDX-License-Identifier: Apache-2.0 */
/* Exemptions in the kernel. */
#include "lib/guard/exempt.h"

#include "bpf/guard.h"
#include "lib/guard/bpf.h"
#include "lib/guard/guard.h"

#include <errno.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

static int open_map(int *ret_map, struct cfd_error *err)
{
	return cfd_guard_bpf_open(cfd_guard_bpf_set(), "exemptions", ret_map, err);
}

static uint64_t boot_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static bool is_of(const struct cfd_guard_exemption *exemption, const struct cfd_guard_state *state)
{
	return exemption->created == state->created && exemption->init_pid == state->init_pid;
}

/* What is there for this very container, or none. */
static int read_exemption(int map, uint64_t cgroup_id, const struct cfd_guard_state *state,
			  struct cfd_guard_exemption *ret_exemption, struct cfd_error *err)
{
	struct cfd_guard_exemption exemption;
	int r = cfd_guard_bpf_lookup(map, &cgroup_id, &exemption);

	if (r && r != -ENOENT)
		return cfd_fail_errno(err, r, "cannot read the exemptions of the cgroup %llu",
				      (unsigned long long)cgroup_id);
	*ret_exemption = !r && is_of(&exemption, state)
				 ? exemption
				 : (struct cfd_guard_exemption){.created = state->created, .init_pid = state->init_pid};
	return 0;
}

static int write_exemption(int map, uint64_t cgroup_id, const struct cfd_guard_exemption *exemption,
			   struct cfd_error *err)
{
	struct cfd_error ignored;
	int r = cfd_guard_bpf_update(map, &cgroup_id, exemption);

	if (r == -E2BIG && !cfd_guard_exempt_collect(&ignored))
		r = cfd_guard_bpf_update(map, &cgroup_id, exemption);
	if (r == -E2BIG)
		return cfd_fail(err, -ENOSPC,
				"%d containers are exempt already, and there is no room for more: end one with "
				"`cofferdam exempt CONTAINER --end`",
				CFD_GUARD_EXEMPTIONS_MAX);
	return r ? cfd_fail_errno(err, r, "cannot write the exemptions of the cgroup %llu",
				  (unsigned long long)cgroup_id)
		 : 0;
}

int cfd_guard_exempt(uint64_t cgroup_id, unsigned parts, unsigned seconds, struct cfd_error *err)
{
	CFD_AUTO_FD int map = -1;
	struct cfd_guard_exemption exemption;
	struct cfd_guard_state state;
	int r = cfd_guard_read(cgroup_id, &state, err);

	if (!r && seconds > CFD_EXEMPT_MAX_SECONDS)
		return cfd_fail(err, -EINVAL, "%u s are longer than the %d s that an exemption may last", seconds,
				CFD_EXEMPT_MAX_SECONDS);
	if (!r && state.magic != CFD_GUARD_MAGIC)
		return cfd_fail(err, -ENOENT, "no policy is in force in the cgroup %llu",
				(unsigned long long)cgroup_id);
	if (!r)
		r = open_map(&map, err);
	if (!r)
		r = read_exemption(map, cgroup_id, &state, &exemption, err);
	if (r)
		return r;
	for (unsigned part = 0; part < CFD_GUARD_PARTS; part++)
		if (parts & 1u << part)
			exemption.until[part] = seconds ? boot_time() + seconds * NS_PER_S : 0;
	return write_exemption(map, cgroup_id, &exemption, err);
}

int cfd_guard_exempt_left(uint64_t cgroup_id, uint32_t ret_seconds[2], struct cfd_error *err)
{
	CFD_AUTO_FD int map = -1;
	struct cfd_guard_exemption exemption = {0};
	struct cfd_guard_state state;
	uint64_t now = boot_time();
	int r = cfd_guard_read(cgroup_id, &state, err);

	if (!r)
		r = open_map(&map, err);
	if (!r)
		r = read_exemption(map, cgroup_id, &state, &exemption, err);
	if (r && r != -ENOENT)
		return r;
	for (unsigned part = 0; part < CFD_GUARD_PARTS; part++)
		ret_seconds[part] = exemption.until[part] > now
					    ? (uint32_t)((exemption.until[part] - now + NS_PER_S - 1) / NS_PER_S)
					    : 0;
	return 0;
}

static int forget(int map, uint64_t cgroup_id, struct cfd_error *err)
{
	int r = cfd_guard_bpf_delete(map, &cgroup_id);

	return r && r != -ENOENT ? cfd_fail_errno(err, r, "cannot remove the exemptions of the cgroup %llu",
						  (unsigned long long)cgroup_id)
				 : 0;
}

int cfd_guard_exempt_forget(uint64_t cgroup_id, struct cfd_error *err)
{
	CFD_AUTO_FD int map = -1;
	int r = open_map(&map, err);

	if (r)
		return r == -ENOENT ? 0 : r;
	return forget(map, cgroup_id, err);
}

static bool is_over(int map, uint64_t cgroup_id)
{
	struct cfd_guard_exemption exemption;
	struct cfd_guard_state state;
	struct cfd_error ignored;
	uint64_t now = boot_time();

	if (cfd_guard_bpf_lookup(map, &cgroup_id, &exemption) || cfd_guard_read(cgroup_id, &state, &ignored) ||
	    !is_of(&exemption, &state))
		return true;
	return exemption.until[CFD_GUARD_PART_EXEC] <= now && exemption.until[CFD_GUARD_PART_NET] <= now;
}

int cfd_guard_exempt_collect(struct cfd_error *err)
{
	CFD_AUTO_FD int map = -1;
	uint64_t id, next;
	int r = open_map(&map, err), more;

	if (r)
		return r;
	for (more = cfd_guard_bpf_next_key(map, NULL, &id); !r && !more; id = next) {
		more = cfd_guard_bpf_next_key(map, &id, &next);
		r = is_over(map, id) ? forget(map, id, err) : 0;
	}
	return r;
}
