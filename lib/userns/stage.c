/* SPDX-License-Identifier: Apache-2.0 */
/* A private mount namespace with a tmpfs in it. */
#include "lib/userns/stage.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define NODES "nodes"

static int make_host_rootfs(const char *path, struct cfd_error *err)
{
	CFD_AUTO_FD int stage = -1, rootfs = -1;
	int r = cfd_fd_open_dir(AT_FDCWD, path, false, &stage, err);

	if (r)
		return r;
	return cfd_fd_make_dir(stage, CFD_STAGE_ROOTFS, 0711, &rootfs, err) ? cfd_wrap(err, "%s", path) : 0;
}

int cfd_stage_enter(const char *path, const struct cfd_userns_range *range, struct cfd_stage *ret_stage,
		    struct cfd_error *err)
{
	int r = make_host_rootfs(path, err);

	if (r)
		return r;
	if (unshare(CLONE_NEWNS))
		return cfd_fail_errno(err, -errno, "cannot make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		return cfd_fail_errno(err, -errno, "cannot cut the new mount namespace off from the host's");
	/* 500 layers, one mount point each, and what the configuration mounts: far below the limits. */
	if (mount("cofferdam", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0711,size=4m,nr_inodes=16k"))
		return cfd_fail_errno(err, -errno, "cannot mount a tmpfs at %s", path);
	ret_stage->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret_stage->fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open %s", path);
	ret_stage->path = path;
	ret_stage->range = *range;
	return 0;
}

void cfd_stage_release(struct cfd_stage *stage)
{
	cfd_base_close(&stage->fd);
	cfd_base_close(&stage->nodes_fd);
}

int cfd_stage_path(const struct cfd_stage *stage, const char *name, char **ret_path, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf path = {0};

	if (cfd_buf_addf(&path, "%s/%s", stage->path, name))
		return cfd_fail_memory(err, "a path in the stage");
	*ret_path = cfd_take(path.data);
	return 0;
}

/* A mount point of the kind that the mount asks for: a directory, or a file for anything else. */
static int make_mount_point(int dirfd, const char *name, mode_t kind, struct cfd_error *err)
{
	int r = S_ISDIR(kind) ? mkdirat(dirfd, name, 0711) : mknodat(dirfd, name, S_IFREG | 0600, 0);

	return r ? cfd_fail_errno(err, -errno, "cannot make the mount point %s in the stage", name) : 0;
}

int cfd_stage_attach(const struct cfd_stage *stage, const char *name, int mount_fd, char **ret_path,
		     struct cfd_error *err)
{
	struct stat st;
	int r;

	if (fstat(mount_fd, &st))
		return cfd_fail_errno(err, -errno, "cannot stat the mount for %s in the stage", name);
	r = make_mount_point(stage->fd, name, st.st_mode, err);
	if (r)
		return r;
	if (move_mount(mount_fd, "", stage->fd, name, MOVE_MOUNT_F_EMPTY_PATH))
		return cfd_fail_errno(err, -errno, "cannot attach a mount at %s in the stage", name);
	return ret_path ? cfd_stage_path(stage, name, ret_path, err) : 0;
}

/* Apart from the stage itself, as there is no reason for devices to work among the layers. */
static int open_nodes(struct cfd_stage *stage, struct cfd_error *err)
{
	CFD_AUTO_FREE char *path = NULL;
	int r;

	if (stage->nodes_fd >= 0)
		return 0;
	r = make_mount_point(stage->fd, NODES, S_IFDIR, err);
	if (!r)
		r = cfd_stage_path(stage, NODES, &path, err);
	if (r)
		return r;
	if (mount("cofferdam", path, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0711,size=64k,nr_inodes=4k"))
		return cfd_fail_errno(err, -errno, "cannot mount a tmpfs at %s", path);
	stage->nodes_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return stage->nodes_fd < 0 ? cfd_fail_errno(err, -errno, "cannot open %s", path) : 0;
}

int cfd_stage_node(struct cfd_stage *stage, const char *name, mode_t mode, dev_t device, uint32_t uid, uint32_t gid,
		   char **ret_path, struct cfd_error *err)
{
	const struct cfd_userns_range *range = &stage->range;
	CFD_AUTO_BUF struct cfd_buf inside = {0};
	int r;

	if (uid >= range->size || gid >= range->size)
		return cfd_fail(err, -EINVAL, "%s is to belong to %u:%u, which is outside of the container's %u ids",
				name, uid, gid, range->size);
	r = open_nodes(stage, err);
	if (r)
		return r;
	if (mknodat(stage->nodes_fd, name, mode, device))
		return cfd_fail_errno(err, -errno, "cannot make the device node %s", name);
	if (fchownat(stage->nodes_fd, name, range->base + uid, range->base + gid, AT_SYMLINK_NOFOLLOW) ||
	    fchmodat(stage->nodes_fd, name, mode & 07777, 0))
		return cfd_fail_errno(err, -errno, "cannot give the device node %s to the container", name);
	if (!ret_path)
		return 0;
	return cfd_buf_addf(&inside, NODES "/%s", name) ? cfd_fail_memory(err, "a path in the stage")
							: cfd_stage_path(stage, inside.data, ret_path, err);
}

#define MEMORY_DEVICES 1 /* null, zero, full, random, urandom: Documentation/admin-guide/devices.txt */

/* 0 for one that is closed, or no memory device: there is no device 0:0. */
static int find_memory_device(int fd, dev_t *ret_device, struct cfd_error *err)
{
	struct stat st;

	if (fstat(fd, &st)) {
		if (errno != EBADF)
			return cfd_fail_errno(err, -errno, "cannot stat descriptor %d", fd);
		st = (struct stat){0};
	}
	*ret_device = S_ISCHR(st.st_mode) && major(st.st_rdev) == MEMORY_DEVICES ? st.st_rdev : 0;
	return 0;
}

static int replace_stream(const struct cfd_stage *stage, int fd, const char *name, struct cfd_error *err)
{
	int flags = fcntl(fd, F_GETFL);
	CFD_AUTO_FD int own = -1;

	if (flags < 0)
		return cfd_fail_errno(err, -errno, "cannot read the flags of descriptor %d", fd);
	own = openat(stage->nodes_fd, name, (flags & (O_ACCMODE | O_APPEND | O_NONBLOCK)) | O_CLOEXEC | O_NOCTTY);
	if (own < 0 || dup2(own, fd) < 0)
		return cfd_fail_errno(err, -errno, "cannot replace descriptor %d, which is a device of the host's", fd);
	return 0;
}

int cfd_stage_own_streams(struct cfd_stage *stage, struct cfd_error *err)
{
	for (int fd = 0; fd <= 2; fd++) {
		char name[32];
		dev_t device = 0;
		int r = find_memory_device(fd, &device, err);

		if (r)
			return r;
		if (!device)
			continue;
		snprintf(name, sizeof(name), "stream%d", fd);
		r = cfd_stage_node(stage, name, S_IFCHR | 0666, device, 0, 0, NULL, err);
		if (!r)
			r = replace_stream(stage, fd, name, err);
		if (r)
			return r;
	}
	return 0;
}
