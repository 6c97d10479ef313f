/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process that is started in a container later may have: what was recorded when the container was created, and
 * nothing beyond. What it does not say is no finding; lib/amend/exec.c says it then. Rules of other groups that read
 * `process` alone are asked as well (lib/rules/rules.c).
 */
#include "lib/caps.h"
#include "lib/json/json.h"
#include "lib/path.h"
#include "lib/rules/common.h"
#include "lib/state/state.h"

#include <stdio.h>
#include <string.h>

static const char *const set_names[CFD_SPEC_CAPABILITY_SETS] = {"bounding", "effective", "inheritable", "permitted",
								"ambient"};

/*
 * Engines ask with what they asked for at create, which the profile may have reduced: that is trimmed again. Each
 * capability is reported once, where it stands first.
 */
CFD_RULE_CHECK(check_capability)
{
	const struct cfd_spec_strings *sets = context->spec->process.capabilities;
	cfd_caps passing = context->record->capabilities | context->record->asked_capabilities;
	int r = 0;

	for (size_t s = 0; !r && s < CFD_SPEC_CAPABILITY_SETS; s++)
		for (size_t i = 0; !r && i < sets[s].count; i++) {
			const char *name = sets[s].values[i];
			unsigned number = 0;

			if (cfd_caps_number(name, &number) || passing & (UINT64_C(1) << number))
				continue;
			passing |= UINT64_C(1) << number;
			r = cfd_findings_add(findings, rule, name, err, "the container was created without it",
					     "process.capabilities.%s[%zu]", set_names[s], i);
		}
	return r;
}

CFD_RULE_CHECK(check_no_new_privileges)
{
	const struct cfd_json *value = cfd_json_get(cfd_json_get(context->spec->root, "process"), "noNewPrivileges");

	if (!context->record->no_new_privileges || !value || cfd_json_bool(value))
		return 0;
	return cfd_findings_add(findings, rule, "false", err, "the container was created with it",
				"process.noNewPrivileges");
}

static int check_id(const struct cfd_rule *rule, const struct cfd_rules_context *context, struct cfd_findings *findings,
		    struct cfd_error *err, uint32_t id, const char *path)
{
	char text[16], message[96];

	if (id < context->record->range.size)
		return 0;
	snprintf(text, sizeof(text), "%u", id);
	snprintf(message, sizeof(message), "the container's user namespace has %u ids", context->record->range.size);
	return cfd_findings_add(findings, rule, text, err, message, "process.user.%s", path);
}

CFD_RULE_CHECK(check_user)
{
	const struct cfd_spec_process *process = &context->spec->process;
	int r;

	if (!context->record->range.size)
		return 0;
	r = check_id(rule, context, findings, err, process->uid, "uid");
	if (!r)
		r = check_id(rule, context, findings, err, process->gid, "gid");
	for (size_t i = 0; !r && i < process->additional_gid_count; i++) {
		char path[48];

		snprintf(path, sizeof(path), "additionalGids[%zu]", i);
		r = check_id(rule, context, findings, err, process->additional_gids[i], path);
	}
	return r;
}

static int check_same(const struct cfd_rule *rule, struct cfd_findings *findings, struct cfd_error *err,
		      const char *value, const char *recorded, const char *path)
{
	if (!value || !*value || cfd_streq(value, recorded))
		return 0;
	return cfd_findings_add(findings, rule, value, err, "not the one that the container was created with", "%s",
				path);
}

CFD_RULE_CHECK(check_apparmor)
{
	return check_same(rule, findings, err, context->spec->process.apparmor_profile,
			  context->record->apparmor_profile, "process.apparmorProfile");
}

CFD_RULE_CHECK(check_selinux)
{
	return check_same(rule, findings, err, context->spec->process.selinux_label, context->record->selinux_label,
			  "process.selinuxLabel");
}

/* `PATH`, or runc's `CONTROLLER[,CONTROLLER]:PATH`; both runtimes look for it below the container's own. */
static bool leaves_cgroup(const char *word)
{
	const char *colon = strchr(word, ':'), *path = colon ? colon + 1 : word;

	return path[0] == '/' || cfd_path_has_dotdot(path);
}

CFD_RULE_CHECK(check_cgroup)
{
	int r = 0;

	for (size_t i = 0; !r && context->cgroups && i < context->cgroups->count; i++)
		if (leaves_cgroup(context->cgroups->values[i]))
			r = cfd_findings_add(findings, rule, context->cgroups->values[i], err,
					     "not a name below the container's own cgroup", "--cgroup");
	return r;
}

/* Images have such variables of their own; engines repeat those in every exec. */
CFD_RULE_CHECK(check_env_loader)
{
	const struct cfd_spec_strings *env = &context->spec->process.env;
	int r = 0;

	for (size_t i = 0; !r && i < env->count; i++)
		if (cfd_rules_loads_code(env->values[i]) &&
		    !cfd_rules_listed(context->record->loader_env, env->values[i]))
			r = cfd_findings_add(findings, rule, env->values[i], err,
					     "the container was created without it", "process.env[%zu]", i);
	return r;
}

CFD_RULE_CHECK(check_oom_score)
{
	const struct cfd_spec_process *process = &context->spec->process;
	char text[16];

	if (!process->has_oom_score_adj || process->oom_score_adj >= context->record->oom_score_adj)
		return 0;
	snprintf(text, sizeof(text), "%d", process->oom_score_adj);
	return cfd_findings_add(findings, rule, text, err, "below that of the container", "process.oomScoreAdj");
}

// clang-format off
static const struct cfd_rule rules[] = {
	{ "exec.capability", CFD_RULE_NEVER, "exec with a capability that the container was created without",
	  "`exec --privileged` and `--cap` give a running container what create refuses; no hook runs then",
	  CFD_REF_CIS "5.23; " CFD_REF_SPEC "config.md, Linux Process (capabilities)", NULL, check_capability },
	{ "exec.no-new-privileges", CFD_RULE_NEVER, "exec that says noNewPrivileges is false, where the container has true",
	  "set-user-ID programs of the image, and files with capabilities, give what the process was not given",
	  CFD_REF_CIS "5.26; " CFD_REF_SPEC "config.md, Linux Process (noNewPrivileges)", NULL, check_no_new_privileges },
	{ "exec.user-range", CFD_RULE_NEVER, "exec as a user or group that the container's user namespace does not have",
	  "nothing: the runtime would refuse it, with a message that does not tell why",
	  "user_namespaces(7); cofferdam gives 65536 ids, or what the profile says", NULL, check_user },
	{ "exec.apparmor", CFD_RULE_NEVER, "exec under another AppArmor profile than the container's",
	  "`unconfined` writes to /proc and /sys and mounts what the container's profile denies",
	  CFD_REF_PSS "AppArmor; " CFD_REF_CIS "5.2, 5.23", NULL, check_apparmor },
	{ "exec.selinux", CFD_RULE_NEVER, "exec under another SELinux label than the container's",
	  "another type, or another container's categories, open files that the policy keeps from this one",
	  CFD_REF_PSS "SELinux; " CFD_REF_CIS "5.3, 5.23", NULL, check_selinux },
	{ "exec.cgroup", CFD_RULE_NEVER, "exec into a cgroup that is not below the container's",
	  "the guard, the limits and the device rules are those of the container's cgroup",
	  CFD_REF_CIS "5.25; cgroups(7)", NULL, check_cgroup },
	{ "exec.env-loader", CFD_RULE_NEVER, "exec with a variable that makes programs load code, and that the container was created without",
	  "an allowed program runs somebody's library: LD_PRELOAD=/tmp/x.so",
	  "ld.so(8); CVE-2025-23266", NULL, check_env_loader },
	{ "exec.oom-score", CFD_RULE_NEVER, "exec with an oomScoreAdj below the container's",
	  "it uses up the host's memory, and everything else is killed first",
	  "proc(5), oom_score_adj", NULL, check_oom_score },
};
// clang-format on

const struct cfd_rule_group cfd_rules_exec = {"exec", rules, CFD_COUNT(rules)};
