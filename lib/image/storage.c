/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containers/storage, which podman and CRI-O keep their images and containers in:
 *
 *   <graphroot>/<driver>-containers/containers.json, volatile-containers.json   records of containers
 *   <graphroot>/<driver>-containers/<id>/userdata                              podman's bundle
 *   <runroot>/<driver>-containers/<id>/userdata                                CRI-O's bundle
 *   <graphroot>/<driver>-images/images.json                                    records of images
 *
 * The record of the container says which image it is. Annotations say it as well and are not looked at: in CRI-O a
 * pod's author can write some of them, in podman anybody.
 */
#include "lib/image/engine.h"

#include "lib/image/records.h"
#include "lib/json/json.h"
#include "lib/shape.h"
#include "lib/spec/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONTAINERS "-containers"
#define DEFAULT_RUNROOT "/run/containers/storage" /* of root; c/storage types/options.go */

/* What is known on the way. Documents are parsed copies; `metadata` is a document inside of a string of the record. */
struct finding {
	const struct cfd_engine_request *request;
	char *parent; /* of <driver>-containers that the bundle lies in */
	char *driver;
	char *graphroot; /* of where the record was found */
	struct cfd_json_doc *record, *metadata;
};

static void finding_release(struct finding *finding)
{
	free(finding->parent);
	free(finding->driver);
	free(finding->graphroot);
	cfd_json_doc_free(finding->record);
	cfd_json_doc_free(finding->metadata);
}

static const char *record_string(struct cfd_json_doc *doc, const char *key)
{
	return doc ? cfd_json_string(cfd_json_get(cfd_json_root(doc), key)) : NULL;
}

/* <parent>/<driver>-containers/<id>/userdata -> parent and driver. False: the bundle lies elsewhere. */
static bool split_bundle(struct finding *finding)
{
	const struct cfd_engine_request *request = finding->request;
	CFD_AUTO_FREE char *path = strdup(request->bundle);
	char *id, *containers;

	if (!path || !cfd_ends_with(path, "/userdata"))
		return false;
	path[strlen(path) - strlen("/userdata")] = '\0';
	id = strrchr(path, '/');
	if (!id || !cfd_streq(id + 1, request->container_id))
		return false;
	*id = '\0';
	containers = strrchr(path, '/');
	if (!containers || !cfd_ends_with(containers, CONTAINERS))
		return false;
	containers[strlen(containers) - strlen(CONTAINERS)] = '\0';
	*containers = '\0';
	finding->parent = strdup(path);
	finding->driver = strdup(containers + 1);
	return finding->parent && cfd_shape_component(finding->driver);
}

static int find_in_file(struct finding *finding, int dirfd, const char *dir, const char *file, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	CFD_AUTO_BUF struct cfd_buf name = {0};
	int r = cfd_records_read(dirfd, dir, file, CFD_ENGINE_MAX_RECORDS, &text, err);

	if (r == -ENOENT)
		return 0;
	if (!r && cfd_buf_addf(&name, "%s/%s", dir, file))
		r = cfd_fail_memory(err, "an image");
	return r ? r : cfd_records_find(&text, name.data, finding->request->container_id, &finding->record, err);
}

/* Looks below one root; that there is none, or no record in it, is no error. */
static int find_below(struct finding *finding, const char *root, struct cfd_error *err)
{
	/* The second since c/storage 1.46: containers that do not outlive a boot (podman --rm, all of CRI-O's). */
	static const char *const files[] = {"containers.json", "volatile-containers.json"};
	CFD_AUTO_BUF struct cfd_buf dir = {0};
	CFD_AUTO_FD int fd = -1;
	int r;

	if (cfd_buf_addf(&dir, "%s/%s" CONTAINERS, root, finding->driver))
		return cfd_fail_memory(err, "an image");
	r = cfd_records_open_dir(dir.data, &fd, err);
	if (r)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; !r && !finding->record && i < CFD_COUNT(files); i++)
		r = find_in_file(finding, fd, dir.data, files[i], err);
	return r;
}

/* The last "/<driver>/" in root.path, which the engine writes: <graphroot>/overlay/<layer>/merged, .../vfs/dir/<layer>.
 */
static const char *layers_in_rootfs(const struct finding *finding)
{
	CFD_AUTO_BUF struct cfd_buf part = {0};
	const char *root = finding->request->spec->root_path, *found = NULL;

	if (!cfd_shape_path(root) || cfd_buf_addf(&part, "/%s/", finding->driver))
		return NULL;
	for (const char *next = strstr(root, part.data); next; next = strstr(next + 1, part.data))
		found = next;
	return found == root ? NULL : found;
}

/* Where root.path lies in the storage, it must be the layer of the record. */
static int check_layer(const struct finding *finding, const char *layers, struct cfd_error *err)
{
	const char *layer = record_string(finding->record, "layer"), *at;

	if (!layers)
		return 0; /* podman run --rootfs */
	at = layers + 1 + strlen(finding->driver) + 1;
	if (cfd_starts_with(at, "dir/"))
		at += strlen("dir/");
	if (layer && *layer && cfd_starts_with(at, layer) && (!at[strlen(layer)] || at[strlen(layer)] == '/'))
		return 0;
	return cfd_fail(err, -EBADMSG, "root.path is %s, but the record of the container %s has the layer \"%.100s\"",
			finding->request->spec->root_path, finding->request->container_id, layer ? layer : "");
}

/*
 * Beside the bundle (podman); below the graph root that root.path tells (CRI-O, whose bundle is in the run root); below
 * the run root (podman with transient_store).
 */
static int find_record(struct finding *finding, struct cfd_error *err)
{
	const char *layers = layers_in_rootfs(finding), *root = finding->request->spec->root_path;
	CFD_AUTO_FREE char *graphroot = layers ? strndup(root, (size_t)(layers - root)) : NULL;
	const char *roots[] = {finding->parent, graphroot, geteuid() == 0 ? DEFAULT_RUNROOT : NULL};
	int r = 0;

	for (size_t i = 0; !r && !finding->record && i < CFD_COUNT(roots); i++)
		if (roots[i])
			r = find_below(finding, roots[i], err);
	if (!r && !finding->record)
		r = cfd_fail(err, -EBADMSG,
			     "the bundle %s is podman's or CRI-O's, but neither %s/%s" CONTAINERS
			     " nor the storage of its root filesystem has a record of this container",
			     finding->request->bundle, finding->parent, finding->driver);
	if (!r)
		r = check_layer(finding, layers, err);
	if (!r)
		r = cfd_engine_copy(graphroot ? graphroot : finding->parent, &finding->graphroot, err);
	return r;
}

static int parse_metadata(struct finding *finding, struct cfd_error *err)
{
	const struct cfd_json_options options = {.name = "the metadata of the container's record"};
	const char *text = record_string(finding->record, "metadata");

	if (!text)
		return cfd_fail(err, -EBADMSG, "the record of the container %s in %s has no metadata",
				finding->request->container_id, finding->graphroot);
	return cfd_json_parse(text, strlen(text), &options, &finding->metadata, err);
}

/* The record's image; "" for a container of a root file system (podman run --rootfs). */
static int read_id(struct finding *finding, struct cfd_image *image, struct cfd_error *err)
{
	const char *id = record_string(finding->record, "image"), *again = record_string(finding->metadata, "image-id");
	char full[7 + 64 + 1] = "sha256:";

	if (!id || (*id && !cfd_shape_hex(id, 64)) || (again && !cfd_streq(again, id)))
		return cfd_fail(err, -EBADMSG,
				"the record of the container %s in %s contradicts itself: image \"%.100s\", image-id "
				"\"%.100s\"",
				finding->request->container_id, finding->graphroot, id ? id : "", again ? again : "");
	if (!*id)
		return 0;
	strcpy(full + 7, id);
	return cfd_engine_copy(full, &image->id, err);
}

/* The digests of an image are its own and those of the manifests that it was found by (c/storage, recomputeDigests). */
static int read_digests(struct cfd_json_doc *record, struct cfd_image *image, struct cfd_error *err)
{
	const struct cfd_json *digests = cfd_json_get(cfd_json_root(record), "big-data-digests");
	const char *digest = record_string(record, "digest"), *key;
	int r = digest ? cfd_engine_add_digest(image, digest, err) : 0;

	for (size_t i = 0; !r && i < cfd_json_count(digests); i++) {
		const char *value = cfd_json_string(cfd_json_member(digests, i, &key));

		if (cfd_streq(key, "manifest") || cfd_starts_with(key, "manifest-"))
			r = cfd_engine_add_digest(image, value, err);
	}
	return r;
}

static bool list_has(const struct cfd_json *list, const char *text)
{
	for (size_t i = 0; i < cfd_json_count(list); i++)
		if (cfd_streq(cfd_json_string(cfd_json_at(list, i)), text))
			return true;
	return false;
}

/* The first name with a tag, else the first: what CRI-O calls "some name of the image". */
static const char *some_name(const struct cfd_json *names)
{
	for (size_t i = 0; i < cfd_json_count(names); i++) {
		const char *name = cfd_json_string(cfd_json_at(names, i));

		if (name && !strchr(name, '@'))
			return name;
	}
	return cfd_json_string(cfd_json_at(names, 0));
}

/*
 * The name that was asked for, if the image has or had it. CRI-O notes what the kubelet sends, which is an id or a
 * digest; and a short name may have been looked up in any registry. Then it is a name that the image has.
 */
static int read_name(struct cfd_json_doc *record, const char *asked, struct cfd_image *image, struct cfd_error *err)
{
	const struct cfd_json *names = cfd_json_get(cfd_json_root(record), "names");
	const struct cfd_json *history = cfd_json_get(cfd_json_root(record), "names-history");
	CFD_AUTO_FREE char *normal = NULL;
	struct cfd_error ignored;
	const char *name;

	if (asked && !cfd_image_normalise(asked, &normal, &ignored) &&
	    (list_has(names, normal) || list_has(history, normal)))
		return cfd_engine_set_name(image, normal, err);
	name = some_name(names);
	return name ? cfd_engine_set_name(image, name, err) : 0;
}

/* An image in another store (additionalimagestores) has no record here: a name with its registry is all there is. */
static int read_name_alone(const char *asked, struct cfd_image *image, struct cfd_error *err)
{
	CFD_AUTO_FREE char *normal = NULL;
	struct cfd_error ignored;

	if (!asked || cfd_image_normalise(asked, &normal, &ignored) || !cfd_streq(normal, asked))
		return 0;
	return cfd_engine_set_name(image, normal, err);
}

static int read_image(const struct finding *finding, struct cfd_image *image, struct cfd_error *err)
{
	const char *asked = record_string(finding->metadata, "image-name");
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *record = NULL;
	CFD_AUTO_BUF struct cfd_buf dir = {0};
	CFD_AUTO_BUF struct cfd_buf text = {0};
	CFD_AUTO_FD int fd = -1;
	int r;

	if (!image->id)
		return 0;
	if (cfd_buf_addf(&dir, "%s/%s-images", finding->graphroot, finding->driver))
		return cfd_fail_memory(err, "an image");
	r = cfd_records_open_dir(dir.data, &fd, err);
	if (!r)
		r = cfd_records_read(fd, dir.data, "images.json", CFD_ENGINE_MAX_RECORDS, &text, err);
	if (!r)
		r = cfd_records_find(&text, "images.json", image->id + strlen("sha256:"), &record, err);
	if (r && r != -ENOENT)
		return r;
	if (!record)
		return read_name_alone(asked, image, err);
	r = read_digests(record, image, err);
	return r ? r : read_name(record, asked, image, err);
}

/*
 * The layers of a container behind podman's libpod/container_internal.go, recreateIntermediateMountpointUser: c/storage
 * drivers/overlay/overlay.go and drivers/vfs/driver.go.
 */
static int read_rootfs(const struct finding *finding, struct cfd_image *image, struct cfd_error *err)
{
	static const struct {
		const char *driver, *before, *behind;
	} places[] = {{"overlay", "overlay/", "/merged"}, {"vfs", "vfs/dir/", ""}};
	const char *layer = record_string(finding->record, "layer"), *root = finding->request->spec->root_path;
	CFD_AUTO_BUF struct cfd_buf path = {0};

	if (!root || !strstr(root, "/intermediate-mountpoint-") || !image->id || !cfd_shape_hex(layer, 64))
		return 0;
	for (size_t i = 0; i < CFD_COUNT(places); i++)
		if (cfd_streq(places[i].driver, finding->driver) &&
		    cfd_buf_addf(&path, "%s/%s%s%s", finding->graphroot, places[i].before, layer, places[i].behind))
			return cfd_fail_memory(err, "an image");
	return cfd_engine_copy(path.data, &image->rootfs, err);
}

/* CRI-O's metadata has the pod's id, podman's has not. */
static int read_engine(const struct finding *finding, struct cfd_image *image, struct cfd_error *err)
{
	const struct cfd_engine_request *request = finding->request;
	const char *pod_id = record_string(finding->metadata, "pod-id"),
		   *name = record_string(finding->metadata, "name");
	int r = cfd_engine_set_container_name(image, name, request->container_id, err);

	if (r)
		return r;
	if (!pod_id)
		return cfd_engine_podman_dirs(request, finding->driver, image, err);
	if (!cfd_shape_hex(pod_id, 64))
		return cfd_fail(err, -EBADMSG, "CRI-O's record of the container %s gives \"%.100s\" as the pod's id",
				request->container_id, pod_id);
	image->sandbox = cfd_streq(pod_id, request->container_id);
	r = cfd_engine_copy(pod_id, &image->pod, err);
	return r ? r : cfd_engine_crio_dirs(request, pod_id, image, err);
}

int cfd_engine_storage(const struct cfd_engine_request *request, struct cfd_image *image, struct cfd_error *err)
{
	CFD_AUTO(finding_release) struct finding finding = {.request = request};
	int r;

	if (!split_bundle(&finding))
		return 0;
	r = find_record(&finding, err);
	if (!r)
		r = parse_metadata(&finding, err);
	if (r)
		return r;
	image->engine = record_string(finding.metadata, "pod-id") ? CFD_ENGINE_CRIO : CFD_ENGINE_PODMAN;
	r = read_id(&finding, image, err);
	if (!r)
		r = read_image(&finding, image, err);
	if (!r)
		r = read_rootfs(&finding, image, err);
	return r ? r : read_engine(&finding, image, err);
}
