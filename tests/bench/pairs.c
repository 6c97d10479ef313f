/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times sequences of commands in turn (A B C A B C ...), so that a machine whose speed drifts is fair to all of them.
 *
 *   pairs ROUNDS < VARIANTS
 *
 * A variant is a line `name: command ; command ; ...`. Words are separated by spaces, nothing is a shell; `%` stands
 * for an id that is new in every round. One round that is not counted comes first. Printed per variant: the median wall
 * time of the whole sequence, the smallest and largest, the median of the ratios to the FIRST variant of the same
 * round, and the median wall time of each command. A command that fails ends it all.
 */
#include "tests/bench/figures.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_VARIANTS = 12, MAX_COMMANDS = 8, MAX_WORDS = 48, MAX_ROUNDS = 1000 };

struct variant {
	char *name;
	char *words[MAX_COMMANDS][MAX_WORDS + 1];
	int commands;
	double total[MAX_ROUNDS], ratio[MAX_ROUNDS], each[MAX_COMMANDS][MAX_ROUNDS];
};

extern char **environ;

static void die(const char *what)
{
	fprintf(stderr, "pairs: %s: %s\n", what, strerror(errno));
	exit(2);
}

static double now(void)
{
	return milliseconds(CLOCK_MONOTONIC);
}

static void read_variant(char *line, struct variant *variant)
{
	char *rest = NULL, *word;
	int words = 0;

	variant->name = strtok_r(line, ":", &rest);
	while ((word = strtok_r(NULL, " \n", &rest))) {
		if (strcmp(word, ";") == 0) {
			variant->commands++;
			words = 0;
			continue;
		}
		if (words == MAX_WORDS || variant->commands == MAX_COMMANDS)
			die("a variant is too long");
		variant->words[variant->commands][words++] = word;
	}
	variant->commands++;
}

/* Standard input is an empty file and never the machine's /dev/null: some runtimes change its owner. */
static int quiet_input(void)
{
	char path[] = "/tmp/pairs-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || unlink(path))
		die("standard input");
	return fd;
}

static double run_command(char *const *words, const char *id)
{
	posix_spawn_file_actions_t actions;
	char *argv[MAX_WORDS + 1] = {0};
	double start = now();
	int status, input = quiet_input();
	pid_t pid;

	for (int i = 0; words[i]; i++)
		argv[i] = strcmp(words[i], "%") == 0 ? (char *)id : words[i];
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, input, 0);
	posix_spawn_file_actions_adddup2(&actions, input, 1);
	start = now();
	if ((errno = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ)))
		die(argv[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("wait");
	start = now() - start;
	posix_spawn_file_actions_destroy(&actions);
	close(input);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "pairs: status %#x of:", status);
		for (int i = 0; argv[i]; i++)
			fprintf(stderr, " %s", argv[i]);
		fprintf(stderr, "\n");
		exit(1);
	}
	return start;
}

static void run_round(struct variant *variants, int count, int round)
{
	int slot = round < 0 ? 0 : round;

	for (int v = 0; v < count; v++) {
		char id[64];

		snprintf(id, sizeof(id), "pairs-%d-%d-%d", (int)getpid(), v, round + 1);
		variants[v].total[slot] = 0;
		for (int c = 0; c < variants[v].commands; c++) {
			variants[v].each[c][slot] = run_command(variants[v].words[c], id);
			variants[v].total[slot] += variants[v].each[c][slot];
		}
		variants[v].ratio[slot] = variants[v].total[slot] / variants[0].total[slot];
	}
}

static void print_variant(struct variant *variant, int rounds)
{
	double middle = median(variant->total, rounds);

	printf("| %-28s | %7.2f | %7.2f | %7.2f | %5.2f |", variant->name, middle, variant->total[0],
	       variant->total[rounds - 1], median(variant->ratio, rounds));
	for (int c = 0; c < variant->commands; c++)
		printf(" %.2f%s", median(variant->each[c], rounds), c + 1 < variant->commands ? " +" : " |\n");
}

int main(int argc, char **argv)
{
	static struct variant variants[MAX_VARIANTS];
	int rounds = argc == 2 ? atoi(argv[1]) : 0, count = 0;
	char *line = NULL;
	size_t room = 0;

	if (rounds < 1 || rounds > MAX_ROUNDS) {
		fprintf(stderr, "usage: pairs ROUNDS < VARIANTS\n");
		return 2;
	}
	while (getline(&line, &room, stdin) > 1) {
		if (count == MAX_VARIANTS)
			die("too many variants");
		read_variant(line, &variants[count++]);
		line = NULL;
	}
	for (int round = -1; round < rounds; round++)
		run_round(variants, count, round);
	printf("| %-28s | %7s | %7s | %7s | %5s | median ms of each step |\n", "medians, ms", "median", "min", "max",
	       "ratio");
	printf("|---|---|---|---|---|---|\n");
	for (int v = 0; v < count; v++)
		print_variant(&variants[v], rounds);
	return 0;
}
