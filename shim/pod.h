/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers of a pod share namespaces (ipc, uts, pid), and those belong to the user namespace of the container that
 * came first. Nobody may join them from another user namespace, so the others must join that one, and have its range.
 */
#ifndef CFD_SHIM_POD_H
#define CFD_SHIM_POD_H

#include "lib/base.h"
#include "lib/err.h"
#include "lib/userns/userns.h"

struct cfd_held;
struct cfd_spec;
struct cfd_state;

struct cfd_pod {
	struct cfd_userns_range range; /* size 0: it joins nothing that a user namespace of cofferdam's owns */
	int userns_fd;                 /* of the container that came first */
};
#define CFD_POD_INIT                                                                                                   \
	{                                                                                                              \
		.userns_fd = -1                                                                                        \
	}

/*
 * Looks at the namespaces that the configuration joins by path, which are held open. -EINVAL: one belongs to a user
 * namespace that no container of cofferdam's has, or two belong to different ones.
 */
int cfd_pod_find(struct cfd_state *state, const struct cfd_spec *spec, const struct cfd_held *held, struct cfd_pod *pod,
		 struct cfd_error *err);
void cfd_pod_release(struct cfd_pod *pod);

#endif
