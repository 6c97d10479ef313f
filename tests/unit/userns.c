/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/userns/userns.h"

#include <criterion/criterion.h>
#include <stdio.h>

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
