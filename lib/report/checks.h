/* SPDX-License-Identifier: Apache-2.0 */
/* A verdict and a judgement as one list of checks, each with its findings; for lib/report only. */
#ifndef CFD_REPORT_CHECKS_H
#define CFD_REPORT_CHECKS_H

#include "lib/base.h"

struct cfd_control;
struct cfd_finding;
struct cfd_report;
struct cfd_rule;

struct cfd_report_check {
	const char *group, *id, *title;
	const struct cfd_rule *rule;       /* of a verdict, else NULL */
	const struct cfd_control *control; /* of a judgement, else NULL */
	const struct cfd_finding *findings;
	size_t count, total;      /* found, and what did not fit as well */
	const char *inapplicable; /* why it does not apply; or NULL */
};

struct cfd_report_checks {
	struct cfd_report_check *values;
	size_t count;
	size_t lost; /* findings of a verdict that did not fit: of which rules is not known */
};

/* Every rule that was asked, or every control of the standard. Borrows from the report. 0 or -ENOMEM. */
int cfd_report_checks(const struct cfd_report *report, struct cfd_report_checks *ret_checks);
void cfd_report_checks_release(struct cfd_report_checks *checks);

/* How many findings of the check stand. */
size_t cfd_report_check_against(const struct cfd_report_check *check);
/* What was asked: "cofferdam check", or the standard's title. */
const char *cfd_report_title(const struct cfd_report *report);

/* The formats. */
int cfd_report_text(const struct cfd_report *report, struct cfd_buf *buf);
int cfd_report_json(const struct cfd_report *report, struct cfd_buf *buf);
int cfd_report_sarif(const struct cfd_report *report, struct cfd_buf *buf);
int cfd_report_junit(const struct cfd_report *report, struct cfd_buf *buf);

#endif
