/* SPDX-License-Identifier: Apache-2.0 */
/* What the resolvers of lib/image/ share. Only lib/image/image.c and lib/image/ include this. */
#ifndef CFD_IMAGE_ENGINE_H
#define CFD_IMAGE_ENGINE_H

#include "lib/image/image.h"

struct cfd_json;

/* Records of engines: a host with 5,000 containers has a containers.json of 4 MB. */
#define CFD_ENGINE_MAX_RECORDS ((size_t)64 << 20)

struct cfd_engine_request {
	const char *container_id;
	const char *bundle;
	int bundle_fd;
	const struct cfd_spec *spec;
};

/*
 * A resolver: sets engine in the image when the bundle is that of its engine, and then all that it knows. Leaves
 * CFD_ENGINE_NONE when it is not.
 */
typedef int cfd_engine_resolver(const struct cfd_engine_request *request, struct cfd_image *image,
				struct cfd_error *err);
cfd_engine_resolver cfd_engine_docker, cfd_engine_containerd, cfd_engine_storage;

/*
 * What is left for podman and CRI-O to say once lib/image/storage.c has found the record: their directories.
 * `driver` is "overlay" or "vfs" of `<graphroot>/<driver>-containers`, `pod_id` that of CRI-O's pod.
 */
int cfd_engine_podman_dirs(const struct cfd_engine_request *request, const char *driver, struct cfd_image *image,
			   struct cfd_error *err);
int cfd_engine_crio_dirs(const struct cfd_engine_request *request, const char *pod_id, struct cfd_image *image,
			 struct cfd_error *err);

/*
 * Where a bundle of containerd's lies: `<state>/io.containerd.runtime.v2.task/<namespace>/<id>`, which is containerd's
 * layout since 1.4 and Docker's too. `ret_is` is false for any other path; -EBADMSG when it is not this container's or
 * others can write there. The strings are the caller's to free.
 */
int cfd_engine_task(const struct cfd_engine_request *request, bool *ret_is, char **ret_state, char **ret_namespace,
		    struct cfd_error *err);

/* The image's name from what an engine recorded; an id or the beginning of one is no name. */
int cfd_engine_set_name(struct cfd_image *image, const char *reference, struct cfd_error *err);
/* For people; the container's id when it is none that can be printed. */
int cfd_engine_set_container_name(struct cfd_image *image, const char *name, const char *id, struct cfd_error *err);
/* One more digest, unless it is there. What is no digest is -EBADMSG. */
int cfd_engine_add_digest(struct cfd_image *image, const char *digest, struct cfd_error *err);
/* One more directory in one of the lists of nine. */
int cfd_engine_add_dir(char *dirs[9], struct cfd_error *err, const char *format, ...) CFD_PRINTF(3, 4);
int cfd_engine_copy(const char *text, char **slot, struct cfd_error *err);

/*
 * Containers that share a network or IPC namespace (a pod, --network container:X) are given the other's resolv.conf,
 * hosts, hostname or shm: <root>/<64 hexadecimal digits><tail>/<file>. These files, not their directories, are
 * added, unless they lie in a directory that is there already.
 */
int cfd_engine_add_shared(struct cfd_image *image, const struct cfd_spec *spec, const char *root, const char *tail,
			  struct cfd_error *err);

/* The kubelet's directories of that pod, and of no other. `uid` NULL: what linux.cgroupsPath says, if it does. */
int cfd_engine_add_pod(struct cfd_image *image, const struct cfd_spec *spec, const char *uid, struct cfd_error *err);

#endif
