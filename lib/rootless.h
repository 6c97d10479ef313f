/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engines that run without root: as an ordinary user, or as root of a user namespace that podman, buildah or
 * rootlesskit have made for one. Their containers get what such a caller can give them, if cofferdam.json says
 * `"rootless": "partial"`; records and audit log are in the user's own directory, $XDG_RUNTIME_DIR/cofferdam. That
 * variable, here alone, decides something: whoever sets it could start the OCI runtime without cofferdam as well. What
 * is protected is the user, from the image; not the host from its user.
 */
#ifndef CFD_ROOTLESS_H
#define CFD_ROOTLESS_H

#include "lib/base.h"
#include "lib/config.h"
#include "lib/err.h"

/* What is not in force for such a container: for messages, `cofferdam status` and the audit log. */
#define CFD_ROOTLESS_LACKS                                                                                             \
	"no guard of what is executed and connected to, no filter of devices, no range of ids of its own, no line in " \
	"the host's audit log"

int cfd_rootless_caller(enum cfd_caller *ret_caller, struct cfd_error *err);

/*
 * The directory of such a caller: $XDG_RUNTIME_DIR/cofferdam, or /run/user/UID/cofferdam where that is not set. It need
 * not exist; the one above must belong to the caller, and nobody else may be able to write there or replace it: -EPERM.
 * The caller frees it.
 */
int cfd_rootless_directory(char **ret_path, struct cfd_error *err);

/*
 * cofferdam.json as it is for whoever calls: root's as cfd_config_read gives it. For others guard and range of ids are
 * off and the audit log lies in their directory; -EOPNOTSUPP, with what would not be in force and what to write, unless
 * `rootless` is `partial`. ret_config->caller is set. The caller of this releases what was filled.
 */
int cfd_rootless_read_config(const char *path, struct cfd_config *ret_config, struct cfd_error *err);

/*
 * Root of a user namespace may make mounts in mount namespaces of that one alone: this process moves to such a one,
 * from which nothing is propagated. What was opened before cannot be cloned any more.
 */
int cfd_rootless_own_mounts(struct cfd_error *err);

#endif
