/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks run as root of the host with what the container gives them: ours, the administrator's list, Docker's own. */
#include "lib/json/json.h"
#include "lib/rules/common.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUR_HOOK CFD_LIBEXECDIR "/cofferdam-hook"

/* The i-th argument of a hook, or NULL. */
static const char *argument(const struct cfd_spec *spec, const struct cfd_spec_hook *hook, size_t index)
{
	const struct cfd_json *stage = cfd_json_get(cfd_json_get(spec->root, "hooks"), hook->stage);

	return cfd_json_string(cfd_json_at(cfd_json_get(cfd_json_at(stage, hook->index), "args"), index));
}

/* /proc/PID/exe of a process whose program root alone can write. */
static bool is_root_program(const char *path, const char *name)
{
	char target[4096];
	ssize_t length = readlink(path, target, sizeof(target) - 1);
	struct stat st;

	if (length < 0 || stat(path, &st))
		return false;
	target[length] = '\0';
	return cfd_ends_with(target, name) && st.st_uid == 0 && !(st.st_mode & 022);
}

/* moby daemon/libnetwork/sandbox_linux.go: /proc/PID/exe of dockerd, "libnetwork-setkey", as a prestart hook. */
static bool is_docker_network(const struct cfd_rules_context *context, const struct cfd_spec_hook *hook)
{
	const char *digits, *rest;

	if (context->image->engine != CFD_ENGINE_DOCKER || !cfd_starts_with(hook->path, "/proc/"))
		return false;
	digits = hook->path + strlen("/proc/");
	rest = digits + strspn(digits, "0123456789");
	if (rest == digits || !cfd_streq(rest, "/exe") ||
	    !cfd_streq(argument(context->spec, hook, 0), "libnetwork-setkey"))
		return false;
	return !context->host_facts || is_root_program(hook->path, "/dockerd");
}

static bool is_allowed(const struct cfd_rules_context *context, const struct cfd_spec_hook *hook)
{
	return cfd_streq(hook->path, OUR_HOOK) || cfd_rules_listed(context->config->allowed_hooks, hook->path) ||
	       is_docker_network(context, hook);
}

CFD_RULE_CHECK(check_not_allowed)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->hook_count; i++) {
		const struct cfd_spec_hook *hook = &context->spec->hooks[i];

		if (!is_allowed(context, hook))
			r = cfd_findings_add(findings, rule, hook->path, err,
					     "a program that would run as root of the host, and is not on the list",
					     "hooks.%s[%zu].path", hook->stage, hook->index);
	}
	return r;
}

static bool runs_in_container(const struct cfd_spec_hook *hook)
{
	return cfd_streq(hook->stage, "createContainer") || cfd_streq(hook->stage, "startContainer");
}

/* Programs of the host, started inside: the container's files, and with some runtimes its environment, reach them. */
CFD_RULE_CHECK(check_ours_inside)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->hook_count; i++) {
		const struct cfd_spec_hook *hook = &context->spec->hooks[i];

		if (runs_in_container(hook) && cfd_streq(hook->path, OUR_HOOK))
			r = cfd_findings_add(findings, rule, hook->path, err,
					     "cofferdam's hook never runs in the container's namespaces",
					     "hooks.%s[%zu].path", hook->stage, hook->index);
	}
	return r;
}

// clang-format off
static const struct cfd_rule rules[] = {
	{ "hook.not-allowed", CFD_RULE_ADMIN, "a hook that is neither cofferdam's nor on the administrator's list",
	  "config.json names any program of the host and the runtime executes it as root",
	  CFD_REF_SPEC "config.md, POSIX-platform Hooks; CVE-2025-23266",
	  "\"hooks\": {\"allow\": [\"/usr/bin/nvidia-container-runtime-hook\"]}", check_not_allowed },
	{ "hook.inside", CFD_RULE_NEVER, "cofferdam's own hook at a stage that runs inside of the container",
	  "the container's environment (LD_PRELOAD) and files reach a program that decides about it",
	  "CVE-2025-23266", NULL, check_ours_inside },
};
// clang-format on

const struct cfd_rule_group cfd_rules_hooks = {"hooks", rules, CFD_COUNT(rules)};
