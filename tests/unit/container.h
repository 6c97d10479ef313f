/* SPDX-License-Identifier: Apache-2.0 */
/* Containers as an engine would hand them over, for tests. Every function asserts that it worked. */
#ifndef CFD_TEST_CONTAINER_H
#define CFD_TEST_CONTAINER_H

#include "lib/image/image.h"
#include "tests/unit/tree.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define CORPUS "tests/corpus/images/"
#define PROBE "5f9e29a02d3f8dab4775952c56e467f5a8339b7f494ab4c6ecc14f940de4c7b8"
#define MANIFEST "sha256:8fc2024f00660041f185bc400c8d7475fd0f6f8f0e9561acb972f01399c8ab3a"
#define HEX_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

/* A bundle in a tree, and the parts of config.json that matter to lib/image. */
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

void container_release(struct container *container);
#define CONTAINER __attribute__((cleanup(container_release))) struct container
#define IMAGE CFD_AUTO(cfd_image_release) struct cfd_image

/* `bundle`, and `root_path` if it begins with a slash, are in the tree. */
void container_start(struct container *container, const char *id, const char *bundle, const char *root_path);
void annotate(struct container *container, const char *key, const char *value);
/* The source is in the tree. */
void bind_mount(struct container *container, const char *source, const char *destination);
void expect_refused(const struct container *container, const char *expected);
void expect_known(const struct container *container, struct cfd_image *image, enum cfd_engine engine, const char *name);
/* Whether the path, in the tree unless that is NULL, is in the list. */
bool has_dir(char *const *dirs, const char *tree, const char *path);
size_t count_dirs(char *const *dirs);

#endif
