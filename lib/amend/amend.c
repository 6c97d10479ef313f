/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the decision into the document, one step per part of it. Every step leaves alone what is already as it should
 * be, so that amending twice is the same as once; none of them ever gives more than the engine asked for.
 */
#include "lib/amend/amend.h"
#include "lib/amend/mounts.h"
#include "lib/spec/annotations.h"
#include "lib/caps.h"
#include "lib/userns/idmap.h"
#include "lib/json/json.h"
#include "lib/profile/profile.h"
#include "lib/spec/spec.h"
#include "lib/userns/sysctls.h"
#include "lib/userns/userns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * What Docker and containerd hide and freeze (moby daemon/pkg/oci/defaults.go, containerd pkg/oci/spec.go). Paths that
 * do not exist are skipped by the runtimes.
 */
static const char *const masked_paths[] = {
	"/proc/acpi",        "/proc/asound",        "/proc/interrupts", "/proc/kcore",
	"/proc/keys",        "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
	"/proc/sched_debug", "/proc/scsi",          "/sys/firmware",    "/sys/devices/virtual/powercap",
};
static const char *const readonly_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

#define DEFAULT_UMASK 0022

static bool is_allowed_capability(const struct cfd_json *child, void *context)
{
	const cfd_caps *allowed = context;
	unsigned number;

	return !cfd_caps_number(cfd_json_string(child), &number) && (*allowed >> number & 1);
}

int cfd_amend_capabilities(const struct cfd_profile *profile, cfd_caps *ret_caps, struct cfd_error *err)
{
	cfd_caps caps = 0;

	for (char **name = profile->capabilities; name && *name; name++) {
		unsigned number;

		if (cfd_caps_number(*name, &number))
			return cfd_fail(err, -EINVAL, "profile %s: capability \"%s\" is not known", profile->name,
					*name);
		caps |= (cfd_caps)1 << number;
	}
	*ret_caps = profile->capabilities ? caps : cfd_caps_engine_default;
	return 0;
}

/*
 * Inheritable and ambient capabilities survive execve(2) of ordinary files, for users who are not root
 * (CVE-2022-29162, CVE-2022-27650), so both are emptied.
 */
static int amend_capabilities(const struct cfd_amend *a)
{
	static const char *const reduced[] = {"bounding", "effective", "permitted"};
	static const char *const emptied[] = {"inheritable", "ambient"};
	struct cfd_json *process = cfd_json_get(a->spec->root, "process"), *capabilities;
	cfd_caps allowed;
	int r = cfd_amend_capabilities(a->decision->profile, &allowed, a->err);

	if (r || !process)
		return r;
	capabilities = cfd_json_want_object(a->doc, process, "capabilities");
	for (size_t i = 0; i < CFD_COUNT(reduced); i++) {
		struct cfd_json *set = cfd_json_want_array(a->doc, capabilities, reduced[i]);

		if (!set)
			return cfd_amend_memory(a);
		cfd_json_filter(set, is_allowed_capability, &allowed);
	}
	for (size_t i = 0; i < CFD_COUNT(emptied); i++)
		if (cfd_json_set(a->doc, capabilities, emptied[i], cfd_json_new_array(a->doc)))
			return cfd_amend_memory(a);
	return 0;
}

static int amend_privileges(const struct cfd_amend *a)
{
	struct cfd_json *process = cfd_json_get(a->spec->root, "process");

	if (!process || !a->decision->profile->no_new_privileges)
		return 0;
	return cfd_json_set(a->doc, process, "noNewPrivileges", cfd_json_new_bool(a->doc, true)) ? cfd_amend_memory(a)
												 : 0;
}

/* Without `user` crun from 1.13 on leaves the umask 0; with it, and with runc, 0022 is the default. */
static int amend_user(const struct cfd_amend *a)
{
	struct cfd_json *user, *process = cfd_json_get(a->spec->root, "process");

	if (!process)
		return 0;
	user = cfd_json_want_object(a->doc, process, "user");
	if (!user || (!cfd_json_get(user, "umask") &&
		      cfd_json_set(a->doc, user, "umask", cfd_json_new_int(a->doc, DEFAULT_UMASK))))
		return cfd_amend_memory(a);
	return 0;
}

/* Whether a later element sets the same variable; the schema has seen to the `=`. */
static bool is_set_again(const struct cfd_json *env, size_t index)
{
	const char *variable = cfd_json_string(cfd_json_at(env, index));
	size_t length = strcspn(variable, "=") + 1;

	for (size_t i = index + 1; i < cfd_json_count(env); i++)
		if (strncmp(cfd_json_string(cfd_json_at(env, i)), variable, length) == 0)
			return true;
	return false;
}

/* Of variables of the same name runc keeps the last; crun hands on all of them, and getenv(3) finds the first. */
static int amend_environment(const struct cfd_amend *a)
{
	struct cfd_json *env = cfd_json_get(cfd_json_get(a->spec->root, "process"), "env");

	for (size_t i = cfd_json_count(env); i-- > 0;)
		if (is_set_again(env, i))
			cfd_json_remove_at(env, i);
	return 0;
}

static int amend_root(const struct cfd_amend *a)
{
	struct cfd_json *root = cfd_json_want_object(a->doc, a->spec->root, "root");
	int r = cfd_amend_path(a, root, "path", a->decision->rootfs);

	if (r || !a->decision->profile->readonly_rootfs)
		return r;
	return cfd_json_set(a->doc, root, "readonly", cfd_json_new_bool(a->doc, true)) ? cfd_amend_memory(a) : 0;
}

static bool holds(const struct cfd_json *strings, const char *string)
{
	for (size_t i = 0; i < cfd_json_count(strings); i++)
		if (cfd_streq(cfd_json_string(cfd_json_at(strings, i)), string))
			return true;
	return false;
}

static int complete(const struct cfd_amend *a, const char *key, const char *const *paths, size_t count)
{
	struct cfd_json *list = cfd_json_want_array(a->doc, a->linux_part, key);

	for (size_t i = 0; i < count; i++)
		if (!holds(list, paths[i]) && cfd_json_append(a->doc, list, cfd_json_new_string(a->doc, paths[i])))
			return cfd_amend_memory(a);
	return 0;
}

static int amend_hidden_paths(const struct cfd_amend *a)
{
	int r = complete(a, "maskedPaths", masked_paths, CFD_COUNT(masked_paths));

	return r ? r : complete(a, "readonlyPaths", readonly_paths, CFD_COUNT(readonly_paths));
}

/*
 * A device node that the image brings needs no CAP_MKNOD, so the cgroup's filter must know devices by name. crun
 * (src/libcrun/cgroup-resources.c, devices_len) makes none at all when there are no rules, and both start from
 * "allowed" when the first rule does not say otherwise.
 */
static int amend_device_rules(const struct cfd_amend *a)
{
	struct cfd_json *resources, *list, *rule;

	if (cfd_spec_devices_denied(a->spec))
		return 0;
	resources = cfd_json_want_object(a->doc, a->linux_part, "resources");
	list = cfd_json_want_array(a->doc, resources, "devices");
	rule = cfd_json_new_object(a->doc);
	if (cfd_json_set(a->doc, rule, "allow", cfd_json_new_bool(a->doc, false)) ||
	    cfd_json_set(a->doc, rule, "access", cfd_json_new_string(a->doc, "rwm")) ||
	    cfd_json_insert(a->doc, list, 0, rule))
		return cfd_amend_memory(a);
	return 0;
}

static bool is_allowed_annotation(const struct cfd_json *child, void *context)
{
	(void)context;
	return cfd_annotation_allowed(cfd_json_key(child), cfd_json_string(child));
}

static int amend_annotations(const struct cfd_amend *a)
{
	cfd_json_filter(cfd_json_get(a->spec->root, "annotations"), is_allowed_annotation, NULL);
	return 0;
}

static int amend_seccomp(const struct cfd_amend *a)
{
	if (!a->decision->seccomp)
		return 0;
	return cfd_json_set(a->doc, a->linux_part, "seccomp", cfd_json_copy(a->doc, a->decision->seccomp))
		       ? cfd_amend_memory(a)
		       : 0;
}

static int set_mappings(const struct cfd_amend *a, const char *key, const struct cfd_spec_id_maps *present)
{
	const struct cfd_userns_range *range = a->decision->range;
	struct cfd_json *list = cfd_json_new_array(a->doc), *map = cfd_json_new_object(a->doc);

	if (present->count > 1 || (present->count == 1 &&
				   (present->values[0].container_id != 0 || present->values[0].host_id != range->base ||
				    present->values[0].size != range->size)))
		return cfd_fail(
			a->err, -EINVAL,
			"linux.%s: the engine maps ids itself, so no range of its own can be forced on the container",
			key);
	if (cfd_json_set(a->doc, map, "containerID", cfd_json_new_int(a->doc, 0)) ||
	    cfd_json_set(a->doc, map, "hostID", cfd_json_new_int(a->doc, range->base)) ||
	    cfd_json_set(a->doc, map, "size", cfd_json_new_int(a->doc, range->size)) ||
	    cfd_json_append(a->doc, list, map) || cfd_json_set(a->doc, a->linux_part, key, list))
		return cfd_amend_memory(a);
	return 0;
}

static const char *prepared_path(const struct cfd_idmap_result *result, size_t index)
{
	for (size_t i = 0; i < result->namespace_count; i++)
		if (result->namespaces[i].index == index)
			return result->namespaces[i].path;
	return NULL;
}

static int amend_namespaces(const struct cfd_amend *a)
{
	const struct cfd_json *list = cfd_json_get(a->linux_part, "namespaces");
	int r = 0;

	for (size_t i = 0; !r && a->decision->mounts && i < a->spec->namespace_count; i++) {
		const char *path = a->spec->namespaces[i].path;

		if (!path)
			continue;
		path = prepared_path(a->decision->mounts, i);
		r = path ? cfd_amend_path(a, cfd_json_at(list, i), "path", path)
			 : cfd_fail(a->err, -EINVAL, "linux.namespaces[%zu] is joined by a path that was not prepared",
				    i);
	}
	return r;
}

static int amend_user_namespace(const struct cfd_amend *a)
{
	const struct cfd_spec_namespace *present = cfd_spec_namespace(a->spec, "user");
	const char *path = a->decision->mounts ? a->decision->mounts->userns_path : NULL;
	struct cfd_json *list, *entry;
	int r;

	if (!a->decision->range)
		return 0;
	if (present && present->path)
		return cfd_fail(a->err, -EINVAL,
				"linux.namespaces: the engine has the container join a user namespace, %s",
				present->path);
	r = set_mappings(a, "uidMappings", &a->spec->uid_mappings);
	if (!r)
		r = set_mappings(a, "gidMappings", &a->spec->gid_mappings);
	if (r || present)
		return r;
	list = cfd_json_want_array(a->doc, a->linux_part, "namespaces");
	entry = cfd_json_new_object(a->doc);
	if (cfd_json_set(a->doc, entry, "type", cfd_json_new_string(a->doc, "user")) ||
	    (path && cfd_json_set(a->doc, entry, "path", cfd_json_new_string(a->doc, path))) ||
	    cfd_json_append(a->doc, list, entry))
		return cfd_amend_memory(a);
	return 0;
}

/*
 * What is left for the runtime to set is set inside of the user namespace. A network that the runtime makes begins with
 * a range of nobody: the groups of the container get in where its engine asked for what pings otherwise.
 */
static int amend_ping_groups(const struct cfd_amend *a, struct cfd_json *sysctls)
{
	const struct cfd_spec_namespace *network = cfd_spec_namespace(a->spec, "network");
	const char *value = cfd_json_string(cfd_json_get(sysctls, CFD_SYSCTLS_PING_GROUPS));
	char clipped[32];
	int r;

	if (!value && network && !network->path && cfd_sysctls_wants_ping(a->spec))
		value = "0 2147483647";
	if (!value || !a->decision->range)
		return 0;
	r = cfd_sysctls_clip_groups(value, a->decision->range, clipped, a->err);
	if (r)
		return r;
	if (!sysctls)
		sysctls = cfd_json_want_object(a->doc, a->linux_part, "sysctl");
	return cfd_json_set(a->doc, sysctls, CFD_SYSCTLS_PING_GROUPS, cfd_json_new_string(a->doc, clipped))
		       ? cfd_amend_memory(a)
		       : 0;
}

static int amend_sysctls(const struct cfd_amend *a)
{
	const struct cfd_sysctls none = {0}, *set = a->decision->mounts ? &a->decision->mounts->sysctls : &none;
	struct cfd_json *sysctls = cfd_json_get(a->linux_part, "sysctl");

	for (char **name = set->keys; name && *name; name++)
		cfd_json_remove(sysctls, *name);
	if (set->names) {
		cfd_json_remove(a->spec->root, "hostname");
		cfd_json_remove(a->spec->root, "domainname");
	}
	return amend_ping_groups(a, sysctls);
}

static struct cfd_json *strings(struct cfd_json_doc *doc, const char *first, const char *second)
{
	struct cfd_json *list = cfd_json_new_array(doc);

	if (!list || cfd_json_append(doc, list, cfd_json_new_string(doc, first)) ||
	    (second && cfd_json_append(doc, list, cfd_json_new_string(doc, second))))
		return NULL;
	return list;
}

static bool is_not_ours(const struct cfd_json *child, void *context)
{
	return !cfd_streq(cfd_json_string(cfd_json_get(child, "path")), context);
}

/* Ours, once: an entry of the same path that an engine added from hooks.d goes. */
static int add_hook(const struct cfd_amend *a, struct cfd_json *hooks, const char *stage, bool first)
{
	struct cfd_json *list = cfd_json_want_array(a->doc, hooks, stage), *hook = cfd_json_new_object(a->doc);
	int r = cfd_amend_path(a, hook, "path", a->decision->hook_path);

	if (r)
		return r;
	cfd_json_filter(list, is_not_ours, (void *)a->decision->hook_path);
	if (cfd_json_set(a->doc, hook, "args", strings(a->doc, "cofferdam-hook", stage)) ||
	    cfd_json_set(a->doc, hook, "env",
			 strings(a->doc, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", a->decision->hook_env)) ||
	    cfd_json_insert(a->doc, list, first ? 0 : cfd_json_count(list), hook))
		return cfd_amend_memory(a);
	return 0;
}

/*
 * createRuntime runs in the runtime's namespaces before the root is changed; createContainer and startContainer would
 * inherit the container's environment (CVE-2025-23266). Hooks without `env` inherit the runtime's, hence ours.
 */
static int amend_hooks(const struct cfd_amend *a)
{
	struct cfd_json *hooks;
	int r;

	if (!a->decision->hook_path)
		return 0;
	hooks = cfd_json_want_object(a->doc, a->spec->root, "hooks");
	r = add_hook(a, hooks, "createRuntime", true);
	return r ? r : add_hook(a, hooks, "poststop", false);
}

/* crun 1.8 starts nothing of a version that it does not know, and none reads a key otherwise for the version's sake. */
static int amend_version(const struct cfd_amend *a)
{
	if (cfd_starts_with(a->spec->oci_version, "1.0."))
		return 0;
	return cfd_json_set(a->doc, a->spec->root, "ociVersion", cfd_json_new_string(a->doc, "1.0.2"))
		       ? cfd_amend_memory(a)
		       : 0;
}

int cfd_amend(const struct cfd_spec *spec, const struct cfd_amend_decision *decision, struct cfd_error *err)
{
	static int (*const steps[])(const struct cfd_amend *a) = {
		amend_capabilities, amend_privileges,     amend_user,         amend_environment, amend_root,
		amend_hidden_paths, amend_annotations,    amend_device_rules, amend_seccomp,     amend_sysctls,
		amend_namespaces,   amend_user_namespace, cfd_amend_mounts,   amend_hooks,       amend_version,
	};
	struct cfd_amend a = {.spec = spec, .decision = decision, .doc = spec->doc, .err = err};

	a.linux_part = cfd_json_want_object(a.doc, spec->root, "linux");
	if (!a.linux_part)
		return cfd_amend_memory(&a);
	for (size_t i = 0; i < CFD_COUNT(steps); i++) {
		int r = steps[i](&a);

		if (r)
			return r;
	}
	return 0;
}

int cfd_amend_memory(const struct cfd_amend *a)
{
	return cfd_fail_memory(a->err, "the amended config.json");
}

int cfd_amend_path(const struct cfd_amend *a, struct cfd_json *object, const char *key, const char *path)
{
	if (!path || *path != '/')
		return cfd_fail(a->err, -EINVAL, "\"%s\" is no absolute path for \"%s\" in config.json",
				path ? path : "", key);
	if (!cfd_utf8_valid(path))
		return cfd_fail(a->err, -EINVAL, "%s: JSON cannot hold this path, it is not UTF-8", path);
	return cfd_json_set(a->doc, object, key, cfd_json_new_string(a->doc, path)) ? cfd_amend_memory(a) : 0;
}
