/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create and run: from a command line that is understood to a runtime that has started the container, or to a refusal
 * that leaves nothing behind.
 *
 * The steps stand in one table, in their order. Whatever a step makes belongs to struct create and is given back when
 * that goes; what outlives this process (the record, the range, the private bundle) is dropped on failure, and after a
 * kill -9 by a later sweep. Mounts live in this process's own mount namespace and go with it.
 */
#ifndef CFD_SHIM_CREATE_H
#define CFD_SHIM_CREATE_H

#include "lib/base.h"

struct cfd_args;

/*
 * Gives the exit status for the engine: the runtime's, or 1 with the text of a refusal in ret_text (empty when the
 * runtime itself failed, since then it has told the engine).
 */
int cfd_create(char **argv, const struct cfd_args *args, struct cfd_buf *ret_text);

#endif
