/* SPDX-License-Identifier: Apache-2.0 */
/* linux.sysctl, hostname and domainname for namespaces that the container joins. */
#include "lib/userns/sysctls.h"
#include "lib/fd.h"
#include "lib/json/fields.h"
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
	bool low_ports, ping, names; /* to be set although no sysctl of the configuration says so */
	char **keys;                 /* room for all of the configuration's and a NULL */
	size_t key_count;
};

void cfd_sysctls_release(struct cfd_sysctls *sysctls)
{
	cfd_strings_free(sysctls->keys);
	*sysctls = (struct cfd_sysctls){0};
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

static int open_sysctl(const char *key, int flags, int *ret_fd, struct cfd_error *err)
{
	struct open_how how = {.flags = (uint64_t)flags | O_CLOEXEC,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
	CFD_AUTO_FD int root = -1;
	CFD_AUTO_FREE char *path = strdup(key);
	int r;

	if (!path)
		return cfd_fail_memory(err, key);
	for (char *dot = path; (dot = strchr(dot, '.'));)
		*dot = '/';
	r = cfd_fd_open_dir(AT_FDCWD, "/proc/sys", true, &root, err);
	if (r)
		return r;
	*ret_fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	if (*ret_fd < 0 && errno == ENOENT)
		return cfd_fail(err, -ENOENT, "this kernel has no sysctl %s for such a namespace", key);
	return *ret_fd < 0 ? cfd_fail_errno(err, -errno, "cannot open the sysctl %s", key) : 0;
}

static int write_sysctl(const char *key, const char *value, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = -1;
	int r = open_sysctl(key, O_WRONLY, &fd, err);

	if (r)
		return r;
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
	if (cfd_streq(pair->key, CFD_SYSCTLS_PING_GROUPS))
		job->ping = false;
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

/*
 * For those that are there already too: containers with other ids may be in the same namespace. "1 0" is nobody. Above
 * what the kernel takes there is no ping, which nobody has asked for by name.
 */
static int allow_ping(const struct cfd_userns_range *range, struct cfd_error *err)
{
	unsigned long first = range->base, last = (unsigned long)range->base + range->size - 1, had_first, had_last;
	CFD_AUTO_FD int fd = -1;
	char text[64] = "";
	int r = open_sysctl(CFD_SYSCTLS_PING_GROUPS, O_RDONLY, &fd, err);

	if (r || last > PING_GROUP_MAX)
		return r;
	if (read(fd, text, sizeof(text) - 1) < 0 || sscanf(text, "%10lu %10lu", &had_first, &had_last) != 2)
		return cfd_fail(err, -EIO, "cannot read the sysctl " CFD_SYSCTLS_PING_GROUPS);
	if (had_first <= had_last) {
		first = had_first < first ? had_first : first;
		last = had_last > last ? had_last : last;
	}
	snprintf(text, sizeof(text), "%lu %lu", first, last);
	return write_sysctl(CFD_SYSCTLS_PING_GROUPS, text, err);
}

/* Runtimes set them in a namespace that is joined too (crun, libcrun_set_hostname; runc, standard_init_linux.go). */
static int set_names(const struct cfd_spec *spec, struct cfd_error *err)
{
	if (spec->hostname && sethostname(spec->hostname, strlen(spec->hostname)))
		return cfd_fail_errno(err, -errno, "cannot set the hostname `%.64s`", spec->hostname);
	if (spec->domainname && setdomainname(spec->domainname, strlen(spec->domainname)))
		return cfd_fail_errno(err, -errno, "cannot set the domainname `%.64s`", spec->domainname);
	return 0;
}

/* Runs inside of the namespace. */
static int write_all(void *data, struct cfd_error *err)
{
	struct job *job = data;
	int r = job->names ? set_names(job->spec, err) : 0;

	for (size_t i = 0; !r && i < job->spec->sysctls.count; i++)
		if (is_of_kind(&job->spec->sysctls.values[i], job->kind))
			r = write_pair(job, &job->spec->sysctls.values[i], err);
	if (!r && job->ping)
		r = allow_ping(job->range, err);
	return !r && job->low_ports ? write_sysctl(LOW_PORTS, "0", err) : r;
}

static bool list_has(const char *const *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count && list[i]; i++)
		if (cfd_streq(list[i], name))
			return true;
	return false;
}

static bool asks_for(const struct cfd_spec *spec, const char *capability)
{
	const struct cfd_spec_strings *bounding = &spec->process.capabilities[CFD_SPEC_BOUNDING];

	return list_has(bounding->values, bounding->count, capability);
}

static bool keeps_net_bind(const struct cfd_spec *spec, const struct cfd_profile *profile)
{
	static const char name[] = "CAP_NET_BIND_SERVICE";

	return asks_for(spec, name) && (!profile || !profile->capabilities ||
					list_has((const char *const *)profile->capabilities, SIZE_MAX, name));
}

bool cfd_sysctls_wants_ping(const struct cfd_spec *spec)
{
	return asks_for(spec, "CAP_NET_RAW");
}

/* What of the configuration would be set in the namespace, for a message; NULL: nothing. */
static const char *first_of_kind(const struct job *job)
{
	for (size_t i = 0; i < job->spec->sysctls.count; i++)
		if (is_of_kind(&job->spec->sysctls.values[i], job->kind))
			return job->spec->sysctls.values[i].key;
	return job->names ? (job->spec->hostname ? "hostname" : "domainname") : NULL;
}

static int write_kind(struct job *job, const struct cfd_profile *profile, int userns_fd, struct cfd_sysctls *written,
		      struct cfd_error *err)
{
	CFD_AUTO(cfd_joined_release) struct cfd_joined joined = CFD_JOINED_NONE;
	bool network = job->kind == CFD_JOINED_NETWORK;
	const char *first;
	int r = cfd_joined_open(job->spec, job->held, job->kind, userns_fd, &joined, err);

	if (r || joined.fd < 0)
		return r;
	job->names = job->kind == CFD_JOINED_UTS && (job->spec->hostname || job->spec->domainname);
	first = first_of_kind(job);
	if (first && joined.is_host)
		return cfd_fail(err, -EINVAL,
				"the sysctl %s is of a namespace that the container shares with the host: it would "
				"change the host",
				first);
	job->low_ports = network && !joined.is_host && keeps_net_bind(job->spec, profile);
	job->ping = network && !joined.is_host && cfd_sysctls_wants_ping(job->spec);
	if (first || job->low_ports || job->ping)
		r = cfd_joined_run(&joined, write_all, job, err);
	written->foreign_network |= network;
	written->names |= job->names;
	return r;
}

int cfd_sysctls_write(const struct cfd_spec *spec, const struct cfd_held *held, const struct cfd_profile *profile,
		      const struct cfd_userns_range *range, int userns_fd, struct cfd_sysctls *ret_written,
		      struct cfd_error *err)
{
	static const enum cfd_joined_kind kinds[] = {CFD_JOINED_NETWORK, CFD_JOINED_IPC, CFD_JOINED_UTS};
	CFD_AUTO(cfd_sysctls_release)
	struct cfd_sysctls written = {.keys = calloc(spec->sysctls.count + 1, sizeof(*written.keys))};
	struct job job = {.spec = spec, .held = held, .range = range, .keys = written.keys};

	if (!written.keys)
		return cfd_fail_memory(err, "the names of sysctls");
	for (size_t i = 0; i < CFD_COUNT(kinds); i++) {
		int r;

		job.kind = kinds[i];
		r = write_kind(&job, profile, userns_fd, &written, err);
		if (r)
			return r;
	}
	*ret_written = written;
	written = (struct cfd_sysctls){0};
	return 0;
}
