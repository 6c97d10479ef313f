/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The containers of a pod have the same range of ids, so that users of one are the same users to the others: of shared
 * memory, message queues, sockets, signals. Who belongs together is told by what cannot be made up:
 *
 * - A namespace that is joined belongs to a user namespace of a container of ours (ipc and uts of the first container,
 *   in containerd's and podman's pods). Nobody may enter it from another one, so that user namespace is joined.
 * - All of them belong to the host (CRI-O makes them before any container), and the engine's own record names a pod of
 *   which a container lives that is in one of these namespaces: a user namespace of its own, with the same range.
 * - Else a range of its own.
 */
#ifndef CFD_SHIM_POD_H
#define CFD_SHIM_POD_H

#include "lib/base.h"
#include "lib/err.h"
#include "lib/process.h"
#include "lib/state/state.h"
#include "lib/userns/userns.h"

struct cfd_profile;
struct cfd_verdict;

struct cfd_pod {
	struct cfd_userns_range range;   /* size 0: it shares none */
	int userns_fd;                   /* to be joined; -1: none */
	bool joins;                      /* there is one to be joined (userns_fd may have been taken since) */
	char key[CFD_STATE_KEY_MAX + 1]; /* of the container that has the range already */
	struct cfd_process_id init;      /* its */
};
#define CFD_POD_INIT                                                                                                   \
	{                                                                                                              \
		.userns_fd = -1                                                                                        \
	}

/*
 * Looks at the namespaces that the configuration joins by path, which are held open, and at the records of containers
 * of the runtime's `root`. A container that has ended counts as long as it is not deleted and somebody keeps the
 * namespace. -EINVAL: a namespace belongs to a user namespace that no container of cofferdam's has, or one of another
 * pod than the engine records, or two belong to different ones.
 */
int cfd_pod_find(struct cfd_state *state, const struct cfd_verdict *verdict, const char *root, struct cfd_pod *pod,
		 struct cfd_error *err);
/*
 * Once the range is claimed: whether the other container has had it all the time. -ESTALE: it has not, and the range
 * may have become a stranger's before it was claimed.
 */
int cfd_pod_confirm(struct cfd_state *state, const struct cfd_pod *pod, struct cfd_error *err);
/* -EINVAL: the profile asks for another range than the pod's, or for a larger one. */
int cfd_pod_check(const struct cfd_pod *pod, const struct cfd_profile *profile, struct cfd_error *err);
void cfd_pod_release(struct cfd_pod *pod);

#endif
