/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runtime reads. The same meaning is always the same bytes: keys in the order of the spec (lib/spec/schema.h),
 * those of maps by their bytes, no white space, whole numbers within their range, valid UTF-8 with the shortest
 * escapes.
 */
#ifndef CFD_SPEC_CANONICAL_H
#define CFD_SPEC_CANONICAL_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_json_doc;

/*
 * Adds the document's text. All of it is held against the table once more, so that nothing that was amended wrongly
 * gets out: -EINVAL. The members of its objects change their places; nothing else does.
 */
int cfd_spec_write(struct cfd_json_doc *doc, struct cfd_buf *buf, struct cfd_error *err);

#endif
