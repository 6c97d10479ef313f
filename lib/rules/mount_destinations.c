/* SPDX-License-Identifier: Apache-2.0 */
/* Where mounts go, as text; what the image has at those places is for lib/rules/rootfs.c. */
#include "lib/rules/common.h"
#include "lib/rules/destinations.h"
#include "lib/rules/mounts.h"

#include <stdio.h>

/* Whether the mount is not a bind and of one of up to three types. */
static bool is_type(const struct cfd_spec_mount *mount, const char *one, const char *two, const char *three)
{
	return !cfd_spec_mount_is_bind(mount) &&
	       (cfd_streq(mount->type, one) || cfd_streq(mount->type, two) || cfd_streq(mount->type, three));
}

/* Calls `refuse` for each destination that is one; what it returns is the message, NULL for nothing against it. */
static int each_destination(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			    struct cfd_findings *findings, struct cfd_error *err,
			    const char *(*refuse)(const struct cfd_spec_mount *mount, const char *destination))
{
	for (size_t i = 0; i < context->spec->mount_count; i++) {
		const struct cfd_spec_mount *mount = &context->spec->mounts[i];
		const char *path = cfd_destinations_at(context->destinations, i)->path;
		const char *message = path ? refuse(mount, path) : NULL;
		int r = 0;

		if (message)
			r = cfd_findings_add(findings, rule, mount->destination, err, message,
					     "mounts[%zu].destination", i);
		if (r)
			return r;
	}
	return 0;
}

int cfd_check_destination_path(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			       struct cfd_findings *findings, struct cfd_error *err)
{
	for (size_t i = 0; i < context->spec->mount_count; i++) {
		const char *destination = context->spec->mounts[i].destination;
		const char *message = !destination || destination[0] != '/' ? "not an absolute path"
				      : !cfd_path_is_clean(destination)
					      ? "has empty, \".\" or \"..\" components, or is too long"
					      : NULL;
		int r = 0;

		if (message)
			r = cfd_findings_add(findings, rule, destination, err, message, "mounts[%zu].destination", i);
		if (r)
			return r;
	}
	return 0;
}

static const char *refuse_root(const struct cfd_spec_mount *mount, const char *destination)
{
	(void)mount;
	return cfd_streq(destination, "/") ? "hides the image" : NULL;
}

int cfd_check_destination_root(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			       struct cfd_findings *findings, struct cfd_error *err)
{
	return each_destination(rule, context, findings, err, refuse_root);
}

static const char *refuse_proc(const struct cfd_spec_mount *mount, const char *destination)
{
	const char *rest = cfd_path_beneath(destination, "/proc");

	if (!rest || (!*rest && is_type(mount, "proc", NULL, NULL)))
		return NULL;
	/* proc below /proc is reported by mount.filesystem-place. */
	return is_type(mount, "proc", NULL, NULL) ? NULL : "hides a part of the container's /proc";
}

int cfd_check_destination_proc(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			       struct cfd_findings *findings, struct cfd_error *err)
{
	return each_destination(rule, context, findings, err, refuse_proc);
}

static const char *refuse_sys(const struct cfd_spec_mount *mount, const char *destination)
{
	const char *rest = cfd_path_beneath(destination, "/sys");

	if (!rest || is_type(mount, "sysfs", "cgroup", "cgroup2"))
		return NULL; /* at a wrong place, mount.filesystem-place reports these */
	if (cfd_streq(destination, "/sys/fs/cgroup") && is_type(mount, "tmpfs", NULL, NULL))
		return NULL;
	return "hides a part of the container's /sys";
}

int cfd_check_destination_sys(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			      struct cfd_findings *findings, struct cfd_error *err)
{
	return each_destination(rule, context, findings, err, refuse_sys);
}

static const char *refuse_dev(const struct cfd_spec_mount *mount, const char *destination)
{
	/* runtime-spec config-linux.md, "Default Devices", and the links that runtimes make beside them. */
	static const char *const made_by_runtime[] = {"null", "zero", "full", "random", "urandom", "tty",    "console",
						      "ptmx", "pts",  "fd",   "stdin",  "stdout",  "stderr", "core"};
	const char *rest = cfd_path_beneath(destination, "/dev");

	if (!rest || is_type(mount, "devpts", NULL, NULL))
		return NULL;
	if (!*rest)
		return is_type(mount, "tmpfs", NULL, NULL) ? NULL : "only a fresh tmpfs may be the container's /dev";
	for (size_t i = 0; i < CFD_COUNT(made_by_runtime); i++) {
		const char *beneath = cfd_path_beneath(rest, made_by_runtime[i]);

		if (beneath)
			return "the runtime makes this itself, and relies on it";
	}
	return NULL;
}

int cfd_check_destination_dev(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			      struct cfd_findings *findings, struct cfd_error *err)
{
	return each_destination(rule, context, findings, err, refuse_dev);
}

static const char *refuse_preload(const struct cfd_spec_mount *mount, const char *destination)
{
	(void)mount;
	return cfd_streq(destination, "/etc/ld.so.preload") ? "loads libraries into every program of the container"
							    : NULL;
}

int cfd_check_destination_preload(const struct cfd_rule *rule, const struct cfd_rules_context *context,
				  struct cfd_findings *findings, struct cfd_error *err)
{
	return each_destination(rule, context, findings, err, refuse_preload);
}

int cfd_check_destination_duplicate(const struct cfd_rule *rule, const struct cfd_rules_context *context,
				    struct cfd_findings *findings, struct cfd_error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->mount_count; i++) {
		const struct cfd_destination *destination = cfd_destinations_at(context->destinations, i);
		char message[96];

		if (!destination->path || cfd_streq(destination->path, "/") || destination->same >= i)
			continue;
		snprintf(message, sizeof(message), "mounts[%zu] has this destination too", destination->same);
		r = cfd_findings_add(findings, rule, context->spec->mounts[i].destination, err, message,
				     "mounts[%zu].destination", i);
	}
	return r;
}

int cfd_check_destination_shadows(const struct cfd_rule *rule, const struct cfd_rules_context *context,
				  struct cfd_findings *findings, struct cfd_error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->mount_count; i++) {
		const struct cfd_destination *destination = cfd_destinations_at(context->destinations, i);
		char message[96];

		if (!destination->path || cfd_streq(destination->path, "/") || destination->beneath >= i)
			continue;
		snprintf(message, sizeof(message), "hides mounts[%zu]", destination->beneath);
		r = cfd_findings_add(findings, rule, context->spec->mounts[i].destination, err, message,
				     "mounts[%zu].destination", i);
	}
	return r;
}
