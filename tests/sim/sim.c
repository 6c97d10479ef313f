/* SPDX-License-Identifier: Apache-2.0 */
/* Building and driving compiled filters. */
#include "tests/sim/sim.h"
#include "lib/fd.h"
#include "lib/json/json.h"
#include "lib/seccomp/seccomp.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>

int sim_number(const char *name)
{
	int number = seccomp_syscall_resolve_name(name);

	cr_assert_neq(number, __NR_SCMP_ERROR, "%s is not a system call", name);
	return number;
}

uint32_t sim_run(const struct cfd_subset_program *program, uint32_t arch, int number, const uint64_t args[6])
{
	struct seccomp_data call = {.nr = number, .arch = arch};
	uint32_t action = 0;

	memcpy(call.args, args, sizeof(call.args));
	cr_assert_eq(cfd_subset_run(program, &call, &action), 0);
	return action;
}

static void read_engine(const char *name, struct cfd_json_doc **ret_doc)
{
	CFD_AUTO_BUF struct cfd_buf text = {0};
	struct cfd_json_options options = {.name = name};
	struct cfd_error err = {0};
	char path[128];

	snprintf(path, sizeof(path), "tests/sim/engines/%s.json", name);
	cr_assert_eq(cfd_fd_read_file(AT_FDCWD, path, 1 << 20, &text, &err), 0, "%s", err.message);
	cr_assert_eq(cfd_json_parse(text.data, text.length, &options, ret_doc, &err), 0, "%s", err.message);
}

void sim_build(cfd_caps bounding, const char *engine, bool all_architectures, struct cfd_subset_program *ret_program)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL, *engine_doc = NULL;
	struct cfd_seccomp_request request = {.profile = "docker-default",
					      .admin_dir = "profiles/seccomp",
					      .shipped_dir = "profiles/seccomp",
					      .bounding = bounding,
					      .all_architectures = all_architectures};
	struct cfd_error err = {0};

	if (engine) {
		read_engine(engine, &engine_doc);
		request.engine = cfd_json_root(engine_doc);
	}
	cr_assert_eq(cfd_seccomp_build(&request, &doc, &err), 0, "%s", err.message);
	cr_assert_eq(cfd_seccomp_compile(cfd_json_root(doc), ret_program, &err), 0, "%s", err.message);
}

void sim_needs_x86_64(void)
{
	if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		cr_skip_test("the tables are of x86_64");
}
