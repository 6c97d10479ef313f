/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's files as its user namespace needs them. Clones are taken first, from what was checked and is held
 * open; then the process moves to the stage, where everything is put together.
 */
#include "lib/userns/idmap.h"
#include "lib/held.h"
#include "lib/userns/binds.h"
#include "lib/userns/clone.h"
#include "lib/userns/idmap_mounts.h"
#include "lib/userns/layers.h"
#include "lib/userns/lowers.h"
#include "lib/mountinfo.h"
#include "lib/userns/overlay.h"
#include "lib/spec/spec.h"
#include "lib/userns/stage.h"
#include "lib/userns/sysctls.h"

#include <errno.h>
#include <stdio.h>
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
	r = cfd_overlay_parse(rootfs->place.mount.super_options, rootfs->place.mount.point, &rootfs->overlay, err);
	if (!r)
		r = cfd_lowers_recall(&rootfs->overlay, err);
	if (!r)
		r = cfd_layers_clone(&rootfs->overlay, request->userns_fd, &rootfs->layers, err);
	return r ? cfd_wrap(err, "the overlay at %s", request->rootfs) : 0;
}

static int clone_rootfs(const struct cfd_idmap_request *request, struct rootfs *rootfs, struct cfd_error *err)
{
	const struct cfd_clone how = {.userns_fd = request->userns_fd, .recursive = true};
	bool idmapped = request->userns_fd >= 0;

	if (idmapped && cfd_mountinfo_find(request->rootfs_fd, &rootfs->place, err))
		return cfd_wrap(err, "the root filesystem %s", request->rootfs);
	if (idmapped && cfd_streq(rootfs->place.mount.type, "overlay"))
		return clone_overlay(request, rootfs, err);
	return cfd_clone_mount(request->rootfs_fd, &how, request->rootfs, &rootfs->tree, err);
}

static int stage_namespace(const struct cfd_stage *stage, const char *name, int fd, char **ret_path,
			   struct cfd_error *err)
{
	CFD_AUTO_FD int tree = -1;
	int r = cfd_clone_mount(fd, &(struct cfd_clone){.userns_fd = -1}, name, &tree, err);

	return r ? r : cfd_stage_attach(stage, name, tree, ret_path, err);
}

/* A process's number may be another's by the time the runtime joins /proc/PID/ns/net; a bind of the namespace is it. */
static int stage_namespaces(const struct cfd_idmap_request *request, const struct cfd_stage *stage,
			    struct cfd_idmap_result *result, struct cfd_error *err)
{
	const struct cfd_held *held = request->held;
	int r = 0;

	result->namespaces = calloc(held->namespace_count + 1, sizeof(*result->namespaces));
	if (!result->namespaces)
		return cfd_fail_memory(err, "the namespaces");
	for (size_t i = 0; !r && i < held->namespace_count; i++) {
		struct cfd_idmap_namespace *added = &result->namespaces[result->namespace_count];
		char name[32];

		if (held->namespaces[i] < 0)
			continue;
		snprintf(name, sizeof(name), "namespace%zu", i);
		added->index = i;
		r = stage_namespace(stage, name, held->namespaces[i], &added->path, err);
		result->namespace_count += !r;
	}
	if (!r && request->join_userns)
		r = stage_namespace(stage, "userns", request->userns_fd, &result->userns_path, err);
	return r;
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

/* What root in the container may not do itself. */
static int prepare_for_userns(const struct cfd_idmap_request *request, struct cfd_stage *stage,
			      struct cfd_idmap_result *result, struct cfd_error *err)
{
	int r = cfd_idmap_mounts_make(request, stage, result, err);

	if (!r)
		r = cfd_idmap_mounts_devices(request, stage, result, err);
	if (!r)
		r = cfd_stage_own_streams(stage, err);
	return r ? r
		 : cfd_sysctls_write(request->spec, request->held, request->profile, &request->range,
				     request->userns_fd, &result->sysctls, err);
}

static int allocate(const struct cfd_spec *spec, struct cfd_idmap_result *result, struct cfd_error *err)
{
	result->mounts = calloc(spec->mount_count + 1, sizeof(*result->mounts));
	return result->mounts ? 0 : cfd_fail_memory(err, "the mounts");
}

int cfd_idmap_prepare(const struct cfd_idmap_request *request, struct cfd_idmap_result *ret_result,
		      struct cfd_error *err)
{
	bool idmapped = request->userns_fd >= 0;
	CFD_AUTO(cfd_idmap_result_release) struct cfd_idmap_result result = {0};
	CFD_AUTO(cfd_stage_release) struct cfd_stage stage = CFD_STAGE_NONE;
	CFD_AUTO(rootfs_release) struct rootfs rootfs = ROOTFS_NONE;
	CFD_AUTO(cfd_binds_release) struct cfd_binds binds = {0};
	int r = idmapped ? check_user(request, err) : 0;

	if (!r)
		r = allocate(request->spec, &result, err);
	if (!r)
		r = clone_rootfs(request, &rootfs, err);
	if (!r)
		r = cfd_binds_clone(request, &binds, err);
	if (!r)
		r = cfd_stage_enter(request->stage_dir, &request->range, &stage, err);
	if (!r)
		r = place_rootfs(request, &rootfs, &stage, &result.rootfs, err);
	if (!r)
		r = cfd_binds_attach(request, &binds, &stage, &result, err);
	if (!r)
		r = stage_namespaces(request, &stage, &result, err);
	if (!r && idmapped)
		r = describe(&rootfs, &result.layers, err);
	if (!r && idmapped)
		r = prepare_for_userns(request, &stage, &result, err);
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
	for (size_t i = 0; i < result->namespace_count; i++)
		free(result->namespaces[i].path);
	free(result->namespaces);
	free(result->userns_path);
	free(result->rootfs);
	free(result->mounts);
	free(result->devices);
	free(result->layers);
	cfd_sysctls_release(&result->sysctls);
	*result = (struct cfd_idmap_result){0};
}

void cfd_idmap_add_mount(struct cfd_idmap_result *result, struct cfd_idmap_mount mount)
{
	result->mounts[result->mount_count++] = mount;
}
