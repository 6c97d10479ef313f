/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detached copies of mounts: of what an open descriptor is, whatever its name has become; idmapped on request: what a
 * container's user namespace sees as its own without a chown.
 */
#ifndef CFD_CLONE_H
#define CFD_CLONE_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_clone {
	int userns_fd;  /* idmapped by it: on-disk id 0 is the namespace's id 0; -1: not idmapped */
	bool recursive; /* takes the mounts inside along, and fails whole when one of them cannot be as asked */
	bool read_only; /* with those inside, if they come along */
	uint64_t flags; /* MOUNT_ATTR_NOSUID and others to be added, in the same way; at most one of the access time */
	bool peers;     /* stays in the propagation group of the original; else it receives mounts and unmounts from
			   there and sends nothing back (MS_SLAVE) */
};

/*
 * A detached clone of the mount at `fd` (O_PATH will do; a directory, file, socket or namespace), from that inode
 * downwards. Its other flags (nosuid, nodev, noexec, ...) are the original's. The descriptor must be of a mount in the
 * caller's mount namespace, or of a namespace. The caller owns the result; closing it before it is attached unmounts
 * it. -EOPNOTSUPP: the filesystem, or this kernel, cannot be idmapped; the message names `name` (for people), both, and
 * what is needed.
 */
int cfd_clone_mount(int fd, const struct cfd_clone *how, const char *name, int *ret_fd, struct cfd_error *err);

/* Whether this kernel is at least that version: for messages, never to decide whether something is tried. */
bool cfd_clone_kernel_is(unsigned major, unsigned minor);

#endif
