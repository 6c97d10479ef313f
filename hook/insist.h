/* SPDX-License-Identifier: Apache-2.0 */
/* What config.json must have already where only the hook is installed. */
#ifndef CFD_HOOK_INSIST_H
#define CFD_HOOK_INSIST_H

#include "lib/err.h"

struct cfd_call;
struct cfd_verdict;

/*
 * -EACCES, with a message that names it: a filter, a user namespace, a flag or a masked path is missing that
 * cofferdam-runtime would have added, or a capability or key is there that it would have taken away. What
 * cofferdam.json only prefers is noted in the audit log.
 */
int cfd_insist(const struct cfd_call *call, const struct cfd_verdict *verdict, struct cfd_error *err);

/* The part of it that precreate cannot add either: the files would have to be idmapped around the runtime. */
int cfd_insist_userns(const struct cfd_call *call, const struct cfd_verdict *verdict, struct cfd_error *err);

#endif
