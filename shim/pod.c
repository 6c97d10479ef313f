/* SPDX-License-Identifier: Apache-2.0 */
/* Which user namespace the containers of a pod share. */
#include "shim/pod.h"

#include "lib/held.h"
#include "lib/spec/spec.h"
#include "lib/state/state.h"

#include <errno.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

void cfd_pod_release(struct cfd_pod *pod)
{
	cfd_base_close(&pod->userns_fd);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The user namespace that owns the one that is open; ret_fd stays -1 when that is this process's own. */
static int open_owner(int fd, const char *path, int *ret_fd, struct stat *ret_stat, struct cfd_error *err)
{
	CFD_AUTO_FD int owner = -1;
	struct stat st, own;

	owner = ioctl(fd, NS_GET_USERNS); /* close-on-exec, as the kernel opens it (fs/nsfs.c) */
	if (owner < 0)
		return cfd_fail_errno(err, -errno, "cannot tell which user namespace owns %s", path);
	if (fstat(owner, &st) || stat("/proc/self/ns/user", &own))
		return cfd_fail_errno(err, -errno, "cannot examine the user namespace that owns %s", path);
	if (is_same(&st, &own))
		return 0;
	*ret_fd = cfd_take_fd(&owner);
	*ret_stat = st;
	return 0;
}

struct search {
	const struct stat *owner;
	struct cfd_pod *pod;
};

static int match_owner(const char *key, const struct cfd_record *record, void *data)
{
	struct search *search = data;
	char path[48];
	struct stat st;

	(void)key;
	if (record->init.pid == 0 || record->range.size == 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", record->init.pid);
	/* Looked at before init: had the pid been handed on meanwhile, init would not live any more. */
	if (stat(path, &st) || !is_same(&st, search->owner) || !cfd_process_lives(&record->init))
		return 0;
	search->pod->range = record->range;
	return 1;
}

/* The first namespace that has an owner of its own says which range it is; the others must agree. */
static int look_at(struct cfd_state *state, const struct cfd_spec_namespace *entry, int fd, struct cfd_pod *pod,
		   struct cfd_error *err)
{
	CFD_AUTO_FD int owner = -1;
	struct stat st, found;
	struct search search = {.owner = &st, .pod = pod};
	int r = open_owner(fd, entry->path, &owner, &st, err);

	if (r || owner < 0)
		return r;
	if (pod->userns_fd >= 0)
		return fstat(pod->userns_fd, &found) == 0 && is_same(&found, &st)
			       ? 0
			       : cfd_fail(err, -EINVAL,
					  "linux.namespaces: %s belongs to another user namespace than the other "
					  "namespaces",
					  entry->path);
	r = cfd_state_each(state, match_owner, &search, err);
	if (r < 0)
		return r;
	if (r == 0)
		return cfd_fail(
			err, -EINVAL,
			"linux.namespaces: %s belongs to a user namespace that no container of cofferdam's has; "
			"start the container it belongs to with cofferdam-runtime too",
			entry->path);
	pod->userns_fd = cfd_take_fd(&owner);
	return 0;
}

int cfd_pod_find(struct cfd_state *state, const struct cfd_spec *spec, const struct cfd_held *held, struct cfd_pod *pod,
		 struct cfd_error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < spec->namespace_count; i++)
		if (held->namespaces[i] >= 0)
			r = look_at(state, &spec->namespaces[i], held->namespaces[i], pod, err);
	return r;
}
