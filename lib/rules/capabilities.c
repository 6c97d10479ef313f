/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capabilities. Engines ask for their default set whatever the image needs, and older ones fill inheritable with it:
 * both are trimmed by lib/amend, not refused. What goes beyond is refused, so that nobody wonders why it is missing.
 */
#include "lib/caps.h"

#include "lib/rules/common.h"

#include <linux/capability.h>

static const char *const set_names[CFD_SPEC_CAPABILITY_SETS] = {"bounding", "effective", "inheritable", "permitted",
								"ambient"};

#define BIT(number) (UINT64_C(1) << (number))

/* What the profile lets it have; without a list, what engines give by default. */
static int most(const struct cfd_rules_context *context, cfd_caps *ret_most, struct cfd_error *err)
{
	struct cfd_spec_strings names = {0};

	*ret_most = cfd_caps_engine_default;
	if (context->profile)
		names.values = (const char **)context->profile->capabilities;
	if (!names.values)
		return 0;
	while (names.values[names.count])
		names.count++;
	return cfd_caps_set(&names, "capabilities of the profile", ret_most, err);
}

typedef const char *(*verdict)(cfd_caps profile_most, const char *name);

/*
 * Asks about every capability of the sets from..to. What is in the bounding set is reported there only, as one mistake
 * is one finding.
 */
static int each(const struct cfd_rule *rule, const struct cfd_rules_context *context, struct cfd_findings *findings,
		struct cfd_error *err, verdict refuse)
{
	const struct cfd_spec_strings *sets = context->spec->process.capabilities;
	cfd_caps profile_most, reported = 0;
	int r = most(context, &profile_most, err);

	for (size_t s = 0; !r && s < CFD_SPEC_CAPABILITY_SETS; s++)
		for (size_t i = 0; !r && i < sets[s].count; i++) {
			const char *name = sets[s].values[i], *message = refuse(profile_most, name);
			unsigned number = 0;

			if (!message || (!cfd_caps_number(name, &number) && (reported & BIT(number))))
				continue;
			if (!cfd_caps_number(name, &number))
				reported |= BIT(number);
			r = cfd_findings_add(findings, rule, name, err, message, "process.capabilities.%s[%zu]",
					     set_names[s], i);
		}
	return r;
}

static const char *unknown(cfd_caps profile_most, const char *name)
{
	unsigned number;

	(void)profile_most;
	return cfd_caps_number(name, &number) ? "not the name of a capability" : NULL;
}

CFD_RULE_CHECK(check_unknown)
{
	return each(rule, context, findings, err, unknown);
}

static const char *forbidden(cfd_caps profile_most, const char *name)
{
	unsigned number;

	(void)profile_most;
	if (cfd_caps_number(name, &number))
		return NULL;
	return cfd_caps_forbidden & BIT(number) ? "never allowed" : NULL;
}

CFD_RULE_CHECK(check_forbidden)
{
	return each(rule, context, findings, err, forbidden);
}

static const char *not_allowed(cfd_caps profile_most, const char *name)
{
	cfd_caps passing = profile_most | cfd_caps_engine_default | cfd_caps_forbidden; /* the last: another rule's */
	unsigned number;

	if (cfd_caps_number(name, &number))
		return NULL;
	return passing & BIT(number) ? NULL : "neither listed by the profile nor one that engines give by default";
}

CFD_RULE_CHECK(check_not_allowed)
{
	return each(rule, context, findings, err, not_allowed);
}

/* For root they change nothing, and `runc spec` writes them: lib/amend empties the set. */
CFD_RULE_CHECK(check_ambient)
{
	const struct cfd_spec_strings *ambient = &context->spec->process.capabilities[CFD_SPEC_AMBIENT];
	int r = 0;

	if (context->spec->process.uid == 0)
		return 0;
	for (size_t i = 0; !r && i < ambient->count; i++)
		r = cfd_findings_add(findings, rule, ambient->values[i], err,
				     "every program gets it, whoever runs it and whatever its file says",
				     "process.capabilities.ambient[%zu]", i);
	return r;
}

/* An engine's network belongs to the initial user namespace, in which a container's own root may do nothing. */
CFD_RULE_CHECK(check_net_admin)
{
	const struct cfd_spec_namespace *network = cfd_spec_namespace(context->spec, "network");
	const struct cfd_spec_strings *bounding = &context->spec->process.capabilities[CFD_SPEC_BOUNDING];
	char message[CFD_HOST_USERNS_MAX];
	int r = 0;

	if (!cfd_rules_userns_forced(context) || !network || !network->path ||
	    !cfd_rules_listed(context->profile->capabilities, "CAP_NET_ADMIN"))
		return 0;
	cfd_rules_say_host_userns(context, "on the engine's network it", message);
	for (size_t i = 0; !r && i < bounding->count; i++)
		if (cfd_streq(bounding->values[i], "CAP_NET_ADMIN"))
			r = cfd_findings_add(findings, rule, bounding->values[i], err, message,
					     "process.capabilities.bounding[%zu]", i);
	return r;
}

/* Those that the kernel asks the host's user namespace for, whoever has them elsewhere (capable(), not ns_capable()).
 */
static const unsigned hosts_only[] = {CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_TIME, CAP_SYSLOG, CAP_PERFMON, CAP_BPF};

static bool is_hosts_only(const char *name)
{
	unsigned number;

	for (size_t i = 0; !cfd_caps_number(name, &number) && i < CFD_COUNT(hosts_only); i++)
		if (hosts_only[i] == number)
			return true;
	return false;
}

/* Excepted by name, as of a privileged container, but without effect in a user namespace of its own. */
CFD_RULE_CHECK(check_userns_conflict)
{
	const struct cfd_spec_strings *bounding = &context->spec->process.capabilities[CFD_SPEC_BOUNDING];
	char message[CFD_HOST_USERNS_MAX];
	int r = 0;

	cfd_rules_say_host_userns(context, "a privileged container", message);
	for (size_t i = 0; !r && cfd_rules_userns_forced(context) && i < bounding->count; i++)
		if (is_hosts_only(bounding->values[i]) &&
		    cfd_rules_excepted(context, "capability.forbidden", bounding->values[i]))
			r = cfd_findings_add(findings, rule, bounding->values[i], err, message,
					     "process.capabilities.bounding[%zu]", i);
	return r;
}

// clang-format off
static const struct cfd_rule rules[] = {
	{ "capability.unknown", CFD_RULE_NEVER, "a capability name that is not written exactly as in capabilities(7)",
	  "crun grants \"21\", \"0x15\" and \"cap_sys_admin\" where runc ignores them",
	  CFD_REF_SPEC "config.md, Linux Process (capabilities)", NULL, check_unknown },
	{ "capability.forbidden", CFD_RULE_NEVER, "a capability that is a way to the host's root",
	  "SYS_ADMIN mounts, SYS_MODULE loads kernel code, SYS_PTRACE and DAC_READ_SEARCH reach other containers, ...",
	  CFD_REF_PSS "Capabilities; " CFD_REF_CIS "5.4; CVE-2022-0492, CVE-2022-0185", NULL, check_forbidden },
	{ "capability.not-allowed", CFD_RULE_ALLOWED, "a capability beyond the profile's and the engines' default list",
	  "each opens kernel code that containers otherwise do not reach",
	  CFD_REF_PSS "Capabilities; " CFD_REF_CIS "5.4", "\"capabilities\": [\"NET_ADMIN\"]", check_not_allowed },
	{ "capability.ambient", CFD_RULE_NEVER, "ambient capabilities of a user who is not root",
	  "they survive execve of programs that are not root and have no file capabilities",
	  "capabilities(7), Ambient", NULL, check_ambient },
	{ "capability.net-admin-userns", CFD_RULE_ALLOWED,
	  "CAP_NET_ADMIN that the profile grants on a network that its user namespace does not own",
	  "nothing: it would fail later, with a message that does not tell why",
	  "user_namespaces(7), Interaction of user namespaces and other types of namespaces",
	  CFD_ALLOW_HOST_USERNS, check_net_admin },
	{ "capability.userns-conflict", CFD_RULE_ALLOWED,
	  "a capability, excepted, that only the host's user namespace has, together with a forced user namespace",
	  "nothing: it would fail later, with a message that does not tell why",
	  "capabilities(7); user_namespaces(7)", CFD_ALLOW_HOST_USERNS, check_userns_conflict },
};
// clang-format on

const struct cfd_rule_group cfd_rules_capabilities = {"capabilities", rules, CFD_COUNT(rules)};
