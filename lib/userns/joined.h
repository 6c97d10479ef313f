/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces that a container joins instead of getting new ones: its engine's (a network namespace that netavark or CNI
 * made) or the host's. They belong to another user namespace than the container's, so root in the container may neither
 * mount their filesystems (sysfs, mqueue, proc) nor set their sysctls. Both is done here, from the host, inside of
 * them.
 */
#ifndef CFD_JOINED_H
#define CFD_JOINED_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_held;
struct cfd_spec;

enum cfd_joined_kind {
	CFD_JOINED_NETWORK, /* sysfs; net.* */
	CFD_JOINED_IPC,     /* mqueue; kernel.msg*, kernel.sem, kernel.shm*, fs.mqueue.* */
	CFD_JOINED_PID,     /* proc */
	CFD_JOINED_UTS,     /* kernel.hostname, kernel.domainname */
};

struct cfd_joined {
	enum cfd_joined_kind kind;
	int fd;       /* of the namespace; -1: the container's own user namespace owns it and nothing has to be done */
	bool is_host; /* it is the one that this process is in */
};

#define CFD_JOINED_NONE                                                                                                \
	{                                                                                                              \
		.fd = -1                                                                                               \
	}

/*
 * Which namespace of the kind the configuration puts the container in. An entry without a path is a new one and owned
 * by the container's user namespace (fd -1); so is one by path whose owner is `userns_fd` (a pod's). What is at the
 * path is held open already. -EINVAL: that is not a namespace of that kind.
 */
int cfd_joined_open(const struct cfd_spec *spec, const struct cfd_held *held, enum cfd_joined_kind kind, int userns_fd,
		    struct cfd_joined *ret_joined, struct cfd_error *err);
void cfd_joined_release(struct cfd_joined *joined);

/*
 * Calls `work` inside of the namespace, and comes back; a pid namespace is entered by a child, in which `work` then
 * runs (its error message arrives, nothing else does). -ENOTRECOVERABLE: it could not come back, and the process must
 * exit.
 */
int cfd_joined_run(const struct cfd_joined *joined, int (*work)(void *data, struct cfd_error *err), void *data,
		   struct cfd_error *err);

/* The kind whose namespace holds that filesystem ("sysfs", "mqueue", "proc") or sysctl ("net.core.somaxconn"). */
bool cfd_joined_kind_of_filesystem(const char *type, enum cfd_joined_kind *ret_kind);
bool cfd_joined_kind_of_sysctl(const char *key, enum cfd_joined_kind *ret_kind);

#endif
