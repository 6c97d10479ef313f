/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containerd's CRI plugin. Its annotations are believed in the namespace k8s.io of containerd's own state directory:
 * the plugin adds them behind whatever the image and the pod brought (internal/cri/annotations, DefaultCRIAnnotations),
 * so that theirs lose.
 */
#include "lib/image/engine.h"

#include "lib/shape.h"
#include "lib/spec/spec.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CRI "io.kubernetes.cri."
#define PLUGIN "io.containerd.grpc.v1.cri" /* its directories keep this name in containerd 2 */

static int fail_annotation(struct cfd_error *err, const char *name, const char *value)
{
	return cfd_fail(err, -EBADMSG,
			"containerd's annotation %s is \"%.100s\", which is not what containerd writes there", name,
			value ? value : "(missing)");
}

static int read_name(const struct cfd_spec *spec, struct cfd_image *image, struct cfd_error *err)
{
	const char *name = cfd_spec_annotation(spec, image->sandbox ? CRI "podsandbox.image-name" : CRI "image-name");

	if (!name && image->sandbox)
		return 0; /* containerd before 2.0 */
	if (!name)
		return cfd_fail(err, -EBADMSG,
				"containerd wrote no annotation " CRI "image-name: containerd 1.5 or later is needed");
	return cfd_engine_set_name(image, name, err);
}

/* namespace/pod/container */
static int read_container_name(const struct cfd_engine_request *request, struct cfd_image *image, struct cfd_error *err)
{
	static const char *const keys[] = {CRI "sandbox-namespace", CRI "sandbox-name", CRI "container-name"};
	CFD_AUTO_BUF struct cfd_buf name = {0};

	for (size_t i = 0; i < CFD_COUNT(keys); i++) {
		const char *part = cfd_spec_annotation(request->spec, keys[i]);

		if (cfd_shape_component(part) && cfd_buf_addf(&name, "%s%s", name.length ? "/" : "", part))
			return cfd_fail_memory(err, "an image");
	}
	return cfd_engine_copy(name.length ? name.data : request->container_id, &image->container_name, err);
}

/* The `work` link leads to <root>/io.containerd.runtime.v2.task/k8s.io/<id>: that is how the root is known. */
static int read_root(const struct cfd_engine_request *request, char **ret_root, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf end = {0};
	char target[PATH_MAX];
	ssize_t length = readlinkat(request->bundle_fd, "work", target, sizeof(target) - 1);

	if (length < 0)
		return cfd_fail_errno(err, -errno, "cannot read the link \"work\" in containerd's bundle %s",
				      request->bundle);
	target[length] = '\0';
	if (cfd_buf_addf(&end, "/io.containerd.runtime.v2.task/k8s.io/%s", request->container_id))
		return cfd_fail_memory(err, "an image");
	if (!cfd_shape_path(target) || !cfd_ends_with(target, end.data))
		return cfd_fail(err, -EBADMSG,
				"the link \"work\" in containerd's bundle %s leads to %s instead of ...%s",
				request->bundle, target, end.data);
	*ret_root = strndup(target, (size_t)length - end.length);
	return *ret_root ? 0 : cfd_fail_memory(err, "an image");
}

static int read_dirs(const struct cfd_engine_request *request, const char *state, struct cfd_image *image,
		     struct cfd_error *err)
{
	CFD_AUTO_FREE char *root = NULL;
	const char *sandbox = cfd_spec_annotation(request->spec, CRI "sandbox-id");
	int r;

	if (!cfd_shape_hex(sandbox, 64))
		return fail_annotation(err, CRI "sandbox-id", sandbox);
	r = cfd_engine_copy(sandbox, &image->pod, err);
	if (!r)
		r = read_root(request, &root, err);
	if (!r)
		r = cfd_engine_add_dir(image->engine_dirs, err, "%s/" PLUGIN "/sandboxes/%s", root, sandbox);
	if (!r)
		r = cfd_engine_add_dir(image->engine_dirs, err, "%s/" PLUGIN "/sandboxes/%s/shm", state, sandbox);
	if (!r) /* what the image's VOLUME lines became */
		r = cfd_engine_add_dir(image->volume_dirs, err, "%s/" PLUGIN "/containers/%s/volumes", root,
				       request->container_id);
	return r ? r
		 : cfd_engine_add_pod(image, request->spec, cfd_spec_annotation(request->spec, CRI "sandbox-uid"), err);
}

int cfd_engine_containerd(const struct cfd_engine_request *request, struct cfd_image *image, struct cfd_error *err)
{
	CFD_AUTO_FREE char *state = NULL, *namespace = NULL;
	const char *type;
	bool is;
	int r = cfd_engine_task(request, &is, &state, &namespace, err);

	if (r || !is || !cfd_streq(namespace, "k8s.io"))
		return r;
	type = cfd_spec_annotation(request->spec, CRI "container-type");
	if (!type)
		return 0; /* `ctr --namespace k8s.io`, nerdctl: not the plugin's */
	image->sandbox = cfd_streq(type, "sandbox");
	if (!image->sandbox && !cfd_streq(type, "container"))
		return fail_annotation(err, CRI "container-type", type);
	image->engine = CFD_ENGINE_CONTAINERD;
	r = read_name(request->spec, image, err);
	if (!r)
		r = read_container_name(request, image, err);
	return r ? r : read_dirs(request, state, image, err);
}
