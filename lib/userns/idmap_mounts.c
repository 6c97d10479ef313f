/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of each entry of `mounts` and `linux.devices`.
 *
 *   bind of a named volume, or one that the profile idmaps   an idmapped clone, or an error
 *   bind of an engine's own file (resolv.conf, shm)          an idmapped clone; where the filesystem cannot (tmpfs
 *                                                            before 6.3), as it is if others may use it, else an error
 *   any other bind                                           left alone: root in the container is nobody on the host's
 *                                                            files; an idmapped clone would give it root's rights there
 *   sysfs, mqueue, proc of a namespace that is joined        made beforehand, inside of that namespace
 *   everything else (tmpfs, devpts, cgroup, own namespaces)  left to the runtime, which may mount it
 *   devices                                                  a node of ours
 */
#include "lib/userns/idmap_mounts.h"
#include "lib/userns/clone.h"
#include "lib/fd.h"
#include "lib/userns/idmap.h"
#include "lib/image/image.h"
#include "lib/userns/joined.h"
#include "lib/path.h"
#include "lib/profile/profile.h"
#include "lib/spec/spec.h"
#include "lib/userns/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum owner { OWNER_HOST, OWNER_ENGINE, OWNER_CONTAINER };

/* Nobody keeps files of containers in "/" itself: that would be every file of the host. */
static bool is_beneath(const char *path, const char *directory)
{
	return !cfd_streq(directory, "/") && cfd_path_beneath(path, directory);
}

/* The place may be spelt by way of symlinks; `path` is what the kernel says. One that is missing has no files. */
static int is_beneath_real(const char *path, const char *place, int flags, bool *ret_beneath, struct cfd_error *err)
{
	CFD_AUTO_FREE char *real = NULL;
	CFD_AUTO_FD int fd = open(place, O_PATH | O_CLOEXEC | flags);
	int r = fd < 0 ? 0 : cfd_fd_path(fd, &real, err);

	if (!r)
		*ret_beneath = real && is_beneath(path, real);
	return r;
}

static int is_beneath_any(const char *path, char *const *directories, bool *ret_beneath, struct cfd_error *err)
{
	bool beneath = false;
	int r = 0;

	for (; !r && !beneath && *directories; directories++)
		r = is_beneath_real(path, *directories, O_DIRECTORY, &beneath, err);
	if (!r)
		*ret_beneath = beneath;
	return r;
}

/* By an entry that has `idmap` and allows the mount as it is: one that allows it without is no reason to idmap it. */
static int profile_idmaps(const struct cfd_profile *profile, const char *path, const struct cfd_spec_mount *mount,
			  bool *ret_idmaps, struct cfd_error *err)
{
	bool read_only = cfd_spec_mount_has_option(mount, "ro") || cfd_spec_mount_has_option(mount, "rro");
	char destination[CFD_PATH_MAX];
	bool found = false;
	int r = 0;

	if (cfd_path_clean(mount->destination, destination))
		destination[0] = '\0';
	for (size_t i = 0; !r && !found && profile && i < profile->mount_count; i++) {
		const struct cfd_profile_mount *allow = &profile->mounts[i];

		if (allow->idmap && cfd_profile_mount_covers(allow, destination, read_only))
			r = is_beneath_real(path, allow->source, 0, &found, err);
	}
	if (!r)
		*ret_idmaps = found;
	return r;
}

static int find_owner(const struct cfd_idmap_request *request, const struct cfd_spec_mount *mount, const char *path,
		      enum owner *ret_owner, struct cfd_error *err)
{
	bool volume = false, engine = false;
	int r = profile_idmaps(request->profile, path, mount, &volume, err);

	if (!r && !volume && request->image)
		r = is_beneath_any(path, request->image->volume_dirs, &volume, err);
	if (!r && !volume && request->image)
		r = is_beneath_any(path, request->image->engine_dirs, &engine, err);
	if (!r)
		*ret_owner = volume ? OWNER_CONTAINER : engine ? OWNER_ENGINE : OWNER_HOST;
	return r;
}

/* An engine's file that cannot be idmapped is good enough when all may do with it what its mount is there for. */
static bool others_may_use(int fd, const struct cfd_spec_mount *mount)
{
	struct stat st;
	mode_t needed;

	if (fstat(fd, &st))
		return false;
	needed = !S_ISDIR(st.st_mode) ? 0004 : cfd_spec_mount_has_option(mount, "ro") ? 0005 : 0007;
	return (st.st_mode & needed) == needed;
}

static void add_mount(struct cfd_idmap_result *result, size_t index, char *source, bool clear_type)
{
	result->mounts[result->mount_count++] =
		(struct cfd_idmap_mount){.index = index, .source = source, .clear_type = clear_type};
}

static int replace_bind(const struct cfd_idmap_request *request, const struct cfd_stage *stage, size_t index, int fd,
			const char *path, enum owner owner, struct cfd_idmap_result *result, struct cfd_error *err)
{
	const struct cfd_spec_mount *mount = &request->spec->mounts[index];
	struct cfd_error refused = {0};
	CFD_AUTO_FD int tree = -1;
	char name[32], *source;
	int r = cfd_clone_idmapped(fd, cfd_spec_mount_has_option(mount, "rbind"), request->userns_fd, path, &tree,
				   &refused);

	if (r == -EOPNOTSUPP && owner == OWNER_ENGINE && others_may_use(fd, mount))
		return 0;
	if (r) {
		*err = refused;
		return r;
	}
	snprintf(name, sizeof(name), "mount%zu", index);
	r = cfd_stage_attach(stage, name, tree, &source, err);
	if (!r)
		add_mount(result, index, source, false);
	return r;
}

static int prepare_bind(const struct cfd_idmap_request *request, const struct cfd_stage *stage, size_t index,
			struct cfd_idmap_result *result, struct cfd_error *err)
{
	const struct cfd_spec_mount *mount = &request->spec->mounts[index];
	CFD_AUTO_FREE char *path = NULL;
	CFD_AUTO_FD int bundle = -1, fd = -1;
	enum owner owner;
	int r;

	if (!mount->source)
		return cfd_fail(err, -EINVAL, "a bind mount without a source");
	if (mount->has_id_mappings || cfd_spec_mount_has_option(mount, "idmap") ||
	    cfd_spec_mount_has_option(mount, "ridmap"))
		return cfd_fail(
			err, -EINVAL,
			"it asks for id mappings of its own, which cannot fit a user namespace that it does not know; "
			"let a profile's mounts.allow idmap it instead");
	r = cfd_fd_open_dir(AT_FDCWD, request->bundle, true, &bundle, err);
	if (r)
		return r;
	fd = openat(bundle, mount->source, O_PATH | O_CLOEXEC); /* the bundle counts for relative ones only */
	if (fd < 0 && errno == ENOENT)
		return 0; /* the runtime says so, or makes it */
	if (fd < 0)
		return cfd_fail_errno(err, -errno, "cannot open %s", mount->source);
	r = cfd_fd_path(fd, &path, err);
	if (!r)
		r = find_owner(request, mount, path, &owner, err);
	if (r || owner == OWNER_HOST)
		return r;
	return replace_bind(request, stage, index, fd, path, owner, result, err);
}

// clang-format off
static const struct {
	const char *name;
	uint64_t attribute;
} made_options[] = { /* what a filesystem that is made beforehand may be asked for */
	{ "ro",          MOUNT_ATTR_RDONLY },
	{ "nosuid",      MOUNT_ATTR_NOSUID },
	{ "nodev",       MOUNT_ATTR_NODEV },
	{ "noexec",      MOUNT_ATTR_NOEXEC },
	{ "nodiratime",  MOUNT_ATTR_NODIRATIME },
	{ "noatime",     MOUNT_ATTR_NOATIME },
	{ "strictatime", MOUNT_ATTR_STRICTATIME },
	{ "relatime",    0 },
	{ "rw",          0 },
	{ "private",     0 }, /* the runtime's default: these three are said of the bind that it makes */
	{ "rprivate",    0 },
	{ "rslave",      0 },
};
// clang-format on

static int read_attributes(const struct cfd_spec_mount *mount, uint64_t *ret_attributes, struct cfd_error *err)
{
	uint64_t attributes = 0;

	for (size_t i = 0; i < mount->options.count; i++) {
		size_t row = 0;

		while (row < CFD_COUNT(made_options) && !cfd_streq(made_options[row].name, mount->options.values[i]))
			row++;
		if (row == CFD_COUNT(made_options))
			return cfd_fail(err, -EINVAL,
					"the option `%.64s` cannot be given to %s of a namespace that is joined",
					mount->options.values[i], mount->type);
		attributes |= made_options[row].attribute;
	}
	*ret_attributes = attributes;
	return 0;
}

struct made { /* a filesystem of a namespace */
	const struct cfd_stage *stage;
	const char *type, *name;
	uint64_t attributes;
};

/* Runs inside of the namespace. The flags are the mount's alone: the filesystem may be shared with other mounts. */
static int make_filesystem(void *data, struct cfd_error *err)
{
	const struct made *made = data;
	CFD_AUTO_FD int context = fsopen(made->type, FSOPEN_CLOEXEC), tree = -1;

	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return cfd_fail_errno(err, -errno, "cannot make %s inside of the namespace that the container joins",
				      made->type);
	tree = fsmount(context, FSMOUNT_CLOEXEC, (unsigned)made->attributes);
	if (tree < 0)
		return cfd_fail_errno(err, -errno, "cannot mount %s inside of the namespace that the container joins",
				      made->type);
	return cfd_stage_attach(made->stage, made->name, tree, NULL, err);
}

static int prepare_made(const struct cfd_idmap_request *request, const struct cfd_stage *stage, size_t index,
			enum cfd_joined_kind kind, struct cfd_idmap_result *result, struct cfd_error *err)
{
	const struct cfd_spec_mount *mount = &request->spec->mounts[index];
	CFD_AUTO(cfd_joined_release) struct cfd_joined joined = CFD_JOINED_NONE;
	struct made made = {.stage = stage, .type = mount->type};
	char name[32], *source;
	int r = cfd_joined_open(request->spec, kind, request->userns_fd, &joined, err);

	if (r || joined.fd < 0)
		return r;
	snprintf(name, sizeof(name), "mount%zu", index);
	made.name = name;
	r = read_attributes(mount, &made.attributes, err);
	if (!r)
		r = cfd_joined_run(&joined, make_filesystem, &made, err);
	if (!r)
		r = cfd_stage_path(stage, name, &source, err);
	if (!r)
		add_mount(result, index, source, true);
	return r;
}

int cfd_idmap_mounts_prepare(const struct cfd_idmap_request *request, const struct cfd_stage *stage,
			     struct cfd_idmap_result *result, struct cfd_error *err)
{
	const struct cfd_spec *spec = request->spec;

	result->mounts = calloc(spec->mount_count + 1, sizeof(*result->mounts));
	if (!result->mounts)
		return cfd_fail_memory(err, "the mounts");
	for (size_t i = 0; i < spec->mount_count; i++) {
		enum cfd_joined_kind kind;
		int r = 0;

		if (cfd_spec_mount_is_bind(&spec->mounts[i]))
			r = prepare_bind(request, stage, i, result, err);
		else if (cfd_joined_kind_of_filesystem(spec->mounts[i].type, &kind))
			r = prepare_made(request, stage, i, kind, result, err);
		if (r)
			return cfd_wrap(err, "mounts[%zu] (%s)", i, spec->mounts[i].destination);
	}
	return 0;
}

static int device_mode(const struct cfd_spec_device *device, mode_t *ret_mode, struct cfd_error *err)
{
	static const struct {
		const char *type;
		mode_t mode;
	} types[] = {{"c", S_IFCHR}, {"u", S_IFCHR}, {"b", S_IFBLK}, {"p", S_IFIFO}};

	for (size_t i = 0; i < CFD_COUNT(types); i++) {
		if (!cfd_streq(types[i].type, device->type))
			continue;
		/* podman gives all of st_mode: the type may be in there too, but no other one. */
		if (device->file_mode > 07777 && (device->file_mode & ~07777) != types[i].mode)
			return cfd_fail(err, -EINVAL, "the file mode 0%llo is not that of such a device",
					(unsigned long long)device->file_mode);
		*ret_mode = types[i].mode | (device->file_mode < 0 ? 0666 : (mode_t)device->file_mode & 07777);
		return 0;
	}
	return cfd_fail(err, -EINVAL, "the type `%.16s` is not one of c, u, b, p", device->type ? device->type : "");
}

static int prepare_device(const struct cfd_idmap_request *request, struct cfd_stage *stage, size_t index,
			  char **ret_path, struct cfd_error *err)
{
	const struct cfd_spec_device *device = &request->spec->devices[index];
	dev_t number = 0;
	char name[32];
	mode_t mode = 0;
	int r = device_mode(device, &mode, err);

	if (r)
		return r;
	if (!S_ISFIFO(mode)) {
		/* 12 and 20 bits: larger numbers would come out as another device (MKDEV, include/linux/kdev_t.h). */
		if (device->major < 0 || device->major > 0xfff || device->minor < 0 || device->minor > 0xfffff)
			return cfd_fail(err, -EINVAL, "%lld:%lld is no device number", (long long)device->major,
					(long long)device->minor);
		number = makedev((unsigned)device->major, (unsigned)device->minor);
	}
	snprintf(name, sizeof(name), "device%zu", index);
	return cfd_stage_node(stage, name, mode, number, device->uid < 0 ? 0 : (uint32_t)device->uid,
			      device->gid < 0 ? 0 : (uint32_t)device->gid, ret_path, err);
}

int cfd_idmap_mounts_devices(const struct cfd_idmap_request *request, struct cfd_stage *stage,
			     struct cfd_idmap_result *result, struct cfd_error *err)
{
	const struct cfd_spec *spec = request->spec;

	result->devices = calloc(spec->device_count + 1, sizeof(*result->devices));
	if (!result->devices)
		return cfd_fail_memory(err, "the devices");
	for (size_t i = 0; i < spec->device_count; i++) {
		char *source;
		int r = prepare_device(request, stage, i, &source, err);

		if (r)
			return cfd_wrap(err, "linux.devices[%zu] (%s)", i, spec->devices[i].path);
		result->devices[result->device_count++] = (struct cfd_idmap_device){.index = i, .source = source};
	}
	return 0;
}
