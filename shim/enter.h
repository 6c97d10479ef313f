/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces that a runtime cannot enter by itself. setns(2) asks for CAP_SYS_ADMIN in the user namespace that owns the
 * namespace. A runtime that joins the container's user namespace first (CFD_WAY_USERNS_FIRST) has none any more in the
 * host's, which owns the network namespace that netavark or CNI made; it fails, although there would be nothing to do
 * if it were in there already (runc#4390).
 *
 * So this process enters them, and a filter tells a helper of each setns(2) that follows for those kinds. Where the
 * caller is in that very namespace already, the helper answers 0, which is true: there is nothing to be done. All
 * others go on to the kernel. When each kind was answered once the helper has gone, and with it the filter's effect,
 * but that setns(2) of these kinds then is ENOSYS for the container's process.
 */
#ifndef CFD_SHIM_ENTER_H
#define CFD_SHIM_ENTER_H

#include "lib/err.h"

/* One for each kind that can be entered beforehand; a pid namespace is its children's only, a mount namespace last. */
enum cfd_enter_kind {
	CFD_ENTER_NETWORK,
	CFD_ENTER_IPC,
	CFD_ENTER_UTS,
	CFD_ENTER_COUNT,
};

/*
 * Enters those of the namespaces (nsfs descriptors by kind, borrowed; -1: none) that neither `userns_fd` owns nor this
 * process is in. Nothing is done, and no filter is there, if there are none. The runtime must be started from this
 * process, which cannot come back.
 */
int cfd_enter(const int namespaces[CFD_ENTER_COUNT], int userns_fd, struct cfd_error *err);

/* The same for the namespaces of a process: the container's first. -ESRCH: it has gone. */
int cfd_enter_of(int pid, struct cfd_error *err);

/* The kind that linux.namespaces calls `type`; CFD_ENTER_COUNT: none of these. */
enum cfd_enter_kind cfd_enter_kind_of(const char *type);

#endif
