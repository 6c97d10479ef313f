/* SPDX-License-Identifier: Apache-2.0 */
/* The root filesystem: where it lies, and what the image has where the runtime will mount and write. */
#include "lib/fd.h"
#include "lib/held.h"
#include "lib/path.h"
#include "lib/rules/common.h"
#include "lib/rules/destinations.h"
#include "lib/rules/hostfiles.h"
#include "lib/rules/inroot.h"
#include "lib/rules/mounts.h"
#include "lib/rules/protected.h"
#include "lib/rules/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

CFD_RULE_CHECK(check_path)
{
	const char *path = context->spec->root_path, *message = NULL;

	if (!path || !*path)
		message = "absent";
	else if (cfd_path_has_dotdot(path))
		message = "has \"..\", and could lead anywhere";
	return message ? cfd_findings_add(findings, rule, path, err, message, "root.path") : 0;
}

CFD_RULE_CHECK(check_symlink)
{
	const char *path = context->spec->root_path;
	char without_slash[CFD_PATH_MAX];
	size_t length;
	struct stat st;

	if (!context->host_facts || context->bundle_fd < 0 || !path ||
	    snprintf(without_slash, sizeof(without_slash), "%s", path) >= (int)sizeof(without_slash))
		return 0;
	/* With a slash behind it the link would be followed. */
	for (length = strlen(without_slash); length > 1 && without_slash[length - 1] == '/'; length--)
		without_slash[length - 1] = '\0';
	if (fstatat(context->bundle_fd, without_slash, &st, AT_SYMLINK_NOFOLLOW) || !S_ISLNK(st.st_mode))
		return 0;
	return cfd_findings_add(findings, rule, path, err, "a symbolic link", "root.path");
}

/* Trees of the host in which no engine and no bundle keeps a root filesystem. */
static bool is_system_tree(const struct cfd_protected *row)
{
	static const char *const trees[] = {"/proc", "/sys",  "/dev", "/boot",  "/efi",   "/etc",   "/usr",
					    "/bin",  "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};

	for (size_t i = 0; i < CFD_COUNT(trees); i++)
		if (cfd_streq(row->path, trees[i]))
			return true;
	return false;
}

/* By what is known of the host, or by the text when nothing may be looked at. */
static int find_tree(const struct cfd_rules_context *context, const struct cfd_protected **ret_row, bool *ret_itself,
		     const struct cfd_protected **ret_beneath, struct cfd_error *err)
{
	const struct cfd_hostfiles *hostfiles;
	struct cfd_resolved resolved;
	char clean[CFD_PATH_MAX];
	int r;

	if (!context->host_facts || context->rootfs_fd < 0) {
		if (!context->spec->root_path || cfd_path_clean(context->spec->root_path, clean))
			return 0;
		*ret_row = cfd_protected_find(clean);
		*ret_itself = *ret_row && cfd_streq((*ret_row)->path, clean);
		*ret_beneath = cfd_protected_ancestor(clean);
		return 0;
	}
	r = cfd_resolve_open(cfd_sources_resolver(context->sources), context->rootfs_fd, "the root filesystem",
			     &resolved, err);
	if (!r)
		r = cfd_sources_hostfiles(context->sources, &hostfiles, err);
	if (r)
		return r;
	*ret_row = cfd_hostfiles_find(hostfiles, &resolved, ret_itself);
	*ret_beneath = cfd_hostfiles_ancestor(hostfiles, &resolved);
	return 0;
}

CFD_RULE_CHECK(check_host_tree)
{
	const struct cfd_protected *row = NULL, *beneath = NULL;
	bool itself = false;
	int r = find_tree(context, &row, &itself, &beneath, err);

	if (r)
		return r;
	if (row && (itself || is_system_tree(row)))
		return cfd_findings_add(findings, rule, context->spec->root_path, err, row->what, "root.path");
	if (beneath)
		return cfd_findings_add(findings, rule, context->spec->root_path, err,
					"a directory of the host that contains its system directories", "root.path");
	return 0;
}

static bool has_mount(const struct cfd_spec *spec, const char *destination, const char *type)
{
	char clean[CFD_PATH_MAX];

	for (size_t i = 0; i < spec->mount_count; i++)
		if (!cfd_spec_mount_is_bind(&spec->mounts[i]) && cfd_streq(spec->mounts[i].type, type) &&
		    cfd_mount_destination(&spec->mounts[i], clean) && cfd_streq(clean, destination))
			return true;
	return false;
}

CFD_RULE_CHECK(check_dev)
{
	if (has_mount(context->spec, "/dev", "tmpfs"))
		return 0;
	return cfd_findings_add(findings, rule, "/dev", err,
				"no tmpfs at /dev: the runtime would write into the image's", "mounts");
}

CFD_RULE_CHECK(check_proc)
{
	if (has_mount(context->spec, "/proc", "proc"))
		return 0;
	return cfd_findings_add(findings, rule, "/proc", err,
				"no proc at /proc: the image's files would stand for the kernel's", "mounts");
}

CFD_RULE_CHECK(check_propagation)
{
	const char *propagation = context->spec->rootfs_propagation;

	if (!cfd_streq(propagation, "shared") && !cfd_streq(propagation, "rshared"))
		return 0;
	return cfd_findings_add(findings, rule, propagation, err, "mounts of the container would appear on the host",
				"linux.rootfsPropagation");
}

/* Follows a path of the image; `beneath` is where it must end, NULL: it must be no link at all. */
static int check_special(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			 struct cfd_findings *findings, struct cfd_error *err, const char *path, const char *beneath)
{
	struct cfd_inroot end;
	char message[96];
	int r = cfd_inroot_follow(context->rootfs_fd, path, NULL, &end, err);

	if (r || !end.followed)
		return r;
	if (beneath && !end.escapes && cfd_path_beneath(end.path, beneath))
		return 0;
	snprintf(message, sizeof(message), "a symbolic link in the image, to %.60s",
		 end.escapes ? "outside" : end.path);
	return cfd_findings_add(findings, rule, path, err, message, "root.path");
}

CFD_RULE_CHECK(check_special_files)
{
	static const char *const directories[] = {"/dev", "/proc", "/sys"};
	/* Images have /dev/ptmx -> pts/ptmx, which stays where it should. */
	static const char *const in_dev[] = {"/dev/null", "/dev/console", "/dev/pts", "/dev/ptmx"};
	bool dev_is_link;
	size_t before = findings->total;
	int r = 0;

	if (context->rootfs_fd < 0)
		return 0;
	r = check_special(rule, context, findings, err, directories[0], NULL);
	dev_is_link = findings->total != before;
	for (size_t i = 1; !r && i < CFD_COUNT(directories); i++)
		r = check_special(rule, context, findings, err, directories[i], NULL);
	for (size_t i = 0; !r && !dev_is_link && i < CFD_COUNT(in_dev); i++)
		r = check_special(rule, context, findings, err, in_dev[i], "/dev");
	return r;
}

static const char *refuse_end(const struct cfd_inroot *end)
{
	static const char *const kernel[] = {"/proc", "/sys", "/dev"};

	if (end->escapes)
		return "links of the image lead out of it";
	if (cfd_streq(end->path, "/"))
		return "links of the image lead to its root directory";
	for (size_t i = 0; i < CFD_COUNT(kernel); i++)
		if (cfd_path_beneath(end->path, kernel[i]))
			return "links of the image lead into /proc, /sys or /dev";
	return NULL;
}

/* Follows the image's links to where the mount goes, which is where the later ones find it. */
static int find_place(const struct cfd_rules_context *context, size_t index, const char *destination,
		      struct cfd_inroot *ret_end, struct cfd_error *err)
{
	int r = cfd_inroot_follow(context->rootfs_fd, destination, context->held, ret_end, err);

	return r ? r : cfd_held_place(context->held, index, ret_end->path, err);
}

/*
 * A mount inside of an earlier bind: the way there is that source's, and whoever writes in it could have it lead
 * elsewhere. The nearest earlier mount counts.
 */
static int is_led_by_source(const struct cfd_rules_context *context, size_t index, bool *ret_led, struct cfd_error *err)
{
	size_t cover = cfd_held_cover(context->held, index);
	CFD_AUTO_FD int fd = -1;
	const char *rest;
	int r;

	if (cover == index || context->held->sources[cover] < 0)
		return 0;
	rest = cfd_path_beneath(context->held->places[index], context->held->places[cover]);
	r = cfd_fd_open_beneath(context->held->sources[cover], rest, O_PATH, &fd, err);
	*ret_led = r == -ELOOP || r == -EXDEV;
	return *ret_led || r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

CFD_RULE_CHECK(check_destinations)
{
	int r = 0;

	for (size_t i = 0; !r && context->rootfs_fd >= 0 && i < context->spec->mount_count; i++) {
		const struct cfd_destination *destination = cfd_destinations_at(context->destinations, i);
		const char *clean = destination->path, *message = NULL;
		struct cfd_inroot end;
		bool led = false;

		if (!clean)
			continue;
		r = find_place(context, i, clean, &end, err);
		/*
		 * What an earlier mount covers is told of that one. /dev, /proc and /sys themselves are
		 * rootfs.special-link's.
		 */
		if (!r && end.followed && destination->covering >= i && !cfd_path_beneath("/proc", clean) &&
		    !cfd_path_beneath("/sys", clean) && !cfd_path_beneath("/dev", clean))
			message = refuse_end(&end);
		if (!r && !message)
			r = is_led_by_source(context, i, &led, err);
		if (led)
			message = "inside of another mount's source, in which a link is in its way";
		if (!r && message)
			r = cfd_findings_add(findings, rule, context->spec->mounts[i].destination, err, message,
					     "mounts[%zu].destination", i);
	}
	return r;
}

// clang-format off
static const struct cfd_rule rules[] = {
	{ "rootfs.path", CFD_RULE_NEVER, "a root filesystem path that is absent or has \"..\"",
	  "\"../..\" of a bundle is a directory of the host, and both runtimes take it",
	  CFD_REF_SPEC "config.md, Root", NULL, check_path },
	{ "rootfs.symlink", CFD_RULE_NEVER, "a root filesystem that is a symbolic link",
	  "crun follows it, also when it is changed after the check",
	  CFD_REF_SPEC "config.md, Root", NULL, check_symlink },
	{ "rootfs.host-tree", CFD_RULE_NEVER, "a root filesystem that is, contains or lies in a system directory of the host",
	  "the container runs in the host's own files",
	  CFD_REF_PSS "HostPath Volumes", NULL, check_host_tree },
	{ "rootfs.no-dev", CFD_RULE_NEVER, "a container without a tmpfs at /dev",
	  "the runtime makes devices and links in the image's /dev, through whatever links lie there",
	  "CVE-2026-41579; " CFD_REF_SPEC "config-linux.md, Default Devices", NULL, check_dev },
	{ "rootfs.no-proc", CFD_RULE_NEVER, "a container without proc at /proc",
	  "labels are written to files of the image, and masking masks nothing",
	  "CVE-2019-16884; " CFD_REF_SPEC "config-linux.md, Default Filesystems", NULL, check_proc },
	{ "rootfs.special-link", CFD_RULE_NEVER,
	  "an image whose /dev, /proc, /sys or what the runtime opens in /dev is a link",
	  "a /dev/null that is a link to /proc/sys/kernel/core_pattern makes masking write there",
	  "CVE-2019-19921, CVE-2023-27561, CVE-2025-31133, CVE-2026-41579", NULL, check_special_files },
	{ "rootfs.destination-link", CFD_RULE_NEVER,
	  "a mount whose destination leads, by links of the image, to a kernel filesystem, or by those of a volume anywhere",
	  "a volume lands on /proc, where security labels are written",
	  "CVE-2019-19921, CVE-2021-30465, CVE-2023-28642", NULL, check_destinations },
	{ "rootfs.propagation", CFD_RULE_NEVER, "shared propagation of the root filesystem",
	  "what the container mounts appears on the host",
	  CFD_REF_CIS "5.20; " CFD_REF_SPEC "config-linux.md, Rootfs Mount Propagation", NULL, check_propagation },
};
// clang-format on

const struct cfd_rule_group cfd_rules_rootfs = {"rootfs", rules, CFD_COUNT(rules)};
