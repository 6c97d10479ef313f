/* SPDX-License-Identifier: Apache-2.0 */
/* From a finding's JSON path to a line and a column. */
#include "lib/report/place.h"

#include "lib/json/json.h"

#include <stdlib.h>
#include <string.h>

/* `.key` or, at the start, `key`. */
static struct cfd_json *step_key(struct cfd_json *node, const char **path)
{
	const char *start = *path + (**path == '.');
	size_t length = strcspn(start, ".[");

	for (size_t i = 0; i < cfd_json_count(node); i++) {
		const char *key = NULL;
		struct cfd_json *member = cfd_json_is(node, CFD_JSON_OBJECT) ? cfd_json_member(node, i, &key) : NULL;

		if (!key || strlen(key) != length || strncmp(key, start, length) != 0)
			continue;
		*path = start + length;
		return member;
	}
	return NULL;
}

/* `[7]` */
static struct cfd_json *step_index(struct cfd_json *node, const char **path)
{
	char *end;
	unsigned long index = strtoul(*path + 1, &end, 10);

	if (end == *path + 1 || *end != ']')
		return NULL;
	*path = end + 1;
	return cfd_json_at(node, index);
}

/* `["key"]`, where the key stands as it is and may have quotes and brackets too: the members tell which it is. */
static struct cfd_json *step_quoted(struct cfd_json *node, const char **path)
{
	const char *start = *path + strlen("[\"");

	for (size_t i = 0; i < cfd_json_count(node); i++) {
		const char *key = NULL;
		struct cfd_json *member = cfd_json_is(node, CFD_JSON_OBJECT) ? cfd_json_member(node, i, &key) : NULL;
		const char *behind = key && cfd_starts_with(start, key) ? start + strlen(key) : NULL;

		if (!behind || !cfd_starts_with(behind, "\"]"))
			continue;
		*path = behind + strlen("\"]");
		return member;
	}
	return NULL;
}

static struct cfd_json *step(struct cfd_json *node, const char **path)
{
	if (cfd_starts_with(*path, "[\""))
		return step_quoted(node, path);
	return **path == '[' ? step_index(node, path) : step_key(node, path);
}

void cfd_report_place(const struct cfd_json_doc *doc, const char *path, unsigned *ret_line, unsigned *ret_column)
{
	struct cfd_json *node = cfd_json_root((struct cfd_json_doc *)doc), *next;

	while (*path && (next = step(node, &path)))
		node = next;
	cfd_json_position(doc, node, ret_line, ret_column);
	if (*ret_line == 0)
		*ret_line = *ret_column = 1;
}
