/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts: the table of their rules, and the checks of sources and filesystem types. */
#include "lib/rules/mounts.h"

#include "lib/path.h"
#include "lib/rules/common.h"
#include "lib/rules/sources.h"

#include <stdio.h>
#include <string.h>

// clang-format off
static const struct filesystem {
	const char *type;
	const char *place; /* the only destination it has; NULL: any */
	const char *place2;
} filesystems[] = {
	{ "proc",    "/proc",          NULL },
	{ "sysfs",   "/sys",           NULL },
	{ "tmpfs",   NULL,             NULL },
	{ "devpts",  "/dev/pts",       NULL },
	{ "mqueue",  "/dev/mqueue",    NULL },
	{ "cgroup",  "/sys/fs/cgroup", NULL },
	{ "cgroup2", "/sys/fs/cgroup", "/sys/fs/cgroup/unified" },
};
// clang-format on

static const struct filesystem *find_filesystem(const char *type)
{
	for (size_t i = 0; i < CFD_COUNT(filesystems); i++)
		if (cfd_streq(filesystems[i].type, type))
			return &filesystems[i];
	return NULL;
}

bool cfd_mount_type_known(const struct cfd_spec_mount *mount)
{
	return cfd_spec_mount_is_bind(mount) || find_filesystem(mount->type);
}

bool cfd_mount_destination(const struct cfd_spec_mount *mount, char ret_clean[CFD_PATH_MAX])
{
	return cfd_path_clean(mount->destination, ret_clean) == 0;
}

/* Every rule about a source: cfd_sources has judged already, each rule reports what fell under it. */
CFD_RULE_CHECK(check_source)
{
	for (size_t i = 0; i < context->spec->mount_count; i++) {
		const char *message = NULL;
		int r = 0;

		if (cfd_streq(cfd_sources_rule(context->sources, i, &message), rule->id))
			r = cfd_findings_add(findings, rule, context->spec->mounts[i].source, err, message,
					     "mounts[%zu].source", i);
		if (r)
			return r;
	}
	return 0;
}

/* A type that says what a bind is, or nothing. */
static bool is_bind_type(const char *type)
{
	return !type || !*type || cfd_streq(type, "bind") || cfd_streq(type, "rbind") || cfd_streq(type, "none");
}

CFD_RULE_CHECK(check_bind_disguised)
{
	for (size_t i = 0; i < context->spec->mount_count; i++) {
		const struct cfd_spec_mount *mount = &context->spec->mounts[i];
		int r = 0;

		if (cfd_spec_mount_is_bind(mount) && !is_bind_type(mount->type))
			r = cfd_findings_add(findings, rule, mount->type, err,
					     "its options make it a bind of a host path, whatever its type says",
					     "mounts[%zu].type", i);
		if (r)
			return r;
	}
	return 0;
}

CFD_RULE_CHECK(check_filesystem_type)
{
	for (size_t i = 0; i < context->spec->mount_count; i++) {
		const struct cfd_spec_mount *mount = &context->spec->mounts[i];
		const char *message =
			is_bind_type(mount->type)
				? "neither a filesystem type nor the option bind or rbind: runtimes disagree on it"
				: "a filesystem that containers have no need for";
		int r = 0;

		if (!cfd_mount_type_known(mount))
			r = cfd_findings_add(findings, rule, mount->type, err, message, "mounts[%zu].type", i);
		if (r)
			return r;
	}
	return 0;
}

CFD_RULE_CHECK(check_filesystem_place)
{
	for (size_t i = 0; i < context->spec->mount_count; i++) {
		const struct cfd_spec_mount *mount = &context->spec->mounts[i];
		const struct filesystem *filesystem = find_filesystem(mount->type);
		char clean[CFD_PATH_MAX], message[128];
		int r;

		if (cfd_spec_mount_is_bind(mount) || !filesystem || !filesystem->place ||
		    !cfd_mount_destination(mount, clean) || cfd_streq(clean, filesystem->place) ||
		    cfd_streq(clean, filesystem->place2))
			continue;
		snprintf(message, sizeof(message), "%s has one place, %s: elsewhere nothing is masked", mount->type,
			 filesystem->place);
		r = cfd_findings_add(findings, rule, mount->destination, err, message, "mounts[%zu].destination", i);
		if (r)
			return r;
	}
	return 0;
}

static int check_writable(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			  struct cfd_findings *findings, struct cfd_error *err, const char *type, const char *type2)
{
	for (size_t i = 0; i < context->spec->mount_count; i++) {
		const struct cfd_spec_mount *mount = &context->spec->mounts[i];
		int r = 0;

		if (!cfd_spec_mount_is_bind(mount) && (cfd_streq(mount->type, type) || cfd_streq(mount->type, type2)) &&
		    !cfd_spec_mount_has_option(mount, "ro"))
			r = cfd_findings_add(findings, rule, mount->destination, err, "mounted writable",
					     "mounts[%zu].options", i);
		if (r)
			return r;
	}
	return 0;
}

CFD_RULE_CHECK(check_sysfs_writable)
{
	return check_writable(rule, context, findings, err, "sysfs", NULL);
}

CFD_RULE_CHECK(check_cgroup_writable)
{
	return check_writable(rule, context, findings, err, "cgroup", "cgroup2");
}

CFD_RULE_CHECK(check_id_mappings)
{
	for (size_t i = 0; i < context->spec->mount_count; i++) {
		const struct cfd_spec_mount *mount = &context->spec->mounts[i];
		int r = 0;

		if (mount->has_id_mappings || cfd_spec_mount_has_option(mount, "idmap") ||
		    cfd_spec_mount_has_option(mount, "ridmap"))
			r = cfd_findings_add(findings, rule, mount->destination, err,
					     "brings id mappings of its own, which cofferdam makes itself",
					     "mounts[%zu].uidMappings", i);
		if (r)
			return r;
	}
	return 0;
}

#define ALLOW_MOUNT(source, destination)                                                                               \
	"\"mounts\": {\"allow\": [{\"source\": \"" source "\", \"destination\": \"" destination                        \
	"\", \"options\": [\"ro\"]}]}"

// clang-format off
static const struct cfd_rule rules[] = {
	{ "mount.host-root", CFD_RULE_NEVER,
	  "a bind of the host's root directory",
	  "every file of the host, among them the runtime that the next container is started with",
	  CFD_REF_PSS "HostPath Volumes; " CFD_REF_CIS "5.6", NULL, check_source },
	{ "mount.engine-socket", CFD_RULE_NEVER,
	  "a bind of a container engine's socket or runtime state",
	  "the engine starts a privileged container for whoever can write to its socket",
	  CFD_REF_CIS "5.32; CVE-2025-9074", NULL, check_source },
	{ "mount.engine-state", CFD_RULE_NEVER,
	  "a bind of a container engine's, kubelet's or cluster's data",
	  "the files, secrets and tokens of all other containers and of the cluster",
	  CFD_REF_PSS "HostPath Volumes; NSA/CISA Kubernetes Hardening: protect etcd", NULL, check_source },
	{ "mount.cofferdam", CFD_RULE_NEVER,
	  "a bind of cofferdam's configuration, state or audit log",
	  "a container that can change its own judgement is not judged",
	  "SECURITY.md", NULL, check_source },
	{ "mount.host-kernel", CFD_RULE_NEVER,
	  "a bind of, or out of, the host's /proc, /sys or /dev",
	  "kernel settings, other processes' files and memory, devices; the host's cgroups through /proc/self/fd",
	  CFD_REF_CIS "5.6; CVE-2024-21626", NULL, check_source },
	{ "mount.source-device", CFD_RULE_NEVER,
	  "a bind of a block or character device",
	  "a device node is the device, whatever the device rules say about linux.devices",
	  CFD_REF_CIS "5.18", NULL, check_source },
	{ "mount.host-tree", CFD_RULE_NEVER,
	  "a bind of a whole system directory, or of a directory that contains one",
	  "accounts, programs, keys and schedules of the host",
	  CFD_REF_PSS "HostPath Volumes; " CFD_REF_CIS "5.6", NULL, check_source },
	{ "mount.source-socket", CFD_RULE_NEVER,
	  "a bind of a socket of the host",
	  "a service of the host takes orders or credentials from the container (systemd, D-Bus, rpcbind, agents)",
	  CFD_REF_PSS "HostPath Volumes", NULL, check_source },
	{ "mount.source-path", CFD_RULE_NEVER,
	  "a bind source that is relative, has \"..\", or cannot be resolved",
	  "runtimes resolve such paths against different directories, so what is checked is not what is mounted",
	  CFD_REF_SPEC "config.md, Mounts", NULL, check_source },
	{ "mount.source-missing", CFD_RULE_NEVER,
	  "a bind source that does not exist",
	  "whoever makes it between the check and the mount decides what is mounted",
	  CFD_REF_SPEC "config.md, Mounts", NULL, check_source },
	{ "mount.source-swappable", CFD_RULE_NEVER,
	  "an allowed bind source that is reached by a link, or is a file with other names, of somebody other than root",
	  "what the profile allows by name would be what that person chooses: /etc/shadow, another's files",
	  "CVE-2017-1002101, CVE-2021-25741, CVE-2021-30465", NULL, check_source },
	{ "mount.host-system", CFD_RULE_ALLOWED,
	  "a bind of a file or directory within the host's system directories",
	  "programs and configuration of the host, to read secrets from or to be executed as root",
	  CFD_REF_PSS "HostPath Volumes; " CFD_REF_CIS "5.6", ALLOW_MOUNT("/etc/localtime", "/etc/localtime"), check_source },
	{ "mount.host-run", CFD_RULE_ALLOWED,
	  "a bind of a file or directory within the host's /run",
	  "sockets and state of the host's services appear there at any time",
	  CFD_REF_PSS "HostPath Volumes", ALLOW_MOUNT("/run/app", "/run/app"), check_source },
	{ "mount.host-path", CFD_RULE_ALLOWED,
	  "a bind of any other path of the host that the profile does not list",
	  "files that outlive the container and that the host or other containers trust",
	  CFD_REF_PSS "HostPath Volumes", ALLOW_MOUNT("/srv/www", "/usr/share/nginx/html"), check_source },
	{ "mount.bind-disguised", CFD_RULE_NEVER,
	  "a bind that calls itself another filesystem",
	  "a scanner that believes the type sees a tmpfs; the runtime binds a host directory",
	  CFD_REF_SPEC "config.md, Mounts (bind is an option)", NULL, check_bind_disguised },
	{ "mount.filesystem-type", CFD_RULE_NEVER,
	  "any filesystem but proc, sysfs, tmpfs, devpts, mqueue, cgroup",
	  "the host's disks (ext4 of /dev/vda), overlays of host directories, debugfs, bpf: no device, no capability needed",
	  CFD_REF_SPEC "config-linux.md, Default Filesystems", NULL, check_filesystem_type },
	{ "mount.filesystem-place", CFD_RULE_NEVER,
	  "proc, sysfs, devpts, mqueue or cgroup at another place than their own",
	  "a second proc or sysfs has none of the masked and read-only paths of the first",
	  CFD_REF_SPEC "config-linux.md, Masked Paths; CVE-2023-27561", NULL, check_filesystem_place },
	{ "mount.sysfs-writable", CFD_RULE_NEVER,
	  "a writable sysfs",
	  "uevent_helper and driver settings of the host's kernel",
	  CFD_REF_PSS "Privileged Containers; " CFD_REF_CIS "5.5", NULL, check_sysfs_writable },
	{ "mount.cgroup-writable", CFD_RULE_NEVER,
	  "a writable cgroup filesystem",
	  "release_agent (v1) runs a program as root; a child cgroup (v2) lifts limits",
	  "CVE-2022-0492, CVE-2023-25809", NULL, check_cgroup_writable },
	{ "mount.id-mappings", CFD_RULE_NEVER,
	  "id mappings given in a mount",
	  "container root gets the rights of the source's owner, host root included",
	  CFD_REF_SPEC "config.md, POSIX-platform mounts (uidMappings)", NULL, check_id_mappings },
	{ "mount.option-unknown", CFD_RULE_NEVER,
	  "a mount option that is not on the list for its filesystem",
	  "runtimes pass it to the kernel or drop it in silence: \"ro,nosuid\" as one string mounted writable",
	  CFD_REF_SPEC "config.md, Linux mount options", NULL, cfd_check_option_unknown },
	{ "mount.option-contradiction", CFD_RULE_NEVER,
	  "mount options that contradict each other",
	  "of [\"ro\", \"rw\"] runc takes the last and crun the first",
	  CFD_REF_SPEC "config.md, Linux mount options", NULL, cfd_check_option_contradiction },
	{ "mount.option-remount", CFD_RULE_NEVER,
	  "a mount that changes an existing one (remount, move)",
	  "the read-only flag of what the engine or cofferdam mounted is taken off again",
	  "mount(2)", NULL, cfd_check_option_remount },
	{ "mount.option-shared", CFD_RULE_NEVER,
	  "shared mount propagation",
	  "what the container mounts appears on the host",
	  CFD_REF_CIS "5.20; mount_namespaces(7)", NULL, cfd_check_option_shared },
	{ "mount.option-suid", CFD_RULE_NEVER,
	  "the mount options suid and dev",
	  "set-uid programs and device nodes of the volume work in the container",
	  "mount(8)", NULL, cfd_check_option_suid },
	{ "mount.destination-path", CFD_RULE_NEVER,
	  "a destination that is not absolute or not clean",
	  "runtimes clean it in their own ways; \"..\" leaves what was checked",
	  CFD_REF_SPEC "config.md, Mounts; CVE-2021-30465", NULL, cfd_check_destination_path },
	{ "mount.destination-root", CFD_RULE_NEVER,
	  "a mount over the container's root",
	  "the image that was identified is not the one that runs",
	  CFD_REF_SPEC "config.md, Mounts", NULL, cfd_check_destination_root },
	{ "mount.destination-proc", CFD_RULE_NEVER,
	  "a mount over /proc or into it",
	  "labels and seccomp settings are written into files that the container controls",
	  "CVE-2019-16884, CVE-2019-19921, CVE-2023-28642, CVE-2025-52881", NULL, cfd_check_destination_proc },
	{ "mount.destination-sys", CFD_RULE_NEVER,
	  "a mount over /sys or into it, but for the cgroup filesystem",
	  "paths that are masked or read-only get another meaning",
	  CFD_REF_SPEC "config-linux.md, Masked Paths", NULL, cfd_check_destination_sys },
	{ "mount.destination-dev", CFD_RULE_NEVER,
	  "a mount over /dev (but its tmpfs), or over a node that the runtime makes there",
	  "the runtime masks paths with what lies at /dev/null and opens the console there",
	  "CVE-2025-31133, CVE-2025-52565", NULL, cfd_check_destination_dev },
	{ "mount.destination-preload", CFD_RULE_NEVER,
	  "a mount over /etc/ld.so.preload",
	  "its libraries are loaded into every program of the container, also into what hooks start there",
	  "ld.so(8); CVE-2025-23266", NULL, cfd_check_destination_preload },
	{ "mount.destination-duplicate", CFD_RULE_NEVER,
	  "two mounts at one destination",
	  "which one is seen depends on the runtime's order",
	  CFD_REF_SPEC "config.md, Mounts (order)", NULL, cfd_check_destination_duplicate },
	{ "mount.destination-shadows", CFD_RULE_NEVER,
	  "a mount that hides an earlier one beneath it",
	  "what was checked there is not what the container sees",
	  CFD_REF_SPEC "config.md, Mounts (order)", NULL, cfd_check_destination_shadows },
};
// clang-format on

const struct cfd_rule_group cfd_rules_mounts = {"mounts", rules, CFD_COUNT(rules)};
