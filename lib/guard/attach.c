/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts a container's policy in force. The order: what all containers of the policy share (the network rules), then the
 * programs, whose zeroed state denies everything, then the state, of which nothing holds before all is there. So there
 * is no moment at which the container is governed by half of a policy, and a hook that is killed in between leaves a
 * container that can do nothing.
 */
#include "bpf/guard.h"
#include "lib/fd.h"
#include "lib/guard/guard.h"
#include "lib/guard/bpf.h"
#include "lib/policy/hostnames.h"
#include "lib/guard/pins.h"
#include "lib/policy/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATUS_MAX_BYTES ((size_t)64 << 10)
#define INITIAL_PID_NS 0xEFFFFFFCu /* PROC_PID_INIT_INO in the kernel's linux/proc_ns.h */

/* --- network rules */

static int insert_routes(const struct cfd_policy *policy, struct cfd_error *err)
{
	CFD_AUTO_FD int map = -1;
	size_t count;
	const struct cfd_guard_route *routes = cfd_policy_routes(policy, &count);
	int r = cfd_guard_bpf_open(cfd_guard_bpf_set(), "routes", &map, err);

	for (size_t i = 0; !r && i < count; i++) {
		r = cfd_guard_bpf_update(map, &routes[i].key, &routes[i].ports);
		if (r == -ENOSPC)
			return cfd_fail(err, r,
					"no room for the %zu network rules of this profile: the guard holds %u for all "
					"profiles that are in use",
					count, CFD_GUARD_ROUTES_MAX);
		if (r)
			return cfd_fail_errno(err, r, "cannot put a network rule into the guard");
	}
	return r;
}

/*
 * Puts the rules where all containers of this policy find them. Every step can be done twice, by two at once too, and
 * the entry in `policies` comes last: without it the rules are put in again.
 */
static int publish_routes(const struct cfd_policy *policy, uint32_t policies, struct cfd_error *err)
{
	CFD_AUTO_FD int map = -1;
	struct cfd_guard_policy known, mine = {.digest = cfd_policy_route_digest(policy)};
	uint64_t id = cfd_policy_id(policy);
	size_t count;
	int r;

	cfd_policy_routes(policy, &count);
	if (!count)
		return 0;
	mine.routes = (uint32_t)count;
	r = cfd_guard_bpf_open_map(policies, cfd_guard_bpf_set(), "policies", &map, err);
	if (r)
		return r;
	if (!cfd_guard_bpf_lookup(map, &id, &known)) {
		if (!memcmp(&known, &mine, sizeof(known)))
			return 0;
		return cfd_fail(err, -EEXIST,
				"two profiles whose network rules differ have the same id %016llx: change one of them",
				(unsigned long long)id);
	}
	r = insert_routes(policy, err);
	if (r)
		return r;
	r = cfd_guard_bpf_update(map, &id, &mine);
	if (r == -E2BIG) /* what a hash says that is full */
		return cfd_fail(
			err, -ENOSPC,
			"no room for another set of network rules: the guard holds %u, those of all profiles that "
			"are in use",
			CFD_GUARD_POLICIES_MAX);
	return r ? cfd_fail_errno(err, r, "cannot enter the policy into the guard") : 0;
}

/* --- one container */

/* What one attaching works with. */
struct attach {
	const struct cfd_guard_target *target;
	const struct cfd_policy *policy;
	struct cfd_guard_state state;
	unsigned halves;
	bool is_new; /* nothing is attached to the cgroup yet */
	int loaded_map, containers;
	struct cfd_guard_loaded loaded;
};

static const uint32_t the_key; /* of a map with one value */

static void attach_release(struct attach *attach)
{
	cfd_base_close(&attach->loaded_map);
	cfd_base_close(&attach->containers);
}

static int open_maps(struct attach *attach, struct cfd_error *err)
{
	const char *set = cfd_guard_bpf_set();
	int r = cfd_guard_bpf_open(set, "loaded", &attach->loaded_map, err);

	if (r)
		return r;
	r = cfd_guard_bpf_lookup(attach->loaded_map, &the_key, &attach->loaded);
	if (r)
		return cfd_fail_errno(err, r, "cannot read what was loaded");
	return cfd_guard_bpf_open_map(attach->loaded.containers, set, "containers", &attach->containers, err);
}

/* Once per boot; the answer is kept for later. */
static int find_upper_offset(struct attach *attach, struct cfd_error *err)
{
	int r = 0;

	if (!attach->loaded.upper_offset) {
		attach->loaded.upper_offset = cfd_guard_bpf_upper_offset();
		if (!attach->loaded.upper_offset)
			return cfd_fail(err, -EOPNOTSUPP,
					"exec.image_only and mode `record` need the layout of overlayfs, which this "
					"kernel does not describe "
					"(CONFIG_DEBUG_INFO_BTF_MODULES; /sys/kernel/btf/overlay is missing)");
		r = cfd_guard_bpf_update(attach->loaded_map, &the_key, &attach->loaded);
		if (r)
			return cfd_fail_errno(err, r, "cannot keep the layout of overlayfs");
	}
	attach->state.upper_offset = attach->loaded.upper_offset;
	return 0;
}

/* The inode number that names a namespace, by its path below `dirfd`; 0: cannot be told. */
static uint32_t namespace_at(int dirfd, const char *path)
{
	struct stat st;

	return fstatat(dirfd, path, &st, 0) ? 0 : (uint32_t)st.st_ino;
}

/*
 * Without an overlay the image's files are told by their change time and by the mount that they are reached through.
 * Both are the kernel's own on these filesystems. On btrfs every subvolume's root has the same inode number, so that a
 * volume could be taken for the root; a FUSE server may say what it likes.
 */
static int check_root_type(const struct cfd_guard_state *state, struct cfd_error *err)
{
	static const uint32_t types[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, F2FS_SUPER_MAGIC,
					 TMPFS_MAGIC,      SQUASHFS_MAGIC,  EROFS_SUPER_MAGIC_V1};

	for (size_t i = 0; i < CFD_COUNT(types); i++)
		if (types[i] == state->root_type)
			return 0;
	return cfd_fail(
		err, -EOPNOTSUPP,
		"exec.image_only: on the filesystem of this container's root (type %#x, see statfs(2)) the image's "
		"files cannot be told from others: use the engine's overlay storage, or set it to false",
		state->root_type);
}

/* What the programs for files need beyond that; where they are not attached, nobody asks for it. */
static int complete_for_files(struct attach *attach, struct cfd_error *err)
{
	const struct cfd_guard_state *state = &attach->state;
	const uint32_t flags = state->flags;

	if (attach->state.shells_mode == CFD_GUARD_SHELLS_STARTUP &&
	    namespace_at(AT_FDCWD, "/proc/self/ns/pid") != INITIAL_PID_NS)
		return cfd_fail(err, -EOPNOTSUPP,
				"exec.shells: startup needs the engine to run outside of any pid namespace; "
				"here only `deny` and `allow` can be had");
	if (flags & CFD_GUARD_OVERLAY)
		return flags & (CFD_GUARD_IMAGE_ONLY | CFD_GUARD_RECORD) ? find_upper_offset(attach, err) : 0;
	return flags & CFD_GUARD_IMAGE_ONLY ? check_root_type(state, err) : 0;
}

/* What only the hook knows. A mount namespace that the container shares tells nothing about who is the runtime. */
static int complete_state(struct attach *attach, struct cfd_error *err)
{
	const struct cfd_guard_target *target = attach->target;
	struct cfd_guard_state *state = &attach->state;
	CFD_AUTO_FD int host = open("/proc/1/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
	uint32_t container;
	char path[64];

	if (host < 0)
		return cfd_fail_errno(err, -errno, "cannot open /proc/1/ns");
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", target->init_pid);
	container = namespace_at(AT_FDCWD, path);
	if (!container)
		return cfd_fail(err, -ESRCH, "the container's first process %d is gone", target->init_pid);
	state->cgroup = target->cgroup_id;
	state->init_pid = (uint32_t)target->init_pid;
	state->starter = state->init_pid;
	state->outer_net_ns = namespace_at(host, "net");
	state->outer_mnt_ns[0] = namespace_at(host, "mnt");
	snprintf(path, sizeof(path), "/proc/%d/ns/net", target->init_pid);
	state->net_ns = namespace_at(AT_FDCWD, path);
	if (!state->outer_net_ns || !state->net_ns)
		return cfd_fail(err, -ESRCH,
				"cannot tell the network namespaces of the host (/proc/1/ns/net) and of the container "
				"(%s): its first process may be gone; create it again",
				path);
	for (size_t i = 0; i < CFD_COUNT(state->outer_mnt_ns); i++)
		if (state->outer_mnt_ns[i] == container)
			state->outer_mnt_ns[i] = 0;
	if (attach->halves & CFD_GUARD_SOCKETS && state->net_ns == state->outer_net_ns)
		attach->halves |= CFD_GUARD_HOST_NET;
	return attach->halves & CFD_GUARD_FILES ? complete_for_files(attach, err) : 0;
}

/* In a pid namespace of its own a container's first process has the number 1 there: the last one of NSpid, proc(5). */
static int shares_pids(int init_pid, bool *ret_shares, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf status = {0};
	char path[64], *line;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/status", init_pid);
	r = cfd_fd_read_kernel(AT_FDCWD, path, STATUS_MAX_BYTES, &status, err);
	if (r)
		return r;
	line = status.data ? strstr(status.data, "\nNSpid:") : NULL;
	if (!line)
		return cfd_fail(err, -EOPNOTSUPP, "%s has no NSpid, which tells whether pids are shared", path);
	line[1 + strcspn(line + 1, "\n")] = '\0';
	*ret_shares = !cfd_ends_with(line, "\t1");
	return 0;
}

/* One LSM hook of the kernel's few, which most containers can do without. */
static int complete_halves(struct attach *attach, struct cfd_error *err)
{
	bool shares = false;
	int r = 0;

	if (attach->halves & (CFD_GUARD_SOCKETS | CFD_GUARD_FILES))
		r = shares_pids(attach->target->init_pid, &shares, err);
	if (shares)
		attach->halves |= CFD_GUARD_TRACES;
	return r;
}

static bool is_in_force(const struct cfd_guard_state *there)
{
	return there->magic == CFD_GUARD_MAGIC;
}

static int check_free(const struct cfd_guard_state *there, const struct cfd_guard_state *wanted, struct cfd_error *err)
{
	if (!is_in_force(there) || there->init_pid == wanted->init_pid || kill((pid_t)there->init_pid, 0))
		return 0;
	return cfd_fail(err, -EBUSY,
			"the cgroup is governed already, for the container whose first process %u still lives: "
			"give each container a cgroup of its own",
			there->init_pid);
}

static unsigned halves_of(const struct cfd_guard_parts *parts)
{
	unsigned halves = 0;

	if (parts->exec)
		halves |= CFD_GUARD_FILES;
	if (parts->net)
		halves |= CFD_GUARD_SOCKETS | CFD_GUARD_DESTINATIONS;
	if (parts->destinations)
		halves |= CFD_GUARD_DESTINATIONS;
	return halves;
}

/* ret_done: the very policy is in force already. */
static int look_at_cgroup(struct attach *attach, bool *ret_done, struct cfd_error *err)
{
	const struct cfd_guard_state *state = &attach->state;
	uint64_t cgroup_id = attach->target->cgroup_id;
	struct cfd_guard_state there;
	int r = cfd_guard_bpf_read_state(attach->containers, cgroup_id, &there);

	attach->is_new = r == -ENOENT;
	if (attach->is_new)
		return 0;
	if (r)
		return cfd_fail_errno(err, r, "cannot read the state of the cgroup %llu",
				      (unsigned long long)cgroup_id);
	*ret_done = is_in_force(&there) && there.digest == state->digest && there.init_pid == state->init_pid;
	return *ret_done ? 0 : check_free(&there, state, err);
}

static void put_off(struct cfd_guard_state *state)
{
	state->flags |= CFD_GUARD_PUT_OFF;
	state->resolver_count = state->address_count = 0;
}

/* Only when it is known that this is the first call: later ones would find other addresses. */
static int resolve_names(struct attach *attach, struct cfd_error *err)
{
	const struct cfd_hostnames *names = cfd_policy_hostnames(attach->policy);

	if (!(attach->halves & CFD_GUARD_DESTINATIONS))
		return 0;
	if (cfd_hostnames_follow(&attach->state))
		attach->halves |= CFD_GUARD_ANSWERS;
	if (names->put_off) {
		put_off(&attach->state);
		return 0;
	}
	return cfd_hostnames_resolve(names, attach->target->init_pid, &attach->state, err);
}

/* Shared rules and state under one lock, so that they are not collected between the two. */
static int publish_and_enforce(const struct attach *attach, struct cfd_error *err)
{
	const struct cfd_guard_enforcement what = {
		.set = cfd_guard_bpf_set(),
		.programs = attach->loaded.programs,
		.halves = attach->halves,
		.cgroup_fd = attach->target->cgroup_fd,
		.cgroup_id = attach->target->cgroup_id,
		.state = &attach->state,
		.is_new = attach->is_new,
		.containers = attach->containers,
	};
	CFD_AUTO_FD int lock = -1;
	int r = cfd_guard_pins_lock(false, &lock, err);

	if (!r)
		r = publish_routes(attach->policy, attach->loaded.policies, err);
	return r ? r : cfd_guard_bpf_enforce(&what, err);
}

int cfd_guard_attach(const struct cfd_guard_target *target, const struct cfd_policy *policy,
		     struct cfd_guard_parts parts, struct cfd_error *err)
{
	CFD_AUTO(attach_release)
	struct attach attach = {
		.target = target,
		.policy = policy,
		.state = *cfd_policy_state(policy),
		.halves = halves_of(&parts),
		.loaded_map = -1,
		.containers = -1,
	};
	struct cfd_guard_collected collected = {0};
	struct cfd_error ignored;
	bool done = false;
	int r;

	if (!attach.halves)
		return 0;
	r = open_maps(&attach, err);
	if (!r)
		r = complete_state(&attach, err);
	if (!r)
		r = complete_halves(&attach, err);
	if (!r)
		r = look_at_cgroup(&attach, &done, err);
	if (r || done)
		return r;
	r = resolve_names(&attach, err);
	if (r)
		return r;
	r = publish_and_enforce(&attach, err);
	if (r == -ENOSPC && !cfd_guard_collect(&collected, &ignored) && collected.rules)
		r = publish_and_enforce(&attach, err);
	return r;
}

/* The state is replaced as a whole; no program of the container's runs yet that could have changed it meanwhile. */
int cfd_guard_complete(uint64_t cgroup_id, const struct cfd_policy *policy, const char *hosts, const char *resolv_conf,
		       struct cfd_error *err)
{
	struct cfd_hostnames names = *cfd_policy_hostnames(policy);
	struct cfd_guard_state state;
	CFD_AUTO_FD int containers = -1;
	int r = cfd_guard_bpf_open(cfd_guard_bpf_set(), "containers", &containers, err);

	if (r)
		return r;
	r = cfd_guard_bpf_read_state(containers, cgroup_id, &state);
	if (r && r != -ENOENT)
		return cfd_fail_errno(err, r, "cannot read the state of the cgroup %llu",
				      (unsigned long long)cgroup_id);
	if (r || !(state.flags & CFD_GUARD_PUT_OFF))
		return 0;
	state.flags &= ~(uint32_t)CFD_GUARD_PUT_OFF;
	r = cfd_hostnames_read(hosts, resolv_conf, &state, &names, err);
	if (!r)
		r = cfd_hostnames_resolve(&names, (int)state.init_pid, &state, err);
	if (r)
		return r;
	r = cfd_guard_bpf_replace_state(containers, cgroup_id, &state);
	return r ? cfd_fail_errno(err, r, "cannot put names in force in the cgroup %llu", (unsigned long long)cgroup_id)
		 : 0;
}
