/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime's command line; words are separated by newlines or NULs. What is understood as a create is rewritten to a
 * line that is understood as the same create, of our bundle and no other. The options of exec are read as well.
 */
#include "tests/fuzz/fuzz.h"

#include "lib/err.h"
#include "lib/json/fields.h"
#include "shim/args.h"
#include "shim/exec_args.h"

#include <string.h>

#define WORDS_MAX 256
#define RUNTIME "/usr/bin/crun"
#define BUNDLE "/ours/bundle"

static int split(char *text, size_t size, char *argv[WORDS_MAX + 1])
{
	int argc = 0;

	for (size_t start = 0, i = 0; i <= size && argc < WORDS_MAX; i++)
		if (i == size || text[i] == '\n' || text[i] == '\0') {
			text[i] = '\0';
			argv[argc++] = text + start;
			start = i + 1;
		}
	argv[argc] = NULL;
	return argc;
}

/* The value may be that of another option too, or the id: then it is no sign of the bundle. */
static bool is_only_bundle(char **argv, const char *bundle)
{
	unsigned times = 0;

	for (char **word = argv; *word; word++)
		times += strstr(*word, bundle) != NULL;
	return times == 1;
}

/* Others are ours: a relative path is made absolute, and may have the bundle's text where the two parts meet. */
static bool is_passed_on(char **argv, const char *word)
{
	while (*argv && !cfd_streq(*argv, word))
		argv++;
	return *argv;
}

static void check_same(const char *a, const char *b)
{
	FUZZ_CHECK(a ? cfd_streq(a, b) : !b);
}

static void check_rewritten(char **argv, const struct cfd_args *args, char **rewritten)
{
	struct cfd_args again = {0};
	struct cfd_error err = {0};
	int count = 0;

	while (rewritten[count])
		count++;
	FUZZ_CHECK(count >= 5 && cfd_streq(rewritten[0], RUNTIME) && cfd_streq(rewritten[count - 1], args->id));
	FUZZ_CHECK(cfd_streq(rewritten[count - 2], BUNDLE) && cfd_streq(rewritten[count - 3], "--bundle"));
	for (int i = 0; args->bundle && is_only_bundle(argv, args->bundle) && i < count - 2; i++)
		FUZZ_CHECK(!is_passed_on(argv, rewritten[i]) || !strstr(rewritten[i], args->bundle) ||
			   strstr("--bundle", args->bundle) || strstr(RUNTIME, args->bundle));
	/* Read in the same way it says the same; a second --bundle would be refused. */
	FUZZ_CHECK(cfd_args_parse(count, rewritten, &again, &err) == 0);
	FUZZ_CHECK(again.command == args->command && again.detach == args->detach && !again.config);
	check_same(again.bundle, BUNDLE);
	check_same(again.id, args->id);
	check_same(again.root, args->root);
	check_same(again.log, args->log);
	check_same(again.log_format, args->log_format);
	check_same(again.preserve_fds, args->preserve_fds);
}

/* What stands behind `exec`: the id is a word of its own, and --process stands alone. */
static void check_exec(char **argv, struct cfd_args *args)
{
	CFD_AUTO(cfd_exec_args_release) struct cfd_exec_args exec = {0};
	struct cfd_error err = {0};

	if (cfd_exec_args_parse(argv, args, &exec, &err)) {
		FUZZ_CHECK(*err.message);
		return;
	}
	FUZZ_CHECK(args->id && exec.id_index > args->command_index && argv[exec.id_index] == args->id);
	FUZZ_CHECK(!exec.process || (!exec.user && !exec.cwd && !exec.caps.count && !exec.env.count));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CFD_AUTO_FREE char *text = malloc(size + 1);
	char *argv[WORDS_MAX + 1], **rewritten = NULL;
	struct cfd_error err = {0};
	struct cfd_args args = {0};
	int argc;

	FUZZ_CHECK(text);
	if (size)
		memcpy(text, data, size);
	argc = split(text, size, argv);
	if (cfd_args_parse(argc, argv, &args, &err)) {
		FUZZ_CHECK(*err.message);
		return 0;
	}
	FUZZ_CHECK(args.command_index >= 1 && args.command_index <= argc);
	if (args.command == CFD_ARGS_EXEC)
		check_exec(argv, &args);
	if (!(args.command & (CFD_ARGS_CREATE | CFD_ARGS_RUN | CFD_ARGS_RESTORE)))
		return 0;
	FUZZ_CHECK(args.id && (!args.root || args.root[0] == '/'));
	FUZZ_CHECK(cfd_args_rewrite(argv, &args, RUNTIME, BUNDLE, &rewritten, &err) == 0);
	check_rewritten(argv, &args, rewritten);
	cfd_strings_free(rewritten);
	return 0;
}
