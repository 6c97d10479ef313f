/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fd.h"
#include "lib/userns/pool.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_USED 4

struct pick {
	const char *subuid, *subgid; /* NULL: no file */
	uint32_t used[MAX_USED];     /* ranges of 65536 */
	size_t used_count;
	struct cfd_userns_range large;  /* one more that is in use */
	struct cfd_userns_range wanted; /* base 0: any, size 0: 65536 */
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
	struct cfd_userns_range used[MAX_USED + 1] = {pick->large};
	struct cfd_pool pool = {
		.owner = "pool", .subuid = uids, .subgid = gids, .used = used, .used_count = pick->used_count + 1};
	int r;

	cr_assert_not_null(mkdtemp(directory));
	snprintf(uids, sizeof(uids), "%s/subuid", directory);
	snprintf(gids, sizeof(gids), "%s/subgid", directory);
	write_file(uids, pick->subuid);
	write_file(gids, pick->subgid);
	for (size_t i = 0; i < pick->used_count; i++)
		used[i + 1] = (struct cfd_userns_range){.base = pick->used[i], .size = CFD_USERNS_RANGE_SIZE};
	r = cfd_pool_pick(&pool, &pick->wanted, range, err);
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
		cr_expect_eq(range.size,
			     picks[i].expected      ? 0
			     : picks[i].wanted.size ? picks[i].wanted.size
						    : 65536,
			     "case %zu", i);
		if (picks[i].says)
			cr_expect_not_null(strstr(err.message, picks[i].says), "case %zu: %s", i, err.message);
	}
}

#define EXPECT_PICKS(...)                                                                                              \
	expect_picks((const struct pick[]){__VA_ARGS__},                                                               \
		     sizeof((const struct pick[]){__VA_ARGS__}) / sizeof(struct pick))

#define BOTH(text) .subuid = (text), .subgid = (text)

Test(pool, the_first_free_range_of_the_pool_is_picked)
{
	EXPECT_PICKS(
		{BOTH("pool:100000:65536\n"), .base = 100000}, {BOTH("pool:100000:65536"), .base = 100000},
		{BOTH("# ours\n\nroot:1:1\npool:100000:65536\n"), .base = 100000},
		{BOTH("pool:100000:131072\n"), .used = {100000}, .used_count = 1, .base = 165536},
		{BOTH("pool:100000:65536\npool:400000:65536\n"), .used = {100000}, .used_count = 1, .base = 400000},
		{BOTH("pool:100000:65535\npool:300000:65536\n"), .base = 300000},
		{BOTH("pool:100000:262144\n"), .used = {100000, 165536, 296608}, .used_count = 3, .base = 231072});
}

Test(pool, a_range_that_a_live_container_overlaps_is_skipped_whatever_its_alignment)
{
	EXPECT_PICKS({BOTH("pool:100000:262144\n"), .used = {100001}, .used_count = 1, .base = 231072},
		     {BOTH("pool:100000:262144\n"), .used = {34465}, .used_count = 1, .base = 165536},
		     {BOTH("pool:100000:262144\n"), .used = {34464}, .used_count = 1, .base = 100000});
}

Test(pool, what_another_owner_has_in_either_file_is_skipped)
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

Test(pool, both_files_must_give_the_same_numbers)
{
	EXPECT_PICKS({.subuid = "pool:100000:131072\n", .subgid = "pool:165536:65536\n", .base = 165536},
		     {.subuid = "pool:100000:65536\n", .subgid = "pool:100000:1\npool:100001:65535\n", .base = 100000},
		     {.subuid = "pool:100000:65536\n", .subgid = "pool:200000:65536\n", .expected = -ENOENT},
		     {.subuid = "pool:100000:65536\n", .expected = -ENOENT},
		     {.subgid = "pool:100000:65536\n", .expected = -ENOENT}, {.expected = -ENOENT});
}

Test(pool, the_hosts_own_ids_and_the_end_of_the_numbers_are_not_for_containers)
{
	EXPECT_PICKS({BOTH("pool:0:131072\n"), .base = 65536}, {BOTH("pool:65535:65536\n"), .expected = -ENOENT},
		     {BOTH("pool:1000:65536\n"), .expected = -ENOENT},
		     {BOTH("pool:4294901759:65536\n"), .base = 4294901759u},
		     {BOTH("pool:4294901760:65536\n"), .expected = -ENOENT},
		     {BOTH("pool:4294901760:4294967295\n"), .expected = -ENOENT});
}

Test(pool, a_full_pool_is_told_from_an_empty_one)
{
	EXPECT_PICKS({BOTH("pool:100000:131072\n"), .used = {100000, 165536}, .used_count = 2, .expected = -ENOSPC,
		      .says = "all 2 that"});
}

Test(pool, lines_that_cannot_be_read_are_refused_with_their_number)
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

Test(pool, a_larger_range_is_a_free_part_in_a_row)
{
	EXPECT_PICKS(
		{BOTH("pool:100000:262144\n"), .wanted.size = 131072, .base = 100000},
		{BOTH("pool:100000:262144\n"), .used = {100000}, .used_count = 1, .wanted.size = 131072,
		 .base = 165536},
		{BOTH("pool:100000:262144\n"), .used = {165536}, .used_count = 1, .wanted.size = 131072,
		 .base = 231072},
		{BOTH("pool:100000:262144\n"), .large = {100000, 131072}, .wanted.size = 131072, .base = 231072},
		{BOTH("pool:100000:262144\n"), .large = {100000, 196608}, .base = 296608},
		{BOTH("pool:100000:262144\n"), .large = {165536, 131072}, .used = {100000}, .used_count = 1,
		 .base = 296608},
		{BOTH("pool:100000:262144\nother:240000:1\n"), .wanted.size = 131072, .base = 100000},
		{BOTH("pool:100000:65536\npool:165536:65536\n"), .wanted.size = 131072, .expected = -ENOENT,
		 .says = "no 131072 ids in common"},
		{BOTH("pool:100000:65536\npool:300000:131072\n"), .wanted.size = 131072, .base = 300000},
		{BOTH("pool:100000:262144\n"), .used = {165536, 231072}, .used_count = 2, .wanted.size = 131072,
		 .expected = -ENOSPC,
		 .says = "no free range of 131072 ids in a row for one more container: of the 4 "
			 "ranges of 65536 that "},
		{BOTH("pool:100000:262144\n"), .large = {100000, 262144}, .expected = -ENOSPC, .says = "all 4 that"});
}

Test(pool, a_range_that_is_asked_for_is_that_one_or_none)
{
	EXPECT_PICKS(
		{BOTH("pool:100000:262144\n"), .wanted.base = 150000, .base = 150000},
		{BOTH("pool:100000:262144\n"), .wanted = {231072, 131072}, .base = 231072},
		{BOTH("pool:100000:65536\npool:165536:65536\n"), .wanted = {100000, 131072}, .base = 100000},
		{BOTH("pool:100000:262144\n"), .used = {100000}, .used_count = 1, .wanted.base = 165535,
		 .expected = -EBUSY, .says = "of the ids 165535 to 231070, another container has some"},
		{BOTH("pool:100000:262144\n"), .large = {100000, 131072}, .wanted.base = 231072, .base = 231072},
		{BOTH("pool:100000:262144\n"), .large = {100000, 131072}, .wanted.base = 231071, .expected = -EBUSY},
		{BOTH("pool:100000:262144\n"), .used = {300000}, .used_count = 1, .wanted = {200000, 131072},
		 .expected = -EBUSY},
		{BOTH("pool:100000:262144\n"), .wanted.base = 99999, .expected = -ENOENT,
		 .says = "are not all in what "},
		{BOTH("pool:100000:262144\n"), .wanted = {296608, 131072}, .expected = -ENOENT,
		 .says = "add the line `pool:296608:131072` to both"},
		{.subuid = "pool:100000:262144\n",
		 .subgid = "pool:100000:65536\n",
		 .wanted.base = 165536,
		 .expected = -ENOENT},
		{BOTH("pool:100000:262144\nother:231071:1\n"), .wanted.base = 165536, .expected = -ENOENT,
		 .says = "some to another owner than `pool`"},
		{.subuid = "pool:100000:262144\n",
		 .subgid = "pool:100000:262144\nother:165536:1\n",
		 .wanted.base = 165536,
		 .expected = -ENOENT,
		 .says = "another owner"},
		{BOTH("pool:1000:262144\n"), .wanted.base = 65535, .expected = -ENOENT,
		 .says = "are not all above 65535"},
		{BOTH("pool:4294901760:65536\n"), .wanted.base = 4294901760u, .expected = -ENOENT,
		 .says = "below 4294967295"},
		{.wanted.base = 100000, .expected = -ENOENT});
}

Test(pool, ranges_are_counted)
{
	const struct cfd_userns_range used[] = {{100000, 131072}, {100000, 131072}, {300000, 65536}};
	const struct pick files = {BOTH("pool:100000:327680\nother:170000:1\n")};
	char directory[] = "/tmp/cofferdam-test-XXXXXX", file[64];
	struct cfd_pool pool = {.owner = "pool", .subuid = file, .subgid = file, .used = used, .used_count = 3};
	struct cfd_pool_count count = {0};
	struct cfd_error err = {0};

	cr_assert_not_null(mkdtemp(directory));
	snprintf(file, sizeof(file), "%s/subid", directory);
	write_file(file, files.subuid);
	cr_expect_eq(cfd_pool_count(&pool, &count, &err), 0, "%s", err.message);
	cr_expect(count.ranges == 4 && count.in_use == 3 && count.lowest == 100000, "%zu, %zu, %u", count.ranges,
		  count.in_use, count.lowest);
	write_file(file, "other:1:1\n");
	cr_expect_eq(cfd_pool_count(&pool, &count, &err), -ENOENT);
	unlink(file);
	rmdir(directory);
}
