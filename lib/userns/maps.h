/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ids that a user namespace maps, as this process's own namespace calls them. The kernel tells them of processes
 * only (/proc/PID/uid_map), so one is put into the namespace and asked.
 */
#ifndef CFD_MAPS_H
#define CFD_MAPS_H

#include "lib/base.h"
#include "lib/err.h"
#include "lib/spec/spec.h"

struct cfd_maps {
	struct cfd_spec_id_maps uids, gids; /* no lines: not mapped yet */
};

/*
 * Of the namespace at `fd`. Where this process may not enter it (`cofferdam check` of somebody who is not root), of the
 * process that `path` names, /proc/PID/ns/user, if it is in that namespace. -EPERM: neither can be.
 */
int cfd_maps_of_namespace(int fd, const char *path, struct cfd_maps *ret_maps, struct cfd_error *err);
void cfd_maps_release(struct cfd_maps *maps);

/* A text of uid_map(5)'s form: at most 340 lines of three numbers. -EINVAL for any other. */
int cfd_maps_parse(const char *text, struct cfd_spec_id_maps *ret_maps, struct cfd_error *err);

#endif
