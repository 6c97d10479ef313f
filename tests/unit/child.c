/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/child.h"
#include "lib/base.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static int change(void *data, struct cfd_error *err)
{
	(void)err;
	*(int *)data = 1;
	return 0;
}

static int fail(void *data, struct cfd_error *err)
{
	return cfd_fail(err, -ENOSPC, "no room for %s", (const char *)data);
}

static int die(void *data, struct cfd_error *err)
{
	(void)data;
	(void)err;
	_exit(0);
}

Test(child, work_that_is_done_changes_nothing_here)
{
	struct cfd_error err = {0};
	int done = 0;

	cr_expect_eq(cfd_child_run(change, &done, "a child", &err), 0, "%s", err.message);
	cr_expect_eq(done, 0);
	cr_expect_eq(err.code, 0);
}

Test(child, what_failed_is_told_as_if_it_were_here)
{
	struct cfd_error err = {0};
	char name[] = "a cat";

	cr_expect_eq(cfd_child_run(fail, name, "a child", &err), -ENOSPC);
	cr_expect_eq(err.code, -ENOSPC);
	cr_expect_str_eq(err.message, "no room for a cat");
}

Test(child, one_that_dies_before_it_is_done_has_failed)
{
	struct cfd_error err = {0};

	cr_expect_eq(cfd_child_run(die, NULL, "a child", &err), -EIO);
	cr_expect(strstr(err.message, "a child died"), "%s", err.message);
}
