/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical text of a config.json. */
#include "lib/spec/canonical.h"
#include "lib/json/json.h"
#include "lib/spec/schema.h"
#include "lib/spec/spec.h"

#include <errno.h>
#include <string.h>

static int by_row(const struct cfd_json *a, const struct cfd_json *b, void *context)
{
	const struct cfd_schema_row *first = cfd_schema_member(context, cfd_json_key(a));
	const struct cfd_schema_row *second = cfd_schema_member(context, cfd_json_key(b));

	return (first > second) - (first < second);
}

static int by_bytes(const struct cfd_json *a, const struct cfd_json *b, void *context)
{
	(void)context;
	return strcmp(cfd_json_key(a), cfd_json_key(b));
}

/* The document was checked, so every member of an object has its row. */
static void sort(struct cfd_json *value, const struct cfd_schema_row *row)
{
	for (size_t i = 0; i < cfd_json_count(value); i++) {
		const char *key = NULL;

		if (row->kind == CFD_SCHEMA_ARRAY) {
			sort(cfd_json_at(value, i), row->element);
		} else {
			struct cfd_json *member = cfd_json_member(value, i, &key);

			sort(member, row->kind == CFD_SCHEMA_MAP ? row->element : cfd_schema_member(row, key));
		}
	}
	if (row->kind == CFD_SCHEMA_OBJECT)
		cfd_json_sort(value, by_row, (void *)row);
	if (row->kind == CFD_SCHEMA_MAP)
		cfd_json_sort(value, by_bytes, NULL);
}

int cfd_spec_write(struct cfd_json_doc *doc, struct cfd_buf *buf, struct cfd_error *err)
{
	CFD_AUTO(cfd_spec_release) struct cfd_spec spec = {0};
	int r = cfd_spec_read(doc, CFD_SPEC_UNKNOWN_STRICT, &spec, err);

	if (r)
		return cfd_wrap(err, "what was to be written for the runtime");
	sort(spec.root, &cfd_schema_config);
	return cfd_json_write(spec.root, buf) ? cfd_fail_memory(err, "the runtime's config.json") : 0;
}
