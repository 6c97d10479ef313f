/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cofferdam completion: scripts for shells, made from the synopses of the table of commands, so that they know what the
 * command line knows. What a host has (profiles, containers) they ask for when it is needed: `cofferdam completion
 * profiles` and the like print one name a line. Those names have no character that means something to a shell: their
 * shapes are checked where they are read.
 */
#include "cli/command.h"

#include "lib/err.h"
#include "lib/profile/profile.h"
#include "lib/rules/rules.h"
#include "lib/state/state.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One word of a synopsis: `[--format text|json]`, `[RULE]`, `FILE...`. */
struct part {
	char option[32]; /* without its dashes; "": an operand */
	char value[64];  /* "": a flag */
};

/* What can stand there. */
struct offer {
	char words[512];    /* separated by spaces */
	const char *source; /* of `cofferdam completion SOURCE`, or NULL */
	bool files;
};

static const struct {
	const char *value, *source;
	bool files;
} kinds[] = {
	{"PROFILE", "profiles", false},
	{"RULE", "rules", false},
	{"CONTAINER", "containers", false},
	{"FILE", NULL, true},
	{"CONFIG", NULL, true},
	{"BUNDLE", NULL, true},
	{"DIR", NULL, true},
};

static void copy(char *to, size_t size, const char *from, size_t length)
{
	snprintf(to, size, "%.*s", (int)length, from);
}

/* Takes the next word off the synopsis. */
static bool next_part(const char **synopsis, struct part *part)
{
	const char *start = *synopsis + strspn(*synopsis, " [");
	size_t length = strcspn(start, " ]");

	*part = (struct part){0};
	if (!*start)
		return false;
	if (strncmp(start, "--", 2) == 0) {
		copy(part->option, sizeof(part->option), start + 2, length - 2);
		start += length + (start[length] == ' ');
		length = strcspn(start, "]");
	}
	copy(part->value, sizeof(part->value), start, strcspn(start, " ]."));
	start += length;
	*synopsis = start + strspn(start, "] .");
	return true;
}

static void offer_word(const char *word, size_t length, struct offer *offer)
{
	size_t used = strlen(offer->words);

	if (islower((unsigned char)*word)) {
		snprintf(offer->words + used, sizeof(offer->words) - used, "%s%.*s", used ? " " : "", (int)length,
			 word);
		return;
	}
	for (size_t i = 0; i < CFD_COUNT(kinds); i++) {
		if (strlen(kinds[i].value) != length || strncmp(kinds[i].value, word, length) != 0)
			continue;
		offer->source = kinds[i].source ? kinds[i].source : offer->source;
		offer->files = offer->files || kinds[i].files;
	}
}

static void offer_value(const char *value, struct offer *offer)
{
	for (; *value; value += value[strcspn(value, "|")] ? strcspn(value, "|") + 1 : strcspn(value, "|"))
		offer_word(value, strcspn(value, "|"), offer);
}

/* What can stand behind the command's words. */
static struct offer offer_of(const struct cfd_command *command, bool options)
{
	const char *synopsis = command->synopsis;
	struct offer offer = {0};
	struct part part;

	while (next_part(&synopsis, &part)) {
		size_t used = strlen(offer.words);

		if (!part.option[0])
			offer_value(part.value, &offer);
		else if (options)
			snprintf(offer.words + used, sizeof(offer.words) - used, "%s--%s", used ? " " : "",
				 part.option);
	}
	return offer;
}

/* The first words of all commands (`group` NULL), or the second ones of a group, each once. */
static void print_names(const char *group)
{
	const char *last = "";

	for (size_t i = 0; i < cfd_command_count; i++) {
		const char *name = cfd_commands[i].name, *space = strchr(name, ' ');
		size_t length = space ? (size_t)(space - name) : strlen(name);

		if (group) {
			if (space && strlen(group) == length && strncmp(name, group, length) == 0)
				printf(" %s", space + 1);
			continue;
		}
		if (strncmp(name, last, length) != 0 || last[length] != ' ')
			printf(" %.*s", (int)length, name);
		last = name;
	}
}

/* The group that begins with this row, or NULL. */
static const char *group_of(size_t index, char *text, size_t size)
{
	const char *name = cfd_commands[index].name, *space = strchr(name, ' ');

	if (!space || (index && strncmp(cfd_commands[index - 1].name, name, (size_t)(space - name) + 1) == 0))
		return NULL;
	copy(text, size, name, (size_t)(space - name));
	return text;
}

/* bash and zsh are asked the same way: a `case` whose answers are `offered` and `files`. */
static void print_answer(const char *pattern, const struct offer *offer)
{
	printf("\t'%s')", pattern);
	if (offer->words[0] && offer->source)
		printf(" offered=\"%s $(cofferdam completion %s 2>/dev/null)\"", offer->words, offer->source);
	else if (offer->source)
		printf(" offered=$(cofferdam completion %s 2>/dev/null)", offer->source);
	else
		printf(" offered='%s'", offer->words);
	printf("%s ;;\n", offer->files ? " files=1" : "");
}

static void print_option_answers(const struct cfd_command *command)
{
	const char *synopsis = command->synopsis;
	struct part part;

	while (next_part(&synopsis, &part)) {
		struct offer offer = {0};
		char pattern[96];

		if (!part.option[0] || !part.value[0])
			continue;
		snprintf(pattern, sizeof(pattern), "%s --%s", command->name, part.option);
		offer_value(part.value, &offer);
		print_answer(pattern, &offer);
	}
}

static void print_cases(void)
{
	char group[32];

	fputs("\tcase $command in\n", stdout);
	for (size_t i = 0; i < cfd_command_count; i++) {
		if (!group_of(i, group, sizeof(group)))
			continue;
		printf("\t%s)\n\t\tif [ \"$index\" -eq 2 ]; then offered='", group);
		print_names(group);
		printf("'; else command=\"$command $second\"; fi ;;\n");
	}
	fputs("\tesac\n\t[ \"$index\" -gt 1 ] || offered='", stdout);
	print_names(NULL);
	fputs(" --help --version'\n\t[ -n \"$offered\" ] || case \"$command $previous\" in\n", stdout);
	for (size_t i = 0; i < cfd_command_count; i++)
		print_option_answers(&cfd_commands[i]);
	fputs("\t*) case $command in\n", stdout);
	for (size_t i = 0; i < cfd_command_count; i++) {
		const struct offer offer = offer_of(&cfd_commands[i], true);

		print_answer(cfd_commands[i].name, &offer);
	}
	fputs("\tesac ;;\n\tesac\n", stdout);
}

/* bash cuts `--format=json` into three words. Names are words without blanks; files may have any name. */
static void print_bash(void)
{
	fputs("# bash completion of cofferdam, made by `cofferdam completion bash`\n"
	      "_cofferdam() {\n"
	      "\tlocal current=${COMP_WORDS[COMP_CWORD]} index=$COMP_CWORD offered='' files=''\n"
	      "\tlocal previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} second=${COMP_WORDS[2]-}\n"
	      "\tif [ \"$current\" = = ]; then current=''\n"
	      "\telif [ \"$previous\" = = ]; then previous=${COMP_WORDS[COMP_CWORD - 2]}; fi\n",
	      stdout);
	print_cases();
	fputs("\tmapfile -t COMPREPLY < <(compgen -W \"$offered\" -- \"$current\")\n"
	      "\t[ -n \"$files\" ] || return 0\n"
	      "\tcompopt -o filenames 2>/dev/null\n"
	      "\tlocal found\n"
	      "\tmapfile -t found < <(compgen -f -- \"$current\")\n"
	      "\tCOMPREPLY+=(\"${found[@]}\")\n"
	      "}\n"
	      "complete -F _cofferdam cofferdam\n",
	      stdout);
}

/* Where zsh splits a text into words it is told to. */
static void print_zsh(void)
{
	fputs("#compdef cofferdam\n"
	      "# zsh completion of cofferdam, made by `cofferdam completion zsh`\n"
	      "_cofferdam() {\n"
	      "\tlocal command=$words[2] second=$words[3] previous=$words[CURRENT-1] index=$((CURRENT - 1)) files=''\n"
	      "\tif [[ $PREFIX == --*=* ]]; then previous=${PREFIX%%=*}; compset -P '*='; fi\n"
	      "\tlocal offered=''\n",
	      stdout);
	print_cases();
	fputs("\tcompadd -- ${=offered}\n"
	      "\t[ -z \"$files\" ] || _files\n"
	      "}\n"
	      "_cofferdam \"$@\"\n",
	      stdout);
}

static void print_fish_text(const char *text)
{
	putchar('\'');
	for (; *text; text++)
		printf("%s%c", strchr("'\\", *text) ? "\\" : "", *text);
	putchar('\'');
}

/* The condition under which the words of a command have been typed. */
static void print_fish_condition(const struct cfd_command *command)
{
	const char *space = strchr(command->name, ' ');

	if (space)
		printf("complete -c cofferdam -n '__fish_seen_subcommand_from %.*s; and __fish_seen_subcommand_from "
		       "%s'",
		       (int)(space - command->name), command->name, space + 1);
	else
		printf("complete -c cofferdam -n '__fish_seen_subcommand_from %s'", command->name);
}

static void print_fish_offer(const struct offer *offer)
{
	if (offer->words[0] || offer->source)
		printf(" -a '%s%s%s%s%s'", offer->words, offer->words[0] && offer->source ? " " : "",
		       offer->source ? "(cofferdam completion " : "", offer->source ? offer->source : "",
		       offer->source ? " 2>/dev/null)" : "");
	puts(offer->files ? " -F" : "");
}

static void print_fish_name(size_t index)
{
	const struct cfd_command *command = &cfd_commands[index];
	const char *space = strchr(command->name, ' ');
	char group[32];

	if (group_of(index, group, sizeof(group)))
		printf("complete -c cofferdam -n __fish_use_subcommand -a %s\n", group);
	if (!space) {
		printf("complete -c cofferdam -n __fish_use_subcommand -a %s -d ", command->name);
	} else {
		copy(group, sizeof(group), command->name, (size_t)(space - command->name));
		printf("complete -c cofferdam -n '__fish_seen_subcommand_from %s; and not __fish_seen_subcommand_from",
		       group);
		print_names(group);
		printf("' -a %s -d ", space + 1);
	}
	print_fish_text(command->summary);
	putchar('\n');
}

static void print_fish_command(const struct cfd_command *command)
{
	const struct offer operands = offer_of(command, false);
	const char *synopsis = command->synopsis;
	struct part part;

	while (next_part(&synopsis, &part)) {
		struct offer offer = {0};

		if (!part.option[0])
			continue;
		print_fish_condition(command);
		printf(" -l %s%s", part.option,
		       part.value[0] ? " -x" : ""); /* a value, and no file unless it says so */
		offer_value(part.value, &offer);
		print_fish_offer(&offer);
	}
	if (!operands.words[0] && !operands.source && !operands.files)
		return;
	print_fish_condition(command);
	print_fish_offer(&operands);
}

static void print_fish(void)
{
	puts("# fish completion of cofferdam, made by `cofferdam completion fish`\ncomplete -c cofferdam -f");
	for (size_t i = 0; i < cfd_command_count; i++) {
		print_fish_name(i);
		print_fish_command(&cfd_commands[i]);
	}
}

/* Where something cannot be read there is nothing to complete: somebody is typing. */
static void print_profiles(void)
{
	CFD_AUTO(cfd_profile_set_freep) struct cfd_profile_set *set = NULL;
	struct cfd_error ignored = {0};
	const char *name, *path;

	if (cfd_profile_set_open(CFD_PROFILE_ADMIN_DIR, CFD_PROFILE_SHIPPED_DIR, &set, &ignored))
		return;
	for (size_t i = 0; cfd_profile_set_at(set, i, &name, &path); i++)
		puts(name);
}

static void print_rules(void)
{
	for (const struct cfd_rule_group *const *group = cfd_rule_groups; *group; group++)
		for (size_t i = 0; i < (*group)->count; i++)
			puts((*group)->rules[i].id);
}

static int print_container(const char *key, const struct cfd_record *record, void *data)
{
	(void)key, (void)data;
	puts(record->id);
	return 0;
}

static void print_containers(void)
{
	CFD_AUTO(cfd_state_freep) struct cfd_state *state = NULL;
	struct cfd_error ignored = {0};

	if (access(CFD_STATE_DIR, F_OK) == 0 && cfd_state_open(&state, &ignored) == 0)
		cfd_state_each(state, print_container, NULL, &ignored);
}

static const struct {
	const char *word;
	void (*print)(void);
} subjects[] = {
	{"bash", print_bash},         {"zsh", print_zsh},     {"fish", print_fish},
	{"profiles", print_profiles}, {"rules", print_rules}, {"containers", print_containers},
};

int cfd_command_completion(int argc, char **argv, struct cfd_error *err)
{
	const char *subject = NULL;
	int r = cfd_command_options(argc, argv, NULL, 0, &subject, 1, err);

	if (r)
		return r;
	for (size_t i = 0; subject && i < CFD_COUNT(subjects); i++) {
		if (cfd_streq(subject, subjects[i].word)) {
			subjects[i].print();
			return CFD_STATUS_OK;
		}
	}
	return cfd_fail(err, -EINVAL, "completion is made for bash, zsh and fish%s%s", subject ? ", not for " : "",
			subject ? subject : "");
}
