/* SPDX-License-Identifier: Apache-2.0 */
/* Containers as an engine would hand them over. */
#include "tests/unit/container.h"

#include "lib/json/json.h"
#include "lib/spec/spec.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void container_release(struct container *container)
{
	close(container->fd);
	for (size_t i = 0; i < container->mount_count; i++)
		free(container->mounts[i].source);
	free(container->bundle);
	free(container->root_path);
	tree_remove(&container->tree);
}

void container_start(struct container *container, const char *id, const char *bundle, const char *root_path)
{
	*container = (struct container){.tree = tree_make(), .id = id};
	tree_directory(container->tree, bundle);
	container->bundle = tree_path(container->tree, bundle);
	container->root_path = *root_path == '/' ? tree_path(container->tree, root_path + 1) : strdup(root_path);
	container->fd = open(container->bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(container->fd, 0);
}

void annotate(struct container *container, const char *key, const char *value)
{
	size_t i = 0;

	while (i < container->annotation_count && !cfd_streq(container->annotations[i].key, key))
		i++;
	container->annotations[i].key = key;
	container->annotations[i].value = value;
	if (i == container->annotation_count)
		container->annotation_count++;
}

void bind_mount(struct container *container, const char *source, const char *destination)
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

void expect_refused(const struct container *container, const char *expected)
{
	IMAGE image = {.engine = CFD_ENGINE_DOCKER};
	struct cfd_error err = {0};
	int r = identify(container, &image, &err);

	cr_expect_lt(r, 0, "expected \"%s\"", expected);
	cr_expect_not_null(strstr(err.message, expected), "expected \"%s\" in \"%s\"", expected, err.message);
	cr_expect_eq(image.engine, CFD_ENGINE_DOCKER, "output touched");
}

void expect_known(const struct container *container, struct cfd_image *image, enum cfd_engine engine, const char *name)
{
	struct cfd_error err = {0};

	cr_assert_eq(identify(container, image, &err), 0, "%s", err.message);
	cr_expect_eq(image->engine, engine);
	if (name)
		cr_expect_str_eq(image->name ? image->name : "(none)", name);
	else
		cr_expect_null(image->name, "%s", image->name);
}

bool has_dir(char *const *dirs, const char *tree, const char *path)
{
	CFD_AUTO_FREE char *full = tree ? tree_path(tree, path) : strdup(path);

	for (; *dirs; dirs++)
		if (cfd_streq(*dirs, full))
			return true;
	return false;
}

size_t count_dirs(char *const *dirs)
{
	size_t count = 0;

	while (dirs[count])
		count++;
	return count;
}
