/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/spec/annotations.h"
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
	cr_expect(cfd_annotation_danger("run.oci.seccomp_bpf_data", "1"));
	cr_expect(cfd_annotation_danger("Run.OCI.seccomp_bpf_data", "1"));
	cr_expect(cfd_annotation_danger("org.criu.config", "1"));
	cr_expect(cfd_annotation_danger("org.systemd.property.ExecStartPre", "1"));
	cr_expect_not(cfd_annotation_danger("org.criu.configuration", "1"));
	cr_expect_not(cfd_annotation_danger("io.kubernetes.cri-o.Image", "1"));
	cr_expect(cfd_annotation_allowed("io.kubernetes.cri-o.Image", "1"));
	cr_expect_not(cfd_annotation_allowed("io.kubernetes.cri-o.Devices", "1"));
	cr_expect_not(cfd_annotation_allowed("IO.kubernetes.cri-o.Image", "1"));
	cr_expect_not(cfd_annotation_allowed("com.example.team", "1"));
}

Test(annotations, the_orders_that_engines_write_pass_with_their_values_only)
{
	static const struct {
		const char *key, *value;
		bool passes;
	} cases[] = {
		{"org.systemd.property.KillSignal", "15", true},
		{"org.systemd.property.KillSignal", "65", false},
		{"org.systemd.property.KillSignal", "15 ", false},
		{"org.systemd.property.killsignal", "15", false},
		{"org.systemd.property.TimeoutStopUSec", "uint64 10000000", true},
		{"org.systemd.property.TimeoutStopUSec", "10000000", false},
		{"org.systemd.property.TimeoutStopUSec", "uint64 ", false},
		{"org.systemd.property.CollectMode", "'inactive-or-failed'", true},
		{"org.systemd.property.CollectMode", "'inactive-or-failed' x", false},
		{"org.systemd.property.ExecStartPre", "15", false},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		cr_expect_eq(cfd_annotation_allowed(cases[i].key, cases[i].value), cases[i].passes, "%s %s",
			     cases[i].key, cases[i].value);
		cr_expect_eq(cfd_annotation_danger(cases[i].key, cases[i].value) == NULL, cases[i].passes);
	}
}

Test(path, components_are_taken_from_the_front)
{
	char pending[] = "//a/bc///..", component[CFD_PATH_MAX] = "untouched";

	cr_assert(cfd_path_take_first(pending, component));
	cr_expect_str_eq(component, "a");
	cr_expect_str_eq(pending, "/bc///..");
	cr_assert(cfd_path_take_first(pending, component));
	cr_expect_str_eq(component, "bc");
	cr_assert(cfd_path_take_first(pending, component));
	cr_expect_str_eq(component, "..");
	cr_expect_not(cfd_path_take_first(pending, component));
	cr_expect_str_eq(component, "..");
}
