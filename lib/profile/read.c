/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One profile's JSON object -> struct cfd_profile, by tables: a new key is a new row. Lists replace what an extended
 * profile gave, except "mounts.allow", "devices.allow" and "exceptions", which add up.
 */
#include "lib/profile/internal.h"

#include "lib/caps.h"
#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/shape.h"
#include "lib/json/value.h"
#include "lib/path.h"
#include "lib/userns/userns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_executable(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, const char *text,
			    struct cfd_error *err)
{
	if (strpbrk(text, "*?["))
		return cfd_fields_fail(doc, value, file, err,
				       "\"%s\" is a pattern: this list names every executable by its path", text);
	return cfd_value_check_path(doc, value, file, text, err);
}

static bool is_sysctl(const char *text)
{
	return cfd_shape_component(text) && strchr(text, '.') && !cfd_ends_with(text, ".") && !strstr(text, "..");
}

/* As sysctl(8) and /proc/sys have it, with slashes. */
static bool sysctl_meant(const char *text, char *meant, size_t size)
{
	const char *below = cfd_starts_with(text, "/proc/sys/") ? text + strlen("/proc/sys/") : text;

	if ((size_t)snprintf(meant, size, "%s", below) >= size)
		return false;
	for (char *slash = meant; (slash = strchr(slash, '/'));)
		*slash = '.';
	return is_sysctl(meant);
}

static int check_sysctl(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, const char *text,
			struct cfd_error *err)
{
	char meant[128];

	if (is_sysctl(text))
		return 0;
	return cfd_fields_fail_meant(
		doc, value, file, err, sysctl_meant(text, meant, sizeof(meant)) ? meant : NULL,
		"\"%s\" is no sysctl: write its whole name with dots, such as \"net.core.somaxconn\"", text);
}

static int check_capability(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, const char *text,
			    struct cfd_error *err)
{
	struct cfd_near near = cfd_near_start(text);
	const char *known;
	char name[64];
	unsigned number;

	if (cfd_starts_with(text, "CAP_"))
		return cfd_fields_fail(doc, value, file, err,
				       "\"%s\": capabilities are written without the prefix here: \"%s\"", text,
				       text + 4);
	if (strlen(text) < sizeof(name) - 4) {
		memcpy(name, "CAP_", 4);
		strcpy(name + 4, text);
		if (!cfd_caps_number(name, &number))
			return 0;
	}
	for (number = 0; (known = cfd_caps_name(number)); number++)
		cfd_near_offer(&near, known + strlen("CAP_"));
	return cfd_fields_fail_meant(
		doc, value, file, err, near.meant,
		"\"%s\" is no capability that is known here: write it as in capabilities(7), in upper case "
		"and without CAP_, such as \"NET_BIND_SERVICE\"",
		text);
}

static int read_capabilities(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			     struct cfd_error *err)
{
	return cfd_value_replace_strings(doc, value, file, check_capability, "CAP_", field, err);
}

static int read_sysctl_list(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			    struct cfd_error *err)
{
	return cfd_value_replace_strings(doc, value, file, check_sysctl, "", field, err);
}

static int read_executables(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			    struct cfd_error *err)
{
	return cfd_value_replace_strings(doc, value, file, check_executable, "", field, err);
}

static int check_device(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, const char *text,
			struct cfd_error *err)
{
	char node[CFD_PATH_MAX];

	snprintf(node, sizeof(node), "/dev/%s", text);
	if (*text != '/' && cfd_shape_path(node))
		return cfd_fields_fail_meant(doc, value, file, err, node,
					     "\"%s\" is not accepted: an absolute path is expected", text);
	return cfd_value_check_path(doc, value, file, text, err);
}

static int read_device_list(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			    struct cfd_error *err)
{
	int r = cfd_value_check_list(doc, value, file, CFD_VALUE_MAX_LIST, check_device, err);

	return r ? r : cfd_value_append_strings(value, "", field, err);
}

/* "syscalls": "/a/file" or {"extends": NAME or "/a/file", "architectures": "native" or "all"} */

static int read_syscalls_extends(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
				 struct cfd_error *err)
{
	const char *text = cfd_json_string(value);

	if (!cfd_shape_name(text) && !cfd_shape_path(text))
		return cfd_fields_fail(
			doc, value, file, err,
			"the name of a seccomp profile (\"docker-default\") or the absolute path of a file is "
			"expected here");
	return cfd_value_replace_string(text, field, err);
}

static int read_architectures(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			      struct cfd_error *err)
{
	return cfd_value_either(doc, value, file, "native", "all", field, err);
}

static int read_userns(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
		       struct cfd_error *err)
{
	return cfd_value_either(doc, value, file, "force", "host", field, err);
}

static int read_log(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
		    struct cfd_error *err)
{
	return cfd_value_either(doc, value, file, "denied", "all", field, err);
}

static int read_wx(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
		   struct cfd_error *err)
{
	return cfd_value_either(doc, value, file, "allow", "deny", field, err);
}

static const struct cfd_field syscalls_fields[] = {
	// clang-format off
	{ .key = "extends", .kind = CFD_FIELD_CUSTOM, .required = true, .read = read_syscalls_extends,
	  .offset = offsetof(struct cfd_profile, syscalls) },
	{ .key = "architectures", .kind = CFD_FIELD_CUSTOM, .read = read_architectures,
	  .offset = offsetof(struct cfd_profile, all_architectures) },
	// clang-format on
};

static int read_syscalls(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,
			 struct cfd_error *err)
{
	struct cfd_profile *profile = field;

	if (cfd_json_is(value, CFD_JSON_STRING))
		return cfd_value_read_path(doc, value, file, &profile->syscalls, err);
	return cfd_fields_read(doc, value, file, syscalls_fields, CFD_COUNT(syscalls_fields), profile, err);
}

/* Objects with keys of their own, all filled into the one struct. */
// clang-format off
static const struct cfd_field mounts_fields[] = {
	{ .key = "allow", .kind = CFD_FIELD_CUSTOM, .read = cfd_profile_mounts_read },
};

static const struct cfd_field devices_fields[] = {
	{ .key = "allow", .kind = CFD_FIELD_CUSTOM, .read = read_device_list,
	  .offset = offsetof(struct cfd_profile, devices) },
};

static const struct cfd_field sysctls_fields[] = {
	{ .key = "allow", .kind = CFD_FIELD_CUSTOM, .read = read_sysctl_list,
	  .offset = offsetof(struct cfd_profile, sysctls) },
};

static const struct cfd_field rootfs_fields[] = {
	{ .key = "readonly", .kind = CFD_FIELD_BOOL, .offset = offsetof(struct cfd_profile, readonly_rootfs) },
};

const char *const cfd_profile_shell_words[] = {
	[CFD_SHELLS_STARTUP] = "startup", [CFD_SHELLS_DENY] = "deny", [CFD_SHELLS_ALLOW] = "allow", NULL,
};

static const struct cfd_field range_fields[] = {
	{ .key = "base", .kind = CFD_FIELD_INT, .min = CFD_USERNS_LOWEST_HOST_ID, .max = UINT32_MAX - CFD_USERNS_RANGE_SIZE,
	  .offset = offsetof(struct cfd_profile, userns_base) },
	{ .key = "size", .kind = CFD_FIELD_INT, .min = CFD_USERNS_RANGE_SIZE, .max = CFD_USERNS_RANGE_MAX,
	  .offset = offsetof(struct cfd_profile, userns_size) },
};

static const struct cfd_field exec_fields[] = {
	{ .key = "shells", .kind = CFD_FIELD_CHOICE, .choices = cfd_profile_shell_words, .offset = offsetof(struct cfd_profile, shells) },
	{ .key = "image_only", .kind = CFD_FIELD_BOOL, .offset = offsetof(struct cfd_profile, image_only) },
	{ .key = "wx", .kind = CFD_FIELD_CUSTOM, .read = read_wx, .offset = offsetof(struct cfd_profile, deny_wx) },
	{ .key = "allow", .kind = CFD_FIELD_CUSTOM, .read = read_executables,
	  .offset = offsetof(struct cfd_profile, exec_allow) },
};
// clang-format on

#define NESTED(name)                                                                                                   \
	static int read_##name(struct cfd_json_doc *doc, const struct cfd_json *value, const char *file, void *field,  \
			       struct cfd_error *err)                                                                  \
	{                                                                                                              \
		return cfd_fields_read(doc, value, file, name##_fields, CFD_COUNT(name##_fields), field, err);         \
	}

NESTED(mounts)
NESTED(devices)
NESTED(sysctls)
NESTED(rootfs)
NESTED(range)
NESTED(exec)

const char *const cfd_profile_mode_words[] = {
	[CFD_MODE_ENFORCE] = "enforce",
	[CFD_MODE_WARN] = "warn",
	[CFD_MODE_RECORD] = "record",
	NULL,
};

// clang-format off
static const struct cfd_field profile_fields[] = {
	{ .key = "$schema", .kind = CFD_FIELD_IGNORED },
	{ .key = "cofferdam", .kind = CFD_FIELD_INT, .required = true, .min = CFD_PROFILE_FORMAT, .max = CFD_PROFILE_FORMAT,
	  .offset = offsetof(struct cfd_profile, format) },
	{ .key = "name", .kind = CFD_FIELD_CUSTOM, .required = true, .read = cfd_value_read_name, .offset = offsetof(struct cfd_profile, name) },
	{ .key = "description", .kind = CFD_FIELD_CUSTOM, .read = cfd_value_read_text, .offset = offsetof(struct cfd_profile, description) },
	{ .key = "match", .kind = CFD_FIELD_IGNORED }, /* read when the set is opened: lib/profile/match.c */
	{ .key = "extends", .kind = CFD_FIELD_IGNORED }, /* cfd_profile_extends_read */
	{ .key = "mode", .kind = CFD_FIELD_CHOICE, .choices = cfd_profile_mode_words, .offset = offsetof(struct cfd_profile, mode) },
	{ .key = "runtime", .kind = CFD_FIELD_CUSTOM, .read = cfd_value_read_path, .offset = offsetof(struct cfd_profile, runtime) },
	{ .key = "mounts", .kind = CFD_FIELD_CUSTOM, .read = read_mounts },
	{ .key = "devices", .kind = CFD_FIELD_CUSTOM, .read = read_devices },
	{ .key = "capabilities", .kind = CFD_FIELD_CUSTOM, .read = read_capabilities, .offset = offsetof(struct cfd_profile, capabilities) },
	{ .key = "no_new_privileges", .kind = CFD_FIELD_BOOL, .offset = offsetof(struct cfd_profile, no_new_privileges) },
	{ .key = "sysctls", .kind = CFD_FIELD_CUSTOM, .read = read_sysctls },
	{ .key = "rootfs", .kind = CFD_FIELD_CUSTOM, .read = read_rootfs },
	{ .key = "userns", .kind = CFD_FIELD_CUSTOM, .read = read_userns, .offset = offsetof(struct cfd_profile, userns_host) },
	{ .key = "userns_reason", .kind = CFD_FIELD_CUSTOM, .read = cfd_value_read_text, .offset = offsetof(struct cfd_profile, userns_reason) },
	{ .key = "userns_range", .kind = CFD_FIELD_CUSTOM, .read = read_range },
	{ .key = "syscalls", .kind = CFD_FIELD_CUSTOM, .read = read_syscalls },
	{ .key = "exec", .kind = CFD_FIELD_CUSTOM, .read = read_exec },
	{ .key = "net", .kind = CFD_FIELD_CUSTOM, .read = cfd_profile_net_read },
	{ .key = "log", .kind = CFD_FIELD_CUSTOM, .read = read_log, .offset = offsetof(struct cfd_profile, log_allowed) },
	{ .key = "exceptions", .kind = CFD_FIELD_CUSTOM, .read = cfd_profile_exceptions_read },
};
// clang-format on

int cfd_profile_extends_read(struct cfd_json_doc *doc, const char *file, char ***ret_names, struct cfd_error *err)
{
	const struct cfd_json *list = cfd_json_get(cfd_json_root(doc), "extends");
	char **names = NULL;
	int r;

	if (!list)
		return 0;
	r = cfd_value_check_list(doc, list, file, CFD_PROFILE_MAX_EXTENDS, cfd_value_check_name, err);
	if (!r)
		r = cfd_value_append_strings(list, "", &names, err);
	if (r) {
		cfd_strings_free(names);
		return r;
	}
	*ret_names = names;
	return 0;
}

/* Going without the user namespace is a decision of the file that says so, and its reason stands beside it. */
static int check_userns(struct cfd_json_doc *doc, const char *file, struct cfd_error *err)
{
	const struct cfd_json *userns = cfd_json_get(cfd_json_root(doc), "userns");
	const struct cfd_json *reason = cfd_json_get(cfd_json_root(doc), "userns_reason");
	bool host = cfd_streq(cfd_json_string(userns), "host");

	if (host && !reason)
		return cfd_fields_fail(doc, userns, file, err,
				       "\"host\" takes the user namespace away: say why in \"userns_reason\"");
	if (reason && !host)
		return cfd_fields_fail(doc, reason, file, err,
				       "it belongs to \"userns\": \"host\", which is not set here");
	return 0;
}

/* What is in force now that the file lies over what it extends. */
static int check_range(const struct cfd_profile *profile, struct cfd_json_doc *doc, const char *file,
		       struct cfd_error *err)
{
	const struct cfd_json *range = cfd_json_get(cfd_json_root(doc), "userns_range");
	const struct cfd_json *size = cfd_json_get(range, "size");

	if (!range)
		return 0;
	if (profile->userns_host)
		return cfd_fields_fail(
			doc, range, file, err,
			"it is for a user namespace, which \"userns\": \"host\" takes away: leave one of "
			"the two out");
	if (!cfd_json_count(range))
		return cfd_fields_fail(doc, range, file, err,
				       "neither \"base\" nor \"size\" is in it: say which ids, or how many");
	if (profile->userns_size % CFD_USERNS_RANGE_SIZE)
		return cfd_fields_fail(doc, size ? size : range, file, err, "a multiple of %u is expected, such as %u",
				       CFD_USERNS_RANGE_SIZE, 2 * CFD_USERNS_RANGE_SIZE);
	if (profile->userns_base + cfd_profile_ids(profile) > UINT32_MAX)
		return cfd_fields_fail(doc, range, file, err, "base and size together go beyond the last id, %u",
				       UINT32_MAX - 1);
	return 0;
}

uint32_t cfd_profile_ids(const struct cfd_profile *profile)
{
	return profile->userns_size ? (uint32_t)profile->userns_size : CFD_USERNS_RANGE_SIZE;
}

int cfd_profile_start(struct cfd_profile *profile, struct cfd_error *err)
{
	*profile = (struct cfd_profile){.no_new_privileges = true, .image_only = true};
	return cfd_value_replace_string("docker-default", &profile->syscalls, err);
}

int cfd_profile_read(struct cfd_profile *profile, struct cfd_json_doc *doc, const char *file, struct cfd_error *err)
{
	int failed = 0;

	free(cfd_take(profile->description));
	if (cfd_fields_next(doc,
			    cfd_fields_read(doc, cfd_json_root(doc), file, profile_fields, CFD_COUNT(profile_fields),
					    profile, err),
			    &failed) &&
	    cfd_fields_next(doc, check_userns(doc, file, err), &failed) &&
	    cfd_fields_next(doc, check_range(profile, doc, file, err), &failed))
		cfd_fields_next(doc, cfd_profile_net_check(profile, doc, file, err), &failed);
	if (!failed && !profile->userns_host)
		free(cfd_take(profile->userns_reason));
	if (profile->userns_host)
		profile->userns_base = profile->userns_size = 0;
	return failed;
}

void cfd_profile_free(struct cfd_profile *profile)
{
	if (!profile)
		return;
	free(profile->name);
	free(profile->description);
	free(profile->path);
	free(profile->runtime);
	cfd_strings_free(profile->devices);
	cfd_strings_free(profile->capabilities);
	cfd_strings_free(profile->sysctls);
	free(profile->userns_reason);
	free(profile->syscalls);
	cfd_strings_free(profile->exec_allow);
	cfd_profile_net_release(profile);
	cfd_profile_lists_release(profile);
	free(profile);
}

void cfd_profile_freep(struct cfd_profile **profile)
{
	cfd_profile_free(*profile);
	*profile = NULL;
}
