/* SPDX-License-Identifier: Apache-2.0 */
/* Every mistake of a file. */
#include "lib/json/diagnostics.h"

#include <errno.h>
#include <stdlib.h>

static void release(struct cfd_diagnostic *diagnostic)
{
	free(diagnostic->path);
	free(diagnostic->message);
	free(diagnostic->meant);
	*diagnostic = (struct cfd_diagnostic){0};
}

int cfd_diagnostics_add(struct cfd_diagnostics *diagnostics, const struct cfd_diagnostic *diagnostic)
{
	struct cfd_diagnostic *slot;

	*(diagnostic->warning ? &diagnostics->warnings : &diagnostics->errors) += 1;
	if (diagnostics->count == CFD_DIAGNOSTICS_MAX)
		return 0;
	slot = &diagnostics->values[diagnostics->count];
	*slot = (struct cfd_diagnostic){
		.warning = diagnostic->warning, .line = diagnostic->line, .column = diagnostic->column};
	if (cfd_string_replace(&slot->path, diagnostic->path) ||
	    cfd_string_replace(&slot->message, diagnostic->message) ||
	    cfd_string_replace(&slot->meant, diagnostic->meant)) {
		release(slot);
		return -ENOMEM;
	}
	diagnostics->count++;
	return 0;
}

bool cfd_diagnostics_overflow(const struct cfd_diagnostics *diagnostics)
{
	return diagnostics->errors + diagnostics->warnings > diagnostics->count;
}

static int compare(const void *a, const void *b)
{
	const struct cfd_diagnostic *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

void cfd_diagnostics_sort(struct cfd_diagnostics *diagnostics)
{
	qsort(diagnostics->values, diagnostics->count, sizeof(diagnostics->values[0]), compare);
}

int cfd_diagnostic_text(const struct cfd_diagnostic *diagnostic, const char *file, struct cfd_buf *buf)
{
	int r = cfd_buf_addf(buf, "%s:%u:%u: %s%s%s%s", file, diagnostic->line, diagnostic->column,
			     diagnostic->warning ? "warning: " : "", diagnostic->path ? diagnostic->path : "",
			     diagnostic->path ? ": " : "", diagnostic->message);

	return r || !diagnostic->meant ? r : cfd_buf_addf(buf, "; did you mean \"%s\"?", diagnostic->meant);
}

int cfd_diagnostic_json(const struct cfd_diagnostic *diagnostic, const char *file, struct cfd_buf *buf)
{
	int r = cfd_buf_add_string(buf, "{\"file\":");

	if (!r)
		r = cfd_buf_add_json(buf, file);
	if (!r)
		r = cfd_buf_addf(buf, ",\"line\":%u,\"column\":%u,\"severity\":\"%s\"", diagnostic->line,
				 diagnostic->column, diagnostic->warning ? "warning" : "error");
	if (!r)
		r = cfd_buf_add_member(buf, "path", diagnostic->path);
	if (!r)
		r = cfd_buf_add_member(buf, "message", diagnostic->message);
	if (!r)
		r = cfd_buf_add_member(buf, "meant", diagnostic->meant);
	return r ? r : cfd_buf_add(buf, "}", 1);
}

void cfd_diagnostics_release(struct cfd_diagnostics *diagnostics)
{
	for (size_t i = 0; i < diagnostics->count; i++)
		release(&diagnostics->values[i]);
	*diagnostics = (struct cfd_diagnostics){0};
}
