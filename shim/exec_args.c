/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `exec`. */
#include "shim/exec_args.h"

#include "shim/args.h"
#include "shim/options.h"

#include "lib/caps.h"
#include "lib/json/fields.h"
#include "lib/json/json.h"
#include "lib/state/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum use {
	KEEP,           /* says nothing of the process */
	ONE,            /* a string of struct cfd_exec_args */
	LIST,           /* may be repeated */
	CAPABILITY,     /* may be repeated; handed on if the container has it */
	NEW_PRIVILEGES, /* handed on as cofferdam writes it */
	PRESERVE_FDS,   /* a string of struct cfd_args */
};

#define FIELD(name) offsetof(struct cfd_exec_args, name)
#define ID_MAX 4294967294u /* as in lib/spec/schema_rows.h */

/* crun 1.8-1.28 (src/exec.c) and runc 1.1-1.3 (exec.go) */
// clang-format off
static const struct cfd_option options[] = {
	{ "process",        'p', CFD_OPTION_VALUE,  ONE,            0, FIELD(process) },
	{ "cap",            'c', CFD_OPTION_VALUE,  CAPABILITY,     0, FIELD(caps) },
	{ "user",           'u', CFD_OPTION_VALUE,  ONE,            0, FIELD(user) },
	{ "additional-gids", 'g', CFD_OPTION_VALUE, LIST,          0, FIELD(gids) },
	{ "env",            'e', CFD_OPTION_VALUE,  LIST,           0, FIELD(env) },
	{ "cwd",             0,  CFD_OPTION_VALUE,  ONE,            0, FIELD(cwd) },
	{ "apparmor",        0,  CFD_OPTION_VALUE,  ONE,            0, FIELD(apparmor) },
	{ "process-label",   0,  CFD_OPTION_VALUE,  ONE,            0, FIELD(process_label) },
	{ "no-new-privs",    0,  CFD_OPTION_SWITCH, NEW_PRIVILEGES, 0, FIELD(new_privileges) },
	{ "cgroup",          0,  CFD_OPTION_VALUE,  LIST,           0, FIELD(cgroups) },
	{ "tty",            't', CFD_OPTION_SWITCH, KEEP,           0, 0 },
	{ "detach",         'd', CFD_OPTION_SWITCH, KEEP,           0, 0 },
	{ "ignore-paused",   0,  CFD_OPTION_SWITCH, KEEP,           0, 0 },
	{ "pid-file",        0,  CFD_OPTION_VALUE,  KEEP,           0, 0 },
	{ "console-socket",  0,  CFD_OPTION_VALUE,  KEEP,           0, 0 },
	{ "pidfd-socket",    0,  CFD_OPTION_VALUE,  KEEP,           0, 0 },
	{ "preserve-fds",    0,  CFD_OPTION_VALUE,  PRESERVE_FDS,   0, 0 },
};
// clang-format on

static int store_one(const struct cfd_option_found *found, const char **field, struct cfd_error *err)
{
	if (*field)
		return cfd_fail(err, -EINVAL, "option --%s is given twice", found->option->name);
	*field = found->value;
	return 0;
}

/* Room for one more is made each time: command lines are short. */
static int store_list(const struct cfd_option_found *found, struct cfd_spec_strings *list, struct cfd_error *err)
{
	const char **values = reallocarray(list->values, list->count + 1, sizeof(*values));

	if (!values)
		return cfd_fail_memory(err, "the options of exec");
	list->values = values;
	values[list->count++] = found->value;
	return 0;
}

static int store(const struct cfd_option_found *found, struct cfd_args *args, struct cfd_exec_args *exec,
		 struct cfd_error *err)
{
	void *field = (char *)exec + found->option->field;

	switch ((enum use)found->option->use) {
	case ONE:
		return store_one(found, field, err);
	case LIST:
	case CAPABILITY:
		return store_list(found, field, err);
	case NEW_PRIVILEGES:
		exec->new_privileges = cfd_streq(found->value, "false");
		return 0;
	case PRESERVE_FDS:
		return store_one(found, &args->preserve_fds, err);
	case KEEP:
		break;
	}
	return 0;
}

static int check_together(const struct cfd_exec_args *exec, struct cfd_error *err)
{
	if (exec->process && (exec->caps.count || exec->user || exec->gids.count || exec->env.count || exec->cwd ||
			      exec->apparmor || exec->process_label || exec->new_privileges))
		return cfd_fail(err, -EINVAL,
				"--process and options that describe a process are given; the runtimes would ignore "
				"the options: write all of it into %s",
				exec->process);
	if (exec->process && cfd_streq(exec->process, "-"))
		return cfd_fail(err, -EINVAL, "--process -: name a file; the runtimes read `-` differently");
	return 0;
}

int cfd_exec_args_parse(char **argv, struct cfd_args *args, struct cfd_exec_args *exec, struct cfd_error *err)
{
	int index = args->command_index + 1, r = 0;
	struct cfd_option_found found = {0};

	for (; !r && argv[index] && argv[index][0] == '-'; index += found.words) {
		r = cfd_option_scan(argv, index, options, CFD_COUNT(options), &found, err);
		if (!r)
			r = store(&found, args, exec, err);
	}
	if (!r)
		r = check_together(exec, err);
	if (r)
		return r;
	if (!argv[index])
		return cfd_fail(err, -EINVAL, "the container's id is missing");
	exec->id_index = index;
	args->id = argv[index];
	return 0;
}

void cfd_exec_args_release(struct cfd_exec_args *exec)
{
	free(exec->caps.values);
	free(exec->env.values);
	free(exec->gids.values);
	free(exec->cgroups.values);
	*exec = (struct cfd_exec_args){0};
}

/* Everything below builds a document; whatever fails for want of memory is NULL, and noticed at the end. */
static struct cfd_json *new_strings(struct cfd_json_doc *doc, const struct cfd_spec_strings *strings, bool *failed)
{
	struct cfd_json *array = cfd_json_new_array(doc);

	for (size_t i = 0; i < strings->count; i++)
		if (cfd_json_append(doc, array, cfd_json_new_string(doc, strings->values[i])))
			*failed = true;
	return array;
}

static void set(struct cfd_json_doc *doc, struct cfd_json *object, const char *key, struct cfd_json *value,
		bool *failed)
{
	if (cfd_json_set(doc, object, key, value))
		*failed = true;
}

static void set_string(struct cfd_json_doc *doc, const char *key, const char *value, bool *failed)
{
	if (value)
		set(doc, cfd_json_root(doc), key, cfd_json_new_string(doc, value), failed);
}

static int parse_id(const char *text, const char *option, uint64_t *ret_id, struct cfd_error *err)
{
	if (cfd_parse_u64(text, ID_MAX, ret_id))
		return cfd_fail(err, -EINVAL, "%s %s: neither UID, nor UID:GID, nor GID; names are not taken", option,
				text);
	return 0;
}

/* UID or UID:GID. Without it both runtimes take the container's own (crun before 1.9: root). */
static int set_user(struct cfd_json_doc *doc, const struct cfd_exec_args *exec, const struct cfd_record *record,
		    bool *failed, struct cfd_error *err)
{
	struct cfd_json *user = cfd_json_new_object(doc), *gids = cfd_json_new_array(doc);
	const char *colon = exec->user ? strchr(exec->user, ':') : NULL;
	uint64_t uid = (uint64_t)record->uid, id = 0;
	CFD_AUTO_FREE char *first = exec->user ? strndup(exec->user, strcspn(exec->user, ":")) : NULL;
	int r = first ? parse_id(first, "--user", &uid, err) : 0;

	set(doc, user, "uid", cfd_json_new_u64(doc, uid), failed);
	if (!r && colon)
		r = parse_id(colon + 1, "--user", &id, err);
	if (!r && colon)
		set(doc, user, "gid", cfd_json_new_u64(doc, id), failed);
	for (size_t i = 0; !r && i < exec->gids.count; i++) {
		r = parse_id(exec->gids.values[i], "--additional-gids", &id, err);
		if (!r && cfd_json_append(doc, gids, cfd_json_new_u64(doc, id)))
			*failed = true;
	}
	set(doc, user, "additionalGids", gids, failed);
	set(doc, cfd_json_root(doc), "user", user, failed);
	return r;
}

/* crun puts them into every set but inheritable, runc into bounding, effective, permitted and perhaps ambient. */
static void set_capabilities(struct cfd_json_doc *doc, const struct cfd_exec_args *exec, bool *failed)
{
	static const char *const sets[] = {"bounding", "effective", "permitted", "ambient"};
	struct cfd_json *capabilities = cfd_json_new_object(doc);

	if (!exec->caps.count)
		return;
	for (size_t i = 0; i < CFD_COUNT(sets); i++)
		set(doc, capabilities, sets[i], new_strings(doc, &exec->caps, failed), failed);
	set(doc, cfd_json_root(doc), "capabilities", capabilities, failed);
}

static int check_text(const struct cfd_exec_args *exec, struct cfd_error *err)
{
	const char *const strings[] = {exec->user, exec->cwd, exec->apparmor, exec->process_label};
	const struct cfd_spec_strings *const lists[] = {&exec->caps, &exec->env, &exec->gids, &exec->cgroups};
	bool valid = true;

	for (size_t i = 0; i < CFD_COUNT(strings); i++)
		valid = valid && (!strings[i] || cfd_utf8_valid(strings[i]));
	for (size_t i = 0; i < CFD_COUNT(lists); i++)
		for (size_t j = 0; j < lists[i]->count; j++)
			valid = valid && cfd_utf8_valid(lists[i]->values[j]);
	return valid ? 0 : cfd_fail(err, -EINVAL, "an option's value is not UTF-8, which config.json would have to be");
}

int cfd_exec_args_process(const struct cfd_exec_args *exec, const struct cfd_record *record,
			  struct cfd_json_doc **ret_doc, struct cfd_error *err)
{
	static const struct cfd_json_options json = {.name = "the options of exec"};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	bool failed = false;
	int r = check_text(exec, err);

	if (!r)
		r = cfd_json_parse("{}", 2, &json, &doc, err);
	if (!r)
		r = set_user(doc, exec, record, &failed, err);
	if (r)
		return r;
	set_capabilities(doc, exec, &failed);
	set(doc, cfd_json_root(doc), "env", new_strings(doc, &exec->env, &failed), &failed);
	set_string(doc, "cwd", exec->cwd ? exec->cwd : "/", &failed);
	set_string(doc, "apparmorProfile", exec->apparmor, &failed);
	set_string(doc, "selinuxLabel", exec->process_label, &failed);
	if (exec->new_privileges)
		set(doc, cfd_json_root(doc), "noNewPrivileges", cfd_json_new_bool(doc, false), &failed);
	if (failed)
		return cfd_fail_memory(err, json.name);
	*ret_doc = cfd_take(doc);
	return 0;
}

struct list {
	char **words;
	size_t count;
	bool failed;
};

static void append(struct list *list, const char *word)
{
	list->words[list->count] = strdup(word);
	list->failed = list->failed || !list->words[list->count++];
}

static void free_list(struct list *list)
{
	cfd_strings_free(list->words);
}

static bool is_left_out(const struct cfd_option_found *found, const struct cfd_record *record)
{
	unsigned number = 0;

	if (found->option->use == NEW_PRIVILEGES)
		return record->no_new_privileges;
	return found->option->use == CAPABILITY &&
	       (cfd_caps_number(found->value, &number) || !(record->capabilities >> number & 1));
}

/* The option in argv[index] as the runtime gets it. */
static void append_option(struct list *list, char **words, const struct cfd_option_found *found,
			  const struct cfd_record *record, const char *process_file)
{
	if (is_left_out(found, record))
		return;
	if (process_file && cfd_streq(found->option->name, "process")) {
		append(list, "--process");
		append(list, process_file);
		return;
	}
	for (int i = 0; i < found->words; i++)
		append(list, words[i]);
}

int cfd_exec_args_rewrite(char **argv, const struct cfd_args *args, const struct cfd_exec_args *exec,
			  const struct cfd_record *record, const char *runtime, const char *process_file,
			  char ***ret_argv, struct cfd_error *err)
{
	CFD_AUTO(free_list) struct list list = {0};
	struct cfd_option_found found = {0};
	size_t count = 0;
	int r = 0;

	while (argv[count])
		count++;
	list.words = calloc(count + 4, sizeof(*list.words)); /* `--process=x` becomes two words, --no-new-privs, NULL */
	if (!list.words)
		return cfd_fail_memory(err, "the runtime's arguments");
	append(&list, runtime);
	for (int i = 1; i <= args->command_index; i++)
		append(&list, argv[i]);
	if (!exec->process && record->no_new_privileges)
		append(&list, "--no-new-privs");
	for (int i = args->command_index + 1; !r && i < exec->id_index; i += found.words) {
		r = cfd_option_scan(argv, i, options, CFD_COUNT(options), &found, err);
		if (!r)
			append_option(&list, argv + i, &found, record, process_file);
	}
	for (char **word = argv + exec->id_index; !r && *word; word++)
		append(&list, *word);
	if (!r && list.failed)
		r = cfd_fail_memory(err, "the runtime's arguments");
	if (!r)
		*ret_argv = cfd_take(list.words);
	return r;
}
