/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The standards over tests/corpus/standards: base.json passes all of them; NAME.json has, for each control that
 * config.json decides, changes (RFC 6902) that pass and changes that fail at a path. A control without such cases fails
 * here, and so do cases without a control.
 */
#include "lib/image/image.h"
#include "lib/json/json.h"
#include "lib/rules/rules.h"
#include "lib/spec/spec.h"
#include "lib/standards/standards.h"
#include "tests/unit/corpus.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define STANDARDS "tests/corpus/standards/"

struct subject {
	struct cfd_json_doc *doc;
	struct cfd_spec spec;
	struct cfd_image image;
	struct cfd_judgement judgement;
	struct corpus_lists lists;
};

static void judge(struct subject *subject, const struct cfd_standard *standard, const struct cfd_json_doc *base,
		  const struct cfd_json *around, const char *name)
{
	const struct cfd_json_options options = {.name = name};
	const struct cfd_json *patch = cfd_json_get(around, "patch");
	struct cfd_rules_context context = {
		.spec = &subject->spec, .image = &subject->image, .bundle = "", .bundle_fd = -1, .rootfs_fd = -1};
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_json_write(cfd_json_get(cfd_json_root((struct cfd_json_doc *)base), "config"), &text), 0);
	cr_assert_eq(cfd_json_parse(text.data, text.length, &options, &subject->doc, &err), 0, "%s", err.message);
	for (size_t i = 0; i < cfd_json_count(patch); i++)
		corpus_apply(subject->doc, cfd_json_at(patch, i));
	cr_assert_eq(cfd_spec_read(subject->doc, CFD_SPEC_UNKNOWN_STRICT, &subject->spec, &err), 0, "%s: %s", name,
		     err.message);
	corpus_read_image(cfd_json_get(around, "image"), &subject->lists, &subject->image);
	cr_assert_eq(cfd_standard_judge(standard, &context, &subject->judgement, &err), 0, "%s: %s", name, err.message);
}

static void release(struct subject *subject)
{
	cfd_judgement_release(&subject->judgement);
	cfd_spec_release(&subject->spec);
	cfd_json_doc_freep(&subject->doc);
}

static const struct cfd_control_result *result_of(const struct subject *subject, const char *id)
{
	for (size_t i = 0; i < subject->judgement.count; i++)
		if (cfd_streq(subject->judgement.results[i].control->id, id))
			return &subject->judgement.results[i];
	cr_assert_fail("no control %s", id);
	return NULL;
}

static void check_case(const struct cfd_standard *standard, const struct cfd_json_doc *base, const char *id,
		       const struct cfd_json *around, enum cfd_control_status expected, const char *name)
{
	const char *at = cfd_json_string(cfd_json_get(around, "at"));
	const struct cfd_control_result *result;
	struct subject subject = {0};
	const struct cfd_finding *first;

	judge(&subject, standard, base, around, name);
	result = result_of(&subject, id);
	first = result->findings.values;
	cr_expect_eq(cfd_control_status(result), expected, "%s: %s, %s %s: %s", name,
		     cfd_control_status_name(cfd_control_status(result)), first ? first->path : "",
		     first ? first->value : "", first ? first->message : "");
	if (expected == CFD_CONTROL_FAILS && first) {
		cr_expect_not_null(at, "%s does not say where", name);
		cr_expect_str_eq(first->path, at ? at : "", "%s", name);
	}
	release(&subject);
}

static size_t check_cases(const struct cfd_standard *standard, const struct cfd_json_doc *base, const char *id,
			  const struct cfd_json *cases)
{
	static const struct {
		const char *key;
		enum cfd_control_status expected;
		bool needed;
	} kinds[] = {
		{"passes", CFD_CONTROL_PASSES, true},
		{"fails", CFD_CONTROL_FAILS, true},
		{"inapplicable", CFD_CONTROL_NOT_APPLICABLE, false},
	};
	size_t total = 0;

	for (size_t k = 0; k < CFD_COUNT(kinds); k++) {
		const struct cfd_json *list = cfd_json_get(cases, kinds[k].key);

		cr_expect(!kinds[k].needed || cfd_json_count(list), "%s %s: no case that %s", standard->name, id,
			  kinds[k].key);
		for (size_t i = 0; i < cfd_json_count(list); i++, total++) {
			char name[128];

			snprintf(name, sizeof(name), "%s %s %s[%zu]", standard->name, id, kinds[k].key, i);
			check_case(standard, base, id, cfd_json_at(list, i), kinds[k].expected, name);
		}
	}
	return total;
}

/* The controls that this standard has beyond those of another: the last group that is not empty. */
static const struct cfd_controls *own_controls(const struct cfd_standard *standard)
{
	return &standard->groups[standard->groups[1].count ? 1 : 0];
}

static void check_standard(const struct cfd_standard *standard, const struct cfd_json_doc *base)
{
	const struct cfd_controls *controls = own_controls(standard);
	const struct cfd_json *cases;
	struct cfd_json_doc *doc;
	size_t decided = 0;
	char path[128];

	snprintf(path, sizeof(path), STANDARDS "%s.json", standard->name);
	doc = corpus_parse(path, NULL);
	cases = cfd_json_get(cfd_json_root(doc), "controls");
	for (size_t i = 0; i < controls->count; i++) {
		if (controls->rows[i].elsewhere)
			continue;
		decided++;
		check_cases(standard, base, controls->rows[i].id, cfd_json_get(cases, controls->rows[i].id));
	}
	cr_expect_eq(cfd_json_count(cases), decided, "%s has cases of %zu controls, decided are %zu", path,
		     cfd_json_count(cases), decided);
	cfd_json_doc_freep(&doc);
}

Test(standards, every_control_passes_and_fails_its_cases)
{
	struct cfd_json_doc *base = corpus_parse(STANDARDS "base.json", NULL);

	for (size_t s = 0; cfd_standards[s]; s++)
		check_standard(cfd_standards[s], base);
	cfd_json_doc_freep(&base);
}

Test(standards, the_base_fails_none)
{
	struct cfd_json_doc *base = corpus_parse(STANDARDS "base.json", NULL);

	for (size_t s = 0; cfd_standards[s]; s++) {
		struct subject subject = {0};

		judge(&subject, cfd_standards[s], base, NULL, "base.json");
		for (size_t i = 0; i < subject.judgement.count; i++) {
			const struct cfd_control_result *result = &subject.judgement.results[i];

			cr_expect_eq(result->findings.total, 0, "%s %s", cfd_standards[s]->name, result->control->id);
		}
		release(&subject);
	}
	cfd_json_doc_freep(&base);
}

static void expect_passes(const char *engine, const char *standard, const char *const *ids)
{
	struct subject subject = {0};
	struct cfd_json_doc *doc;
	char path[128];

	snprintf(path, sizeof(path), "tests/corpus/engines/%s.json", engine);
	doc = corpus_parse(path, NULL);
	judge(&subject, cfd_standard_find(standard), doc, cfd_json_root(doc), path);
	for (; *ids; ids++) {
		const struct cfd_control_result *result = result_of(&subject, *ids);
		const struct cfd_finding *first = result->findings.values;

		cr_expect_eq(cfd_control_status(result), CFD_CONTROL_PASSES, "%s, %s: %s %s", path, *ids,
			     first ? first->path : "", first ? first->value : "");
	}
	release(&subject);
	cfd_json_doc_freep(&doc);
}

/* Of these, engines by default have nothing against them, whatever files of their own they bind. */
Test(standards, what_engines_write_by_default_raises_no_false_alarm)
{
	static const char *const engines[] = {"docker", "podman-default", "podman-volume", "containerd-cri", "crio"};
	static const char *const pss[] = {"hostNamespaces",  "privileged",      "capabilities_baseline",
					  "hostPathVolumes", "appArmorProfile", "seLinuxOptions",
					  "procMount",       "sysctls",         NULL};
	static const char *const cis[] = {"5.4",  "5.5",  "5.6",  "5.10", "5.16", "5.17",
					  "5.18", "5.20", "5.21", "5.25", "5.32", NULL};

	for (size_t i = 0; i < CFD_COUNT(engines); i++) {
		expect_passes(engines[i], "pss-baseline", pss);
		expect_passes(engines[i], "cis-docker", cis);
	}
}

/* As many as the standards have, and as many of them decidable as the documentation says. */
Test(standards, have_all_of_their_controls)
{
	static const struct {
		const char *name;
		size_t controls, decidable;
	} sizes[] = {{"pss-baseline", 12, 9}, {"pss-restricted", 19, 15}, {"cis-docker", 32, 21}};

	for (size_t s = 0; s < CFD_COUNT(sizes); s++) {
		const struct cfd_standard *standard = cfd_standard_find(sizes[s].name);
		size_t decidable = 0;

		cr_assert_not_null(standard);
		cr_expect_eq(cfd_standard_count(standard), sizes[s].controls);
		for (size_t i = 0; i < cfd_standard_count(standard); i++)
			decidable += !cfd_standard_control(standard, i)->elsewhere;
		cr_expect_eq(decidable, sizes[s].decidable, "%s", sizes[s].name);
	}
	cr_expect_null(cfd_standard_find("pss"));
	cr_expect_null(cfd_standard_find(NULL));
}

Test(standards, rows_name_rules_that_exist)
{
	for (size_t s = 0; cfd_standards[s]; s++)
		for (size_t i = 0; i < cfd_standard_count(cfd_standards[s]); i++) {
			const struct cfd_control *control = cfd_standard_control(cfd_standards[s], i);
			const char *const *const lists[] = {control->rules, control->kin};

			cr_expect((control->elsewhere != NULL) != (control->rules || control->check), "%s",
				  control->id);
			for (size_t l = 0; l < CFD_COUNT(lists); l++)
				for (const char *const *id = lists[l]; id && *id; id++)
					cr_expect_not_null(cfd_rule_find(*id), "%s: %s", control->id, *id);
		}
}

/* "5.2, 5.23; CVE-..." -> whether the number is among them. */
static bool says(const char *numbers, const char *number)
{
	size_t length = strlen(number);

	for (; *numbers == '5'; numbers += strcspn(numbers, ",;"), numbers += *numbers == ',' ? strlen(", ") : 0)
		if (strncmp(numbers, number, length) == 0 && strchr(",;", numbers[length]))
			return true;
	return false;
}

static void check_references(const struct cfd_standard *cis, const struct cfd_rule *rule)
{
	const char *numbers = strstr(rule->reference, "CIS Docker Benchmark 1.6: ");
	bool said = false;

	if (!numbers)
		return;
	numbers += strlen("CIS Docker Benchmark 1.6: ");
	for (size_t i = 0; i < cfd_standard_count(cis); i++) {
		const struct cfd_control *control = cfd_standard_control(cis, i);

		if (!says(numbers, control->id))
			continue;
		said = true;
		cr_expect(cfd_control_has_rule(control, rule->id), "%s says %s, which does not name it", rule->id,
			  control->id);
	}
	cr_expect(said, "%s: %s", rule->id, rule->reference);
}

/* A rule that says it is behind a number of the benchmark is one that the table names there. */
Test(standards, rules_and_controls_name_each_other)
{
	const struct cfd_standard *cis = cfd_standard_find("cis-docker");

	for (size_t g = 0; cfd_rule_groups[g]; g++)
		for (size_t i = 0; i < cfd_rule_groups[g]->count; i++)
			check_references(cis, &cfd_rule_groups[g]->rules[i]);
}
