/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording -> the profile that those runs would have passed, as narrow as profiles can say it, each line with how
 * often it was used.
 */
#ifndef CFD_RECORDING_SUGGEST_H
#define CFD_RECORDING_SUGGEST_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_json_doc;
struct cfd_recording;
struct cfd_used;

/*
 * `base` is the document of the profile that was in force, or NULL when it is gone. When it names images (`match`) the
 * text is to replace it: the same, but for mode, exec and net. Else it is a new profile for the image that extends it.
 * ret_whole: false when not all that was used is in it; the text says what is missing.
 */
int cfd_suggest(const struct cfd_recording *recording, struct cfd_json_doc *base, struct cfd_buf *text, bool *ret_whole,
		struct cfd_error *err);

/* --- what lib/recording/suggest.c and suggest_net.c share */

/* A page of JSON with comments. What cannot be added for want of memory is noticed in the end. */
struct cfd_page {
	struct cfd_buf *text;
	int failed;
};

void cfd_page_add(struct cfd_page *page, const char *format, ...) CFD_PRINTF(2, 3);
/* A line of its own behind `depth` tabs. Whatever is in it, it stays one line. */
void cfd_page_comment(struct cfd_page *page, unsigned depth, const char *format, ...) CFD_PRINTF(3, 4);

/* The keys of "net" that come from the recording, the last without a comma. */
int cfd_suggest_net(const struct cfd_recording *recording, struct cfd_page *page, struct cfd_error *err);
/* Whether no profile allows this, or only one with `any`. */
bool cfd_suggest_is_refused(const struct cfd_used *used);

#endif
