/* SPDX-License-Identifier: Apache-2.0 */
/* The table of formats, and the list of checks that they write. */
#include "lib/report/report.h"

#include "lib/report/checks.h"
#include "lib/rules/rules.h"
#include "lib/standards/standards.h"
#include "lib/verdict.h"

#include <errno.h>
#include <stdlib.h>

const struct cfd_report_format cfd_report_formats[] = {
	{"text", cfd_report_text},
	{"json", cfd_report_json},
	{"sarif", cfd_report_sarif},
	{"junit", cfd_report_junit},
};
const size_t cfd_report_format_count = CFD_COUNT(cfd_report_formats);

const struct cfd_report_format *cfd_report_format_find(const char *name)
{
	for (size_t i = 0; i < CFD_COUNT(cfd_report_formats); i++)
		if (cfd_streq(cfd_report_formats[i].name, name))
			return &cfd_report_formats[i];
	return NULL;
}

bool cfd_report_refused(const struct cfd_report *report)
{
	return report->judgement ? report->judgement->tally[CFD_CONTROL_FAILS] > 0 : report->verdict->refused;
}

const char *cfd_report_title(const struct cfd_report *report)
{
	return report->judgement ? report->judgement->standard->title : "cofferdam check";
}

/* The findings of one rule stand together, as the rules are run one after the other. */
static void take_findings(const struct cfd_findings *findings, struct cfd_report_check *check)
{
	for (size_t i = 0; i < findings->count; i++)
		if (findings->values[i].rule == check->rule) {
			if (!check->count++)
				check->findings = &findings->values[i];
		}
	check->total = check->count;
}

static size_t count_rules(void)
{
	size_t count = 0;

	for (size_t g = 0; cfd_rule_groups[g]; g++)
		count += cfd_rule_groups[g]->count;
	return count;
}

static void list_rules(const struct cfd_verdict *verdict, struct cfd_report_checks *checks)
{
	for (size_t g = 0; cfd_rule_groups[g]; g++)
		for (size_t i = 0; i < cfd_rule_groups[g]->count; i++) {
			const struct cfd_rule *rule = &cfd_rule_groups[g]->rules[i];
			struct cfd_report_check *check = &checks->values[checks->count];

			if (!cfd_rule_is_asked(cfd_rule_groups[g], rule, verdict->occasion))
				continue;
			checks->count++;
			*check = (struct cfd_report_check){.group = cfd_rule_groups[g]->name,
							   .id = rule->id,
							   .title = rule->refuses,
							   .rule = rule};
			take_findings(&verdict->findings, check);
		}
	checks->lost = verdict->findings.total - verdict->findings.count;
}

static void list_controls(const struct cfd_judgement *judgement, struct cfd_report_checks *checks)
{
	for (size_t i = 0; i < judgement->count; i++) {
		const struct cfd_control_result *result = &judgement->results[i];

		checks->values[checks->count++] = (struct cfd_report_check){
			.group = judgement->standard->name,
			.id = result->control->id,
			.title = result->control->name,
			.control = result->control,
			.findings = result->findings.values,
			.count = result->findings.count,
			.total = result->findings.total,
			.inapplicable = cfd_control_status(result) == CFD_CONTROL_NOT_APPLICABLE
						? cfd_control_reason(result)
						: NULL,
		};
	}
}

int cfd_report_checks(const struct cfd_report *report, struct cfd_report_checks *ret_checks)
{
	size_t count = report->judgement ? report->judgement->count : count_rules();
	struct cfd_report_checks checks = {.values = calloc(count, sizeof(*checks.values))};

	if (!checks.values)
		return -ENOMEM;
	if (report->judgement)
		list_controls(report->judgement, &checks);
	else
		list_rules(report->verdict, &checks);
	*ret_checks = checks;
	return 0;
}

void cfd_report_checks_release(struct cfd_report_checks *checks)
{
	free(checks->values);
	*checks = (struct cfd_report_checks){0};
}

size_t cfd_report_check_against(const struct cfd_report_check *check)
{
	size_t against = check->total - check->count;

	for (size_t i = 0; i < check->count; i++)
		against += !check->findings[i].excepted;
	return against;
}
