/* SPDX-License-Identifier: Apache-2.0 */
/* Which ids a user namespace has that is only known by a descriptor. */
#ifndef CFD_USERNS_MAP_H
#define CFD_USERNS_MAP_H

#include "lib/err.h"
#include "lib/userns/userns.h"

/*
 * The one range that maps the namespace's ids from 0 on to ids of its parent (for a child of this process's own: to
 * this process's). A child enters the namespace and reads it, so nobody needs to live there. -EINVAL: it has no map, or
 * one that cofferdam does not write.
 */
int cfd_userns_read_map(int userns_fd, struct cfd_userns_range *ret_range, struct cfd_error *err);

#endif
