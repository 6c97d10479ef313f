/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Under which rule does the source of a bind mount fall?
 *
 * In order: a source that is no clean absolute path; one that does not exist (it could appear later as anything); what
 * the engine itself brings (its files at their well-known places, its named volumes, its init); device nodes; engines'
 * sockets and whatever else is protected without appeal; other sockets; what contains something protected; what lies in
 * a protected tree; any other path of the host. mounts.allow of the profile can allow the last two, the others need an
 * exception.
 */
#include "lib/rules/sources.h"

#include "lib/path.h"
#include "lib/rules/aliases.h"
#include "lib/rules/common.h"
#include "lib/rules/hostfiles.h"
#include "lib/rules/protected.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct judgement {
	const char *rule; /* an id, or NULL */
	char message[384];
};

struct cfd_sources {
	struct judgement *judgements;
	size_t count;
	struct cfd_hostfiles *hostfiles; /* gathered when the first source needs it */
	struct cfd_resolver *resolver;
};

/* One source while it is judged. */
struct subject {
	const struct cfd_rules_context *context;
	const struct cfd_spec_mount *mount;
	char clean[CFD_PATH_MAX];            /* its text, cleaned, /var/run as /run */
	char destination[CFD_PATH_MAX];      /* cleaned; "" when it cannot be */
	const struct cfd_resolved *resolved; /* NULL without host facts */
	struct cfd_resolver *resolver;
};

struct engine_file {
	const char *source;      /* beneath one of the engine's directories of this container; a glob */
	const char *destination; /* NULL: any, as the user of the engine chooses it */
};

// clang-format off
/*
 * podman libpod/container_internal_linux.go, moby daemon/container_operations_unix.go, containerd
 * pkg/cri/server/container_create_linux.go, cri-o server/container_create.go.
 * What the kubelet brings is with the volumes.
 */
static const struct engine_file engine_files[] = {
	{ "hosts",            "/etc/hosts" },
	{ "hostname",         "/etc/hostname" },
	{ "resolv.conf",      "/etc/resolv.conf" },
	{ "passwd",           "/etc/passwd" },
	{ "group",            "/etc/group" },
	{ "shm",              "/dev/shm" },
	{ "mounts/shm",       "/dev/shm" },
	{ ".containerenv",    "/run/.containerenv" },
	{ "run/.containerenv", "/run/.containerenv" },
	{ "notify",           "/run/notify" },
	{ "run/secrets",      "/run/secrets" },
	{ "mounts/secrets",   "/run/secrets" },
	{ "secrets/*",        NULL },
};

/* Engines bind an init of the host's, read-only, when asked for one (`--init`). */
static const struct {
	enum cfd_engine engine;
	const char *source, *destination;
} init_binaries[] = {
	{ CFD_ENGINE_PODMAN, "/usr/libexec/podman/catatonit",   "/run/podman-init" },
	{ CFD_ENGINE_PODMAN, "/usr/libexec/catatonit/catatonit", "/run/podman-init" },
	{ CFD_ENGINE_PODMAN, "/usr/lib/podman/catatonit",       "/run/podman-init" },
	{ CFD_ENGINE_PODMAN, "/usr/bin/catatonit",              "/run/podman-init" },
	{ CFD_ENGINE_PODMAN, "/usr/libexec/podman/catatonit",   "/dev/init" },
	{ CFD_ENGINE_PODMAN, "/usr/bin/catatonit",              "/dev/init" },
	{ CFD_ENGINE_DOCKER, "/usr/bin/docker-init",            "/sbin/docker-init" },
	{ CFD_ENGINE_DOCKER, "/usr/libexec/docker/docker-init", "/sbin/docker-init" },
	{ CFD_ENGINE_DOCKER, "/usr/bin/tini-static",            "/sbin/docker-init" },
};
// clang-format on

static bool read_only(const struct cfd_spec_mount *mount)
{
	return cfd_spec_mount_has_option(mount, "ro") || cfd_spec_mount_has_option(mount, "rro");
}

/* What follows the directory in the source, or NULL; by identity with host facts, by text without. */
static const char *source_beneath(const struct subject *subject, const char *directory)
{
	char clean[CFD_PATH_MAX];
	const char *rest;

	if (subject->resolved)
		return cfd_resolved_beneath(subject->resolver, subject->resolved, directory);
	if (cfd_path_clean(directory, clean))
		return NULL;
	/* /var/run has been a link to /run for so long that both names are the same text. */
	rest = cfd_path_beneath(clean, "/var/run");
	return cfd_path_beneath(subject->clean, rest ? clean + strlen("/var") : clean);
}

/* `rest` is what follows the engine's directory; of an entry that is the file itself, nothing: then its name counts. */
static bool is_row(const struct engine_file *row, const struct subject *subject, const char *rest)
{
	const char *path = subject->resolved ? subject->resolved->path : subject->clean;
	size_t length = strlen(path), tail = strlen(row->source);

	if (row->destination && !cfd_streq(row->destination, subject->destination))
		return false;
	if (*rest)
		return cfd_profile_glob(row->source, rest);
	return row->destination && length > tail && path[length - tail - 1] == '/' && cfd_ends_with(path, row->source);
}

static bool is_engine_file(const struct subject *subject)
{
	const struct cfd_image *image = subject->context->image;

	for (char *const *directory = image->engine_dirs; *directory; directory++) {
		const char *rest = source_beneath(subject, *directory);

		for (size_t i = 0; rest && i < CFD_COUNT(engine_files); i++)
			if (is_row(&engine_files[i], subject, rest))
				return true;
	}
	return false;
}

/* Docker and podman keep a volume's files in NAME/_data; beside it and above it are their own records of volumes. */
static bool is_volume_of_engine(const struct cfd_image *image, const char *rest)
{
	const char *inside = strchr(rest, '/');

	if (image->engine != CFD_ENGINE_DOCKER && image->engine != CFD_ENGINE_PODMAN)
		return true;
	return inside && cfd_path_beneath(inside + 1, "_data");
}

/*
 * What follows one of the directories of volumes, or NULL. An entry may be a file (the kubelet's etc-hosts); a
 * directory of volumes itself is no volume.
 */
static const char *volume(const struct subject *subject)
{
	for (char *const *directory = subject->context->image->volume_dirs; *directory; directory++) {
		const char *rest = source_beneath(subject, *directory);
		bool is_directory = subject->resolved ? S_ISDIR(subject->resolved->stat.st_mode)
						      : !cfd_ends_with(*directory, "/etc-hosts");

		if (rest && (*rest || !is_directory) && is_volume_of_engine(subject->context->image, rest))
			return rest;
	}
	return NULL;
}

static bool is_init_binary(const struct subject *subject)
{
	const char *source = subject->resolved ? subject->resolved->path : subject->clean;

	for (size_t i = 0; i < CFD_COUNT(init_binaries); i++)
		if (init_binaries[i].engine == subject->context->image->engine &&
		    cfd_streq(init_binaries[i].source, source) &&
		    cfd_streq(init_binaries[i].destination, subject->destination))
			return read_only(subject->mount);
	return false;
}

static bool is_device(const struct subject *subject)
{
	return subject->resolved &&
	       (S_ISBLK(subject->resolved->stat.st_mode) || S_ISCHR(subject->resolved->stat.st_mode));
}

enum permission { NOT_ALLOWED, ALLOWED, ALLOWED_READ_ONLY };

static enum permission allowed_by_profile(const struct subject *subject)
{
	const struct cfd_profile *profile = subject->context->profile;
	enum permission best = NOT_ALLOWED;

	for (size_t i = 0; i < profile->mount_count; i++) {
		const struct cfd_profile_mount *allow = &profile->mounts[i];

		if (!cfd_profile_mount_covers(allow, subject->destination, true) ||
		    !source_beneath(subject, allow->source))
			continue;
		if (cfd_profile_mount_covers(allow, subject->destination, read_only(subject->mount)))
			return ALLOWED;
		best = ALLOWED_READ_ONLY;
	}
	return best;
}

static void judge(struct judgement *judgement, const char *rule, const char *format, ...) CFD_PRINTF(3, 4);
static void judge(struct judgement *judgement, const char *rule, const char *format, ...)
{
	va_list args;

	judgement->rule = rule;
	va_start(args, format);
	vsnprintf(judgement->message, sizeof(judgement->message), format, args);
	va_end(args);
}

/*
 * What passes must not be another object by the time the runtime mounts it. Engine files are not asked: with an
 * engine's own user namespace their directory belongs to the container's root, who cannot reach it.
 */
static void judge_swappable(const struct subject *subject, struct judgement *judgement)
{
	if (subject->resolved && subject->resolved->swappable[0])
		judge(judgement, "mount.source-swappable", "somebody other than root can replace what is in %.200s",
		      subject->resolved->swappable);
}

/* What the profile can allow, if it does not, and if the allowed name cannot be turned into another. */
static void judge_allowable(const struct subject *subject, const char *rule, const char *what,
			    struct judgement *judgement)
{
	switch (allowed_by_profile(subject)) {
	case NOT_ALLOWED:
		judge(judgement, rule, subject->context->profile->name ? "%s, which the profile does not allow" : "%s",
		      what);
		return;
	case ALLOWED_READ_ONLY:
		judge(judgement, rule, "%s, mounted writable; the profile allows it read-only", what);
		return;
	case ALLOWED:
		judge_swappable(subject, judgement);
	}
}

static const struct cfd_protected *find_protected(const struct cfd_sources *sources, const struct subject *subject,
						  bool *ret_itself)
{
	const struct cfd_protected *row;

	if (subject->resolved)
		return cfd_hostfiles_find(sources->hostfiles, subject->resolved, ret_itself);
	row = cfd_protected_find(subject->clean);
	*ret_itself = row && cfd_streq(row->path, subject->clean);
	return row;
}

static bool can_be_allowed(const char *rule)
{
	const struct cfd_rule *row = cfd_rule_find(rule);

	return row && row->class == CFD_RULE_ALLOWED;
}

static void judge_protected(const struct cfd_sources *sources, const struct subject *subject,
			    struct judgement *judgement)
{
	bool itself = false;
	const struct cfd_protected *row = find_protected(sources, subject, &itself), *beneath;
	const char *rule = !row ? NULL : itself ? row->itself : row->inside;

	if (rule && !can_be_allowed(rule)) {
		judge(judgement, rule, "%s", row->what);
		return;
	}
	if (subject->resolved && S_ISSOCK(subject->resolved->stat.st_mode)) {
		judge(judgement, "mount.source-socket", "a socket of a service of the host");
		return;
	}
	beneath = subject->resolved ? cfd_hostfiles_ancestor(sources->hostfiles, subject->resolved)
				    : cfd_protected_ancestor(subject->clean);
	if (beneath)
		judge(judgement, "mount.host-tree", "contains %s: %s", beneath->path, beneath->what);
	else if (rule)
		judge_allowable(subject, rule, row->what, judgement);
	else
		judge_allowable(subject, "mount.host-path", "a path of the host", judgement);
}

/* What nobody vouches for. */
static void judge_host_object(const struct cfd_sources *sources, const struct subject *subject,
			      struct judgement *judgement)
{
	const char *path = subject->resolved ? subject->resolved->path : subject->clean;

	if (is_device(subject))
		judge(judgement, "mount.source-device", "a %s device of the host",
		      S_ISBLK(subject->resolved->stat.st_mode) ? "block" : "character");
	else if (subject->resolved && subject->resolved->kernel)
		judge(judgement, "mount.host-kernel", "of the kernel's filesystem %s", subject->resolved->kernel);
	else if (cfd_protected_socket_name(cfd_path_base(path)))
		judge(judgement, "mount.engine-socket", "socket of a container engine");
	else
		judge_protected(sources, subject, judgement);
}

/* Where the volume's own mount shows something else of this host: `found` and what that is. */
static int judge_alias(const struct cfd_sources *sources, const struct subject *subject, const char *directory,
		       struct judgement *judgement, struct cfd_error *err)
{
	CFD_AUTO_FREE struct cfd_resolved *alias = malloc(sizeof(*alias));
	struct subject as_alias = *subject;
	bool stacked = false, found = false;
	int r;

	if (!alias)
		return cfd_fail_memory(err, "a volume");
	r = cfd_alias_find(subject->resolver, subject->resolved, directory, &stacked, &found, alias, err);
	if (!r && stacked)
		judge(judgement, "mount.host-tree", "a volume that is an overlay of other directories of the host");
	if (r || stacked || !found)
		return r;
	as_alias.resolved = alias;
	judge_host_object(sources, &as_alias, judgement);
	if (judgement->rule) {
		size_t used = strlen(judgement->message);

		snprintf(judgement->message + used, sizeof(judgement->message) - used,
			 " (the volume is a mount of %.150s)", alias->path);
	}
	return 0;
}

/* A volume passes, unless it is a mount of something else on this host: then that is judged. */
static int judge_volume(const struct cfd_sources *sources, const struct subject *subject, const char *rest,
			struct judgement *judgement, struct cfd_error *err)
{
	char directory[CFD_PATH_MAX];
	size_t length;
	int r;

	if (!subject->resolved)
		return 0;
	if (subject->resolved->kernel) {
		judge_host_object(sources, subject, judgement);
		return 0;
	}
	length = strlen(subject->resolved->path) - strlen(rest);
	memcpy(directory, subject->resolved->path, length);
	directory[length] = '\0';
	if (length > 1 && directory[length - 1] == '/')
		directory[length - 1] = '\0';
	r = judge_alias(sources, subject, directory, judgement, err);
	if (!r && !judgement->rule)
		judge_swappable(subject, judgement);
	return r;
}

static int judge_source(const struct cfd_sources *sources, const struct subject *subject, struct judgement *judgement,
			struct cfd_error *err)
{
	const char *rest = volume(subject);

	if (!is_device(subject) && rest)
		return judge_volume(sources, subject, rest, judgement, err);
	if (is_device(subject) || (!is_engine_file(subject) && !is_init_binary(subject)))
		judge_host_object(sources, subject, judgement);
	return 0;
}

/* Names the text in one way; false if it is none that a source may have. */
static bool clean_source(struct subject *subject, struct judgement *judgement)
{
	const char *source = subject->mount->source;

	if (!source || source[0] != '/')
		judge(judgement, "mount.source-path", "not an absolute path");
	else if (!cfd_path_is_clean(source) || cfd_path_clean(source, subject->clean))
		judge(judgement, "mount.source-path", "has empty, \".\" or \"..\" components, or is too long");
	if (judgement->rule)
		return false;
	if (cfd_path_beneath(subject->clean, "/var/run"))
		memmove(subject->clean, subject->clean + strlen("/var"), strlen(subject->clean + strlen("/var")) + 1);
	if (cfd_path_clean(subject->mount->destination, subject->destination))
		subject->destination[0] = '\0';
	return true;
}

static void judge_unresolved(const struct subject *subject, const char *why, struct judgement *judgement)
{
	if (cfd_path_beneath(subject->clean, "/proc"))
		judge(judgement, "mount.host-kernel", "a link of the host's /proc");
	else
		judge(judgement, "mount.source-path", "cannot be resolved: %s", why);
}

/* 0, with a judgement if the source cannot be resolved; an error only if this host cannot be looked at. */
static int resolve_source(const struct subject *subject, struct cfd_resolved *resolved, struct judgement *judgement,
			  struct cfd_error *err)
{
	struct cfd_error why = {0};
	int r = cfd_resolve(subject->resolver, subject->clean, resolved, &why);

	if (r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -ENOSYS || r == -EPERM) {
		*err = why;
		return r;
	}
	if (r == -ENOENT)
		judge(judgement, "mount.source-missing",
		      "does not exist on this host, and could become anything later");
	else if (r == -ELOOP)
		judge_unresolved(subject, "leads through too many symbolic links or a magic link", judgement);
	else if (r)
		judge_unresolved(subject, why.message, judgement);
	return 0;
}

int cfd_sources_hostfiles(struct cfd_sources *sources, const struct cfd_hostfiles **ret_hostfiles,
			  struct cfd_error *err)
{
	int r = sources->hostfiles ? 0 : cfd_hostfiles_gather(&sources->hostfiles, err);

	if (!r)
		*ret_hostfiles = sources->hostfiles;
	return r;
}

struct cfd_resolver *cfd_sources_resolver(struct cfd_sources *sources)
{
	return sources->resolver;
}

static int judge_mount(const struct cfd_rules_context *context, struct cfd_sources *sources, size_t index,
		       struct cfd_resolved *resolved, struct cfd_error *err)
{
	struct judgement *judgement = &sources->judgements[index];
	struct subject subject; /* not zeroed: most of it is room for two paths */
	const struct cfd_hostfiles *hostfiles;
	int r;

	subject.context = context;
	subject.mount = &context->spec->mounts[index];
	subject.resolved = NULL;
	subject.resolver = sources->resolver;
	if (!cfd_spec_mount_is_bind(subject.mount) || !clean_source(&subject, judgement))
		return 0;
	if (context->host_facts) {
		r = resolve_source(&subject, resolved, judgement, err);
		if (r || judgement->rule)
			return r;
		r = cfd_sources_hostfiles(sources, &hostfiles, err);
		if (r)
			return r;
		subject.resolved = resolved;
	}
	r = judge_source(sources, &subject, judgement, err);
	/* An exception is for what is there now. */
	if (!r && judgement->rule && cfd_rules_excepted(context, judgement->rule, subject.mount->source))
		judge_swappable(&subject, judgement);
	return r;
}

int cfd_sources_judge(const struct cfd_rules_context *context, struct cfd_sources **ret_sources, struct cfd_error *err)
{
	CFD_AUTO(cfd_sources_freep) struct cfd_sources *sources = calloc(1, sizeof(*sources));
	CFD_AUTO_FREE struct cfd_resolved *resolved = malloc(sizeof(*resolved));
	size_t count = context->spec->mount_count;
	int r = 0;

	if (!sources || !resolved)
		return cfd_fail_memory(err, "mount sources");
	sources->judgements = calloc(count + 1, sizeof(*sources->judgements));
	if (!sources->judgements)
		return cfd_fail_memory(err, "mount sources");
	sources->count = count;
	if (context->host_facts)
		r = cfd_resolver_new(&sources->resolver, err);
	for (size_t i = 0; !r && i < count; i++) {
		r = judge_mount(context, sources, i, resolved, err);
		if (r)
			cfd_wrap(err, "mounts[%zu].source", i);
	}
	if (!r)
		*ret_sources = cfd_take(sources);
	return r;
}

void cfd_sources_freep(struct cfd_sources **sources)
{
	if (*sources) {
		free((*sources)->judgements);
		cfd_hostfiles_freep(&(*sources)->hostfiles);
		cfd_resolver_freep(&(*sources)->resolver);
		free(*sources);
	}
	*sources = NULL;
}

const char *cfd_sources_rule(const struct cfd_sources *sources, size_t mount, const char **ret_message)
{
	if (mount >= sources->count)
		return NULL;
	*ret_message = sources->judgements[mount].message;
	return sources->judgements[mount].rule;
}
