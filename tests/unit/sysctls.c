/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/userns/joined.h"
#include "lib/userns/sysctls.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(sysctls, groups_that_may_ping_become_the_hosts)
{
	static const struct {
		const char *value;
		uint32_t base;
		int expected;
		const char *mapped;
	} cases[] = {
		{"0 0", 1000000, 0, "1000000 1000000"},
		{"0\t2147483647", 1000000, 0, "1000000 1065535"},
		{"100 200", 1000000, 0, "1000100 1000200"},
		{"65535 65536", 1000000, 0, "1065535 1065535"},
		{"65536 65537", 1000000, 0, "1 0"},
		{"1 0", 1000000, 0, "1 0"},
		{" 0 4294967295 ", 1000000, 0, "1000000 1065535"},
		{"0 65535", 2147418112, 0, "2147418112 2147483647"},
		{"0 65535", 2147418113, -ERANGE, NULL},
		{"0 0", 3000000000, -ERANGE, NULL},
		{"0", 1000000, -EINVAL, NULL},
		{"", 1000000, -EINVAL, NULL},
		{"0 0 0", 1000000, -EINVAL, NULL},
		{"a 0", 1000000, -EINVAL, NULL},
		{"-1 0", 1000000, -EINVAL, NULL},
		{"0 99999999999", 1000000, -EINVAL, NULL},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		struct cfd_userns_range range = {.base = cases[i].base, .size = CFD_USERNS_RANGE_SIZE};
		struct cfd_error err = {0};
		char mapped[32] = "untouched";

		cr_expect_eq(cfd_sysctls_map_groups(cases[i].value, &range, mapped, &err), cases[i].expected, "%s: %s",
			     cases[i].value, err.message);
		cr_expect_str_eq(mapped, cases[i].mapped ? cases[i].mapped : "untouched");
	}
}

Test(joined, sysctls_belong_to_the_namespace_that_runtimes_say)
{
	static const struct {
		const char *key;
		int kind; /* -1: none */
	} cases[] = {
		{"net.ipv4.ping_group_range", CFD_JOINED_NETWORK},
		{"netx", -1},
		{"kernel.msgmax", CFD_JOINED_IPC},
		{"kernel.shm_rmid_forced", CFD_JOINED_IPC},
		{"kernel.sem", CFD_JOINED_IPC},
		{"kernel.semx", -1},
		{"fs.mqueue.queues_max", CFD_JOINED_IPC},
		{"fs.file-max", -1},
		{"kernel.hostname", CFD_JOINED_UTS},
		{"kernel.core_pattern", -1},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		enum cfd_joined_kind kind = CFD_JOINED_PID;
		bool found = cfd_joined_kind_of_sysctl(cases[i].key, &kind);

		cr_expect_eq(found ? (int)kind : -1, cases[i].kind, "%s", cases[i].key);
	}
}

Test(joined, filesystems_belong_to_a_namespace)
{
	enum cfd_joined_kind kind;

	cr_expect(cfd_joined_kind_of_filesystem("sysfs", &kind) && kind == CFD_JOINED_NETWORK);
	cr_expect(cfd_joined_kind_of_filesystem("mqueue", &kind) && kind == CFD_JOINED_IPC);
	cr_expect(cfd_joined_kind_of_filesystem("proc", &kind) && kind == CFD_JOINED_PID);
	cr_expect_not(cfd_joined_kind_of_filesystem("tmpfs", &kind));
	cr_expect_not(cfd_joined_kind_of_filesystem(NULL, &kind));
}
