/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of Criterion as the tests of the rules use, for tests/mutants/main.c: the same tests, without a process for
 * each of them, since here a mutant is a process. What fails ends the test at once; nothing is printed.
 */
#ifndef CFD_MUTANTS_CRITERION_H
#define CFD_MUTANTS_CRITERION_H

#include "lib/base.h"

#include <string.h>

struct mutants_test {
	const char *name;
	void (*run)(void);
	struct mutants_test *next;
};

void mutants_register(struct mutants_test *test);
void mutants_expect(bool holds); /* does not return when it does not hold */
void mutants_skip(void) __attribute__((noreturn));

/* A directory that goes when the mutant ends, however it ends. */
char *mutants_mkdtemp(char *template);
#define mkdtemp mutants_mkdtemp

#define Test(suite, test)                                                                                              \
	static void suite##_##test(void);                                                                              \
	__attribute__((constructor)) static void register_##suite##_##test(void)                                       \
	{                                                                                                              \
		static struct mutants_test self = {.name = #suite "." #test, .run = suite##_##test};                   \
                                                                                                                       \
		mutants_register(&self);                                                                               \
	}                                                                                                              \
	static void suite##_##test(void)

/* The messages' arguments are not evaluated: they say what was expected, and print nothing here. */
#define cr_assert(condition, ...) mutants_expect(condition)
#define cr_assert_eq(a, b, ...) mutants_expect((a) == (b))
#define cr_assert_neq(a, b, ...) mutants_expect((a) != (b))
#define cr_assert_lt(a, b, ...) mutants_expect((a) < (b))
#define cr_assert_leq(a, b, ...) mutants_expect((a) <= (b))
#define cr_assert_gt(a, b, ...) mutants_expect((a) > (b))
#define cr_assert_geq(a, b, ...) mutants_expect((a) >= (b))
#define cr_assert_null(a, ...) mutants_expect(!(a))
#define cr_assert_not_null(a, ...) mutants_expect((a) != NULL)
#define cr_assert_str_eq(a, b, ...) mutants_expect(cfd_streq(a, b))
#define cr_expect cr_assert
#define cr_expect_eq cr_assert_eq
#define cr_expect_neq cr_assert_neq
#define cr_expect_lt cr_assert_lt
#define cr_expect_gt cr_assert_gt
#define cr_expect_null cr_assert_null
#define cr_expect_not_null cr_assert_not_null
#define cr_expect_str_eq cr_assert_str_eq
#define cr_skip(...) mutants_skip()

#endif
