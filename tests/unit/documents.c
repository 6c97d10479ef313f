/* SPDX-License-Identifier: Apache-2.0 */
/* JSON documents for tests. */
#include "tests/unit/documents.h"

#include <criterion/criterion.h>
#include <string.h>

int parse_with(const char *text, size_t length, bool comments, struct cfd_json_doc **ret_doc, struct cfd_error *err)
{
	const struct cfd_json_options options = {.name = "f.json", .allow_comments = comments};

	return cfd_json_parse(text, length, &options, ret_doc, err);
}

struct cfd_json_doc *parse(const char *text)
{
	struct cfd_json_doc *doc = NULL;
	struct cfd_error err = {0};

	cr_assert_eq(parse_with(text, strlen(text), false, &doc, &err), 0, "%s: %s", text, err.message);
	return doc;
}

char *written(const struct cfd_json *node)
{
	struct cfd_buf buf = {0};

	cr_assert_eq(cfd_json_write(node, &buf), 0);
	return buf.data;
}
