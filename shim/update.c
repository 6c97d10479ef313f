/* SPDX-License-Identifier: Apache-2.0 */
/* update, step by step. */
#include "shim/update.h"

#include "shim/args.h"
#include "shim/later.h"
#include "shim/options.h"

#include "lib/fd.h"
#include "lib/json/fields.h"
#include "lib/json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum use {
	LIMIT,
	RESOURCES,
	RESCTRL, /* refused, as linux.intelRdt is at create */
};

/* crun 1.8-1.28 (src/update.c) and runc 1.1-1.3 (update.go) */
// clang-format off
static const struct cfd_option options[] = {
	{ "resources",         'r', CFD_OPTION_VALUE, RESOURCES, 0, 0 },
	{ "blkio-weight",       0,  CFD_OPTION_VALUE, LIMIT,     0, 0 },
	{ "cpu-period",         0,  CFD_OPTION_VALUE, LIMIT,     0, 0 },
	{ "cpu-quota",          0,  CFD_OPTION_VALUE, LIMIT,     0, 0 },
	{ "cpu-burst",          0,  CFD_OPTION_VALUE, LIMIT,     0, 0 },
	{ "cpu-share",          0,  CFD_OPTION_VALUE, LIMIT,     0, 0 },
	{ "cpu-rt-period",      0,  CFD_OPTION_VALUE, LIMIT,     0, 0 },
	{ "cpu-rt-runtime",     0,  CFD_OPTION_VALUE, LIMIT,     0, 0 },
	{ "cpu-idle",           0,  CFD_OPTION_VALUE, LIMIT,     0, 0 },
	{ "cpuset-cpus",        0,  CFD_OPTION_VALUE, LIMIT,     0, 0 },
	{ "cpuset-mems",        0,  CFD_OPTION_VALUE, LIMIT,     0, 0 },
	{ "kernel-memory",      0,  CFD_OPTION_VALUE, LIMIT,     0, 0 },
	{ "kernel-memory-tcp",  0,  CFD_OPTION_VALUE, LIMIT,     0, 0 },
	{ "memory",             0,  CFD_OPTION_VALUE, LIMIT,     0, 0 },
	{ "memory-reservation", 0,  CFD_OPTION_VALUE, LIMIT,     0, 0 },
	{ "memory-swap",        0,  CFD_OPTION_VALUE, LIMIT,     0, 0 },
	{ "pids-limit",         0,  CFD_OPTION_VALUE, LIMIT,     0, 0 },
	{ "l3-cache-schema",    0,  CFD_OPTION_VALUE, RESCTRL,   0, 0 },
	{ "mem-bw-schema",      0,  CFD_OPTION_VALUE, RESCTRL,   0, 0 },
};
// clang-format on

struct update {
	struct cfd_later later;
	const char *resources; /* borrowed from argv; NULL: none are given */
	size_t index, words;   /* of that option in argv */
	struct cfd_json_doc *created;
};

static void release(struct update *update)
{
	cfd_json_doc_freep(&update->created);
	cfd_later_release(&update->later);
}

static int take_option(struct update *update, const struct cfd_option_found *found, int index, struct cfd_error *err)
{
	if (found->option->use == RESCTRL)
		return cfd_fail(err, -EINVAL,
				"--%s is refused: the runtime writes the host's resctrl filesystem [process.intel-rdt]",
				found->option->name);
	if (found->option->use == LIMIT)
		return 0;
	if (update->resources)
		return cfd_fail(err, -EINVAL, "option --resources is given twice");
	update->resources = found->value;
	update->index = (size_t)index;
	update->words = (size_t)found->words;
	return 0;
}

static int parse(struct update *update, struct cfd_error *err)
{
	struct cfd_args *args = update->later.args;
	int index = args->command_index + 1, r = 0;
	struct cfd_option_found found = {0};
	char **argv = update->later.argv;

	for (; !r && argv[index] && argv[index][0] == '-'; index += found.words) {
		r = cfd_option_scan(argv, index, options, CFD_COUNT(options), &found, err);
		if (!r)
			r = take_option(update, &found, index, err);
	}
	if (r)
		return r;
	args->id = argv[index];
	if (!args->id)
		return cfd_fail(err, -EINVAL, "the container's id is missing");
	/* runc takes options from behind the id as well, crun does not. */
	return argv[index + 1]
		       ? cfd_fail(err, -EINVAL, "nothing may follow the container's id, but %s does", argv[index + 1])
		       : 0;
}

static int read_resources(struct update *update, struct cfd_error *err)
{
	struct cfd_later *later = &update->later;
	CFD_AUTO_FD int fd = -1;
	int r = 0;

	if (cfd_streq(update->resources, "-"))
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	else
		r = cfd_fd_open_regular(AT_FDCWD, update->resources, &fd, err);
	if (!r && fd < 0)
		r = cfd_fail_errno(err, -errno, "cannot read standard input");
	if (!r)
		r = cfd_later_read(later, fd, update->resources, err);
	return r ? r : cfd_spec_read_resources(later->verdict.doc, CFD_SPEC_UNKNOWN_WARN, &later->verdict.spec, err);
}

/* What cofferdam wrote for the runtime at create; it lives as long as the container. */
static int read_created(struct update *update, struct cfd_error *err)
{
	static const struct cfd_json_options json = {.name = "the container's config.json"};
	const struct cfd_args *args = update->later.args;
	char path[PATH_MAX], key[CFD_STATE_KEY_MAX + 1];
	CFD_AUTO_BUF struct cfd_buf text = {0};
	int r = cfd_state_key(args->id, args->root ? args->root : "", key, err);

	snprintf(path, sizeof(path), "%s/containers/%s/bundle/config.json", update->later.state_path, key);
	if (!r)
		r = cfd_fd_read_file(AT_FDCWD, path, CFD_JSON_MAX_BYTES, &text, err);
	return r ? r : cfd_json_parse(text.data ? text.data : "", text.length, &json, &update->created, err);
}

/* The copy instead of what was given. */
static int rewrite(struct update *update, int copy, struct cfd_error *err)
{
	struct cfd_later *later = &update->later;
	size_t count = 0, to = 0;
	bool failed = false;
	char file[48];

	while (later->argv[count])
		count++;
	later->runtime_argv = calloc(count + 1, sizeof(*later->runtime_argv));
	snprintf(file, sizeof(file), "--resources=/proc/self/fd/%d", copy);
	for (size_t i = 0; later->runtime_argv && !failed && i < count; i++) {
		const char *word = i == 0 ? later->runtime : later->argv[i];

		if (i == update->index) {
			word = file;
			i += update->words - 1;
		}
		later->runtime_argv[to] = strdup(word);
		failed = !later->runtime_argv[to++];
	}
	return !later->runtime_argv || failed ? cfd_fail_memory(err, "the runtime's arguments") : 0;
}

static int judge(struct update *update, struct cfd_error *err)
{
	struct cfd_later *later = &update->later;
	struct cfd_rules_context context = {0};
	struct cfd_json *resources;
	int copy = -1, r = read_resources(update, err);

	if (!r)
		r = read_created(update, err);
	if (r)
		return r;
	context.device_rules = cfd_json_get(
		cfd_json_get(cfd_json_get(cfd_json_root(update->created), "linux"), "resources"), "devices");
	r = cfd_later_judge(later, &context, err);
	if (r)
		return r;
	resources = cfd_json_get(cfd_json_get(later->verdict.spec.root, "linux"), "resources");
	cfd_json_remove(resources, "devices");
	r = cfd_later_copy(resources, "cofferdam-update", STDERR_FILENO + 1, &copy, err);
	return r ? r : rewrite(update, copy, err);
}

int cfd_update(char **argv, struct cfd_args *args, struct cfd_buf *ret_text)
{
	CFD_AUTO(release) struct update update = {.later = CFD_LATER_INIT};
	struct cfd_error err = {0};
	int r;

	update.later.argv = argv;
	update.later.args = args;
	update.later.occasion = CFD_UPDATE;
	r = parse(&update, &err);
	if (!r)
		r = cfd_later_find(&update.later, &err);
	if (!r && update.later.found && update.resources)
		r = judge(&update, &err);
	if (!r)
		cfd_later_hand_on(&update.later, &err);
	return cfd_later_refuse(&update.later, &err, ret_text);
}
