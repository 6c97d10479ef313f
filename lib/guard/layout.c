/* SPDX-License-Identifier: Apache-2.0 */
/* Where overlayfs keeps what the guard looks at, by the kernel's own description of its types. */
#include "lib/guard/bpf.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

static int member_offset(const struct btf *btf, const struct btf_type *type, const char *name)
{
	const struct btf_member *members = btf_members(type);

	for (int i = 0; i < btf_vlen(type); i++)
		if (cfd_streq(btf__name_by_offset(btf, members[i].name_off), name))
			return (int)btf_member_bit_offset(type, (uint32_t)i) / 8;
	return -1;
}

/* fs/overlayfs/ovl_entry.h, struct ovl_inode: the same names from Linux 6.1 to 7.2. */
uint32_t cfd_guard_bpf_upper_offset(void)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	struct btf *module = libbpf_get_error(kernel) ? NULL : btf__load_module_btf("overlay", kernel);
	const struct btf *btf = libbpf_get_error(module) || !module ? kernel : module;
	int id = libbpf_get_error(btf) ? -1 : btf__find_by_name_kind(btf, "ovl_inode", BTF_KIND_STRUCT);
	int inode = -1, upper = -1;

	if (id > 0) {
		inode = member_offset(btf, btf__type_by_id(btf, (uint32_t)id), "vfs_inode");
		upper = member_offset(btf, btf__type_by_id(btf, (uint32_t)id), "__upperdentry");
	}
	if (!libbpf_get_error(module))
		btf__free(module);
	if (!libbpf_get_error(kernel))
		btf__free(kernel);
	return inode >= 0 && upper > inode && upper - inode < 4096 ? (uint32_t)(upper - inode) : 0;
}
