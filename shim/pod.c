/* SPDX-License-Identifier: Apache-2.0 */
/* Which range of ids, and which user namespace, the containers of a pod share. */
#include "shim/pod.h"

#include "lib/held.h"
#include "lib/profile/profile.h"
#include "lib/spec/spec.h"
#include "lib/userns/maps.h"
#include "lib/verdict.h"

#include <errno.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct search {
	const struct cfd_verdict *verdict;
	const char *root;
	int owner_fd; /* the user namespace that is looked for */
	struct stat owner;
	bool stranger; /* it is a container's of another pod */
	struct cfd_pod *pod;
};

void cfd_pod_release(struct cfd_pod *pod)
{
	cfd_base_close(&pod->userns_fd);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The process was looked at before init: had the pid been handed on meanwhile, init would not live any more. */
static bool is_in(const struct cfd_process_id *init, const char *file, const struct stat *namespace)
{
	char path[48];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", init->pid, file);
	return stat(path, &st) == 0 && is_same(&st, namespace) && cfd_process_lives(init);
}

static void share(struct cfd_pod *pod, const char *key, const struct cfd_record *record)
{
	pod->range = record->range;
	pod->init = record->init;
	snprintf(pod->key, sizeof(pod->key), "%s", key);
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

/*
 * Of a container that has ended but for which its runtime still has a state: its record holds the range, so whatever
 * else had the inode of that user namespace since then has other ids.
 */
static bool had(const struct cfd_record *record, const struct search *search)
{
	CFD_AUTO(cfd_maps_release) struct cfd_maps maps = {0};
	struct cfd_error ignored = {0};
	const struct cfd_spec_id_map *map;

	if (record->userns != search->owner.st_ino || cfd_process_lives(&record->init) ||
	    cfd_maps_of_namespace(search->owner_fd, "a namespace that is joined", &maps, &ignored))
		return false;
	map = maps.uids.values;
	return maps.uids.count == 1 && map->container_id == 0 && map->host_id == record->range.base &&
	       map->size == record->range.size;
}

static int match_owner(const char *key, const struct cfd_record *record, void *data)
{
	struct search *search = data;

	if (record->init.pid == 0 || record->range.size == 0)
		return 0;
	if (!is_in(&record->init, "user", &search->owner) && !had(record, search))
		return 0;
	search->stranger =
		record->pod && search->verdict->image.pod && !cfd_streq(record->pod, search->verdict->image.pod);
	share(search->pod, key, record);
	return 1;
}

/* The first namespace that has an owner of its own says which range it is; the others must agree. */
static int look_at(struct cfd_state *state, struct search *search, size_t index, struct cfd_error *err)
{
	const char *path = search->verdict->spec.namespaces[index].path;
	struct cfd_pod *pod = search->pod;
	CFD_AUTO_FD int owner = -1;
	struct stat found;
	int r = open_owner(search->verdict->held.namespaces[index], path, &owner, &search->owner, err);

	if (r || owner < 0)
		return r;
	if (pod->userns_fd >= 0)
		return fstat(pod->userns_fd, &found) == 0 && is_same(&found, &search->owner)
			       ? 0
			       : cfd_fail(err, -EINVAL,
					  "linux.namespaces: %s belongs to another user namespace than the other "
					  "namespaces",
					  path);
	search->owner_fd = owner;
	r = cfd_state_each(state, match_owner, search, err);
	if (r < 0)
		return r;
	if (r == 0)
		return cfd_fail(
			err, -EINVAL,
			"linux.namespaces: %s belongs to a user namespace that no container of cofferdam's has; "
			"start the container it belongs to with cofferdam-runtime too (if it was and is deleted by "
			"now: start the pod again)",
			path);
	if (search->stranger) /* a pid is handed out again: the path may lead into another pod by now */
		return cfd_fail(
			err, -EINVAL,
			"linux.namespaces: %s belongs to the pod of %.64s, and the engine says that the container "
			"is of pod %.64s: start its pod again",
			path, pod->key, search->verdict->image.pod);
	pod->userns_fd = cfd_take_fd(&owner);
	pod->joins = true;
	return 0;
}

/* Whether it is in one of the namespaces that are to be joined. */
static bool shares_namespace(const struct cfd_record *record, const struct cfd_verdict *verdict)
{
	static const struct {
		const char *type, *file;
	} kinds[] = {{"network", "net"}, {"ipc", "ipc"}, {"uts", "uts"}, {"pid", "pid"}};
	struct stat st;

	for (size_t i = 0; i < verdict->spec.namespace_count; i++)
		for (size_t j = 0; j < CFD_COUNT(kinds) && verdict->held.namespaces[i] >= 0; j++)
			if (cfd_streq(verdict->spec.namespaces[i].type, kinds[j].type) &&
			    fstat(verdict->held.namespaces[i], &st) == 0 && is_in(&record->init, kinds[j].file, &st))
				return true;
	return false;
}

static int match_pod(const char *key, const struct cfd_record *record, void *data)
{
	struct search *search = data;

	if (record->init.pid == 0 || record->range.size == 0 || !cfd_streq(record->pod, search->verdict->image.pod) ||
	    !cfd_streq(record->root, search->root) || !shares_namespace(record, search->verdict))
		return 0;
	share(search->pod, key, record);
	return 1;
}

int cfd_pod_find(struct cfd_state *state, const struct cfd_verdict *verdict, const char *root, struct cfd_pod *pod,
		 struct cfd_error *err)
{
	struct search search = {.verdict = verdict, .root = root, .pod = pod, .owner_fd = -1};
	int r = 0;

	for (size_t i = 0; !r && i < verdict->spec.namespace_count; i++)
		if (verdict->held.namespaces[i] >= 0)
			r = look_at(state, &search, i, err);
	if (r || pod->joins || !verdict->image.pod || verdict->image.sandbox)
		return r;
	r = cfd_state_each(state, match_pod, &search, err);
	return r < 0 ? r : 0;
}

int cfd_pod_confirm(struct cfd_state *state, const struct cfd_pod *pod, struct cfd_error *err)
{
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
	struct cfd_error ignored = {0};

	if (!pod->range.size)
		return 0;
	if (cfd_state_read(state, pod->key, &record, &ignored) == 0 && record.init.pid == pod->init.pid &&
	    record.init.start == pod->init.start)
		return 0;
	return cfd_fail(
		err, -ESTALE,
		"the container %.64s, whose range of ids it was to share, was deleted meanwhile: start it again",
		pod->key);
}

int cfd_pod_check(const struct cfd_pod *pod, const struct cfd_profile *profile, struct cfd_error *err)
{
	const struct cfd_userns_range *range = &pod->range;

	if (!range->size ||
	    ((!profile->userns_base || profile->userns_base == range->base) && cfd_profile_ids(profile) <= range->size))
		return 0;
	return cfd_fail(err, -EINVAL,
			"userns_range of profile %s: the container joins the user namespace of its pod, which has the "
			"%u ids from %u on; ask for them in the profile of the pod's first container instead",
			profile->name, range->size, range->base);
}
