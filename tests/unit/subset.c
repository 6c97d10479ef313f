/* SPDX-License-Identifier: Apache-2.0 */
/* The comparison of seccomp programs: by hand, and at random against trying every call of a small world. */
#include "lib/seccomp/subset.h"
#include "lib/seccomp/subset_word.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_HIGH(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field) + 4)
#define JUMP(op, k, jt, jf) BPF_JUMP(BPF_JMP | (op) | BPF_K, k, jt, jf)
#define RET(action) BPF_STMT(BPF_RET | BPF_K, action)
#define PROGRAM(...)                                                                                                   \
	&(struct cfd_subset_program)                                                                                   \
	{                                                                                                              \
		.code = (struct sock_filter[]){__VA_ARGS__},                                                           \
		.length = sizeof((struct sock_filter[]){__VA_ARGS__}) / sizeof(struct sock_filter)                     \
	}

static bool holds(const struct cfd_subset_program *a, const struct cfd_subset_program *b,
		  struct cfd_subset_result *ret_result)
{
	struct cfd_error err = {0};

	cr_assert_eq(cfd_subset_compare(a, b, ret_result, &err), 0, "%s", err.message);
	return ret_result->holds;
}

Test(subset, the_order_of_actions_is_the_kernels)
{
	static const uint32_t order[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
					 SECCOMP_RET_ERRNO,        SECCOMP_RET_USER_NOTIF,  SECCOMP_RET_TRACE,
					 SECCOMP_RET_LOG,          SECCOMP_RET_ALLOW};
	struct cfd_subset_result result;

	for (size_t i = 0; i < CFD_COUNT(order); i++)
		for (size_t j = 0; j < CFD_COUNT(order); j++)
			cr_expect_eq(holds(PROGRAM(RET(order[i])), PROGRAM(RET(order[j])), &result), i <= j, "%zu %zu",
				     i, j);
	cr_expect(holds(PROGRAM(RET(SECCOMP_RET_ERRNO | 1)), PROGRAM(RET(SECCOMP_RET_ERRNO | 38)), &result));
}

Test(subset, a_bit_above_the_compared_half_is_the_witness)
{
	/* B denies family 40 of socket; A compares 64 bits and lets 0x100000028 pass. */
	const struct cfd_subset_program *a =
		PROGRAM(LOAD(nr), JUMP(BPF_JEQ, 41, 0, 5), LOAD_HIGH(args[0]), JUMP(BPF_JEQ, 0, 0, 3), LOAD(args[0]),
			JUMP(BPF_JEQ, 40, 0, 1), RET(SECCOMP_RET_ERRNO | 1), RET(SECCOMP_RET_ALLOW));
	const struct cfd_subset_program *b =
		PROGRAM(LOAD(nr), JUMP(BPF_JEQ, 41, 0, 3), LOAD(args[0]), JUMP(BPF_JEQ, 40, 0, 1),
			RET(SECCOMP_RET_ERRNO | 1), RET(SECCOMP_RET_ALLOW));
	struct cfd_subset_result result;

	cr_expect(holds(b, a, &result));
	cr_expect(holds(a, a, &result));
	cr_assert(!holds(a, b, &result));
	cr_expect_eq(result.witness.nr, 41);
	cr_expect_eq((uint32_t)result.witness.args[0], 40);
	cr_expect_neq(result.witness.args[0] >> 32, 0);
	cr_expect_eq(result.action_a, SECCOMP_RET_ALLOW);
	cr_expect_eq(result.action_b, SECCOMP_RET_ERRNO | 1);
}

Test(subset, any_architecture_and_any_number_is_tried)
{
	const struct cfd_subset_program *native =
		PROGRAM(LOAD(arch), JUMP(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0), RET(SECCOMP_RET_KILL), LOAD(nr),
			JUMP(BPF_JGE, 0x40000000, 0, 1), RET(SECCOMP_RET_KILL), RET(SECCOMP_RET_ALLOW));
	const struct cfd_subset_program *x32 = PROGRAM(LOAD(arch), JUMP(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0),
						       RET(SECCOMP_RET_KILL), RET(SECCOMP_RET_ALLOW));
	const struct cfd_subset_program *other =
		PROGRAM(LOAD(nr), JUMP(BPF_JGE, 0x40000000, 0, 1), RET(SECCOMP_RET_KILL), RET(SECCOMP_RET_ALLOW));
	struct cfd_subset_result result;

	cr_expect(holds(native, x32, &result));
	cr_assert(!holds(x32, native, &result));
	cr_expect_geq((uint32_t)result.witness.nr, 0x40000000u);
	cr_expect_eq(result.witness.arch, AUDIT_ARCH_X86_64);
	cr_expect(holds(native, other, &result));
	cr_assert(!holds(other, native, &result));
	cr_expect_neq(result.witness.arch, AUDIT_ARCH_X86_64);
}

Test(subset, what_is_not_understood_is_undecided)
{
	const struct cfd_subset_program *ok = PROGRAM(RET(SECCOMP_RET_ALLOW));
	const struct {
		const char *what;
		const struct cfd_subset_program *program;
		int expected;
	} cases[] = {
		{"empty", &(struct cfd_subset_program){0}, -EINVAL},
		{"no return", PROGRAM(LOAD(nr)), -EINVAL},
		{"jump out", PROGRAM(LOAD(nr), JUMP(BPF_JEQ, 1, 0, 1), RET(0)), -EINVAL},
		{"long jump out", PROGRAM(BPF_STMT(BPF_JMP | BPF_JA, 1), RET(0)), -EINVAL},
		{"long jump around", PROGRAM(BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX), RET(0)), -EINVAL},
		{"load behind", PROGRAM(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RET(0)), -EINVAL},
		{"load unaligned", PROGRAM(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), RET(0)), -EINVAL},
		{"register", PROGRAM(BPF_STMT(BPF_RET | BPF_A, 0), RET(0)), -EOPNOTSUPP},
		{"addition", PROGRAM(BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1), RET(0)), -EOPNOTSUPP},
		{"masked number", PROGRAM(LOAD(nr), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 1), RET(0)), -EOPNOTSUPP},
		{"bit of the number", PROGRAM(LOAD(nr), JUMP(BPF_JSET, 1, 0, 0), RET(0)), -EOPNOTSUPP},
		{"unknown action", PROGRAM(RET(0x7ffd0000)), -EOPNOTSUPP},
	};
	struct cfd_subset_result result = {.steps = 77};
	struct cfd_error err = {0};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		cr_expect_eq(cfd_subset_compare(cases[i].program, ok, &result, &err), cases[i].expected, "%s",
			     cases[i].what);
		cr_expect_eq(cfd_subset_compare(ok, cases[i].program, &result, &err), cases[i].expected, "%s",
			     cases[i].what);
	}
	cr_expect_eq(result.steps, 77, "output touched");
}

static uint32_t below(uint64_t *state, uint32_t limit)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 33) % limit;
}

Test(subset, work_is_bounded)
{
	/* Every word has its own bit tests, so paths double with each: 2^60 of them. */
	struct sock_filter code[200];
	struct cfd_subset_program program = {code, 0}, b = *PROGRAM(RET(SECCOMP_RET_ALLOW));
	struct cfd_subset_result result;
	struct cfd_error err = {0};

	for (unsigned i = 0; i < 60; i++) {
		code[program.length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16 + 4 * (i % 12));
		code[program.length++] = (struct sock_filter)JUMP(BPF_JSET, 1u << (i / 12), 0, 0);
	}
	code[program.length++] = (struct sock_filter)RET(SECCOMP_RET_ALLOW);
	cr_expect_eq(cfd_subset_compare(&program, &b, &result, &err), -E2BIG);
	cr_expect(strstr(err.message, "too many combinations"), "%s", err.message);
}

/* The small world: constants and masks up to 3, so that values up to 7 stand for all. */
#define WORLD 8
#define NUMBERS 5

static void random_instruction(uint64_t *seed, struct sock_filter *i, size_t room)
{
	static const uint32_t words[] = {0, 0, 4, 16, 16, 24};
	static const uint16_t ops[] = {BPF_JEQ, BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET};
	static const uint32_t actions[] = {SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | 1, SECCOMP_RET_LOG, SECCOMP_RET_KILL};
	unsigned kind = room ? below(seed, 10) : 9;

	if (kind < 3)
		*i = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, words[below(seed, CFD_COUNT(words))]);
	else if (kind == 3)
		*i = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, below(seed, 4));
	else if (kind < 9)
		*i = (struct sock_filter)JUMP(ops[below(seed, CFD_COUNT(ops))], below(seed, 4),
					      (uint8_t)below(seed, (uint32_t)(room < 4 ? room : 4)),
					      (uint8_t)below(seed, (uint32_t)(room < 4 ? room : 4)));
	else
		*i = (struct sock_filter)RET(actions[below(seed, CFD_COUNT(actions))]);
}

static void random_program(uint64_t *seed, struct cfd_subset_program *program)
{
	program->length = 4 + below(seed, 16);
	for (size_t i = 0; i < program->length; i++)
		random_instruction(seed, &program->code[i], program->length - i - 1);
}

/* Whether some call of the small world is treated less strictly by A. */
static bool found_by_trying(const struct cfd_subset_program *a, const struct cfd_subset_program *b)
{
	for (unsigned n = 0; n < NUMBERS * WORLD * WORLD * WORLD; n++) {
		struct seccomp_data call = {.nr = (int)(n % NUMBERS),
					    .arch = n / NUMBERS % WORLD,
					    .args = {n / NUMBERS / WORLD % WORLD, n / NUMBERS / WORLD / WORLD}};
		uint32_t action_a = 0, action_b = 0;

		cr_assert_eq(cfd_subset_run(a, &call, &action_a), 0);
		cr_assert_eq(cfd_subset_run(b, &call, &action_b), 0);
		if (cfd_subset_strictness(action_a) > cfd_subset_strictness(action_b))
			return true;
	}
	return false;
}

static unsigned rounds(unsigned usual)
{
	const char *more = getenv("COFFERDAM_ROUNDS");

	return more ? (unsigned)strtoul(more, NULL, 10) : usual;
}

Test(subset, random_programs_agree_with_trying_every_call)
{
	struct sock_filter code_a[32], code_b[32];
	struct cfd_subset_program a = {code_a, 0}, b = {code_b, 0};
	unsigned decided = 0, held = 0, total = rounds(6000);
	uint64_t seed = 0x9e3779b97f4a7c15;

	for (unsigned n = 0; n < total; n++) {
		struct cfd_subset_result result;
		struct cfd_error err = {0};
		int r;

		random_program(&seed, &a);
		if (below(&seed, 2)) {
			random_program(&seed, &b);
		} else { /* nearly the same, so that both answers are frequent */
			memcpy(code_b, code_a, sizeof(code_a));
			b.length = a.length;
			random_instruction(&seed, &code_b[b.length - 1], 0);
		}
		r = cfd_subset_compare(&a, &b, &result, &err);
		if (r == -EOPNOTSUPP)
			continue;
		cr_assert_eq(r, 0, "round %u: %s", n, err.message);
		cr_assert_neq(result.holds, found_by_trying(&a, &b), "round %u", n);
		decided++;
		held += result.holds;
	}
	cr_log_info("%u programs compared, %u at least as strict", decided, held);
	cr_expect_gt(decided, total / 2);
	cr_expect_gt(held, decided / 10);
	cr_expect_lt(held, decided - decided / 10);
}

/* Whether any value near the constants meets the conditions; see the test below for why these are enough. */
static bool met_by_trying(const struct cfd_subset_word *word, unsigned shift)
{
	for (unsigned n = 0; n < 32; n++) {
		uint32_t value = (n / 2 << shift) + (shift ? n % 2 : 0);
		bool met = true;

		for (size_t i = 0; i < word->count && met; i++)
			met = cfd_subset_word_test(word->list[i].op, value & word->list[i].mask,
						   word->list[i].constant) == word->list[i].truth;
		if (met)
			return true;
	}
	return false;
}

/* Constants and masks are 0..7 shifted: 0..15 shifted, and each plus one, take every combination of branches. */
Test(subset, random_conditions_on_a_word_are_solved_exactly)
{
	static const uint16_t ops[] = {BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET};
	CFD_AUTO_FREE struct cfd_subset_scan *scan = calloc(1, sizeof(*scan));
	unsigned met = 0, total = rounds(40000);
	uint64_t seed = 0x2545f4914f6cdd1d;

	for (unsigned n = 0; n < total; n++) {
		struct cfd_subset_word word = {0};
		unsigned shift = below(&seed, 29);
		uint32_t value = 0;
		int r;

		for (unsigned i = 0, count = 1 + below(&seed, 8); i < count; i++) {
			struct cfd_subset_condition c = {below(&seed, 2) ? below(&seed, 8) << shift : UINT32_MAX,
							 below(&seed, 8) << shift, ops[below(&seed, 4)],
							 below(&seed, 2)};

			cr_assert_eq(cfd_subset_word_push(&word, &c), 0);
		}
		r = cfd_subset_word_solve(&word, scan, &value);
		cr_assert_eq(r, met_by_trying(&word, shift), "round %u", n);
		for (size_t i = 0; i < word.count && r; i++)
			cr_assert_eq(
				cfd_subset_word_test(word.list[i].op, value & word.list[i].mask, word.list[i].constant),
				word.list[i].truth, "round %u", n);
		met += r;
	}
	cr_expect_gt(met, total / 10);
	cr_expect_lt(met, total - total / 10);
}
