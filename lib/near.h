/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was probably meant: the known word that a mistyped one is nearest to. Candidates are offered one by one, so that
 * they may come from any table.
 */
#ifndef CFD_NEAR_H
#define CFD_NEAR_H

#include "lib/base.h"

struct cfd_near {
	const char *word;
	size_t limit;      /* only what is nearer than this many edits */
	const char *meant; /* borrowed from the candidates; NULL: none is near */
};

/* Accepts NULL, to which nothing is near. Words of more than 48 bytes are not compared. */
struct cfd_near cfd_near_start(const char *word);
/*
 * Characters to insert, delete, change or swap count, case does not: at most 2 (3 in words of ten and more), and never
 * more than half of the word. A candidate "group.word" is near to "word". Of equally near ones the first is kept.
 */
void cfd_near_offer(struct cfd_near *near, const char *candidate);

#endif
