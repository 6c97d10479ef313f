/* SPDX-License-Identifier: Apache-2.0 */
/* podman: which directories are its own. Who the image is says lib/image/storage.c. */
#include "lib/image/engine.h"

#include "lib/spec/spec.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* <runroot> as a mount of this container's own files tells it: nobody could name the id before podman made it up. */
static char *runroot_of_mounts(const struct cfd_engine_request *request, const char *driver)
{
	CFD_AUTO_BUF struct cfd_buf own = {0};

	if (cfd_buf_addf(&own, "/%s-containers/%s/userdata/", driver, request->container_id))
		return NULL;
	for (size_t i = 0; i < request->spec->mount_count; i++) {
		const char *source = request->spec->mounts[i].source, *found = source ? strstr(source, own.data) : NULL;

		if (found && found != source && !cfd_starts_with(source, request->bundle))
			return strndup(source, (size_t)(found - source));
	}
	return strdup("/run/containers/storage");
}

int cfd_engine_podman_dirs(const struct cfd_engine_request *request, const char *driver, struct cfd_image *image,
			   struct cfd_error *err)
{
	CFD_AUTO_FREE char *runroot = runroot_of_mounts(request, driver);
	CFD_AUTO_BUF struct cfd_buf below = {0};
	CFD_AUTO_BUF struct cfd_buf graph = {0};
	size_t tail = strlen("/") + strlen(request->container_id) + strlen("/userdata");
	int r;

	/* ".../<driver>-containers", in the run root and in the graph root */
	if (!runroot || cfd_buf_addf(&below, "%s/%s-containers", runroot, driver) ||
	    cfd_buf_add(&graph, request->bundle, strlen(request->bundle) - tail))
		return cfd_fail_memory(err, "an image");
	r = cfd_engine_add_dir(image->engine_dirs, err, "%s", request->bundle);
	if (!r)
		r = cfd_engine_add_dir(image->engine_dirs, err, "%s/%s/userdata", below.data, request->container_id);
	if (!r)
		r = cfd_engine_add_shared(image, request->spec, below.data, "/userdata", err);
	if (!r)
		r = cfd_engine_add_shared(image, request->spec, graph.data, "/userdata", err);
	*strrchr(graph.data, '/') = '\0'; /* to <graphroot> */
	return r ? r : cfd_engine_add_dir(image->volume_dirs, err, "%s/volumes", graph.data);
}
