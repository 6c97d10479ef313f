/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/userns/layers.h"
#include "lib/userns/overlay.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>

#define AUTO_OVERLAY CFD_AUTO(cfd_overlay_release) struct cfd_overlay

Test(overlay, podman_has_relative_links_and_a_volatile_mount)
{
	AUTO_OVERLAY overlay = {0};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_overlay_parse("rw,lowerdir=l/ABC:l/DEF,upperdir=/s/overlay/id/diff,workdir=/s/overlay/id/work,"
				       "redirect_dir=on,uuid=on,metacopy=on,volatile",
				       "/s/overlay/id/merged", &overlay, &err),
		     0, "%s", err.message);
	cr_assert_eq(overlay.lower_count, 2);
	cr_expect_str_eq(overlay.lowers[0], "l/ABC");
	cr_expect_str_eq(overlay.lowers[1], "l/DEF");
	cr_expect_str_eq(overlay.base, "/s/overlay");
	cr_expect_str_eq(overlay.upper_parent, "/s/overlay/id");
	cr_expect_str_eq(overlay.upper_name, "diff");
	cr_expect_str_eq(overlay.options, ",redirect_dir=on,uuid=on,metacopy=on,volatile,index=off");
}

Test(overlay, containerd_has_absolute_layers)
{
	AUTO_OVERLAY overlay = {0};
	struct cfd_error err = {0};

	cr_assert_eq(
		cfd_overlay_parse("rw,seclabel,lowerdir=/c/2/fs:/c/1/fs,upperdir=/c/3/fs,workdir=/c/3/work,index=on,"
				  "nfs_export=on,xino=off,userxattr",
				  "/run/c/rootfs", &overlay, &err),
		0, "%s", err.message);
	cr_expect_eq(overlay.lower_count, 2);
	cr_expect_null(overlay.base);
	cr_expect_str_eq(overlay.options, ",nfs_export=off,xino=off,userxattr,index=off",
			 "the engine's mount holds what index=on would lock");
}

Test(overlay, layers_alone_and_read_only)
{
	AUTO_OVERLAY overlay = {0};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_overlay_parse("ro,lowerdir+=/c/2/fs,lowerdir+=/c/1/f\\054:s", "/m", &overlay, &err), 0, "%s",
		     err.message);
	cr_assert_eq(overlay.lower_count, 2);
	cr_expect_str_eq(overlay.lowers[1], "/c/1/f,:s", "a layer that stands alone is not cut at colons");
	cr_expect_null(overlay.upper);
	cr_expect_str_eq(overlay.options, "");
}

Test(overlay, escapes_of_both_languages_are_undone)
{
	AUTO_OVERLAY overlay = {0};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_overlay_parse("rw,lowerdir=/a\\054b\\134:c:/d\\040e\\134\\134f", "/m", &overlay, &err), 0,
		     "%s", err.message);
	cr_assert_eq(overlay.lower_count, 2);
	cr_expect_str_eq(overlay.lowers[0], "/a,b:c");
	cr_expect_str_eq(overlay.lowers[1], "/d e\\f");
}

/* What Linux 6.1 to 7.2 show of `upperdir=/a\\,b/c\\:d\\\\e`: as it was written. */
Test(overlay, backslashes_in_upper_are_undone_and_written_again)
{
	AUTO_OVERLAY overlay = {0};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_overlay_parse("rw,lowerdir=/a,upperdir=/a\\134\\054b/c\\134:d\\134\\134e,"
				       "workdir=/a\\134\\054b/w",
				       "/m", &overlay, &err),
		     0, "%s", err.message);
	cr_expect_str_eq(overlay.upper, "/a,b/c:d\\e");
	cr_expect_str_eq(overlay.work, "/a,b/w");
	cr_expect_str_eq(overlay.upper_parent, "/a,b");
	cr_expect_str_eq(overlay.upper_name, "c\\:d\\\\e");
}

/* podman and Docker, when the options would not fit into a page. */
Test(overlay, all_is_relative_to_the_engines_directory)
{
	AUTO_OVERLAY overlay = {0}, committed = {0}, top = {0};
	struct cfd_error err = {0};

	cr_assert_eq(cfd_overlay_parse("rw,lowerdir=l/ABC:l/DEF,upperdir=id/diff,workdir=id/work",
				       "/s/overlay/id/merged", &overlay, &err),
		     0, "%s", err.message);
	cr_expect_str_eq(overlay.upper, "/s/overlay/id/diff");
	cr_expect_str_eq(overlay.work, "/s/overlay/id/work");
	cr_expect_str_eq(overlay.upper_parent, "/s/overlay/id");
	cr_expect_str_eq(overlay.base, "/s/overlay");
	cr_assert_eq(cfd_overlay_parse("ro,lowerdir=id/diff:l/ABC", "/s/overlay/id/merged", &committed, &err), 0, "%s",
		     err.message);
	cr_expect_str_eq(committed.base, "/s/overlay");
	cr_expect_null(committed.upper);
	cr_assert_eq(cfd_overlay_parse("rw,lowerdir=l/A,upperdir=id/diff,workdir=id/work", "/id/merged", &top, &err), 0,
		     "%s", err.message);
	cr_expect_str_eq(top.upper, "/id/diff");
	cr_expect_str_eq(top.base, "/");
}

Test(overlay, a_context_keeps_its_quotes_and_commas)
{
	AUTO_OVERLAY overlay = {0};
	struct cfd_error err = {0};

	cr_assert_eq(
		cfd_overlay_parse("rw,context=\"u:r:t:s0:c1,c2\",lowerdir=/a:/b,metacopy=on", "/m", &overlay, &err), 0,
		"%s", err.message);
	cr_expect_eq(overlay.lower_count, 2);
	cr_expect_str_eq(overlay.options, ",context=\"u:r:t:s0:c1,c2\",metacopy=on");
}

Test(overlay, what_is_not_understood_is_refused)
{
	static const struct {
		const char *options;
		int expected;
		const char *says;
	} cases[] = {
		{"rw", -EINVAL, "no lower layer"},
		{"rw,lowerdir=", -EINVAL, "path of 0 bytes"},
		{"rw,lowerdir=/a:", -EOPNOTSUPP, "data-only"},
		{"rw,lowerdir=/a::/b", -EOPNOTSUPP, "data-only"},
		{"rw,lowerdir=/a,datadir+=/b", -EOPNOTSUPP, "data-only"},
		{"rw,lowerdir=/a,lowerdir=/b", -EINVAL, "two options"},
		{"rw,lowerdir=/a,new_option=1", -EINVAL, "new_option=1"},
		{"rw,lowerdir=/a,volatilely", -EINVAL, "volatilely"},
		{"rw,lowerdir=/a,upperdir=/u/d", -EINVAL, "only one of"},
		{"rw,lowerdir=/a,workdir=/u/w", -EINVAL, "only one of"},
		{"rw,lowerdir=/a,upperdir=other/d,workdir=other/w", -EOPNOTSUPP, "other/d is relative"},
		{"rw,lowerdir=/a,upperdir=i/d,workdir=i/w", -EOPNOTSUPP, "i/d is relative"},
		{"rw,lowerdir=/a,upperdir=id,workdir=id/w", -EOPNOTSUPP, "id is relative"},
		{"rw,lowerdir=/a,upperdir=id/d,workdir=other/w", -EINVAL, "not two directories"},
		{"rw,lowerdir=/a,upperdir=,workdir=", -EOPNOTSUPP, "relative"},
		{"rw,lowerdir=/a,upperdir=/u/d,upperdir=/u/e,workdir=/u/w", -EINVAL, "two options"},
		{"rw,lowerdir=/a,upperdir=/u/d,workdir=/v/w", -EINVAL, "not two directories"},
		{"rw,lowerdir=/a,upperdir=/u/d,workdir=/u/w/x", -EINVAL, "not two directories"},
		{"rw,lowerdir=/a,upperdir=/u/d,workdir=/u/d", -EINVAL, "not two directories"},
		{"rw,lowerdir=/a,upperdir=/u/d,workdir=/u/", -EINVAL, "not two directories"},
		{"rw,lowerdir=/a,redirect_dir=on\\054upperdir", -EINVAL, "a comma"},
		{"rw,lowerdir=/a\\9", -EINVAL, "not escaped"},
		{"rw,lowerdir=l/A:/b", -EOPNOTSUPP, "l/A is relative"},
		{"rw,lowerdir=/a:l/B", -EOPNOTSUPP, "l/B is relative"},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		struct cfd_overlay overlay = {.lower_count = 77};
		struct cfd_error err = {0};

		cr_expect_eq(cfd_overlay_parse(cases[i].options, "/home/id/merged", &overlay, &err), cases[i].expected,
			     "%s: %s", cases[i].options, err.message);
		cr_expect_not_null(strstr(err.message, cases[i].says), "%s: %s", cases[i].options, err.message);
		cr_expect_eq(overlay.lower_count, 77, "output touched by %s", cases[i].options);
	}
}

Test(overlay, five_hundred_layers_are_the_limit)
{
	for (int count = CFD_OVERLAY_MAX_LOWERS; count <= CFD_OVERLAY_MAX_LOWERS + 1; count++) {
		AUTO_OVERLAY overlay = {0};
		CFD_AUTO_BUF struct cfd_buf options = {0};
		struct cfd_error err = {0};

		for (int i = 0; i < count; i++)
			cfd_buf_addf(&options, "%s/%d", i ? ":" : "rw,lowerdir=", i);
		cr_expect_eq(cfd_overlay_parse(options.data, "/m", &overlay, &err),
			     count > CFD_OVERLAY_MAX_LOWERS ? -E2BIG : 0, "%d layers", count);
	}
}

/* The kernel's version as a process with this personality sees it is 2.6. */
Test(overlay, an_old_kernel_is_told_which_one_is_needed)
{
	struct cfd_error err = {0};

	cr_expect_eq(cfd_layers_fail(-EINVAL, &err), -EINVAL);
	cr_expect_not_null(strstr(err.message, "the kernel's log (dmesg) says why"), "%s", err.message);
	cr_assert_neq(personality(UNAME26), -1);
	cr_expect_eq(cfd_layers_fail(-EINVAL, &err), -EOPNOTSUPP);
	cr_expect_not_null(strstr(err.message, "an overlay over idmapped layers needs Linux 5.19 (this is 2.6."), "%s",
			   err.message);
	cr_expect_eq(cfd_layers_fail(-EACCES, &err), -EACCES);
}
