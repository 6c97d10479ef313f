/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who could have written this? What decides over containers is believed only from files and directories that belong to
 * root or to the caller's own user, and that nobody else can write. (The caller's own user could change this process
 * as well; the shim and the hook run as root.) In a user namespace root of the host has no number: its files show the
 * overflow id, as those of every other user outside do. There that id is believed, since nobody of the host's ordinary
 * users can write where cofferdam looks, and who made the namespace could mount anything over it.
 */
#ifndef CFD_TRUST_H
#define CFD_TRUST_H

#include "lib/base.h"
#include "lib/err.h"

/* -EPERM, saying whose it is and with what mode, when others could have written the open file or directory. */
int cfd_trust_check(int fd, const char *name, struct cfd_error *err);

/*
 * The same for an open directory and for every directory above it up to the root, by descriptor, so that nothing can be
 * exchanged meanwhile. A directory above that all may write is accepted when it is sticky (/tmp): nobody else can move
 * what is ours there.
 */
int cfd_trust_check_chain(int dirfd, const char *name, struct cfd_error *err);

/* Opens a regular file (no symlink), checks it and reads it all, at most `max` bytes. */
int cfd_trust_read(int dirfd, const char *name, const char *shown, size_t max, struct cfd_buf *buf,
		   struct cfd_error *err);

#endif
