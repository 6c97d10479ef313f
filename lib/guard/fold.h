/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repeats of one event become one: the first of them, how many there were, and when the last came. A container that
 * tries the same thing in a loop fills no log with it.
 */
#ifndef CFD_FOLD_H
#define CFD_FOLD_H

#include "bpf/guard.h"
#include "lib/base.h"

#define CFD_FOLD_ROOM 64

struct cfd_folded {
	struct cfd_guard_event event; /* the first */
	uint64_t last;                /* when the last came, CLOCK_BOOTTIME ns */
	uint64_t count;
};

struct cfd_fold { /* zero it */
	struct cfd_folded values[CFD_FOLD_ROOM];
	size_t count;
};

/*
 * Counts the event with what it repeats: the same container, verdict, reason, subject, program name and user. False:
 * it is a new one, for which there is no room; take the values out (count = 0) and add it again.
 */
bool cfd_fold_add(struct cfd_fold *fold, const struct cfd_guard_event *event);

#endif
