/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can a 32-bit word meet a conjunction of conditions? Exactly.
 *
 * By interval and excluded values where nothing is masked. Otherwise by a scan from the top bit, which keeps for every
 * condition whether the word under the mask is still equal to the constant, already less or already greater: the set of
 * such states is small, and each remembers one way to get there, which spells the value.
 */
#include "lib/seccomp/subset_word.h"

#include <errno.h>
#include <linux/bpf_common.h>
#include <string.h>

/* Still equal (JSET: no bit met), less, greater (JSET: a bit met). */
enum { SCAN_EQUAL, SCAN_LESS, SCAN_GREATER };

bool cfd_subset_word_test(uint16_t op, uint32_t value, uint32_t constant)
{
	switch (op) {
	case BPF_JEQ:
		return value == constant;
	case BPF_JGT:
		return value > constant;
	case BPF_JGE:
		return value >= constant;
	default: /* BPF_JSET: lib/seccomp/subset.c lets nothing else pass */
		return (value & constant) != 0;
	}
}

static uint32_t state_get(const struct cfd_subset_scan_state *state, size_t condition)
{
	return state->bits[condition / 32] >> (condition % 32 * 2) & 3;
}

static void state_set(struct cfd_subset_scan_state *state, size_t condition, uint64_t value)
{
	state->bits[condition / 32] |= value << (condition % 32 * 2);
}

/* Whether a condition that is in this state after the last bit is met; `final` false: whether it still can be. */
static bool state_allows(const struct cfd_subset_condition *c, uint32_t state, bool final)
{
	if (!final && state == SCAN_EQUAL)
		return true;
	switch (c->op) {
	case BPF_JEQ:
		return (state == SCAN_EQUAL) == c->truth;
	case BPF_JGE:
		return (state != SCAN_LESS) == c->truth;
	default: /* BPF_JGT; BPF_JSET is SCAN_GREATER once a bit was met */
		return (state == SCAN_GREATER) == c->truth;
	}
}

/* The state after one more bit of the word. False: some condition cannot be met any more. */
static bool scan_bit(const struct cfd_subset_word *word, const struct cfd_subset_scan_state *from, unsigned bit,
		     unsigned value, struct cfd_subset_scan_state *to)
{
	*to = *from;
	for (size_t i = 0; i < word->count; i++) {
		const struct cfd_subset_condition *c = &word->list[i];
		unsigned have = value & (c->mask >> bit & 1), want = c->constant >> bit & 1;
		uint32_t state = state_get(from, i);

		if (state != SCAN_EQUAL)
			continue;
		if (c->op == BPF_JSET)
			state = have & want ? SCAN_GREATER : SCAN_EQUAL;
		else
			state = have == want ? SCAN_EQUAL : have < want ? SCAN_LESS : SCAN_GREATER;
		state_set(to, i, state);
		if (!state_allows(c, state, bit == 0))
			return false;
	}
	return true;
}

static int scan_level(struct cfd_subset_scan *scan, const struct cfd_subset_word *word, unsigned bit, size_t count,
		      size_t *ret_count)
{
	const struct cfd_subset_scan_state *from = scan->states[bit & 1];
	struct cfd_subset_scan_state *to = scan->states[~bit & 1], state;
	size_t made = 0, same;

	for (size_t i = 0; i < 2 * count; i++) {
		if (!scan_bit(word, &from[i / 2], bit, i % 2, &state))
			continue;
		for (same = 0; same < made && memcmp(&to[same], &state, sizeof(state)) != 0; same++)
			;
		if (same < made)
			continue;
		if (made == CFD_SUBSET_WORD_STATES)
			return -E2BIG;
		to[made] = state;
		scan->parent[bit][made] = (uint16_t)(i / 2);
		scan->bit[bit][made++] = i % 2;
	}
	*ret_count = made;
	return 0;
}

/* 1 and a value if the conditions can be met, 0 if not, -E2BIG. */
static int scan_solve(struct cfd_subset_scan *scan, const struct cfd_subset_word *word, uint32_t *ret_value)
{
	size_t count = 1, state = 0;
	uint32_t value = 0;

	memset(&scan->states[31 & 1][0], 0, sizeof(scan->states[0][0]));
	for (unsigned bit = 32; bit-- > 0;) {
		int r = scan_level(scan, word, bit, count, &count);

		if (r || !count)
			return r;
	}
	for (unsigned bit = 0; bit < 32; bit++) {
		value |= (uint32_t)scan->bit[bit][state] << bit;
		state = scan->parent[bit][state];
	}
	*ret_value = value;
	return 1;
}

/* What the conditions that must hold say of single bits. False: they contradict each other. */
static bool known_bits(const struct cfd_subset_word *word, uint32_t *mask, uint32_t *value)
{
	*mask = *value = 0;
	for (size_t i = 0; i < word->count; i++) {
		const struct cfd_subset_condition *c = &word->list[i];
		uint32_t bits = c->op == BPF_JEQ && c->truth     ? c->mask
				: c->op == BPF_JSET && !c->truth ? c->mask & c->constant
								 : 0;
		uint32_t want = c->op == BPF_JEQ ? c->constant & bits : 0;

		if ((c->op == BPF_JEQ && c->truth && (c->constant & ~c->mask)) || ((*value ^ want) & *mask & bits))
			return false;
		*mask |= bits;
		*value |= want;
	}
	return true;
}

static bool meets(const struct cfd_subset_word *word, uint32_t value)
{
	for (size_t i = 0; i < word->count; i++) {
		const struct cfd_subset_condition *c = &word->list[i];

		if (cfd_subset_word_test(c->op, value & c->mask, c->constant) != c->truth)
			return false;
	}
	return true;
}

/*
 * What needs no scan, which is nearly everything that filters contain: known bits that contradict each other or decide
 * a condition the wrong way, or that with all others clear, or set, make a value. 1, 0, or -EAGAIN: scan.
 */
static int quick_solve(const struct cfd_subset_word *word, uint32_t *ret_value)
{
	uint32_t mask, value;

	if (!known_bits(word, &mask, &value))
		return 0;
	for (size_t i = 0; i < word->count; i++) {
		const struct cfd_subset_condition *c = &word->list[i];

		if (!(c->mask & ~mask) && cfd_subset_word_test(c->op, value & c->mask, c->constant) != c->truth)
			return 0;
	}
	*ret_value = meets(word, value) ? value : value | ~mask;
	return meets(word, *ret_value) ? 1 : -EAGAIN;
}

/* Narrows the interval by one condition on the plain word. What excludes a single value is left to the caller. */
static void narrow(const struct cfd_subset_condition *c, uint64_t *low, uint64_t *high)
{
	uint64_t constant = c->constant, above = c->op == BPF_JGT ? constant + 1 : constant;

	if (c->op == BPF_JEQ && c->truth) {
		*low = *low > constant ? *low : constant;
		*high = *high < constant + 1 ? *high : constant + 1;
	} else if (c->op != BPF_JEQ && c->truth) {
		*low = *low > above ? *low : above;
	} else if (c->op != BPF_JEQ) {
		*high = *high < above ? *high : above;
	}
}

/* As scan_solve, for a word on which nothing is masked: the first value of low..high-1 that is not excluded. */
static int interval_solve(const struct cfd_subset_word *word, uint32_t *ret_value)
{
	uint64_t low = 0, high = UINT64_C(1) << 32;
	bool moved = true;

	for (size_t i = 0; i < word->count; i++)
		narrow(&word->list[i], &low, &high);
	while (moved && low < high) {
		moved = false;
		for (size_t i = 0; i < word->count; i++) {
			const struct cfd_subset_condition *c = &word->list[i];

			if (c->op == BPF_JEQ && !c->truth && c->constant == low) {
				low++;
				moved = true;
			}
		}
	}
	if (low >= high)
		return 0;
	*ret_value = (uint32_t)low;
	return 1;
}

int cfd_subset_word_solve(const struct cfd_subset_word *word, struct cfd_subset_scan *scan, uint32_t *ret_value)
{
	uint32_t value = 0;
	int r = word->masked ? quick_solve(word, &value) : interval_solve(word, &value);

	if (r == -EAGAIN)
		r = scan_solve(scan, word, &value);
	if (r == 1)
		*ret_value = value;
	return r;
}

int cfd_subset_word_push(struct cfd_subset_word *word, const struct cfd_subset_condition *condition)
{
	if (word->count == CFD_SUBSET_WORD_MAX)
		return -E2BIG;
	word->list[word->count++] = *condition;
	word->masked += condition->mask != UINT32_MAX || condition->op == BPF_JSET;
	return 0;
}

void cfd_subset_word_pop(struct cfd_subset_word *word)
{
	const struct cfd_subset_condition *last = &word->list[--word->count];

	word->masked -= last->mask != UINT32_MAX || last->op == BPF_JSET;
}

int cfd_subset_word_can_meet(struct cfd_subset_word *word, const struct cfd_subset_condition *condition,
			     struct cfd_subset_scan *scan)
{
	uint32_t ignored;
	int r = cfd_subset_word_push(word, condition);

	if (r)
		return r;
	r = cfd_subset_word_solve(word, scan, &ignored);
	cfd_subset_word_pop(word);
	return r;
}
