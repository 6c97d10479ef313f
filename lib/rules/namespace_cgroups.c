/* SPDX-License-Identifier: Apache-2.0 */
/* The container's place in the cgroup tree: a leaf of its own, and no view of the others. */
#include "lib/rules/namespaces.h"

#include "lib/fd.h"
#include "lib/path.h"
#include "lib/rules/common.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

/* Where this host's only hierarchy is mounted, or NULL when it has those of cgroup v1. */
static const char *unified_root(const struct cfd_rules_context *context)
{
	struct statfs fs;

	if (context->cgroup_root)
		return context->cgroup_root;
	return statfs(CGROUP_ROOT, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC ? CGROUP_ROOT : NULL;
}

/*
 * ctr gives neither the namespace nor the filesystem: then there is nothing to see. On hosts with cgroup v1 engines
 * give no namespace by default, and runtimes bind only the container's own part.
 */
int cfd_check_host_cgroup(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			  struct cfd_findings *findings, struct cfd_error *err)
{
	bool mounted = false;

	for (size_t i = 0; i < context->spec->mount_count; i++) {
		const struct cfd_spec_mount *mount = &context->spec->mounts[i];

		mounted = mounted || (!cfd_spec_mount_is_bind(mount) &&
				      (cfd_streq(mount->type, "cgroup") || cfd_streq(mount->type, "cgroup2")));
	}
	if (!mounted || cfd_spec_namespace(context->spec, "cgroup") || (context->host_facts && !unified_root(context)))
		return 0;
	return cfd_findings_add(findings, rule, "cgroup", err, "mounts a cgroup filesystem, which would be the host's",
				"linux.namespaces");
}

/* "slice:prefix:name", as runtimes with --systemd-cgroup read it. */
static bool is_systemd_form(const char *path)
{
	const char *colon = strchr(path, ':');

	return path[0] != '/' && colon && strchr(colon + 1, ':');
}

static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static const char *refuse_cgroup_path(const char *path)
{
	char absolute[CFD_PATH_MAX];

	if (!is_plain(path))
		return "has control characters";
	if (is_systemd_form(path))
		return strchr(path, '/') || cfd_path_has_dotdot(path) ? "a unit name with a slash" : NULL;
	if (snprintf(absolute, sizeof(absolute), "%s%s", path[0] == '/' ? "" : "/", path) >= (int)sizeof(absolute))
		return "too long";
	if (cfd_streq(absolute, "/"))
		return "the root of the tree, with every process of the host";
	return cfd_path_is_clean(absolute) ? NULL : "has empty, \".\" or \"..\" components";
}

/* An absent or empty path is the runtime's choice: a fresh group named for the container. */
int cfd_check_cgroup_path(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			  struct cfd_findings *findings, struct cfd_error *err)
{
	const char *path = context->spec->cgroups_path;
	const char *message = path && *path ? refuse_cgroup_path(path) : NULL;

	return message ? cfd_findings_add(findings, rule, path, err, message, "linux.cgroupsPath") : 0;
}

/* cgroup.events counts processes of the group and of everything below it. */
int cfd_check_cgroup_in_use(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			    struct cfd_findings *findings, struct cfd_error *err)
{
	const char *path = context->spec->cgroups_path;
	CFD_AUTO_BUF struct cfd_buf events = {0};
	const char *root = unified_root(context);
	char file[2 * CFD_PATH_MAX];
	struct cfd_error why = {0};
	int r;

	/* Once it is created its own processes are there, and who else is one cannot tell: the guard's attachment
	 * refuses. */
	if (!context->host_facts || context->created || !path || path[0] != '/' || refuse_cgroup_path(path) || !root)
		return 0;
	snprintf(file, sizeof(file), "%s%s/cgroup.events", root, path);
	r = cfd_fd_read_kernel(AT_FDCWD, file, 65536, &events, &why);
	if (r == -ENOENT)
		return 0;
	if (r) {
		*err = why;
		return r;
	}
	if (!events.data || !strstr(events.data, "populated 1"))
		return 0;
	return cfd_findings_add(findings, rule, path, err, "other processes are in it already", "linux.cgroupsPath");
}
