/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An overlay over idmapped layers.
 *
 * The kernel takes no idmapped overlay, but since 5.19 an overlay over idmapped layers. Three things decide it:
 *
 * - Layers are named by short relative paths (`lowerdir=0:1:2` from inside of the directory where the clones are
 *   attached), as mount(2) takes one page of options; fsconfig(2) takes 256 bytes, and descriptors only from 6.13.
 * - The overlay does its own work with the credentials of whoever mounts it. With fsuid 0, which the idmapped upper
 * layer has no number for, it cannot make `work/work` (EOVERFLOW), and the mount SUCCEEDS, read-only. So the mount is
 * made with fsuid and fsgid set to the base of the range, and with SECBIT_NO_SETUID_FIXUP, without which leaving fsuid
 * 0 would take the capabilities away that the same credentials need later for trusted.* attributes.
 * - The clones are needed only until the overlay has made its own of them, and go with the tmpfs they are attached on.
 */
#include "lib/userns/layers.h"
#include "lib/userns/clone.h"
#include "lib/fd.h"
#include "lib/userns/mounter.h"
#include "lib/userns/overlay.h"
#include "lib/userns/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#define LAYERS "layers"
#define OPTIONS_MAX 4095 /* mount(2) copies one page, the last byte of which is a NUL */

void cfd_layers_release(struct cfd_layers *layers)
{
	for (size_t i = 0; i < layers->lower_count; i++)
		cfd_base_close(&layers->lowers[i]);
	free(layers->lowers);
	cfd_base_close(&layers->upper_parent);
	*layers = (struct cfd_layers)CFD_LAYERS_NONE;
}

static int clone_lower(int base, const struct cfd_overlay *overlay, size_t index, int userns_fd, int *ret_fd,
		       struct cfd_error *err)
{
	const char *path = overlay->lowers[index];
	bool relative = path[0] != '/';
	char name[2 * PATH_MAX];
	/* podman's are symlinks: l/XXXX -> ../ID/diff */
	CFD_AUTO_FD int fd = openat(base, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	snprintf(name, sizeof(name), "%s%s%s", relative ? overlay->base : "", relative ? "/" : "", path);
	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open the lower layer %s", name);
	return cfd_clone_mount(fd, &(struct cfd_clone){.userns_fd = userns_fd}, name, ret_fd, err);
}

/* With these, which say that the last mount was volatile, the kernel would refuse the workdir (overlayfs.rst, "Volatile
 * mount"). */
static int forget_volatile(int work, struct cfd_error *err)
{
	static const struct {
		const char *path;
		int flags;
	} marks[] = {
		{"work/incompat/volatile/dirty", 0},
		{"work/incompat/volatile", AT_REMOVEDIR},
		{"work/incompat", AT_REMOVEDIR},
	};

	for (size_t i = 0; i < CFD_COUNT(marks); i++)
		if (unlinkat(work, marks[i].path, marks[i].flags) && errno != ENOENT)
			return cfd_fail_errno(err, -errno, "cannot remove " CFD_LAYERS_WORK "/%s", marks[i].path);
	return 0;
}

static int prepare_upper(const struct cfd_overlay *overlay, int userns_fd, struct cfd_layers *layers,
			 struct cfd_error *err)
{
	CFD_AUTO_FD int parent = -1, work = -1;
	int r = cfd_fd_open_dir(AT_FDCWD, overlay->upper_parent, false, &parent, err);

	if (!r)
		r = cfd_fd_make_dir(parent, CFD_LAYERS_WORK, 0700, &work, err);
	if (!r)
		r = forget_volatile(work, err);
	if (r)
		return cfd_wrap(err, "making a workdir in %s", overlay->upper_parent);
	return cfd_clone_mount(parent, &(struct cfd_clone){.userns_fd = userns_fd}, overlay->upper_parent,
			       &layers->upper_parent, err);
}

int cfd_layers_clone(const struct cfd_overlay *overlay, int userns_fd, struct cfd_layers *ret_layers,
		     struct cfd_error *err)
{
	CFD_AUTO(cfd_layers_release) struct cfd_layers layers = CFD_LAYERS_NONE;
	CFD_AUTO_FD int base = -1;
	int r = 0;

	layers.lowers = calloc(overlay->lower_count, sizeof(*layers.lowers));
	if (!layers.lowers)
		return cfd_fail_memory(err, "the layers of an overlay");
	if (overlay->base)
		r = cfd_fd_open_dir(AT_FDCWD, overlay->base, true, &base, err);
	for (size_t i = 0; !r && i < overlay->lower_count; i++) {
		r = clone_lower(base, overlay, i, userns_fd, &layers.lowers[i], err);
		if (!r)
			layers.lower_count++;
	}
	if (!r && overlay->upper)
		r = prepare_upper(overlay, userns_fd, &layers, err);
	if (r)
		return r;
	*ret_layers = layers;
	layers = (struct cfd_layers)CFD_LAYERS_NONE;
	return 0;
}

int cfd_layers_fail(int code, struct cfd_error *err)
{
	struct utsname kernel = {0};

	uname(&kernel);
	if (code == -EINVAL && !cfd_clone_kernel_is(5, 19))
		return cfd_fail(err, -EOPNOTSUPP,
				"an overlay over idmapped layers needs Linux 5.19 (this is %s): boot a newer kernel",
				kernel.release);
	return cfd_fail_errno(err, code,
			      "cannot mount the overlay over idmapped layers; the kernel's log (dmesg) says why");
}

/* The working directory is where the layers are, so the options can be short. */
static int mount_as(uint32_t base, const char *target, unsigned long flags, const char *options, struct cfd_error *err)
{
	struct cfd_mounter mounter = CFD_MOUNTER_NONE;
	struct cfd_error stuck = {0};
	int r = cfd_mounter_become(&mounter, base, true, err);

	if (!r && mount("overlay", target, "overlay", flags, options))
		r = cfd_layers_fail(-errno, err);
	if (cfd_mounter_restore(&mounter, &stuck)) {
		*err = stuck;
		r = stuck.code;
	}
	return r;
}

static int write_options(const struct cfd_overlay *overlay, struct cfd_buf *options, struct cfd_error *err)
{
	int r = cfd_buf_add_string(options, "lowerdir=");

	for (size_t i = 0; !r && i < overlay->lower_count; i++)
		r = cfd_buf_addf(options, "%s%zu", i ? ":" : "", i);
	if (!r && overlay->upper)
		r = cfd_buf_addf(options, ",upperdir=u/%s,workdir=u/" CFD_LAYERS_WORK, overlay->upper_name);
	if (!r)
		r = cfd_buf_add_string(options, overlay->options);
	if (r)
		return cfd_fail_memory(err, "the options of an overlay");
	if (options->length > OPTIONS_MAX)
		return cfd_fail(err, -E2BIG, "the options of the overlay take %zu bytes; the kernel takes %d",
				options->length, OPTIONS_MAX);
	return 0;
}

static int attach_at(int dirfd, const char *name, int mount_fd, struct cfd_error *err)
{
	if (mkdirat(dirfd, name, 0700) || move_mount(mount_fd, "", dirfd, name, MOVE_MOUNT_F_EMPTY_PATH))
		return cfd_fail_errno(err, -errno, "cannot attach layer %s of the overlay in the stage", name);
	return 0;
}

static int attach_layers(const struct cfd_layers *layers, int dirfd, struct cfd_error *err)
{
	char name[24];

	for (size_t i = 0; i < layers->lower_count; i++) {
		int r;

		snprintf(name, sizeof(name), "%zu", i);
		r = attach_at(dirfd, name, layers->lowers[i], err);
		if (r)
			return r;
	}
	return layers->upper_parent < 0 ? 0 : attach_at(dirfd, "u", layers->upper_parent, err);
}

/* The kernel reports what went wrong with an upper layer only here (and in its log). */
static int check_writable(const char *path, unsigned long flags, struct cfd_error *err)
{
	struct statvfs st;

	if (statvfs(path, &st))
		return cfd_fail_errno(err, -errno, "cannot examine the new overlay at %s", path);
	if ((st.f_flag & ST_RDONLY) && !(flags & MS_RDONLY))
		return cfd_fail(
			err, -EROFS,
			"the overlay over idmapped layers came up read-only; the kernel's log (dmesg) says why");
	return 0;
}

static int mount_from(int layers_fd, const char *target, uint32_t base, unsigned long flags, const char *options,
		      struct cfd_error *err)
{
	CFD_AUTO_FD int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (cwd < 0 || fchdir(layers_fd))
		return cfd_fail_errno(err, -errno, "cannot change to the layers' directory");
	r = mount_as(base, target, flags, options, err);
	if (fchdir(cwd) && !r)
		r = cfd_fail_errno(err, -errno, "cannot change back to the working directory");
	return r;
}

/* A tmpfs of its own below the stage, so that one call unmounts all layers. */
static int open_layers_dir(const struct cfd_stage *stage, const char *path, int *ret_fd, struct cfd_error *err)
{
	if (mkdirat(stage->fd, LAYERS, 0700) ||
	    mount("cofferdam", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700,size=1m,nr_inodes=1k"))
		return cfd_fail_errno(err, -errno, "cannot mount a tmpfs at %s", path);
	return cfd_fd_open_dir(AT_FDCWD, path, false, ret_fd, err);
}

int cfd_layers_mount(const struct cfd_overlay *overlay, struct cfd_layers *layers, const struct cfd_stage *stage,
		     unsigned long flags, const char *name, char **ret_path, struct cfd_error *err)
{
	CFD_AUTO_FREE char *target = NULL, *directory = NULL;
	CFD_AUTO_BUF struct cfd_buf options = {0};
	CFD_AUTO_FD int layers_fd = -1;
	int r;

	r = cfd_stage_path(stage, name, &target, err);
	if (!r)
		r = cfd_stage_path(stage, LAYERS, &directory, err);
	if (!r)
		r = write_options(overlay, &options, err);
	if (!r)
		r = open_layers_dir(stage, directory, &layers_fd, err);
	if (!r)
		r = attach_layers(layers, layers_fd, err);
	if (!r && mkdirat(stage->fd, name, 0711))
		r = cfd_fail_errno(err, -errno, "cannot make the directory %s", target);
	if (!r)
		r = mount_from(layers_fd, target, stage->range.base, flags, options.data, err);
	if (!r && overlay->upper)
		r = check_writable(target, flags, err);
	if (!r && umount2(directory, MNT_DETACH))
		r = cfd_fail_errno(err, -errno, "cannot unmount the layers' directory %s", directory);
	if (r)
		return r;
	cfd_layers_release(layers);
	*ret_path = cfd_take(target);
	return 0;
}
