/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which OCI runtime stands behind? A container is deleted by the runtime that created it, so the record says which; and
 * a call that is only passed through must not read or parse a file, so the record says it in a link:
 *
 *   1. /run/cofferdam/containers/KEY/runtime, for the first word of the command line that is a container of ours;
 *   2. /etc/cofferdam/runtime, a link that the administrator may set to agree with `runtimes` in cofferdam.json;
 *   3. the first of /usr/bin/crun, /usr/bin/runc that exists.
 */
#ifndef CFD_SHIM_RUNTIME_H
#define CFD_SHIM_RUNTIME_H

#include "lib/base.h"
#include "lib/config.h"
#include "lib/err.h"

#include <limits.h>

struct cfd_args;
struct cfd_profile;

/* For calls that are passed through. */
int cfd_runtime_behind(char **argv, const struct cfd_args *args, char ret_path[PATH_MAX], struct cfd_error *err);

/* For a new container: the profile's, else the first of the configured ones that exists. Borrowed from the two. */
int cfd_runtime_choose(const struct cfd_config *config, const struct cfd_profile *profile, const char **ret_path,
		       struct cfd_error *err);

/*
 * The directory that the runtime keeps for a container, as crun and runc name it, beneath XDG_RUNTIME_DIR when the
 * caller is not root; NULL for other runtimes' defaults.
 */
int cfd_runtime_directory(const char *runtime, const struct cfd_args *args, enum cfd_caller caller, char **ret_path,
			  struct cfd_error *err);

#endif
