/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an overlay can be built over idmapped layers, by the functions that build a container's. It is done in a
 * child, as who enters the stage does not come back.
 */
#include "lib/userns/probe.h"

#include "lib/child.h"
#include "lib/fd.h"
#include "lib/userns/layers.h"
#include "lib/userns/overlay.h"
#include "lib/userns/stage.h"
#include "lib/userns/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const parts[] = {"lower", "upper", "stage"};

static int make_parts(const char *directory, struct cfd_error *err)
{
	CFD_AUTO_FD int top = -1;
	int r = cfd_fd_open_dir(AT_FDCWD, directory, false, &top, err);

	for (size_t i = 0; !r && i < CFD_COUNT(parts); i++) {
		CFD_AUTO_FD int part = -1;

		r = cfd_fd_make_dir(top, parts[i], 0755, &part, err);
	}
	return r;
}

/* The upper directory is on disk root's, and in the overlay the container's root's. */
static int check_owner(const char *path, uint32_t wanted, struct cfd_error *err)
{
	struct stat st;

	if (stat(path, &st))
		return cfd_fail_errno(err, -errno, "cannot examine %s", path);
	if (st.st_uid != wanted || st.st_gid != wanted)
		return cfd_fail(err, -EOPNOTSUPP,
				"files in an overlay over idmapped layers belong to %u:%u instead of %u:%u", st.st_uid,
				st.st_gid, wanted, wanted);
	return 0;
}

static int build(void *data, struct cfd_error *err)
{
	const char *directory = data;
	const struct cfd_userns_range range = {.base = CFD_USERNS_LOWEST_HOST_ID, .size = CFD_USERNS_RANGE_SIZE};
	CFD_AUTO(cfd_layers_release) struct cfd_layers layers = CFD_LAYERS_NONE;
	CFD_AUTO(cfd_stage_release) struct cfd_stage stage = CFD_STAGE_NONE;
	CFD_AUTO_FREE char *path = NULL;
	CFD_AUTO_FD int userns = -1;
	char lower[PATH_MAX], stage_path[PATH_MAX], *lowers[] = {lower};
	const struct cfd_overlay overlay = {.lowers = lowers,
					    .lower_count = 1,
					    .upper = (char *)parts[1],
					    .upper_parent = (char *)directory,
					    .upper_name = (char *)parts[1],
					    .options = (char *)""};
	int r = cfd_userns_open(&range, &userns, err);

	snprintf(lower, sizeof(lower), "%s/%s", directory, parts[0]);
	snprintf(stage_path, sizeof(stage_path), "%s/%s", directory, parts[2]);
	if (!r)
		r = cfd_layers_clone(&overlay, userns, &layers, err);
	if (!r)
		r = cfd_stage_enter(stage_path, &range, &stage, err);
	if (!r)
		r = cfd_layers_mount(&overlay, &layers, &stage, 0, "overlay", &path, err);
	return r ? r : check_owner(path, range.base, err);
}

int cfd_probe_overlay(const char *directory, struct cfd_error *err)
{
	int r = make_parts(directory, err);

	return r ? r : cfd_child_run(build, (void *)directory, "a process that tries an overlay", err);
}
