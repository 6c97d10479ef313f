/* SPDX-License-Identifier: Apache-2.0 */
/* The bind mounts that a container's record tells of. */
#include "lib/state/volumes.h"

#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/json/value.h"
#include "lib/state/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void volume_release(struct cfd_record_volume *volume)
{
	free(volume->destination);
	free(volume->source);
	*volume = (struct cfd_record_volume){0};
}

void cfd_volumes_release(struct cfd_record *record)
{
	for (size_t i = 0; i < record->volume_count; i++)
		volume_release(&record->volumes[i]);
	free(record->volumes);
	record->volumes = NULL;
	record->volume_count = 0;
}

static size_t bytes_of(const struct cfd_record_volume *volume)
{
	return strlen(volume->destination) + strlen(volume->source);
}

static bool has_room(const struct cfd_record *record, const struct cfd_record_volume *volume)
{
	size_t bytes = bytes_of(volume);

	for (size_t i = 0; i < record->volume_count; i++)
		bytes += bytes_of(&record->volumes[i]);
	return record->volume_count < CFD_VOLUMES_MAX && bytes <= CFD_VOLUMES_MAX_BYTES;
}

int cfd_volumes_add(struct cfd_record *record, const struct cfd_record_volume *volume)
{
	struct cfd_record_volume copy = *volume, *volumes;

	if (!has_room(record, volume)) {
		record->volumes_more++;
		return 0;
	}
	volumes = reallocarray(record->volumes, record->volume_count + 1, sizeof(*volumes));
	if (!volumes)
		return -ENOMEM;
	record->volumes = volumes;
	copy.destination = strdup(volume->destination);
	copy.source = strdup(volume->source);
	if (!copy.destination || !copy.source) {
		volume_release(&copy);
		return -ENOMEM;
	}
	volumes[record->volume_count++] = copy;
	return 0;
}

int cfd_volumes_write(const struct cfd_record *record, struct cfd_buf *buf)
{
	int r = record->volume_count ? cfd_buf_add_string(buf, ",\"volumes\":[") : 0;

	for (size_t i = 0; !r && i < record->volume_count; i++) {
		const struct cfd_record_volume *volume = &record->volumes[i];

		r = cfd_buf_add_string(buf, i ? ",{\"destination\":" : "{\"destination\":") ||
		    cfd_buf_add_json(buf, volume->destination) || cfd_buf_add_member(buf, "source", volume->source) ||
		    cfd_buf_addf(buf, ",\"idmapped\":%s,\"read_only\":%s}", volume->idmapped ? "true" : "false",
				 volume->read_only ? "true" : "false");
	}
	if (!r && record->volume_count)
		r = cfd_buf_add_string(buf, "]");
	return r ? -ENOMEM : 0;
}

// clang-format off
static const struct cfd_field volume_fields[] = {
	{ .key = "destination", .kind = CFD_FIELD_STRING, .required = true, .offset = offsetof(struct cfd_record_volume, destination) },
	{ .key = "source", .kind = CFD_FIELD_STRING, .required = true, .offset = offsetof(struct cfd_record_volume, source) },
	{ .key = "idmapped", .kind = CFD_FIELD_BOOL, .required = true, .offset = offsetof(struct cfd_record_volume, idmapped) },
	{ .key = "read_only", .kind = CFD_FIELD_BOOL, .required = true, .offset = offsetof(struct cfd_record_volume, read_only) },
};
// clang-format on

int cfd_volumes_read(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
		     struct cfd_error *err)
{
	struct cfd_record *record = field;
	int r = cfd_value_expect_list(doc, value, file, CFD_VOLUMES_MAX, err);

	if (r)
		return r;
	cfd_volumes_release(record);
	record->volumes = calloc(cfd_json_count(value) + 1, sizeof(*record->volumes));
	if (!record->volumes)
		return cfd_fail_memory(err, "a record");
	for (size_t i = 0; !r && i < cfd_json_count(value); i++)
		r = cfd_fields_read(doc, cfd_json_at(value, i), file, volume_fields, CFD_COUNT(volume_fields),
				    &record->volumes[record->volume_count++], err);
	return r;
}
