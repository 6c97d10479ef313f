/* SPDX-License-Identifier: Apache-2.0 */
/* Where a path of an image really leads, link by link, within the image; for lib/rules only. */
#ifndef CFD_RULES_INROOT_H
#define CFD_RULES_INROOT_H

#include "lib/base.h"
#include "lib/err.h"
#include "lib/path.h"

struct cfd_inroot {
	char path[CFD_PATH_MAX]; /* where it ends, from the image's root; what does not exist is taken as it is written
				  */
	bool followed;           /* there was a link on the way, or at the end */
	bool escapes;            /* a link went above the root, or there were more than 40 */
};

struct cfd_held;

/*
 * `path` is clean. The kernel holds `..` at the root; a link that tries is told apart, as no image has a reason to.
 * What lies beneath a place of `covers` (NULL: there are none) is not the image's, and taken as it is written; a link
 * that leads in there and up again counts as one that escapes.
 */
int cfd_inroot_follow(int rootfs_fd, const char *path, const struct cfd_held *covers, struct cfd_inroot *ret_end,
		      struct cfd_error *err);

#endif
