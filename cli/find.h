/* SPDX-License-Identifier: Apache-2.0 */
/* Which container does a person mean? */
#ifndef CFD_CLI_FIND_H
#define CFD_CLI_FIND_H

#include "lib/base.h"
#include "lib/err.h"
#include "lib/state/state.h"

/*
 * The container with this id or name, else the one whose id begins so. -ENOENT: none; -EINVAL: several, which the
 * message names. The caller releases the record.
 */
int cfd_find_container(struct cfd_state *state, const char *word, char ret_key[CFD_STATE_KEY_MAX + 1],
		       struct cfd_record *ret_record, struct cfd_error *err);

#endif
