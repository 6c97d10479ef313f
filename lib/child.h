/* SPDX-License-Identifier: Apache-2.0 */
/* What has to be done in another process: in a namespace of children only, or one that this process could not leave. */
#ifndef CFD_CHILD_H
#define CFD_CHILD_H

#include "lib/err.h"

/*
 * Calls `work` in a child and waits for its end; what it returns and its message arrive, nothing else does. The child
 * dies with this process. `what` names it for people ("a process in the pid namespace that the container joins").
 * -EIO: it died before it was done. Other children of this process are left alone.
 */
int cfd_child_run(int (*work)(void *data, struct cfd_error *err), void *data, const char *what, struct cfd_error *err);

#endif
