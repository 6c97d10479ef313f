/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a volume really is; for lib/rules only.
 *
 * `docker volume create -o type=none -o o=bind -o device=/etc` makes a named volume whose directory is a bind mount of
 * /etc: a path in the engine's volumes, an object of the host.
 */
#ifndef CFD_RULES_ALIASES_H
#define CFD_RULES_ALIASES_H

#include "lib/rules/hostfiles.h"

/*
 * If the object lies on a mount that was made beneath `directory` (clean, real), looks for another place of this host
 * where the same object is seen, and resolves that. ret_found is false when the filesystem is mounted only there
 * (tmpfs, NFS, a disk of its own) or when there is no such mount. ret_stacked: that mount is an overlay or the like,
 * which shows directories that have other names, as objects of its own: nobody can say which they are.
 */
int cfd_alias_find(struct cfd_resolver *resolver, const struct cfd_resolved *resolved, const char *directory,
		   bool *ret_stacked, bool *ret_found, struct cfd_resolved *ret_alias, struct cfd_error *err);

#endif
