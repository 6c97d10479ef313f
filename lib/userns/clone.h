/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detached copies of mounts, idmapped: what a container's user namespace sees as its own without a chown.
 */
#ifndef CFD_CLONE_H
#define CFD_CLONE_H

#include "lib/base.h"
#include "lib/err.h"

/*
 * A detached clone of the mount at `fd` (O_PATH will do; a directory, file or socket), from that inode downwards,
 * idmapped by the user namespace: on-disk id 0 is the namespace's id 0. It receives unmounts from the original and
 * sends nothing back (MS_SLAVE). `recursive` takes the mounts inside along, and fails whole when one of them cannot be
 * idmapped. The descriptor must be of a mount in the caller's mount namespace. The caller owns the result; closing it
 * before it is attached unmounts it.
 * -EOPNOTSUPP: the filesystem, or this kernel, cannot; the message names `name` (for people), both, and what is needed.
 */
int cfd_clone_idmapped(int fd, bool recursive, int userns_fd, const char *name, int *ret_fd, struct cfd_error *err);

/* Whether this kernel is at least that version: for messages, never to decide whether something is tried. */
bool cfd_clone_kernel_is(unsigned major, unsigned minor);

#endif
