/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CIS Docker Benchmark 1.6.0, section 5 (container runtime): all 32 controls by their numbers, with names of our own.
 * What its audits read from `docker inspect` is read here from config.json, whichever engine wrote it.
 */
#include "lib/json/json.h"
#include "lib/path.h"
#include "lib/rules/common.h"
#include "lib/rules/sources.h"
#include "lib/spec/spec.h"
#include "lib/standards/controls.h"

#include <stdio.h>
#include <unistd.h>

static bool host_has_selinux(void)
{
	return access("/sys/fs/selinux/enforce", F_OK) == 0;
}

/*
 * A host has one of AppArmor and SELinux, or neither. Of this host it is known; of another one the container's other
 * label tells.
 */
static int check_confinement(const struct cfd_rules_context *context, struct cfd_control_result *result,
			     struct cfd_error *err, bool host_has, const char *other_label, const char *path)
{
	if (context->host_facts && !host_has) {
		result->unneeded = "this host does not have it";
		return 0;
	}
	if (!context->host_facts && other_label && *other_label) {
		result->unneeded = "the container is confined by the other of AppArmor and SELinux";
		return 0;
	}
	return cfd_control_against(result, err, NULL, "none", "%s", path);
}

static CFD_CONTROL_CHECK(check_apparmor)
{
	const struct cfd_spec_process *process = &context->spec->process;

	if (cfd_streq(process->apparmor_profile, "unconfined"))
		return cfd_control_against(result, err, process->apparmor_profile, "asks for no confinement",
					   "process.apparmorProfile");
	if (process->apparmor_profile && *process->apparmor_profile)
		return 0;
	return check_confinement(context, result, err, cfd_rules_host_has_apparmor(), process->selinux_label,
				 "process.apparmorProfile");
}

/* A label that is there is judged by process.selinux. */
static CFD_CONTROL_CHECK(check_selinux)
{
	const struct cfd_spec_process *process = &context->spec->process;

	if (process->selinux_label && *process->selinux_label)
		return 0;
	return check_confinement(context, result, err, host_has_selinux(), process->apparmor_profile,
				 "process.selinuxLabel");
}

/* Beneath a system directory, what can be written; the directories themselves are found by the control's rules. */
static CFD_CONTROL_CHECK(check_system_writable)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->mount_count; i++) {
		const struct cfd_spec_mount *mount = &context->spec->mounts[i];
		const char *message = NULL;

		if (cfd_streq(cfd_sources_rule(context->sources, i, &message), "mount.host-system") &&
		    !cfd_spec_mount_has_option(mount, "ro") && !cfd_spec_mount_has_option(mount, "rro"))
			r = cfd_findings_add(&result->findings, cfd_rule_find("mount.host-system"), mount->source, err,
					     "within a system directory of the host, and writable",
					     "mounts[%zu].source", i);
	}
	return r;
}

/* A positive number; 0 and -1 are what runtimes take for 'no limit'. */
static bool is_limit(const struct cfd_json *value)
{
	int64_t number;

	return !cfd_json_int(value, INT64_MIN, INT64_MAX, &number) && number > 0;
}

/* A file of cgroup v2 that is set to something else than its default. */
static bool is_limited_by_file(const struct cfd_json *resources, const char *file)
{
	const char *text = cfd_json_string(cfd_json_get(cfd_json_get(resources, "unified"), file));

	return text && *text && !cfd_starts_with(text, "max");
}

static CFD_CONTROL_CHECK(check_memory)
{
	const struct cfd_json *resources = context->spec->resources;

	if (is_limit(cfd_json_get(cfd_json_get(resources, "memory"), "limit")) ||
	    is_limited_by_file(resources, "memory.max"))
		return 0;
	return cfd_control_against(result, err, NULL, "no limit", "linux.resources.memory.limit");
}

static CFD_CONTROL_CHECK(check_cpu)
{
	const struct cfd_json *resources = context->spec->resources, *cpu = cfd_json_get(resources, "cpu");

	if (is_limit(cfd_json_get(cpu, "shares")) || is_limit(cfd_json_get(cpu, "quota")) ||
	    is_limited_by_file(resources, "cpu.weight") || is_limited_by_file(resources, "cpu.max"))
		return 0;
	return cfd_control_against(result, err, NULL, "neither shares nor a quota", "linux.resources.cpu");
}

static CFD_CONTROL_CHECK(check_pids)
{
	const struct cfd_json *resources = context->spec->resources;

	if (is_limit(cfd_json_get(cfd_json_get(resources, "pids"), "limit")) ||
	    is_limited_by_file(resources, "pids.max"))
		return 0;
	return cfd_control_against(result, err, NULL, "no limit", "linux.resources.pids.limit");
}

static CFD_CONTROL_CHECK(check_readonly)
{
	if (context->spec->root_readonly)
		return 0;
	return cfd_control_against(result, err, "false", "the root filesystem is writable", "root.readonly");
}

static CFD_CONTROL_CHECK(check_network)
{
	return cfd_control_joined(context, "network", result, err);
}

static CFD_CONTROL_CHECK(check_pid)
{
	return cfd_control_joined(context, "pid", result, err);
}

static CFD_CONTROL_CHECK(check_ipc)
{
	return cfd_control_joined(context, "ipc", result, err);
}

static CFD_CONTROL_CHECK(check_uts)
{
	return cfd_control_joined(context, "uts", result, err);
}

static CFD_CONTROL_CHECK(check_ulimit)
{
	if (context->spec->process.rlimit_count)
		return 0;
	return cfd_control_against(result, err, NULL, "none of its own: those of the daemon apply", "process.rlimits");
}

static CFD_CONTROL_CHECK(check_seccomp)
{
	if (context->spec->seccomp)
		return 0; /* process.seccomp-default judges what is there */
	return cfd_control_against(result, err, NULL, "no filter", "linux.seccomp");
}

/* Absent, or joined where it is the host's by name; by identity namespace.id-range finds it. */
static CFD_CONTROL_CHECK(check_user)
{
	static const char *const hosts[] = {"/proc/1/ns/user", "/proc/self/ns/user", "/proc/thread-self/ns/user"};
	const struct cfd_spec_namespace *user = cfd_spec_namespace(context->spec, "user");

	if (!user)
		return cfd_control_against(result, err, "user",
					   "not asked for: root of the container is root of the host",
					   "linux.namespaces");
	for (size_t i = 0; i < CFD_COUNT(hosts); i++)
		if (cfd_streq(user->path, hosts[i]))
			return cfd_control_against(result, err, user->path, "the host's own", "linux.namespaces");
	return cfd_control_joined(context, "user", result, err);
}

/* A directory that holds the sockets of all engines; a single socket is found by the control's rules. */
static CFD_CONTROL_CHECK(check_socket)
{
	static const char *const holders[] = {"/run", "/var/run"};
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->mount_count; i++) {
		const struct cfd_spec_mount *mount = &context->spec->mounts[i];
		char clean[CFD_PATH_MAX];

		if (!cfd_spec_mount_is_bind(mount) || !mount->source || cfd_path_clean(mount->source, clean))
			continue;
		for (size_t h = 0; !r && h < CFD_COUNT(holders); h++)
			if (cfd_streq(clean, holders[h]))
				r = cfd_control_against(result, err, mount->source, "holds the sockets of all engines",
							"mounts[%zu].source", i);
	}
	return r;
}

// clang-format off
static const struct cfd_control controls[] = {
	CFD_ELSEWHERE("5.1", "Swarm mode off unless needed", "the Docker daemon tells (`docker info`)"),
	CFD_OWN("5.2", "AppArmor profile, where the host has AppArmor", check_apparmor,
	  CFD_RULES("process.apparmor", "exec.apparmor")),
	{ .id = "5.3", .name = "SELinux label, where the host has SELinux", .check = check_selinux,
	  .rules = CFD_RULES("process.selinux"), .kin = CFD_RULES("exec.selinux") },
	CFD_DECIDED("5.4", "Capabilities within the default set",
	  CFD_RULES("capability.unknown", "capability.forbidden", "capability.not-allowed"),
	  NULL, "not in Docker's default set"),
	CFD_DECIDED("5.5", "Not privileged",
	  CFD_RULES("device.cgroup-wildcard", "mount.sysfs-writable"), cfd_control_privileged, NULL),
	{ .id = "5.6", .name = "No system directories of the host", .check = check_system_writable,
	  .rules = CFD_RULES("mount.host-root", "mount.host-tree", "mount.host-kernel"),
	  .kin = CFD_RULES("mount.host-system") },
	CFD_ELSEWHERE("5.7", "No sshd in the container",
	  "what runs inside tells; the guard denies it (exec.allow of a profile)"),
	CFD_ELSEWHERE("5.8", "No privileged ports mapped", "the engine forwards ports (`docker port`)"),
	CFD_ELSEWHERE("5.9", "Only needed ports open",
	  "the engine forwards ports; which are needed is for people to say"),
	CFD_DECIDED("5.10", "Network namespace of its own", CFD_RULES("namespace.host-network"), check_network, NULL),
	CFD_OWN("5.11", "Memory limit", check_memory, NULL),
	CFD_OWN("5.12", "CPU priority", check_cpu, NULL),
	CFD_OWN("5.13", "Read-only root filesystem", check_readonly, NULL),
	CFD_ELSEWHERE("5.14", "Ports bound to one interface", "the engine forwards ports (`docker port`)"),
	CFD_ELSEWHERE("5.15", "Restart at most 5 times on failure", "the engine restarts (`docker inspect`)"),
	CFD_DECIDED("5.16", "Process namespace of its own", CFD_RULES("namespace.host-pid"), check_pid, NULL),
	CFD_DECIDED("5.17", "IPC namespace of its own", CFD_RULES("namespace.host-ipc"), check_ipc, NULL),
	{ .id = "5.18", .name = "No devices of the host", .says = "a device of the host",
	  .rules = CFD_RULES("device.block", "device.forbidden", "device.not-allowed", "device.cgroup-wildcard",
			     "device.cgroup-block", "device.cgroup-device", "mount.source-device"),
	  .kin = CFD_RULES("update.device") },
	CFD_OWN("5.19", "Limits of its own (ulimit)", check_ulimit, NULL),
	CFD_DECIDED("5.20", "No shared mount propagation",
	  CFD_RULES("mount.option-shared", "rootfs.propagation"), NULL, NULL),
	CFD_DECIDED("5.21", "UTS namespace of its own", CFD_RULES("namespace.host-uts"), check_uts, NULL),
	CFD_DECIDED("5.22", "Seccomp not disabled", CFD_RULES("process.seccomp-default"), check_seccomp, NULL),
	{ .id = "5.23", .name = "No privileged exec", .elsewhere = "each exec says for itself what it asks for",
	  .kin = CFD_RULES("exec.capability", "exec.apparmor", "exec.selinux") },
	CFD_ELSEWHERE("5.24", "No exec as root", "each exec says for itself what it asks for"),
	{ .id = "5.25", .name = "Cgroup of its own",
	  .rules = CFD_RULES("namespace.cgroup-path", "namespace.cgroup-in-use"), .kin = CFD_RULES("exec.cgroup") },
	CFD_OWN("5.26", "No new privileges", cfd_control_no_new_privileges, CFD_RULES("exec.no-new-privileges")),
	CFD_ELSEWHERE("5.27", "Health checked", "the engine asks (`docker inspect`)"),
	CFD_ELSEWHERE("5.28", "Latest version of the image", "the registry tells, when the image is pulled"),
	CFD_OWN("5.29", "Limit of processes", check_pids, NULL),
	CFD_ELSEWHERE("5.30", "Not on the bridge docker0", "the engine makes the network (`docker network inspect`)"),
	CFD_DECIDED("5.31", "User namespace of its own", CFD_RULES("namespace.id-range"), check_user, NULL),
	CFD_DECIDED("5.32", "No engine's socket",
	  CFD_RULES("mount.engine-socket", "mount.host-root"), check_socket, NULL),
};
// clang-format on

const struct cfd_standard cfd_standard_cis_docker = {
	"cis-docker", "CIS Docker Benchmark 1.6.0, section 5", {{controls, CFD_COUNT(controls)}}};
