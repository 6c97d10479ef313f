/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether two patterns can match the same name.
 *
 * Both are walked from the end: place (i, j) meets when some text fits what follows i in one and j in the other. A run
 * either ends, or swallows the other pattern's next character or run.
 */
#include "lib/profile/internal.h"

#include <stdlib.h>
#include <string.h>

#define TOKENS_MAX 512 /* as many as a pattern has characters */

enum kind { END, LITERAL, ONE, RUN, LONG_RUN };

struct token {
	enum kind kind;
	char character;
};

static size_t split(const char *pattern, struct token *tokens)
{
	size_t count = 0;

	for (; *pattern && count < TOKENS_MAX; pattern++) {
		struct token *token = &tokens[count++];

		*token = (struct token){.kind = LITERAL, .character = *pattern};
		if (*pattern == '*' && pattern[1] == '*') {
			token->kind = LONG_RUN;
			pattern++;
		} else if (*pattern == '*') {
			token->kind = RUN;
		} else if (*pattern == '?') {
			token->kind = ONE;
		} else if (*pattern == '\\' && pattern[1]) {
			token->character = *++pattern;
		}
	}
	tokens[count] = (struct token){.kind = END};
	return count;
}

static bool is_run(struct token token)
{
	return token.kind == RUN || token.kind == LONG_RUN;
}

/* Whether the run or the single character has room for what the other pattern has there. */
static bool takes(struct token by, struct token other)
{
	if (other.kind == END)
		return false;
	if (by.kind == LONG_RUN || is_run(other) || other.kind == ONE)
		return true;
	return by.kind == LITERAL ? by.character == other.character : other.character != '/';
}

static bool meets(const bool *table, size_t width, size_t i, size_t j, struct token a, struct token b)
{
	bool a_ends = table[(i + 1) * width + j], b_ends = table[i * width + j + 1];

	if (is_run(a) && (a_ends || (takes(a, b) && b_ends)))
		return true;
	if (is_run(b) && (b_ends || (takes(b, a) && a_ends)))
		return true;
	return !is_run(a) && !is_run(b) && (takes(a, b) && takes(b, a)) && table[(i + 1) * width + j + 1];
}

bool cfd_profile_globs_meet(const char *a, const char *b)
{
	struct token left[TOKENS_MAX + 1], right[TOKENS_MAX + 1];
	size_t rows = split(a, left), columns = split(b, right), width = columns + 2;
	CFD_AUTO_FREE bool *table = calloc((rows + 2) * width, sizeof(*table));

	if (!table)
		return false;
	for (size_t i = rows + 1; i-- > 0;)
		for (size_t j = columns + 1; j-- > 0;)
			table[i * width + j] =
				(i == rows && j == columns) || meets(table, width, i, j, left[i], right[j]);
	return table[0];
}
