/* SPDX-License-Identifier: Apache-2.0 */
/* linux.sysctl for namespaces that the container joins. */
#include "lib/userns/sysctls.h"
#include "lib/fd.h"
#include "lib/userns/joined.h"
#include "lib/profile/profile.h"
#include "lib/spec/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOW_PORTS "net.ipv4.ip_unprivileged_port_start"
#define PING_GROUP_MAX 2147483647u /* GID_T_MAX / 2, net/ipv4/sysctl_net_ipv4.c */

struct job { /* the sysctls of one namespace */
	const struct cfd_spec *spec;
	const struct cfd_held *held;
	const struct cfd_userns_range *range;
	enum cfd_joined_kind kind;
	bool low_ports;
	char **keys; /* room for all of the configuration's and a NULL */
	size_t key_count;
};

void cfd_sysctls_free(char **keys)
{
	for (char **key = keys; key && *key; key++)
		free(*key);
	free(keys);
}

static void keys_release(char ***keys)
{
	cfd_sysctls_free(*keys);
}

struct groups {
	unsigned long first, last;
	bool any; /* that the container has */
};

/* In the container's ids, without what it does not have. */
static int clip(const char *value, const struct cfd_userns_range *range, struct groups *ret_groups,
		struct cfd_error *err)
{
	struct groups groups;
	char behind;

	if (strpbrk(value, "+-") || sscanf(value, " %10lu %10lu %c", &groups.first, &groups.last, &behind) != 2)
		return cfd_fail(err, -EINVAL, CFD_SYSCTLS_PING_GROUPS " is `%.64s`: two group ids are expected", value);
	groups.any = groups.first <= groups.last && groups.first < range->size;
	if (groups.last >= range->size)
		groups.last = range->size - 1;
	*ret_groups = groups;
	return 0;
}

int cfd_sysctls_clip_groups(const char *value, const struct cfd_userns_range *range, char ret_value[32],
			    struct cfd_error *err)
{
	struct groups groups;
	int r = clip(value, range, &groups, err);

	if (!r)
		snprintf(ret_value, 32, "%lu %lu", groups.any ? groups.first : 1, groups.any ? groups.last : 0);
	return r;
}

int cfd_sysctls_map_groups(const char *value, const struct cfd_userns_range *range, char ret_value[32],
			   struct cfd_error *err)
{
	struct groups groups;
	int r = clip(value, range, &groups, err);

	if (r)
		return r;
	if (!groups.any) { /* how the kernel says that nobody may */
		snprintf(ret_value, 32, "1 0");
		return 0;
	}
	if (range->base + groups.last > PING_GROUP_MAX)
		return cfd_fail(err, -ERANGE,
				"the kernel takes no group above %u in " CFD_SYSCTLS_PING_GROUPS
				", and the container's ids start at %u: give the pool lower ids in /etc/subuid and "
				"/etc/subgid",
				PING_GROUP_MAX, range->base);
	snprintf(ret_value, 32, "%lu %lu", range->base + groups.first, range->base + groups.last);
	return 0;
}

static int write_sysctl(const char *key, const char *value, struct cfd_error *err)
{
	struct open_how how = {.flags = O_WRONLY | O_CLOEXEC,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
	CFD_AUTO_FD int root = -1, fd = -1;
	CFD_AUTO_FREE char *path = strdup(key);
	int r;

	if (!path)
		return cfd_fail_memory(err, key);
	for (char *dot = path; (dot = strchr(dot, '.'));)
		*dot = '/';
	r = cfd_fd_open_dir(AT_FDCWD, "/proc/sys", true, &root, err);
	if (r)
		return r;
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	if (fd < 0 && errno == ENOENT)
		return cfd_fail(err, -ENOENT, "this kernel has no sysctl %s for such a namespace", key);
	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open the sysctl %s", key);
	/* One write: the kernel takes each as a value of its own. */
	if (write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		return cfd_fail_errno(err, -errno, "cannot set the sysctl %s to `%s`", key, value);
	return 0;
}

static int write_pair(struct job *job, const struct cfd_spec_pair *pair, struct cfd_error *err)
{
	char groups[32];
	const char *value = pair->value;
	int r = 0;

	if (cfd_streq(pair->key, CFD_SYSCTLS_PING_GROUPS)) {
		r = cfd_sysctls_map_groups(pair->value, job->range, groups, err);
		value = groups;
	}
	if (cfd_streq(pair->key, LOW_PORTS))
		job->low_ports = false;
	if (!r)
		r = write_sysctl(pair->key, value, err);
	if (r)
		return r;
	job->keys[job->key_count] = strdup(pair->key);
	if (!job->keys[job->key_count])
		return cfd_fail_memory(err, "the names of sysctls");
	job->key_count++;
	return 0;
}

static bool is_of_kind(const struct cfd_spec_pair *pair, enum cfd_joined_kind kind)
{
	enum cfd_joined_kind found;

	return cfd_joined_kind_of_sysctl(pair->key, &found) && found == kind;
}

/* Runs inside of the namespace. */
static int write_all(void *data, struct cfd_error *err)
{
	struct job *job = data;
	int r = 0;

	for (size_t i = 0; !r && i < job->spec->sysctls.count; i++)
		if (is_of_kind(&job->spec->sysctls.values[i], job->kind))
			r = write_pair(job, &job->spec->sysctls.values[i], err);
	return !r && job->low_ports ? write_sysctl(LOW_PORTS, "0", err) : r;
}

static bool list_has(const char *const *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count && list[i]; i++)
		if (cfd_streq(list[i], name))
			return true;
	return false;
}

static bool keeps_net_bind(const struct cfd_spec *spec, const struct cfd_profile *profile)
{
	static const char name[] = "CAP_NET_BIND_SERVICE";
	const struct cfd_spec_strings *bounding = &spec->process.capabilities[CFD_SPEC_BOUNDING];

	if (!list_has(bounding->values, bounding->count, name))
		return false;
	return !profile || !profile->capabilities ||
	       list_has((const char *const *)profile->capabilities, SIZE_MAX, name);
}

static int write_kind(struct job *job, bool net_bind, int userns_fd, struct cfd_error *err)
{
	CFD_AUTO(cfd_joined_release) struct cfd_joined joined = CFD_JOINED_NONE;
	const char *first = NULL;
	int r = cfd_joined_open(job->spec, job->held, job->kind, userns_fd, &joined, err);

	if (r || joined.fd < 0)
		return r;
	for (size_t i = 0; i < job->spec->sysctls.count && !first; i++)
		if (is_of_kind(&job->spec->sysctls.values[i], job->kind))
			first = job->spec->sysctls.values[i].key;
	if (first && joined.is_host)
		return cfd_fail(err, -EINVAL,
				"the sysctl %s is of a namespace that the container shares with the host: it would "
				"change the host",
				first);
	job->low_ports = job->kind == CFD_JOINED_NETWORK && !joined.is_host && net_bind;
	return first || job->low_ports ? cfd_joined_run(&joined, write_all, job, err) : 0;
}

int cfd_sysctls_write(const struct cfd_spec *spec, const struct cfd_held *held, const struct cfd_profile *profile,
		      const struct cfd_userns_range *range, int userns_fd, char ***ret_keys, struct cfd_error *err)
{
	static const enum cfd_joined_kind kinds[] = {CFD_JOINED_NETWORK, CFD_JOINED_IPC, CFD_JOINED_UTS};
	CFD_AUTO(keys_release) char **keys = calloc(spec->sysctls.count + 1, sizeof(*keys));
	struct job job = {.spec = spec, .held = held, .range = range, .keys = keys};
	bool net_bind = keeps_net_bind(spec, profile);

	if (!keys)
		return cfd_fail_memory(err, "the names of sysctls");
	for (size_t i = 0; i < CFD_COUNT(kinds); i++) {
		int r;

		job.kind = kinds[i];
		r = write_kind(&job, net_bind, userns_fd, err);
		if (r)
			return r;
	}
	*ret_keys = job.key_count ? cfd_take(keys) : NULL;
	return 0;
}
