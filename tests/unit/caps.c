/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/caps.h"
#include "lib/spec/spec.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>

Test(caps, every_capability_of_the_kernel_headers_has_its_name_and_number)
{
	for (unsigned n = 0; n <= CAP_LAST_CAP; n++) {
		unsigned number = 999;

		cr_assert_not_null(cfd_caps_name(n), "capability %u", n);
		cr_expect_eq(cfd_caps_number(cfd_caps_name(n), &number), 0, "%s", cfd_caps_name(n));
		cr_expect_eq(number, n, "%s", cfd_caps_name(n));
	}
	cr_expect_str_eq(cfd_caps_name(0), "CAP_CHOWN");
	cr_expect_str_eq(cfd_caps_name(21), "CAP_SYS_ADMIN");
	cr_expect_null(cfd_caps_name(CAP_LAST_CAP + 1));
	cr_expect_null(cfd_caps_name(UINT32_MAX));
}

Test(caps, only_the_exact_name_is_a_capability)
{
	static const char *const wrong[] = {
		"",           "CAP_",          "CHOWN",     "cap_chown",    "Cap_Chown",     "CAP_chown", "CAP_CHOWN ",
		" CAP_CHOWN", "CAP_CAP_CHOWN", "CAP_CAP_7", "CAP_cap_7",    "CAP_7",         "CAP_0x7",   "7",
		"21",         "0x15",          "CAP_ALL",   "CAP_SYS_ADMI", "CAP_SYS_ADMINX"};
	unsigned number = 999;

	for (size_t i = 0; i < CFD_COUNT(wrong); i++)
		cr_expect_eq(cfd_caps_number(wrong[i], &number), -EINVAL, "%s", wrong[i]);
	cr_expect_eq(cfd_caps_number(NULL, &number), -EINVAL);
	cr_expect_eq(number, 999);
}

Test(caps, a_list_becomes_a_set_and_a_repeat_is_refused)
{
	const char *good[] = {"CAP_KILL", "CAP_CHOWN"}, *twice[] = {"CAP_KILL", "CAP_CHOWN", "CAP_KILL"},
		   *unknown[] = {"CAP_KILL", "cap_chown"};
	struct cfd_spec_strings list = {good, 2};
	struct cfd_error err = {0};
	cfd_caps set = 77;

	cr_expect_eq(cfd_caps_set(&list, "bounding", &set, &err), 0);
	cr_expect_eq(set, UINT64_C(1) << CAP_KILL | UINT64_C(1) << CAP_CHOWN);

	list = (struct cfd_spec_strings){twice, 3};
	cr_expect_eq(cfd_caps_set(&list, "process.capabilities.bounding", &set, &err), -EINVAL);
	cr_expect(strstr(err.message, "process.capabilities.bounding[2]: CAP_KILL is listed twice"), "%s", err.message);

	list = (struct cfd_spec_strings){unknown, 2};
	cr_expect_eq(cfd_caps_set(&list, "bounding", &set, &err), -EINVAL);
	cr_expect(strstr(err.message, "bounding[1]: \"cap_chown\""), "%s", err.message);
	cr_expect_eq(set, UINT64_C(1) << CAP_KILL | UINT64_C(1) << CAP_CHOWN, "output touched");

	list = (struct cfd_spec_strings){NULL, 0};
	cr_expect_eq(cfd_caps_set(&list, "bounding", &set, &err), 0);
	cr_expect_eq(set, 0);
}

Test(caps, what_is_never_given_is_not_in_the_default)
{
	static const char *const never[] = {
		"CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_SYS_RAWIO",         "CAP_SYS_PTRACE", "CAP_SYS_BOOT",
		"CAP_BPF",       "CAP_PERFMON",    "CAP_DAC_READ_SEARCH",   "CAP_MAC_ADMIN",  "CAP_MAC_OVERRIDE",
		"CAP_SYSLOG",    "CAP_SYS_TIME",   "CAP_CHECKPOINT_RESTORE"};

	cr_expect_eq(__builtin_popcountll(cfd_caps_engine_default), 14);
	cr_expect_eq(cfd_caps_engine_default & cfd_caps_forbidden, 0);
	cr_expect_eq(__builtin_popcountll(cfd_caps_forbidden), CFD_COUNT(never));
	for (size_t i = 0; i < CFD_COUNT(never); i++) {
		unsigned number = 0;

		cr_assert_eq(cfd_caps_number(never[i], &number), 0);
		cr_expect(cfd_caps_forbidden >> number & 1, "%s", never[i]);
	}
}
