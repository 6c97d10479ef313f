/* SPDX-License-Identifier: Apache-2.0 */
/* cofferdam rules: the rows of the rules' tables, for people. */
#include "cli/command.h"

#include "lib/err.h"
#include "lib/rules/rules.h"

#include <errno.h>
#include <stdio.h>

static void print_rule(const struct cfd_rule *rule)
{
	printf("%s\n  refuses:   %s\n  why:       %s\n  reference: %s\n", rule->id, rule->refuses, rule->why,
	       rule->reference);
	if (rule->class == CFD_RULE_ALWAYS)
		printf("  to allow:  nothing does, not even an exception\n");
	else if (rule->class == CFD_RULE_ALLOWED && rule->allow)
		printf("  to allow:  %s\n", rule->allow);
	else
		printf("  to allow:  only an exception with a reason and an expiry: "
		       "\"exceptions\": [{\"rule\": \"%s\", \"subject\": VALUE, \"reason\": ..., \"expires\": ...}]\n",
		       rule->id);
}

int cfd_command_rules(int argc, char **argv, struct cfd_error *err)
{
	const struct cfd_rule *rule;
	const char *id = NULL;
	int r = cfd_command_options(argc, argv, NULL, 0, &id, 1, err);

	if (r)
		return r;
	if (id) {
		rule = cfd_rule_find(id);
		if (!rule)
			return cfd_fail(err, -ENOENT, "there is no rule %s; `cofferdam rules` lists them all", id);
		print_rule(rule);
		return CFD_STATUS_OK;
	}
	for (const struct cfd_rule_group *const *group = cfd_rule_groups; *group; group++)
		for (size_t i = 0; i < (*group)->count; i++)
			printf("%-32s %s\n", (*group)->rules[i].id, (*group)->rules[i].refuses);
	return CFD_STATUS_OK;
}
