/* SPDX-License-Identifier: Apache-2.0 */
/* The process and what else the runtime sets for it: ids, environment, working directory, labels, seccomp, resources.
 */
#include "lib/json/json.h"
#include "lib/path.h"
#include "lib/rules/common.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// clang-format off
/* ld.so(8), glibc's iconv and tunables, musl: what makes a program load or do something else. */
static const char *const loader_variables[] = {
	"LD_", "GCONV_PATH=", "GLIBC_TUNABLES=", "MALLOC_", "NLSPATH=", "LOCPATH=", "RESOLV_HOST_CONF=", "HOSTALIASES=",
};

/* The types that Pod Security admits: containers, not the privileged spc_t nor a host domain. */
static const char *const selinux_types[] = {
	"container_t", "container_init_t", "container_kvm_t", "container_engine_t", "container_userns_t", "svirt_lxc_net_t",
};

/* linux.seccomp.defaultAction that lets unknown system calls through. */
static const char *const open_actions[] = { "SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY" };
// clang-format on

/* pkg/kubelet/qos/policy.go: the pause container and guaranteed pods. */
#define KUBELET_LOWEST_OOM_SCORE (-998)

static bool is_listed(const char *const *list, size_t count, const char *string)
{
	for (size_t i = 0; i < count; i++)
		if (cfd_streq(list[i], string))
			return true;
	return false;
}

bool cfd_rules_loads_code(const char *variable)
{
	for (size_t i = 0; i < CFD_COUNT(loader_variables); i++)
		if (cfd_starts_with(variable, loader_variables[i]))
			return true;
	return false;
}

CFD_RULE_CHECK(check_env_loader)
{
	const struct cfd_spec_strings *env = &context->spec->process.env;
	int r = 0;

	if (!context->spec->hook_count)
		return 0;
	for (size_t i = 0; !r && i < env->count; i++)
		if (cfd_rules_loads_code(env->values[i]))
			r = cfd_findings_add(findings, rule, env->values[i], err,
					     "there are hooks, which may inherit it and run as root of the host",
					     "process.env[%zu]", i);
	return r;
}

CFD_RULE_CHECK(check_cwd)
{
	const char *cwd = context->spec->process.cwd, *message = NULL;
	char clean[CFD_PATH_MAX];

	if (!context->spec->process.present)
		return 0;
	if (!cwd || cwd[0] != '/')
		message = "not an absolute path";
	else if (cfd_path_has_dotdot(cwd) || cfd_path_clean(cwd, clean))
		message = "has \"..\", or is too long";
	else if (cfd_path_beneath(clean, "/proc"))
		message = "within /proc, where links to files of the host are";
	return message ? cfd_findings_add(findings, rule, cwd, err, message, "process.cwd") : 0;
}

static bool is_kubernetes(const struct cfd_image *image)
{
	return image->engine == CFD_ENGINE_CRIO || image->engine == CFD_ENGINE_CONTAINERD;
}

CFD_RULE_CHECK(check_oom_score)
{
	const struct cfd_spec_process *process = &context->spec->process;
	int lowest = is_kubernetes(context->image) ? KUBELET_LOWEST_OOM_SCORE : 0;
	char text[16];

	if (!process->has_oom_score_adj || process->oom_score_adj >= lowest)
		return 0;
	snprintf(text, sizeof(text), "%d", process->oom_score_adj);
	return cfd_findings_add(findings, rule, text, err, "the host's own programs would be killed before it",
				"process.oomScoreAdj");
}

static int check_id(const struct cfd_rule *rule, const struct cfd_rules_context *context, struct cfd_findings *findings,
		    struct cfd_error *err, uint32_t id, const char *path)
{
	uint32_t ids = cfd_profile_ids(context->profile);
	char text[16], message[96];

	if (id < ids)
		return 0;
	snprintf(text, sizeof(text), "%u", id);
	snprintf(message, sizeof(message), "outside of the %u-id range of its user namespace", ids);
	return cfd_findings_add(findings, rule, text, err, message, "process.user.%s", path);
}

CFD_RULE_CHECK(check_user_range)
{
	const struct cfd_spec_process *process = &context->spec->process;
	int r;

	if (!process->present || !cfd_rules_userns_forced(context))
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

bool cfd_rules_host_has_apparmor(void)
{
	CFD_AUTO_FD int fd = open("/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC);
	char enabled = 'N';

	return fd >= 0 && read(fd, &enabled, 1) == 1 && enabled == 'Y';
}

CFD_RULE_CHECK(check_apparmor)
{
	const char *profile = context->spec->process.apparmor_profile;

	if (!cfd_streq(profile, "unconfined") || (context->host_facts && !cfd_rules_host_has_apparmor()))
		return 0;
	return cfd_findings_add(findings, rule, profile, err, "asks for no confinement", "process.apparmorProfile");
}

CFD_RULE_CHECK(check_selinux)
{
	const char *label = context->spec->process.selinux_label, *type;
	char copy[256], *rest = NULL;

	if (!label || !*label)
		return 0;
	if (snprintf(copy, sizeof(copy), "%s", label) >= (int)sizeof(copy))
		return cfd_findings_add(findings, rule, label, err, "too long for a label", "process.selinuxLabel");
	strtok_r(copy, ":", &rest);
	strtok_r(NULL, ":", &rest);
	type = strtok_r(NULL, ":", &rest);
	if (type && is_listed(selinux_types, CFD_COUNT(selinux_types), type))
		return 0;
	return cfd_findings_add(findings, rule, label, err, "not of a type for containers", "process.selinuxLabel");
}

CFD_RULE_CHECK(check_seccomp_default)
{
	const char *action = cfd_json_string(cfd_json_get(context->spec->seccomp, "defaultAction"));

	if (!context->spec->seccomp || (action && !is_listed(open_actions, CFD_COUNT(open_actions), action)))
		return 0;
	return cfd_findings_add(findings, rule, action, err,
				action ? "lets system calls through that the filter does not name" : "absent",
				"linux.seccomp.defaultAction");
}

CFD_RULE_CHECK(check_seccomp_listener)
{
	const char *path = cfd_json_string(cfd_json_get(context->spec->seccomp, "listenerPath"));

	if (!path || !*path)
		return 0;
	return cfd_findings_add(findings, rule, path, err, "somebody else would decide about system calls",
				"linux.seccomp.listenerPath");
}

/* Sections of linux that no engine writes by default, each a row: the rule's id tells which. */
CFD_RULE_CHECK(check_absent)
{
	const struct {
		const char *id, *path;
		const struct cfd_json *node;
	} sections[] = {
		{"process.personality", "linux.personality", context->spec->personality},
		{"process.time-offsets", "linux.timeOffsets", context->spec->time_offsets},
		{"process.intel-rdt", "linux.intelRdt", context->spec->intel_rdt},
		{"process.memory-policy", "linux.memoryPolicy", context->spec->memory_policy},
		{"process.net-devices", "linux.netDevices", context->spec->net_devices},
	};

	for (size_t i = 0; i < CFD_COUNT(sections); i++)
		if (cfd_streq(sections[i].id, rule->id) && sections[i].node)
			return cfd_findings_add(findings, rule, strrchr(sections[i].path, '.') + 1, err,
						"no container is given this by default", "%s", sections[i].path);
	return 0;
}

static int report_realtime(const struct cfd_rule *rule, struct cfd_findings *findings, struct cfd_error *err,
			   const struct cfd_json *value, const char *const *refused, size_t count, const char *path)
{
	const char *text = cfd_json_string(value);

	if (!text || !is_listed(refused, count, text))
		return 0;
	return cfd_findings_add(findings, rule, text, err, "runs before everything else on the host", "%s", path);
}

CFD_RULE_CHECK(check_realtime)
{
	static const char *const policies[] = {"SCHED_FIFO", "SCHED_RR", "SCHED_DEADLINE"};
	static const char *const classes[] = {"IOPRIO_CLASS_RT"};
	const struct cfd_json *process = cfd_json_get(context->spec->root, "process");
	int r = report_realtime(rule, findings, err, cfd_json_get(cfd_json_get(process, "scheduler"), "policy"),
				policies, CFD_COUNT(policies), "process.scheduler.policy");

	if (r)
		return r;
	return report_realtime(rule, findings, err, cfd_json_get(cfd_json_get(process, "ioPriority"), "class"), classes,
			       CFD_COUNT(classes), "process.ioPriority.class");
}

/* resources.unified: keys are names of files in the container's cgroup. */
CFD_RULE_CHECK(check_cgroup_file)
{
	const struct cfd_json *unified = cfd_json_get(context->spec->resources, "unified");
	int r = 0;

	for (size_t i = 0; !r && i < cfd_json_count(unified); i++) {
		const char *key = "";

		cfd_json_member(unified, i, &key);
		if (strchr(key, '/') || key[0] == '.' || !strchr(key, '.') || cfd_starts_with(key, "cgroup."))
			r = cfd_findings_add(findings, rule, key, err, "not the name of a controller's file",
					     "linux.resources.unified");
	}
	return r;
}

// clang-format off
static const struct cfd_rule rules[] = {
	{ "process.env-loader", CFD_RULE_NEVER, "an environment that makes programs load code, together with hooks",
	  "runtimes let hooks inherit the container's environment: LD_PRELOAD of the image in a root process of the host",
	  "CVE-2025-23266; " CFD_REF_SPEC "config.md, Hooks (env)", NULL, check_env_loader },
	{ "process.cwd", CFD_RULE_NEVER, "a working directory that is not absolute, has \"..\" or lies in /proc",
	  "a descriptor that the runtime left open is a way out of the container: /proc/self/fd/7",
	  "CVE-2024-21626", NULL, check_cwd },
	{ "process.oom-score", CFD_RULE_NEVER, "a negative oomScoreAdj (below the kubelet's -998 in Kubernetes)",
	  "it uses up the host's memory, and everything else is killed first",
	  "proc(5), oom_score_adj; " CFD_REF_SPEC "config.md, Linux Process", NULL, check_oom_score },
	{ "process.user-range", CFD_RULE_ALLOWED, "a user or group that its user namespace will not have",
	  "nothing: the runtime would refuse it, with a message that does not tell why",
	  "user_namespaces(7); cofferdam gives 65536 ids, or what the profile says",
	  "\"userns_range\": {\"size\": 131072}", check_user_range },
	{ "process.apparmor", CFD_RULE_NEVER, "no AppArmor confinement on a host that has AppArmor",
	  "writes to /proc and /sys and mounts that the default profile denies",
	  CFD_REF_PSS "AppArmor; " CFD_REF_CIS "5.2", NULL, check_apparmor },
	{ "process.selinux", CFD_RULE_NEVER, "an SELinux type that is not for containers",
	  "spc_t and host domains may do what the policy denies to containers",
	  CFD_REF_PSS "SELinux; " CFD_REF_CIS "5.3", NULL, check_selinux },
	{ "process.seccomp-default", CFD_RULE_NEVER, "a seccomp filter that allows what it does not name",
	  "system calls that are newer than the filter, and those that nobody thought of",
	  CFD_REF_PSS "Seccomp; " CFD_REF_CIS "5.22", NULL, check_seccomp_default },
	{ "process.seccomp-listener", CFD_RULE_NEVER, "a seccomp listener",
	  "whoever holds it can let any intercepted system call pass, and read the container's memory",
	  "seccomp_unotify(2); " CFD_REF_SPEC "config-linux.md, Seccomp", NULL, check_seccomp_listener },
	{ "process.personality", CFD_RULE_NEVER, "a personality",
	  "compatibility modes switch off address randomisation and open old system call tables",
	  "personality(2); " CFD_REF_SPEC "config-linux.md, Personality", NULL, check_absent },
	{ "process.time-offsets", CFD_RULE_NEVER, "clock offsets",
	  "tickets and leases that have expired look valid",
	  "time_namespaces(7); " CFD_REF_SPEC "config-linux.md, Time offsets", NULL, check_absent },
	{ "process.intel-rdt", CFD_RULE_NEVER, "Intel RDT settings",
	  "the runtime writes the host's resctrl filesystem: caches and bandwidth of all others",
	  CFD_REF_SPEC "config-linux.md, IntelRdt", NULL, check_absent },
	{ "process.memory-policy", CFD_RULE_NEVER, "a NUMA memory policy",
	  "memory nodes that the administrator kept for others",
	  "set_mempolicy(2); " CFD_REF_SPEC "config-linux.md, Memory policy", NULL, check_absent },
	{ "process.net-devices", CFD_RULE_NEVER, "network devices of the host moved into the container",
	  "the host loses the device, the container gets its traffic",
	  CFD_REF_SPEC "config-linux.md, Network devices", NULL, check_absent },
	{ "process.realtime", CFD_RULE_NEVER, "real-time scheduling or input and output",
	  "one busy loop stops the host, its engine and its guard",
	  "sched(7), ioprio_set(2); " CFD_REF_SPEC "config.md, Linux Process (scheduler)", NULL, check_realtime },
	{ "process.cgroup-file", CFD_RULE_NEVER, "a cgroup v2 setting that is no file of a controller",
	  "\"../x/cgroup.procs\" writes into another cgroup",
	  CFD_REF_SPEC "config-linux.md, Unified", NULL, check_cgroup_file },
};
// clang-format on

const struct cfd_rule_group cfd_rules_process = {"process", rules, CFD_COUNT(rules)};
