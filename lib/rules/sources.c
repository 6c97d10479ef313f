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

#include "lib/held.h"
#include "lib/path.h"
#include "lib/rules/aliases.h"
#include "lib/rules/common.h"
#include "lib/rules/hostfiles.h"
#include "lib/rules/named.h"
#include "lib/rules/protected.h"
#include "lib/rules/subject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct judgement {
	const char *rule; /* an id, or NULL */
	char message[384];
};

struct named { /* what an entry of the profile's mounts.allow names, asked once */
	enum { UNKNOWN, NOTHING, SOMETHING } what;
	struct stat stat;
	char planted[CFD_PATH_MAX]; /* see cfd_named_open */
};

struct cfd_sources {
	struct judgement *judgements;
	size_t count;
	struct cfd_hostfiles *hostfiles; /* gathered when the first source needs it */
	struct cfd_resolver *resolver;
	struct named *named; /* by index of profile->mounts */
};

static bool is_device(const struct cfd_subject *subject)
{
	return subject->resolved &&
	       (S_ISBLK(subject->resolved->stat.st_mode) || S_ISCHR(subject->resolved->stat.st_mode));
}

enum permission { NOT_ALLOWED, ALLOWED_BY_LINK, ALLOWED_READ_ONLY, ALLOWED };

static void look_up(const char *source, struct named *named)
{
	CFD_AUTO_FD int fd = -1;
	struct cfd_error ignored = {0};

	if (named->what == UNKNOWN)
		named->what = !cfd_named_open(source, &fd, named->planted, &ignored) && !fstat(fd, &named->stat)
				      ? SOMETHING
				      : NOTHING;
}

/*
 * Whether what the entry names is the source, or above it. Not if the name leads there by a link of somebody other than
 * root's: he would choose what the profile allows. With such a link, its directory is in ret_planted.
 */
static bool is_named(const struct cfd_sources *sources, const struct cfd_subject *subject, size_t entry,
		     const char **ret_planted)
{
	const char *source = subject->context->profile->mounts[entry].source;
	struct named *named = &sources->named[entry];

	*ret_planted = "";
	if (!subject->resolved)
		return cfd_subject_beneath(subject, source);
	look_up(source, named);
	*ret_planted = named->planted;
	return named->what == SOMETHING && cfd_resolved_is_beneath(subject->resolved, &named->stat);
}

struct permit {
	enum permission permission;
	bool idmap;
	const char *planted; /* the link's directory, of ALLOWED_BY_LINK */
};

/* What most favours it among what the profile allows. */
static void allowed_by_profile(const struct cfd_sources *sources, const struct cfd_subject *subject,
			       struct permit *permit)
{
	const struct cfd_profile *profile = subject->context->profile;

	*permit = (struct permit){.permission = NOT_ALLOWED};
	for (size_t i = 0; i < profile->mount_count; i++) {
		const struct cfd_profile_mount *allow = &profile->mounts[i];
		enum permission found = ALLOWED_READ_ONLY;
		const char *planted;

		if (!cfd_profile_mount_covers(allow, subject->destination, true) ||
		    !is_named(sources, subject, i, &planted))
			continue;
		if (cfd_profile_mount_covers(allow, subject->destination, cfd_subject_read_only(subject)))
			found = ALLOWED;
		if (planted[0])
			found = ALLOWED_BY_LINK;
		permit->idmap |= allow->idmap;
		if (found <= permit->permission)
			continue;
		permit->permission = found;
		permit->planted = planted;
	}
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

static void judge_planted(const char *directory, struct judgement *judgement)
{
	judge(judgement, "mount.source-swappable",
	      "it is reached by a link in %.200s, where somebody other than root chooses what that leads to",
	      directory);
}

/*
 * What passes is mounted by descriptor, so it may lie where others can replace it: theirs is what they can put there
 * themselves. That is not so for a file with more names than one, which they may have linked to there. Where only hooks
 * judge, the runtime looks sources up by name. Engine files are not asked: with an engine's
 * own user namespace their directory belongs to the container's root, who cannot reach it.
 */
static void judge_swappable(const struct cfd_subject *subject, struct judgement *judgement)
{
	if (!subject->resolved || !subject->resolved->swappable[0])
		return;
	if (subject->context->by_name)
		judge(judgement, "mount.source-swappable", "somebody other than root can replace what is in %.200s",
		      subject->resolved->swappable);
	else if (!S_ISDIR(subject->resolved->stat.st_mode) && subject->resolved->stat.st_nlink > 1)
		judge(judgement, "mount.source-swappable",
		      "a file with %lu names, one of which somebody other than root can have made in %.200s",
		      (unsigned long)subject->resolved->stat.st_nlink, subject->resolved->swappable);
}

/* What the profile can allow, if it does not, and if the allowed name is not somebody else's to give. */
static void judge_allowable(const struct cfd_sources *sources, const struct cfd_subject *subject, const char *rule,
			    const char *what, struct judgement *judgement)
{
	struct permit permit;

	allowed_by_profile(sources, subject, &permit);
	switch (permit.permission) {
	case NOT_ALLOWED:
		judge(judgement, rule, subject->context->profile->name ? "%s, which the profile does not allow" : "%s",
		      what);
		return;
	case ALLOWED_BY_LINK:
		judge_planted(permit.planted, judgement);
		return;
	case ALLOWED_READ_ONLY:
		judge(judgement, rule, "%s, mounted writable; the profile allows it read-only", what);
		return;
	case ALLOWED:
		judge_swappable(subject, judgement);
		if (permit.idmap && cfd_streq(rule, "mount.host-system"))
			judge(judgement, rule,
			      "%s, which the profile allows with idmap: root in the container would have the rights of "
			      "the host's root there",
			      what);
		/* What root in the container leaves there would be the host's root's: a set-user-ID program. */
		if (permit.idmap && subject->resolved && subject->resolved->swappable[0])
			judge(judgement, "mount.source-swappable",
			      "idmapped, and in %.200s, which belongs to others than root",
			      subject->resolved->swappable);
	}
}

/* An exception is for what its subject names, not for what others can make the name lead to. */
static void judge_excepted(const struct cfd_subject *subject, struct judgement *judgement)
{
	CFD_AUTO_FD int fd = -1;
	char planted[CFD_PATH_MAX];
	struct cfd_error ignored = {0};
	struct stat st;

	if (!subject->resolved)
		return;
	if (cfd_named_open(subject->clean, &fd, planted, &ignored) || fstat(fd, &st) ||
	    !cfd_resolved_is(subject->resolved, &st))
		judge(judgement, "mount.source-swappable", "it was replaced while it was checked");
	else if (planted[0])
		judge_planted(planted, judgement);
	else
		judge_swappable(subject, judgement);
}

static const struct cfd_protected *find_protected(const struct cfd_sources *sources, const struct cfd_subject *subject,
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

static void judge_protected(const struct cfd_sources *sources, const struct cfd_subject *subject,
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
		judge_allowable(sources, subject, rule, row->what, judgement);
	else
		judge_allowable(sources, subject, "mount.host-path", "a path of the host", judgement);
}

/* What nobody vouches for. */
static void judge_host_object(const struct cfd_sources *sources, const struct cfd_subject *subject,
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

/* Volumes are idmapped (lib/userns/binds.c), so whoever allows what one is a mount of has to allow that as well. */
static void judge_alias_idmap(const struct cfd_sources *sources, const struct cfd_subject *as_alias,
			      struct judgement *judgement)
{
	struct permit permit;

	if (!cfd_rules_userns_forced(as_alias->context))
		return;
	allowed_by_profile(sources, as_alias, &permit);
	if (!permit.idmap)
		judge(judgement, "mount.host-path",
		      "volumes are idmapped, and the profile allows it without the option idmap");
}

/* Where the volume's own mount shows something else of this host: `found` and what that is. */
static int judge_alias(const struct cfd_sources *sources, const struct cfd_subject *subject, const char *directory,
		       struct judgement *judgement, struct cfd_error *err)
{
	CFD_AUTO_FREE struct cfd_resolved *alias = malloc(sizeof(*alias));
	struct cfd_subject as_alias = *subject;
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
	if (!judgement->rule)
		judge_alias_idmap(sources, &as_alias, judgement);
	if (judgement->rule) {
		size_t used = strlen(judgement->message);

		snprintf(judgement->message + used, sizeof(judgement->message) - used,
			 " (the volume is a mount of %.150s)", alias->path);
	}
	return 0;
}

/* A volume passes, unless it is a mount of something else on this host: then that is judged. */
static int judge_volume(const struct cfd_sources *sources, const struct cfd_subject *subject, const char *rest,
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

static int judge_source(const struct cfd_sources *sources, const struct cfd_subject *subject,
			struct judgement *judgement, struct cfd_error *err)
{
	const char *rest = cfd_subject_volume(subject);

	if (!is_device(subject) && rest)
		return judge_volume(sources, subject, rest, judgement, err);
	if (is_device(subject) || (!cfd_subject_is_engine_file(subject) && !cfd_subject_is_init(subject)))
		judge_host_object(sources, subject, judgement);
	return 0;
}

/* Names the text in one way; false if it is none that a source may have. */
static bool clean_source(struct cfd_subject *subject, struct judgement *judgement)
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

static void judge_unresolved(const struct cfd_subject *subject, const char *why, struct judgement *judgement)
{
	if (cfd_path_beneath(subject->clean, "/proc"))
		judge(judgement, "mount.host-kernel", "a link of the host's /proc");
	else
		judge(judgement, "mount.source-path", "cannot be resolved: %s", why);
}

/* 0, with a judgement if the source cannot be resolved; an error only if this host cannot be looked at. */
static int resolve_source(const struct cfd_subject *subject, struct cfd_resolved *resolved, int *ret_fd,
			  struct judgement *judgement, struct cfd_error *err)
{
	struct cfd_error why = {0};
	int r = cfd_resolve(subject->resolver, subject->clean, resolved, ret_fd, &why);

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
	struct cfd_subject subject; /* not zeroed: most of it is room for two paths */
	const struct cfd_hostfiles *hostfiles;
	int r;

	subject.context = context;
	subject.mount = &context->spec->mounts[index];
	subject.resolved = NULL;
	subject.resolver = sources->resolver;
	if (!cfd_spec_mount_is_bind(subject.mount) || !clean_source(&subject, judgement))
		return 0;
	if (context->host_facts) {
		r = resolve_source(&subject, resolved, &context->held->sources[index], judgement, err);
		if (r || judgement->rule)
			return r;
		r = cfd_sources_hostfiles(sources, &hostfiles, err);
		if (r)
			return r;
		subject.resolved = resolved;
	}
	r = judge_source(sources, &subject, judgement, err);
	if (!r && judgement->rule && cfd_rules_excepted(context, judgement->rule, subject.mount->source))
		judge_excepted(&subject, judgement);
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
	sources->named = calloc(context->profile->mount_count + 1, sizeof(*sources->named));
	if (!sources->judgements || !sources->named)
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
		free((*sources)->named);
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
