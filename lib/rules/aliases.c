/* SPDX-License-Identifier: Apache-2.0 */
/* What a volume really is: the same filesystem, at the same place within it, under another name. */
#include "lib/rules/aliases.h"

#include "lib/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct object { /* where an object is within its filesystem */
	unsigned major, minor;
	int mount;
	bool stacked;
	char path[CFD_PATH_MAX];
};

/* Filesystems that show directories of others. */
static bool is_stacked(const char *type)
{
	static const char *const types[] = {
		"overlay", "aufs", "ecryptfs", "fuse.fuse-overlayfs", "fuse.bindfs", "fuse.mergerfs",
	};

	for (size_t i = 0; i < CFD_COUNT(types); i++)
		if (cfd_streq(types[i], type))
			return true;
	return false;
}

/* The last place of the chain is the object itself. */
static bool same_object(const struct cfd_resolved *a, const struct cfd_resolved *b)
{
	return a->stat.st_dev == b->stat.st_dev && a->stat.st_ino == b->stat.st_ino;
}

static int join(const char *directory, const char *rest, char ret_path[CFD_PATH_MAX], struct cfd_error *err)
{
	const char *base = strcmp(directory, "/") == 0 ? "" : directory;

	if (snprintf(ret_path, CFD_PATH_MAX, "%s%s%s", base, *rest || !*base ? "/" : "", rest) >= CFD_PATH_MAX)
		return cfd_fail(err, -ENAMETOOLONG, "a path on the mount %s is too long", directory);
	return 0;
}

/* False when the object's mount was not made beneath the directory. */
static int locate(const struct cfd_resolved *resolved, const char *directory, bool *ret_mounted,
		  struct object *ret_object, struct cfd_error *err)
{
	CFD_AUTO(cfd_mountinfo_place_release) struct cfd_mountinfo_place place = {0};
	CFD_AUTO_FD int fd = open(resolved->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	const char *rest;
	int r;

	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open %s", resolved->path);
	r = cfd_mountinfo_find(fd, &place, err);
	if (r)
		return r;
	rest = cfd_path_beneath(place.mount.point, directory);
	*ret_mounted = rest && *rest;
	if (!*ret_mounted)
		return 0;
	rest = cfd_path_beneath(resolved->path, place.mount.point);
	if (!rest)
		return cfd_fail(err, -EAGAIN, "%s was replaced while it was checked", resolved->path);
	ret_object->major = place.mount.major;
	ret_object->minor = place.mount.minor;
	ret_object->mount = place.mount.id;
	ret_object->stacked = is_stacked(place.mount.type);
	return join(place.mount.root, rest, ret_object->path, err);
}

int cfd_alias_find(struct cfd_resolver *resolver, const struct cfd_resolved *resolved, const char *directory,
		   bool *ret_stacked, bool *ret_found, struct cfd_resolved *ret_alias, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct object object = {0};
	struct cfd_mountinfo mount;
	bool mounted = false;
	char *cursor;
	int r = locate(resolved, directory, &mounted, &object, err);

	*ret_found = false;
	*ret_stacked = object.stacked;
	if (r || !mounted || object.stacked)
		return r;
	r = cfd_mountinfo_read(&text, err);
	if (r)
		return r;
	cursor = text.data;
	while (!*ret_found && cfd_mountinfo_next(&cursor, &mount)) {
		const char *rest = cfd_path_beneath(object.path, mount.root);
		char path[CFD_PATH_MAX];
		struct cfd_error why = {0};

		if (mount.major != object.major || mount.minor != object.minor || mount.id == object.mount || !rest ||
		    cfd_path_beneath(mount.point, directory))
			continue;
		r = join(mount.point, rest, path, err);
		if (r)
			return r;
		/* Another mount may lie over that name: then it is not the object, and not the alias. */
		*ret_found =
			cfd_resolve(resolver, path, ret_alias, NULL, &why) == 0 && same_object(ret_alias, resolved);
	}
	return 0;
}
