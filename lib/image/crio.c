/* SPDX-License-Identifier: Apache-2.0 */
/* CRI-O: which directories are its own. Who the image is says lib/image/storage.c. */
#include "lib/image/engine.h"

#include "lib/spec/spec.h"

#include <string.h>

/* The bundle is <runroot>/<driver>-containers/<id>/userdata; the pod's sandbox has the same with its own id. */
int cfd_engine_crio_dirs(const struct cfd_engine_request *request, const char *pod_id, struct cfd_image *image,
			 struct cfd_error *err)
{
	size_t tail = strlen(request->container_id) + strlen("/userdata");
	int below = (int)(strlen(request->bundle) - tail);
	int r = cfd_engine_add_dir(image->engine_dirs, err, "%s", request->bundle);

	if (!r)
		r = cfd_engine_add_dir(image->engine_dirs, err, "%.*s%s/userdata", below, request->bundle, pod_id);
	return r ? r : cfd_engine_add_pod(image, request->spec, NULL, err);
}
