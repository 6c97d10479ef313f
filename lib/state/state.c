/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /run/cofferdam: records of containers, and who holds which range of ids. Removal is in lib/state/sweep.c.
 *
 * Everything that claims or removes happens under one lock, and in an order in which a kill leaves something that the
 * next one recognises. Claim: the directory, its links, record.json, and last the range's name. Removal: record.json
 * first (what has none is dead), then the range's name, then the rest. So a directory without record.json is never
 * somebody's, and a range's name always has a directory behind it, except when an administrator removed that by hand.
 */
#include "lib/state/state.h"

#include "lib/state/entry.h"
#include "lib/fd.h"
#include "lib/rootless.h"
#include "lib/state/ranges.h"
#include "lib/state/record.h"
#include "lib/state/sweep.h"
#include "lib/userns/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID_MAX 238 /* and `@` and 16 digits are 255 */

void cfd_state_freep(struct cfd_state **state)
{
	if (!*state)
		return;
	cfd_base_close(&(*state)->dir);
	cfd_base_close(&(*state)->containers);
	cfd_base_close(&(*state)->ranges);
	free((*state)->path);
	free((*state)->stage_path);
	free((*state)->subuid);
	free((*state)->subgid);
	free(*state);
	*state = NULL;
}

static int open_directories(struct cfd_state *state, struct cfd_error *err)
{
	CFD_AUTO_FD int stage = -1;
	int r = cfd_fd_make_dir(AT_FDCWD, state->path, 0711, &state->dir, err);

	if (!r)
		r = cfd_fd_make_dir(state->dir, "stage", 0711, &stage, err);
	if (!r)
		r = cfd_fd_make_dir(state->dir, "ranges", 0700, &state->ranges, err);
	if (!r)
		r = cfd_fd_make_dir(state->dir, "containers", 0700, &state->containers, err);
	return r ? cfd_wrap(err, "state in %s", state->path) : 0;
}

int cfd_state_open_at(const char *path, const char *subuid, const char *subgid, struct cfd_state **ret_state,
		      struct cfd_error *err)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = calloc(1, sizeof(*state));
	int r;

	if (!state)
		return cfd_fail_memory(err, "the state");
	state->dir = state->containers = state->ranges = -1;
	state->path = strdup(path);
	state->subuid = strdup(subuid);
	state->subgid = strdup(subgid);
	if (!state->path || !state->subuid || !state->subgid || asprintf(&state->stage_path, "%s/stage", path) < 0) {
		state->stage_path = NULL;
		return cfd_fail_memory(err, "the state");
	}
	r = open_directories(state, err);
	if (!r)
		*ret_state = cfd_take(state);
	return r;
}

int cfd_state_path(char **ret_path, struct cfd_error *err)
{
	enum cfd_caller caller;
	int r = cfd_rootless_caller(&caller, err);

	if (r)
		return r;
	if (caller != CFD_CALLER_ROOT)
		return cfd_rootless_directory(ret_path, err);
	*ret_path = strdup(CFD_STATE_DIR);
	return *ret_path ? 0 : cfd_fail_memory(err, "a path");
}

int cfd_state_open(struct cfd_state **ret_state, struct cfd_error *err)
{
	CFD_AUTO_FREE char *path = NULL;
	int r = cfd_state_path(&path, err);

	return r ? r : cfd_state_open_at(path, CFD_POOL_SUBUID, CFD_POOL_SUBGID, ret_state, err);
}

int cfd_state_dir(const struct cfd_state *state)
{
	return state->dir;
}

const char *cfd_state_stage(const struct cfd_state *state)
{
	return state->stage_path;
}

int cfd_state_check_id(const char *id, struct cfd_error *err)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-";
	size_t length = id ? strlen(id) : 0;

	if (length == 0)
		return cfd_fail(err, -EINVAL, "the container's id is missing");
	if (length > ID_MAX)
		return cfd_fail(err, -EINVAL, "the container's id has %zu characters; at most %d are accepted", length,
				ID_MAX);
	if (strspn(id, allowed) != length || cfd_streq(id, ".") || cfd_streq(id, ".."))
		return cfd_fail(err, -EINVAL,
				"the container's id is not made of A-Z a-z 0-9 _ . + - alone (or is . or ..)");
	return 0;
}

int cfd_state_key(const char *id, const char *root, char ret_key[CFD_STATE_KEY_MAX + 1], struct cfd_error *err)
{
	int r = cfd_state_check_id(id, err);

	if (!r)
		snprintf(ret_key, CFD_STATE_KEY_MAX + 1, "%s@%016" PRIx64, id,
			 cfd_hash(CFD_HASH_START, root, strlen(root)));
	return r;
}

static int set_process(int dirfd, const char *name, const struct cfd_process_id *process, struct cfd_error *err)
{
	char text[64];

	snprintf(text, sizeof(text), "%d:%" PRIu64, process->pid, process->start);
	return cfd_entry_set_link(dirfd, name, process->pid > 0 ? text : NULL, err);
}

static int pick_once(const struct cfd_state *state, const char *owner, const struct cfd_userns_range *wanted,
		     struct cfd_userns_range *ret_range, struct cfd_error *err)
{
	CFD_AUTO_FREE struct cfd_userns_range *used = NULL;
	struct cfd_pool pool = {.owner = owner, .subuid = state->subuid, .subgid = state->subgid};
	int r = cfd_ranges_list(state->ranges, &used, &pool.used_count);

	if (r)
		return cfd_fail_errno(err, r, "cannot list %s/ranges", state->path);
	pool.used = used;
	return cfd_pool_pick(&pool, wanted, ret_range, err);
}

static int fail_busy(const struct cfd_state *state, const struct cfd_userns_range *wanted, struct cfd_error *err)
{
	char id[ID_MAX + 1];
	uint32_t size = wanted->size ? wanted->size : CFD_USERNS_RANGE_SIZE;
	const struct cfd_userns_range range = {.base = wanted->base, .size = size};

	if (!cfd_ranges_holder(state->ranges, &range, id, sizeof(id)))
		return err->code;
	return cfd_fail(err, -EBUSY,
			"container %s has ids of the range %u to %u: delete it first, or give the two different ranges",
			id, range.base, range.base + (range.size - 1));
}

/* record->range is what is wanted until it is what was picked. */
static int pick_range(struct cfd_state *state, const char *pool, struct cfd_userns_range *range, struct cfd_error *err)
{
	const struct cfd_userns_range wanted = *range;
	struct cfd_error ignored = {0};
	size_t count = 0;
	int r = pick_once(state, pool, &wanted, range, err);

	if ((r == -ENOSPC || r == -EBUSY) && !cfd_sweep_all(state, true, &count, &ignored))
		r = pick_once(state, pool, &wanted, range, err);
	return r == -EBUSY ? fail_busy(state, &wanted, err) : r;
}

static int write_links(struct cfd_state *state, const char *key, const struct cfd_record *record, struct cfd_error *err)
{
	char range[64];
	CFD_AUTO_FD int dirfd = -1;
	int r = cfd_fd_make_dir(state->containers, key, 0700, &dirfd, err);

	snprintf(range, sizeof(range), "%" PRIu32 ":%" PRIu32, record->range.base, record->range.size);
	if (!r && record->runtime)
		r = cfd_entry_set_link(dirfd, "runtime", record->runtime, err);
	if (!r && record->runtime_dir)
		r = cfd_entry_set_link(dirfd, "runtime-dir", record->runtime_dir, err);
	if (!r && record->range.size)
		r = cfd_entry_set_link(dirfd, "range", range, err);
	return r ? cfd_wrap(err, "%s/containers/%s", state->path, key) : 0;
}

/* Links first, then the record that makes the directory somebody's, then the range's name. */
static int write_claim(struct cfd_state *state, const char *key, const struct cfd_record *record, struct cfd_error *err)
{
	char name[CFD_RANGES_NAME];
	int r = write_links(state, key, record, err);

	cfd_ranges_name(key, &record->range, name);
	if (!r)
		r = cfd_state_update(state, key, record, err);
	if (!r && record->range.size && symlinkat(key, state->ranges, name))
		r = cfd_fail_errno(err, -errno, "cannot note %s/ranges/%s as in use", state->path, name);
	return r;
}

static int claim_locked(struct cfd_state *state, struct cfd_record *record, const char *pool, const char *key,
			struct cfd_error *err)
{
	struct cfd_error ignored = {0};
	int r;

	if (cfd_sweep_look(state, key) == CFD_LIFE_LIVES)
		return cfd_fail(err, -EEXIST, "container %s exists already; delete it first, or use another id",
				record->id);
	r = cfd_sweep_remove(state, key, err);
	if (!r && pool)
		r = pick_range(state, pool, &record->range, err);
	if (!r)
		r = cfd_process_self(&record->shim, err);
	if (!r)
		r = write_claim(state, key, record, err);
	else
		return r;
	if (r)
		cfd_sweep_remove(state, key, &ignored);
	return r;
}

int cfd_state_claim(struct cfd_state *state, struct cfd_record *record, const char *pool,
		    char ret_key[CFD_STATE_KEY_MAX + 1], struct cfd_error *err)
{
	char key[CFD_STATE_KEY_MAX + 1];
	CFD_AUTO_FD int lock = -1;
	int r = cfd_state_key(record->id, record->root, key, err);

	if (!r && cfd_fd_lock(state->dir, "lock", &lock, err))
		return cfd_wrap(err, "state in %s", state->path);
	if (!r)
		r = claim_locked(state, record, pool, key, err);
	if (!r)
		memcpy(ret_key, key, sizeof(key));
	return r;
}

int cfd_state_update(struct cfd_state *state, const char *key, const struct cfd_record *record, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	CFD_AUTO_FD int dirfd = -1;
	int r = cfd_state_open_container(state, key, &dirfd, err);

	if (!r && cfd_record_write(record, &buf))
		r = cfd_fail_memory(err, "a record");
	/* init before shim goes, so that there is no moment at which nobody has it. */
	if (!r)
		r = set_process(dirfd, "init", &record->init, err);
	if (!r && record->shim.pid > 0)
		r = set_process(dirfd, "shim", &record->shim, err);
	if (!r)
		r = cfd_fd_write_file(dirfd, "record.json", buf.data, buf.length, 0600, true, err);
	if (!r && record->shim.pid == 0)
		r = set_process(dirfd, "shim", &record->shim, err);
	return r ? cfd_wrap(err, "%s/containers/%s", state->path, key) : 0;
}

static int read_text_link(int dirfd, const char *name, char **ret_text, struct cfd_error *err)
{
	char text[PATH_MAX];
	int r = cfd_entry_read_link(dirfd, name, text, sizeof(text));

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return cfd_fail_errno(err, r, "cannot read the link %s", name);
	*ret_text = strdup(text);
	return *ret_text ? 0 : cfd_fail_memory(err, name);
}

static int read_links(int dirfd, struct cfd_record *record, struct cfd_error *err)
{
	uint64_t base = 0, size = 0;
	int shim = cfd_sweep_read_process(dirfd, "shim", &record->shim),
	    init = cfd_sweep_read_process(dirfd, "init", &record->init);
	int range = cfd_entry_read_pair(dirfd, "range", UINT32_MAX, &base, &size), r;

	if ((shim && shim != -ENOENT) || (init && init != -ENOENT) || (range && range != -ENOENT) || size > UINT32_MAX)
		return cfd_fail(err, -EBADMSG, "a link of the record (shim, init or range) is torn");
	record->range = (struct cfd_userns_range){.base = (uint32_t)base, .size = (uint32_t)size};
	r = read_text_link(dirfd, "runtime", &record->runtime, err);
	return r ? r : read_text_link(dirfd, "runtime-dir", &record->runtime_dir, err);
}

int cfd_state_read(struct cfd_state *state, const char *key, struct cfd_record *ret_record, struct cfd_error *err)
{
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	CFD_AUTO_FD int dirfd = -1;
	int r = cfd_state_open_container(state, key, &dirfd, err);

	if (!r)
		r = cfd_fd_read_file(dirfd, "record.json", CFD_RECORD_MAX_BYTES, &buf, err);
	if (!r)
		r = cfd_record_parse(buf.data ? buf.data : "", buf.length, "record.json", &record, err);
	if (!r)
		r = read_links(dirfd, &record, err);
	if (r)
		return cfd_wrap(err, "%s/containers/%s", state->path, key);
	*ret_record = record;
	record = (struct cfd_record){0};
	return 0;
}

int cfd_state_find(const char *path, const char *id, const char *root, bool *ret_found, struct cfd_record *ret_record,
		   struct cfd_error *err)
{
	struct cfd_state state = {.path = (char *)path};
	char key[CFD_STATE_KEY_MAX + 1], directory[PATH_MAX];
	CFD_AUTO_FD int containers = -1;
	int r = cfd_state_key(id, root, key, err);

	if (r)
		return r;
	snprintf(directory, sizeof(directory), "%s/containers", path);
	r = cfd_fd_open_dir(AT_FDCWD, directory, true, &containers, err);
	state.containers = containers;
	if (!r)
		r = cfd_state_read(&state, key, ret_record, err);
	if (r && r != -ENOENT)
		return r;
	*ret_found = r == 0;
	return 0;
}

int cfd_state_open_container(struct cfd_state *state, const char *key, int *ret_fd, struct cfd_error *err)
{
	return cfd_fd_open_dir(state->containers, key, false, ret_fd, err);
}

int cfd_state_bundle_path(const struct cfd_state *state, const char *key, char **ret_path, struct cfd_error *err)
{
	char *path = NULL;

	if (asprintf(&path, "%s/containers/%s/bundle", state->path, key) < 0)
		return cfd_fail_memory(err, "a path");
	*ret_path = path;
	return 0;
}

int cfd_state_key_of_bundle(const struct cfd_state *state, const char *bundle, char ret_key[CFD_STATE_KEY_MAX + 1],
			    struct cfd_error *err)
{
	char prefix[PATH_MAX], key[CFD_STATE_KEY_MAX + 1];
	size_t start, length;

	snprintf(prefix, sizeof(prefix), "%s/containers/", state->path);
	start = strlen(prefix);
	if (!cfd_starts_with(bundle, prefix))
		return cfd_fail(err, -ENOENT, "%s is not a bundle of cofferdam's", bundle);
	length = strcspn(bundle + start, "/");
	if (length == 0 || length > CFD_STATE_KEY_MAX || !cfd_streq(bundle + start + length, "/bundle"))
		return cfd_fail(err, -ENOENT, "%s is not a bundle of cofferdam's", bundle);
	memcpy(key, bundle + start, length);
	key[length] = '\0';
	if (cfd_streq(key, ".") || cfd_streq(key, ".."))
		return cfd_fail(err, -ENOENT, "%s is not a bundle of cofferdam's", bundle);
	memcpy(ret_key, key, length + 1);
	return 0;
}

struct each {
	struct cfd_state *state;
	int (*visit)(const char *key, const struct cfd_record *record, void *data);
	void *data;
};

static int visit_record(const char *key, void *data)
{
	CFD_AUTO(cfd_record_release) struct cfd_record record = {0};
	struct cfd_error ignored = {0};
	struct each *each = data;

	if (cfd_state_read(each->state, key, &record, &ignored))
		return 0;
	return each->visit(key, &record, each->data);
}

int cfd_state_each(struct cfd_state *state, int (*visit)(const char *key, const struct cfd_record *record, void *data),
		   void *data, struct cfd_error *err)
{
	struct each each = {.state = state, .visit = visit, .data = data};
	int r = cfd_fd_each(state->containers, visit_record, &each);

	return r < 0 ? cfd_fail_errno(err, r, "cannot list %s/containers", state->path) : r;
}
