/* SPDX-License-Identifier: Apache-2.0 */
/* Which profile fits an image: globs, the order of the choice, ties. */
#include "lib/image/image.h"
#include "tests/unit/profiles.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

Test(profile_match, globs)
{
	static const struct {
		const char *pattern, *text;
		bool fits;
	} cases[] = {
		{"", "", true},
		{"", "a", false},
		{"a", "", false},
		{"abc", "abc", true},
		{"abc", "abcd", false},
		{"abcd", "abc", false},
		{"*", "", true},
		{"*", "abc", true},
		{"*", "a/b", false},
		{"**", "a/b/c", true},
		{"a*c", "ac", true},
		{"a*c", "abbbc", true},
		{"a*c", "ab/c", false},
		{"a**c", "ab/c", true},
		{"?", "a", true},
		{"?", "", false},
		{"?", "/", false},
		{"a?c", "abc", true},
		{"\\*", "*", true},
		{"\\*", "a", false},
		{"\\?x", "?x", true},
		{"a\\", "a\\", false},
		{"a\\\\b", "a\\b", true},
		{"[a]", "[a]", true},
		{"[a]", "a", false},
		{"docker.io/library/nginx:1.*", "docker.io/library/nginx:1.27", true},
		{"docker.io/library/nginx:1.*", "docker.io/library/nginx:11.27", false},
		{"docker.io/*/nginx:*", "docker.io/library/nginx:1", true},
		{"docker.io/*/nginx:*", "docker.io/a/b/nginx:1", false},
		{"docker.io/**/nginx:*", "docker.io/a/b/nginx:1", true},
		{"docker.io/**nginx:*", "docker.io/evil/xnginx:1", true},
		{"**/b*/c", "a/b/b1/c", true},
		{"**/b*/c", "a/b1/x/b2/c", true},
		{"**/b*/c", "a/b1/x/c", false},
		{"*a*b*", "xxaxxbxx", true},
		{"a*b**c*d", "a1b2/c/cd", true},
		{"a*b**c*d", "a/b2/cd", false},
		{"**?", "a/", false},
		{"**?", "/a", true},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++)
		cr_expect_eq(cfd_profile_glob(cases[i].pattern, cases[i].text), cases[i].fits, "%s on %s",
			     cases[i].pattern, cases[i].text);
}

/* The plainest matcher there is, exponential and easy to believe. */
static bool slow_glob(const char *pattern, const char *text)
{
	if (pattern[0] == '*' && pattern[1] == '*')
		return slow_glob(pattern + 2, text) || (*text && slow_glob(pattern, text + 1));
	if (pattern[0] == '*')
		return slow_glob(pattern + 1, text) || (*text && *text != '/' && slow_glob(pattern, text + 1));
	if (!*pattern)
		return !*text;
	if (pattern[0] == '?')
		return *text && *text != '/' && slow_glob(pattern + 1, text + 1);
	return *pattern == *text && slow_glob(pattern + 1, text + 1);
}

static void count_up(char *text, size_t *digits, size_t length, const char *alphabet)
{
	for (size_t i = 0; i < length; i++) {
		digits[i] = (digits[i] + 1) % strlen(alphabet);
		text[i] = alphabet[digits[i]];
		if (digits[i])
			return;
	}
}

Test(profile_match, globs_agree_with_the_plain_matcher_on_everything_small)
{
	static const char letters[] = "ab/", signs[] = "*a/b?";
	char pattern[6] = {0};
	size_t p[5] = {0}, compared = 0;

	memset(pattern, signs[0], 5);
	for (size_t i = 0; i < 5 * 5 * 5 * 5 * 5; i++, count_up(pattern, p, 5, signs)) {
		char text[6] = {0};
		size_t t[5] = {0};

		memset(text, letters[0], 5);
		for (size_t k = 0; k < 3 * 3 * 3 * 3 * 3; k++, count_up(text, t, 5, letters)) {
			compared++;
			if (cfd_profile_glob(pattern, text) != slow_glob(pattern, text))
				cr_assert(false, "%s on %s", pattern, text);
		}
	}
	cr_expect_eq(compared, 3125u * 243u);
}

#define MEET_PATTERNS 125 /* of three signs each */
#define MEET_TEXTS 121    /* of up to four letters: what two patterns of three signs have in common is no longer */

/* Every pattern against every text; texts are numbered by length. */
static void fill_fits(bool fits[MEET_PATTERNS][MEET_TEXTS], char patterns[MEET_PATTERNS][4])
{
	size_t p[3] = {0};
	char pattern[4] = "***";

	for (size_t i = 0; i < MEET_PATTERNS; i++, count_up(pattern, p, 3, "*a/b?")) {
		size_t n = 0;

		strcpy(patterns[i], pattern);
		for (size_t length = 0, count = 1; length <= 4; length++, count *= 3) {
			char text[5] = {0};
			size_t t[4] = {0};

			memset(text, 'a', length);
			for (size_t k = 0; k < count; k++, count_up(text, t, length, "ab/"))
				fits[i][n++] = slow_glob(pattern, text);
		}
		cr_assert_eq(n, MEET_TEXTS);
	}
}

Test(profile_match, patterns_meet_when_some_text_fits_both)
{
	static bool fits[MEET_PATTERNS][MEET_TEXTS];
	static char patterns[MEET_PATTERNS][4];
	size_t meeting = 0;

	fill_fits(fits, patterns);
	for (size_t i = 0; i < MEET_PATTERNS; i++) {
		for (size_t j = 0; j < MEET_PATTERNS; j++) {
			bool expected = false;

			for (size_t n = 0; n < MEET_TEXTS && !expected; n++)
				expected = fits[i][n] && fits[j][n];
			meeting += expected;
			if (cfd_profile_globs_meet(patterns[i], patterns[j]) != expected)
				cr_assert(false, "%s and %s", patterns[i], patterns[j]);
		}
	}
	cr_expect(meeting > 1000 && meeting < 14000, "%zu", meeting);
	cr_expect(cfd_profile_globs_meet("r.example/\\*:1", "r.example/?:1"));
	cr_expect_not(cfd_profile_globs_meet("r.example/\\*:1", "r.example/a:*"));
}

Test(profile_match, candidates_are_in_order_with_their_best_entries)
{
	const struct cfd_image image = {.name = (char *)"docker.io/library/nginx:1.27", .digests = {(char *)DIGEST_A}};
	CFD_AUTO_FREE struct cfd_profile_candidate *list = NULL;
	TREE tree = tree_make();
	struct cfd_error err = {0};
	SET set = NULL;
	size_t count = 0;

	write_profile(tree, "a-hub", "\"match\": [{\"image\": \"docker.io/**\"}]");
	write_profile(tree, "b-exact", "\"match\": [{\"image\": \"docker.io/library/nginx:1.27\"}]");
	write_profile(tree, "c-globs",
		      "\"match\": [{\"image\": \"docker.io/*/*\"}, {\"image\": \"docker.io/library/nginx:*\"}]");
	write_profile(tree, "d-other", "\"match\": [{\"image\": \"docker.io/library/redis:*\"}]");
	write_profile(tree, "e-pinned", "\"match\": [{\"digest\": \"" DIGEST_A "\"}]");
	write_profile(tree, "f-tied", "\"match\": [{\"image\": \"docker.io/library/nginx?1.27\"}]");
	set = open_set(tree, NULL);
	cr_assert_eq(cfd_profile_candidates(set, &image, &list, &count, &err), 0, "%s", err.message);
	cr_assert_eq(count, 5);
	cr_expect_str_eq(list[0].name, "e-pinned");
	cr_expect_str_eq(list[1].name, "b-exact");
	cr_expect_str_eq(list[2].name, "f-tied");
	cr_expect_str_eq(list[3].name, "c-globs");
	cr_expect_str_eq(list[3].pattern, "docker.io/library/nginx:*");
	cr_expect_eq(list[3].literal, 24);
	cr_expect_str_eq(list[4].name, "a-hub");
	cr_expect_gt(cfd_profile_candidates_compare(&list[2], &list[3]), 0);
	cr_expect_eq(cfd_profile_candidates_compare(&list[1], &list[1]), 0);
}

Test(profile_match, a_hostile_pattern_is_not_exponential)
{
	char pattern[513] = "**", text[401];
	struct timespec start, end;

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 2; i < 510; i += 2)
		memcpy(pattern + i, "a*", 2);
	strcpy(pattern + 510, "b");
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	cr_expect_not(cfd_profile_glob(pattern, text));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	cr_expect_lt(end.tv_sec - start.tv_sec, 2);
}

Test(profile_match, a_digest_wins_over_a_name_and_a_name_over_globs_and_more_literal_over_less)
{
	TREE tree = tree_make();

	write_profile(tree, "hub", "\"match\": [{\"image\": \"docker.io/**\"}]");
	write_profile(tree, "nginx", "\"match\": [{\"image\": \"docker.io/library/nginx:*\"}]");
	write_profile(tree, "nginx-1", "\"match\": [{\"image\": \"docker.io/library/nginx:1.*\"}]");
	write_profile(tree, "nginx-127", "\"match\": [{\"image\": \"docker.io/library/nginx:1.27\"}]");
	write_profile(tree, "pinned", "\"match\": [{\"digest\": \"" DIGEST_A "\"}]");
	write_profile(tree, "unmatched", "");
	{
		SET set = open_set(tree, NULL);

		cr_expect_str_eq(match_profile(set, "docker.io/library/nginx:1.27", DIGEST_B, NULL), "nginx-127");
		cr_expect_str_eq(match_profile(set, "docker.io/library/nginx:1.26", DIGEST_B, NULL), "nginx-1");
		cr_expect_str_eq(match_profile(set, "docker.io/library/nginx:2", NULL, NULL), "nginx");
		cr_expect_str_eq(match_profile(set, "docker.io/library/redis:7", NULL, NULL), "hub");
		cr_expect_str_eq(match_profile(set, "docker.io/library/nginx:1.27", DIGEST_A, NULL), "pinned");
		cr_expect_str_eq(match_profile(set, "docker.io/library/nginx:1.27", NULL, DIGEST_A), "pinned", "by id");
		cr_expect_str_eq(match_profile(set, NULL, DIGEST_A, NULL), "pinned");
		cr_expect_str_eq(match_profile(set, NULL, NULL, NULL), "none");
		cr_expect_str_eq(match_profile(set, "quay.io/library/nginx:1.27", NULL, NULL), "none");
	}
}

static void expect_tie(const char *a, const char *b, const char *name)
{
	TREE tree = tree_make();
	CFD_AUTO_FREE char *path_a = tree_path(tree, "a.json"), *path_b = tree_path(tree, "b.json");
	const struct cfd_image image = {.name = (char *)name, .digests = {(char *)DIGEST_A}};
	SET set = NULL;
	const char *found = "untouched";
	struct cfd_error err = {0};

	write_profile(tree, "a", a);
	write_profile(tree, "b", b);
	write_profile(tree, "c", "\"match\": [{\"image\": \"**/**\"}]"); /* weaker, and no part of it */
	set = open_set(tree, NULL);
	cr_expect_eq(cfd_profile_match(set, &image, &found, &err), -EEXIST, "%s, %s", a, b);
	cr_expect_str_eq(found, "untouched");
	cr_expect_not_null(strstr(err.message, path_a), "%s", err.message);
	cr_expect_not_null(strstr(err.message, path_b), "%s", err.message);
	cr_expect_null(strstr(err.message, "c.json"));
}

Test(profile_match, a_tie_is_an_error_that_names_both)
{
	expect_tie("\"match\": [{\"image\": \"docker.io/a/*:1\"}]", "\"match\": [{\"image\": \"docker.io/*/b:1\"}]",
		   "docker.io/a/b:1");
	expect_tie("\"match\": [{\"image\": \"docker.io/a/b:1\"}]", "\"match\": [{\"image\": \"docker.io/a/b\\\\:1\"}]",
		   "docker.io/a/b:1");
	expect_tie("\"match\": [{\"digest\": \"" DIGEST_A "\"}]",
		   "\"match\": [{\"image\": \"docker.io/x/y:1\"}, {\"digest\": \"" DIGEST_A "\"}]", "docker.io/a/b:1");
}

Test(profile_match, a_tie_below_the_winner_and_one_profile_matching_twice_are_none)
{
	TREE tree = tree_make();

	write_profile(tree, "a", "\"match\": [{\"image\": \"docker.io/a/*:1\"}]");
	write_profile(tree, "b", "\"match\": [{\"image\": \"docker.io/*/b:1\"}]");
	write_profile(tree, "z", "\"match\": [{\"image\": \"docker.io/a/b:*\"}, {\"image\": \"docker.io/*a/b:1\"}]");
	{
		SET set = open_set(tree, NULL);

		cr_expect_str_eq(match_profile(set, "docker.io/a/b:1", NULL, NULL), "z");
	}
}
