/* SPDX-License-Identifier: Apache-2.0 */
/* The list of groups, findings, exceptions, and what several groups ask. */
#include "lib/rules/rules.h"

#include "lib/held.h"
#include "lib/rules/common.h"
#include "lib/rules/destinations.h"
#include "lib/rules/sources.h"
#include "lib/spec/spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 256
/* A pod of many volumes has a hundred mounts of ten options. What a file has more of cannot make a start slow. */
#define MOUNTS_MAX 8192
#define OPTIONS_MAX 65536

const struct cfd_rule_group *const cfd_rule_groups[] = {
	&cfd_rules_mounts,
	&cfd_rules_devices,
	&cfd_rules_namespaces,
	&cfd_rules_capabilities,
	&cfd_rules_process,
	&cfd_rules_sysctls,
	&cfd_rules_rootfs,
	&cfd_rules_annotations,
	&cfd_rules_hooks,
	&cfd_rules_exec,
	&cfd_rules_update,
	&cfd_rules_restore,
	NULL,
};

const struct cfd_rule *cfd_rule_find(const char *id)
{
	for (size_t g = 0; cfd_rule_groups[g]; g++)
		for (size_t i = 0; i < cfd_rule_groups[g]->count; i++)
			if (cfd_streq(cfd_rule_groups[g]->rules[i].id, id))
				return &cfd_rule_groups[g]->rules[i];
	return NULL;
}

/* A line of a log must stay a line, whatever the configuration says. */
static int escape(const char *value, char **ret_text)
{
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	size_t taken = 0;

	while (value && *value) {
		size_t length = cfd_utf8_sequence((const unsigned char *)value);
		bool shown = !cfd_control_sequence(value);
		int r = 0;

		length = length ? length : 1;
		if (taken + length > VALUE_MAX)
			break;
		for (size_t i = 0; !r && i < length; i++, taken++, value++)
			r = shown ? cfd_buf_add(&buf, value, 1) : cfd_buf_addf(&buf, "\\x%02x", (unsigned char)*value);
		if (r)
			return r;
	}
	if (value && *value && cfd_buf_add_string(&buf, "..."))
		return -ENOMEM;
	if (!buf.data && cfd_buf_add(&buf, "", 0))
		return -ENOMEM;
	*ret_text = cfd_take(buf.data);
	return 0;
}

static void release_finding(struct cfd_finding *finding)
{
	free(finding->path);
	free(finding->value);
	free(finding->message);
}

static int grow(struct cfd_findings *findings)
{
	struct cfd_finding *values = reallocarray(findings->values, findings->count + 1, sizeof(*values));

	if (!values)
		return -ENOMEM;
	findings->values = values;
	return 0;
}

int cfd_findings_add(struct cfd_findings *findings, const struct cfd_rule *rule, const char *value,
		     struct cfd_error *err, const char *message, const char *path_format, ...)
{
	struct cfd_finding finding = {.rule = rule};
	CFD_AUTO_BUF struct cfd_buf path = {0};
	va_list args;
	int r;

	findings->total++;
	if (findings->count >= CFD_FINDINGS_MAX)
		return 0;
	va_start(args, path_format);
	r = cfd_buf_vaddf(&path, path_format, args);
	va_end(args);
	if (!r)
		r = escape(path.data, &finding.path);
	if (!r)
		r = escape(value, &finding.value);
	if (!r)
		r = escape(message, &finding.message);
	if (!r)
		r = grow(findings);
	if (r) {
		release_finding(&finding);
		return cfd_fail_memory(err, "a finding");
	}
	finding.exact = !value || cfd_streq(finding.value, value);
	findings->values[findings->count++] = finding;
	return 0;
}

void cfd_findings_release(struct cfd_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		release_finding(&findings->values[i]);
	free(findings->values);
	*findings = (struct cfd_findings){0};
}

size_t cfd_findings_against(const struct cfd_findings *findings)
{
	size_t count = findings->total - findings->count;

	for (size_t i = 0; i < findings->count; i++)
		count += !findings->values[i].excepted;
	return count;
}

static bool in_force(const struct cfd_profile_exception *exception, int64_t now)
{
	return exception->expires > now;
}

/* One in force, else one that has expired, else NULL. */
static const struct cfd_profile_exception *find_exception(const struct cfd_profile *profile, const char *rule_id,
							  const char *subject, int64_t now)
{
	const struct cfd_profile_exception *expired = NULL;

	for (size_t i = 0; i < profile->exception_count; i++) {
		const struct cfd_profile_exception *exception = &profile->exceptions[i];

		if (!cfd_streq(exception->rule, rule_id) || !cfd_streq(exception->subject, subject))
			continue;
		if (in_force(exception, now))
			return exception;
		expired = exception;
	}
	return expired;
}

bool cfd_rules_excepted(const struct cfd_rules_context *context, const char *rule_id, const char *subject)
{
	const struct cfd_profile_exception *exception =
		find_exception(context->profile, rule_id, subject, context->now);

	return exception && in_force(exception, context->now);
}

void cfd_rules_except(const struct cfd_profile *profile, int64_t now, struct cfd_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		struct cfd_finding *finding = &findings->values[i];

		if (!finding->exact || finding->rule->class == CFD_RULE_ALWAYS)
			continue;
		finding->exception = find_exception(profile, finding->rule->id, finding->value, now);
		finding->excepted = finding->exception && in_force(finding->exception, now);
	}
}

/* When the rules of a group are asked, if not at create and restore. */
static const struct {
	const struct cfd_rule_group *group;
	unsigned occasions;
} group_occasions[] = {
	{&cfd_rules_exec, CFD_EXEC},
	{&cfd_rules_update, CFD_UPDATE},
	{&cfd_rules_restore, CFD_RESTORE},
};

/* Rules of the others that are asked later, too: they look at nothing that only a whole configuration has. */
static const struct {
	const char *id;
	unsigned occasions;
} also[] = {
	{"capability.unknown", CFD_EXEC}, {"capability.ambient", CFD_EXEC},    {"process.cwd", CFD_EXEC},
	{"process.realtime", CFD_EXEC},   {"process.cgroup-file", CFD_UPDATE},
};

bool cfd_rule_is_asked(const struct cfd_rule_group *group, const struct cfd_rule *rule, enum cfd_occasion occasion)
{
	unsigned occasions = CFD_CREATE | CFD_RESTORE;

	for (size_t i = 0; i < CFD_COUNT(group_occasions); i++)
		if (group_occasions[i].group == group)
			occasions = group_occasions[i].occasions;
	for (size_t i = 0; i < CFD_COUNT(also); i++)
		if (cfd_streq(also[i].id, rule->id))
			occasions |= also[i].occasions;
	return occasions & (occasion ? occasion : CFD_CREATE);
}

int cfd_rules_run_one(const struct cfd_rules_context *context, const struct cfd_rule *rule,
		      struct cfd_findings *findings, struct cfd_error *err)
{
	int r = rule->check(rule, context, findings, err);

	return r ? cfd_wrap(err, "rule %s cannot be decided", rule->id) : 0;
}

static int run_group(const struct cfd_rule_group *group, const struct cfd_rules_context *context,
		     struct cfd_findings *findings, struct cfd_error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < group->count; i++)
		if (cfd_rule_is_asked(group, &group->rules[i], context->occasion))
			r = cfd_rules_run_one(context, &group->rules[i], findings, err);
	return r;
}

static int check_size(const struct cfd_spec *spec, struct cfd_error *err)
{
	size_t options = 0;

	if (spec->mount_count > MOUNTS_MAX)
		return cfd_fail(err, -E2BIG, "config.json has %zu mounts; at most %d are judged", spec->mount_count,
				MOUNTS_MAX);
	for (size_t i = 0; i < spec->mount_count; i++)
		options += spec->mounts[i].options.count;
	if (options > OPTIONS_MAX)
		return cfd_fail(err, -E2BIG, "config.json has %zu mount options; at most %d are judged", options,
				OPTIONS_MAX);
	return 0;
}

static int hold(const struct cfd_rules_context *context, struct cfd_error *err)
{
	int r = cfd_held_init(context->held, context->spec, err);

	return r || !context->host_facts ? r : cfd_held_open_namespaces(context->held, context->spec, err);
}

int cfd_rules_look(struct cfd_rules_context *context, struct cfd_rules_facts *facts, struct cfd_error *err)
{
	int r;

	if (context->occasion == CFD_EXEC || context->occasion == CFD_UPDATE)
		return 0; /* there are no mounts and no namespaces then */
	if (!context->held)
		context->held = &facts->held;
	r = check_size(context->spec, err);
	if (!r)
		r = hold(context, err);
	if (!r)
		r = cfd_sources_judge(context, &facts->sources, err);
	if (!r)
		r = cfd_destinations_find(context->spec, &facts->destinations, err);
	context->sources = facts->sources;
	context->destinations = facts->destinations;
	return r;
}

void cfd_rules_facts_release(struct cfd_rules_facts *facts)
{
	cfd_sources_freep(&facts->sources);
	cfd_destinations_freep(&facts->destinations);
	cfd_held_release(&facts->held);
}

int cfd_rules_run(const struct cfd_rules_context *context, struct cfd_findings *findings, struct cfd_error *err)
{
	CFD_AUTO(cfd_rules_facts_release) struct cfd_rules_facts facts = {0};
	struct cfd_rules_context with_facts = *context;
	int r = cfd_rules_look(&with_facts, &facts, err);

	for (size_t g = 0; !r && cfd_rule_groups[g]; g++)
		r = run_group(cfd_rule_groups[g], &with_facts, findings, err);
	if (!r && context->profile)
		cfd_rules_except(context->profile, context->now, findings);
	return r;
}

int cfd_rules_never_source(const char *source, const struct cfd_rule **ret_rule,
			   char ret_message[CFD_RULES_MESSAGE_MAX], struct cfd_error *err)
{
	const char *options[] = {"rbind", "ro"};
	struct cfd_spec_mount mount = {
		.source = source, .destination = "/mnt", .options = {.values = options, .count = CFD_COUNT(options)}};
	const struct cfd_spec spec = {.mounts = &mount, .mount_count = 1};
	struct cfd_profile_mount allowed = {.source = (char *)source};
	const struct cfd_profile profile = {.mounts = &allowed, .mount_count = 1};
	const struct cfd_image image = {0};
	const struct cfd_rules_context context = {
		.spec = &spec, .profile = &profile, .image = &image, .bundle_fd = -1, .rootfs_fd = -1};
	CFD_AUTO(cfd_sources_freep) struct cfd_sources *sources = NULL;
	const char *message = "";
	const struct cfd_rule *rule;
	int r = cfd_sources_judge(&context, &sources, err);

	if (r)
		return r;
	rule = cfd_rule_find(cfd_sources_rule(sources, 0, &message));
	*ret_rule = rule && rule->class == CFD_RULE_NEVER ? rule : NULL;
	snprintf(ret_message, CFD_RULES_MESSAGE_MAX, "%s", message);
	return 0;
}

bool cfd_rules_userns_forced(const struct cfd_rules_context *context)
{
	return context->config->userns != CFD_NEED_OFF && !context->profile->userns_host &&
	       !cfd_spec_namespace(context->spec, "user");
}

void cfd_rules_say_host_userns(const struct cfd_rules_context *context, const char *what,
			       char ret_message[CFD_HOST_USERNS_MAX])
{
	snprintf(ret_message, CFD_HOST_USERNS_MAX,
		 "%s needs the host user namespace: exempt it explicitly, by \"userns\": \"host\" with a "
		 "\"userns_reason\" in profile %s",
		 what, context->profile->name ? context->profile->name : "?");
}

bool cfd_rules_listed(char *const *list, const char *string)
{
	for (; list && *list; list++)
		if (cfd_streq(*list, string))
			return true;
	return false;
}
