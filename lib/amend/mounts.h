/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts and devices of an amended document; for lib/amend only. */
#ifndef CFD_AMEND_MOUNTS_H
#define CFD_AMEND_MOUNTS_H

#include "lib/amend/amend.h"

struct cfd_json_doc;

struct cfd_amend { /* all borrowed */
	const struct cfd_spec *spec;
	const struct cfd_amend_decision *decision;
	struct cfd_json_doc *doc;
	struct cfd_json *linux_part; /* the object `linux` */
	struct cfd_error *err;
};

/* Read-only trees, prepared mounts, devices that become mounts. */
int cfd_amend_mounts(const struct cfd_amend *a);

/* Sets a member to an absolute path. -EINVAL when it is none, or when JSON cannot hold it. */
int cfd_amend_path(const struct cfd_amend *a, struct cfd_json *object, const char *key, const char *path);
int cfd_amend_memory(const struct cfd_amend *a);

#endif
