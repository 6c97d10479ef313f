/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An overlay built again over idmapped clones of its layers, beside the engine's mount, which stays as it is.
 */
#ifndef CFD_LAYERS_H
#define CFD_LAYERS_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_overlay;
struct cfd_stage;

/* Beside the engine's workdir; it goes with the engine's directory of the container. */
#define CFD_LAYERS_WORK "cofferdam-work"

struct cfd_layers { /* detached mounts */
	int *lowers;
	size_t lower_count;
	int upper_parent; /* -1: none */
};

#define CFD_LAYERS_NONE                                                                                                \
	{                                                                                                              \
		.upper_parent = -1                                                                                     \
	}

/*
 * Clones every layer, before the stage is entered, and makes a workdir of our own: the engine's is in use, and refused
 * where its mount is volatile. One that an earlier run of the container left is made ready again. One overlay at a time
 * can use it, so a root filesystem must not be given to two running containers (no engine does).
 */
int cfd_layers_clone(const struct cfd_overlay *overlay, int userns_fd, struct cfd_layers *ret_layers,
		     struct cfd_error *err);
void cfd_layers_release(struct cfd_layers *layers);

/*
 * Mounts the overlay as `name` in the stage with the flags of mount(2). Uses up the clones. A mount that came up
 * read-only without having been asked to is an error. -EOPNOTSUPP: the kernel is older than 5.19. -ENOTRECOVERABLE: the
 * process is left with the ids that the overlay was mounted with, and must exit.
 *
 * The kernel's log then says that the upper directory is in use by another mount: that is the engine's, which nobody
 * works in while the container runs.
 */
int cfd_layers_mount(const struct cfd_overlay *overlay, struct cfd_layers *layers, const struct cfd_stage *stage,
		     unsigned long flags, const char *name, char **ret_path, struct cfd_error *err);
/* For people: why mount(2) of such an overlay failed with that code. Returns what the error has. */
int cfd_layers_fail(int code, struct cfd_error *err);

#endif
