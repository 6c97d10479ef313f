/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `cofferdam check` found, for people (text) and for programs (json, sarif, junit). A format is a row in a table.
 * All of them say the same: what a profile's verdict, or a standard's judgement, has against the configuration.
 */
#ifndef CFD_REPORT_H
#define CFD_REPORT_H

#include "lib/base.h"

struct cfd_judgement;
struct cfd_paint;
struct cfd_verdict;

struct cfd_report {                            /* all borrowed */
	const char *file;                      /* path of config.json, as locations name it */
	const struct cfd_verdict *verdict;     /* reached; with a judgement: read only (cfd_verdict_read) */
	const struct cfd_judgement *judgement; /* of a standard, or NULL: the profile's verdict is reported */
	const struct cfd_paint *paint;         /* of text */
	int64_t now;                           /* seconds since the epoch, for examples that expire */
};

struct cfd_report_format {
	const char *name;
	/* Adds the whole report, without a final newline. 0 or -ENOMEM. */
	int (*write)(const struct cfd_report *report, struct cfd_buf *buf);
};

extern const struct cfd_report_format cfd_report_formats[];
extern const size_t cfd_report_format_count;
const struct cfd_report_format *cfd_report_format_find(const char *name); /* or NULL */

/* Whether the configuration is refused, or fails the standard: what exit status 1 says. */
bool cfd_report_refused(const struct cfd_report *report);

#endif
