/* SPDX-License-Identifier: Apache-2.0 */
/* What a runtime of a certain version acts on. */
#include "lib/spec/readers.h"
#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/spec/schema.h"
#include "lib/spec/spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct fitting {
	const struct cfd_spec *spec;
	const struct cfd_reader *reader;
	const struct cfd_schema_row *object; /* whose members are looked at */
	struct cfd_buf *list;
	struct cfd_error *err;
};

static const char *const names[] = {
	[CFD_READER_RUNC] = "runc version ",
	[CFD_READER_CRUN] = "crun version ",
};

/* MAJOR.MINOR or MAJOR.MINOR.PATCH, whatever follows; 0 for anything else. */
static uint32_t parse_version(const char *text)
{
	unsigned major = 0, minor = 0, patch = 0;

	if (sscanf(text, "%3u.%3u.%3u", &major, &minor, &patch) < 2 || major > 255 || minor > 255 || patch > 255)
		return 0;
	return CFD_SCHEMA_VERSION(major, minor, patch);
}

struct cfd_reader cfd_reader_parse(const char *text)
{
	struct cfd_reader reader = {.kind = CFD_READER_OTHER};

	for (size_t i = CFD_READER_RUNC; i < CFD_COUNT(names); i++) {
		if (!cfd_starts_with(text, names[i]))
			continue;
		reader.version = parse_version(text + strlen(names[i]));
		reader.kind = reader.version ? (enum cfd_reader_kind)i : CFD_READER_OTHER;
	}
	return reader;
}

static bool is_common(const struct cfd_schema_row *row)
{
	return row->runc == 0 && row->crun == 0;
}

static bool acts_on(const struct cfd_reader *reader, const struct cfd_schema_row *row)
{
	if (reader->kind == CFD_READER_OTHER || is_common(row))
		return is_common(row);
	return reader->version >= (reader->kind == CFD_READER_RUNC ? row->runc : row->crun);
}

/* The row of a child of the value. */
static const struct cfd_schema_row *row_of(const struct cfd_schema_row *row, const struct cfd_json *child)
{
	return row->kind == CFD_SCHEMA_OBJECT ? cfd_schema_member(row, cfd_json_key(child)) : row->element;
}

static struct cfd_json *child_of(const struct cfd_json *value, size_t index)
{
	return cfd_json_is(value, CFD_JSON_ARRAY) ? cfd_json_at(value, index) : cfd_json_member(value, index, NULL);
}

static bool matters(const struct cfd_json *value, const struct cfd_schema_row *row)
{
	for (size_t i = 0; i < cfd_json_count(value); i++) {
		const struct cfd_json *child = child_of(value, i);
		const struct cfd_schema_row *of = row_of(row, child);

		if (!is_common(of) || matters(child, of))
			return true;
	}
	return false;
}

bool cfd_reader_matters(const struct cfd_spec *spec)
{
	return matters(spec->root, &cfd_schema_config);
}

static bool is_acted_on(const struct cfd_json *child, void *context)
{
	const struct fitting *f = context;

	return acts_on(f->reader, cfd_schema_member(f->object, cfd_json_key(child)));
}

static int list_unread(struct fitting *f, const struct cfd_json *child, const struct cfd_schema_row *row)
{
	if (row->vital)
		return cfd_fields_fail(
			f->spec->doc, child, cfd_json_name(f->spec->doc), f->err,
			"this version of the runtime would ignore it; install a newer one, or do without");
	if (cfd_json_path(child, f->list) || cfd_buf_add(f->list, "\n", 1))
		return cfd_fail_memory(f->err, "a list of keys");
	return 0;
}

static int fit(struct fitting *f, struct cfd_json *value, const struct cfd_schema_row *row)
{
	size_t before = f->list->length;
	int r = 0;

	for (size_t i = 0; !r && i < cfd_json_count(value); i++) {
		struct cfd_json *child = child_of(value, i);
		const struct cfd_schema_row *of = row_of(row, child);

		r = acts_on(f->reader, of) ? fit(f, child, of) : list_unread(f, child, of);
	}
	if (r || row->kind != CFD_SCHEMA_OBJECT || f->list->length == before)
		return r;
	f->object = row;
	cfd_json_filter(value, is_acted_on, f);
	return 0;
}

int cfd_reader_fit(const struct cfd_spec *spec, const struct cfd_reader *reader, struct cfd_buf *list,
		   struct cfd_error *err)
{
	struct fitting f = {.spec = spec, .reader = reader, .list = list, .err = err};

	return fit(&f, spec->root, &cfd_schema_config);
}
