/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runtimes do in ways of their own, as far as cofferdam must know before it starts one. One row each, found by
 * asking the runtime, once per boot and binary. What can be done the same way for all of them is, and is no row here:
 * doc/runtimes.md has both.
 */
#ifndef CFD_SHIM_WAYS_H
#define CFD_SHIM_WAYS_H

#include "lib/err.h"

enum cfd_way {
	CFD_WAY_USERNS_FIRST, /* joins the user namespace before the others: shim/enter.h */
	CFD_WAY_COUNT,
};

/*
 * Whether the runtime has that way. It is asked what it can (`RUNTIME features`) where it was not since the last boot;
 * a runtime that gives no answer is taken to have it, since what is done then does no harm where it is not needed.
 */
int cfd_ways_has(const char *runtime, enum cfd_way way, bool *ret_has, struct cfd_error *err);

/* From what `features` prints. */
bool cfd_ways_told(enum cfd_way way, const char *features);

#endif
