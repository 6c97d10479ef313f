/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known about one 32-bit word of a system call: a conjunction of conditions `(word & mask) op constant`, and
 * whether any value meets them all. A part of lib/subset.
 */
#ifndef CFD_SUBSET_WORD_H
#define CFD_SUBSET_WORD_H

#include "lib/base.h"

#define CFD_SUBSET_WORD_MAX 128 /* conditions on one word, not counting those that follow from others */
#define CFD_SUBSET_WORD_STATES 1024

struct cfd_subset_condition {
	uint32_t mask, constant;
	uint16_t op; /* BPF_JEQ, BPF_JGT, BPF_JGE or BPF_JSET of linux/bpf_common.h */
	bool truth;  /* which way the branch went */
};

struct cfd_subset_word {
	size_t count, masked; /* `masked`: how many of them do not compare the plain word */
	struct cfd_subset_condition list[CFD_SUBSET_WORD_MAX];
};

struct cfd_subset_scan_state { /* two bits for each condition */
	uint64_t bits[CFD_SUBSET_WORD_MAX / 32];
};

struct cfd_subset_scan { /* working space; it carries nothing from one call to the next */
	struct cfd_subset_scan_state states[2][CFD_SUBSET_WORD_STATES];
	uint16_t parent[32][CFD_SUBSET_WORD_STATES];
	uint8_t bit[32][CFD_SUBSET_WORD_STATES];
};

/* One comparison as the kernel does it. */
bool cfd_subset_word_test(uint16_t op, uint32_t value, uint32_t constant);

/* Adds a condition, or takes the last one away. -E2BIG: there is no room. */
int cfd_subset_word_push(struct cfd_subset_word *word, const struct cfd_subset_condition *condition);
void cfd_subset_word_pop(struct cfd_subset_word *word);

/* 1 and a value that meets every condition; 0 if there is none; -E2BIG if it cannot be told within the working space.
 */
int cfd_subset_word_solve(const struct cfd_subset_word *word, struct cfd_subset_scan *scan, uint32_t *ret_value);

/* The same with one more condition, which is not kept. */
int cfd_subset_word_can_meet(struct cfd_subset_word *word, const struct cfd_subset_condition *condition,
			     struct cfd_subset_scan *scan);

#endif
