/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces that a container joins instead of getting new ones. */
#include "lib/userns/joined.h"
#include "lib/child.h"
#include "lib/held.h"
#include "lib/spec/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

// clang-format off
static const struct {
	const char *type; /* in config.json */
	const char *self; /* this process's own */
	int flag;
	const char *filesystem;
	const char *sysctls[4]; /* patterns: what runtimes allow for such a namespace (runc, validate_sysctl) */
} kinds[] = {
	[CFD_JOINED_NETWORK] = { "network", "/proc/self/ns/net", CLONE_NEWNET, "sysfs",  { "net.*" } },
	[CFD_JOINED_IPC]     = { "ipc",     "/proc/self/ns/ipc", CLONE_NEWIPC, "mqueue",
				 { "kernel.msg*", "kernel.sem", "kernel.shm*", "fs.mqueue.*" } },
	[CFD_JOINED_PID]     = { "pid",     "/proc/self/ns/pid", CLONE_NEWPID, "proc",   { NULL } },
	[CFD_JOINED_UTS]     = { "uts",     "/proc/self/ns/uts", CLONE_NEWUTS, NULL,     { "kernel.hostname", "kernel.domainname" } },
};
// clang-format on

bool cfd_joined_kind_of_filesystem(const char *type, enum cfd_joined_kind *ret_kind)
{
	for (size_t i = 0; i < CFD_COUNT(kinds); i++) {
		if (!cfd_streq(kinds[i].filesystem, type))
			continue;
		*ret_kind = (enum cfd_joined_kind)i;
		return true;
	}
	return false;
}

bool cfd_joined_kind_of_sysctl(const char *key, enum cfd_joined_kind *ret_kind)
{
	for (size_t i = 0; i < CFD_COUNT(kinds); i++)
		for (size_t j = 0; j < CFD_COUNT(kinds[i].sysctls) && kinds[i].sysctls[j]; j++) {
			if (fnmatch(kinds[i].sysctls[j], key, FNM_NOESCAPE))
				continue;
			*ret_kind = (enum cfd_joined_kind)i;
			return true;
		}
	return false;
}

static int is_same_file(int a, int b, bool *ret_same, struct cfd_error *err)
{
	struct stat left, right;

	if (fstat(a, &left) || fstat(b, &right))
		return cfd_fail_errno(err, -errno, "cannot compare two namespaces");
	*ret_same = left.st_dev == right.st_dev && left.st_ino == right.st_ino;
	return 0;
}

static int check_kind(enum cfd_joined_kind kind, int fd, const char *path, struct cfd_error *err)
{
	if (ioctl(fd, NS_GET_NSTYPE) == kinds[kind].flag)
		return 0;
	return cfd_fail(err, -EINVAL, "%s is not a %s namespace", path, kinds[kind].type);
}

static int open_own(enum cfd_joined_kind kind, int *ret_fd, struct cfd_error *err)
{
	*ret_fd = open(kinds[kind].self, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? cfd_fail_errno(err, -errno, "cannot open %s", kinds[kind].self) : 0;
}

static int copy_descriptor(int fd, int *ret_fd, struct cfd_error *err)
{
	*ret_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? cfd_fail_errno(err, -errno, "cannot copy the descriptor of a namespace") : 0;
}

int cfd_joined_open(const struct cfd_spec *spec, const struct cfd_held *held, enum cfd_joined_kind kind, int userns_fd,
		    struct cfd_joined *ret_joined, struct cfd_error *err)
{
	const struct cfd_spec_namespace *entry = cfd_spec_namespace(spec, kinds[kind].type);
	const char *path = entry ? entry->path : kinds[kind].self;
	CFD_AUTO_FD int fd = -1, own = -1, owner = -1;
	bool same = false;
	int r;

	*ret_joined = (struct cfd_joined){.kind = kind, .fd = -1};
	if (!path)
		return 0;
	r = open_own(kind, &own, err);
	if (!r)
		r = copy_descriptor(entry ? held->namespaces[entry - spec->namespaces] : own, &fd, err);
	if (!r)
		r = check_kind(kind, fd, path, err);
	if (r)
		return r;
	owner = ioctl(fd, NS_GET_USERNS);
	if (owner < 0)
		return cfd_fail_errno(err, -errno, "cannot ask for the owner of the %s namespace %s", kinds[kind].type,
				      path);
	r = is_same_file(owner, userns_fd, &same, err);
	if (r || same)
		return r;
	r = is_same_file(fd, own, &same, err);
	if (r)
		return r;
	ret_joined->is_host = same;
	ret_joined->fd = cfd_take_fd(&fd);
	return 0;
}

void cfd_joined_release(struct cfd_joined *joined)
{
	cfd_base_close(&joined->fd);
}

int cfd_joined_run(const struct cfd_joined *joined, int (*work)(void *data, struct cfd_error *err), void *data,
		   struct cfd_error *err)
{
	CFD_AUTO_FD int own = -1;
	int r = open_own(joined->kind, &own, err);

	if (r)
		return r;
	if (setns(joined->fd, kinds[joined->kind].flag))
		return cfd_fail_errno(err, -errno, "cannot enter the %s namespace that the container joins",
				      kinds[joined->kind].type);
	/* A pid namespace is that of children only, so `work` needs one. */
	r = joined->kind == CFD_JOINED_PID
		    ? cfd_child_run(work, data, "a process in the pid namespace that the container joins", err)
		    : work(data, err);
	if (setns(own, kinds[joined->kind].flag))
		return cfd_fail(err, -ENOTRECOVERABLE,
				"cannot return from the %s namespace that the container joins: %s",
				kinds[joined->kind].type, strerror(errno));
	return r;
}
