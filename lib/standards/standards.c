/* SPDX-License-Identifier: Apache-2.0 */
/* The list of standards, the judge, and checks that several have. */
#include "lib/standards/standards.h"

#include "lib/caps.h"
#include "lib/config.h"
#include "lib/profile/profile.h"
#include "lib/spec/spec.h"
#include "lib/standards/controls.h"

#include <stdlib.h>

const struct cfd_standard *const cfd_standards[] = {
	&cfd_standard_pss_baseline,
	&cfd_standard_pss_restricted,
	&cfd_standard_cis_docker,
	NULL,
};

const struct cfd_standard *cfd_standard_find(const char *name)
{
	for (size_t i = 0; cfd_standards[i]; i++)
		if (cfd_streq(cfd_standards[i]->name, name))
			return cfd_standards[i];
	return NULL;
}

size_t cfd_standard_count(const struct cfd_standard *standard)
{
	return standard->groups[0].count + standard->groups[1].count;
}

const struct cfd_control *cfd_standard_control(const struct cfd_standard *standard, size_t index)
{
	size_t first = standard->groups[0].count;

	return index < first ? &standard->groups[0].rows[index] : &standard->groups[1].rows[index - first];
}

static bool is_listed(const char *const *ids, const char *rule_id)
{
	for (; ids && *ids; ids++)
		if (cfd_streq(*ids, rule_id))
			return true;
	return false;
}

bool cfd_control_has_rule(const struct cfd_control *control, const char *rule_id)
{
	return is_listed(control->rules, rule_id) || is_listed(control->kin, rule_id);
}

const char *cfd_control_status_name(enum cfd_control_status status)
{
	static const char *const names[] = {"pass", "fail", "n/a"};

	return names[status];
}

enum cfd_control_status cfd_control_status(const struct cfd_control_result *result)
{
	if (result->findings.total)
		return CFD_CONTROL_FAILS;
	return result->control->elsewhere || result->unneeded ? CFD_CONTROL_NOT_APPLICABLE : CFD_CONTROL_PASSES;
}

const char *cfd_control_reason(const struct cfd_control_result *result)
{
	return result->control->elsewhere ? result->control->elsewhere : result->unneeded;
}

static int reword(struct cfd_findings *findings, const char *message, struct cfd_error *err)
{
	for (size_t i = 0; i < findings->count; i++)
		if (cfd_string_replace(&findings->values[i].message, message))
			return cfd_fail_memory(err, "a finding");
	return 0;
}

static int judge_control(const struct cfd_rules_context *context, struct cfd_control_result *result,
			 struct cfd_error *err)
{
	const struct cfd_control *control = result->control;
	int r = 0;

	for (const char *const *id = control->rules; !r && id && *id; id++)
		r = cfd_rules_run_one(context, cfd_rule_find(*id), &result->findings, err);
	if (!r && control->says)
		r = reword(&result->findings, control->says, err);
	if (!r && control->check)
		r = control->check(context, result, err);
	return r ? cfd_wrap(err, "control %s", control->id) : 0;
}

int cfd_standard_judge(const struct cfd_standard *standard, const struct cfd_rules_context *context,
		       struct cfd_judgement *judgement, struct cfd_error *err)
{
	/* Allows nothing, excepts nothing, adds nothing; capabilities up to those that engines give by default. */
	static const struct cfd_profile profile = {.userns_host = true};
	static const struct cfd_config config = {.userns = CFD_NEED_OFF};
	CFD_AUTO(cfd_rules_facts_release) struct cfd_rules_facts facts = {0};
	struct cfd_rules_context neutral = *context;
	size_t count = cfd_standard_count(standard);
	int r;

	neutral.profile = &profile;
	neutral.config = &config;
	r = cfd_rules_look(&neutral, &facts, err);
	if (r)
		return r;
	judgement->standard = standard;
	judgement->results = calloc(count, sizeof(*judgement->results));
	if (!judgement->results)
		return cfd_fail_memory(err, "a judgement");
	for (size_t i = 0; i < count; i++) {
		struct cfd_control_result *result = &judgement->results[judgement->count++];

		result->control = cfd_standard_control(standard, i);
		r = judge_control(&neutral, result, err);
		if (r)
			return r;
		judgement->tally[cfd_control_status(result)]++;
	}
	return 0;
}

void cfd_judgement_release(struct cfd_judgement *judgement)
{
	for (size_t i = 0; i < judgement->count; i++)
		cfd_findings_release(&judgement->results[i].findings);
	free(judgement->results);
	*judgement = (struct cfd_judgement){0};
}

CFD_CONTROL_CHECK(cfd_control_privileged)
{
	const struct cfd_spec_strings *bounding = &context->spec->process.capabilities[CFD_SPEC_BOUNDING];
	cfd_caps held = 0;

	for (size_t i = 0; i < bounding->count; i++) {
		unsigned number;

		if (!cfd_caps_number(bounding->values[i], &number))
			held |= UINT64_C(1) << number;
	}
	if ((held & cfd_caps_forbidden) != cfd_caps_forbidden)
		return 0;
	return cfd_control_against(result, err, "ALL", "every capability, as a privileged container has",
				   "process.capabilities.bounding");
}

CFD_CONTROL_CHECK(cfd_control_no_new_privileges)
{
	if (context->spec->process.no_new_privileges)
		return 0;
	return cfd_control_against(result, err, "false", "set-uid programs and file capabilities give privileges",
				   "process.noNewPrivileges");
}

/* Whether the finding's value is the path of a namespace of that type. */
static bool is_of_type(const struct cfd_spec *spec, const char *type, const struct cfd_finding *finding)
{
	for (size_t i = 0; i < spec->namespace_count; i++)
		if (cfd_streq(spec->namespaces[i].type, type) && finding->exact &&
		    cfd_streq(spec->namespaces[i].path, finding->value))
			return true;
	return !finding->exact; /* a path that is not whole here could be of any type */
}

int cfd_control_joined(const struct cfd_rules_context *context, const char *type, struct cfd_control_result *result,
		       struct cfd_error *err)
{
	CFD_AUTO(cfd_findings_release) struct cfd_findings findings = {0};
	const struct cfd_rule *rule = cfd_rule_find("namespace.path");
	int r = cfd_rules_run_one(context, rule, &findings, err);

	for (size_t i = 0; !r && i < findings.count; i++) {
		const struct cfd_finding *finding = &findings.values[i];

		if (is_of_type(context->spec, type, finding))
			r = cfd_findings_add(&result->findings, rule, finding->value, err, finding->message, "%s",
					     finding->path);
	}
	return r;
}
