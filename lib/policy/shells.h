/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files of a root filesystem are shells, and which files a list of paths means: as inode numbers, since the
 * kernel's programs see inodes, and a shell keeps its number however it is called.
 */
#ifndef CFD_SHELLS_H
#define CFD_SHELLS_H

#include "lib/base.h"
#include "lib/err.h"

/*
 * Shells by known names in the usual directories and by /etc/shells, symbolic links followed inside of the root, and
 * copies of these in the usual directories. Inode numbers, ascending, each once. -E2BIG: more than `room` distinct
 * files.
 */
int cfd_shells_find(int rootfs_fd, uint64_t *inodes, size_t room, size_t *ret_count, struct cfd_error *err);

/* Likewise programs that are known to be there to start others (env, gosu, tini ...); no copies. */
int cfd_shells_wrappers(int rootfs_fd, uint64_t *inodes, size_t room, size_t *ret_count, struct cfd_error *err);

/*
 * The files that the paths (NULL-terminated list) lead to inside of the root. A path that leads nowhere, or to what is
 * no regular file, is passed over: there is nothing to execute. -E2BIG as above.
 */
int cfd_shells_resolve(int rootfs_fd, char *const *paths, uint64_t *inodes, size_t room, size_t *ret_count,
		       struct cfd_error *err);

#endif
