/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules have judged, held open. */
#include "lib/held.h"

#include "lib/fd.h"
#include "lib/path.h"
#include "lib/spec/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

static int *closed(size_t count)
{
	int *fds = malloc((count + 1) * sizeof(*fds));

	for (size_t i = 0; fds && i < count; i++)
		fds[i] = -1;
	return fds;
}

/* Half of the slots stay empty. */
static size_t slots_for(size_t mounts)
{
	size_t count = 2;

	while (count < 2 * mounts)
		count *= 2;
	return count;
}

int cfd_held_init(struct cfd_held *held, const struct cfd_spec *spec, struct cfd_error *err)
{
	cfd_held_release(held);
	held->slot_count = slots_for(spec->mount_count);
	held->sources = closed(spec->mount_count);
	held->namespaces = closed(spec->namespace_count);
	held->places = calloc(spec->mount_count + 1, sizeof(*held->places));
	held->slots = calloc(held->slot_count, sizeof(*held->slots));
	held->earlier = calloc(spec->mount_count + 1, sizeof(*held->earlier));
	if (!held->sources || !held->namespaces || !held->places || !held->slots || !held->earlier) {
		cfd_held_release(held);
		return cfd_fail_memory(err, "what is held open");
	}
	held->source_count = spec->mount_count;
	held->namespace_count = spec->namespace_count;
	return 0;
}

static void release(int **fds, size_t *count)
{
	for (size_t i = 0; i < *count; i++)
		cfd_base_close(&(*fds)[i]);
	free(*fds);
	*fds = NULL;
	*count = 0;
}

void cfd_held_release(struct cfd_held *held)
{
	for (size_t i = 0; held->places && i < held->source_count; i++)
		free(held->places[i]);
	free(held->places);
	free(held->slots);
	free(held->earlier);
	held->places = NULL;
	held->slots = held->earlier = NULL;
	release(&held->sources, &held->source_count);
	release(&held->namespaces, &held->namespace_count);
}

/* Only what is known to be a namespace is opened for more than its name: a FIFO or a device notices nothing. */
static int open_namespace(const char *path, int *ret_fd, struct cfd_error *err)
{
	CFD_AUTO_FD int named = open(path, O_PATH | O_CLOEXEC), fd = -1;
	char self[32];
	struct statfs fs;

	if (named < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		return cfd_fail_errno(err, -errno, "cannot open the namespace %s", path);
	if (named < 0 || fstatfs(named, &fs) || fs.f_type != NSFS_MAGIC)
		return 0;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", named);
	fd = open(self, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open the namespace %s", path);
	*ret_fd = cfd_take_fd(&fd);
	return 0;
}

int cfd_held_open_namespaces(struct cfd_held *held, const struct cfd_spec *spec, struct cfd_error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < held->namespace_count; i++)
		if (spec->namespaces[i].path && held->namespaces[i] < 0)
			r = open_namespace(spec->namespaces[i].path, &held->namespaces[i], err);
	return r;
}

static int open_source(const char *bundle, const char *source, int *ret_fd, struct cfd_error *err)
{
	CFD_AUTO_FD int dirfd = -1, fd = -1;
	int r;

	if (!source)
		return cfd_fail(err, -EINVAL, "a bind mount without a source");
	r = cfd_fd_open_dir(AT_FDCWD, bundle, true, &dirfd, err);
	if (r)
		return r;
	fd = openat(dirfd, source, O_PATH | O_CLOEXEC); /* the bundle counts for relative ones only */
	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open %s", source);
	*ret_fd = cfd_take_fd(&fd);
	return 0;
}

int cfd_held_open_rest(struct cfd_held *held, const struct cfd_spec *spec, const char *bundle, struct cfd_error *err)
{
	int r = cfd_held_open_namespaces(held, spec, err);

	for (size_t i = 0; !r && i < held->namespace_count; i++)
		if (spec->namespaces[i].path && held->namespaces[i] < 0)
			r = cfd_fail(err, -EINVAL, "linux.namespaces[%zu].path: no namespace is at %s", i,
				     spec->namespaces[i].path);
	for (size_t i = 0; !r && i < held->source_count; i++) {
		const struct cfd_spec_mount *mount = &spec->mounts[i];

		if (!cfd_spec_mount_is_bind(mount) || held->sources[i] >= 0)
			continue;
		r = open_source(bundle, mount->source, &held->sources[i], err);
		if (r)
			cfd_wrap(err, "mounts[%zu] (%s)", i, mount->destination);
	}
	return r;
}

/* The slot of the first `length` bytes of a path: its own, or an empty one. */
static size_t *find_slot(const struct cfd_held *held, const char *path, size_t length)
{
	size_t slot = (size_t)cfd_hash(CFD_HASH_START, path, length) & (held->slot_count - 1);

	while (held->slots[slot]) {
		const char *place = held->places[held->slots[slot] - 1];

		if (strncmp(place, path, length) == 0 && !place[length])
			break;
		slot = (slot + 1) & (held->slot_count - 1);
	}
	return &held->slots[slot];
}

int cfd_held_place(struct cfd_held *held, size_t mount, const char *place, struct cfd_error *err)
{
	size_t *slot = find_slot(held, place, strlen(place));

	held->places[mount] = strdup(place);
	if (!held->places[mount])
		return cfd_fail_memory(err, "the places of mounts");
	held->earlier[mount] = *slot;
	*slot = mount + 1;
	return 0;
}

size_t cfd_held_at(const struct cfd_held *held, const char *place)
{
	size_t found = *find_slot(held, place, strlen(place));

	return found ? found - 1 : CFD_HELD_NONE;
}

size_t cfd_held_cover(const struct cfd_held *held, size_t mount)
{
	const char *place = held->places[mount];
	size_t length = place ? strlen(place) : 0;

	while (length > 1) {
		size_t found;

		while (length > 1 && place[length - 1] != '/')
			length--;
		length -= length > 1; /* the slash; of "/x" it is the directory itself */
		found = *find_slot(held, place, length);
		while (found > mount)
			found = held->earlier[found - 1];
		if (found)
			return found - 1;
	}
	return mount;
}
