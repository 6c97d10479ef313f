/* SPDX-License-Identifier: Apache-2.0 */
/* Who lives, and the removal of the rest. lib/state/state.c has the order in which things are written and removed. */
#include "lib/state/sweep.h"

#include "lib/state/entry.h"
#include "lib/fd.h"
#include "lib/state/ranges.h"
#include "lib/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int cfd_sweep_read_process(int dirfd, const char *name, struct cfd_process_id *ret_process)
{
	uint64_t pid = 0, start = 0;
	int r = cfd_entry_read_pair(dirfd, name, INT_MAX, &pid, &start);

	if (!r)
		*ret_process = (struct cfd_process_id){.pid = (int)pid, .start = start};
	return r;
}

static bool runtime_has_it(int dirfd)
{
	char path[PATH_MAX];
	struct stat st;

	/* ENOENT alone says that it is gone; anything else leaves it alone. */
	return cfd_entry_read_link(dirfd, "runtime-dir", path, sizeof(path)) > 0 &&
	       (lstat(path, &st) == 0 || errno != ENOENT);
}

/* A container that its shim does not create but stands in for (run in the foreground) outlives a shim that is killed.
 */
static bool is_orphan(struct cfd_state *state, const char *key)
{
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
	struct cfd_error ignored = {0};

	return cfd_state_read(state, key, &record, &ignored) == 0 && !record.foreground;
}

enum cfd_life cfd_sweep_look(struct cfd_state *state, const char *key)
{
	CFD_AUTO_FD int dirfd = openat(state->containers, key, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct cfd_process_id shim = {0}, init = {0};
	struct stat st;
	int has_shim;

	if (dirfd < 0)
		return errno == ENOENT || errno == ENOTDIR ? CFD_LIFE_DEAD : CFD_LIFE_LIVES;
	if (fstatat(dirfd, "record.json", &st, AT_SYMLINK_NOFOLLOW) && errno == ENOENT)
		return CFD_LIFE_DEAD;
	has_shim = cfd_sweep_read_process(dirfd, "shim", &shim);
	if (has_shim == 0 && cfd_process_lives(&shim))
		return CFD_LIFE_LIVES;
	if (cfd_sweep_read_process(dirfd, "init", &init) == 0 && cfd_process_lives(&init))
		return has_shim == 0 && is_orphan(state, key) ? CFD_LIFE_ORPHANED : CFD_LIFE_LIVES;
	return has_shim == -ENOENT && runtime_has_it(dirfd) ? CFD_LIFE_LIVES : CFD_LIFE_DEAD;
}

static void end_orphan(struct cfd_state *state, const char *key)
{
	CFD_AUTO_FD int dirfd = -1;
	struct cfd_process_id init = {0};

	if (cfd_sweep_look(state, key) != CFD_LIFE_ORPHANED)
		return;
	dirfd = openat(state->containers, key, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dirfd >= 0 && cfd_sweep_read_process(dirfd, "init", &init) == 0)
		cfd_process_kill(&init);
}

/* Not there, or not what a claim writes; anything else means that it cannot be told. */
static bool is_no_link(int r)
{
	return r == -ENOENT || r == -EINVAL || r == -EBADMSG || r == -ENAMETOOLONG;
}

/* The range's name, if it is this container's. */
static int drop_range(const struct cfd_state *state, int dirfd, const char *key)
{
	uint64_t base = 0, size = 0;
	char name[CFD_RANGES_NAME], owner[NAME_MAX + 1];
	int r = cfd_entry_read_pair(dirfd, "range", UINT32_MAX, &base, &size);

	if (r)
		return is_no_link(r) ? 0 : r; /* none: a claim writes it before the range's name */
	cfd_ranges_name(key, &(struct cfd_userns_range){.base = (uint32_t)base, .size = (uint32_t)size}, name);
	r = cfd_entry_read_link(state->ranges, name, owner, sizeof(owner));
	if (r < 0)
		return is_no_link(r) ? 0 : r;
	if (!cfd_streq(owner, key))
		return 0;
	return unlinkat(state->ranges, name, 0) && errno != ENOENT ? -errno : 0;
}

int cfd_sweep_remove(struct cfd_state *state, const char *key, struct cfd_error *err)
{
	CFD_AUTO_FD int dirfd = openat(state->containers, key, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int r = 0;

	end_orphan(state, key);
	if (dirfd < 0 && errno == ENOENT)
		return 0;
	if (dirfd >= 0) {
		if (unlinkat(dirfd, "record.json", 0) && errno != ENOENT)
			r = -errno;
		if (!r)
			r = drop_range(state, dirfd, key);
	}
	if (!r)
		r = cfd_entry_remove(state->containers, key);
	return r ? cfd_fail_errno(err, r, "cannot remove %s/containers/%s", state->path, key) : 0;
}

int cfd_state_drop(struct cfd_state *state, const char *key, struct cfd_error *err)
{
	CFD_AUTO_FD int lock = -1;
	int r = cfd_fd_lock(state->dir, "lock", &lock, err);

	return r ? r : cfd_sweep_remove(state, key, err);
}

int cfd_state_abandon(struct cfd_state *state, const char *key, struct cfd_error *err)
{
	CFD_AUTO_FD int dirfd = openat(state->containers, key, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct cfd_process_id init = {0};

	/* Not under the lock: it may take a moment to die. */
	if (dirfd >= 0 && cfd_sweep_read_process(dirfd, "init", &init) == 0)
		cfd_process_kill(&init);
	return cfd_state_drop(state, key, err);
}

struct sweep {
	struct cfd_state *state;
	bool locked; /* by the caller */
	size_t count;
	struct cfd_error *err;
};

static int sweep_container(const char *key, void *data)
{
	struct sweep *sweep = data;
	CFD_AUTO_FD int lock = -1;
	int r = 0;

	if (cfd_sweep_look(sweep->state, key) == CFD_LIFE_LIVES)
		return 0;
	if (!sweep->locked)
		r = cfd_fd_lock(sweep->state->dir, "lock", &lock, sweep->err);
	/* Asked again under the lock: it may be a claim that was being written. */
	if (r || cfd_sweep_look(sweep->state, key) == CFD_LIFE_LIVES)
		return r;
	r = cfd_sweep_remove(sweep->state, key, sweep->err);
	if (!r)
		sweep->count++;
	return r;
}

/* A range's name without a container: an administrator removed the directory by hand. */
static int sweep_range(const char *name, void *data)
{
	struct sweep *sweep = data;
	char owner[NAME_MAX + 1];
	struct stat st;

	if (cfd_entry_read_link(sweep->state->ranges, name, owner, sizeof(owner)) > 0 &&
	    fstatat(sweep->state->containers, owner, &st, AT_SYMLINK_NOFOLLOW) && errno == ENOENT)
		unlinkat(sweep->state->ranges, name, 0);
	return 0;
}

int cfd_sweep_all(struct cfd_state *state, bool locked, size_t *ret_count, struct cfd_error *err)
{
	struct sweep sweep = {.state = state, .locked = locked, .err = err};
	int r;

	err->code = 0;
	r = cfd_fd_each(state->containers, sweep_container, &sweep);
	if (!r && locked)
		r = cfd_fd_each(state->ranges, sweep_range, &sweep);
	if (r && !err->code)
		return cfd_fail_errno(err, r, "cannot sweep %s", state->path);
	if (!r)
		*ret_count = sweep.count;
	return r;
}

int cfd_state_sweep(struct cfd_state *state, size_t *ret_count, struct cfd_error *err)
{
	return cfd_sweep_all(state, false, ret_count, err);
}
