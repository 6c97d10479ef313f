/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of `cofferdam`: one file each, one row each in cli/main.c. */
#ifndef CFD_CLI_COMMAND_H
#define CFD_CLI_COMMAND_H

#include "lib/base.h"

struct cfd_error;

/* Exit statuses that scripts rely on. */
enum cfd_status {
	CFD_STATUS_OK = 0,
	CFD_STATUS_NO = 1,      /* refused, or something is missing */
	CFD_STATUS_TROUBLE = 2, /* the question could not be answered, or was not understood */
};

/*
 * The synopsis says what there is, to people, to the shells' completion (cli/completion.c) and to cfd_command_options,
 * which knows no other options: words `[--flag]`, `[--option VALUE]`, `OPERAND`, `[OPERAND]`, `OPERAND...`. What a
 * VALUE or OPERAND can be is told by its word: small letters stand for themselves (`text|json`), capitals for a kind
 * (PROFILE, RULE, CONTAINER, FILE, ...).
 */
struct cfd_command {
	const char *name; /* of one word, or of two: "profile lint" */
	const char *synopsis, *summary;
	int (*run)(int argc, char **argv,
		   struct cfd_error *err); /* argv[0] is the command's name; -errno: err is printed */
};

extern const struct cfd_command cfd_commands[];
extern const size_t cfd_command_count;

int cfd_command_check(int argc, char **argv, struct cfd_error *err);
int cfd_command_completion(int argc, char **argv, struct cfd_error *err);
int cfd_command_doctor(int argc, char **argv, struct cfd_error *err);
int cfd_command_events(int argc, char **argv, struct cfd_error *err);
int cfd_command_exempt(int argc, char **argv, struct cfd_error *err);
int cfd_command_gc(int argc, char **argv, struct cfd_error *err);
int cfd_command_profile_lint(int argc, char **argv, struct cfd_error *err);
int cfd_command_profile_list(int argc, char **argv, struct cfd_error *err);
int cfd_command_profile_match(int argc, char **argv, struct cfd_error *err);
int cfd_command_profile_record(int argc, char **argv, struct cfd_error *err);
int cfd_command_profile_show(int argc, char **argv, struct cfd_error *err);
int cfd_command_rules(int argc, char **argv, struct cfd_error *err);
int cfd_command_status(int argc, char **argv, struct cfd_error *err);

/*
 * Options of a subcommand by a table: `--name value`, `--name=value`, and flags. Words that are no options are put into
 * `operands`, at most `room` of them. -EINVAL: not understood.
 */
struct cfd_option {
	const char *name;
	const char **value; /* NULL: a flag */
	bool *flag;
};

int cfd_command_options(int argc, char **argv, const struct cfd_option *options, size_t count, const char **operands,
			size_t room, struct cfd_error *err);

/* Whether --format asks for JSON. -EINVAL: it is neither text nor json. */
int cfd_command_json(const char *format, bool *ret_json, struct cfd_error *err);

#endif
