/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Docker: its containers are tasks of a containerd (its own below /run/docker, or the host's) in the namespace moby,
 * and <data-root>/containers/<id>/config.v2.json says what they are.
 *
 * Where the data root is, is taken from root.path, which only the daemon writes; mounts would tell as well, but their
 * sources are the user's. Layouts: moby daemon/graphdriver, each driver's Get(), and daemon/snapshotter/mount.go.
 */
#include "lib/image/engine.h"

#include "lib/image/records.h"
#include "lib/json/json.h"
#include "lib/shape.h"
#include "lib/spec/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CONFIG ((size_t)8 << 20)

/* <data-root><part>... */
static const char *const rootfs_layouts[] = {
	"/overlay2/", "/rootfs/", "/fuse-overlayfs/", "/vfs/dir/", "/btrfs/subvolumes/", "/zfs/graph/",
};

/* "moby", or with userns-remap "moby-231072.231072" */
static bool is_namespace(const char *namespace)
{
	return cfd_streq(namespace, "moby") ||
	       (cfd_starts_with(namespace, "moby-") && !namespace[5 + strspn(namespace + 5, "0123456789.")]);
}

/* The layout that begins last in the path, since a data root may itself lie in such a directory. */
static int read_data_root(const struct cfd_engine_request *request, char **ret_root, struct cfd_error *err)
{
	const char *path = request->spec->root_path, *last = NULL;

	for (size_t i = 0; cfd_shape_path(path) && i < CFD_COUNT(rootfs_layouts); i++)
		for (const char *found = strstr(path, rootfs_layouts[i]); found;
		     found = strstr(found + 1, rootfs_layouts[i]))
			if (found != path && (!last || found > last))
				last = found;
	if (!last)
		return cfd_fail(
			err, -EBADMSG,
			"cannot tell Docker's data directory from root.path \"%.300s\": it is that of no storage "
			"driver "
			"that is known here (overlay2, containerd's snapshotters, fuse-overlayfs, vfs, btrfs, zfs)",
			path ? path : "");
	*ret_root = strndup(path, (size_t)(last - path));
	return *ret_root ? 0 : cfd_fail_memory(err, "an image");
}

static int parse_file(const char *dir, const char *file, size_t max, struct cfd_json_doc **ret_doc,
		      struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	const struct cfd_json_options options = {.name = file, .max_bytes = max};
	CFD_AUTO_FD int fd = -1;
	int r = cfd_records_open_dir(dir, &fd, err);

	if (!r)
		r = cfd_records_read(fd, dir, file, max, &text, err);
	if (r)
		return r;
	return cfd_json_parse(text.data ? text.data : "", text.length, &options, ret_doc, err)
		       ? cfd_wrap(err, "%s", dir)
		       : 0;
}

/* The manifests that the image was pulled by: "Repositories": {"nginx": {"nginx@sha256:...": "sha256:<image>"}}. */
static int read_repositories(const char *root, const char *driver, struct cfd_image *image, struct cfd_error *err)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO_BUF struct cfd_buf dir = {0};
	const struct cfd_json *repositories;
	int r;

	if (!image->id || !cfd_shape_component(driver))
		return 0;
	if (cfd_buf_addf(&dir, "%s/image/%s", root, driver))
		return cfd_fail_memory(err, "an image");
	r = parse_file(dir.data, "repositories.json", MAX_CONFIG, &doc, err);
	if (r)
		return r == -ENOENT ? 0 : r; /* containerd's image store has none */
	repositories = cfd_json_get(cfd_json_root(doc), "Repositories");
	for (size_t i = 0; !r && i < cfd_json_count(repositories); i++) {
		const char *key;
		const struct cfd_json *references = cfd_json_member(repositories, i, &key);

		for (size_t k = 0; !r && k < cfd_json_count(references); k++) {
			const char *id = cfd_json_string(cfd_json_member(references, k, &key)), *at = strchr(key, '@');

			if (at && cfd_streq(id, image->id))
				r = cfd_engine_add_digest(image, at + 1, err);
		}
	}
	return r;
}

static int read_id(const struct cfd_json *config, struct cfd_image *image, struct cfd_error *err)
{
	const char *id = cfd_json_string(cfd_json_get(config, "Image"));

	if (!id || (*id && !cfd_shape_digest(id)))
		return cfd_fail(err, -EBADMSG, "Docker's config.v2.json gives \"%.100s\" as the image's id",
				id ? id : "");
	return *id ? cfd_engine_copy(id, &image->id, err) : 0;
}

static int read_config(const struct cfd_engine_request *request, const char *root, struct cfd_json_doc *doc,
		       struct cfd_image *image, struct cfd_error *err)
{
	const struct cfd_json *config = cfd_json_root(doc);
	const char *id = cfd_json_string(cfd_json_get(config, "ID"));
	const char *name = cfd_json_string(cfd_json_get(config, "Name"));
	const char *reference = cfd_json_string(cfd_json_get(cfd_json_get(config, "Config"), "Image"));
	const char *manifest = cfd_json_string(cfd_json_get(cfd_json_get(config, "ImageManifest"), "digest"));
	int r;

	if (!cfd_streq(id, request->container_id))
		return cfd_fail(err, -EBADMSG, "%s/containers/%s/config.v2.json is the record of \"%.100s\"", root,
				request->container_id, id ? id : "");
	r = read_id(config, image, err);
	if (!r && reference)
		r = cfd_engine_set_name(image, reference, err);
	if (!r && manifest)
		r = cfd_engine_add_digest(image, manifest, err);
	if (!r)
		r = read_repositories(root, cfd_json_string(cfd_json_get(config, "Driver")), image, err);
	if (!r)
		r = cfd_engine_set_container_name(image, name && *name == '/' ? name + 1 : name, request->container_id,
						  err);
	return r;
}

static int read_dirs(const struct cfd_engine_request *request, const char *root, struct cfd_image *image,
		     struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf containers = {0};
	int r;

	if (cfd_buf_addf(&containers, "%s/containers", root))
		return cfd_fail_memory(err, "an image");
	r = cfd_engine_add_dir(image->engine_dirs, err, "%s/%s", containers.data, request->container_id);
	if (!r)
		r = cfd_engine_add_shared(image, request->spec, containers.data, "", err);
	return r ? r : cfd_engine_add_dir(image->volume_dirs, err, "%s/volumes", root);
}

int cfd_engine_docker(const struct cfd_engine_request *request, struct cfd_image *image, struct cfd_error *err)
{
	CFD_AUTO_FREE char *state = NULL, *namespace = NULL, *root = NULL;
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO_BUF struct cfd_buf dir = {0};
	bool is;
	int r = cfd_engine_task(request, &is, &state, &namespace, err);

	if (r || !is || !is_namespace(namespace))
		return r;
	image->engine = CFD_ENGINE_DOCKER;
	r = read_data_root(request, &root, err);
	if (r)
		return r;
	if (cfd_buf_addf(&dir, "%s/containers/%s", root, request->container_id))
		return cfd_fail_memory(err, "an image");
	r = parse_file(dir.data, "config.v2.json", MAX_CONFIG, &doc, err);
	if (!r)
		r = read_config(request, root, doc, image, err);
	return r ? r : read_dirs(request, root, image, err);
}
