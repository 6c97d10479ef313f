/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces: none of them the host's, joined only where an engine joins them (that each is known and given once,
 * lib/spec has made sure of). Id mappings and cgroups are
 * in namespace_ids.c and namespace_cgroups.c.
 */
#include "lib/rules/namespaces.h"

#include "lib/held.h"
#include "lib/path.h"
#include "lib/rules/common.h"

#include <errno.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

// clang-format off
static const struct kind {
	const char *type;
	const char *file; /* in /proc/PID/ns */
	int flag;
	bool joined; /* an engine may let containers share it */
} kinds[] = {
	{ "pid",     "pid",    CLONE_NEWPID,    true },
	{ "network", "net",    CLONE_NEWNET,    true },
	{ "ipc",     "ipc",    CLONE_NEWIPC,    true },
	{ "uts",     "uts",    CLONE_NEWUTS,    true },
	{ "user",    "user",   CLONE_NEWUSER,   true },
	{ "mount",   "mnt",    CLONE_NEWNS,     false },
	{ "cgroup",  "cgroup", CLONE_NEWCGROUP, false },
	{ "time",    "time",   CLONE_NEWTIME,   false },
};

/* Where engines and CNI pin namespaces: pkg/ns of CNI, moby osl, CRI-O's pinns. */
static const struct {
	const char *type, *directory;
} pinned[] = {
	{ "network", "/run/netns" },
	{ "network", "/run/docker/netns" },
	{ "ipc",     "/run/ipcns" },
	{ "uts",     "/run/utsns" },
	{ "pid",     "/run/pidns" },
	{ "user",    "/run/userns" },
};
// clang-format on

static const struct kind *find_kind(const char *type)
{
	for (size_t i = 0; i < CFD_COUNT(kinds); i++)
		if (cfd_streq(kinds[i].type, type))
			return &kinds[i];
	return NULL;
}

/* A process that has ended, or that this caller may not look at (`cofferdam check`), has no namespace to compare. */
static int is_object(const struct stat *st, const char *path, bool *ret_is, struct cfd_error *err)
{
	struct stat other = {0};

	if (stat(path, &other) && errno != ENOENT && errno != EACCES)
		return cfd_fail_errno(err, -errno, "cannot stat %s", path);
	*ret_is = other.st_ino && other.st_dev == st->st_dev && other.st_ino == st->st_ino;
	return 0;
}

/* Whether the path is the namespace that cofferdam itself, or the host's first process, is in. */
static int is_hosts(const struct cfd_rules_context *context, const struct kind *kind, size_t index, bool *ret_is,
		    struct cfd_error *err)
{
	static const char *const owners[] = {"self", "1", "thread-self"};
	const char *path = context->spec->namespaces[index].path;
	char own[64];
	bool exists = context->held->namespaces[index] >= 0, is = false;
	struct stat st;
	int r = 0;

	if (exists && fstat(context->held->namespaces[index], &st))
		return cfd_fail_errno(err, -errno, "cannot stat the namespace %s", path);
	for (size_t i = 0; !r && !is && i < CFD_COUNT(owners); i++) {
		snprintf(own, sizeof(own), "/proc/%s/ns/%s", owners[i], kind->file);
		if (cfd_streq(path, own))
			is = true;
		else if (exists)
			r = is_object(&st, own, &is, err);
	}
	if (!r)
		*ret_is = is;
	return r;
}

/* Whether, and why, the container would be in the host's namespace of a kind. */
struct sharing {
	bool is;
	const char *why;
	size_t index; /* of the entry that says so; their number: none does */
};

static int find_sharing(const struct cfd_rules_context *context, const struct kind *kind, struct sharing *ret_sharing,
			struct cfd_error *err)
{
	const struct cfd_spec *spec = context->spec;
	int r = 0;

	*ret_sharing = (struct sharing){.index = spec->namespace_count};
	if (!cfd_spec_namespace(spec, kind->type)) {
		ret_sharing->is = true;
		ret_sharing->why = "not asked for, so it would be the host's";
		return 0;
	}
	ret_sharing->why = "joins the host's own";
	for (size_t i = 0; !r && !ret_sharing->is && i < spec->namespace_count; i++) {
		ret_sharing->index = i;
		if (cfd_streq(spec->namespaces[i].type, kind->type) && spec->namespaces[i].path)
			r = is_hosts(context, kind, i, &ret_sharing->is, err);
	}
	return r;
}

static int add_hosts(const struct cfd_rule *rule, const struct cfd_rules_context *context,
		     struct cfd_findings *findings, struct cfd_error *err, const char *type, const char *message,
		     size_t index)
{
	if (index == context->spec->namespace_count)
		return cfd_findings_add(findings, rule, type, err, message, "linux.namespaces");
	return cfd_findings_add(findings, rule, type, err, message, "linux.namespaces[%zu]", index);
}

/* Their filesystems can be mounted, and their sysctls set, by the user namespace alone that owns them. */
static const char *const owned[] = {"pid", "network", "ipc"};

static bool needs_host_userns(const char *type)
{
	for (size_t i = 0; i < CFD_COUNT(owned); i++)
		if (cfd_streq(owned[i], type))
			return true;
	return false;
}

/* The rules namespace.host-TYPE. */
CFD_RULE_CHECK(check_host)
{
	const char *type = rule->id + strlen("namespace.host-");
	const struct kind *kind = find_kind(type);
	char message[CFD_HOST_USERNS_MAX];
	struct sharing sharing;
	int r;

	if (!kind)
		return 0;
	r = find_sharing(context, kind, &sharing, err);
	if (r || !sharing.is)
		return r;
	if (needs_host_userns(type) && cfd_rules_userns_forced(context)) {
		snprintf(message, sizeof(message),
			 "%s, and that needs the host user namespace too (\"userns\": \"host\" with a "
			 "\"userns_reason\" in profile %s)",
			 sharing.why, context->profile->name);
		sharing.why = message;
	}
	return add_hosts(rule, context, findings, err, type, sharing.why, sharing.index);
}

/* "/proc/PID/ns/FILE" of that kind. */
static bool is_process_path(const char *path, const struct kind *kind)
{
	const char *digits = path + strlen("/proc/"), *rest;

	if (!cfd_starts_with(path, "/proc/"))
		return false;
	rest = digits + strspn(digits, "0123456789");
	return rest != digits && cfd_starts_with(rest, "/ns/") && cfd_streq(rest + strlen("/ns/"), kind->file);
}

static bool is_pinned_path(const char *path, const struct kind *kind)
{
	if (cfd_starts_with(path, "/var/run/"))
		path += strlen("/var");
	for (size_t i = 0; i < CFD_COUNT(pinned); i++) {
		const char *rest = cfd_path_beneath(path, pinned[i].directory);

		if (cfd_streq(pinned[i].type, kind->type) && rest && *rest && !strchr(rest, '/'))
			return true;
	}
	return false;
}

/* Why what is held open is not a namespace of that kind, or NULL. */
static const char *not_a_namespace(int fd, const char *path, const struct kind *kind)
{
	if (fd < 0 && is_process_path(path, kind))
		return "the process whose namespace it was (a pod's first container) has ended: start that one again";
	if (fd < 0)
		return "there is no namespace on this host";
	return ioctl(fd, NS_GET_NSTYPE) == kind->flag ? NULL : "a namespace of another kind";
}

static const char *refuse_path(const struct cfd_rules_context *context, size_t index)
{
	const char *path = context->spec->namespaces[index].path;
	const struct kind *kind = find_kind(context->spec->namespaces[index].type);

	if (!kind)
		return "not a kind of namespace";
	if (!kind->joined)
		return "a container always gets a new one of this kind";
	if (!cfd_path_is_clean(path))
		return "not a clean absolute path";
	if (is_process_path(path, kind) && context->image->engine == CFD_ENGINE_NONE)
		return "a namespace of a process, and no engine is known that would share it";
	if (!is_process_path(path, kind) && !is_pinned_path(path, kind))
		return "not where engines keep the namespaces that they share";
	return context->host_facts ? not_a_namespace(context->held->namespaces[index], path, kind) : NULL;
}

CFD_RULE_CHECK(check_path)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->namespace_count; i++) {
		const char *path = context->spec->namespaces[i].path;
		const char *message = path && *path ? refuse_path(context, i) : NULL;
		const struct kind *kind = find_kind(context->spec->namespaces[i].type);
		bool is = false; /* then namespace.host-TYPE reports it */

		if (message && kind && kind->joined && cfd_path_is_clean(path))
			r = is_hosts(context, kind, i, &is, err);
		if (!r && message && !is)
			r = cfd_findings_add(findings, rule, path, err, message, "linux.namespaces[%zu].path", i);
	}
	return r;
}

/* Excepted by name, but impossible from within a user namespace of its own. */
CFD_RULE_CHECK(check_userns_conflict)
{
	int r = 0;

	for (size_t i = 0; !r && cfd_rules_userns_forced(context) && i < CFD_COUNT(owned); i++) {
		char id[64], what[64], message[CFD_HOST_USERNS_MAX];
		struct sharing sharing;

		snprintf(id, sizeof(id), "namespace.host-%s", owned[i]);
		r = find_sharing(context, find_kind(owned[i]), &sharing, err);
		if (r || !sharing.is || !cfd_rules_excepted(context, id, owned[i]))
			continue;
		snprintf(what, sizeof(what), "the host's %s namespace", owned[i]);
		cfd_rules_say_host_userns(context, what, message);
		r = add_hosts(rule, context, findings, err, owned[i], message, sharing.index);
	}
	return r;
}

// clang-format off
static const struct cfd_rule rules[] = {
	{ "namespace.host-pid", CFD_RULE_NEVER, "the host's pid namespace",
	  "sees every process of the host, its arguments and environment, and can signal those of its user",
	  CFD_REF_PSS "Host Namespaces; " CFD_REF_CIS "5.16", NULL, check_host },
	{ "namespace.host-network", CFD_RULE_NEVER, "the host's network namespace",
	  "services on the host's loopback and its abstract sockets (containerd's shim among them)",
	  CFD_REF_PSS "Host Namespaces; " CFD_REF_CIS "5.10; CVE-2020-15257", NULL, check_host },
	{ "namespace.host-ipc", CFD_RULE_NEVER, "the host's ipc namespace",
	  "shared memory and message queues of the host's programs",
	  CFD_REF_PSS "Host Namespaces; " CFD_REF_CIS "5.17", NULL, check_host },
	{ "namespace.host-uts", CFD_RULE_NEVER, "the host's uts namespace",
	  "with CAP_SYS_ADMIN the host's name, by which others trust it",
	  CFD_REF_CIS "5.21", NULL, check_host },
	{ "namespace.host-mount", CFD_RULE_NEVER, "the host's mount namespace",
	  "the host's files: there is no container without one; crun runs it nevertheless",
	  CFD_REF_SPEC "config-linux.md, Namespaces", NULL, check_host },
	{ "namespace.host-cgroup", CFD_RULE_NEVER, "a cgroup filesystem without a cgroup namespace",
	  "names, limits and, when writable, the processes of all other services",
	  "cgroup_namespaces(7); CVE-2023-25809", NULL, cfd_check_host_cgroup },
	{ "namespace.path", CFD_RULE_NEVER, "a namespace joined by a path where no engine keeps one",
	  "the namespaces of a host process or of another container",
	  CFD_REF_SPEC "config-linux.md, Namespaces (path)", NULL, check_path },
	{ "namespace.userns-conflict", CFD_RULE_ALLOWED, "a host namespace, excepted, together with a forced user namespace",
	  "nothing: proc, sysfs and mqueue of a namespace can be mounted only by its own user namespace",
	  "user_namespaces(7)", CFD_ALLOW_HOST_USERNS, check_userns_conflict },
	{ "namespace.mappings-without-user", CFD_RULE_NEVER, "id mappings without a user namespace",
	  "runtimes ignore them in silence: container root is host root",
	  CFD_REF_SPEC "config-linux.md, User namespace mappings", NULL, cfd_check_mappings_without_user },
	{ "namespace.user-without-mappings", CFD_RULE_NEVER,
	  "a new user namespace without id mappings for both users and groups",
	  "what the container's root is on the host depends on the runtime",
	  CFD_REF_SPEC "config-linux.md, User namespace mappings", NULL, cfd_check_user_without_mappings },
	{ "namespace.id-range", CFD_RULE_NEVER, "an id mapping that covers an id of the host below 65536",
	  "container root, or a user in it, is root or a user of the host",
	  CFD_REF_CIS "5.31; user_namespaces(7)", NULL, cfd_check_id_range },
	{ "namespace.cgroup-path", CFD_RULE_NEVER, "a cgroup path that is the root, leaves its place or is not clean",
	  "the guard is attached to the container's cgroup; crun kills every process of it on teardown",
	  CFD_REF_SPEC "config-linux.md, Control groups; " CFD_REF_CIS "5.25", NULL, cfd_check_cgroup_path },
	{ "namespace.cgroup-in-use", CFD_RULE_NEVER, "a cgroup that has processes already",
	  "limits, guard and teardown of one would be those of the other",
	  CFD_REF_SPEC "config-linux.md, Control groups", NULL, cfd_check_cgroup_in_use },
};
// clang-format on

const struct cfd_rule_group cfd_rules_namespaces = {"namespaces", rules, CFD_COUNT(rules)};
