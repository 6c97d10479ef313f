/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranges of host ids for containers, and user namespaces that map them. The pool is what /etc/subuid and /etc/subgid
 * give to one owner ("cofferdam"); every container gets 65536 ids of it that no live container and no other owner has.
 */
#ifndef CFD_USERNS_H
#define CFD_USERNS_H

#include "lib/base.h"
#include "lib/err.h"

#define CFD_USERNS_RANGE_SIZE 65536u
#define CFD_USERNS_LOWEST_HOST_ID 65536u /* below are the host's own users */

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
 * The first range of the pool that is not among `used` (bases of live containers' ranges, sorted) and of which no other
 * owner in the two files has an id. uid and gid ranges must be the same numbers; a range is a whole number of steps
 * from the start of a line of subuid, and lies above the host's own ids. Owners are compared as text: a pool that is
 * given as a uid matches the lines that say that uid. The files are subuid(5) and subgid(5), read at most 1 MiB each; a
 * line that is none of theirs is -EINVAL, as what cannot be read may be somebody's range. A missing file is an empty
 * one. Users of host ids that these files do not name (systemd-nspawn takes from 524288..1879048191) are not looked
 * for. -ENOENT: the owner has no range (the message says the line to add); -ENOSPC: all in use.
 */
int cfd_userns_pick(const char *owner, const char *subuid, const char *subgid, const uint32_t *used, size_t used_count,
		    struct cfd_userns_range *ret_range, struct cfd_error *err);

/*
 * A new user namespace that maps container id 0.. to the range, as an nsfs descriptor that the caller owns. Needs
 * CAP_SETUID and CAP_SETGID in the namespace of the range. A child process lives meanwhile, which is gone on return.
 */
int cfd_userns_open(const struct cfd_userns_range *range, int *ret_fd, struct cfd_error *err);

#endif
