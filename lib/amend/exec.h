/* SPDX-License-Identifier: Apache-2.0 */
/* The decision about a process that is started later, written into what the runtime reads of it. */
#ifndef CFD_AMEND_EXEC_H
#define CFD_AMEND_EXEC_H

#include "lib/err.h"

struct cfd_record;
struct cfd_spec;

/*
 * As lib/amend/amend.h does it for the first process: capabilities down to those that the container got, ambient and
 * inheritable emptied, noNewPrivileges set where the container has it, and its AppArmor profile and SELinux label where
 * none is named, since the runtimes differ about what is absent (crun takes an absent noNewPrivileges for false). The
 * view (of cfd_spec_read_process) is stale afterwards. 0 or -ENOMEM.
 */
int cfd_amend_exec(const struct cfd_spec *spec, const struct cfd_record *record, struct cfd_error *err);

#endif
