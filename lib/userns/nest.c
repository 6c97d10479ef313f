/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts inside of other mounts' sources. */
#include "lib/userns/nest.h"

#include "lib/fd.h"
#include "lib/path.h"
#include "lib/userns/mounter.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* As runtimes make them. */
#define DIRECTORY_MODE 0755
#define FILE_MODE 0644

static int make_one(int parent, const char *name, bool directory, struct cfd_error *err)
{
	int r = directory ? mkdirat(parent, name, DIRECTORY_MODE) : mknodat(parent, name, S_IFREG | FILE_MODE, 0);

	return r && errno != EEXIST ? cfd_fail_errno(err, -errno, "cannot make the mount point %s", name) : 0;
}

static int make_all(const struct cfd_nest *nest, bool directory, struct cfd_error *err)
{
	CFD_AUTO_FD int parent = fcntl(nest->source, F_DUPFD_CLOEXEC, 3);
	char rest[CFD_PATH_MAX], *state = NULL;
	int r = 0;

	if (parent < 0 || strlen(nest->rest) >= sizeof(rest))
		return cfd_fail_errno(err, parent < 0 ? -errno : -ENAMETOOLONG, "cannot make the mount point %s",
				      nest->rest);
	strcpy(rest, nest->rest);
	for (char *name = strtok_r(rest, "/", &state), *next; !r && name; name = next) {
		int fd = -1;

		next = strtok_r(NULL, "/", &state);
		r = make_one(parent, name, next || directory, err);
		if (!r)
			r = cfd_fd_open_beneath(parent, name, O_PATH, &fd, err);
		cfd_base_close(&parent);
		parent = fd;
	}
	return r;
}

static int make_mount_point(const struct cfd_nest *nest, bool directory, struct cfd_error *err)
{
	struct cfd_mounter mounter = CFD_MOUNTER_NONE;
	struct cfd_error stuck = {0};
	int r = nest->base ? cfd_mounter_become(&mounter, nest->base, false, err) : 0;

	if (!r)
		r = make_all(nest, directory, err);
	if (cfd_mounter_restore(&mounter, &stuck)) {
		*err = stuck;
		r = stuck.code;
	}
	return r;
}

int cfd_nest_attach(const struct cfd_nest *nest, int mount_fd, struct cfd_error *err)
{
	CFD_AUTO_FD int target = -1;
	struct stat inner, outer;
	int r;

	if (fstat(mount_fd, &inner))
		return cfd_fail_errno(err, -errno, "cannot stat a mount");
	r = cfd_fd_open_beneath(nest->tree, nest->rest, O_PATH, &target, err);
	if (r == -ENOENT) {
		r = make_mount_point(nest, S_ISDIR(inner.st_mode), err);
		if (!r)
			r = cfd_fd_open_beneath(nest->tree, nest->rest, O_PATH, &target, err);
	}
	if (r)
		return r;
	if (fstat(target, &outer) || S_ISDIR(inner.st_mode) != S_ISDIR(outer.st_mode))
		return cfd_fail(err, -ENOTDIR, "of %s in the other mount and the source one is a directory",
				nest->rest);
	if (move_mount(mount_fd, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		return cfd_fail_errno(err, -errno, "cannot attach it at %s in the other mount", nest->rest);
	return 0;
}
