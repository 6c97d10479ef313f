/* SPDX-License-Identifier: Apache-2.0 */
/* Working on a container's files as its root: with the ids that it has on the host. */
#ifndef CFD_MOUNTER_H
#define CFD_MOUNTER_H

#include "lib/base.h"
#include "lib/err.h"

#include <sys/types.h>

struct cfd_mounter {    /* what to go back to */
	int securebits; /* -1: nothing was changed */
	uid_t fsuid;
	gid_t fsgid;
};
#define CFD_MOUNTER_NONE                                                                                               \
	{                                                                                                              \
		.securebits = -1                                                                                       \
	}

/*
 * fsuid and fsgid become `base`, the host's id of the container's root. `privileged`: the capabilities over files stay,
 * as that root has them over idmapped files; else they go, as it has none over the host's. Restore in any case.
 */
int cfd_mounter_become(struct cfd_mounter *mounter, uint32_t base, bool privileged, struct cfd_error *err);

/* -ENOTRECOVERABLE: the process is left with those ids, and must exit. */
int cfd_mounter_restore(const struct cfd_mounter *mounter, struct cfd_error *err);

#endif
