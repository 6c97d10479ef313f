/* SPDX-License-Identifier: Apache-2.0 */
/* Files of volumes and of the engine that may be executed. */
#include "lib/policy/files.h"
#include "bpf/guard.h"
#include "lib/fd.h"
#include "lib/mountinfo.h"
#include "lib/path.h"
#include "lib/profile/profile.h"
#include "lib/spec/spec.h"
#include "lib/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#define BCACHEFS_MAGIC 0xca451a4e /* not in <linux/magic.h> yet */

/* Where podman (before and since 4.2) and Docker bind an init, and what they bind. */
static const char *const init_places[] = {"/run/podman-init", "/dev/init", "/sbin/docker-init"};
static const char *const init_names[] = {"catatonit", "docker-init", "tini", "tini-static"};

struct found {
	struct cfd_guard_file *files;
	size_t count, room;
};

/* Filesystems whose stat() gives devices of their own making for parts of one superblock. */
static bool has_many_devices(const struct statfs *fs)
{
	return fs->f_type == BTRFS_SUPER_MAGIC || fs->f_type == BCACHEFS_MAGIC;
}

static uint32_t kernel_device(unsigned major_number, unsigned minor_number)
{
	return major_number << 20 | minor_number; /* MKDEV in the kernel's linux/kdev_t.h */
}

int cfd_files_device(int fd, uint32_t *ret_device, struct cfd_error *err)
{
	CFD_AUTO(cfd_mountinfo_place_release) struct cfd_mountinfo_place place = {0};
	struct statfs fs;
	struct stat st;
	int r;

	if (fstat(fd, &st) || fstatfs(fd, &fs))
		return cfd_fail_errno(err, -errno, "cannot stat a file to be executed");
	r = cfd_mountinfo_find(fd, &place, err);
	if (!r)
		*ret_device = kernel_device(place.mount.major, place.mount.minor);
	/* A mount that is attached nowhere is not in mountinfo; st_dev is the superblock's all the same. */
	if ((r != -ENOENT && r != -EOPNOTSUPP) || has_many_devices(&fs))
		return r;
	*ret_device = kernel_device(major(st.st_dev), minor(st.st_dev));
	return 0;
}

static int add_file(int fd, const char *path, uint32_t role, struct found *found, struct cfd_error *err)
{
	struct cfd_guard_file file = {0};
	struct stat st;
	int r;

	if (fstat(fd, &st))
		return cfd_fail_errno(err, -errno, "cannot stat %s", path);
	if (!S_ISREG(st.st_mode))
		return 0;
	file.inode = st.st_ino;
	r = cfd_files_device(fd, &file.device, err);
	if (r)
		return r;
	for (size_t i = 0; i < found->count; i++)
		if (found->files[i].inode == file.inode && found->files[i].device == file.device) {
			found->files[i].roles |= role;
			return 0;
		}
	if (found->count == found->room)
		return cfd_fail(err, -E2BIG, "%s is one file more on volumes than the %zu that the guard can hold",
				path, found->room);
	file.roles = role;
	found->files[found->count++] = file;
	return 0;
}

/* The bind that the container sees at the path, and what of the path is beneath it. */
static const struct cfd_spec_mount *mount_at(const struct cfd_spec *spec, const char *path, const char **ret_rest)
{
	const struct cfd_spec_mount *last = NULL;

	for (size_t i = 0; i < spec->mount_count; i++) {
		const char *rest = cfd_path_beneath(path, spec->mounts[i].destination);

		if (rest) {
			last = &spec->mounts[i];
			*ret_rest = rest;
		}
	}
	return last && last->source && cfd_spec_mount_is_bind(last) ? last : NULL;
}

/* No more than what the runtime does: the source is followed, the rest stays inside of it. */
static int add_listed(const struct cfd_spec *spec, const char *path, struct found *found, struct cfd_error *err)
{
	CFD_AUTO_FD int source = -1, fd = -1;
	const char *rest = "";
	const struct cfd_spec_mount *mount = mount_at(spec, path, &rest);
	int r;

	if (!mount)
		return 0;
	source = open(mount->source, O_PATH | O_CLOEXEC);
	if (source < 0)
		return cfd_fail_errno(err, -errno, "cannot open %s, from where %s comes", mount->source, path);
	rest += strspn(rest, "/");
	if (!*rest)
		return add_file(source, path, CFD_GUARD_LISTED, found, err);
	r = cfd_fd_open_in_root(source, rest, O_PATH, &fd, err);
	if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)
		return 0;
	return r ? r : add_file(fd, path, CFD_GUARD_LISTED, found, err);
}

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (cfd_streq(word, words[i]))
			return true;
	return false;
}

static bool is_trusted(int fd, const char *source)
{
	char directory[CFD_PATH_MAX];
	CFD_AUTO_FD int parent = -1;
	struct cfd_error ignored;

	snprintf(directory, sizeof(directory), "%.*s", (int)(cfd_path_base(source) - source), source);
	parent = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return parent >= 0 && !cfd_trust_check(fd, source, &ignored) &&
	       !cfd_trust_check_chain(parent, directory, &ignored);
}

/* What is not an engine's init is left for the image's rule to refuse. */
static int add_init(const struct cfd_spec_mount *mount, struct found *found, struct cfd_error *err)
{
	CFD_AUTO_FD int fd = -1;

	if (!is_one_of(mount->destination, init_places, CFD_COUNT(init_places)) || !cfd_spec_mount_is_bind(mount) ||
	    !mount->source || !is_one_of(cfd_path_base(mount->source), init_names, CFD_COUNT(init_names)))
		return 0;
	fd = open(mount->source, O_PATH | O_CLOEXEC);
	if (fd < 0 || !is_trusted(fd, mount->source))
		return 0;
	return add_file(fd, mount->destination, CFD_GUARD_INIT, found, err);
}

int cfd_files_find(const struct cfd_profile *profile, const struct cfd_spec *spec, struct cfd_guard_file *ret_files,
		   size_t room, size_t *ret_count, struct cfd_error *err)
{
	struct found found = {.files = ret_files, .room = room};
	int r = 0;

	for (size_t i = 0; !r && spec && i < spec->mount_count; i++)
		r = add_init(&spec->mounts[i], &found, err);
	for (size_t i = 0; !r && spec && profile->exec_allow && profile->exec_allow[i]; i++)
		r = add_listed(spec, profile->exec_allow[i], &found, err);
	if (r)
		return cfd_wrap(err, "exec.allow");
	*ret_count = found.count;
	return 0;
}
