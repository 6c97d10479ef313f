/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a container's record.json. Links beside it hold what must be known without a parser (lib/state/state.h),
 * so the processes, the range and the runtime are not repeated here.
 */
#include "lib/state/record.h"

#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/state/state.h"
#include "lib/state/volumes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define RECORD_FORMAT 2 /* goes up when a field changes its meaning; another version's record is not read */

#define TEXT(name, must)                                                                                               \
	{                                                                                                              \
		.key = #name, .kind = CFD_FIELD_STRING, .offset = offsetof(struct cfd_record, name), .required = must  \
	}
#define FLAG(name)                                                                                                     \
	{                                                                                                              \
		.key = #name, .kind = CFD_FIELD_BOOL, .offset = offsetof(struct cfd_record, name), .required = true    \
	}
/* 64-bit identifiers are stored as the signed number with the same bits: JSON integers are read as int64_t. */
#define NUMBER(name)                                                                                                   \
	{                                                                                                              \
		.key = #name, .kind = CFD_FIELD_INT, .offset = offsetof(struct cfd_record, name), .required = true,    \
		.min = INT64_MIN, .max = INT64_MAX                                                                     \
	}

// clang-format off
static const struct cfd_field record_fields[] = {
	TEXT(id, true),
	TEXT(root, true),
	TEXT(bundle, true),
	TEXT(image, false),
	TEXT(profile, false),
	TEXT(container_name, false),
	TEXT(cgroups_path, false),
	TEXT(cgroup, false),
	NUMBER(capabilities),
	NUMBER(asked_capabilities),
	FLAG(no_new_privileges),
	NUMBER(uid),
	NUMBER(oom_score_adj),
	TEXT(apparmor_profile, false),
	TEXT(selinux_label, false),
	{ .key = "loader_env", .kind = CFD_FIELD_STRINGS, .offset = offsetof(struct cfd_record, loader_env), .max = 4096 },
	NUMBER(cgroup_id),
	NUMBER(policy_id),
	NUMBER(created),
	FLAG(guard_exec),
	FLAG(guard_net),
	FLAG(guard_exec_required),
	FLAG(guard_net_required),
	FLAG(guard_destinations),
	FLAG(foreground),
	TEXT(pod, false),
	{ .key = "userns", .kind = CFD_FIELD_INT, .offset = offsetof(struct cfd_record, userns), .max = INT64_MAX },
	TEXT(layers, false),
	{ .key = "volumes", .kind = CFD_FIELD_CUSTOM, .read = cfd_volumes_read },
	{ .key = "volumes_more", .kind = CFD_FIELD_INT, .offset = offsetof(struct cfd_record, volumes_more), .max = INT64_MAX },
	{ .key = "format", .kind = CFD_FIELD_IGNORED, .required = true }, /* read first, by check_format */
};
// clang-format on

static int write_strings(const char *key, char *const *strings, struct cfd_buf *buf)
{
	int r = strings && *strings ? cfd_buf_addf(buf, ",\"%s\":[", key) : 0;

	for (char *const *string = strings; !r && string && *string; string++)
		r = (string != strings && cfd_buf_add_string(buf, ",")) ? -ENOMEM : cfd_buf_add_json(buf, *string);
	return !r && strings && *strings ? cfd_buf_add_string(buf, "]") : r;
}

static int write_field(const struct cfd_field *field, const struct cfd_record *record, struct cfd_buf *buf)
{
	const void *value = (const char *)record + field->offset;

	switch (field->kind) {
	case CFD_FIELD_STRING:
		return cfd_buf_add_member(buf, field->key, *(char *const *)value);
	case CFD_FIELD_BOOL:
		return cfd_buf_addf(buf, ",\"%s\":%s", field->key, *(const bool *)value ? "true" : "false");
	case CFD_FIELD_INT:
		return cfd_buf_addf(buf, ",\"%s\":%" PRId64, field->key, *(const int64_t *)value);
	case CFD_FIELD_STRINGS:
		return write_strings(field->key, *(char **const *)value, buf);
	default:
		return 0;
	}
}

int cfd_record_write(const struct cfd_record *record, struct cfd_buf *buf)
{
	int r = cfd_buf_addf(buf, "{\"format\":%d", RECORD_FORMAT);

	for (size_t i = 0; !r && i < CFD_COUNT(record_fields); i++)
		r = write_field(&record_fields[i], record, buf);
	if (!r)
		r = cfd_volumes_write(record, buf);
	return r ? r : cfd_buf_add_string(buf, "}\n");
}

static int check_format(const struct cfd_json *root, const char *file, struct cfd_error *err)
{
	int64_t format = 0;

	if (cfd_json_int(cfd_json_get(root, "format"), INT64_MIN, INT64_MAX, &format) == 0 && format == RECORD_FORMAT)
		return 0;
	return cfd_fail(err, -EINVAL, "%s is not a record of format %d, which this version of cofferdam writes", file,
			RECORD_FORMAT);
}

int cfd_record_parse(const char *text, size_t length, const char *file, struct cfd_record *record,
		     struct cfd_error *err)
{
	const struct cfd_json_options options = {.name = file, .max_bytes = CFD_RECORD_MAX_BYTES};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	int r = cfd_json_parse(text, length, &options, &doc, err);

	if (!r)
		r = check_format(cfd_json_root(doc), file, err);
	return r ? r
		 : cfd_fields_read(doc, cfd_json_root(doc), file, record_fields, CFD_COUNT(record_fields), record, err);
}

void cfd_record_release(struct cfd_record *record)
{
	char **const owned[] = {
		&record->id,      &record->root,           &record->bundle,           &record->image,
		&record->profile, &record->container_name, &record->cgroups_path,     &record->cgroup,
		&record->runtime, &record->runtime_dir,    &record->apparmor_profile, &record->selinux_label,
		&record->pod};

	for (size_t i = 0; i < CFD_COUNT(owned); i++)
		free(*owned[i]);
	cfd_strings_free(record->loader_env);
	free(record->layers);
	cfd_volumes_release(record);
	*record = (struct cfd_record){0};
}
