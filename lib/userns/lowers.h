/* SPDX-License-Identifier: Apache-2.0 */
/* Lower layers whose names in mountinfo lead nowhere any more. */
#ifndef CFD_LOWERS_H
#define CFD_LOWERS_H

#include "lib/err.h"

struct cfd_overlay;

/*
 * podman names the lower layers by the numbers of descriptors (`lowerdir=7:8:9`, from inside of /proc/self/fd) of a
 * process that is gone by now, when even short names would be longer than a page: some 140 layers. What it had opened
 * stands in its file `lower` beside the upper directory ("l/ABC:l/DEF", from where links of other overlays start too).
 * If all names are numbers and there is such a file, they are replaced. -EOPNOTSUPP: it has another number of layers,
 * or names that are not podman's.
 */
int cfd_lowers_recall(struct cfd_overlay *overlay, struct cfd_error *err);

#endif
