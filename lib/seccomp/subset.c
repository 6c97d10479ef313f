/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is one compiled seccomp program at least as strict as another?
 *
 * Theory of operation. A program sees sixteen 32-bit words: the number, the architecture, the instruction pointer and
 * six arguments in two halves each. Numbers are tried class by class: between two neighbouring constants of all jumps
 * of both programs every number takes the same branches, so one of each gap and every constant itself stand for all
 * 2^32 of them. (That holds for comparisons only; a program that masks the number is undecided.) The other fifteen
 * words stay unknown: each keeps the list of conditions `(word & mask) op constant` that the branches taken so far have
 * put on it. For each class the program A is followed down every branch whose conditions can be met, and at each of its
 * returns B is followed under A's conditions. Where A returns a laxer action than B the conditions are solved for a
 * call, and that call is run through both programs by the simulator before anyone is told.
 */
#include "lib/seccomp/subset.h"
#include "lib/seccomp/subset_word.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORDS (sizeof(struct seccomp_data) / sizeof(uint32_t))
#define WORD_NUMBER (offsetof(struct seccomp_data, nr) / sizeof(uint32_t))
#define WORD_NONE WORDS /* the accumulator holds a constant */

#define MAX_STEPS 20000000u /* about 0.2 s; engines' defaults need less than a million */
#define COST_OF_SCAN 500    /* in steps */

/* Where a program is: the accumulator is a word under a mask, or a constant. */
struct position {
	bool in_b; /* which program: A first, B behind each of A's returns */
	size_t next;
	size_t word;
	uint32_t mask;  /* of the word */
	uint32_t value; /* of the constant, or of the number */
};

struct comparison {
	const struct cfd_subset_program *a, *b;
	uint32_t number;
	struct cfd_subset_word words[WORDS];
	struct cfd_subset_scan scan;
	struct cfd_subset_result result;
};

void cfd_subset_release(struct cfd_subset_program *program)
{
	cfd_base_free(&program->code);
	program->length = 0;
}

static bool is_jump(const struct sock_filter *instruction)
{
	return BPF_CLASS(instruction->code) == BPF_JMP;
}

/* One instruction of those that libseccomp generates, with its operands in range. */
static int check_instruction(const struct cfd_subset_program *program, size_t at)
{
	const struct sock_filter *i = &program->code[at];
	size_t room = program->length - at - 1;

	switch (i->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return i->k % sizeof(uint32_t) == 0 && i->k < sizeof(struct seccomp_data) && room ? 0 : -EINVAL;
	case BPF_ALU | BPF_AND | BPF_K:
		return room ? 0 : -EINVAL;
	case BPF_RET | BPF_K:
		return 0;
	case BPF_JMP | BPF_JA:
		return i->k < room ? 0 : -EINVAL;
	case BPF_JMP | BPF_JEQ | BPF_K:
	case BPF_JMP | BPF_JGT | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_K:
	case BPF_JMP | BPF_JSET | BPF_K:
		return i->jt < room && i->jf < room ? 0 : -EINVAL;
	default:
		return -EOPNOTSUPP;
	}
}

/* Jumps go forward only, so a program that passes always ends at a return. */
static int check_program(const struct cfd_subset_program *program)
{
	int r = 0;

	if (!program->code || program->length == 0 || program->length > CFD_SUBSET_MAX_PROGRAM)
		return -EINVAL;
	for (size_t at = 0; at < program->length && !r; at++)
		r = check_instruction(program, at);
	return r;
}

int cfd_subset_run(const struct cfd_subset_program *program, const struct seccomp_data *call, uint32_t *ret_action)
{
	uint32_t accumulator = 0;
	int r = check_program(program);

	if (r)
		return r;
	for (const struct sock_filter *i = program->code;; i++) {
		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			memcpy(&accumulator, (const char *)call + i->k, sizeof(accumulator));
			break;
		case BPF_ALU:
			accumulator &= i->k;
			break;
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_JA)
				i += i->k;
			else
				i += cfd_subset_word_test(BPF_OP(i->code), accumulator, i->k) ? i->jt : i->jf;
			break;
		default: /* BPF_RET */
			*ret_action = i->k;
			return 0;
		}
	}
}

static bool is_action(uint32_t action)
{
	static const uint32_t known[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
					 SECCOMP_RET_ERRNO,        SECCOMP_RET_USER_NOTIF,  SECCOMP_RET_TRACE,
					 SECCOMP_RET_LOG,          SECCOMP_RET_ALLOW};

	for (size_t i = 0; i < CFD_COUNT(known); i++)
		if ((action & SECCOMP_RET_ACTION_FULL) == known[i])
			return true;
	return false;
}

/* Solves the conditions and lets both programs confirm the call. 1, or an error. */
static int make_witness(struct comparison *c, uint32_t action_a, uint32_t action_b)
{
	uint32_t words[WORDS] = {0}, again_a = 0, again_b = 0;

	words[WORD_NUMBER] = c->number;
	for (size_t i = 0; i < WORDS; i++) {
		int r = i == WORD_NUMBER ? 1 : cfd_subset_word_solve(&c->words[i], &c->scan, &words[i]);

		if (r < 1)
			return r < 0 ? r : -ENOTRECOVERABLE;
	}
	memcpy(&c->result.witness, words, sizeof(words));
	if (cfd_subset_run(c->a, &c->result.witness, &again_a) || cfd_subset_run(c->b, &c->result.witness, &again_b) ||
	    again_a != action_a || again_b != action_b)
		return -ENOTRECOVERABLE;
	c->result.action_a = action_a;
	c->result.action_b = action_b;
	return 1;
}

static int walk(struct comparison *c, struct position at, uint32_t action_a);

/* 0: nothing found behind this return; 1: a witness; or an error. */
static int arrive(struct comparison *c, const struct position *at, uint32_t action, uint32_t action_a)
{
	const struct position start_b = {.in_b = true, .word = WORD_NONE};

	if (!is_action(action))
		return -EOPNOTSUPP;
	if (!at->in_b)
		return walk(c, start_b, action);
	if (cfd_subset_strictness(action_a) <= cfd_subset_strictness(action))
		return 0;
	return make_witness(c, action_a, action);
}

/* A branch on an unknown word: both ways, each under its condition; a way that cannot be taken is not. */
static int branch(struct comparison *c, const struct position *at, const struct sock_filter *i, uint32_t action_a)
{
	struct cfd_subset_condition condition = {at->mask, i->k, BPF_OP(i->code), true};
	struct position then = *at;
	int can[2], r = 0;

	c->result.steps += c->words[at->word].masked ? COST_OF_SCAN : 0;
	for (int truth = 0; truth < 2; truth++) {
		condition.truth = truth;
		can[truth] = cfd_subset_word_can_meet(&c->words[at->word], &condition, &c->scan);
		if (can[truth] < 0)
			return can[truth];
	}
	for (int truth = 0; truth < 2 && !r; truth++) {
		if (!can[truth])
			continue;
		condition.truth = truth;
		then.next = at->next + (truth ? i->jt : i->jf);
		if (!can[!truth]) /* it follows from the others: nothing to remember */
			return walk(c, then, action_a);
		cfd_subset_word_push(&c->words[at->word], &condition); /* there was room a moment ago */
		r = walk(c, then, action_a);
		cfd_subset_word_pop(&c->words[at->word]);
	}
	return r;
}

static void load(const struct comparison *c, struct position *at, uint32_t offset)
{
	at->word = offset / sizeof(uint32_t);
	at->mask = UINT32_MAX;
	at->value = c->number;
}

/* Follows a program from there to its returns. 0: nothing found; 1: a witness; or an error. */
static int walk(struct comparison *c, struct position at, uint32_t action_a)
{
	const struct cfd_subset_program *program = at.in_b ? c->b : c->a;

	for (;;) {
		const struct sock_filter *i = &program->code[at.next++];

		if (++c->result.steps > MAX_STEPS)
			return -E2BIG;
		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			load(c, &at, i->k);
			break;
		case BPF_ALU:
			if (at.word == WORD_NUMBER)
				return -EOPNOTSUPP;
			at.mask &= i->k;
			at.value &= i->k;
			break;
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_JA) {
				at.next += i->k;
				break;
			}
			if (at.word < WORDS && at.word != WORD_NUMBER)
				return branch(c, &at, i, action_a);
			if (at.word == WORD_NUMBER && BPF_OP(i->code) == BPF_JSET)
				return -EOPNOTSUPP;
			at.next += cfd_subset_word_test(BPF_OP(i->code), at.value, i->k) ? i->jt : i->jf;
			break;
		default: /* BPF_RET */
			return arrive(c, &at, i->k, action_a);
		}
	}
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static size_t add_constants(const struct cfd_subset_program *program, uint32_t *list, size_t count)
{
	for (size_t i = 0; i < program->length; i++)
		if (is_jump(&program->code[i]) && BPF_OP(program->code[i].code) != BPF_JA)
			list[count++] = program->code[i].k;
	return count;
}

/* Every constant, and one number of each gap between neighbours. The list has room for two a constant and two more. */
static size_t number_classes(const struct comparison *c, uint32_t *constants, uint32_t *ret_list)
{
	size_t count = add_constants(c->b, constants, add_constants(c->a, constants, 0)), made = 0;

	qsort(constants, count, sizeof(*constants), compare_u32);
	if (count == 0 || constants[0] != 0)
		ret_list[made++] = 0;
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && constants[i] == constants[i - 1])
			continue;
		if (made == 0 || ret_list[made - 1] != constants[i])
			ret_list[made++] = constants[i];
		if (constants[i] != UINT32_MAX)
			ret_list[made++] = constants[i] + 1;
	}
	return made;
}

static int compare_all(struct comparison *c, struct cfd_error *err)
{
	size_t most = c->a->length + c->b->length;
	CFD_AUTO_FREE uint32_t *constants = calloc(most, sizeof(*constants));
	CFD_AUTO_FREE uint32_t *numbers = calloc(2 * most + 2, sizeof(*numbers));
	const struct position start = {.in_b = false, .word = WORD_NONE};
	size_t count;
	int r = 0;

	if (!constants || !numbers)
		return cfd_fail_memory(err, "comparing seccomp programs");
	count = number_classes(c, constants, numbers);
	for (size_t i = 0; i < count && !r; i++) {
		c->number = numbers[i];
		r = walk(c, start, 0);
	}
	c->result.holds = r == 0;
	if (r < 0)
		return cfd_fail(err, r, "two seccomp programs cannot be compared: %s",
				r == -E2BIG ? "there are too many combinations of conditions; use fewer argument rules"
				: r == -EOPNOTSUPP ? "one computes in a way that libseccomp does not"
						   : "the comparison and the simulation disagree");
	return 0;
}

int cfd_subset_compare(const struct cfd_subset_program *a, const struct cfd_subset_program *b,
		       struct cfd_subset_result *ret_result, struct cfd_error *err)
{
	CFD_AUTO_FREE struct comparison *c = calloc(1, sizeof(*c));
	int r = check_program(a);

	if (!c)
		return cfd_fail_memory(err, "comparing seccomp programs");
	r = r ? r : check_program(b);
	if (r)
		return cfd_fail(err, r, "two seccomp programs cannot be compared: one is %s",
				r == -EINVAL ? "not a program that the kernel would load"
					     : "made of instructions that libseccomp does not generate");
	c->a = a;
	c->b = b;
	r = compare_all(c, err);
	if (!r)
		*ret_result = c->result;
	return r;
}
