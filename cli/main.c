/* SPDX-License-Identifier: Apache-2.0 */
/* cofferdam: what people type. */
#include "cli/command.h"

#include "lib/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// clang-format off
static const struct cfd_command commands[] = {
	{ "check", "CONFIG|BUNDLE [--image REF] [--profile NAME] [--format text|json]",
	  "judge a config.json as a create would; 0 passes, 1 refused, 2 undecided", cfd_command_check },
	{ "doctor", "[--guard]", "what this host has, what is missing, what to do about it", cfd_command_doctor },
	{ "events", "[--follow] [--json]", "what the guard denied, from the audit log", cfd_command_events },
	{ "gc", "", "remove what containers left that were killed", cfd_command_gc },
	{ "rules", "[ID]", "every rule, or one: what it refuses, why, how to allow it", cfd_command_rules },
	{ "status", "[ID] [--json]", "containers that live, and what is in force for them", cfd_command_status },
};
// clang-format on

static int find_option(const char *word, const struct cfd_option *options, size_t count)
{
	size_t length = strcspn(word + 2, "=");

	for (size_t i = 0; i < count; i++)
		if (strlen(options[i].name) == length && strncmp(options[i].name, word + 2, length) == 0)
			return (int)i;
	return -1;
}

int cfd_command_options(int argc, char **argv, const struct cfd_option *options, size_t count, const char **operands,
			size_t room, struct cfd_error *err)
{
	size_t used = 0;

	for (int i = 1; i < argc; i++) {
		const char *equals = strchr(argv[i], '=');
		int found;

		if (!cfd_starts_with(argv[i], "--")) {
			if (used == room)
				return cfd_fail(err, -EINVAL, "%s: %s is one word too many", argv[0], argv[i]);
			operands[used++] = argv[i];
			continue;
		}
		found = find_option(argv[i], options, count);
		if (found < 0)
			return cfd_fail(err, -EINVAL, "%s has no option %s", argv[0], argv[i]);
		if (!options[found].value && equals)
			return cfd_fail(err, -EINVAL, "--%s takes no value", options[found].name);
		if (!options[found].value)
			*options[found].flag = true;
		else if (equals || i + 1 < argc)
			*options[found].value = equals ? equals + 1 : argv[++i];
		else
			return cfd_fail(err, -EINVAL, "--%s needs a value", options[found].name);
	}
	return 0;
}

static void print_usage(FILE *stream)
{
	fputs("usage: cofferdam COMMAND [ARGUMENTS]\n\n", stream);
	for (size_t i = 0; i < CFD_COUNT(commands); i++)
		fprintf(stream, "  cofferdam %s%s%s\n      %s\n", commands[i].name, *commands[i].synopsis ? " " : "",
			commands[i].synopsis, commands[i].summary);
	fputs("  cofferdam --version\n", stream);
}

static int run(const struct cfd_command *command, int argc, char **argv)
{
	struct cfd_error err = {0};
	int status = command->run(argc, argv, &err);

	if (status < 0) {
		fprintf(stderr, "cofferdam: %s\n", err.message);
		status = CFD_STATUS_TROUBLE;
	}
	if (fflush(stdout) || ferror(stdout)) {
		fputs("cofferdam: cannot write the output\n", stderr);
		return CFD_STATUS_TROUBLE;
	}
	return status;
}

int main(int argc, char **argv)
{
	if (argc == 2 && (cfd_streq(argv[1], "--help") || cfd_streq(argv[1], "help"))) {
		print_usage(stdout);
		return CFD_STATUS_OK;
	}
	if (argc == 2 && cfd_streq(argv[1], "--version")) {
		puts("cofferdam " CFD_VERSION);
		return CFD_STATUS_OK;
	}
	for (size_t i = 0; argc > 1 && i < CFD_COUNT(commands); i++)
		if (cfd_streq(argv[1], commands[i].name))
			return run(&commands[i], argc - 1, argv + 1);
	print_usage(stderr);
	return CFD_STATUS_TROUBLE;
}
