/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the cases of tests/corpus. */
#include "tests/unit/corpus.h"

#include "lib/fd.h"
#include "lib/image/image.h"
#include "lib/json/json.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* Adds the text with every `mark` replaced. */
static void replace(struct cfd_buf *buf, const char *text, const char *mark, const char *with)
{
	const char *found;

	for (; (found = strstr(text, mark)); text = found + strlen(mark)) {
		cfd_buf_add(buf, text, (size_t)(found - text));
		cfd_buf_add_string(buf, with);
	}
	cfd_buf_add_string(buf, text);
}

struct cfd_json_doc *corpus_parse(const char *path, const char *tree)
{
	const struct cfd_json_options options = {.name = path};
	const char *const marks[][2] = {
		{"@T@", tree ? tree : "/"}, {"@HOOK@", CFD_LIBEXECDIR "/cofferdam-hook"}, {"@ETC@", CFD_SYSCONFDIR}};
	CFD_AUTO_BUF struct cfd_buf whole = {0};
	struct cfd_json_doc *doc = NULL;
	struct cfd_error err = {0};

	cr_assert_eq(cfd_fd_read_file(AT_FDCWD, path, 1 << 20, &whole, &err), 0, "%s: %s", path, err.message);
	for (size_t i = 0; i < CFD_COUNT(marks); i++) {
		CFD_AUTO_BUF struct cfd_buf text = whole;

		whole = (struct cfd_buf){0};
		replace(&whole, text.data, marks[i][0], marks[i][1]);
	}
	cr_assert_eq(cfd_json_parse(whole.data, whole.length, &options, &doc, &err), 0, "%s", err.message);
	return doc;
}

static struct cfd_json *child(struct cfd_json *node, const char *key)
{
	if (cfd_json_is(node, CFD_JSON_ARRAY))
		return cfd_json_at(node, (size_t)atoi(key));
	return cfd_json_get(node, key);
}

void corpus_apply(struct cfd_json_doc *doc, const struct cfd_json *operation)
{
	const char *op = cfd_json_string(cfd_json_get(operation, "op"));
	const char *path = cfd_json_string(cfd_json_get(operation, "path"));
	struct cfd_json *node = cfd_json_root(doc), *value = cfd_json_copy(doc, cfd_json_get(operation, "value"));
	char key[256] = "";

	cr_assert(op && path && path[0] == '/');
	while (*path) {
		size_t length = 0;

		if (*key)
			node = child(node, key);
		cr_assert_not_null(node, "no %s", key);
		for (path++; *path && *path != '/'; path++) {
			bool slash = strncmp(path, "~1", 2) == 0;

			key[length++] = slash ? '/' : *path;
			path += slash;
			cr_assert_lt(length, sizeof(key));
		}
		key[length] = '\0';
	}
	if (cfd_json_is(node, CFD_JSON_ARRAY)) {
		if (strcmp(op, "remove") == 0)
			cfd_json_remove_at(node, (size_t)atoi(key));
		else
			cr_assert(strcmp(key, "-") == 0 && !cfd_json_append(doc, node, value));
	} else if (strcmp(op, "remove") == 0) {
		cfd_json_remove(node, key);
	} else {
		cr_assert_eq(cfd_json_set(doc, node, key, value), 0);
	}
}

char **corpus_strings(struct corpus_lists *lists, const struct cfd_json *array)
{
	char **list = lists->values[lists->count++];

	cr_assert_leq(lists->count, CFD_COUNT(lists->values));
	cr_assert_lt(cfd_json_count(array), CFD_COUNT(lists->values[0]));
	for (size_t i = 0; i < cfd_json_count(array); i++)
		list[i] = (char *)cfd_json_string(cfd_json_at(array, i));
	return list;
}

void corpus_read_image(const struct cfd_json *image, struct corpus_lists *lists, struct cfd_image *ret_image)
{
	const char *engine = cfd_json_string(cfd_json_get(image, "engine"));
	static const char *const names[] = {
		[CFD_ENGINE_PODMAN] = "podman",
		[CFD_ENGINE_CRIO] = "crio",
		[CFD_ENGINE_CONTAINERD] = "containerd",
		[CFD_ENGINE_DOCKER] = "docker",
	};
	char **engine_dirs = corpus_strings(lists, cfd_json_get(image, "engine_dirs"));
	char **volume_dirs = corpus_strings(lists, cfd_json_get(image, "volume_dirs"));

	for (size_t i = 1; i < CFD_COUNT(names); i++)
		if (cfd_streq(names[i], engine))
			ret_image->engine = (enum cfd_engine)i;
	cr_assert(!engine || ret_image->engine != CFD_ENGINE_NONE);
	ret_image->sandbox = cfd_json_bool(cfd_json_get(image, "sandbox"));
	for (size_t i = 0; i < 8 && engine_dirs[i]; i++)
		ret_image->engine_dirs[i] = engine_dirs[i];
	for (size_t i = 0; i < 8 && volume_dirs[i]; i++)
		ret_image->volume_dirs[i] = volume_dirs[i];
}
