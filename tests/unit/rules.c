/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for all rules: their rows, findings, exceptions, and that the corpus has no case of a rule that is gone.
 */
#include "lib/config.h"
#include "lib/image/image.h"
#include "lib/path.h"
#include "lib/profile/profile.h"
#include "lib/rules/destinations.h"
#include "lib/rules/rules.h"
#include "lib/spec/spec.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect_complete(const struct cfd_rule_group *group, const struct cfd_rule *rule)
{
	cr_expect(strchr(rule->id, '.') && *strchr(rule->id, '.'), "%s", rule->id);
	/* "mount.x" in the group "mounts" */
	cr_expect(strncmp(rule->id, group->name, strcspn(rule->id, ".") - 1) == 0, "%s in %s", rule->id, group->name);
	cr_expect(rule->refuses && *rule->refuses, "%s", rule->id);
	cr_expect(rule->why && *rule->why, "%s", rule->id);
	cr_expect(rule->reference && *rule->reference, "%s", rule->id);
	cr_expect(rule->check != NULL, "%s", rule->id);
	cr_expect((rule->class == CFD_RULE_ALLOWED || rule->class == CFD_RULE_ADMIN) == (rule->allow != NULL),
		  "%s: class and allow disagree", rule->id);
	cr_expect_eq(cfd_rule_find(rule->id), rule, "%s is not unique", rule->id);
}

Test(rules, every_row_is_complete_and_its_id_unique)
{
	size_t count = 0;

	for (size_t g = 0; cfd_rule_groups[g]; g++)
		for (size_t i = 0; i < cfd_rule_groups[g]->count; i++, count++)
			expect_complete(cfd_rule_groups[g], &cfd_rule_groups[g]->rules[i]);
	cr_expect_gt(count, 70);
	cr_expect_null(cfd_rule_find("mount.none"));
	cr_expect_null(cfd_rule_find(NULL));
}

Test(rules, the_corpus_has_no_cases_of_rules_that_are_gone)
{
	for (size_t g = 0; cfd_rule_groups[g]; g++) {
		const char *group = cfd_rule_groups[g]->name;
		struct dirent **entries;
		char path[256], id[256];
		int count, files = 0;

		snprintf(path, sizeof(path), "tests/corpus/rules/%s", group);
		count = scandir(path, &entries, NULL, alphasort);
		cr_assert_gt(count, 2, "%s", path);
		for (int i = 0; i < count; i++) {
			CFD_AUTO_FREE struct dirent *entry = entries[i];
			const char *prefix = cfd_rule_groups[g]->rules[0].id;
			const char *name = entry->d_name;

			if (!cfd_ends_with(name, ".json"))
				continue;
			files++;
			snprintf(id, sizeof(id), "%.*s%.*s", (int)(strchr(prefix, '.') - prefix) + 1, prefix,
				 (int)(strlen(name) - strlen(".json")), name);
			cr_expect(cfd_rule_find(id) != NULL, "%s/%s: no rule %s", path, name, id);
		}
		free(entries);
		cr_expect_eq((size_t)files, cfd_rule_groups[g]->count, "%s", path);
	}
}

Test(rules, findings_stay_on_a_line_and_are_bounded)
{
	const struct cfd_rule *rule = cfd_rule_find("mount.host-path");
	struct cfd_findings findings = {0};
	struct cfd_error err = {0};
	char long_value[400];

	memset(long_value, 'v', sizeof(long_value) - 1);
	long_value[sizeof(long_value) - 1] = '\0';
	cr_assert_eq(cfd_findings_add(&findings, rule, "a\nb\x1b", &err, "m\n", "p[%d]", 3), 0);
	cr_assert_eq(cfd_findings_add(&findings, rule, long_value, &err, "m", "p"), 0);
	cr_assert_eq(cfd_findings_add(&findings, rule, NULL, &err, "m", "p"), 0);
	cr_expect_str_eq(findings.values[0].value, "a\\x0ab\\x1b");
	cr_expect_str_eq(findings.values[0].message, "m\\x0a");
	cr_expect_str_eq(findings.values[0].path, "p[3]");
	cr_expect_eq(strlen(findings.values[1].value), 256 + strlen("..."));
	cr_expect_str_eq(findings.values[2].value, "");
	cr_assert_eq(cfd_findings_add(&findings, rule, "\xc2\x9b\xe2\x80\xae\xc3\xa9", &err, "m", "p"), 0);
	cr_expect_str_eq(findings.values[3].value, "\\xc2\\x9b\\xe2\\x80\\xae\xc3\xa9");
	cr_expect(!findings.values[3].exact);
	memcpy(long_value + 255, "\xc3\xa9", 2);
	cr_assert_eq(cfd_findings_add(&findings, rule, long_value, &err, "m", "p"), 0);
	cr_expect_eq(strlen(findings.values[4].value), 255 + strlen("..."), "a character is not cut");
	for (int i = 0; i < 300; i++)
		cr_assert_eq(cfd_findings_add(&findings, rule, "v", &err, "m", "p"), 0);
	cr_expect_eq(findings.count, CFD_FINDINGS_MAX);
	cr_expect_eq(findings.total, 305);
	cfd_findings_release(&findings);
	cr_expect_null(findings.values);
}

/* A container that shares the host's pid namespace, under a profile with these exceptions. */
static void judge_host_pid(struct cfd_profile_exception *exceptions, size_t count, int64_t now,
			   struct cfd_findings *findings)
{
	static struct cfd_spec_namespace namespaces[] = {
		{.type = "network"}, {.type = "ipc"}, {.type = "uts"}, {.type = "mount"}};
	static struct cfd_spec_mount mounts[] = {
		{.destination = "/proc", .type = "proc"},
		{.destination = "/dev", .type = "tmpfs"},
	};
	const struct cfd_spec spec = {.root_path = "rootfs",
				      .mounts = mounts,
				      .mount_count = CFD_COUNT(mounts),
				      .namespaces = namespaces,
				      .namespace_count = CFD_COUNT(namespaces)};
	const struct cfd_profile profile = {.exceptions = exceptions, .exception_count = count, .userns_host = true};
	const struct cfd_image image = {0};
	const struct cfd_config config = {0};
	const struct cfd_rules_context context = {.spec = &spec,
						  .profile = &profile,
						  .image = &image,
						  .config = &config,
						  .bundle_fd = -1,
						  .rootfs_fd = -1,
						  .now = now};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_rules_run(&context, findings, &err), 0, "%s", err.message);
}

Test(rules, an_exception_needs_its_rule_its_subject_and_its_time)
{
	static const struct {
		const char *rule, *subject;
		int64_t expires, now;
		bool excepted, named;
	} cases[] = {
		{"namespace.host-pid", "pid", 100, 99, true, true},
		{"namespace.host-pid", "pid", 100, 100, false, true},
		{"namespace.host-pid", "pid", 0, 1, false, true},
		{"namespace.host-pid", "pi", 100, 99, false, false},
		{"namespace.host-pid", "pid ", 100, 99, false, false},
		{"namespace.host-pi", "pid", 100, 99, false, false},
		{"namespace.host-ipc", "pid", 100, 99, false, false},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		struct cfd_profile_exception exceptions[] = {
			{.rule = (char *)"namespace.host-pid", .subject = (char *)"other", .expires = 1000},
			{.rule = (char *)cases[i].rule,
			 .subject = (char *)cases[i].subject,
			 .expires = cases[i].expires},
		};
		struct cfd_findings findings = {0};

		judge_host_pid(exceptions, CFD_COUNT(exceptions), cases[i].now, &findings);
		cr_assert_eq(findings.count, 1, "case %zu", i);
		cr_expect_str_eq(findings.values[0].rule->id, "namespace.host-pid");
		cr_expect_eq(findings.values[0].excepted, cases[i].excepted, "case %zu", i);
		cr_expect_eq(findings.values[0].exception != NULL, cases[i].named, "case %zu", i);
		cfd_findings_release(&findings);
	}
}

/* What an exception says is compared with the whole value, not with what a line of the log shows of it. */
Test(rules, an_exception_is_for_a_whole_value)
{
	static const struct {
		const char *value, *subject;
		bool excepted;
	} cases[] = {
		{"v/w", "v/w", true},
		{"v\nw", "v\\x0aw", false},
		{NULL, NULL, false}, /* 300 bytes, and what is shown of them */
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		char value[301], subject[260];
		struct cfd_profile_exception exception = {.rule = (char *)"mount.destination-path", .expires = 1000};
		struct cfd_spec_mount mounts[] = {{.destination = "/proc", .type = "proc"},
						  {.destination = "/dev", .type = "tmpfs"},
						  {.destination = value, .type = "tmpfs"}};
		static struct cfd_spec_namespace namespaces[] = {
			{.type = "pid"}, {.type = "network"}, {.type = "ipc"}, {.type = "uts"}, {.type = "mount"}};
		const struct cfd_spec spec = {.root_path = "rootfs",
					      .mounts = mounts,
					      .mount_count = CFD_COUNT(mounts),
					      .namespaces = namespaces,
					      .namespace_count = CFD_COUNT(namespaces)};
		const struct cfd_profile profile = {.exceptions = &exception, .exception_count = 1};
		const struct cfd_image image = {0};
		const struct cfd_config config = {0};
		const struct cfd_rules_context context = {.spec = &spec,
							  .profile = &profile,
							  .image = &image,
							  .config = &config,
							  .bundle_fd = -1,
							  .rootfs_fd = -1,
							  .now = 1};
		struct cfd_findings findings = {0};
		struct cfd_error err = {0};

		memset(value, 'v', sizeof(value) - 1);
		value[sizeof(value) - 1] = '\0';
		snprintf(subject, sizeof(subject), "%.256s...", value);
		if (cases[i].value)
			snprintf(value, sizeof(value), "%s", cases[i].value);
		exception.subject = cases[i].subject ? (char *)cases[i].subject : subject;
		cr_assert_eq(cfd_rules_run(&context, &findings, &err), 0, "%s", err.message);
		cr_assert_eq(findings.count, 1, "case %zu", i);
		cr_expect_str_eq(findings.values[0].rule->id, "mount.destination-path");
		cr_expect_eq(findings.values[0].excepted, cases[i].excepted, "case %zu", i);
		cfd_findings_release(&findings);
	}
}

Test(rules, too_many_mounts_or_options_are_an_error_and_no_verdict)
{
	enum { MOUNTS = 8192, OPTIONS = 65536 };
	struct cfd_spec_mount *mounts = calloc(MOUNTS + 1, sizeof(*mounts));
	const char **options = calloc(OPTIONS + 1, sizeof(*options));
	struct cfd_spec spec = {.mounts = mounts, .mount_count = MOUNTS + 1};
	const struct cfd_profile profile = {0};
	const struct cfd_image image = {0};
	const struct cfd_config config = {0};
	const struct cfd_rules_context context = {.spec = &spec,
						  .profile = &profile,
						  .image = &image,
						  .config = &config,
						  .bundle_fd = -1,
						  .rootfs_fd = -1};
	struct cfd_findings findings = {0};
	struct cfd_error err = {0};

	for (size_t i = 0; i < spec.mount_count; i++)
		mounts[i].destination = "/x";
	for (size_t i = 0; i <= OPTIONS; i++)
		options[i] = "ro";
	cr_expect_eq(cfd_rules_run(&context, &findings, &err), -E2BIG);
	spec.mount_count = MOUNTS;
	cr_expect_eq(cfd_rules_run(&context, &findings, &err), 0, "%s", err.message);
	cr_expect_gt(findings.total, MOUNTS);
	mounts[1].options = (struct cfd_spec_strings){.values = options, .count = OPTIONS + 1};
	cr_expect_eq(cfd_rules_run(&context, &findings, &err), -E2BIG);
	mounts[1].options.count = OPTIONS;
	cr_expect_eq(cfd_rules_run(&context, &findings, &err), 0, "%s", err.message);
	cfd_findings_release(&findings);
	free(mounts);
	free(options);
}

/* Against the plain way: each with each. */
Test(rules, destinations_are_related_as_each_compared_with_each)
{
	static const char *const parts[] = {"",  "a",      "a-",  "a/b",    "a/b/c", "a//b/",
					    "b", "b/../a", "a.b", "a/b-/c", "../x"};
	struct cfd_spec_mount mounts[64] = {0};
	const struct cfd_spec spec = {.mounts = mounts, .mount_count = CFD_COUNT(mounts)};
	char texts[CFD_COUNT(mounts)][32], clean[CFD_COUNT(mounts)][CFD_PATH_MAX];
	uint64_t seed = 88172645463325252u;

	for (int round = 0; round < 40; round++) {
		CFD_AUTO(cfd_destinations_freep) struct cfd_destinations *destinations = NULL;
		struct cfd_error err = {0};

		for (size_t i = 0; i < CFD_COUNT(mounts); i++) {
			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			snprintf(texts[i], sizeof(texts[i]), "%s%s/%s", seed % 17 ? "/" : "",
				 parts[seed / 17 % CFD_COUNT(parts)], parts[seed / 1000 % CFD_COUNT(parts)]);
			mounts[i].destination = texts[i];
			if (cfd_path_clean(texts[i], clean[i]))
				clean[i][0] = '\0';
		}
		cr_assert_eq(cfd_destinations_find(&spec, &destinations, &err), 0, "%s", err.message);
		for (size_t i = 0; i < CFD_COUNT(mounts); i++) {
			const struct cfd_destination *found = cfd_destinations_at(destinations, i);
			size_t same = SIZE_MAX, beneath = SIZE_MAX, covering = SIZE_MAX;

			for (size_t k = CFD_COUNT(mounts); clean[i][0] && k-- > 0;) {
				const char *rest = clean[k][0] ? cfd_path_beneath(clean[k], clean[i]) : NULL;

				same = rest && !*rest ? k : same;
				beneath = rest && *rest ? k : beneath;
				covering = clean[k][0] && cfd_path_beneath(clean[i], clean[k]) ? k : covering;
			}
			cr_assert(clean[i][0] ? cfd_streq(found->path, clean[i]) : !found->path, "%s", texts[i]);
			cr_assert_eq(found->same, same, "%s", texts[i]);
			cr_assert_eq(found->beneath, beneath, "%s", texts[i]);
			cr_assert_eq(found->covering, covering, "%s", texts[i]);
		}
	}
}
