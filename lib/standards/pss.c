/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pod Security Standards: the 19 checks of the admission controller (k8s.io/pod-security-admission, policy/check_*.go,
 * as of Kubernetes 1.37), by its ids. It judges what a pod asks for; this judges what the container gets, so where an
 * engine's default and a pod's wish look the same in config.json, the comment at the check says which way it counts.
 */
#include "lib/json/json.h"
#include "lib/rules/common.h"
#include "lib/spec/spec.h"
#include "lib/standards/controls.h"

#include <string.h>

/* hostUsers: false. From Kubernetes 1.35 such pods may be root, and see an unmasked /proc (baseline). */
static bool in_user_namespace(const struct cfd_spec *spec)
{
	const struct cfd_spec_namespace *user = cfd_spec_namespace(spec, "user");

	return user && (!user->path || !*user->path);
}

typedef bool allowed(const struct cfd_rules_context *context, const char *capability);

/* What one set has beyond what is allowed; what the bounding set has is reported there only. */
static int each_capability(const struct cfd_rules_context *context, struct cfd_control_result *result,
			   struct cfd_error *err, allowed *is_allowed, const char *message)
{
	static const char *const names[CFD_SPEC_CAPABILITY_SETS] = {"bounding", "effective", "inheritable", "permitted",
								    "ambient"};
	const struct cfd_spec_strings *sets = context->spec->process.capabilities;
	int r = 0;

	for (size_t s = 0; !r && s < CFD_SPEC_CAPABILITY_SETS && !(s && result->findings.total); s++)
		for (size_t i = 0; !r && i < sets[s].count; i++)
			if (!is_allowed(context, sets[s].values[i]))
				r = cfd_control_against(result, err, sets[s].values[i], message,
							"process.capabilities.%s[%zu]", names[s], i);
	return r;
}

/*
 * check_capabilities_baseline.go: 13 that may be added. Docker, containerd and podman 4 give NET_RAW to who adds
 * nothing, and the control is about what is added.
 */
static bool baseline_capability(const struct cfd_rules_context *context, const char *capability)
{
	static const char *const names[] = {
		"CAP_AUDIT_WRITE", "CAP_CHOWN",  "CAP_DAC_OVERRIDE",     "CAP_FOWNER",  "CAP_FSETID",
		"CAP_KILL",        "CAP_MKNOD",  "CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID",
		"CAP_SETPCAP",     "CAP_SETUID", "CAP_SYS_CHROOT",
	};
	enum cfd_engine engine = context->image->engine;

	for (size_t i = 0; i < CFD_COUNT(names); i++)
		if (cfd_streq(names[i], capability))
			return true;
	return cfd_streq(capability, "CAP_NET_RAW") && engine != CFD_ENGINE_NONE && engine != CFD_ENGINE_CRIO;
}

static CFD_CONTROL_CHECK(check_capabilities_baseline)
{
	return each_capability(context, result, err, baseline_capability,
			       "not one of the 13 that may be added to a container");
}

static bool restricted_capability(const struct cfd_rules_context *context, const char *capability)
{
	(void)context;
	return cfd_streq(capability, "CAP_NET_BIND_SERVICE");
}

static CFD_CONTROL_CHECK(check_capabilities_restricted)
{
	return each_capability(context, result, err, restricted_capability,
			       "all must be dropped, and NET_BIND_SERVICE alone may be added");
}

static CFD_CONTROL_CHECK(check_host_namespaces)
{
	static const char *const types[] = {"network", "pid", "ipc"};
	int r = 0;

	for (size_t i = 0; !r && i < CFD_COUNT(types); i++)
		r = cfd_control_joined(context, types[i], result, err);
	return r;
}

/* Left out it is the runtime's default on hosts without AppArmor, and on others what Unconfined makes of it. */
static CFD_CONTROL_CHECK(check_apparmor)
{
	const char *profile = context->spec->process.apparmor_profile;

	if (cfd_streq(profile, "unconfined"))
		return cfd_control_against(result, err, profile, "neither the runtime's profile nor one of the host's",
					   "process.apparmorProfile");
	if ((!profile || !*profile) && context->host_facts && cfd_rules_host_has_apparmor())
		return cfd_control_against(result, err, NULL, "none, on a host that has AppArmor",
					   "process.apparmorProfile");
	return 0;
}

/* "user:role:type:level" -> its first three parts. False when there are fewer, or it is too long. */
static bool split_label(const char *label, char copy[256], const char *ret_parts[3])
{
	char *rest = copy;

	if (strlen(label) >= 256)
		return false;
	memcpy(copy, label, strlen(label) + 1);
	for (size_t i = 0; i < 3; i++)
		ret_parts[i] = strsep(&rest, ":");
	return ret_parts[2] != NULL;
}

/* Engines write system_u and system_r where a pod sets neither. */
static CFD_CONTROL_CHECK(check_selinux)
{
	static const char *const types[] = {"container_t", "container_init_t", "container_kvm_t", "container_engine_t"};
	const char *label = context->spec->process.selinux_label, *parts[3] = {NULL}, *message = NULL;
	char copy[256];
	bool known = false;

	if (!label || !*label)
		return 0;
	if (!split_label(label, copy, parts))
		message = "not a label of user, role and type";
	for (size_t i = 0; i < CFD_COUNT(types); i++)
		known = known || cfd_streq(parts[2], types[i]);
	if (!message && !known)
		message = "a type that pods may not choose";
	if (!message && (!cfd_streq(parts[0], "system_u") || !cfd_streq(parts[1], "system_r")))
		message = "a user or role of its own";
	return message ? cfd_control_against(result, err, label, message, "process.selinuxLabel") : 0;
}

static bool has_path(const struct cfd_spec_strings *paths, const char *path)
{
	for (size_t i = 0; i < paths->count; i++)
		if (cfd_streq(paths->values[i], path))
			return true;
	return false;
}

static int require_paths(struct cfd_control_result *result, struct cfd_error *err, const struct cfd_spec_strings *paths,
			 const char *const *wanted, size_t count, const char *key)
{
	int r = 0;

	for (size_t i = 0; !r && i < count; i++)
		if (!has_path(paths, wanted[i]))
			r = cfd_control_against(result, err, wanted[i], "not masked as by default", "linux.%s", key);
	return r;
}

/* The paths of /proc that containerd, CRI-O, podman and Docker all cover: procMount `Default`. */
static CFD_CONTROL_CHECK(check_proc_restricted)
{
	static const char *const masked[] = {"/proc/acpi",          "/proc/kcore",      "/proc/keys",
					     "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug",
					     "/proc/scsi"};
	static const char *const readonly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
					       "/proc/sysrq-trigger"};
	int r = require_paths(result, err, &context->spec->masked_paths, masked, CFD_COUNT(masked), "maskedPaths");

	if (!r)
		r = require_paths(result, err, &context->spec->readonly_paths, readonly, CFD_COUNT(readonly),
				  "readonlyPaths");
	return r;
}

static CFD_CONTROL_CHECK(check_proc_baseline)
{
	return in_user_namespace(context->spec) ? 0 : check_proc_restricted(context, result, err);
}

/* Left out is what Unconfined makes of it, so it is not taken for 'undefined', which baseline would let pass. */
static CFD_CONTROL_CHECK(check_seccomp)
{
	const struct cfd_json *seccomp = context->spec->seccomp;

	if (!seccomp)
		return cfd_control_against(result, err, NULL, "no filter: unconfined", "linux.seccomp");
	if (cfd_streq(cfd_json_string(cfd_json_get(seccomp, "defaultAction")), "SCMP_ACT_ALLOW") &&
	    !cfd_json_count(cfd_json_get(seccomp, "syscalls")))
		return cfd_control_against(result, err, "SCMP_ACT_ALLOW", "a filter that filters nothing: unconfined",
					   "linux.seccomp.defaultAction");
	return 0;
}

static CFD_CONTROL_CHECK(check_not_root)
{
	if (context->spec->process.uid != 0 || in_user_namespace(context->spec))
		return 0;
	return cfd_control_against(result, err, "0", "root, without a user namespace", "process.user.uid");
}

// clang-format off
static const struct cfd_control baseline[] = {
	CFD_ELSEWHERE("windowsHostProcess", "HostProcess containers", "on Windows only"),
	CFD_DECIDED("hostNamespaces", "Host namespaces",
	  CFD_RULES("namespace.host-network", "namespace.host-pid", "namespace.host-ipc"), check_host_namespaces, NULL),
	CFD_DECIDED("privileged", "Privileged containers",
	  CFD_RULES("device.cgroup-wildcard", "mount.sysfs-writable"), cfd_control_privileged, NULL),
	CFD_OWN("capabilities_baseline", "Added capabilities",
	  check_capabilities_baseline, CFD_RULES("capability.unknown", "capability.forbidden", "capability.not-allowed")),
	CFD_DECIDED("hostPathVolumes", "hostPath volumes",
	  CFD_RULES("mount.host-root", "mount.engine-socket", "mount.engine-state", "mount.cofferdam", "mount.host-kernel",
		"mount.source-device", "mount.host-tree", "mount.source-socket", "mount.source-path",
		"mount.source-missing", "mount.host-system", "mount.host-run", "mount.host-path", "rootfs.host-tree"), NULL, NULL),
	CFD_ELSEWHERE("hostPorts", "Host ports", "the pod's specification has them"),
	CFD_ELSEWHERE("hostProbesAndHostLifecycle", "Hosts in probes and lifecycle hooks",
	  "the pod's specification has them, and the kubelet asks"),
	CFD_OWN("appArmorProfile", "AppArmor profile", check_apparmor, CFD_RULES("process.apparmor")),
	CFD_OWN("seLinuxOptions", "SELinux type, user and role", check_selinux, CFD_RULES("process.selinux")),
	CFD_OWN("procMount", "Masked /proc", check_proc_baseline, NULL),
	CFD_OWN("seccompProfile_baseline", "Seccomp not unconfined",
	  check_seccomp, CFD_RULES("process.seccomp-default")),
	CFD_DECIDED("sysctls", "Safe sysctls",
	  CFD_RULES("sysctl.name", "sysctl.host", "sysctl.not-allowed"), NULL, "not one of the 14 safe ones"),
};

static const struct cfd_control restricted[] = {
	CFD_ELSEWHERE("restrictedVolumes", "Kinds of volumes",
	  "a claimed volume looks like one written in the pod; hostPathVolumes finds paths of the host"),
	CFD_OWN("allowPrivilegeEscalation", "No privilege escalation", cfd_control_no_new_privileges, NULL),
	CFD_OWN("runAsNonRoot", "Must run as non-root", check_not_root, NULL),
	CFD_OWN("runAsUser", "User id not 0", check_not_root, NULL),
	CFD_OWN("seccompProfile_restricted", "Seccomp profile required",
	  check_seccomp, CFD_RULES("process.seccomp-default")),
	CFD_OWN("capabilities_restricted", "All capabilities dropped",
	  check_capabilities_restricted, CFD_RULES("capability.unknown", "capability.forbidden", "capability.not-allowed")),
	CFD_OWN("procMount_restricted", "Masked /proc, also in a user namespace", check_proc_restricted, NULL),
};
// clang-format on

const struct cfd_standard cfd_standard_pss_baseline = {
	"pss-baseline", "Pod Security Standards 1.37, baseline", {{baseline, CFD_COUNT(baseline)}}};

const struct cfd_standard cfd_standard_pss_restricted = {
	"pss-restricted",
	"Pod Security Standards 1.37, restricted",
	{{baseline, CFD_COUNT(baseline)}, {restricted, CFD_COUNT(restricted)}}};
