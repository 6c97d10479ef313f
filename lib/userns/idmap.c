/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's files as its user namespace needs them. Clones are taken first, from what was checked and is held
 * open; then the process moves to the stage, where everything is put together.
 */
#include "lib/userns/idmap.h"
#include "lib/userns/clone.h"
#include "lib/userns/idmap_mounts.h"
#include "lib/userns/layers.h"
#include "lib/mountinfo.h"
#include "lib/userns/overlay.h"
#include "lib/spec/spec.h"
#include "lib/userns/stage.h"
#include "lib/userns/sysctls.h"

#include <errno.h>
#include <stdlib.h>

struct rootfs { /* before it is in the stage */
	struct cfd_mountinfo_place place;
	struct cfd_overlay overlay; /* no lowers: it is no overlay */
	struct cfd_layers layers;
	int tree; /* of a plain directory */
};

#define ROOTFS_NONE                                                                                                    \
	{                                                                                                              \
		.layers = CFD_LAYERS_NONE, .tree = -1                                                                  \
	}

static void rootfs_release(struct rootfs *rootfs)
{
	cfd_mountinfo_place_release(&rootfs->place);
	cfd_overlay_release(&rootfs->overlay);
	cfd_layers_release(&rootfs->layers);
	cfd_base_close(&rootfs->tree);
}

static int clone_overlay(const struct cfd_idmap_request *request, struct rootfs *rootfs, struct cfd_error *err)
{
	int r;

	if (!rootfs->place.is_root || !cfd_streq(rootfs->place.mount.root, "/"))
		return cfd_fail(err, -EOPNOTSUPP,
				"the root filesystem %s is a directory inside of an overlay (mounted at %s), which no "
				"kernel can "
				"idmap: put it on another filesystem, or give the runtime the overlay's own mount",
				request->rootfs, rootfs->place.mount.point);
	if (rootfs->place.child_count)
		return cfd_fail(err, -EOPNOTSUPP,
				"something is mounted inside of the root filesystem %s already, at %s: it would be "
				"missing from "
				"the overlay that is built again over idmapped layers",
				request->rootfs, rootfs->place.first_child);
	r = cfd_overlay_parse(rootfs->place.mount.super_options, &rootfs->overlay, err);
	if (!r)
		r = cfd_layers_clone(&rootfs->overlay, request->userns_fd, &rootfs->layers, err);
	return r ? cfd_wrap(err, "the overlay at %s", request->rootfs) : 0;
}

static int clone_rootfs(const struct cfd_idmap_request *request, struct rootfs *rootfs, struct cfd_error *err)
{
	int r = cfd_mountinfo_find(request->rootfs_fd, &rootfs->place, err);

	if (r)
		return cfd_wrap(err, "the root filesystem %s", request->rootfs);
	if (cfd_streq(rootfs->place.mount.type, "overlay"))
		return clone_overlay(request, rootfs, err);
	return cfd_clone_idmapped(request->rootfs_fd, true, request->userns_fd, request->rootfs, &rootfs->tree, err);
}

static int describe(const struct rootfs *rootfs, char **ret_text, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	size_t layers = rootfs->overlay.lower_count + (rootfs->overlay.upper != NULL);
	int r = layers ? cfd_buf_addf(&text, "overlay, %zu layers", layers)
		       : cfd_buf_addf(&text, "directory on %s", rootfs->place.mount.type);

	if (r)
		return cfd_fail_memory(err, "a description");
	*ret_text = cfd_take(text.data);
	return 0;
}

static int place_rootfs(const struct cfd_idmap_request *request, struct rootfs *rootfs, const struct cfd_stage *stage,
			char **ret_path, struct cfd_error *err)
{
	if (rootfs->tree >= 0)
		return cfd_stage_attach(stage, CFD_STAGE_ROOTFS, rootfs->tree, ret_path, err);
	return cfd_layers_mount(&rootfs->overlay, &rootfs->layers, stage, cfd_mountinfo_flags(&rootfs->place.mount),
				CFD_STAGE_ROOTFS, ret_path, err)
		       ? cfd_wrap(err, "the overlay at %s", request->rootfs)
		       : 0;
}

/* The runtimes refuse such a user too, with messages that name neither the number nor the limit. */
static int check_user(const struct cfd_idmap_request *request, struct cfd_error *err)
{
	const struct cfd_spec_process *process = &request->spec->process;
	uint32_t highest = process->uid > process->gid ? process->uid : process->gid;

	for (size_t i = 0; i < process->additional_gid_count; i++)
		if (process->additional_gids[i] > highest)
			highest = process->additional_gids[i];
	if (highest < request->range.size)
		return 0;
	return cfd_fail(
		err, -EINVAL,
		"process.user: %u is outside of the %u ids of the container's user namespace: use a user and groups "
		"below %u",
		highest, request->range.size, request->range.size);
}

int cfd_idmap_prepare(const struct cfd_idmap_request *request, struct cfd_idmap_result *ret_result,
		      struct cfd_error *err)
{
	CFD_AUTO(cfd_idmap_result_release) struct cfd_idmap_result result = {0};
	CFD_AUTO(cfd_stage_release) struct cfd_stage stage = CFD_STAGE_NONE;
	CFD_AUTO(rootfs_release) struct rootfs rootfs = ROOTFS_NONE;
	int r = check_user(request, err);

	if (!r)
		r = clone_rootfs(request, &rootfs, err);
	if (!r)
		r = cfd_stage_enter(request->stage_dir, &request->range, &stage, err);
	if (!r)
		r = place_rootfs(request, &rootfs, &stage, &result.rootfs, err);
	if (!r)
		r = describe(&rootfs, &result.layers, err);
	if (!r)
		r = cfd_idmap_mounts_prepare(request, &stage, &result, err);
	if (!r)
		r = cfd_idmap_mounts_devices(request, &stage, &result, err);
	if (!r)
		r = cfd_stage_own_streams(&stage, err);
	if (!r)
		r = cfd_sysctls_write(request->spec, request->profile, &request->range, request->userns_fd,
				      &result.removed_sysctls, err);
	if (r)
		return r;
	*ret_result = result;
	result = (struct cfd_idmap_result){0};
	return 0;
}

void cfd_idmap_result_release(struct cfd_idmap_result *result)
{
	for (size_t i = 0; i < result->mount_count; i++)
		free(result->mounts[i].source);
	for (size_t i = 0; i < result->device_count; i++)
		free(result->devices[i].source);
	free(result->rootfs);
	free(result->mounts);
	free(result->devices);
	free(result->layers);
	cfd_sysctls_free(result->removed_sysctls);
	*result = (struct cfd_idmap_result){0};
}
