/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/annotations.h"
#include "lib/path.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(path, cleaning_is_lexical_and_stops_at_the_root)
{
	static const struct {
		const char *in, *out;
		bool clean;
	} cases[] = {
		{"/", "/", true},
		{"/a/b", "/a/b", true},
		{"/a/b/", "/a/b", true},
		{"/a//b", "/a/b", false},
		{"/a/./b", "/a/b", false},
		{"/a/../b", "/b", false},
		{"/../../a", "/a", false},
		{"//", "/", false},
		{"/a/b/..", "/a", false},
		{"/a/..", "/", false},
		{"/..a/b..", "/..a/b..", true},
		{"/a/b//", "/a/b", false},
	};
	char clean[CFD_PATH_MAX], long_path[CFD_PATH_MAX + 2];

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		cr_expect_eq(cfd_path_clean(cases[i].in, clean), 0);
		cr_expect_str_eq(clean, cases[i].out, "%s", cases[i].in);
		cr_expect_eq(cfd_path_is_clean(cases[i].in), cases[i].clean, "%s", cases[i].in);
	}
	cr_expect_eq(cfd_path_clean("a/b", clean), -EINVAL);
	cr_expect_eq(cfd_path_clean("", clean), -EINVAL);
	cr_expect_eq(cfd_path_clean(NULL, clean), -EINVAL);
	memset(long_path, 'a', sizeof(long_path));
	long_path[0] = '/';
	long_path[CFD_PATH_MAX] = '\0';
	cr_expect_eq(cfd_path_clean(long_path, clean), -ENAMETOOLONG);
	long_path[CFD_PATH_MAX - 1] = '\0';
	cr_expect_eq(cfd_path_clean(long_path, clean), 0);
}

Test(path, beneath_compares_whole_components)
{
	cr_expect_str_eq(cfd_path_beneath("/etc/passwd", "/etc"), "passwd");
	cr_expect_str_eq(cfd_path_beneath("/etc", "/etc"), "");
	cr_expect_str_eq(cfd_path_beneath("/etc", "/"), "etc");
	cr_expect_str_eq(cfd_path_beneath("/", "/"), "");
	cr_expect_null(cfd_path_beneath("/etcetera", "/etc"));
	cr_expect_null(cfd_path_beneath("/", "/etc"));
	cr_expect(cfd_path_has_dotdot("a/.."));
	cr_expect(cfd_path_has_dotdot(".."));
	cr_expect_not(cfd_path_has_dotdot("a..b/..c"));
}

Test(annotations, orders_are_told_from_records)
{
	cr_expect(cfd_annotation_dangerous("run.oci.seccomp_bpf_data"));
	cr_expect(cfd_annotation_dangerous("Run.OCI.seccomp_bpf_data"));
	cr_expect(cfd_annotation_dangerous("org.criu.config"));
	cr_expect(cfd_annotation_dangerous("org.systemd.property.ExecStartPre"));
	cr_expect_not(cfd_annotation_dangerous("org.criu.configuration"));
	cr_expect_not(cfd_annotation_dangerous("io.kubernetes.cri-o.Image"));
	cr_expect(cfd_annotation_allowed("io.kubernetes.cri-o.Image"));
	cr_expect_not(cfd_annotation_allowed("io.kubernetes.cri-o.Devices"));
	cr_expect_not(cfd_annotation_allowed("IO.kubernetes.cri-o.Image"));
	cr_expect_not(cfd_annotation_allowed("com.example.team"));
}
