/* SPDX-License-Identifier: Apache-2.0 */
/* Detached copies of mounts (open_tree(2), mount_setattr(2)), and messages for what the kernel refuses with a bare
 * EINVAL.
 */
#include "lib/userns/clone.h"
#include "lib/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <unistd.h>

// clang-format off
/* FS_ALLOW_IDMAP in the kernel's filesystems: the first version that has it; major 0: none up to 7.2. */
static const struct {
	const char *type;
	unsigned major, minor;
	const char *advice;
} filesystems[] = {
	{ "ext4",     5, 12, NULL },
	{ "vfat",     5, 12, NULL },
	{ "xfs",      5, 12, NULL },
	{ "btrfs",    5, 15, NULL },
	{ "ntfs3",    5, 15, NULL },
	{ "f2fs",     5, 18, NULL },
	{ "erofs",    5, 19, NULL },
	{ "tmpfs",    6,  3, NULL },
	{ "squashfs", 6, 12, NULL },
	{ "overlay",  0,  0, "use a directory that is not inside of another container's overlay" },
	{ "fuse",     0,  0, "use the kernel's overlay (not fuse-overlayfs) and a local filesystem" },
	{ "fuse.fuse-overlayfs", 0, 0, "use the kernel's overlay driver" },
	{ "nfs",      0,  0, "use a local filesystem" },
	{ "nfs4",     0,  0, "use a local filesystem" },
};
// clang-format on

bool cfd_clone_kernel_is(unsigned major, unsigned minor)
{
	struct utsname name;
	unsigned has_major, has_minor;

	return !uname(&name) && sscanf(name.release, "%u.%u", &has_major, &has_minor) == 2 &&
	       (has_major > major || (has_major == major && has_minor >= minor));
}

static int fail_for_type(const struct cfd_mountinfo_place *place, bool recursive, const char *name,
			 struct cfd_error *err)
{
	const char *type = place->mount.type;
	struct utsname kernel = {0};
	size_t row = 0;

	uname(&kernel);
	while (row < CFD_COUNT(filesystems) && !cfd_streq(filesystems[row].type, type))
		row++;
	if (row < CFD_COUNT(filesystems) && filesystems[row].advice)
		return cfd_fail(err, -EOPNOTSUPP, "%s is on %s, which no kernel can idmap: %s", name, type,
				filesystems[row].advice);
	if (row < CFD_COUNT(filesystems) && !cfd_clone_kernel_is(filesystems[row].major, filesystems[row].minor))
		return cfd_fail(
			err, -EOPNOTSUPP,
			"%s is on %s, which cannot be idmapped on this kernel: Linux %u.%u is needed (this is %s)",
			name, type, filesystems[row].major, filesystems[row].minor, kernel.release);
	if (row < CFD_COUNT(filesystems) && recursive && place->child_count)
		return cfd_fail(err, -EOPNOTSUPP,
				"another filesystem that is mounted inside of %s (on %s) cannot be idmapped on this "
				"kernel (%s)",
				name, type, kernel.release);
	return cfd_fail(err, -EOPNOTSUPP, "%s is on %s, which cannot be idmapped on this kernel (%s)", name, type,
			kernel.release);
}

static int fail_idmap(int code, int fd, bool recursive, const char *name, struct cfd_error *err)
{
	CFD_AUTO(cfd_mountinfo_place_release) struct cfd_mountinfo_place place = {0};
	struct cfd_error ignored;

	if (code == -ENOSYS)
		return cfd_fail(err, -EOPNOTSUPP,
				"this kernel has no idmapped mounts: Linux 5.12 is needed, 5.19 for overlay");
	if (code == -EPERM)
		return cfd_fail(
			err, -EPERM,
			"%s is idmapped already, or its filesystem belongs to a user namespace: it cannot be idmapped "
			"for the container",
			name);
	if (code != -EINVAL || cfd_mountinfo_find(fd, &place, &ignored))
		return cfd_fail_errno(err, code, "cannot idmap %s", name);
	return fail_for_type(&place, recursive, name, err);
}

int cfd_clone_mount(int fd, const struct cfd_clone *how, const char *name, int *ret_fd, struct cfd_error *err)
{
	bool idmapped = how->userns_fd >= 0;
	struct mount_attr attr = {
		.attr_set = (idmapped ? MOUNT_ATTR_IDMAP : 0) | (how->read_only ? MOUNT_ATTR_RDONLY : 0) | how->flags,
		.attr_clr = how->flags & MOUNT_ATTR__ATIME ? MOUNT_ATTR__ATIME : 0,
		.propagation = how->peers ? 0 : MS_SLAVE,
		.userns_fd = idmapped ? (uint64_t)how->userns_fd : 0,
	};
	unsigned depth = how->recursive ? AT_RECURSIVE : 0;
	CFD_AUTO_FD int tree = open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | depth);

	if (tree < 0)
		return cfd_fail_errno(err, -errno, "cannot clone the mount of %s", name);
	if (mount_setattr(tree, "", AT_EMPTY_PATH | depth, &attr, sizeof(attr)))
		return idmapped ? fail_idmap(-errno, fd, how->recursive, name, err)
				: cfd_fail_errno(err, -errno, "cannot set the flags of the mount of %s", name);
	*ret_fd = cfd_take_fd(&tree);
	return 0;
}
