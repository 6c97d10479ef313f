/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that the image did not bring and that may be executed all the same, since somebody with a right to say so said
 * so: the administrator, who names a file on a volume in exec.allow; the engine, which binds its own init.
 */
#ifndef CFD_FILES_H
#define CFD_FILES_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_guard_file;
struct cfd_profile;
struct cfd_spec;

/*
 * The device of the superblock that an open file lies on, as the kernel's programs see it (major << 20 | minor). stat's
 * is another one on filesystems that make up devices for their parts (btrfs).
 */
int cfd_files_device(int fd, uint32_t *ret_device, struct cfd_error *err);

/*
 * Finds them among the binds of the spec (NULL: there are none), by the sources as they are now: inode number and
 * superblock. exec.allow: the last bind at or above the path decides; a path that leads to no regular file there is
 * passed over. The engine's init: at the place where podman or Docker binds it, with the name of one, root's (or the
 * caller's) and nobody else's to change, and no other file is one. -E2BIG: more than `room`.
 */
int cfd_files_find(const struct cfd_profile *profile, const struct cfd_spec *spec, struct cfd_guard_file *ret_files,
		   size_t room, size_t *ret_count, struct cfd_error *err);

#endif
