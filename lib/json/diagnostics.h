/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every mistake of a file, not only the first. A document that is parsed with a list of these (cfd_json_options) has
 * its mistakes put there, and the readers of lib/json/fields.h go on behind each; without one they stop at the first.
 */
#ifndef CFD_DIAGNOSTICS_H
#define CFD_DIAGNOSTICS_H

#include "lib/base.h"

#define CFD_DIAGNOSTICS_MAX 64 /* of one file; nobody reads more, and a file may have 1 MiB of mistakes */

struct cfd_diagnostic {
	bool warning;          /* it is read as it stands, but hardly meant so */
	unsigned line, column; /* from 1; columns count characters */
	char *path;            /* the JSON path, or NULL for what is no JSON */
	char *message;         /* without place, path and what was meant */
	char *meant;           /* what was probably meant, or NULL */
};

struct cfd_diagnostics {
	struct cfd_diagnostic values[CFD_DIAGNOSTICS_MAX];
	size_t count;            /* of the values */
	size_t errors, warnings; /* with the first that did not fit; readers go no further */
};

/* Whether there is one more than there is room for. */
bool cfd_diagnostics_overflow(const struct cfd_diagnostics *diagnostics);

/* Takes copies. 0 or -ENOMEM. */
int cfd_diagnostics_add(struct cfd_diagnostics *diagnostics, const struct cfd_diagnostic *diagnostic);
/* In the order of their places. */
void cfd_diagnostics_sort(struct cfd_diagnostics *diagnostics);
/* Adds "FILE:LINE:COLUMN: PATH: message; did you mean "x"?", with "warning: " in front of the path. 0 or -ENOMEM. */
int cfd_diagnostic_text(const struct cfd_diagnostic *diagnostic, const char *file, struct cfd_buf *buf);
/* Adds one JSON object: file, line, column, severity, path, message, meant. 0 or -ENOMEM. */
int cfd_diagnostic_json(const struct cfd_diagnostic *diagnostic, const char *file, struct cfd_buf *buf);
void cfd_diagnostics_release(struct cfd_diagnostics *diagnostics);

#endif
