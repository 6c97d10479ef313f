/* SPDX-License-Identifier: Apache-2.0 */
/* Who is this container, where it is a task of containerd's: Kubernetes' by the CRI plugin, and Docker's. */
#include "tests/unit/container.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	cr_expect_str_eq(image.pod, SANDBOX);
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

static void write_digests(const struct container *container, unsigned count)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};

	cr_assert_eq(cfd_buf_add_string(&text, "{\"Repositories\":{\"a\":{\"a:1\":\"\""), 0);
	for (unsigned i = 0; i < count; i++)
		cr_assert_eq(cfd_buf_addf(&text, ",\"a@sha256:%064x\":\"sha256:" PROBE "\"", i), 0);
	cr_assert_eq(cfd_buf_add_string(&text, "}}}"), 0);
	tree_write(container->tree, "docker/image/overlay2/repositories.json", text.data);
}

Test(image, more_digests_than_can_be_kept_are_an_error_because_a_profile_might_name_one)
{
	CONTAINER container;
	IMAGE image = {0};

	docker_start(&container, "/docker/overlay2/" HEX_A "/merged");
	write_digests(&container, CFD_IMAGE_MAX_DIGESTS);
	expect_known(&container, &image, CFD_ENGINE_DOCKER, "docker.io/library/nginx:1.27");
	cr_expect_not_null(image.digests[CFD_IMAGE_MAX_DIGESTS - 1]);
	write_digests(&container, CFD_IMAGE_MAX_DIGESTS + 1);
	expect_refused(&container, "docker knows the image by more than 32 digests");
}
