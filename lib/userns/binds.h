/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of each bind mount; a part of lib/userns/idmap.c, the only one to call it. */
#ifndef CFD_BINDS_H
#define CFD_BINDS_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_idmap_request;
struct cfd_idmap_result;
struct cfd_stage;

struct cfd_bind {
	int tree; /* a detached mount; -1: no bind */
	bool idmapped, peers;
};

struct cfd_binds {
	struct cfd_bind *list; /* by index of spec->mounts */
	size_t count;
};

/* Clones what request->held has, before the stage is entered (the clones outlive that, the descriptors do not). */
int cfd_binds_clone(const struct cfd_idmap_request *request, struct cfd_binds *ret_binds, struct cfd_error *err);
void cfd_binds_release(struct cfd_binds *binds);

/*
 * Gives each its place in the stage, or inside of the earlier bind in which it has its place, and adds it to
 * result->mounts.
 */
int cfd_binds_attach(const struct cfd_idmap_request *request, const struct cfd_binds *binds,
		     const struct cfd_stage *stage, struct cfd_idmap_result *result, struct cfd_error *err);

#endif
