/* SPDX-License-Identifier: Apache-2.0 */
/* What `cofferdam rules` says to write is accepted by those who read it. */
#include "lib/config.h"
#include "lib/profile/profile.h"
#include "lib/rules/explain.h"
#include "lib/rules/rules.h"
#include "tests/unit/tree.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define NOW ((int64_t)1800000000) /* 2027-01-15 */

static void expect_profile(const char *example, const struct cfd_rule *rule)
{
	CFD_AUTO(cfd_profile_set_freep) struct cfd_profile_set *set = NULL;
	CFD_AUTO(cfd_profile_freep) struct cfd_profile *profile = NULL;
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error err = {0};
	TREE tree = tree_make();

	cr_assert_eq(cfd_buf_addf(&text, "{\"cofferdam\": 1, \"name\": \"example\", %s}", example), 0);
	tree_write(tree, "example.json", text.data);
	cr_assert_eq(cfd_profile_set_open(tree, NULL, &set, &err), 0, "%s: %s", rule->id, err.message);
	cr_assert_eq(cfd_profile_load(set, "example", &profile, &err), 0, "%s: %s", rule->id, err.message);
	if (rule->class != CFD_RULE_NEVER)
		return;
	cr_assert_eq(profile->exception_count, 1);
	cr_expect_str_eq(profile->exceptions[0].rule, rule->id);
	cr_expect_gt(profile->exceptions[0].expires, NOW);
}

static void expect_config(const char *example, const struct cfd_rule *rule)
{
	CFD_AUTO(cfd_config_release) struct cfd_config config = {0};
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error err = {0};
	TREE tree = tree_make();
	CFD_AUTO_FREE char *path = tree_path(tree, "cofferdam.json");

	cr_assert_eq(cfd_buf_addf(&text, "{%s}", example), 0);
	tree_write(tree, "cofferdam.json", text.data);
	cr_expect_eq(cfd_config_read(path, &config, &err), 0, "%s: %s", rule->id, err.message);
}

Test(explain, every_example_is_accepted_by_its_reader)
{
	for (size_t g = 0; cfd_rule_groups[g]; g++)
		for (size_t i = 0; i < cfd_rule_groups[g]->count; i++) {
			const struct cfd_rule *rule = &cfd_rule_groups[g]->rules[i];
			CFD_AUTO_BUF struct cfd_buf example = {0};

			cr_assert_eq(cfd_rule_add_example(rule, NOW, &example), 0);
			if (rule->class == CFD_RULE_ALWAYS)
				cr_expect_null(example.data, "%s", rule->id);
			else if (cfd_streq(cfd_rule_example_file(rule), "cofferdam.json"))
				expect_config(example.data, rule);
			else
				expect_profile(example.data, rule);
		}
}
