/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage: a private mount namespace with a tmpfs in it, where what a container needs is put together. The OCI
 * runtime is started from inside, so that all of it goes when the container's processes have gone, also after kill -9.
 */
#ifndef CFD_STAGE_H
#define CFD_STAGE_H

#include "lib/base.h"
#include "lib/err.h"
#include "lib/userns/userns.h"

#include <sys/types.h>

struct cfd_stage {
	int fd;           /* of the tmpfs */
	int nodes_fd;     /* of a second one inside, where device nodes work; -1 until it is needed */
	const char *path; /* borrowed from who entered */
	struct cfd_userns_range range;
};

/*
 * Where the root filesystem goes. A directory of this name is made and kept in the host's view of the stage as well, as
 * runc exec, which runs there, changes to the path of the root filesystem before it enters the container.
 */
#define CFD_STAGE_ROOTFS "rootfs"

#define CFD_STAGE_NONE                                                                                                 \
	{                                                                                                              \
		.fd = -1, .nodes_fd = -1                                                                               \
	}

/*
 * Moves the process into a mount namespace of its own, from which nothing is propagated and which receives the host's
 * unmounts, and mounts a tmpfs (0711, as the container's root must traverse it) at the existing directory `path`.
 * Detached mounts from before can still be attached; descriptors from before cannot be cloned any more.
 */
int cfd_stage_enter(const char *path, const struct cfd_userns_range *range, struct cfd_stage *ret_stage,
		    struct cfd_error *err);
void cfd_stage_release(struct cfd_stage *stage);

/* The absolute path of a name in the stage; the caller frees it. */
int cfd_stage_path(const struct cfd_stage *stage, const char *name, char **ret_path, struct cfd_error *err);

/* Makes `name` of the same kind (a directory or not) and attaches the detached mount there. `ret_path` may be NULL. */
int cfd_stage_attach(const struct cfd_stage *stage, const char *name, int mount_fd, char **ret_path,
		     struct cfd_error *err);

/*
 * Makes a node (type and permissions as for mknod) on a filesystem of the stage where devices work, owned by ids of the
 * container. `ret_path` may be NULL.
 */
int cfd_stage_node(struct cfd_stage *stage, const char *name, mode_t mode, dev_t device, uint32_t uid, uint32_t gid,
		   char **ret_path, struct cfd_error *err);

/*
 * Replaces those of the descriptors 0-2 that are /dev/null or another memory device of the host's (major 1) by one of
 * the stage: crun before 1.24 gives whatever it finds there to the container's root. Their access modes stay.
 */
int cfd_stage_own_streams(struct cfd_stage *stage, struct cfd_error *err);

#endif
