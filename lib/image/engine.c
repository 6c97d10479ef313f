/* SPDX-License-Identifier: Apache-2.0 */
/* What the resolvers share: filling the image, and the layout of containerd's tasks and of the kubelet's pods. */
#include "lib/image/engine.h"

#include "lib/path.h"
#include "lib/shape.h"
#include "lib/spec/spec.h"
#include "lib/trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ID_DIGITS 64 /* every engine here: 32 random bytes in hexadecimal */

int cfd_engine_copy(const char *text, char **slot, struct cfd_error *err)
{
	return cfd_string_replace(slot, text) ? cfd_fail_memory(err, "an image") : 0;
}

/* What was typed instead of a name: "sha256:...", or hexadecimal digits with which the image's id begins. */
static bool is_id(const struct cfd_image *image, const char *reference)
{
	const char *id = image->id && cfd_starts_with(image->id, "sha256:") ? image->id + 7 : "";

	return !*reference || cfd_shape_digest(reference) || cfd_shape_hex(reference, 64) ||
	       (*id && cfd_starts_with(id, reference));
}

int cfd_engine_set_name(struct cfd_image *image, const char *reference, struct cfd_error *err)
{
	const char *digest;
	char *name;
	int r;

	if (is_id(image, reference))
		return 0;
	r = cfd_image_normalise(reference, &name, err);
	if (r)
		return cfd_wrap(err, "what %s recorded", cfd_engine_name(image->engine));
	free(image->name);
	image->name = name;
	digest = strchr(name, '@');
	return digest ? cfd_engine_add_digest(image, digest + 1, err) : 0;
}

int cfd_engine_set_container_name(struct cfd_image *image, const char *name, const char *id, struct cfd_error *err)
{
	return cfd_engine_copy(cfd_shape_component(name) ? name : id, &image->container_name, err);
}

int cfd_engine_add_digest(struct cfd_image *image, const char *digest, struct cfd_error *err)
{
	size_t count = 0;

	if (!cfd_shape_digest(digest))
		return cfd_fail(err, -EBADMSG, "%s recorded \"%.200s\" as a digest, which is none",
				cfd_engine_name(image->engine), digest ? digest : "");
	for (; image->digests[count]; count++)
		if (cfd_streq(image->digests[count], digest))
			return 0;
	if (count == CFD_IMAGE_MAX_DIGESTS)
		return cfd_fail(err, -E2BIG, "%s knows the image by more than %d digests",
				cfd_engine_name(image->engine), CFD_IMAGE_MAX_DIGESTS);
	return cfd_engine_copy(digest, &image->digests[count], err);
}

int cfd_engine_add_dir(char *dirs[9], struct cfd_error *err, const char *format, ...)
{
	CFD_AUTO_BUF struct cfd_buf path = {0};
	size_t count = 0;
	va_list args;
	int r;

	va_start(args, format);
	r = cfd_buf_vaddf(&path, format, args);
	va_end(args);
	if (r)
		return cfd_fail_memory(err, "an engine's directories");
	for (; dirs[count]; count++)
		if (cfd_streq(dirs[count], path.data))
			return 0;
	if (count == 8)
		return cfd_fail(err, -E2BIG, "more than 8 directories of the engine's are bound into this container");
	dirs[count] = cfd_take(path.data);
	return 0;
}

int cfd_engine_task(const struct cfd_engine_request *request, bool *ret_is, char **ret_state, char **ret_namespace,
		    struct cfd_error *err)
{
	static const char layout[] = "/io.containerd.runtime.v2.task/";
	const char *found = strstr(request->bundle, layout);
	const char *namespace = found ? found + sizeof(layout) - 1 : "", *id = strchr(namespace, '/');
	CFD_AUTO_FREE char *state = NULL, *copy = NULL;
	int r;

	if (!id || strchr(id + 1, '/')) {
		*ret_is = false;
		return 0;
	}
	if (!cfd_streq(id + 1, request->container_id))
		return cfd_fail(err, -EBADMSG, "the bundle %s is not that of the container %s", request->bundle,
				request->container_id);
	r = cfd_trust_check_chain(request->bundle_fd, request->bundle, err);
	if (r)
		return r;
	state = strndup(request->bundle, (size_t)(found - request->bundle));
	copy = strndup(namespace, (size_t)(id - namespace));
	if (!state || !copy)
		return cfd_fail_memory(err, "an image");
	*ret_state = cfd_take(state);
	*ret_namespace = cfd_take(copy);
	*ret_is = true;
	return 0;
}

/* Whether `source` is <root>/<id><tail>/<file>. */
static bool is_shared(const char *source, const char *root, const char *tail, const char *file)
{
	char id[ID_DIGITS + 1] = "";
	size_t length = strlen(root);

	if (!cfd_starts_with(source, root) || source[length] != '/' || strlen(source + length + 1) < ID_DIGITS)
		return false;
	memcpy(id, source + length + 1, ID_DIGITS);
	source += length + 1 + ID_DIGITS;
	return cfd_shape_hex(id, ID_DIGITS) && cfd_starts_with(source, tail) && source[strlen(tail)] == '/' &&
	       cfd_streq(source + strlen(tail) + 1, file);
}

/* In one of the directories that are known already, such as the container's own. */
static bool is_known(const struct cfd_image *image, const char *source)
{
	for (size_t i = 0; image->engine_dirs[i]; i++)
		if (cfd_path_beneath(source, image->engine_dirs[i]))
			return true;
	return false;
}

int cfd_engine_add_shared(struct cfd_image *image, const struct cfd_spec *spec, const char *root, const char *tail,
			  struct cfd_error *err)
{
	static const struct {
		const char *destination, *file;
	} files[] = {
		{"/etc/resolv.conf", "resolv.conf"}, {"/etc/hosts", "hosts"},
		{"/etc/hostname", "hostname"},       {"/dev/shm", "shm"},
		{"/dev/shm", "mounts/shm"}, /* Docker's */
	};
	int r = 0;

	for (size_t i = 0; i < spec->mount_count; i++) {
		const struct cfd_spec_mount *mount = &spec->mounts[i];

		for (size_t k = 0; !r && mount->source && k < CFD_COUNT(files); k++)
			if (cfd_streq(mount->destination, files[k].destination) &&
			    is_shared(mount->source, root, tail, files[k].file) && !is_known(image, mount->source))
				r = cfd_engine_add_dir(image->engine_dirs, err, "%s", mount->source);
	}
	return r;
}

/*
 * The pod's uid in linux.cgroupsPath, which the kubelet chose: "kubepods-burstable-pod<uid>.slice:PREFIX:ID" for
 * systemd, with "_" for "-", or "/kubepods/burstable/pod<uid>/ID". Nothing that a pod's author writes is in it, and
 * containerd before 1.7 has no other place for it.
 */
static bool uid_of_cgroup(const char *path, char uid[254])
{
	const char *end = strstr(path, ".slice:"), *start = NULL;
	bool systemd = end != NULL;

	if (!systemd)
		end = strrchr(path, '/');
	for (const char *c = path; end && c < end; c++)
		if (cfd_starts_with(c, systemd ? "-pod" : "/pod"))
			start = c + 4;
	if (!start || (size_t)(end - start) >= 254)
		return false;
	memcpy(uid, start, (size_t)(end - start));
	uid[end - start] = '\0';
	for (char *c = uid; systemd && *c; c++)
		if (*c == '_')
			*c = '-';
	return cfd_shape_component(uid);
}

int cfd_engine_add_pod(struct cfd_image *image, const struct cfd_spec *spec, const char *uid, struct cfd_error *err)
{
	/* Kubernetes' pkg/kubelet/kubelet_getters.go; volumes that the API server hands out and the pod's own. */
	static const char *const dirs[] = {
		"etc-hosts",
		"containers",
		"volumes/kubernetes.io~configmap",
		"volumes/kubernetes.io~secret",
		"volumes/kubernetes.io~projected",
		"volumes/kubernetes.io~empty-dir",
		"volumes/kubernetes.io~downward-api",
	};
	char from_cgroup[254];
	int r = 0;

	if (uid && !cfd_shape_component(uid))
		return cfd_fail(err, -EBADMSG, "%s gives \"%.100s\" as the pod's uid, which is none",
				cfd_engine_name(image->engine), uid);
	if (!uid && spec->cgroups_path && uid_of_cgroup(spec->cgroups_path, from_cgroup))
		uid = from_cgroup;
	for (size_t i = 0; !r && uid && i < CFD_COUNT(dirs); i++)
		r = cfd_engine_add_dir(image->volume_dirs, err, "/var/lib/kubelet/pods/%s/%s", uid, dirs[i]);
	return r;
}
