/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is this container? The image's name and digests, as the ENGINE's own records say: podman's storage, annotations
 * of containerd's and CRI-O's CRI plugins, Docker's config.v2.json. One small resolver per engine in lib/image/.
 *
 * Annotations that an image or a user can set are not proof: an annotation is believed only where the engine writes
 * it itself and the bundle lies in that engine's state directory, which only root (or the caller) can write.
 */
#ifndef CFD_IMAGE_H
#define CFD_IMAGE_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_spec;

#define CFD_IMAGE_MAX_DIGESTS 32 /* of one image; more are an error, as a profile might name one of them */

enum cfd_engine {
	CFD_ENGINE_NONE, /* nobody that we know: a bare runtime, `ctr` */
	CFD_ENGINE_PODMAN,
	CFD_ENGINE_CRIO,
	CFD_ENGINE_CONTAINERD,
	CFD_ENGINE_DOCKER,
};

struct cfd_image {
	enum cfd_engine engine;
	char *name; /* normalised: docker.io/library/nginx:1.27; NULL when the engine does not tell */
	char *id;   /* "sha256:..." of the image's configuration, or NULL */
	char *digests[CFD_IMAGE_MAX_DIGESTS + 1]; /* "sha256:..." of manifests, NULL-terminated */
	char *container_name;                     /* for people; the id when the engine has no name */
	bool sandbox;                             /* a pod's pause container */
	/*
	 * Where podman has mounted this container's layers, when root.path is only where it will bind them for the
	 * runtime (a container whose ids do not include root's). Else NULL.
	 */
	char *rootfs;
	/*
	 * Directories in which this engine keeps files of its own that it binds into this container (resolv.conf,
	 * hosts, hostname, shm, secrets) and its named volumes. Absolute, as the engine's records and the bundle's
	 * location tell; NULL-terminated; at most 8 each. An engine's volume may itself be a bind of any host directory
	 * (`volume create --opt o=bind --opt device=/`): where it leads is for whoever trusts these to find out.
	 */
	char *engine_dirs[9];
	char *volume_dirs[9];
	/* The id of the pod's sandbox (its own, for a sandbox), as the CRI's engine records it; else NULL. Podman's
	   pods have none: an annotation names it, and anybody may write that. */
	char *pod;
};

/*
 * Asks the resolvers in turn; the first that recognises the bundle answers. Nobody recognising it is no error: engine
 * is CFD_ENGINE_NONE and name NULL. An engine's record that is torn, missing or contradicts the bundle is an error.
 * `bundle` is the bundle's real absolute path, `bundle_fd` the open directory.
 */
int cfd_image_identify(const char *container_id, const char *bundle, int bundle_fd, const struct cfd_spec *spec,
		       struct cfd_image *ret_image, struct cfd_error *err);
void cfd_image_release(struct cfd_image *image);
const char *cfd_engine_name(enum cfd_engine engine);

/* Brings a reference to its full form (distribution/reference): nginx -> docker.io/library/nginx:latest. The caller
 * frees. */
int cfd_image_normalise(const char *reference, char **ret_name, struct cfd_error *err);

#endif
