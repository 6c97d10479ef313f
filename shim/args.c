/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of an OCI runtime: one table of options, one scanner for both ways through argv. */
#include "shim/args.h"

#include "shim/options.h"

#include "lib/json/fields.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum use {
	KEEP,     /* as it is */
	ABSOLUTE, /* its value is a path; the runtime gets it absolute, as its working directory may become the bundle
		   */
	DROP,     /* replaced by what cofferdam wrote */
};

#define FIELD(name) offsetof(struct cfd_args, name)
#define START (CFD_ARGS_CREATE | CFD_ARGS_RUN)
#define ANY (START | CFD_ARGS_RESTORE)
#define LATER (CFD_ARGS_RUN | CFD_ARGS_RESTORE)

/* crun 1.8-1.28 (src/crun.c, create.c, run.c, restore.c) and runc 1.1-1.3 (main.go, create.go, run.go, restore.go) */
// clang-format off
static const struct cfd_option global_options[] = {
	{ "root",                 0,  true,  KEEP,     0, FIELD(root) },
	{ "log",                  0,  true,  KEEP,     0, FIELD(log) },
	{ "log-format",           0,  true,  KEEP,     0, FIELD(log_format) },
	{ "log-level",            0,  true,  KEEP,     0, 0 },
	{ "cgroup-manager",       0,  true,  KEEP,     0, 0 },
	{ "criu",                 0,  true,  KEEP,     0, 0 },
	{ "rootless",             0,  true,  KEEP,     0, 0 },
	{ "debug",                0,  false, KEEP,     0, 0 },
	{ "systemd-cgroup",       0,  false, KEEP,     0, 0 },
	{ "version",             'v', false, KEEP,     0, 0 },
	{ "help",                'h', false, KEEP,     0, 0 },
	{ NULL,                  'V', false, KEEP,     0, 0 },
	{ "usage",               '?', false, KEEP,     0, 0 },
};

static const struct cfd_option command_options[] = {
	{ "bundle",              'b', true,  DROP,     ANY,   FIELD(bundle) },
	{ "config",              'f', true,  DROP,     START, FIELD(config) },
	{ "pid-file",             0,  true,  ABSOLUTE, ANY,   0 },
	{ "console-socket",       0,  true,  ABSOLUTE, ANY,   0 },
	{ "pidfd-socket",         0,  true,  ABSOLUTE, START, 0 },
	{ "preserve-fds",         0,  true,  KEEP,     START, FIELD(preserve_fds) },
	{ "no-pivot",             0,  false, KEEP,     ANY,   0 },
	{ "no-new-keyring",       0,  false, KEEP,     START, 0 },
	{ "no-subreaper",         0,  false, KEEP,     ANY,   0 },
	{ "detach",              'd', false, KEEP,     LATER, FIELD(detach) },
	{ "keep",                 0,  false, KEEP,     CFD_ARGS_RUN, 0 },
	{ "image-path",           0,  true,  ABSOLUTE, CFD_ARGS_RESTORE, 0 },
	{ "work-path",            0,  true,  ABSOLUTE, CFD_ARGS_RESTORE, 0 },
	{ "manage-cgroups-mode",  0,  true,  KEEP,     CFD_ARGS_RESTORE, 0 },
	{ "empty-ns",             0,  true,  KEEP,     CFD_ARGS_RESTORE, 0 },
	{ "status-fd",            0,  true,  KEEP,     CFD_ARGS_RESTORE, 0 },
	{ "lsm-profile",          0,  true,  KEEP,     CFD_ARGS_RESTORE, 0 },
	{ "lsm-mount-context",    0,  true,  KEEP,     CFD_ARGS_RESTORE, 0 },
	{ "tcp-established",      0,  false, KEEP,     CFD_ARGS_RESTORE, 0 },
	{ "ext-unix-sk",          0,  false, KEEP,     CFD_ARGS_RESTORE, 0 },
	{ "shell-job",            0,  false, KEEP,     CFD_ARGS_RESTORE, 0 },
	{ "file-locks",           0,  false, KEEP,     CFD_ARGS_RESTORE, 0 },
	{ "auto-dedup",           0,  false, KEEP,     CFD_ARGS_RESTORE, 0 },
	{ "lazy-pages",           0,  false, KEEP,     CFD_ARGS_RESTORE, 0 },
};

static const struct {
	const char *name;
	enum cfd_args_command command;
} commands[] = {
	{ "create",  CFD_ARGS_CREATE },
	{ "run",     CFD_ARGS_RUN },
	{ "restore", CFD_ARGS_RESTORE },
	{ "exec",    CFD_ARGS_EXEC },
	{ "update",  CFD_ARGS_UPDATE },
};

/* What is understood and refused: it takes away what config.json cannot show, or gives what create would have judged. */
static const struct {
	const char *word, *why;
} refused[] = {
	/* runc-run(8): "should not be used except in exceptional circumstances, and may be unsafe" */
	{ "--no-pivot", "the host's root filesystem would stay in the container's mount namespace; a host that runs from an "
			"initramfs must move its root to another filesystem" },
	/* No runtime's containers come back: lib/rules/restore.c. Without --leave-running this would be their end. */
	{ "checkpoint", "restore is refused, as what it brings back cannot be judged, so the container would be lost; stop "
			"it, and create it anew" },
	/* crun src/mounts.c: binds any path of the host */
	{ "mounts",     "it adds mounts to a running container, which nothing judges; create the container with them" },
};
// clang-format on

static int check_accepted(const char *word, struct cfd_error *err)
{
	for (size_t i = 0; i < CFD_COUNT(refused); i++)
		if (cfd_streq(word, refused[i].word))
			return cfd_fail(err, -EINVAL, "%s is refused: %s", word, refused[i].why);
	return 0;
}

static int store(const struct cfd_option_found *found, struct cfd_args *args, struct cfd_error *err)
{
	void *field = (char *)args + found->option->field;

	if (!found->option->field)
		return 0;
	if (!found->option->kind) {
		*(bool *)field = true;
		return 0;
	}
	if (*(const char **)field)
		return cfd_fail(err, -EINVAL, "option --%s is given twice", found->option->name);
	*(const char **)field = found->value;
	return 0;
}

/* Options from *index on, up to the first word that is none. */
static int parse_options(char **argv, int *index, const struct cfd_option *options, size_t count, struct cfd_args *args,
			 struct cfd_error *err)
{
	struct cfd_option_found found = {0};
	int r = 0;

	for (; !r && argv[*index] && argv[*index][0] == '-'; *index += found.words) {
		r = cfd_option_scan(argv, *index, options, count, &found, err);
		if (!r && args->command != CFD_ARGS_OTHER && !(found.option->commands & args->command))
			r = cfd_fail(err, -EINVAL, "option %s does not belong to %s", argv[*index],
				     argv[args->command_index]);
		if (!r)
			r = check_accepted(argv[*index], err);
		if (!r)
			r = store(&found, args, err);
	}
	return r;
}

static enum cfd_args_command find_command(const char *name)
{
	for (size_t i = 0; name && i < CFD_COUNT(commands); i++)
		if (cfd_streq(name, commands[i].name))
			return commands[i].command;
	return CFD_ARGS_OTHER;
}

static int parse_command(char **argv, struct cfd_args *args, struct cfd_error *err)
{
	const char *name = argv[args->command_index];
	int index = args->command_index + 1;
	int r = parse_options(argv, &index, command_options, CFD_COUNT(command_options), args, err);

	if (r)
		return cfd_wrap(err, "%s", name);
	if (!argv[index])
		return cfd_fail(err, -EINVAL, "%s: the container's id is missing", name);
	args->id = argv[index];
	/* runc takes options from behind the id as well, crun does not. */
	if (argv[index + 1])
		return cfd_fail(err, -EINVAL, "%s: nothing may follow the container's id, but %s does", name,
				argv[index + 1]);
	if (args->root && args->root[0] != '/')
		return cfd_fail(err, -EINVAL, "--root %s is not an absolute path", args->root);
	if (args->log_format && !cfd_streq(args->log_format, "json") && !cfd_streq(args->log_format, "text"))
		return cfd_fail(err, -EINVAL, "--log-format %s is neither json nor text", args->log_format);
	return 0;
}

int cfd_args_parse(int argc, char **argv, struct cfd_args *args, struct cfd_error *err)
{
	int index = argc > 0 ? 1 : 0, r;

	args->command = CFD_ARGS_OTHER;
	r = parse_options(argv, &index, global_options, CFD_COUNT(global_options), args, err);
	if (r)
		return r;
	args->command_index = index < argc ? index : argc;
	args->command = find_command(argv[args->command_index]);
	if (args->command & ANY)
		return parse_command(argv, args, err);
	return index < argc ? check_accepted(argv[index], err) : 0;
}

struct list {
	char **words;
	size_t count;
};

static int append(struct list *list, const char *word, struct cfd_error *err)
{
	list->words[list->count] = strdup(word);
	return list->words[list->count++] ? 0 : cfd_fail_memory(err, "the runtime's arguments");
}

static int append_absolute(struct list *list, const char *path, struct cfd_error *err)
{
	CFD_AUTO_FREE char *cwd = NULL, *absolute = NULL;

	if (path[0] == '/')
		return append(list, path, err);
	cwd = getcwd(NULL, 0);
	if (!cwd || asprintf(&absolute, "%s/%s", cwd, path) < 0) {
		absolute = NULL;
		return cfd_fail(err, -EINVAL, "%s cannot be made absolute: the working directory has no path", path);
	}
	return append(list, absolute, err);
}

static int append_option(struct list *list, char **words, const struct cfd_option_found *found, struct cfd_error *err)
{
	int r = 0;

	if (found->option->use == DROP)
		return 0;
	if (found->option->use == ABSOLUTE) {
		char name[64];

		snprintf(name, sizeof(name), "--%s", found->option->name);
		r = append(list, name, err);
		return r ? r : append_absolute(list, found->value, err);
	}
	for (int i = 0; !r && i < found->words; i++)
		r = append(list, words[i], err);
	return r;
}

static void free_list(struct list *list)
{
	cfd_strings_free(list->words);
}

int cfd_args_rewrite(char **argv, const struct cfd_args *args, const char *runtime, const char *bundle,
		     char ***ret_argv, struct cfd_error *err)
{
	CFD_AUTO(free_list) struct list list = {0};
	struct cfd_option_found found = {0};
	size_t count = 0;
	int r;

	while (argv[count])
		count++;
	list.words = calloc(2 * count + 4, sizeof(*list.words)); /* `--x=v` may become two words */
	if (!list.words)
		return cfd_fail_memory(err, "the runtime's arguments");
	r = append(&list, runtime, err);
	for (int i = 1; !r && i <= args->command_index; i++)
		r = append(&list, argv[i], err);
	for (int i = args->command_index + 1; !r && argv[i] != args->id; i += found.words) {
		r = cfd_option_scan(argv, i, command_options, CFD_COUNT(command_options), &found, err);
		if (!r)
			r = append_option(&list, argv + i, &found, err);
	}
	if (!r)
		r = append(&list, "--bundle", err);
	if (!r)
		r = append(&list, bundle, err);
	if (!r)
		r = append(&list, args->id, err);
	if (!r)
		*ret_argv = cfd_take(list.words);
	return r;
}
