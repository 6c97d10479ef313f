/* SPDX-License-Identifier: Apache-2.0 */
/* A profile and a rootfs -> what the guard in the kernel needs to know, and the file in which it waits for the hook. */
#include "lib/policy/policy.h"
#include "bpf/guard.h"
#include "lib/fd.h"
#include "lib/profile/profile.h"
#include "lib/policy/files.h"
#include "lib/policy/hostnames.h"
#include "lib/policy/routes.h"
#include "lib/policy/shells.h"
#include "lib/spec/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define POLICY_FILE_MAGIC 0x63666470u
#define POLICY_FILE_VERSION 4u
#define RESOLV_CONF "/etc/resolv.conf"
#define HOSTS "/etc/hosts"
#define ETC_MAX_BYTES ((size_t)1 << 20) /* lists of advertisers to be blocked are that long */
#define DIGEST_START (CFD_HASH_START ^ UINT64_C(0x9e3779b97f4a7c15)) /* any other start will do */

/* The file is this structure, byte for byte: it is read by the program that wrote it or refused. */
struct cfd_policy {
	uint32_t magic, version;
	uint64_t size;     /* of all of it */
	uint64_t checksum; /* of all of it, this member being 0 */
	uint64_t route_digest;
	uint64_t route_count;
	struct cfd_guard_state state;
	struct cfd_hostnames hostnames;
	struct cfd_guard_route routes[];
};

void cfd_policy_freep(struct cfd_policy **policy)
{
	free(*policy);
	*policy = NULL;
}

uint64_t cfd_policy_id(const struct cfd_policy *policy)
{
	return policy->state.policy;
}

const struct cfd_guard_state *cfd_policy_state(const struct cfd_policy *policy)
{
	return &policy->state;
}

const struct cfd_hostnames *cfd_policy_hostnames(const struct cfd_policy *policy)
{
	return &policy->hostnames;
}

const struct cfd_guard_route *cfd_policy_routes(const struct cfd_policy *policy, size_t *ret_count)
{
	*ret_count = policy->route_count;
	return policy->routes;
}

uint64_t cfd_policy_route_digest(const struct cfd_policy *policy)
{
	return policy->route_digest;
}

static size_t policy_size(uint64_t route_count)
{
	return sizeof(struct cfd_policy) + route_count * sizeof(struct cfd_guard_route);
}

static uint64_t policy_checksum(const struct cfd_policy *policy)
{
	struct cfd_policy head = *policy;

	head.checksum = 0;
	return cfd_hash(cfd_hash(CFD_HASH_START, &head, sizeof(head)), policy->routes, policy->size - sizeof(*policy));
}

/*
 * The mount namespace of the engine, from which it starts the runtime to execute further processes: its runtime may
 * already be in the container's cgroup (clone3 CLONE_INTO_CGROUP) while it is still outside of the container. 0:
 * unknown.
 */
static uint32_t engine_mount_namespace(void)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)getppid());
	return stat(path, &st) ? 0 : (uint32_t)st.st_ino;
}

static int describe_root(int rootfs_fd, struct cfd_guard_state *state, struct cfd_error *err)
{
	struct timespec now;
	struct statfs fs;
	struct stat st;

	if (fstat(rootfs_fd, &st) || fstatfs(rootfs_fd, &fs))
		return cfd_fail_errno(err, -errno, "cannot stat the root filesystem");
	if (!S_ISDIR(st.st_mode))
		return cfd_fail(err, -ENOTDIR, "the root filesystem is not a directory");
	/* The clock that files are stamped with. */
	if (clock_gettime(CLOCK_REALTIME_COARSE, &now))
		return cfd_fail_errno(err, -errno, "cannot read the clock");
	state->root_ino = st.st_ino;
	state->outer_mnt_ns[1] = engine_mount_namespace();
	state->created = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
	if (fs.f_type == OVERLAYFS_SUPER_MAGIC)
		state->flags |= CFD_GUARD_OVERLAY;
	state->root_type = (uint32_t)fs.f_type;
	return cfd_files_device(rootfs_fd, &state->root_dev, err);
}

/* Copies the list and fills it up with what no file has, so that the programs can halve it without a count. */
static uint16_t fill(__u64 *list, size_t room, const uint64_t *inodes, size_t count)
{
	for (size_t i = 0; i < room; i++)
		list[i] = i < count ? inodes[i] : CFD_GUARD_NO_INODE;
	return (uint16_t)count;
}

static int describe_allowed(const struct cfd_profile *profile, int rootfs_fd, struct cfd_guard_state *state,
			    struct cfd_error *err)
{
	uint64_t inodes[CFD_GUARD_ALLOWED];
	size_t count = 0;
	int r = 0;

	if (profile->exec_allow) {
		state->flags |= CFD_GUARD_ALLOW_LIST;
		r = cfd_shells_resolve(rootfs_fd, profile->exec_allow, inodes, CFD_GUARD_ALLOWED, &count, err);
	}
	state->allowed_count = fill(state->allowed, CFD_GUARD_ALLOWED, inodes, count);
	return r ? cfd_wrap(err, "exec.allow") : 0;
}

static int describe_exec(const struct cfd_profile *profile, const struct cfd_spec *spec, int rootfs_fd,
			 struct cfd_guard_state *state, struct cfd_error *err)
{
	static const uint8_t modes[] = {
		[CFD_SHELLS_STARTUP] = CFD_GUARD_SHELLS_STARTUP,
		[CFD_SHELLS_DENY] = CFD_GUARD_SHELLS_DENY,
		[CFD_SHELLS_ALLOW] = CFD_GUARD_SHELLS_ALLOW,
	};
	uint64_t shells[CFD_GUARD_SHELLS], wrappers[CFD_GUARD_WRAPPERS];
	size_t shell_count = 0, wrapper_count = 0, file_count = 0;
	int r = cfd_shells_find(rootfs_fd, shells, CFD_GUARD_SHELLS, &shell_count, err);

	if (!r)
		r = cfd_shells_wrappers(rootfs_fd, wrappers, CFD_GUARD_WRAPPERS, &wrapper_count, err);
	if (!r)
		r = cfd_files_find(profile, spec, state->files, CFD_GUARD_FILES_MAX, &file_count, err);
	if (r)
		return r;
	state->shells_mode = modes[profile->shells];
	state->shell_count = fill(state->shells, CFD_GUARD_SHELLS, shells, shell_count);
	state->wrapper_count = fill(state->wrappers, CFD_GUARD_WRAPPERS, wrappers, wrapper_count);
	state->file_count = (uint16_t)file_count;
	return describe_allowed(profile, rootfs_fd, state, err);
}

bool cfd_policy_put_off(struct cfd_policy *policy)
{
	if (!policy->hostnames.empty)
		return false;
	policy->hostnames.put_off = 1;
	policy->checksum = policy_checksum(policy);
	return true;
}

/* What is mounted over a file is a file. */
const char *cfd_policy_bound_over(const struct cfd_spec *spec, const char *path)
{
	const char *source = NULL;

	for (size_t i = 0; spec && i < spec->mount_count; i++)
		if (cfd_streq(spec->mounts[i].destination, path))
			source = spec->mounts[i].source;
	return source;
}

/* A file that engines bind into the container; one that is not there is empty. */
static int read_etc(const struct cfd_spec *spec, int rootfs_fd, const char *path, struct cfd_buf *text,
		    struct cfd_error *err)
{
	const char *source = cfd_policy_bound_over(spec, path);
	int r;

	if (source)
		r = cfd_fd_read_file(AT_FDCWD, source, ETC_MAX_BYTES, text, err);
	else
		r = cfd_fd_read_in_root(rootfs_fd, path, ETC_MAX_BYTES, text, err);
	if (r && (source || (r != -ENOENT && r != -ENOTDIR && r != -ELOOP)))
		return cfd_wrap(err, "net.connect");
	return cfd_buf_add_string(text, "") ? cfd_fail_memory(err, path) : 0;
}

static int describe_names(const struct cfd_profile *profile, const struct cfd_spec *spec, int rootfs_fd,
			  struct cfd_policy *policy, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf resolv_conf = {0}, hosts = {0};
	int r = cfd_hostnames_compile(profile, &policy->state, &policy->hostnames, err);

	if (r || !cfd_hostnames_wanted(&policy->hostnames, &policy->state))
		return r;
	r = read_etc(spec, rootfs_fd, RESOLV_CONF, &resolv_conf, err);
	if (!r)
		r = read_etc(spec, rootfs_fd, HOSTS, &hosts, err);
	if (r)
		return r;
	policy->hostnames.empty = !resolv_conf.length && cfd_policy_bound_over(spec, RESOLV_CONF);
	return cfd_hostnames_read(hosts.data, resolv_conf.data, &policy->state, &policy->hostnames, err);
}

static uint32_t flags_of(const struct cfd_profile *profile)
{
	uint32_t flags = 0;

	if (profile->mode == CFD_MODE_ENFORCE)
		flags |= CFD_GUARD_ENFORCE;
	if (profile->mode == CFD_MODE_RECORD)
		flags |= CFD_GUARD_RECORD;
	if (profile->log_allowed)
		flags |= CFD_GUARD_LOG_ALLOWED;
	if (profile->image_only)
		flags |= CFD_GUARD_IMAGE_ONLY;
	if (profile->deny_wx)
		flags |= CFD_GUARD_WX;
	if (profile->listen_any)
		flags |= CFD_GUARD_LISTEN_ANY;
	for (size_t i = 0; i < profile->connect_count; i++)
		if (profile->connect[i].kind == CFD_PEER_ANY && !profile->connect[i].port_count)
			flags |= CFD_GUARD_PING;
	return flags;
}

static int describe(const struct cfd_profile *profile, const struct cfd_spec *spec, int rootfs_fd,
		    struct cfd_policy *policy, struct cfd_error *err)
{
	struct cfd_guard_state *state = &policy->state;
	int r;

	state->magic = CFD_GUARD_MAGIC;
	state->version = CFD_GUARD_VERSION;
	state->flags = flags_of(profile);
	r = describe_root(rootfs_fd, state, err);
	if (!r)
		r = describe_exec(profile, spec, rootfs_fd, state, err);
	if (!r)
		r = describe_names(profile, spec, rootfs_fd, policy, err);
	if (!r)
		r = cfd_routes_listens(profile, state->listens, CFD_GUARD_LISTENS, &state->listen_count, err);
	return r;
}

/* Names the rules by their content, and puts the name into each of them. */
static void name_routes(struct cfd_policy *policy)
{
	size_t bytes = policy->route_count * sizeof(policy->routes[0]);
	uint64_t id = cfd_hash(CFD_HASH_START, policy->routes, bytes);

	policy->route_digest = cfd_hash(DIGEST_START, policy->routes, bytes);
	policy->state.policy = id ? id : 1;
	for (size_t i = 0; i < policy->route_count; i++) {
		policy->routes[i].key.policy[0] = (uint32_t)policy->state.policy;
		policy->routes[i].key.policy[1] = (uint32_t)(policy->state.policy >> 32);
	}
}

int cfd_policy_compile(const struct cfd_profile *profile, const struct cfd_spec *spec, int rootfs_fd,
		       struct cfd_policy **ret_policy, struct cfd_error *err)
{
	CFD_AUTO(cfd_policy_freep) struct cfd_policy *policy = NULL;
	CFD_AUTO_FREE struct cfd_guard_route *routes = NULL;
	size_t count;
	int r = cfd_routes_compile(profile, &routes, &count, err);

	if (r)
		return r;
	policy = calloc(1, policy_size(count));
	if (!policy)
		return cfd_fail_memory(err, "the guard's policy");
	policy->magic = POLICY_FILE_MAGIC;
	policy->version = POLICY_FILE_VERSION;
	policy->size = policy_size(count);
	policy->route_count = count;
	if (count)
		memcpy(policy->routes, routes, count * sizeof(*routes));
	name_routes(policy);
	cfd_routes_networks(policy->routes, count, policy->state.networks);
	r = describe(profile, spec, rootfs_fd, policy, err);
	if (r)
		return r;
	policy->state.digest = policy_checksum(policy);
	policy->checksum = policy_checksum(policy);
	*ret_policy = cfd_take(policy);
	return 0;
}

int cfd_policy_write(const struct cfd_policy *policy, int dirfd, const char *name, struct cfd_error *err)
{
	return cfd_fd_write_file(dirfd, name, policy, policy->size, 0600, false, err);
}

/* A checksum is no proof: what was written with counts beyond its lists is not ours either. */
static bool counts_fit(const struct cfd_policy *policy)
{
	const struct cfd_guard_state *state = &policy->state;

	for (uint64_t i = 0; i < policy->route_count; i++)
		if (policy->routes[i].ports.count > CFD_GUARD_RANGES)
			return false;
	return cfd_hostnames_fit(&policy->hostnames, state) && state->shell_count <= CFD_GUARD_SHELLS &&
	       state->allowed_count <= CFD_GUARD_ALLOWED && state->wrapper_count <= CFD_GUARD_WRAPPERS &&
	       state->file_count <= CFD_GUARD_FILES_MAX && state->resolver_count <= CFD_GUARD_RESOLVERS &&
	       state->listen_count <= CFD_GUARD_LISTENS;
}

static bool is_whole(const struct cfd_policy *policy, size_t length)
{
	return length >= sizeof(*policy) && policy->magic == POLICY_FILE_MAGIC &&
	       policy->version == POLICY_FILE_VERSION && policy->size == length &&
	       policy->route_count <= CFD_POLICY_MAX_ROUTES && policy_size(policy->route_count) == length &&
	       policy->checksum == policy_checksum(policy) && policy->state.magic == CFD_GUARD_MAGIC &&
	       policy->state.version == CFD_GUARD_VERSION && counts_fit(policy);
}

int cfd_policy_read(int dirfd, const char *name, struct cfd_policy **ret_policy, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	int r = cfd_fd_read_file(dirfd, name, policy_size(CFD_POLICY_MAX_ROUTES), &buf, err);

	if (r)
		return r;
	if (!is_whole((const struct cfd_policy *)buf.data, buf.length))
		return cfd_fail(
			err, -EBADMSG,
			"%s (%zu bytes) is not a whole policy of this version of cofferdam: create the container again",
			name, buf.length);
	*ret_policy = (struct cfd_policy *)cfd_take(buf.data);
	return 0;
}
