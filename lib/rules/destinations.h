/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which mounts lie at, beneath and above which others, as text; for lib/rules only. Every destination is cleaned once
 * and all are sorted once, so that thousands of mounts cost no more than n log n.
 */
#ifndef CFD_RULES_DESTINATIONS_H
#define CFD_RULES_DESTINATIONS_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_spec;

#define CFD_DESTINATION_NONE SIZE_MAX

struct cfd_destination {
	const char *path; /* cleaned; NULL when it cannot be (mount.destination-path reports those) */
	/* The first mount in the list, whether before or behind this one, or CFD_DESTINATION_NONE: */
	size_t same;     /* ... at the same place; at most this one itself */
	size_t beneath;  /* ... at a place beneath it */
	size_t covering; /* ... at the same place or above; at most this one itself */
};

struct cfd_destinations;

/* One for each of the spec's mounts. 0 or -ENOMEM. */
int cfd_destinations_find(const struct cfd_spec *spec, struct cfd_destinations **ret_destinations,
			  struct cfd_error *err);
void cfd_destinations_freep(struct cfd_destinations **destinations);
/* Borrowed; for an index beyond the last one without a path. */
const struct cfd_destination *cfd_destinations_at(const struct cfd_destinations *destinations, size_t mount);

#endif
