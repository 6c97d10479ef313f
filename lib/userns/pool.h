/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool of host ids: what subuid(5) and subgid(5) give to one owner ("cofferdam"). Every container gets a range of
 * it of which no live container and no other owner has an id.
 *
 * Users of host ids that the two files do not name (systemd-nspawn takes from 524288..1879048191; mappings given by
 * hand) are not looked for when a range is picked: to read /proc/PID/uid_map of 400 processes takes 1.9 ms, a fifth of
 * a create, and more on a larger host. `cofferdam doctor` looks for them.
 */
#ifndef CFD_POOL_H
#define CFD_POOL_H

#include "lib/userns/userns.h"

#define CFD_POOL_SUBUID "/etc/subuid"
#define CFD_POOL_SUBGID "/etc/subgid"

struct cfd_pool {
	const char *owner, *subuid, *subgid;
	const struct cfd_userns_range *used; /* of live containers; in any order, some perhaps twice */
	size_t used_count;
};

/*
 * A free range of wanted->size ids, a multiple of CFD_USERNS_RANGE_SIZE (0: one of these). With a base it is that one
 * or none; without, the first, a whole number of steps of CFD_USERNS_RANGE_SIZE from the start of a line of subuid and
 * within that line. uid and gid ranges must be the same numbers and lie above the host's own ids. Owners are compared
 * as text: a pool that is given as a uid matches the lines that say that uid. The files are read at most 1 MiB each; a
 * line that is none of theirs is -EINVAL, as what cannot be read may be somebody's range. A missing file is an empty
 * one. -ENOENT: the owner has no such range (the message says the line to add); -ENOSPC: all in use; -EBUSY: the one
 * that is wanted is in use, or overlaps one that is.
 */
int cfd_pool_pick(const struct cfd_pool *pool, const struct cfd_userns_range *wanted,
		  struct cfd_userns_range *ret_range, struct cfd_error *err);

struct cfd_pool_count { /* ranges of CFD_USERNS_RANGE_SIZE */
	size_t ranges, in_use;
	uint32_t lowest; /* the first id of the first of them */
};

/* What there is to pick from. -ENOENT: nothing. Other errors as above. */
int cfd_pool_count(const struct cfd_pool *pool, struct cfd_pool_count *ret_count, struct cfd_error *err);
/*
 * The first of the ranges with an id that the pool's lines give and no other owner's line gives; their number: none.
 * Without subgid (NULL) one file is asked alone. Errors as above.
 */
int cfd_pool_find(const struct cfd_pool *pool, const struct cfd_userns_range *ranges, size_t count, size_t *ret_index,
		  struct cfd_error *err);

#endif
