/* SPDX-License-Identifier: Apache-2.0 */
/* What was probably meant. */
#include "lib/near.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define MAX_LENGTH 48
#define LONG_WORD 10
#define SHORTEST_TAIL 4

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

struct cfd_near cfd_near_start(const char *word)
{
	size_t length = word ? strlen(word) : 0;
	bool comparable = length > 0 && length <= MAX_LENGTH;

	return (struct cfd_near){
		.word = comparable ? word : NULL,
		.limit = smaller(length < LONG_WORD ? 2 : 3, length / 2) + 1,
	};
}

static bool differ(char a, char b)
{
	return tolower((unsigned char)a) != tolower((unsigned char)b);
}

/*
 * How many characters to insert, delete, change or swap with their neighbour (optimal string alignment): row i has the
 * edits from the first i characters of a to each beginning of b.
 */
static size_t edits(const char *a, const char *b)
{
	size_t rows[3][MAX_LENGTH + 1], columns = strlen(b), length = strlen(a);

	for (size_t j = 0; j <= columns; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= length; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *twice = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= columns; j++) {
			row[j] = smaller(smaller(row[j - 1], above[j]) + 1, above[j - 1] + differ(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && !differ(a[i - 1], b[j - 2]) && !differ(a[i - 2], b[j - 1]))
				row[j] = smaller(row[j], twice[j - 2] + 1);
		}
	}
	return rows[length % 3][columns];
}

static bool is_tail(const char *word, const char *candidate)
{
	const char *dot = strchr(candidate, '.');

	return dot && strlen(word) >= SHORTEST_TAIL && strcasecmp(dot + 1, word) == 0;
}

void cfd_near_offer(struct cfd_near *near, const char *candidate)
{
	size_t distance = near->limit;

	if (!near->word || strlen(candidate) > MAX_LENGTH)
		return;
	distance = is_tail(near->word, candidate) ? 0 : edits(near->word, candidate);
	if (distance < near->limit) {
		near->limit = distance;
		near->meant = candidate;
	}
}
