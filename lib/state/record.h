/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a container's record.json, through one table for both directions. lib/state/state.h has the struct. */
#ifndef CFD_RECORD_H
#define CFD_RECORD_H

#include "lib/base.h"
#include "lib/err.h"

#define CFD_RECORD_MAX_BYTES ((size_t)1 << 18) /* paths and variables are bounded, and six times that as JSON */

struct cfd_record;

/* One JSON object and a line feed, added to the buffer. 0 or -ENOMEM. */
int cfd_record_write(const struct cfd_record *record, struct cfd_buf *buf);

/* Fills a zeroed record with what record.json holds. An unknown or missing key is -EINVAL. */
int cfd_record_parse(const char *text, size_t length, const char *file, struct cfd_record *record,
		     struct cfd_error *err);

#endif
