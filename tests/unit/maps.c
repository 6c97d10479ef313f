/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/userns/maps.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Test(maps, what_the_kernel_writes_is_read)
{
	CFD_AUTO(cfd_maps_release) struct cfd_maps maps = {0};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_maps_parse("         0     100000      65536\n     70000 4294967294          1\n", &maps.uids,
				    &err),
		     0, "%s", err.message);
	cr_assert_eq(maps.uids.count, 2);
	cr_expect_eq(maps.uids.values[0].container_id, 0);
	cr_expect_eq(maps.uids.values[0].host_id, 100000);
	cr_expect_eq(maps.uids.values[0].size, 65536);
	cr_expect_eq(maps.uids.values[1].container_id, 70000);
	cr_expect_eq(maps.uids.values[1].host_id, 4294967294u);
	cr_assert_eq(cfd_maps_parse("", &maps.gids, &err), 0);
	cr_expect_eq(maps.gids.count, 0);
}

Test(maps, as_many_lines_as_the_kernel_has_are_read_and_no_more)
{
	static const size_t counts[] = {340, 341};

	for (size_t i = 0; i < CFD_COUNT(counts); i++) {
		CFD_AUTO(cfd_maps_release) struct cfd_maps maps = {0};
		CFD_AUTO_BUF struct cfd_buf text = {0};
		struct cfd_error err = {0};

		for (size_t line = 0; line < counts[i]; line++)
			cr_assert_eq(cfd_buf_addf(&text, "%zu %zu 1\n", line, 100000 + line), 0);
		cr_expect_eq(cfd_maps_parse(text.data, &maps.uids, &err), counts[i] == 340 ? 0 : -EINVAL);
		cr_expect_eq(maps.uids.count, counts[i] == 340 ? 340 : 0);
	}
}

Test(maps, anything_else_is_refused_with_its_line)
{
	static const char *const texts[] = {"0 1\n",
					    "0 1 2",
					    "0 1 2 3\n",
					    "0 -1 2\n",
					    "a 1 2\n",
					    "0 1 4294967296\n",
					    "0 1 99999999999999999999\n",
					    "\n",
					    "0\t1 2\n"};

	for (size_t i = 0; i < CFD_COUNT(texts); i++) {
		struct cfd_spec_id_maps maps = {0};
		CFD_AUTO_BUF struct cfd_buf text = {0};
		struct cfd_error err = {0};

		cr_assert_eq(cfd_buf_addf(&text, "0 1 2\n%s", texts[i]), 0);
		cr_expect_eq(cfd_maps_parse(text.data, &maps, &err), -EINVAL, "\"%s\"", texts[i]);
		cr_expect(strstr(err.message, "line 2 ") || strstr(err.message, "line 3 "), "%s", err.message);
		cr_expect_null(maps.values);
	}
}

/* Nobody may enter the namespace that he is in; then the process counts that the path names, and no other. */
Test(maps, a_namespace_that_cannot_be_entered_is_asked_by_the_path_of_its_own_process)
{
	CFD_AUTO(cfd_maps_release) struct cfd_maps maps = {0};
	CFD_AUTO_FD int user = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	CFD_AUTO_FD int other = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct cfd_error err = {0};
	char path[64];

	cr_assert(user >= 0 && other >= 0);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)getpid());
	cr_assert_eq(cfd_maps_of_namespace(user, path, &maps, &err), 0, "%s", err.message);
	cr_expect_geq(maps.uids.count, 1);
	cr_expect_geq(maps.gids.count, 1);
	cr_expect_eq(cfd_maps_of_namespace(user, "/run/userns/pinned", &maps, &err), -EPERM);
	cr_expect_eq(cfd_maps_of_namespace(user, "/proc/self/ns/user", &maps, &err), -EPERM);
	cr_expect_eq(cfd_maps_of_namespace(other, path, &maps, &err), -EPERM);
	cr_expect_eq(cfd_maps_of_namespace(-1, path, &maps, &err), -EPERM);
}
