/* SPDX-License-Identifier: Apache-2.0 */
/* Who is this container: references; podman's and CRI-O's records in trees like those that they make. */
#include "tests/unit/container.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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
	bind_mount(&container, "storage/overlay-containers/" WEB "/userdata/secrets/key", "/run/secrets/key");
	bind_mount(&container, "run/overlay-containers/" WEB "/userdata/resolv.conf", "/etc/resolv.conf");
	bind_mount(&container, "run/overlay-containers/" HEX_A "/userdata/hosts", "/etc/hosts");
	bind_mount(&container, "storage/overlay-containers/" HEX_A "/userdata/shm", "/dev/shm");
	bind_mount(&container, "storage/overlay-containers/" HEX_A "/userdata/config.json", "/etc/hostname");
	bind_mount(&container, "run/overlay-containers/" HEX_A "/userdata/hosts", "/elsewhere");
	annotate(&container, "io.kubernetes.cri-o.SandboxID", HEX_A);
	expect_known(&container, &image, CFD_ENGINE_PODMAN, "docker.io/library/probe:1.0");
	cr_expect_null(image.pod, "an annotation of podman's is its user's");
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

/* Podman binds the layers to such a path when it starts the runtime; before that they are elsewhere. */
Test(image, podman_mounts_the_layers_before_it_binds_them_to_the_root)
{
	static const struct {
		const char *id, *root, *rootfs; /* NULL: root.path is the root */
	} cases[] = {
		{WEB, "/tmp/intermediate-mountpoint-0.0", "storage/overlay/" WEB_LAYER "/merged"},
		{WEB, "/storage/overlay/" WEB_LAYER "/merged", NULL},
		{BY_ROOTFS, "/tmp/intermediate-mountpoint-0.0", NULL}, /* whatever its user chose */
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CONTAINER container;
		IMAGE image = {0};
		CFD_AUTO_FREE char *rootfs = NULL;

		podman_start(&container, cases[i].id, cases[i].root);
		expect_known(&container, &image, CFD_ENGINE_PODMAN,
			     cases[i].id[0] == 'b' ? "docker.io/library/probe:1.0" : NULL);
		if (cases[i].rootfs) {
			rootfs = tree_path(container.tree, cases[i].rootfs);
			cr_expect_str_eq(image.rootfs ? image.rootfs : "", rootfs);
		} else {
			cr_expect_null(image.rootfs, "%zu: %s", i, image.rootfs);
		}
	}
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

static void expect_records_refused(const struct container *container, const char *text, const char *expected)
{
	tree_write(container->tree, RECORDS, text);
	expect_refused(container, expected);
}

Test(image, torn_missing_and_contradicting_records_are_errors)
{
	CONTAINER container;
	CFD_AUTO_FREE char *whole = tree_read(CORPUS "podman-containers.json");

	podman_start(&container, WEB, "/storage/overlay/" WEB_LAYER "/merged");
	/* Whatever was cut off: the end is missing, before and behind our record. */
	for (size_t cut = strlen(whole) - 1; cut > 0; cut -= cut > 7 ? 7 : cut) {
		whole[cut] = '\0';
		expect_records_refused(&container, whole, "is not a whole list of records");
	}
	expect_records_refused(&container, "", "is not a whole list of records");
	expect_records_refused(&container, "{}", "is not a whole list of records");
	expect_records_refused(&container, "[] []", "is not a whole list of records");
	expect_records_refused(&container, "[{},]", "is not a whole list of records");
	expect_records_refused(&container, "[]", "has a record of this container");
	expect_records_refused(&container, "[{\"id\":\"" HEX_A "\",\"names\":[\"" WEB "\"]}]",
			       "has a record of this container");
	expect_records_refused(&container, "[{\"id\":\"" WEB "\"},{\"id\":\"" WEB "\"}]", "two records");
	expect_records_refused(&container, "[{\"id\":\"" WEB "\",\"id\":\"" WEB "\"}]", "id");
	expect_records_refused(&container, "[{\"id\":\"" WEB "\",\"layer\":\"" WEB_LAYER "\"}]", "has no metadata");
	expect_records_refused(&container, "[{\"id\":\"" WEB "\",\"layer\":\"" WEB_LAYER "\",\"metadata\":\"{\"}]",
			       "metadata");
	expect_records_refused(&container, "[{\"id\":\"" WEB "\",\"layer\":\"" HEX_A "\",\"metadata\":\"{}\"}]",
			       "has the layer");
	expect_records_refused(
		&container, "[{\"id\":\"" WEB "\",\"layer\":\"" WEB_LAYER "\",\"metadata\":\"{}\",\"image\":\"../x\"}]",
		"contradicts itself");
	expect_records_refused(&container,
			       "[{\"id\":\"" WEB "\",\"layer\":\"" WEB_LAYER "\",\"image\":\"" HEX_A
			       "\",\"metadata\":\"{\\\"image-id\\\":\\\"" HEX_B "\\\"}\"}]",
			       "contradicts itself");
	expect_records_refused(&container,
			       "[{\"id\":\"" WEB "\",\"layer\":\"" WEB_LAYER "\",\"image\":\"\",\"metadata\":"
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
	annotate(&container, "io.kubernetes.cri-o.SandboxID", HEX_C);
	annotate(&container, "io.kubernetes.pod.uid", "../../../etc");
	/* The kubelet asked by id, so the name is one that the image has. */
	expect_known(&container, &image, CFD_ENGINE_CRIO, "docker.io/library/probe:1.1");
	cr_expect_not(image.sandbox);
	cr_expect_str_eq(image.pod, POD);
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
