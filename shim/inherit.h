/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that the container inherits: the standard streams, and what `--preserve-fds` and LISTEN_FDS (both
 * runtimes add the two up) hand on from number 3.
 */
#ifndef CFD_SHIM_INHERIT_H
#define CFD_SHIM_INHERIT_H

#include "lib/err.h"

struct cfd_args;

/*
 * -EINVAL: a number that is none, or a descriptor by which the container would reach files of the host that no mount
 * names: a directory (openat(2) with ".."; CVE-2024-21626), a block device, one that was opened with O_PATH. Files,
 * pipes, sockets and terminals are what the options are for. `listen_fds` is the variable's value, or NULL.
 */
int cfd_inherit_check(const struct cfd_args *args, const char *listen_fds, struct cfd_error *err);

/* The number behind the last one that is handed on. -EINVAL as above. */
int cfd_inherit_end(const struct cfd_args *args, const char *listen_fds, int *ret_end, struct cfd_error *err);

#endif
