/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/held.h"
#include "lib/spec/spec.h"

#include <criterion/criterion.h>

Test(held, the_nearest_earlier_mount_covers_a_place)
{
	static const struct {
		const char *place;
		size_t cover, at; /* at: the last one noted at that place when it was noted */
	} mounts[] = {
		{"/a", 0, 0},       {"/a-b", 1, 1}, {"/a/b/c", 0, 2}, {"/a", 3, 3},       {"/a/b/d", 3, 4},
		{"/a/b/c/d", 2, 5}, {"/", 6, 6},    {"/x", 6, 7},     {"/a-b/c/d", 1, 8},
	};
	struct cfd_spec_mount list[CFD_COUNT(mounts)] = {0};
	const struct cfd_spec spec = {.mounts = list, .mount_count = CFD_COUNT(mounts)};
	CFD_AUTO(cfd_held_release) struct cfd_held held = {0};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_held_init(&held, &spec, &err), 0);
	cr_expect_eq(cfd_held_at(&held, "/a"), CFD_HELD_NONE);
	for (size_t i = 0; i < CFD_COUNT(mounts); i++) {
		cr_assert_eq(cfd_held_place(&held, i, mounts[i].place, &err), 0);
		cr_expect_eq(cfd_held_at(&held, mounts[i].place), mounts[i].at, "%s", mounts[i].place);
	}
	for (size_t i = 0; i < CFD_COUNT(mounts); i++)
		cr_expect_eq(cfd_held_cover(&held, i), mounts[i].cover, "%zu: %s", i, mounts[i].place);
}
