/* SPDX-License-Identifier: Apache-2.0 */
/* What an author writes to allow what a rule refuses, as JSON that is accepted as it stands. */
#ifndef CFD_RULES_EXPLAIN_H
#define CFD_RULES_EXPLAIN_H

#include "lib/base.h"

struct cfd_rule;

/*
 * Adds the members: of a profile, or of cofferdam.json for a rule of class CFD_RULE_ADMIN. Where only an exception lets
 * it pass, that is the example, and it expires 90 days after `now` (seconds since the epoch). Nothing for what
 * nothing lets pass (CFD_RULE_ALWAYS). 0 or -ENOMEM.
 */
int cfd_rule_add_example(const struct cfd_rule *rule, int64_t now, struct cfd_buf *buf);
/* Which file they belong into: "a profile" or "cofferdam.json". */
const char *cfd_rule_example_file(const struct cfd_rule *rule);

#endif
