/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mount inside of another mount's source, put there by descriptor: a runtime would walk a path that others, who write
 * in that source meanwhile, can make lead elsewhere in the container (CVE-2021-30465).
 */
#ifndef CFD_NEST_H
#define CFD_NEST_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_nest {
	int source;       /* what the outer mount is a clone of: a mount point that is missing is made there */
	int tree;         /* that clone, attached in this mount namespace */
	const char *rest; /* where in it; not followed through any link */
	uint32_t base;    /* the id with which the mount point is made, without privilege; 0: as root */
};

/* Attaches the detached mount. -ELOOP: a link is in the way; -ENOTRECOVERABLE as for cfd_mounter_restore. */
int cfd_nest_attach(const struct cfd_nest *nest, int mount_fd, struct cfd_error *err);

#endif
