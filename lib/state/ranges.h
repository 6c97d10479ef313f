/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /run/cofferdam/ranges: which ids live containers have. A range is a link whose name says it and whose text is the
 * container's key: BASE.HASH for 65536 ids, BASE-SIZE.HASH for more. The hash is of the key, so that the containers of
 * a pod each hold their range. To know what is in use, only names are read.
 */
#ifndef CFD_RANGES_H
#define CFD_RANGES_H

#include "lib/base.h"
#include "lib/err.h"
#include "lib/userns/userns.h"

#define CFD_RANGES_NAME 40

void cfd_ranges_name(const char *key, const struct cfd_userns_range *range, char ret_name[CFD_RANGES_NAME]);
/* All that are held, in no order, some perhaps twice; the caller frees them. 0 or -errno. */
int cfd_ranges_list(int dirfd, struct cfd_userns_range **ret_ranges, size_t *ret_count);
/* The id of a container that has one of these ids; false when nobody has. */
bool cfd_ranges_holder(int dirfd, const struct cfd_userns_range *range, char *ret_id, size_t room);

#endif
