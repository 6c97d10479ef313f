/* SPDX-License-Identifier: Apache-2.0 */
/* Filesystems of namespaces that are joined, and `linux.devices`; a part of lib/userns/idmap.c, the only one to call
 * it. */
#ifndef CFD_IDMAP_MOUNTS_H
#define CFD_IDMAP_MOUNTS_H

#include "lib/err.h"

struct cfd_idmap_request;
struct cfd_idmap_result;
struct cfd_stage;

/* Adds to result->mounts the filesystems that are made beforehand. */
int cfd_idmap_mounts_make(const struct cfd_idmap_request *request, const struct cfd_stage *stage,
			  struct cfd_idmap_result *result, struct cfd_error *err);
/* Fills result->devices. */
int cfd_idmap_mounts_devices(const struct cfd_idmap_request *request, struct cfd_stage *stage,
			     struct cfd_idmap_result *result, struct cfd_error *err);

#endif
