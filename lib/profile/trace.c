/* SPDX-License-Identifier: Apache-2.0 */
/* Where each value of a resolved profile came from. */
#include "lib/profile/internal.h"

#include "lib/json/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool cfd_profile_adds_up(const char *path)
{
	return cfd_streq(path, "mounts.allow") || cfd_streq(path, "devices.allow") || cfd_streq(path, "exceptions");
}

const struct cfd_profile_origin *cfd_profile_trace_find(const struct cfd_profile_trace *trace, const char *path)
{
	for (size_t i = 0; i < trace->count; i++)
		if (cfd_streq(trace->origins[i].path, path))
			return &trace->origins[i];
	return NULL;
}

void cfd_profile_trace_release(struct cfd_profile_trace *trace)
{
	for (size_t i = 0; i < trace->count; i++)
		free(trace->origins[i].path);
	free(trace->origins);
	*trace = (struct cfd_profile_trace){0};
}

/* Whether the path is that of an element of the list. */
static bool is_element(const char *path, const char *list)
{
	size_t length = strlen(list);

	return strncmp(path, list, length) == 0 && path[length] == '[';
}

static size_t count_elements(const struct cfd_profile_trace *trace, const char *list)
{
	size_t count = 0;

	for (size_t i = 0; i < trace->count; i++)
		count += is_element(trace->origins[i].path, list);
	return count;
}

static void drop_elements(struct cfd_profile_trace *trace, const char *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < trace->count; i++) {
		if (is_element(trace->origins[i].path, list))
			free(trace->origins[i].path);
		else
			trace->origins[kept++] = trace->origins[i];
	}
	trace->count = kept;
}

/* The later one counts. */
static int put(struct cfd_profile_trace *trace, const char *path, const char *file, unsigned line)
{
	struct cfd_profile_origin *found = (struct cfd_profile_origin *)cfd_profile_trace_find(trace, path), *grown;

	if (!found) {
		grown = reallocarray(trace->origins, trace->count + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		trace->origins = grown;
		found = &grown[trace->count];
		found->path = strdup(path);
		if (!found->path)
			return -ENOMEM;
		trace->count++;
	}
	found->file = file;
	found->line = line;
	return 0;
}

static int put_list(struct cfd_profile_trace *trace, struct cfd_json_doc *doc, const struct cfd_json *list,
		    const char *path, const char *file)
{
	size_t first;
	int r = 0;

	if (!cfd_profile_adds_up(path))
		drop_elements(trace, path);
	first = count_elements(trace, path);
	for (size_t i = 0; !r && i < cfd_json_count(list); i++) {
		CFD_AUTO_BUF struct cfd_buf element = {0};
		unsigned line, column;

		cfd_json_position(doc, cfd_json_at(list, i), &line, &column);
		r = cfd_buf_addf(&element, "%s[%zu]", path, first + i);
		if (!r)
			r = put(trace, element.data, file, line);
	}
	return r;
}

/* A value with what is in it. Objects of a profile hold values and lists, nothing deeper that could be inherited. */
static int put_value(struct cfd_profile_trace *trace, struct cfd_json_doc *doc, const struct cfd_json *value,
		     const char *file)
{
	CFD_AUTO_BUF struct cfd_buf path = {0};
	unsigned line, column;
	int r = cfd_json_path(value, &path);

	cfd_json_position(doc, value, &line, &column);
	if (!r)
		r = put(trace, path.data, file, line);
	if (!r && cfd_json_is(value, CFD_JSON_ARRAY))
		r = put_list(trace, doc, value, path.data, file);
	/* The short form of "syscalls". */
	if (!r && cfd_streq(path.data, "syscalls") && cfd_json_is(value, CFD_JSON_STRING))
		r = put(trace, "syscalls.extends", file, line);
	return r;
}

int cfd_profile_trace_add(struct cfd_profile_trace *trace, struct cfd_json_doc *doc, const char *file,
			  struct cfd_error *err)
{
	const struct cfd_json *root = cfd_json_root(doc);
	int r = put_value(trace, doc, root, file);

	for (size_t i = 0; !r && i < cfd_json_count(root); i++) {
		const struct cfd_json *value = cfd_json_member(root, i, NULL);

		r = put_value(trace, doc, value, file);
		for (size_t k = 0; !r && cfd_json_is(value, CFD_JSON_OBJECT) && k < cfd_json_count(value); k++)
			r = put_value(trace, doc, cfd_json_member(value, k, NULL), file);
	}
	return r ? cfd_fail_memory(err, "the origins of a profile") : 0;
}
