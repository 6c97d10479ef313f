/* SPDX-License-Identifier: Apache-2.0 */
/* What an author writes to allow what a rule refuses. */
#include "lib/rules/explain.h"

#include "lib/rules/rules.h"

#include <time.h>

#define EXCEPTION_DAYS 90

int cfd_rule_add_example(const struct cfd_rule *rule, int64_t now, struct cfd_buf *buf)
{
	time_t end = (time_t)(now + (int64_t)EXCEPTION_DAYS * 24 * 60 * 60);
	char day[32] = "2099-12-31";
	struct tm tm;

	if (rule->class == CFD_RULE_ALWAYS)
		return 0;
	if (rule->allow)
		return cfd_buf_add_string(buf, rule->allow);
	if (gmtime_r(&end, &tm))
		strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	return cfd_buf_addf(buf,
			    "\"exceptions\": [{\"rule\": \"%s\", \"subject\": \"VALUE\", \"reason\": \"OPS-91: why\", "
			    "\"expires\": \"%s\"}]",
			    rule->id, day);
}

const char *cfd_rule_example_file(const struct cfd_rule *rule)
{
	return rule->class == CFD_RULE_ADMIN ? "cofferdam.json" : "a profile";
}
