/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the resolvers of lib/image/ in turn. */
#include "lib/image/engine.h"

#include "lib/fd.h"
#include "lib/shape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static cfd_engine_resolver *const resolvers[] = {cfd_engine_containerd, cfd_engine_docker, cfd_engine_storage};

const char *cfd_engine_name(enum cfd_engine engine)
{
	static const char *const names[] = {
		[CFD_ENGINE_NONE] = "none",     [CFD_ENGINE_PODMAN] = "podman",
		[CFD_ENGINE_CRIO] = "cri-o",    [CFD_ENGINE_CONTAINERD] = "containerd",
		[CFD_ENGINE_DOCKER] = "docker",
	};

	return (size_t)engine < CFD_COUNT(names) ? names[engine] : "?";
}

/* The text of the path decides which engine it is, and the descriptor what is read: they must be the same directory. */
static int check_bundle(const struct cfd_engine_request *request, struct cfd_error *err)
{
	CFD_AUTO_FREE char *path = NULL;
	int r = cfd_fd_path(request->bundle_fd, &path, err);

	if (r)
		return cfd_wrap(err, "bundle %s", request->bundle);
	if (!cfd_streq(path, request->bundle))
		return cfd_fail(err, -EBADMSG,
				"the bundle %s was replaced while it was looked at: what was opened is %s",
				request->bundle, path);
	return 0;
}

static int resolve(const struct cfd_engine_request *request, struct cfd_image *image, struct cfd_error *err)
{
	int r = check_bundle(request, err);

	for (size_t i = 0; !r && image->engine == CFD_ENGINE_NONE && i < CFD_COUNT(resolvers); i++)
		r = resolvers[i](request, image, err);
	if (!r && !image->container_name)
		r = cfd_engine_copy(request->container_id, &image->container_name, err);
	return r;
}

int cfd_image_identify(const char *container_id, const char *bundle, int bundle_fd, const struct cfd_spec *spec,
		       struct cfd_image *ret_image, struct cfd_error *err)
{
	const struct cfd_engine_request request = {container_id, bundle, bundle_fd, spec};
	struct cfd_image image = {0};
	int r;

	/* It becomes part of paths; runc and crun accept the same and `+`, which no engine makes. */
	if (!cfd_shape_component(container_id))
		return cfd_fail(err, -EINVAL,
				"the container's id may consist of letters, digits, \".\", \"_\" and \"-\" only");
	r = resolve(&request, &image, err);
	if (r) {
		cfd_image_release(&image);
		return r;
	}
	*ret_image = image;
	return 0;
}

void cfd_image_release(struct cfd_image *image)
{
	free(image->name);
	free(image->id);
	for (size_t i = 0; i < CFD_IMAGE_MAX_DIGESTS; i++)
		free(image->digests[i]);
	free(image->container_name);
	free(image->rootfs);
	free(image->pod);
	for (size_t i = 0; i < CFD_COUNT(image->engine_dirs); i++)
		free(image->engine_dirs[i]);
	for (size_t i = 0; i < CFD_COUNT(image->volume_dirs); i++)
		free(image->volume_dirs[i]);
	*image = (struct cfd_image){0};
}
