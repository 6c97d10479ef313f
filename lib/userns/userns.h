/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of host ids for containers, and user namespaces that map them. Where ranges come from: lib/userns/pool.h. */
#ifndef CFD_USERNS_H
#define CFD_USERNS_H

#include "lib/base.h"
#include "lib/err.h"

#define CFD_USERNS_RANGE_SIZE 65536u         /* what a container gets that asks for nothing else */
#define CFD_USERNS_RANGE_MAX (256u * 65536u) /* the most it can ask for: a quarter of the pool that we suggest */
#define CFD_USERNS_LOWEST_HOST_ID 65536u     /* below are the host's own users */

struct cfd_userns_range {
	uint32_t base; /* first host id, for uids and gids alike */
	uint32_t size;
};

/* Whether this process is in the initial user namespace (/proc/self/uid_map is `0 0 4294967295`). */
int cfd_userns_is_initial(bool *ret_initial, struct cfd_error *err);

/*
 * -EOPNOTSUPP unless this process is root of the initial user namespace: what an engine without root starts cannot be
 * contained, as the guard and the records are the host's.
 */
int cfd_userns_check_rootful(struct cfd_error *err);

/*
 * A new user namespace that maps container id 0.. to the range, as an nsfs descriptor that the caller owns. Needs
 * CAP_SETUID and CAP_SETGID in the namespace of the range. A child process lives meanwhile, which is gone on return.
 */
int cfd_userns_open(const struct cfd_userns_range *range, int *ret_fd, struct cfd_error *err);

#endif
