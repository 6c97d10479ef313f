/* SPDX-License-Identifier: Apache-2.0 */
/* What of a container's files is noted in its record, for people: its bind mounts, and whose ids they have. */
#ifndef CFD_VOLUMES_H
#define CFD_VOLUMES_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_json;
struct cfd_json_doc;
struct cfd_record;
struct cfd_record_volume;

/* As many are noted, with as many bytes of paths, so that a record stays small; the others are counted. */
#define CFD_VOLUMES_MAX 64
#define CFD_VOLUMES_MAX_BYTES ((size_t)16 << 10)

/* Notes one, whose strings are copied. 0 or -ENOMEM. */
int cfd_volumes_add(struct cfd_record *record, const struct cfd_record_volume *volume);
/* `,"volumes":[...]`, or nothing where there is none. 0 or -ENOMEM. */
int cfd_volumes_write(const struct cfd_record *record, struct cfd_buf *buf);
/* The `read` of a field (lib/json/fields.h) whose place is the record. */
int cfd_volumes_read(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
		     struct cfd_error *err);
void cfd_volumes_release(struct cfd_record *record);

#endif
