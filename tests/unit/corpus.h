/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the cases of tests/corpus. Every function asserts that it worked. */
#ifndef CFD_TEST_CORPUS_H
#define CFD_TEST_CORPUS_H

#include "lib/base.h"

struct cfd_image;
struct cfd_json;
struct cfd_json_doc;

/* Lists that structures point to; the strings belong to the case's document. */
struct corpus_lists {
	char *values[16][64];
	size_t count;
};

/* A file; @T@ in it stands for the tree's directory, @HOOK@ for cofferdam's hook, @ETC@ for its configuration. */
struct cfd_json_doc *corpus_parse(const char *path, const char *tree);

/* One operation of RFC 6902; paths have no ~1 but "~1" for a slash, and array elements are only appended or removed. */
void corpus_apply(struct cfd_json_doc *doc, const struct cfd_json *operation);

/* The strings of an array as a NULL-terminated list. */
char **corpus_strings(struct corpus_lists *lists, const struct cfd_json *array);

/* {"engine": "podman", "sandbox": true, "engine_dirs": [...], "volume_dirs": [...]}, each of which may be absent. */
void corpus_read_image(const struct cfd_json *image, struct corpus_lists *lists, struct cfd_image *ret_image);

#endif
