/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of each bind mount: a clone of what the rules have judged, which was held open since then.
 *
 *   a named volume, or one that the profile idmaps   idmapped, or an error
 *   an engine's own file (resolv.conf, shm)          idmapped; where the filesystem cannot (tmpfs before 6.3), as it is
 *                                                    if others may use it, else an error
 *   any other                                        as it is: root in the container is nobody on the host's files; an
 *                                                    idmapped clone would give it root's rights there
 *   any, without a user namespace of ours            as it is
 *
 * One that has its place in the source of an earlier one is attached there beforehand: see nest.h.
 */
#include "lib/userns/binds.h"
#include "lib/fd.h"
#include "lib/held.h"
#include "lib/image/image.h"
#include "lib/path.h"
#include "lib/profile/profile.h"
#include "lib/rules/named.h"
#include "lib/spec/spec.h"
#include "lib/userns/clone.h"
#include "lib/userns/idmap.h"
#include "lib/userns/nest.h"
#include "lib/userns/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

enum owner { OWNER_HOST, OWNER_ENGINE, OWNER_CONTAINER };

/* Nobody keeps files of containers in "/" itself: that would be every file of the host. */
static bool is_beneath(const char *path, const char *directory)
{
	return !cfd_streq(directory, "/") && cfd_path_beneath(path, directory);
}

/* Any other failure would be a volume that silently keeps the host's ids. */
static bool is_missing(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP;
}

/* The place may be spelt by way of symlinks; `path` is what the kernel says. One that is missing has no files. */
static int is_beneath_real(const char *path, const char *place, int flags, bool *ret_beneath, struct cfd_error *err)
{
	CFD_AUTO_FREE char *real = NULL;
	CFD_AUTO_FD int fd = open(place, O_PATH | O_CLOEXEC | flags);
	int r = fd < 0 ? 0 : cfd_fd_path(fd, &real, err);

	if (fd < 0 && !is_missing(-errno))
		return cfd_fail_errno(err, -errno, "cannot open %s, to learn whose files lie there", place);
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

/* The same for what a profile names: not by a link that others can have put there, see lib/rules/named.h. */
static int is_beneath_named(const char *path, const char *place, bool *ret_beneath, struct cfd_error *err)
{
	CFD_AUTO_FREE char *real = NULL;
	CFD_AUTO_FD int fd = -1;
	char planted[CFD_PATH_MAX];
	int r = cfd_named_open(place, &fd, planted, err);

	if (!r && !planted[0])
		r = cfd_fd_path(fd, &real, err);
	if (r && !is_missing(r))
		return cfd_wrap(err, "whose files lie in it, as the profile idmaps it");
	*ret_beneath = real && is_beneath(path, real);
	return 0;
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
			r = is_beneath_named(path, allow->source, &found, err);
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

void cfd_binds_release(struct cfd_binds *binds)
{
	for (size_t i = 0; i < binds->count; i++)
		cfd_base_close(&binds->list[i].tree);
	free(binds->list);
	*binds = (struct cfd_binds){0};
}

static struct cfd_clone plain_clone(const struct cfd_spec_mount *mount, bool may_share)
{
	return (struct cfd_clone){
		.userns_fd = -1,
		.recursive = cfd_spec_mount_has_option(mount, "rbind"),
		.read_only = cfd_spec_mount_has_option(mount, "ro") || cfd_spec_mount_has_option(mount, "rro"),
		.peers = may_share &&
			 (cfd_spec_mount_has_option(mount, "shared") || cfd_spec_mount_has_option(mount, "rshared")),
	};
}

static bool has_mappings(const struct cfd_spec_mount *mount)
{
	return mount->has_id_mappings || cfd_spec_mount_has_option(mount, "idmap") ||
	       cfd_spec_mount_has_option(mount, "ridmap");
}

static int check_no_mappings(const struct cfd_spec_mount *mount, struct cfd_error *err)
{
	if (!has_mappings(mount))
		return 0;
	return cfd_fail(err, -EINVAL,
			"it asks for id mappings of its own, which cannot fit a user namespace that it does not know; "
			"let a profile's mounts.allow idmap it instead");
}

// clang-format off
/* What the runtime would do to a mount, done beforehand to one inside of another. `r...`: these go down in any case. */
static const struct {
	const char *name;
	uint64_t flag;
} nested_options[] = {
	{ "nosuid",      MOUNT_ATTR_NOSUID },      { "rnosuid",      MOUNT_ATTR_NOSUID },
	{ "nodev",       MOUNT_ATTR_NODEV },       { "rnodev",       MOUNT_ATTR_NODEV },
	{ "noexec",      MOUNT_ATTR_NOEXEC },      { "rnoexec",      MOUNT_ATTR_NOEXEC },
	{ "noatime",     MOUNT_ATTR_NOATIME },     { "rnoatime",     MOUNT_ATTR_NOATIME },
	{ "strictatime", MOUNT_ATTR_STRICTATIME }, { "rstrictatime", MOUNT_ATTR_STRICTATIME },
	{ "nodiratime",  MOUNT_ATTR_NODIRATIME },  { "rnodiratime",  MOUNT_ATTR_NODIRATIME },
	{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW }, { "rnosymfollow", MOUNT_ATTR_NOSYMFOLLOW },
};

/* What would get lost, as the runtime says it of the outer mount and all inside. */
static const char *const unnested_options[] = { "slave", "rslave", "shared", "rshared", "unbindable", "runbindable" };
// clang-format on

static int read_nested_options(const struct cfd_spec_mount *mount, uint64_t *ret_flags, struct cfd_error *err)
{
	for (size_t i = 0; i < CFD_COUNT(unnested_options); i++)
		if (cfd_spec_mount_has_option(mount, unnested_options[i]))
			return cfd_fail(err, -EOPNOTSUPP,
					"the option %s cannot be given to a mount inside of another one's source",
					unnested_options[i]);
	if (has_mappings(mount))
		return cfd_fail(err, -EOPNOTSUPP,
				"id mappings cannot be given to a mount inside of another one's source");
	for (size_t i = 0; i < CFD_COUNT(nested_options); i++)
		if (cfd_spec_mount_has_option(mount, nested_options[i].name))
			*ret_flags |= nested_options[i].flag;
	return 0;
}

static int clone_for_userns(const struct cfd_idmap_request *request, const struct cfd_spec_mount *mount, int fd,
			    struct cfd_clone *how, int *ret_tree, struct cfd_error *err)
{
	CFD_AUTO_FREE char *path = NULL;
	struct cfd_error refused = {0};
	enum owner owner;
	int r = check_no_mappings(mount, err);

	if (!r)
		r = cfd_fd_path(fd, &path, err);
	if (!r)
		r = find_owner(request, mount, path, &owner, err);
	if (r)
		return r;
	if (owner == OWNER_HOST)
		return cfd_clone_mount(fd, how, path, ret_tree, err);
	how->userns_fd = request->userns_fd;
	r = cfd_clone_mount(fd, how, path, ret_tree, &refused);
	if (r == -EOPNOTSUPP && owner == OWNER_ENGINE && others_may_use(fd, mount)) {
		how->userns_fd = -1;
		return cfd_clone_mount(fd, how, path, ret_tree, err);
	}
	if (r)
		*err = refused;
	return r;
}

/* The bind in whose source this one has its place, as far as the two are one tree; `index` itself: none. */
static size_t outer_bind(const struct cfd_idmap_request *request, const struct cfd_binds *binds, size_t index)
{
	size_t outer = cfd_held_cover(request->held, index);

	return outer != index && binds->list[outer].tree >= 0 && !binds->list[outer].peers ? outer : index;
}

static int clone_bind(const struct cfd_idmap_request *request, struct cfd_binds *binds, size_t index,
		      struct cfd_error *err)
{
	const struct cfd_spec_mount *mount = &request->spec->mounts[index];
	struct cfd_bind *bind = &binds->list[index];
	bool for_userns = request->userns_fd >= 0;
	int fd = request->held->sources[index];
	struct cfd_clone how = plain_clone(mount, !for_userns);
	int r = outer_bind(request, binds, index) == index ? 0 : read_nested_options(mount, &how.flags, err);

	if (r)
		return r;
	r = for_userns ? clone_for_userns(request, mount, fd, &how, &bind->tree, err)
		       : cfd_clone_mount(fd, &how, mount->source, &bind->tree, err);
	bind->idmapped = how.userns_fd >= 0;
	bind->peers = how.peers;
	return r;
}

int cfd_binds_clone(const struct cfd_idmap_request *request, struct cfd_binds *ret_binds, struct cfd_error *err)
{
	CFD_AUTO(cfd_binds_release) struct cfd_binds binds = {0};
	size_t count = request->spec->mount_count;

	binds.list = calloc(count + 1, sizeof(*binds.list));
	if (!binds.list)
		return cfd_fail_memory(err, "the bind mounts");
	for (; binds.count < count; binds.count++)
		binds.list[binds.count].tree = -1;
	for (size_t i = 0; i < count; i++) {
		if (!cfd_spec_mount_is_bind(&request->spec->mounts[i]))
			continue;
		if (clone_bind(request, &binds, i, err))
			return cfd_wrap(err, "mounts[%zu] (%s)", i, request->spec->mounts[i].destination);
	}
	*ret_binds = binds;
	binds = (struct cfd_binds){0};
	return 0;
}

static int attach_nested(const struct cfd_idmap_request *request, const struct cfd_binds *binds, size_t index,
			 size_t outer, struct cfd_idmap_result *result, struct cfd_error *err)
{
	const struct cfd_held *held = request->held;
	bool as_root = request->userns_fd < 0 || binds->list[outer].idmapped;
	const struct cfd_nest nest = {.source = held->sources[outer],
				      .tree = binds->list[outer].tree,
				      .rest = cfd_path_beneath(held->places[index], held->places[outer]),
				      .base = as_root ? 0 : request->range.base};
	int r = cfd_nest_attach(&nest, binds->list[index].tree, err);

	if (r)
		return cfd_wrap(err, "inside of mounts[%zu]", outer);
	cfd_idmap_add_mount(result, (struct cfd_idmap_mount){
					    .index = index, .nested = true, .idmapped = binds->list[index].idmapped});
	/* That one may be nested itself; the one that the runtime mounts has to take all along. */
	for (size_t i = 0; i < result->mount_count; i++)
		result->mounts[i].carries |= result->mounts[i].index == outer;
	return 0;
}

static int attach(const struct cfd_idmap_request *request, const struct cfd_binds *binds, size_t index,
		  const struct cfd_stage *stage, struct cfd_idmap_result *result, struct cfd_error *err)
{
	size_t outer = outer_bind(request, binds, index);
	char name[32], *source;
	int r;

	if (outer != index)
		return attach_nested(request, binds, index, outer, result, err);
	snprintf(name, sizeof(name), "mount%zu", index);
	r = cfd_stage_attach(stage, name, binds->list[index].tree, &source, err);
	if (!r)
		cfd_idmap_add_mount(result, (struct cfd_idmap_mount){.index = index,
								     .source = source,
								     .idmapped = binds->list[index].idmapped});
	return r;
}

int cfd_binds_attach(const struct cfd_idmap_request *request, const struct cfd_binds *binds,
		     const struct cfd_stage *stage, struct cfd_idmap_result *result, struct cfd_error *err)
{
	for (size_t i = 0; i < binds->count; i++)
		if (binds->list[i].tree >= 0 && attach(request, binds, i, stage, result, err))
			return cfd_wrap(err, "mounts[%zu] (%s)", i, request->spec->mounts[i].destination);
	return 0;
}
