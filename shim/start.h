/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `start`, for the one thing that podman does between create and start: it writes the container's resolv.conf and
 * hosts, which at create are empty files. Until then the guard knows no resolvers and no addresses of names. create
 * leaves two links in the container's directory, resolv.conf and hosts, to the engine's files; where they are missing,
 * as with every other engine, start is passed through at once.
 */
#ifndef CFD_SHIM_START_H
#define CFD_SHIM_START_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_args;
struct cfd_spec;

/* At create, when the policy was put off: the links in the container's directory. */
int cfd_start_put_off(int container_dir, const struct cfd_spec *spec, struct cfd_error *err);

/*
 * For every command that is passed through: nothing unless it is `start` of a container with the links. 0: the runtime
 * may start it.
 */
int cfd_start_complete(char **argv, const struct cfd_args *args, struct cfd_error *err);

#endif
