/* SPDX-License-Identifier: Apache-2.0 */
/* Sysctls: those that are namespaced and isolated, and those that the profile adds. */
#include "lib/rules/common.h"

#include <string.h>

// clang-format off
/* k8s.io/pod-security-admission policy/check_sysctls.go: versions 1.0, 1.27, 1.29, 1.32 and 1.37. */
static const char *const safe[] = {
	"kernel.shm_rmid_forced",
	"net.ipv4.ip_local_port_range",
	"net.ipv4.tcp_syncookies",
	"net.ipv4.ping_group_range",
	"net.ipv4.ip_unprivileged_port_start",
	"net.ipv4.ip_local_reserved_ports",
	"net.ipv4.tcp_keepalive_time",
	"net.ipv4.tcp_fin_timeout",
	"net.ipv4.tcp_keepalive_intvl",
	"net.ipv4.tcp_keepalive_probes",
	"net.ipv4.tcp_rmem",
	"net.ipv4.tcp_wmem",
	"net.ipv4.tcp_slow_start_after_idle",
	"net.ipv4.tcp_notsent_lowat",
};

/* sysctl namespaces of ipc, uts and network namespaces: everything else is the whole host's. */
static const char *const namespaced[] = {
	"net.", "fs.mqueue.", "kernel.shm", "kernel.msg", "kernel.sem", "kernel.domainname", "kernel.hostname",
};
// clang-format on

static bool is_safe(const char *name)
{
	for (size_t i = 0; i < CFD_COUNT(safe); i++)
		if (cfd_streq(safe[i], name))
			return true;
	return false;
}

static bool is_namespaced(const char *name)
{
	for (size_t i = 0; i < CFD_COUNT(namespaced); i++)
		if (cfd_starts_with(name, namespaced[i]))
			return true;
	return false;
}

/* net/ipv4/x is another spelling of net.ipv4.x, and "kernel./x" of something else entirely: neither is accepted. */
static bool is_plain_name(const char *name)
{
	return *name &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0' &&
	       !strstr(name, "..") && name[0] != '.' && !cfd_ends_with(name, ".");
}

CFD_RULE_CHECK(check_name)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->sysctls.count; i++) {
		const char *name = context->spec->sysctls.values[i].key;

		if (!is_plain_name(name))
			r = cfd_findings_add(findings, rule, name, err, "not a name of letters, digits, dots, - and _",
					     "linux.sysctl[\"%s\"]", name);
	}
	return r;
}

CFD_RULE_CHECK(check_value)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->sysctls.count; i++) {
		const struct cfd_spec_pair *sysctl = &context->spec->sysctls.values[i];
		bool plain = true;

		for (const char *c = sysctl->value; *c; c++)
			plain = plain && *c != '+' && *c != '=' && ((unsigned char)*c >= 0x20 || *c == '\t') &&
				*c != 0x7f;
		if (!plain)
			r = cfd_findings_add(findings, rule, sysctl->value, err,
					     "a value with '+', '=' or a control character", "linux.sysctl[\"%s\"]",
					     sysctl->key);
	}
	return r;
}

CFD_RULE_CHECK(check_host)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->sysctls.count; i++) {
		const char *name = context->spec->sysctls.values[i].key;

		if (is_plain_name(name) && !is_namespaced(name))
			r = cfd_findings_add(findings, rule, name, err, "a setting of the whole host",
					     "linux.sysctl[\"%s\"]", name);
	}
	return r;
}

CFD_RULE_CHECK(check_not_allowed)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->sysctls.count; i++) {
		const char *name = context->spec->sysctls.values[i].key;

		if (is_plain_name(name) && is_namespaced(name) && !is_safe(name) &&
		    !cfd_rules_listed(context->profile->sysctls, name))
			r = cfd_findings_add(findings, rule, name, err,
					     "neither one of the safe ones nor listed by the profile",
					     "linux.sysctl[\"%s\"]", name);
	}
	return r;
}

// clang-format off
static const struct cfd_rule rules[] = {
	{ "sysctl.name", CFD_RULE_NEVER, "a sysctl name with other characters than letters, digits, '.', '-' and '_'",
	  "\"/\" and \"..\" in a name write to another file of /proc/sys than the one that was checked",
	  CFD_REF_SPEC "config-linux.md, Sysctl", NULL, check_name },
	{ "sysctl.value", CFD_RULE_NEVER, "a sysctl value with '+', '=' or control characters",
	  "the helper of CRI-O took what follows '+' for another setting: kernel.core_pattern, a program run as root",
	  "CVE-2022-0811", NULL, check_value },
	{ "sysctl.host", CFD_RULE_NEVER, "a sysctl that belongs to no namespace",
	  "it changes the whole host; kernel.core_pattern runs a program as root",
	  CFD_REF_PSS "Sysctls", NULL, check_host },
	{ "sysctl.not-allowed", CFD_RULE_ALLOWED, "a namespaced sysctl that is not one of the safe ones",
	  "not isolated from other containers of the pod or of the host",
	  CFD_REF_PSS "Sysctls", "\"sysctls\": {\"allow\": [\"net.core.somaxconn\"]}", check_not_allowed },
};
// clang-format on

const struct cfd_rule_group cfd_rules_sysctls = {"sysctls", rules, CFD_COUNT(rules)};
