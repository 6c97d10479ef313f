/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Would a test notice if a rule were gone? For each row of each rule's table, and for each row of each table that the
 * rules look into, the tests of the rules run in a process of their own in which that row is without effect. A mutant
 * that passes them all has survived, which is a failure: the row needs a case in tests/corpus/rules.
 *
 *   rules-mutants < TABLES
 *
 * A rule's row loses its check. A row of another table becomes a copy of its neighbour. Lines of TABLES, made by
 * tests/mutants/tables from this program's own debug information: ADDRESS SIZE-OF-A-ROW ROWS FILE NAME; ROWS 0: a mask,
 * of which each bit is a row. Nothing of the product is built for this but with debug information and unoptimised, so
 * that tables are read where they lie.
 */
#include "lib/rules/rules.h"
#include "tests/mutants/criterion/criterion.h"

#undef mkdtemp

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS_MAX 20 /* a mutant that takes longer hangs, which is noticed */
#define JOBS_MAX 16
#define DIRECTORIES_MAX 8

struct mutant {
	char name[160];
	const struct cfd_rule *rule; /* its check is taken away; else: */
	char *row, *copy_of;         /* this row becomes a copy of that one, or, without one, loses a bit: */
	size_t size;
	unsigned bit;
	pid_t process;
};

/* --- running the tests */

static struct mutants_test *tests;
static jmp_buf test_ends;
static char directories[DIRECTORIES_MAX][64];
static size_t directory_count;

enum { PASSED = 1, FAILED, SKIPPED };

void mutants_register(struct mutants_test *test)
{
	struct mutants_test **last = &tests;

	while (*last)
		last = &(*last)->next;
	*last = test;
}

void mutants_expect(bool holds)
{
	if (!holds)
		longjmp(test_ends, FAILED);
}

void mutants_skip(void)
{
	longjmp(test_ends, SKIPPED);
}

char *mutants_mkdtemp(char *template)
{
	char *made = mkdtemp(template);

	if (made && directory_count < DIRECTORIES_MAX)
		snprintf(directories[directory_count++], sizeof(directories[0]), "%s", made);
	return made;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int run_test(const struct mutants_test *test)
{
	int end = setjmp(test_ends);

	if (end)
		return end;
	test->run();
	return PASSED;
}

/* Every test, up to the first that fails: the one that kills the mutant, or NULL. */
static const struct mutants_test *run_tests(void)
{
	const struct mutants_test *killer = NULL;

	for (const struct mutants_test *test = tests; test && !killer; test = test->next)
		if (run_test(test) == FAILED)
			killer = test;
	for (size_t i = 0; i < directory_count; i++)
		nftw(directories[i], remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return killer;
}

/* --- making a mutant of this process */

static void make_writable(const void *address, size_t size)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)address & ~(page - 1);

	if (mprotect((void *)start, (uintptr_t)address + size - start, PROT_READ | PROT_WRITE)) {
		perror("mprotect");
		_exit(2);
	}
}

static int check_nothing(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			 struct cfd_findings *findings, struct cfd_error *err)
{
	(void)rule, (void)context, (void)findings, (void)err;
	return 0;
}

static void mutate(const struct mutant *mutant)
{
	if (mutant->rule) {
		struct cfd_rule *rule = (struct cfd_rule *)mutant->rule;

		make_writable(rule, sizeof(*rule));
		rule->check = check_nothing;
	} else if (mutant->row) {
		make_writable(mutant->row, mutant->size);
		if (mutant->copy_of)
			memcpy(mutant->row, mutant->copy_of, mutant->size);
		else
			mutant->row[mutant->bit / 8] ^= (char)(1u << mutant->bit % 8);
	}
}

static pid_t start(const struct mutant *mutant)
{
	pid_t process = fork();
	int null;

	if (process)
		return process;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(null, STDERR_FILENO);
	alarm(SECONDS_MAX);
	mutate(mutant);
	_exit(run_tests() ? 1 : 0);
}

/* --- which mutants there are */

struct list {
	struct mutant *values;
	size_t count, rules;
};

static struct mutant *add(struct list *list)
{
	list->values = reallocarray(list->values, list->count + 1, sizeof(*list->values));
	if (!list->values)
		abort();
	list->values[list->count] = (struct mutant){0};
	return &list->values[list->count++];
}

static void add_rules(struct list *list)
{
	for (size_t g = 0; cfd_rule_groups[g]; g++)
		for (size_t i = 0; i < cfd_rule_groups[g]->count; i++) {
			struct mutant *mutant = add(list);

			mutant->rule = &cfd_rule_groups[g]->rules[i];
			snprintf(mutant->name, sizeof(mutant->name), "%s", mutant->rule->id);
		}
	list->rules = list->count;
}

static bool is_zero(const char *row, size_t size)
{
	while (size && !*row) {
		row++;
		size--;
	}
	return !size;
}

extern const char __executable_start[], end[]; /* of this program, ld(1) */

/* What a row says, as far as it begins with a text. */
static const char *first_text(const char *row, size_t size)
{
	const char *text = NULL;

	if (size % sizeof(text))
		return "";
	memcpy(&text, row, sizeof(text));
	return text >= __executable_start && text < end ? text : ""; /* it may be a number */
}

/* Rows that are zero end a table or are left out of it. */
static void add_rows(struct list *list, char *table, size_t size, size_t rows, const char *name)
{
	for (size_t i = 0; i < rows; i++) {
		char *row = table + i * size, *other = NULL;
		struct mutant *mutant;

		for (size_t k = 0; k < rows && !other; k++)
			if (k != i && !is_zero(table + k * size, size))
				other = table + k * size;
		if (is_zero(row, size) || !other)
			continue;
		mutant = add(list);
		mutant->row = row;
		mutant->copy_of = other;
		mutant->size = size;
		snprintf(mutant->name, sizeof(mutant->name), "%s[%zu] %.60s", name, i, first_text(row, size));
	}
}

static void add_bits(struct list *list, char *mask, size_t size, const char *name)
{
	for (unsigned bit = 0; bit < size * 8; bit++)
		if (mask[bit / 8] & 1 << bit % 8) {
			struct mutant *mutant = add(list);

			mutant->row = mask;
			mutant->size = size;
			mutant->bit = bit;
			snprintf(mutant->name, sizeof(mutant->name), "%s bit %u", name, bit);
		}
}

static void read_tables(struct list *list)
{
	char file[128], table[128], name[300];
	size_t address, size, rows;

	while (scanf("%zx %zu %zu %127s %127s", &address, &size, &rows, file, table) == 5) {
		snprintf(name, sizeof(name), "%s %s", file, table);
		if (rows)
			add_rows(list, (char *)address, size, rows, name);
		else
			add_bits(list, (char *)address, size, name);
	}
}

/*
 * Each of some hundred processes makes the files that the tests want. On a disk, giving them inodes is most of the
 * work; the build may lie in /tmp, and is not looked for there any more.
 */
static bool use_private_tmp(void)
{
	return !unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
}

/* --- all of them, as many at once as there are processors */

static void reap(struct list *list, size_t *survivors)
{
	int status = 0;
	pid_t process = wait(&status);

	for (size_t i = 0; i < list->count; i++) {
		struct mutant *mutant = &list->values[i];

		if (mutant->process != process)
			continue;
		mutant->process = 0;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
			exit(2);
		if (mutant->rule)
			printf("  %-36s %s\n", mutant->name, status ? "killed" : "SURVIVED");
		else if (!status)
			printf("  survived: %s\n", mutant->name);
		*survivors += status == 0;
		return;
	}
}

int main(void)
{
	long jobs = sysconf(_SC_NPROCESSORS_ONLN);
	const struct mutant none = {0};
	const struct mutants_test *killer;
	struct list list = {0};
	size_t survivors = 0, running = 0;
	int status;

	if (!use_private_tmp()) {
		perror("a /tmp of its own (root is needed)");
		return 2;
	}
	if (waitpid(start(&none), &status, 0) < 0 || status) {
		killer = run_tests();
		printf("without any mutation %s fails already (status %#x): make check-unit\n",
		       killer ? killer->name : "something", (unsigned)status);
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	add_rules(&list);
	read_tables(&list);
	for (size_t i = 0; i < list.count; i++) {
		if (running == (size_t)(jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : jobs)) {
			reap(&list, &survivors);
			running--;
		}
		list.values[i].process = start(&list.values[i]);
		running++;
	}
	for (; running; running--)
		reap(&list, &survivors);
	printf("%zu rules, %zu rows of other tables\n", list.rules, list.count - list.rules);
	printf("mutants: %zu passed, %zu failed\n", list.count - survivors, survivors);
	return survivors || list.count == list.rules;
}
