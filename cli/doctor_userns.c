/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the doctor about user namespaces: ranges of ids, and filesystems that can be idmapped. */
#include "cli/doctor.h"

#include "lib/fd.h"
#include "lib/mountinfo.h"
#include "lib/process.h"
#include "lib/state/entry.h"
#include "lib/state/ranges.h"
#include "lib/state/state.h"
#include "lib/userns/clone.h"
#include "lib/userns/pool.h"
#include "lib/userns/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct cfd_userns_range probed = {.base = CFD_USERNS_LOWEST_HOST_ID, .size = CFD_USERNS_RANGE_SIZE};

static struct cfd_pool pool_of(const struct cfd_doctor *doctor)
{
	return (struct cfd_pool){
		.owner = doctor->config.userns_pool, .subuid = CFD_POOL_SUBUID, .subgid = CFD_POOL_SUBGID};
}

/* No directory: no container was created yet. */
static int list_ranges(struct cfd_userns_range **ret_ranges, size_t *ret_count, struct cfd_error *err)
{
	CFD_AUTO_FD int ranges = open(CFD_STATE_DIR "/ranges", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = ranges >= 0 ? cfd_ranges_list(ranges, ret_ranges, ret_count) : errno == ENOENT ? 0 : -errno;

	return r ? cfd_fail_errno(err, r, "cannot list " CFD_STATE_DIR "/ranges") : 0;
}

bool cfd_doctor_pool(struct cfd_doctor *doctor)
{
	CFD_AUTO_FREE struct cfd_userns_range *used = NULL;
	struct cfd_pool pool = pool_of(doctor);
	struct cfd_pool_count count = {0};
	struct cfd_error err = {0};
	bool free_ones;

	if (list_ranges(&used, &pool.used_count, &err))
		return cfd_doctor_fail(doctor, &err);
	pool.used = used;
	if (cfd_pool_count(&pool, &count, &err))
		return cfd_doctor_fail(doctor, &err);
	free_ones = count.in_use < count.ranges;
	snprintf(doctor->detail, sizeof(doctor->detail),
		 "%s has %zu ranges from %" PRIu32 " on: %zu in use, %zu free%s", pool.owner, count.ranges,
		 count.lowest, count.in_use, count.ranges - count.in_use,
		 free_ones ? "" : "; give it more in " CFD_POOL_SUBUID " and " CFD_POOL_SUBGID);
	return free_ones;
}

struct strangers { /* processes with ids of the pool that no range in /run/cofferdam has */
	const struct cfd_pool *pool;
	int proc;
	int pid; /* the first of them; 0: none */
	struct cfd_userns_range range;
	struct cfd_error *err;
};

static bool is_inside(const struct cfd_userns_range *range, const struct cfd_userns_range *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (range->base >= list[i].base &&
		    (uint64_t)range->base + range->size <= (uint64_t)list[i].base + list[i].size)
			return true;
	return false;
}

/* Asked after the process was seen, so that the range of a container that was created meanwhile is there. */
static int look_at_range(struct strangers *strangers, int pid, const struct cfd_userns_range *range)
{
	CFD_AUTO_FREE struct cfd_userns_range *used = NULL;
	struct cfd_process_id process;
	struct cfd_error ignored = {0};
	size_t count = 0, found = 1;
	int r = cfd_pool_find(strangers->pool, range, 1, &found, strangers->err);

	if (r || found == 1)
		return r;
	r = list_ranges(&used, &count, strangers->err);
	if (r || is_inside(range, used, count) || cfd_process_of(pid, &process, &ignored))
		return r;
	strangers->pid = pid;
	strangers->range = *range;
	return 1;
}

static int look_at_process(const char *name, void *data)
{
	struct strangers *strangers = data;
	CFD_AUTO_BUF struct cfd_buf map = {0};
	struct cfd_error ignored = {0};
	uint64_t pid = 0;
	char path[64], *line, *rest = NULL;
	int r = 0;

	if (cfd_parse_u64(name, INT32_MAX, &pid))
		return 0;
	snprintf(path, sizeof(path), "%s/uid_map", name);
	if (cfd_fd_read_kernel(strangers->proc, path, 65536, &map, &ignored) || !map.data)
		return 0; /* it has gone */
	for (line = strtok_r(map.data, "\n", &rest); !r && line; line = strtok_r(NULL, "\n", &rest)) {
		struct cfd_userns_range range;

		/* Those of the host's own namespace have all ids. */
		if (sscanf(line, "%*u %" SCNu32 " %" SCNu32, &range.base, &range.size) == 2 && range.size != UINT32_MAX)
			r = look_at_range(strangers, (int)pid, &range);
	}
	return r;
}

bool cfd_doctor_strangers(struct cfd_doctor *doctor)
{
	CFD_AUTO_FD int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct cfd_pool pool = pool_of(doctor);
	struct cfd_error err = {0};
	struct strangers strangers = {.pool = &pool, .proc = proc, .err = &err};
	int r = proc < 0 ? -errno : cfd_fd_each(proc, look_at_process, &strangers);

	if (r < 0 && !err.code)
		cfd_fail_errno(&err, r, "cannot look through the processes in /proc");
	if (r < 0)
		return cfd_doctor_fail(doctor, &err);
	if (!strangers.pid) {
		snprintf(doctor->detail, sizeof(doctor->detail), "no process has ids of the pool but cofferdam's");
		return true;
	}
	snprintf(doctor->detail, sizeof(doctor->detail),
		 "process %d has the ids %" PRIu32 " to %" PRIu32
		 ", some of which are the pool's, and none of cofferdam's "
		 "ranges is that: end it, or give `%s` other ids in " CFD_POOL_SUBUID " and " CFD_POOL_SUBGID,
		 strangers.pid, strangers.range.base, strangers.range.base + (strangers.range.size - 1), pool.owner);
	return false;
}

bool cfd_doctor_userns(struct cfd_doctor *doctor)
{
	CFD_AUTO_FD int fd = -1;
	struct cfd_error err = {0};

	if (cfd_userns_open(&probed, &fd, &err))
		return cfd_doctor_fail(doctor, &err);
	snprintf(doctor->detail, sizeof(doctor->detail), "one was made");
	return true;
}

static int try_idmap(const char *directory, int userns, struct cfd_buf *good, struct cfd_buf *bad)
{
	CFD_AUTO(cfd_mountinfo_place_release) struct cfd_mountinfo_place place = {0};
	CFD_AUTO_FD int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC), clone = -1;
	struct cfd_error err = {0};
	int r = cfd_clone_mount(fd, &(struct cfd_clone){.userns_fd = userns}, directory, &clone, &err);

	if (r == -EOPNOTSUPP)
		return cfd_buf_addf(bad, "%s%s; ext4, xfs and btrfs can be", bad->length ? ". " : "", err.message);
	if (r)
		return cfd_buf_addf(bad, "%s%s", bad->length ? ". " : "", err.message);
	return cfd_buf_addf(good, "%s%s on %s", good->length ? ", " : "", directory,
			    cfd_mountinfo_find(fd, &place, &err) ? "?" : place.mount.type);
}

/* Whether the filesystem under each engine's storage can be idmapped, tried on a clone that is never attached. */
bool cfd_doctor_storages(struct cfd_doctor *doctor)
{
	static const char *const storages[] = {"/var/lib/containers/storage", "/var/lib/containerd", "/var/lib/docker"};
	CFD_AUTO_BUF struct cfd_buf good = {0}, bad = {0};
	CFD_AUTO_FD int userns = -1;
	struct cfd_error err = {0};
	int r = 0;

	if (cfd_userns_open(&probed, &userns, &err))
		return cfd_doctor_fail(doctor, &err);
	for (size_t i = 0; !r && i < CFD_COUNT(storages); i++)
		if (access(storages[i], F_OK) == 0)
			r = try_idmap(storages[i], userns, &good, &bad);
	/* It stands for the others where no engine has stored anything yet. */
	if (!r && !good.length && !bad.length)
		r = try_idmap("/var/lib", userns, &good, &bad);
	snprintf(doctor->detail, sizeof(doctor->detail), "%s", bad.length ? bad.data : good.length ? good.data : "");
	return !r && !bad.length;
}

/* On a disk, as a tmpfs can be idmapped by newer kernels only. */
bool cfd_doctor_overlay(struct cfd_doctor *doctor)
{
	char directory[] = "/var/lib/cofferdam-doctor-XXXXXX";
	struct cfd_error err = {0};
	int r, removed;

	if (!mkdtemp(directory)) {
		cfd_fail_errno(&err, -errno, "cannot make a directory in /var/lib to try it in");
		return cfd_doctor_fail(doctor, &err);
	}
	r = cfd_probe_overlay(directory, &err);
	removed = cfd_entry_remove(AT_FDCWD, directory);
	if (!r && removed)
		r = cfd_fail_errno(&err, removed, "one was mounted, but %s, in which it was tried, stays: remove it",
				   directory);
	if (r)
		return cfd_doctor_fail(doctor, &err);
	snprintf(doctor->detail, sizeof(doctor->detail), "one was mounted, and its files have the container's ids");
	return true;
}
