/* SPDX-License-Identifier: Apache-2.0 */
/* cofferdam: what people type. */
#include "cli/command.h"

#include "lib/err.h"
#include "lib/near.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// clang-format off
const struct cfd_command cfd_commands[] = {
	{ "check", "CONFIG|BUNDLE [--image IMAGE] [--profile PROFILE] [--profiles DIR] "
	  "[--standard pss-baseline|pss-restricted|cis-docker] [--format text|json|sarif|junit]",
	  "judge a config.json as a create would; 0 passes, 1 refused, 2 undecided", cfd_command_check },
	{ "completion", "bash|zsh|fish", "completion of this command line for that shell", cfd_command_completion },
	{ "doctor", "[--guard]", "what this host has, what is missing, what to do about it", cfd_command_doctor },
	{ "events", "[--follow] [--container CONTAINER] [--json]", "what the guard denied, from the audit log", cfd_command_events },
	{ "exempt", "CONTAINER [--exec] [--net] [--for TIME] [--reason TEXT] [--end]",
	  "let a container do for a while what the guard denies; the kernel ends it", cfd_command_exempt },
	{ "gc", "", "remove what containers left that were killed", cfd_command_gc },
	{ "profile lint", "FILE... [--format text|json]",
	  "every mistake in these profiles, with its place and what was probably meant", cfd_command_profile_lint },
	{ "profile list", "[--format text|json]", "all profiles, their files, what they match", cfd_command_profile_list },
	{ "profile match", "IMAGE [--digest DIGEST] [--format text|json]",
	  "which profile an image gets, why, and which lost", cfd_command_profile_match },
	{ "profile record", "[IMAGE|CONTAINER] [--forget]",
	  "a profile that the recorded runs of an image would pass", cfd_command_profile_record },
	{ "profile show", "PROFILE [--format text|json]",
	  "a profile with all that it extends, each line with the file that says so", cfd_command_profile_show },
	{ "rules", "[RULE] [--format text|json]", "every rule, or one: what it refuses, why, how to allow it", cfd_command_rules },
	{ "status", "[CONTAINER] [--format text|json|prometheus] [--json]",
	  "containers that live, and what is in force for them; or one at length", cfd_command_status },
};
// clang-format on

const size_t cfd_command_count = CFD_COUNT(cfd_commands);

static int find_option(const char *word, const struct cfd_option *options, size_t count)
{
	size_t length = strcspn(word + 2, "=");

	for (size_t i = 0; i < count; i++)
		if (strlen(options[i].name) == length && strncmp(options[i].name, word + 2, length) == 0)
			return (int)i;
	return -1;
}

/* The synopsis is what completion and people know, so it has every option. */
static bool is_in_synopsis(const char *command, const char *option)
{
	char word[64];

	snprintf(word, sizeof(word), "[--%s", option);
	for (size_t i = 0; i < cfd_command_count; i++) {
		const char *found =
			cfd_streq(cfd_commands[i].name, command) ? strstr(cfd_commands[i].synopsis, word) : NULL;

		if (found && strchr(" ]", found[strlen(word)]))
			return true;
	}
	return false;
}

static int fail_option(const char *command, const char *word, const struct cfd_option *options, size_t count,
		       struct cfd_error *err)
{
	struct cfd_near near = cfd_near_start(word + strlen("--"));

	for (size_t i = 0; i < count; i++)
		cfd_near_offer(&near, options[i].name);
	return cfd_fail(err, -EINVAL, "%s has no option %s%s%s%s", command, word, near.meant ? "; did you mean --" : "",
			near.meant ? near.meant : "", near.meant ? "?" : "");
}

int cfd_command_options(int argc, char **argv, const struct cfd_option *options, size_t count, const char **operands,
			size_t room, struct cfd_error *err)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++)
		if (!is_in_synopsis(argv[0], options[i].name))
			return cfd_fail(err, -ENOSYS, "the synopsis of %s lacks --%s", argv[0], options[i].name);
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
			return fail_option(argv[0], argv[i], options, count, err);
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

int cfd_command_json(const char *format, bool *ret_json, struct cfd_error *err)
{
	if (!cfd_streq(format, "text") && !cfd_streq(format, "json"))
		return cfd_fail(err, -EINVAL, "--format %s is neither text nor json", format);
	*ret_json = cfd_streq(format, "json");
	return 0;
}

static void print_usage(FILE *stream)
{
	fputs("usage: cofferdam COMMAND [ARGUMENTS]\n\n", stream);
	for (size_t i = 0; i < cfd_command_count; i++)
		fprintf(stream, "  cofferdam %s%s%s\n      %s\n", cfd_commands[i].name,
			*cfd_commands[i].synopsis ? " " : "", cfd_commands[i].synopsis, cfd_commands[i].summary);
	fputs("  cofferdam --version\n", stream);
}

static int run(const struct cfd_command *command, int argc, char **argv)
{
	struct cfd_error err = {0};
	int status;

	argv[0] = (char *)command->name;
	status = command->run(argc, argv, &err);

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

/* The row whose one or two words the arguments begin with, and how many they are. */
static const struct cfd_command *find_command(int argc, char **argv, int *ret_words)
{
	for (size_t i = 0; i < cfd_command_count; i++) {
		const char *name = cfd_commands[i].name, *space = strchr(name, ' ');
		size_t length = space ? (size_t)(space - name) : strlen(name);

		if (argc < (space ? 3 : 2) || strlen(argv[1]) != length || strncmp(argv[1], name, length) != 0)
			continue;
		if (space && !cfd_streq(argv[2], space + 1))
			continue;
		*ret_words = space ? 2 : 1;
		return &cfd_commands[i];
	}
	return NULL;
}

/* Of what was typed, one or two words were commands if they were spelt in another way. */
static void print_unknown(int argc, char **argv)
{
	struct cfd_near near = cfd_near_start(argv[1]), both;
	char words[64] = "";

	if (argc > 2)
		snprintf(words, sizeof(words), "%s %s", argv[1], argv[2]);
	both = cfd_near_start(words);
	for (size_t i = 0; i < cfd_command_count; i++)
		cfd_near_offer(strchr(cfd_commands[i].name, ' ') ? &both : &near, cfd_commands[i].name);
	if (near.meant || both.meant)
		fprintf(stderr, "cofferdam: there is no command %s; did you mean %s?\n", both.meant ? words : argv[1],
			both.meant ? both.meant : near.meant);
	else
		print_usage(stderr);
}

int main(int argc, char **argv)
{
	const struct cfd_command *command;
	int words = 0;

	if (argc == 2 && (cfd_streq(argv[1], "--help") || cfd_streq(argv[1], "help"))) {
		print_usage(stdout);
		return CFD_STATUS_OK;
	}
	if (argc == 2 && cfd_streq(argv[1], "--version")) {
		puts("cofferdam " CFD_VERSION);
		return CFD_STATUS_OK;
	}
	command = find_command(argc, argv, &words);
	if (command)
		return run(command, argc - words, argv + words);
	if (argc > 1)
		print_unknown(argc, argv);
	else
		print_usage(stderr);
	return CFD_STATUS_TROUBLE;
}
