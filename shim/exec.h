/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec: a process that is started in a container later gets what was decided when the container was created, or less.
 * lib/rules/exec.c has what is refused; what engines ask for as a matter of course (the capabilities of their own
 * default set) is trimmed, as at create.
 */
#ifndef CFD_SHIM_EXEC_H
#define CFD_SHIM_EXEC_H

#include "lib/base.h"

struct cfd_args;

/* Becomes the runtime. It returns only to refuse: 1, with the text in ret_text. */
int cfd_exec(char **argv, struct cfd_args *args, struct cfd_buf *ret_text);

#endif
