/* SPDX-License-Identifier: Apache-2.0 */
/* Fills the typed view from a document that was checked; for lib/spec/spec.c only. */
#ifndef CFD_SPEC_VIEW_H
#define CFD_SPEC_VIEW_H

#include "lib/spec/spec.h"

/* `spec->doc` and `spec->root` are set. 0 or -ENOMEM; the caller releases the view either way. */
int cfd_spec_view_fill(struct cfd_spec *spec);

#endif
