/* SPDX-License-Identifier: Apache-2.0 */
/* What a container's record tells of its files. */
#ifndef CFD_SHIM_NOTE_H
#define CFD_SHIM_NOTE_H

#include "lib/err.h"

struct cfd_contain;

/* Notes its root filesystem and its bind mounts, once they are prepared and before config.json is amended. */
int cfd_note_files(struct cfd_contain *contain, struct cfd_error *err);

#endif
