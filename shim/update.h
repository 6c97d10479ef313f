/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update: limits of a container may be changed, access to devices may not. Options carry limits alone; the file of
 * --resources is read once, judged (lib/rules/update.c), and a copy of it without device rules goes to the runtime, so
 * that those in force stay.
 */
#ifndef CFD_SHIM_UPDATE_H
#define CFD_SHIM_UPDATE_H

#include "lib/base.h"

struct cfd_args;

/* Becomes the runtime. It returns only to refuse: 1, with the text in ret_text. */
int cfd_update(char **argv, struct cfd_args *args, struct cfd_buf *ret_text);

#endif
