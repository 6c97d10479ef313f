/* SPDX-License-Identifier: Apache-2.0 */
/* Who is this container: references, and every engine's records in trees like those that the engines make. */
#include "lib/image.h"
#include "lib/json.h"
#include "lib/spec.h"
#include "tests/unit/tree.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

Test(image, references_are_brought_to_their_full_form)
{
	static const struct {
		const char *reference, *name;
	} cases[] = {
		{"nginx", "docker.io/library/nginx:latest"},
		{"nginx:1.27", "docker.io/library/nginx:1.27"},
		{"team/app", "docker.io/team/app:latest"},
		{"docker.io/nginx", "docker.io/library/nginx:latest"},
		{"index.docker.io/nginx:1", "docker.io/library/nginx:1"},
		{"docker.io/library/nginx:1", "docker.io/library/nginx:1"},
		{"quay.io/nginx", "quay.io/nginx:latest"},
		{"localhost/app", "localhost/app:latest"},
		{"localhost:5000/app:1", "localhost:5000/app:1"},
		{"registry:5000/a/b/c:V1_x-y.z", "registry:5000/a/b/c:V1_x-y.z"},
		{"[2001:db8::1]:5000/app", "[2001:db8::1]:5000/app:latest"},
		{"Registry/app", "Registry/app:latest"},
		{"10.0.0.1/app", "10.0.0.1/app:latest"},
		{"nginx:5000", "docker.io/library/nginx:5000"},
		{"a__b/c--d/e.f", "docker.io/a__b/c--d/e.f:latest"},
		{"nginx@sha256:" HEX_A, "docker.io/library/nginx@sha256:" HEX_A},
		/* The tag beside a digest is only somebody's word. */
		{"quay.io/a/nginx:1.27@sha256:" HEX_A, "quay.io/a/nginx@sha256:" HEX_A},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO_FREE char *name = NULL;
		struct cfd_error err = {0};

		cr_expect_eq(cfd_image_normalise(cases[i].reference, &name, &err), 0, "%s: %s", cases[i].reference,
			     err.message);
		cr_expect_str_eq(name ? name : "", cases[i].name);
	}
}

Test(image, what_is_no_reference_is_refused)
{
	static const char *const cases[] = {
		"",
		" nginx",
		"nginx ",
		"Nginx",
		"quay.io/Team/app",
		"nginx:",
		"nginx:-1",
		"nginx:.1",
		"nginx@",
		"nginx@sha256:abc",
		"nginx@sha256:" HEX_A "0",
		"nginx@md5:" HEX_A,
		HEX_A,
		"a//b",
		"/a",
		"a/",
		"a/../b",
		"-a",
		"a-",
		"a___b",
		"a..b",
		"a_.b",
		".io/a",
		"a.-b.io/x",
		"-a.io/x",
		"a..io/x",
		"quay.io:/a",
		"quay.io:x/a",
		"[::1/a",
		"[]/a",
		"a\nb",
		"a:b:c",
		"nginx:1.27@sha256:" HEX_A "@sha256:" HEX_A,
		"sha256:" HEX_A,
		"\xc3\xa9",
	};
	char tag[160] = "nginx:", name[320];

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		char *normal = NULL;
		struct cfd_error err = {0};

		cr_expect_eq(cfd_image_normalise(cases[i], &normal, &err), -EINVAL, "%s: %s", cases[i], normal);
		cr_expect_null(normal);
		cr_expect(cfd_starts_with(err.message, "image \""), "%s", err.message);
	}
	for (size_t length = 128; length <= 129; length++) {
		CFD_AUTO_FREE char *normal = NULL;
		struct cfd_error err;

		memset(tag + 6, 'x', length);
		tag[6 + length] = '\0';
		cr_expect_eq(cfd_image_normalise(tag, &normal, &err), length == 128 ? 0 : -EINVAL);
	}
	for (size_t length = 237; length <= 238; length++) { /* 255 with docker.io/library/ */
		CFD_AUTO_FREE char *normal = NULL;
		struct cfd_error err;

		memset(name, 'x', length);
		name[length] = '\0';
		cr_expect_eq(cfd_image_normalise(name, &normal, &err), length == 237 ? 0 : -EINVAL);
	}
}

/* A container as an engine would hand it over: a bundle in a tree, and the parts of config.json that matter here. */
struct container {
	char *tree, *bundle, *root_path;
	const char *id, *cgroups_path;
	struct {
		const char *key, *value; /* value NULL: taken away */
	} annotations[16];
	struct {
		char *source;
		const char *destination;
	} mounts[8];
	size_t annotation_count, mount_count;
	int fd;
};

static void container_release(struct container *container)
{
	close(container->fd);
	for (size_t i = 0; i < container->mount_count; i++)
		free(container->mounts[i].source);
	free(container->bundle);
	free(container->root_path);
	tree_remove(&container->tree);
}
#define CONTAINER __attribute__((cleanup(container_release))) struct container

static void container_start(struct container *container, const char *id, const char *bundle, const char *root_path)
{
	*container = (struct container){.tree = tree_make(), .id = id};
	tree_directory(container->tree, bundle);
	container->bundle = tree_path(container->tree, bundle);
	container->root_path = *root_path == '/' ? tree_path(container->tree, root_path + 1) : strdup(root_path);
	container->fd = open(container->bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(container->fd, 0);
}

static void annotate(struct container *container, const char *key, const char *value)
{
	size_t i = 0;

	while (i < container->annotation_count && !cfd_streq(container->annotations[i].key, key))
		i++;
	container->annotations[i].key = key;
	container->annotations[i].value = value;
	if (i == container->annotation_count)
		container->annotation_count++;
}

/* The source is in the tree. */
static void bind_mount(struct container *container, const char *source, const char *destination)
{
	size_t i = container->mount_count++;

	container->mounts[i].source = tree_path(container->tree, source);
	container->mounts[i].destination = destination;
}

/* None of the texts here needs quoting. */
static void write_config(const struct container *container, struct cfd_buf *text)
{
	int r = cfd_buf_addf(text, "{\"ociVersion\":\"1.1.0\",\"root\":{\"path\":\"%s\"},\"mounts\":[",
			     container->root_path);

	for (size_t i = 0; i < container->mount_count; i++)
		r |= cfd_buf_addf(text, "%s{\"destination\":\"%s\",\"source\":\"%s\",\"options\":[\"bind\"]}",
				  i ? "," : "", container->mounts[i].destination, container->mounts[i].source);
	r |= cfd_buf_add_string(text, "],\"annotations\":{\"x\":\"\"");
	for (size_t i = 0; i < container->annotation_count; i++)
		if (container->annotations[i].value)
			r |= cfd_buf_addf(text, ",\"%s\":\"%s\"", container->annotations[i].key,
					  container->annotations[i].value);
	r |= cfd_buf_addf(text, "},\"linux\":{\"cgroupsPath\":\"%s\"}}",
			  container->cgroups_path ? container->cgroups_path : "");
	cr_assert_eq(r, 0);
}

static int identify(const struct container *container, struct cfd_image *image, struct cfd_error *err)
{
	CFD_AUTO(cfd_spec_release) struct cfd_spec spec = {0};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO_BUF struct cfd_buf text = {0};
	const struct cfd_json_options options = {.name = "config.json"};

	write_config(container, &text);
	cr_assert_eq(cfd_json_parse(text.data, text.length, &options, &doc, err), 0, "%s", err->message);
	cr_assert_eq(cfd_spec_read(doc, CFD_SPEC_UNKNOWN_STRICT, &spec, err), 0, "%s", err->message);
	return cfd_image_identify(container->id, container->bundle, container->fd, &spec, image, err);
}

#define IMAGE CFD_AUTO(cfd_image_release) struct cfd_image

static void expect_refused(const struct container *container, const char *expected)
{
	IMAGE image = {.engine = CFD_ENGINE_DOCKER};
	struct cfd_error err = {0};
	int r = identify(container, &image, &err);

	cr_expect_lt(r, 0, "expected \"%s\"", expected);
	cr_expect_not_null(strstr(err.message, expected), "expected \"%s\" in \"%s\"", expected, err.message);
	cr_expect_eq(image.engine, CFD_ENGINE_DOCKER, "output touched");
}

static void expect_known(const struct container *container, struct cfd_image *image, enum cfd_engine engine,
			 const char *name)
{
	struct cfd_error err = {0};

	cr_assert_eq(identify(container, image, &err), 0, "%s", err.message);
	cr_expect_eq(image->engine, engine);
	if (name)
		cr_expect_str_eq(image->name ? image->name : "(none)", name);
	else
		cr_expect_null(image->name, "%s", image->name);
}

static bool has_dir(char *const *dirs, const char *tree, const char *path)
{
	CFD_AUTO_FREE char *full = tree ? tree_path(tree, path) : strdup(path);

	for (; *dirs; dirs++)
		if (cfd_streq(*dirs, full))
			return true;
	return false;
}

static size_t count_dirs(char *const *dirs)
{
	size_t count = 0;

	while (dirs[count])
		count++;
	return count;
}

#define CORPUS "tests/corpus/images/"
#define PROBE "5f9e29a02d3f8dab4775952c56e467f5a8339b7f494ab4c6ecc14f940de4c7b8"
#define MANIFEST "sha256:8fc2024f00660041f185bc400c8d7475fd0f6f8f0e9561acb972f01399c8ab3a"
#define HEX_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

Test(image, a_bundle_of_nobody_is_no_error)
{
	CONTAINER container;
	IMAGE image = {0};

	container_start(&container, "web", "bundle", "rootfs");
	annotate(&container, "io.kubernetes.cri.image-name", "docker.io/library/nginx:1");
	annotate(&container, "io.kubernetes.cri.container-type", "container");
	annotate(&container, "io.kubernetes.cri-o.ImageName", "docker.io/library/nginx:1");
	expect_known(&container, &image, CFD_ENGINE_NONE, NULL);
	cr_expect_str_eq(image.container_name, "web");
	cr_expect_null(image.engine_dirs[0]);
	cr_expect_null(image.volume_dirs[0]);
}

Test(image, the_bundle_is_the_directory_that_was_opened_and_the_id_can_be_part_of_a_path)
{
	CONTAINER container;

	container_start(&container, "web", "bundle", "rootfs");
	container.id = "../web";
	expect_refused(&container, "the container's id may consist of");
	container.id = "web";
	container.bundle[strlen(container.bundle) - 1] = 'x';
	expect_refused(&container, "was replaced while it was looked at");
}

/* podman */

#define WEB "b3ac18da8b520da473ecf0627aef4e24945c81d7b4fd1c60bfb60c8c4eb0a03d"
#define BY_ID "6376f6a964983da5af330528c0d8bcfaf44fdfad588a4bcae56206ef0adcc9d7"
#define BY_ROOTFS "839ebc794d12274b8ce06051bd4db6430a65ab5242f17c036d63d99843dbaa5e"
#define WEB_LAYER "4dc228dd807815d3b956b6efd3d63ccdfd2bffb64b74c88107f31713febb0077"

static void podman_start(struct container *container, const char *id, const char *root_path)
{
	char bundle[256];

	snprintf(bundle, sizeof(bundle), "storage/overlay-containers/%s/userdata", id);
	container_start(container, id, bundle, root_path);
	tree_copy(container->tree, "storage/overlay-containers/containers.json", CORPUS "podman-containers.json");
	tree_copy(container->tree, "storage/overlay-containers/volatile-containers.json",
		  CORPUS "podman-volatile-containers.json");
	tree_copy(container->tree, "storage/overlay-images/images.json", CORPUS "images.json");
}

Test(image, podman_by_its_storage_records)
{
	CONTAINER container;
	IMAGE image = {0};

	podman_start(&container, WEB, "/storage/overlay/" WEB_LAYER "/merged");
	annotate(&container, "io.kubernetes.cri-o.ImageName", "docker.io/library/evil:1");
	bind_mount(&container, "run/overlay-containers/" WEB "/userdata/resolv.conf", "/etc/resolv.conf");
	bind_mount(&container, "run/overlay-containers/" HEX_A "/userdata/hosts", "/etc/hosts");
	bind_mount(&container, "storage/overlay-containers/" HEX_A "/userdata/shm", "/dev/shm");
	bind_mount(&container, "storage/overlay-containers/" HEX_A "/userdata/config.json", "/etc/hostname");
	bind_mount(&container, "run/overlay-containers/" HEX_A "/userdata/hosts", "/elsewhere");
	expect_known(&container, &image, CFD_ENGINE_PODMAN, "docker.io/library/probe:1.0");
	cr_expect_str_eq(image.id, "sha256:" PROBE);
	cr_expect_str_eq(image.digests[0], MANIFEST);
	cr_expect_str_eq(image.digests[1], "sha256:" HEX_C, "the list's manifest");
	cr_expect_null(image.digests[2], "signatures and the configuration are no manifests");
	cr_expect_str_eq(image.container_name, "web-1");
	cr_expect_not(image.sandbox);
	cr_expect(has_dir(image.engine_dirs, container.tree, "storage/overlay-containers/" WEB "/userdata"));
	cr_expect(has_dir(image.engine_dirs, container.tree, "run/overlay-containers/" WEB "/userdata"));
	cr_expect(has_dir(image.engine_dirs, container.tree, "run/overlay-containers/" HEX_A "/userdata/hosts"));
	cr_expect(has_dir(image.engine_dirs, container.tree, "storage/overlay-containers/" HEX_A "/userdata/shm"));
	cr_expect_eq(count_dirs(image.engine_dirs), 4, "no config.json, and nothing from elsewhere");
	cr_expect(has_dir(image.volume_dirs, container.tree, "storage/volumes"));
	cr_expect_eq(count_dirs(image.volume_dirs), 1);
}

Test(image, podman_by_id_and_by_root_file_system)
{
	CONTAINER by_id, by_rootfs;
	IMAGE image = {0}, none = {0};

	/* The record says "5f9e29a02d3f", no name: the image's own tag is taken. The record is in the volatile file. */
	podman_start(&by_id, BY_ID,
		     "/storage/overlay/7777777777777777777777777777777777777777777777777777777777777777/merged");
	expect_known(&by_id, &image, CFD_ENGINE_PODMAN, "docker.io/library/probe:1.1");
	cr_expect(has_dir(image.engine_dirs, NULL, "/run/containers/storage/overlay-containers/" BY_ID "/userdata"));
	podman_start(&by_rootfs, BY_ROOTFS, "/srv/rootfs");
	expect_known(&by_rootfs, &none, CFD_ENGINE_PODMAN, NULL);
	cr_expect_null(none.id);
	cr_expect_str_eq(none.container_name, "web-3");
}

Test(image, an_image_of_another_store_keeps_the_name_that_has_its_registry)
{
	CONTAINER container;
	IMAGE image = {0};

	podman_start(&container, WEB, "/storage/overlay/" WEB_LAYER "/merged");
	tree_write(container.tree, "storage/overlay-images/images.json", "[]\n");
	expect_known(&container, &image, CFD_ENGINE_PODMAN, "docker.io/library/probe:1.0");
	cr_expect_null(image.digests[0]);
}

#define RECORDS "storage/overlay-containers/containers.json"

static void expect_records_refused(const char *text, const char *expected)
{
	CONTAINER container;

	podman_start(&container, WEB, "/storage/overlay/" WEB_LAYER "/merged");
	tree_write(container.tree, RECORDS, text);
	expect_refused(&container, expected);
}

Test(image, torn_missing_and_contradicting_records_are_errors)
{
	CFD_AUTO_FREE char *whole = tree_read(CORPUS "podman-containers.json");

	/* Whatever was cut off: the end is missing, before and behind our record. */
	for (size_t cut = strlen(whole) - 1; cut > 0; cut -= cut > 7 ? 7 : cut) {
		whole[cut] = '\0';
		expect_records_refused(whole, "is not a whole list of records");
	}
	expect_records_refused("", "is not a whole list of records");
	expect_records_refused("{}", "is not a whole list of records");
	expect_records_refused("[] []", "is not a whole list of records");
	expect_records_refused("[{},]", "is not a whole list of records");
	expect_records_refused("[]", "has a record of this container");
	expect_records_refused("[{\"id\":\"" HEX_A "\",\"names\":[\"" WEB "\"]}]", "has a record of this container");
	expect_records_refused("[{\"id\":\"" WEB "\"},{\"id\":\"" WEB "\"}]", "two records");
	expect_records_refused("[{\"id\":\"" WEB "\",\"id\":\"" WEB "\"}]", "id");
	expect_records_refused("[{\"id\":\"" WEB "\",\"layer\":\"" WEB_LAYER "\"}]", "has no metadata");
	expect_records_refused("[{\"id\":\"" WEB "\",\"layer\":\"" WEB_LAYER "\",\"metadata\":\"{\"}]", "metadata");
	expect_records_refused("[{\"id\":\"" WEB "\",\"layer\":\"" HEX_A "\",\"metadata\":\"{}\"}]", "has the layer");
	expect_records_refused("[{\"id\":\"" WEB "\",\"layer\":\"" WEB_LAYER
			       "\",\"metadata\":\"{}\",\"image\":\"../x\"}]",
			       "contradicts itself");
	expect_records_refused("[{\"id\":\"" WEB "\",\"layer\":\"" WEB_LAYER "\",\"image\":\"" HEX_A
			       "\",\"metadata\":\"{\\\"image-id\\\":\\\"" HEX_B "\\\"}\"}]",
			       "contradicts itself");
	expect_records_refused("[{\"id\":\"" WEB "\",\"layer\":\"" WEB_LAYER "\",\"image\":\"\",\"metadata\":"
			       "\"{\\\"pod-id\\\":\\\"../x\\\"}\"}]",
			       "as the pod's id");
}

Test(image, records_that_others_can_write_are_not_believed)
{
	CONTAINER container;

	podman_start(&container, WEB, "/storage/overlay/" WEB_LAYER "/merged");
	tree_mode(container.tree, RECORDS, 0666);
	expect_refused(&container, "so others can change it");
	tree_mode(container.tree, RECORDS, 0600);
	tree_mode(container.tree, "storage", 0777);
	expect_refused(&container, "a directory above");
}

Test(image, five_thousand_records_cost_milliseconds)
{
	CONTAINER container;
	IMAGE image = {0};
	CFD_AUTO_BUF struct cfd_buf text = {0};
	CFD_AUTO_FREE char *whole = tree_read(CORPUS "podman-containers.json");
	struct timespec start, end;
	double seconds;

	cr_assert_eq(cfd_buf_add_string(&text, "["), 0);
	for (unsigned i = 0; i < 5000; i++)
		cr_assert_eq(cfd_buf_addf(&text,
					  "{\"id\":\"%064x\",\"names\":[\"c%u\"],\"image\":\"" PROBE
					  "\",\"layer\":\"%064x\","
					  "\"metadata\":\"{\\\"image-name\\\":\\\"x\\\",\\\"name\\\":\\\"c\\\"}\","
					  "\"flags\":{\"MountLabel\":"
					  "\"system_u:object_r:container_file_t:s0:c1,c2\",\"ProcessLabel\":\"\"},"
					  "\"filler\":\"%0300d\"},",
					  i, i, i, 0),
			     0);
	cr_assert_eq(cfd_buf_add_string(&text, whole + 1), 0);
	podman_start(&container, WEB, "/storage/overlay/" WEB_LAYER "/merged");
	tree_write(container.tree, RECORDS, text.data);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	expect_known(&container, &image, CFD_ENGINE_PODMAN, "docker.io/library/probe:1.0");
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	cr_log_info("%zu bytes: %.1f ms", text.length, seconds * 1e3);
	cr_expect_lt(seconds, 1.0);
}

/* CRI-O */

#define POD "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define IN_POD "c0ffee1111111111111111111111111111111111111111111111111111111111"

static void crio_start(struct container *container, const char *id, const char *root_path)
{
	char bundle[256];

	snprintf(bundle, sizeof(bundle), "run/overlay-containers/%s/userdata", id);
	container_start(container, id, bundle, root_path);
	tree_copy(container->tree, "storage/overlay-containers/containers.json", CORPUS "crio-containers.json");
	tree_copy(container->tree, "storage/overlay-containers/volatile-containers.json",
		  CORPUS "crio-volatile-containers.json");
	tree_copy(container->tree, "storage/overlay-images/images.json", CORPUS "images.json");
}

Test(image, crio_by_its_storage_records_whatever_the_annotations)
{
	CONTAINER container;
	IMAGE image = {0};

	crio_start(&container, IN_POD,
		   "/storage/overlay/6666666666666666666666666666666666666666666666666666666666666666/merged");
	container.cgroups_path = "kubepods-besteffort-pod8a7b6c5d_0000_4000_8000_000000000001.slice:crio:" IN_POD;
	annotate(&container, "io.kubernetes.cri-o.ImageName", "docker.io/library/evil:1");
	annotate(&container, "io.kubernetes.cri-o.ContainerType", "sandbox");
	annotate(&container, "io.kubernetes.pod.uid", "../../../etc");
	/* The kubelet asked by id, so the name is one that the image has. */
	expect_known(&container, &image, CFD_ENGINE_CRIO, "docker.io/library/probe:1.1");
	cr_expect_not(image.sandbox);
	cr_expect_str_eq(image.container_name, "k8s_web_web_prod");
	cr_expect(has_dir(image.engine_dirs, container.tree, "run/overlay-containers/" IN_POD "/userdata"));
	cr_expect(has_dir(image.engine_dirs, container.tree, "run/overlay-containers/" POD "/userdata"));
	cr_expect_eq(count_dirs(image.engine_dirs), 2);
	cr_expect(has_dir(image.volume_dirs, NULL,
			  "/var/lib/kubelet/pods/8a7b6c5d-0000-4000-8000-000000000001/volumes/kubernetes.io~secret"));
	cr_expect_eq(count_dirs(image.volume_dirs), 7);
}

Test(image, crio_knows_its_sandbox_and_refuses_without_record)
{
	CONTAINER pod, lost;
	IMAGE image = {0};

	crio_start(&pod, POD,
		   "/storage/overlay/5555555555555555555555555555555555555555555555555555555555555555/merged");
	expect_known(&pod, &image, CFD_ENGINE_CRIO, "docker.io/library/other:1");
	cr_expect(image.sandbox);
	cr_expect_eq(count_dirs(image.engine_dirs), 1);
	cr_expect_null(image.volume_dirs[0]);
	crio_start(&lost, HEX_B, "/storage/overlay/" HEX_B "/merged");
	expect_refused(&lost, "has a record of this container");
}

/* containerd */

#define TASK "run/containerd/io.containerd.runtime.v2.task/"
#define SANDBOX "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"

static void containerd_start(struct container *container, const char *namespace, const char *id)
{
	char bundle[512], work[512];

	snprintf(bundle, sizeof(bundle), TASK "%s/%s", namespace, id);
	container_start(container, id, bundle, "rootfs");
	snprintf(work, sizeof(work), "/srv/containerd/io.containerd.runtime.v2.task/%s/%s", namespace, id);
	cr_assert_eq(symlinkat(work, container->fd, "work"), 0);
	annotate(container, "io.kubernetes.cri.container-type", "container");
	annotate(container, "io.kubernetes.cri.image-name", "docker.io/library/nginx:1.27");
	annotate(container, "io.kubernetes.cri.sandbox-id", SANDBOX);
	annotate(container, "io.kubernetes.cri.sandbox-namespace", "prod");
	annotate(container, "io.kubernetes.cri.sandbox-name", "web-7d4");
	annotate(container, "io.kubernetes.cri.container-name", "nginx");
}

Test(image, containerd_by_the_annotations_of_its_plugin)
{
	CONTAINER container;
	IMAGE image = {0};

	containerd_start(&container, "k8s.io", HEX_A);
	annotate(&container, "io.kubernetes.cri.sandbox-uid", "8a7b6c5d-0000-4000-8000-000000000001");
	expect_known(&container, &image, CFD_ENGINE_CONTAINERD, "docker.io/library/nginx:1.27");
	cr_expect_str_eq(image.container_name, "prod/web-7d4/nginx");
	cr_expect_not(image.sandbox);
	cr_expect(has_dir(image.engine_dirs, NULL, "/srv/containerd/io.containerd.grpc.v1.cri/sandboxes/" SANDBOX));
	cr_expect(has_dir(image.engine_dirs, container.tree,
			  "run/containerd/io.containerd.grpc.v1.cri/sandboxes/" SANDBOX "/shm"));
	cr_expect_eq(count_dirs(image.engine_dirs), 2);
	cr_expect(has_dir(image.volume_dirs, NULL,
			  "/srv/containerd/io.containerd.grpc.v1.cri/containers/" HEX_A "/volumes"));
	cr_expect(has_dir(image.volume_dirs, NULL,
			  "/var/lib/kubelet/pods/8a7b6c5d-0000-4000-8000-000000000001/etc-hosts"));
	cr_expect_eq(count_dirs(image.volume_dirs), 8);
}

Test(image, containerd_by_digest_by_id_and_its_sandbox)
{
	CONTAINER container, sandbox;
	IMAGE by_digest = {0}, by_id = {0}, pause = {0};

	containerd_start(&container, "k8s.io", HEX_A);
	annotate(&container, "io.kubernetes.cri.image-name", "nginx:1.27@" MANIFEST);
	expect_known(&container, &by_digest, CFD_ENGINE_CONTAINERD, "docker.io/library/nginx@" MANIFEST);
	cr_expect_str_eq(by_digest.digests[0], MANIFEST);
	annotate(&container, "io.kubernetes.cri.image-name", "sha256:" PROBE);
	expect_known(&container, &by_id, CFD_ENGINE_CONTAINERD, NULL);
	containerd_start(&sandbox, "k8s.io", SANDBOX);
	annotate(&sandbox, "io.kubernetes.cri.container-type", "sandbox");
	expect_known(&sandbox, &pause, CFD_ENGINE_CONTAINERD, NULL);
	cr_expect(pause.sandbox);
}

Test(image, pods_are_told_by_the_cgroup_where_containerd_does_not)
{
	static const struct {
		const char *path, *uid;
	} cases[] = {
		{"kubepods-burstable-pod8a7b_6c5d.slice:cri-containerd:" HEX_A, "8a7b-6c5d"},
		{"kubepods-pod8a7b.slice:cri-containerd:" HEX_A, "8a7b"},
		{"/kubepods/burstable/pod8a7b-6c5d/" HEX_A, "8a7b-6c5d"},
		{"/kubepods/pod8a7b/" HEX_A, "8a7b"},
		{"/kubepods/pod../" HEX_A, NULL},
		{"/kubepods/pod/" HEX_A, NULL},
		{"/kubepods/pod1/x/" HEX_A, NULL},
		{"system.slice:cri-containerd:" HEX_A, NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CONTAINER container;
		IMAGE image = {0};
		char dir[256];

		containerd_start(&container, "k8s.io", HEX_A);
		container.cgroups_path = cases[i].path;
		expect_known(&container, &image, CFD_ENGINE_CONTAINERD, "docker.io/library/nginx:1.27");
		snprintf(dir, sizeof(dir), "/var/lib/kubelet/pods/%s/containers", cases[i].uid ? cases[i].uid : "");
		cr_expect_eq(has_dir(image.volume_dirs, NULL, dir), cases[i].uid != NULL, "%s", cases[i].path);
		cr_expect_eq(count_dirs(image.volume_dirs), cases[i].uid ? 8 : 1, "%s", cases[i].path);
	}
}

static void expect_annotation_refused(const char *key, const char *value, const char *expected)
{
	CONTAINER container;

	containerd_start(&container, "k8s.io", HEX_A);
	annotate(&container, key, value);
	expect_refused(&container, expected);
}

Test(image, containerds_annotations_have_their_shape)
{
	expect_annotation_refused("io.kubernetes.cri.container-type", "vm",
				  "which is not what containerd writes there");
	expect_annotation_refused("io.kubernetes.cri.sandbox-id", "../../x",
				  "which is not what containerd writes there");
	expect_annotation_refused("io.kubernetes.cri.sandbox-uid", "../x", "as the pod's uid, which is none");
	expect_annotation_refused("io.kubernetes.cri.image-name", "Nginx", "what containerd recorded: image \"Nginx\"");
	expect_annotation_refused("io.kubernetes.cri.image-name", NULL, "containerd 1.5 or later is needed");
}

Test(image, annotations_count_only_in_the_namespace_and_the_directory_of_the_plugin)
{
	CONTAINER elsewhere, not_ours, moved, open_to_all, no_work;
	IMAGE none = {0}, also_none = {0};

	containerd_start(&elsewhere, "default", HEX_A);
	expect_known(&elsewhere, &none, CFD_ENGINE_NONE, NULL);
	containerd_start(&not_ours, "k8s.io", HEX_A);
	annotate(&not_ours, "io.kubernetes.cri.container-type", NULL);
	expect_known(&not_ours, &also_none, CFD_ENGINE_NONE, NULL);
	containerd_start(&moved, "k8s.io", HEX_A);
	moved.id = HEX_B;
	expect_refused(&moved, "is not that of the container " HEX_B);
	containerd_start(&open_to_all, "k8s.io", HEX_A);
	tree_mode(open_to_all.tree, "run/containerd", 0777);
	expect_refused(&open_to_all, "so others can change it");
	containerd_start(&no_work, "k8s.io", HEX_A);
	cr_assert_eq(unlinkat(no_work.fd, "work", 0), 0);
	cr_assert_eq(symlinkat("/srv/elsewhere/" HEX_A, no_work.fd, "work"), 0);
	expect_refused(&no_work, "leads to /srv/elsewhere/");
}

/* Docker */

#define DOCKED "d0cce42222222222222222222222222222222222222222222222222222222222"

static void docker_start(struct container *container, const char *root_path)
{
	container_start(container, DOCKED, "run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby/" DOCKED,
			root_path);
	tree_copy(container->tree, "docker/containers/" DOCKED "/config.v2.json", CORPUS "docker-config.v2.json");
	tree_copy(container->tree, "docker/image/overlay2/repositories.json", CORPUS "docker-repositories.json");
}

Test(image, docker_by_its_config_v2)
{
	CONTAINER container;
	IMAGE image = {0};

	docker_start(&container, "/docker/overlay2/" HEX_A "/merged");
	annotate(&container, "io.kubernetes.cri.image-name", "docker.io/library/evil:1");
	annotate(&container, "io.kubernetes.cri.container-type", "container");
	bind_mount(&container, "docker/containers/" HEX_A "/hosts", "/etc/hosts");
	bind_mount(&container, "docker/containers/" HEX_A "/config.v2.json", "/etc/hostname");
	expect_known(&container, &image, CFD_ENGINE_DOCKER, "docker.io/library/nginx:1.27");
	cr_expect_str_eq(image.id, "sha256:" PROBE);
	cr_expect_str_eq(image.digests[0], MANIFEST);
	cr_expect_null(image.digests[1]);
	cr_expect_str_eq(image.container_name, "web-1");
	cr_expect(has_dir(image.engine_dirs, container.tree, "docker/containers/" DOCKED));
	cr_expect(has_dir(image.engine_dirs, container.tree, "docker/containers/" HEX_A "/hosts"));
	cr_expect_eq(count_dirs(image.engine_dirs), 2);
	cr_expect(has_dir(image.volume_dirs, container.tree, "docker/volumes"));
}

Test(image, docker_with_containerds_image_store_and_by_id)
{
	CONTAINER container;
	IMAGE image = {0};

	docker_start(&container, "/docker/rootfs/overlayfs/" DOCKED);
	tree_write(container.tree, "docker/containers/" DOCKED "/config.v2.json",
		   "{\"ID\":\"" DOCKED "\",\"Config\":{\"Image\":\""
		   "5f9e29a02d3f"
		   "\"},\"Image\":\"sha256:" PROBE
		   "\",\"ImageManifest\":{\"mediaType\":\"x\",\"digest\":\"sha256:" HEX_C
		   "\",\"size\":1},\"Driver\":\"overlayfs\"}");
	expect_known(&container, &image, CFD_ENGINE_DOCKER, NULL);
	cr_expect_str_eq(image.digests[0], "sha256:" HEX_C);
	cr_expect_str_eq(image.container_name, DOCKED);
}

static void expect_config_refused(const char *text, const char *expected)
{
	CONTAINER container;

	docker_start(&container, "/docker/overlay2/" HEX_A "/merged");
	tree_write(container.tree, "docker/containers/" DOCKED "/config.v2.json", text);
	expect_refused(&container, expected);
}

Test(image, dockers_records_must_be_whole_and_of_this_container)
{
	CONTAINER unknown_driver, no_record, torn_tags;

	expect_config_refused("{\"ID\":\"" DOCKED "\"", "config.v2.json");
	expect_config_refused("{\"ID\":\"" HEX_A "\"}", "is the record of \"" HEX_A);
	expect_config_refused("{\"ID\":\"" DOCKED "\"}", "as the image's id");
	expect_config_refused("{\"ID\":\"" DOCKED "\",\"Image\":\"nginx\"}", "gives \"nginx\" as the image's id");
	expect_config_refused("{\"ID\":\"" DOCKED "\",\"Image\":\"\",\"Config\":{\"Image\":\"../x\"}}",
			      "what docker recorded");
	docker_start(&unknown_driver, "/somewhere/merged");
	expect_refused(&unknown_driver, "cannot tell Docker's data directory");
	docker_start(&no_record, "/other/overlay2/" HEX_A "/merged");
	expect_refused(&no_record, "/other/containers/" DOCKED);
	docker_start(&torn_tags, "/docker/overlay2/" HEX_A "/merged");
	tree_write(torn_tags.tree, "docker/image/overlay2/repositories.json", "{\"Repositories\":{");
	expect_refused(&torn_tags, "repositories.json");
}
