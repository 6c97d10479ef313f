/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount options: whole strings from a table. Flags have a group, within which they contradict each other, and a side.
 * Names as in the runtime-spec (config.md, "Linux mount options") and mount(8).
 */
#include "lib/rules/common.h"
#include "lib/rules/mounts.h"

#include <stdio.h>
#include <string.h>

enum group { NONE, READ_ONLY, SUID, DEV, EXEC, SYNC, ATIME, DIRATIME, PROPAGATION, SYMFOLLOW, MAND, GROUPS };

// clang-format off
static const struct flag {
	const char *name;
	enum group group;
	int side;
} flags[] = {
	{ "bind", NONE, 0 },            { "rbind", NONE, 0 },           { "defaults", NONE, 0 },
	{ "ro", READ_ONLY, 1 },         { "rro", READ_ONLY, 1 },        { "rw", READ_ONLY, 2 },
	{ "rrw", READ_ONLY, 2 },        { "nosuid", SUID, 1 },          { "rnosuid", SUID, 1 },
	{ "suid", SUID, 2 },            { "rsuid", SUID, 2 },           { "nodev", DEV, 1 },
	{ "rnodev", DEV, 1 },           { "dev", DEV, 2 },              { "rdev", DEV, 2 },
	{ "noexec", EXEC, 1 },          { "rnoexec", EXEC, 1 },         { "exec", EXEC, 2 },
	{ "rexec", EXEC, 2 },           { "sync", SYNC, 1 },            { "async", SYNC, 2 },
	{ "dirsync", NONE, 0 },         { "noatime", ATIME, 1 },        { "rnoatime", ATIME, 1 },
	{ "relatime", ATIME, 2 },       { "rrelatime", ATIME, 2 },      { "strictatime", ATIME, 3 },
	{ "rstrictatime", ATIME, 3 },   { "atime", NONE, 0 },           { "norelatime", NONE, 0 },
	{ "nostrictatime", NONE, 0 },   { "diratime", DIRATIME, 1 },    { "nodiratime", DIRATIME, 2 },
	{ "rnodiratime", DIRATIME, 2 }, { "lazytime", NONE, 0 },        { "nolazytime", NONE, 0 },
	{ "silent", NONE, 0 },          { "loud", NONE, 0 },            { "iversion", NONE, 0 },
	{ "noiversion", NONE, 0 },      { "mand", MAND, 1 },            { "nomand", MAND, 2 },
	{ "symfollow", SYMFOLLOW, 1 },  { "nosymfollow", SYMFOLLOW, 2 }, { "rnosymfollow", SYMFOLLOW, 2 },
	{ "private", PROPAGATION, 1 },  { "rprivate", PROPAGATION, 1 }, { "slave", PROPAGATION, 2 },
	{ "rslave", PROPAGATION, 2 },   { "shared", PROPAGATION, 3 },   { "rshared", PROPAGATION, 3 },
	{ "unbindable", PROPAGATION, 4 }, { "runbindable", PROPAGATION, 4 },
	/* Known, and reported by rules of their own: */
	{ "remount", NONE, 0 },         { "move", NONE, 0 },            { "idmap", NONE, 0 },
	{ "ridmap", NONE, 0 },
};

/* Options of one filesystem: with '=' a key whose value is letters, digits and "%.:_-" only. */
static const struct {
	const char *type, *option;
} type_options[] = {
	{ "tmpfs", "size=" },   { "tmpfs", "mode=" },      { "tmpfs", "uid=" },       { "tmpfs", "gid=" },
	{ "tmpfs", "nr_inodes=" }, { "tmpfs", "nr_blocks=" }, { "tmpfs", "huge=" },   { "tmpfs", "mpol=" },
	{ "tmpfs", "noswap" },  { "tmpfs", "tmpcopyup" },  { "tmpfs", "inode32" },    { "tmpfs", "inode64" },
	{ "devpts", "newinstance" }, { "devpts", "ptmxmode=" }, { "devpts", "mode=" }, { "devpts", "gid=" },
	{ "devpts", "uid=" },   { "devpts", "max=" },
	{ "proc", "hidepid=" }, { "proc", "subset=" },     { "proc", "gid=" },
};
// clang-format on

static const struct flag *find_flag(const char *option)
{
	for (size_t i = 0; i < CFD_COUNT(flags); i++)
		if (cfd_streq(flags[i].name, option))
			return &flags[i];
	return NULL;
}

static bool plain_value(const char *value)
{
	return *value &&
	       value[strspn(value, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ%.:_-")] == '\0';
}

/* The row of type_options, or -1. */
static int find_type_option(const struct cfd_spec_mount *mount, const char *option)
{
	for (size_t i = 0; i < CFD_COUNT(type_options); i++) {
		const char *known = type_options[i].option;
		size_t length = strlen(known);

		if (!cfd_streq(type_options[i].type, mount->type))
			continue;
		if (known[length - 1] != '=' ? cfd_streq(option, known)
					     : cfd_starts_with(option, known) && plain_value(option + length))
			return (int)i;
	}
	return -1;
}

int cfd_check_option_unknown(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			     struct cfd_findings *findings, struct cfd_error *err)
{
	for (size_t i = 0; i < context->spec->mount_count; i++) {
		const struct cfd_spec_mount *mount = &context->spec->mounts[i];
		bool bind = cfd_spec_mount_is_bind(mount);

		if (!cfd_mount_type_known(mount))
			continue; /* mount.filesystem-type reports it, whatever its options are */
		for (size_t o = 0; o < mount->options.count; o++) {
			const char *option = mount->options.values[o];
			int r = 0;

			if (!find_flag(option) && (bind || find_type_option(mount, option) < 0))
				r = cfd_findings_add(findings, rule, option, err,
						     "not an option that is known for this mount",
						     "mounts[%zu].options[%zu]", i, o);
			if (r)
				return r;
		}
	}
	return 0;
}

/* What the earlier options of one mount said about one subject: the first, and the first that says otherwise. */
struct said {
	const char *first, *other;
	int first_side;
};

/* By a flag's group, and behind those by the row of type_options. */
struct heard {
	struct said subjects[GROUPS + CFD_COUNT(type_options)];
};

/*
 * The earlier option that says the opposite of this one, or NULL: another side of its group, or the same key with
 * another value. (Keys that are not known contradict nothing: mount.option-unknown refuses them.)
 */
static const char *contradicted(const struct cfd_spec_mount *mount, const char *option, struct heard *heard)
{
	const struct flag *flag = find_flag(option);
	int row = flag ? -1 : find_type_option(mount, option);
	struct said *said;
	bool as_first;

	if (flag ? flag->group == NONE : row < 0)
		return NULL;
	said = &heard->subjects[flag ? (size_t)flag->group : GROUPS + (size_t)row];
	if (!said->first) {
		*said = (struct said){.first = option, .first_side = flag ? flag->side : 0};
		return NULL;
	}
	as_first = flag ? flag->side == said->first_side : cfd_streq(option, said->first);
	if (as_first)
		return said->other;
	if (!said->other)
		said->other = option;
	return said->first;
}

int cfd_check_option_contradiction(const struct cfd_rule *rule, const struct cfd_rules_context *context,
				   struct cfd_findings *findings, struct cfd_error *err)
{
	for (size_t i = 0; i < context->spec->mount_count; i++) {
		const struct cfd_spec_mount *mount = &context->spec->mounts[i];
		struct heard heard = {0};

		for (size_t o = 0; o < mount->options.count; o++) {
			const char *earlier = contradicted(mount, mount->options.values[o], &heard);
			char message[160];
			int r;

			if (!earlier)
				continue;
			snprintf(message, sizeof(message), "contradicts %.80s: runtimes choose differently", earlier);
			r = cfd_findings_add(findings, rule, mount->options.values[o], err, message,
					     "mounts[%zu].options[%zu]", i, o);
			if (r)
				return r;
		}
	}
	return 0;
}

/* Reports each option that is on a NULL-terminated list. */
static int report_options(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			  struct cfd_findings *findings, struct cfd_error *err, const char *const *names,
			  const char *message)
{
	for (size_t i = 0; i < context->spec->mount_count; i++) {
		const struct cfd_spec_mount *mount = &context->spec->mounts[i];

		for (size_t o = 0; o < mount->options.count; o++)
			for (const char *const *name = names; *name; name++) {
				int r = 0;

				if (cfd_streq(mount->options.values[o], *name))
					r = cfd_findings_add(findings, rule, *name, err, message,
							     "mounts[%zu].options[%zu]", i, o);
				if (r)
					return r;
			}
	}
	return 0;
}

int cfd_check_option_remount(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			     struct cfd_findings *findings, struct cfd_error *err)
{
	static const char *const names[] = {"remount", "move", NULL};

	return report_options(rule, context, findings, err, names, "changes a mount that exists already");
}

int cfd_check_option_shared(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			    struct cfd_findings *findings, struct cfd_error *err)
{
	static const char *const names[] = {"shared", "rshared", NULL};

	return report_options(rule, context, findings, err, names, "mounts of the container would appear on the host");
}

int cfd_check_option_suid(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			  struct cfd_findings *findings, struct cfd_error *err)
{
	static const char *const names[] = {"suid", "rsuid", "dev", "rdev", NULL};

	return report_options(rule, context, findings, err, names,
			      "asks for set-uid programs or device nodes to work there");
}
