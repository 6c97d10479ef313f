/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's files, put together before its runtime starts: clones of what the rules have judged, by descriptor,
 * so that nothing that is renamed or replaced afterwards is mounted; and for a user namespace of ours, without a chown:
 * an idmapped rootfs (a plain directory, or an overlay that is rebuilt over idmapped layers), idmapped volumes and
 * engine files, and the mounts that a user namespace may not make itself. All of it lives in a private mount namespace
 * that dies with the container's processes.
 */
#ifndef CFD_IDMAP_H
#define CFD_IDMAP_H

#include "lib/base.h"
#include "lib/err.h"
#include "lib/userns/sysctls.h"
#include "lib/userns/userns.h"

struct cfd_held;
struct cfd_image;
struct cfd_profile;
struct cfd_spec;

struct cfd_idmap_request {
	const struct cfd_spec *spec;
	const struct cfd_image *image;
	const struct cfd_profile *profile;
	const struct cfd_held *held; /* every bind's source and every namespace by path is open */
	const char *rootfs;          /* absolute, real; for messages */
	int rootfs_fd;               /* O_PATH */
	struct cfd_userns_range range;
	int userns_fd;    /* maps the range; -1: no user namespace of ours, and nothing is idmapped */
	bool join_userns; /* the container joins that one (a pod's), instead of a new one with the same range */
	const char
		*stage_dir; /* an existing 0711 directory whose parents are 0711: a tmpfs is mounted there, privately */
};

/*
 * Replaces the source of mounts[index]; every bind has one. A mount that was a bind keeps its options. One that was not
 * (clear_type) becomes one: its type is `bind` then (crun dies of a mount without a type when an ipc namespace is
 * joined), of its options stay ro, nosuid, nodev, noexec and the access time ones, and `bind` is added.
 */
struct cfd_idmap_mount {
	size_t index;
	char *source;    /* absolute, in the stage; NULL if nested */
	bool nested;     /* it is inside of an earlier one already: the entry goes */
	bool carries;    /* others are inside of it: it must be an rbind */
	bool idmapped;   /* a bind whose files have the container's ids on disk */
	bool clear_type; /* it was no bind before: sysfs, mqueue, proc that were made beforehand */
};

/*
 * Replaces linux.devices[index]: the entry goes and a bind mount of this source at the device's path is appended to the
 * mounts (options bind, nosuid, noexec). In a user namespace runtimes bind the host's node of the same PATH, whatever
 * its numbers are and whoever owns it; this one has the numbers of the entry and an owner whom the container knows.
 */
struct cfd_idmap_device {
	size_t index;
	char *source;
};

/* Replaces the path of linux.namespaces[index]: the same namespace, bound where nothing replaces it. */
struct cfd_idmap_namespace {
	size_t index;
	char *path;
};

struct cfd_idmap_result {
	char *rootfs; /* absolute, in the stage */
	struct cfd_idmap_namespace *namespaces;
	size_t namespace_count;
	char *userns_path; /* of the user namespace that is to be joined, or NULL */
	struct cfd_idmap_mount *mounts;
	size_t mount_count;
	struct cfd_idmap_device *devices;
	size_t device_count;
	struct cfd_sysctls sysctls; /* what was set already, from the host, inside the namespace it belongs to */
	char *layers; /* for people: "overlay, 12 layers" or "directory on ext4"; NULL if nothing is idmapped */
};

/*
 * Moves THIS process into a new mount namespace and prepares all of it there; the runtime must be started from this
 * process. With a user namespace also replaces descriptors 0-2 that are the host's /dev/null (or zero, full, ...) by
 * nodes of our own (crun before 1.24 gives what it finds there to the container's root; a terminal of the host's is
 * left).
 *
 * Outside of that namespace change only: sysctls inside of namespaces that the container joins by path (its own network
 * namespace, as an engine made it); a directory `cofferdam-work` beside an overlay's workdir, which the next start of
 * the container uses again and which goes with the engine's directory of the container; an empty directory `rootfs` in
 * stage_dir.
 *
 * On failure the process is left in the new namespace and should exit. It may return to its old mount namespace
 * instead, unless the failure is -ENOTRECOVERABLE: then it is stuck in another namespace, or with other ids, as well.
 * Errors name the path, its filesystem and the kernel that would be needed.
 */
int cfd_idmap_prepare(const struct cfd_idmap_request *request, struct cfd_idmap_result *ret_result,
		      struct cfd_error *err);
void cfd_idmap_result_release(struct cfd_idmap_result *result);

/* For the parts of it: adds a mount; the source becomes the result's. */
void cfd_idmap_add_mount(struct cfd_idmap_result *result, struct cfd_idmap_mount mount);

#endif
