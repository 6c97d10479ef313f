/* SPDX-License-Identifier: Apache-2.0 */
/* Where a container lives: its ids on the host, its root filesystem and its bind mounts, as its record has them. */
#include "lib/watch/watch.h"

#include "lib/state/volumes.h"

#include <errno.h>
#include <inttypes.h>

/* Paths are the image's and the user's: they must not move the cursor, nor read as another line. */
static int add_hidden(const char *text, struct cfd_buf *buf)
{
	size_t start = buf->length;
	int r = cfd_buf_add_string(buf, text);

	if (!r)
		cfd_hide_control(buf->data + start, "");
	return r;
}

static int add_volume(const struct cfd_record_volume *volume, struct cfd_buf *buf)
{
	return cfd_buf_add_string(buf, "  volume    ") || add_hidden(volume->destination, buf) ||
			       cfd_buf_add_string(buf, " from ") || add_hidden(volume->source, buf) ||
			       cfd_buf_addf(buf, " (%s%s)\n", volume->idmapped ? "idmapped" : "the host's ids",
					    volume->read_only ? ", read-only" : "")
		       ? -ENOMEM
		       : 0;
}

int cfd_watch_place(const struct cfd_watched *status, struct cfd_buf *buf)
{
	const struct cfd_record *record = &status->record;
	const struct cfd_userns_range *range = &record->range;
	int r = range->size ? cfd_buf_addf(buf, "  ids       %" PRIu32 "-%" PRIu32 " on the host\n", range->base,
					   range->base + (range->size - 1))
			    : cfd_buf_add_string(buf, "  ids       no range of cofferdam's\n");

	if (!r && record->layers)
		r = cfd_buf_add_string(buf, "  rootfs    ") || add_hidden(record->layers, buf) ||
		    cfd_buf_add_string(buf, ", idmapped\n");
	for (size_t i = 0; !r && i < record->volume_count; i++)
		r = add_volume(&record->volumes[i], buf);
	if (!r && record->volumes_more)
		r = cfd_buf_addf(buf, "  volume    and %" PRId64 " more\n", record->volumes_more);
	return r ? -ENOMEM : 0;
}

int cfd_watch_place_json(const struct cfd_watched *status, struct cfd_buf *buf)
{
	const struct cfd_record *record = &status->record;
	int r = cfd_buf_add_member(buf, "rootfs", record->layers) || cfd_volumes_write(record, buf);

	if (!r && record->volumes_more)
		r = cfd_buf_addf(buf, ",\"volumes_more\":%" PRId64, record->volumes_more);
	return r ? -ENOMEM : 0;
}
