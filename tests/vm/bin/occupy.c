/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody else's programs: occupy CGROUP HOOK... attaches one that allows everything to the cgroup at each of the LSM
 * hooks. They go with the cgroup.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static int attach(int cgroup, const char *hook)
{
	const struct bpf_insn allow[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
					 {.code = BPF_JMP | BPF_EXIT}};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_LSM_CGROUP);
	int id = libbpf_find_vmlinux_btf_id(hook, BPF_LSM_CGROUP), program;

	options.attach_btf_id = id > 0 ? (__u32)id : 0;
	program = bpf_prog_load(BPF_PROG_TYPE_LSM, "others", "GPL", allow, 2, &options);
	return program < 0 ? program : bpf_prog_attach(program, cgroup, BPF_LSM_CGROUP, BPF_F_ALLOW_MULTI);
}

int main(int argc, char **argv)
{
	int cgroup = argc > 2 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (cgroup < 0) {
		fprintf(stderr, "usage: occupy CGROUP HOOK...\n");
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		int r = attach(cgroup, argv[i]);

		if (r) {
			fprintf(stderr, "occupy: %s: %s\n", argv[i], strerrorname_np(-r));
			return 1;
		}
	}
	return 0;
}
