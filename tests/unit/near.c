/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/near.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *near_to(const char *word)
{
	static const char *const words[] = {"mounts",
					    "mode",
					    "dns",
					    "loopback",
					    "CHOWN",
					    "KILL",
					    "mount.engine-socket",
					    "mount.engine-state",
					    "rule.mount.other"};
	struct cfd_near near = cfd_near_start(word);

	for (size_t i = 0; i < CFD_COUNT(words); i++)
		cfd_near_offer(&near, words[i]);
	return near.meant ? near.meant : "-";
}

Test(near, a_slip_is_found_and_another_word_is_not)
{
	static const struct {
		const char *word, *meant;
	} cases[] = {
		{"mount", "mounts"},
		{"muonts", "mounts"},
		{"mods", "mode"},
		{"dsn", "dns"},
		{"chown", "CHOWN"},
		{"chwon", "CHOWN"},
		{"kil", "KILL"},
		{"d", "-"},
		{"ab", "-"},
		{"metadata", "-"},
		{"loopbcak", "loopback"},
		{"loopbac", "loopback"},
		{"lopbck", "loopback"},
		{"lpbck", "-"},
		{"mount.engine-sock", "mount.engine-socket"},
		{"mount.engine-sockets", "mount.engine-socket"},
		{"engine-socket", "mount.engine-socket"},
		{"", "-"},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++)
		cr_expect_str_eq(near_to(cases[i].word), cases[i].meant, "%s: %s", cases[i].word,
				 near_to(cases[i].word));
	cr_expect_str_eq(near_to(NULL), "-");
}

Test(near, words_of_any_length_are_compared_or_not_but_never_overrun)
{
	char word[200];

	for (size_t length = 1; length < sizeof(word); length++) {
		struct cfd_near near;

		memset(word, 'x', length);
		word[length] = '\0';
		near = cfd_near_start(word);
		cfd_near_offer(&near, word);
		cr_expect_eq(near.meant != NULL, length <= 48, "%zu", length);
		if (length + 1 == sizeof(word) - 1)
			break;
	}
}
