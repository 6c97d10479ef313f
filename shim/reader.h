/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the runtime for its version, and fits config.json to it. */
#ifndef CFD_SHIM_READER_H
#define CFD_SHIM_READER_H

#include "lib/err.h"

struct cfd_contain;
struct cfd_reader;

/* Runs `RUNTIME --version`. Whoever prints no version that is known is CFD_READER_OTHER. */
int cfd_reader_ask(const char *runtime, struct cfd_reader *ret_reader, struct cfd_error *err);

/* Removes what the runtime would ignore, with a line in the audit log. The runtime is asked only if it matters. */
int cfd_reader_fit_config(struct cfd_contain *contain, struct cfd_error *err);

#endif
