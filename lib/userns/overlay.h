/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An overlay that an engine has mounted, read from its options in mountinfo, so that it can be built again over
 * idmapped layers (the kernel idmaps no overlay itself: EINVAL on every kernel up to 7.2).
 */
#ifndef CFD_OVERLAY_H
#define CFD_OVERLAY_H

#include "lib/base.h"
#include "lib/err.h"

#define CFD_OVERLAY_MAX_LOWERS 500 /* OVL_MAX_STACK, fs/overlayfs/params.h */

struct cfd_overlay {
	char **lowers; /* topmost first; relative ones start at `base` */
	size_t lower_count;
	char *upper, *work; /* absolute; NULL both: read-only */
	char *upper_parent; /* the directory that both lie in */
	char *upper_name;   /* of upper in upper_parent, as upperdir= wants it: with backslashes before `,`, `:` and `\`
			     */
	char *base;    /* where relative lowers start: upper/../.., as podman, Docker and containerd use it; or NULL */
	char *options; /* what the new mount must say too: ",redirect_dir=on,metacopy=on", or "" */
};

/*
 * Reads the options of the filesystem as mountinfo shows them (struct cfd_mountinfo, super_options). Every option must
 * be one that this file knows, as an option that is lost makes files unreadable or whiteouts visible: -EINVAL names it.
 * `index` and `nfs_export` become `off`, also where they are the kernel's default, which mountinfo does not show: the
 * kernel holds the upper directory exclusively for them, and the engine's mount has it (EBUSY). Upper and work must be
 * in one directory; more than 500 lowers are -E2BIG. Data-only layers (composefs) are -EOPNOTSUPP.
 *
 * `mount_point` (absolute) tells where relative paths start if upper is one, or the topmost lower where there is no
 * upper: podman and Docker mount from inside of their directory HOME, at HOME/ID/merged with the upper ID/diff, when
 * the options would be longer than a page otherwise. Where it is not HOME/ID/... for such an ID: -EOPNOTSUPP.
 */
int cfd_overlay_parse(const char *super_options, const char *mount_point, struct cfd_overlay *ret_overlay,
		      struct cfd_error *err);
void cfd_overlay_release(struct cfd_overlay *overlay);

#endif
