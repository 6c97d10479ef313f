/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of the entries of `mounts` that are no binds, and of `linux.devices`:
 *
 *   sysfs, mqueue, proc of a namespace that is joined        made beforehand, inside of that namespace
 *   other filesystems (tmpfs, devpts, cgroup, own namespaces)  left to the runtime, which may mount them
 *   devices                                                  a node of ours
 */
#include "lib/userns/idmap_mounts.h"
#include "lib/userns/idmap.h"
#include "lib/userns/joined.h"
#include "lib/spec/spec.h"
#include "lib/userns/stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

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
	int r = cfd_joined_open(request->spec, request->held, kind, request->userns_fd, &joined, err);

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
		cfd_idmap_add_mount(result,
				    (struct cfd_idmap_mount){.index = index, .source = source, .clear_type = true});
	return r;
}

int cfd_idmap_mounts_make(const struct cfd_idmap_request *request, const struct cfd_stage *stage,
			  struct cfd_idmap_result *result, struct cfd_error *err)
{
	const struct cfd_spec *spec = request->spec;

	for (size_t i = 0; i < spec->mount_count; i++) {
		enum cfd_joined_kind kind;
		int r = 0;

		if (!cfd_spec_mount_is_bind(&spec->mounts[i]) &&
		    cfd_joined_kind_of_filesystem(spec->mounts[i].type, &kind))
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
