/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fd.h"
#include "lib/userns/userns.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_USED 4

struct pick {
	const char *subuid, *subgid; /* NULL: no file */
	uint32_t used[MAX_USED];
	size_t used_count;
	int expected;
	uint32_t base;
	const char *says;
};

static void write_file(const char *path, const char *text)
{
	FILE *file = text ? fopen(path, "w") : NULL;

	unlink(path);
	if (!text)
		return;
	file = freopen(path, "w", file);
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static int run_pick(const struct pick *pick, struct cfd_userns_range *range, struct cfd_error *err)
{
	char directory[] = "/tmp/cofferdam-test-XXXXXX", uids[64], gids[64];
	int r;

	cr_assert_not_null(mkdtemp(directory));
	snprintf(uids, sizeof(uids), "%s/subuid", directory);
	snprintf(gids, sizeof(gids), "%s/subgid", directory);
	write_file(uids, pick->subuid);
	write_file(gids, pick->subgid);
	r = cfd_userns_pick("pool", uids, gids, pick->used, pick->used_count, range, err);
	unlink(uids);
	unlink(gids);
	rmdir(directory);
	return r;
}

static void expect_picks(const struct pick *picks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct cfd_userns_range range = {.base = 77};
		struct cfd_error err = {0};

		cr_expect_eq(run_pick(&picks[i], &range, &err), picks[i].expected, "case %zu: %s", i, err.message);
		cr_expect_eq(range.base, picks[i].expected ? 77 : picks[i].base, "case %zu: base %u", i, range.base);
		cr_expect_eq(range.size, picks[i].expected ? 0 : 65536, "case %zu", i);
		if (picks[i].says)
			cr_expect_not_null(strstr(err.message, picks[i].says), "case %zu: %s", i, err.message);
	}
}

#define EXPECT_PICKS(...)                                                                                              \
	expect_picks((const struct pick[]){__VA_ARGS__},                                                               \
		     sizeof((const struct pick[]){__VA_ARGS__}) / sizeof(struct pick))

#define BOTH(text) .subuid = (text), .subgid = (text)

Test(userns, the_first_free_range_of_the_pool_is_picked)
{
	EXPECT_PICKS(
		{BOTH("pool:100000:65536\n"), .base = 100000}, {BOTH("pool:100000:65536"), .base = 100000},
		{BOTH("# ours\n\nroot:1:1\npool:100000:65536\n"), .base = 100000},
		{BOTH("pool:100000:131072\n"), .used = {100000}, .used_count = 1, .base = 165536},
		{BOTH("pool:100000:65536\npool:400000:65536\n"), .used = {100000}, .used_count = 1, .base = 400000},
		{BOTH("pool:100000:65535\npool:300000:65536\n"), .base = 300000},
		{BOTH("pool:100000:262144\n"), .used = {100000, 165536, 296608}, .used_count = 3, .base = 231072});
}

Test(userns, a_range_that_a_live_container_overlaps_is_skipped_whatever_its_alignment)
{
	EXPECT_PICKS({BOTH("pool:100000:262144\n"), .used = {100001}, .used_count = 1, .base = 231072},
		     {BOTH("pool:100000:262144\n"), .used = {34465}, .used_count = 1, .base = 165536},
		     {BOTH("pool:100000:262144\n"), .used = {34464}, .used_count = 1, .base = 100000});
}

Test(userns, what_another_owner_has_in_either_file_is_skipped)
{
	EXPECT_PICKS(
		{BOTH("pool:100000:131072\nother:165535:1\n"), .base = 165536},
		{BOTH("other:165535:1\npool:100000:131072\n"), .base = 165536},
		{BOTH("pool:100000:131072\nother:99999:1\n"), .base = 100000},
		{BOTH("pool:100000:131072\na:1:200000\nb:50:1\n"), .expected = -ENOENT,
		 .says = "nobody else's; add the line `pool:"},
		{.subuid = "pool:100000:131072\n", .subgid = "pool:100000:131072\nother:100000:1\n", .base = 165536},
		{BOTH("pool:100000:65536\npool2:100000:65536\n"), .expected = -ENOENT},
		{BOTH("pool:100000:65536\nother:100000:0\n"), .base = 100000});
}

Test(userns, both_files_must_give_the_same_numbers)
{
	EXPECT_PICKS({.subuid = "pool:100000:131072\n", .subgid = "pool:165536:65536\n", .base = 165536},
		     {.subuid = "pool:100000:65536\n", .subgid = "pool:100000:1\npool:100001:65535\n", .base = 100000},
		     {.subuid = "pool:100000:65536\n", .subgid = "pool:200000:65536\n", .expected = -ENOENT},
		     {.subuid = "pool:100000:65536\n", .expected = -ENOENT},
		     {.subgid = "pool:100000:65536\n", .expected = -ENOENT}, {.expected = -ENOENT});
}

Test(userns, the_hosts_own_ids_and_the_end_of_the_numbers_are_not_for_containers)
{
	EXPECT_PICKS({BOTH("pool:0:131072\n"), .base = 65536}, {BOTH("pool:65535:65536\n"), .expected = -ENOENT},
		     {BOTH("pool:1000:65536\n"), .expected = -ENOENT},
		     {BOTH("pool:4294901759:65536\n"), .base = 4294901759u},
		     {BOTH("pool:4294901760:65536\n"), .expected = -ENOENT},
		     {BOTH("pool:4294901760:4294967295\n"), .expected = -ENOENT});
}

Test(userns, a_full_pool_is_told_from_an_empty_one)
{
	EXPECT_PICKS({BOTH("pool:100000:131072\n"), .used = {100000, 165536}, .used_count = 2, .expected = -ENOSPC,
		      .says = "all 2 that"});
}

Test(userns, lines_that_cannot_be_read_are_refused_with_their_number)
{
	static const char *const lines[] = {"other",      "other:1",     "other:1:",           "other::1",
					    ":1:1",       "other:-1:1",  "other:1:1:1",        "other:01:1",
					    "other:1:1 ", "other:0x1:1", "other:1:4294967296", "other: 1:1",
					    "other:1:1\r"};

	for (size_t i = 0; i < CFD_COUNT(lines); i++) {
		char text[128];

		snprintf(text, sizeof(text), "pool:100000:65536\n%s\n", lines[i]);
		EXPECT_PICKS({BOTH(text), .expected = -EINVAL, .says = "subuid:2: "});
	}
}

Test(userns, the_initial_namespace_is_recognised)
{
	struct cfd_error err = {0};
	bool initial;
	unsigned long inside = 1, outside = 1, count = 0;
	FILE *map = fopen("/proc/self/uid_map", "r");

	cr_assert_not_null(map);
	cr_assert_eq(fscanf(map, "%lu %lu %lu", &inside, &outside, &count), 3);
	fclose(map);
	cr_assert_eq(cfd_userns_is_initial(&initial, &err), 0, "%s", err.message);
	cr_expect_eq(initial, !inside && !outside && count == 4294967295);
}
