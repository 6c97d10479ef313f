/* SPDX-License-Identifier: Apache-2.0 */
/* The rules' rows, for people and for programs. */
#ifndef CFD_REPORT_RULES_H
#define CFD_REPORT_RULES_H

#include "lib/base.h"

struct cfd_paint;
struct cfd_rule;

/*
 * All without a final newline; 0 or -ENOMEM. `now` (seconds since the epoch) is for examples that expire.
 */
/* Every rule with what it refuses, one on a line, by groups. */
int cfd_report_rules_text(const struct cfd_paint *paint, struct cfd_buf *buf);
/* One rule as a manual page: what it refuses, why, what is behind it, which controls of standards, how to allow it. */
int cfd_report_rule_text(const struct cfd_rule *rule, const struct cfd_paint *paint, int64_t now, struct cfd_buf *buf);
/* The same as JSON: an array of all rules, or the object of one. */
int cfd_report_rules_json(int64_t now, struct cfd_buf *buf);
int cfd_report_rule_json(const struct cfd_rule *rule, int64_t now, struct cfd_buf *buf);

#endif
