/* SPDX-License-Identifier: Apache-2.0 */
/* cofferdam rules: the rows of the rules' tables. */
#include "cli/command.h"

#include "lib/err.h"
#include "lib/near.h"
#include "lib/paint.h"
#include "lib/report/rules.h"
#include "lib/rules/rules.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static int find(const char *id, const struct cfd_rule **ret_rule, struct cfd_error *err)
{
	struct cfd_near near = cfd_near_start(id);

	*ret_rule = cfd_rule_find(id);
	if (*ret_rule)
		return 0;
	for (size_t g = 0; cfd_rule_groups[g]; g++)
		for (size_t i = 0; i < cfd_rule_groups[g]->count; i++)
			cfd_near_offer(&near, cfd_rule_groups[g]->rules[i].id);
	if (near.meant)
		return cfd_fail(err, -ENOENT, "there is no rule %s; did you mean %s?", id, near.meant);
	return cfd_fail(err, -ENOENT, "there is no rule %s; `cofferdam rules` lists them all", id);
}

int cfd_command_rules(int argc, char **argv, struct cfd_error *err)
{
	const char *id = NULL, *format = "text";
	const struct cfd_option options[] = {{.name = "format", .value = &format}};
	const struct cfd_paint *paint = cfd_paint_for(STDOUT_FILENO);
	const struct cfd_rule *rule = NULL;
	CFD_AUTO_BUF struct cfd_buf text = {0};
	int64_t now = time(NULL);
	bool json;
	int r = cfd_command_options(argc, argv, options, CFD_COUNT(options), &id, 1, err);

	json = cfd_streq(format, "json");
	if (!r && !json && !cfd_streq(format, "text"))
		r = cfd_fail(err, -EINVAL, "--format %s is neither text nor json", format);
	if (!r && id)
		r = find(id, &rule, err);
	if (r)
		return r;
	if (rule)
		r = json ? cfd_report_rule_json(rule, now, &text) : cfd_report_rule_text(rule, paint, now, &text);
	else
		r = json ? cfd_report_rules_json(now, &text) : cfd_report_rules_text(paint, &text);
	if (r)
		return cfd_fail_memory(err, "the rules");
	puts(text.data);
	return CFD_STATUS_OK;
}
