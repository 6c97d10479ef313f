/* SPDX-License-Identifier: Apache-2.0 */
/* Which LSM hooks are taken on this host. Asked by `doctor`, and when a hook was refused: it may take its time. */
#include "lib/guard/hooks.h"
#include "lib/fd.h"
#include "lib/guard/host.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRAMS_OF_ONE_CGROUP 256
#define DEPTH_MAX 32 /* of cgroups */
#define HOOK_PREFIX "bpf_lsm_"
#define OUR_PREFIX "cfd_"

static void btf_freep(struct btf **btf)
{
	btf__free(*btf);
}

static const char *name_of_type(uint32_t id, char *buffer, size_t room)
{
	CFD_AUTO(btf_freep) struct btf *btf = btf__load_vmlinux_btf();
	const struct btf_type *type = btf ? btf__type_by_id(btf, id) : NULL;
	const char *name = type ? btf__name_by_offset(btf, type->name_off) : NULL;

	if (name && cfd_starts_with(name, HOOK_PREFIX))
		name += strlen(HOOK_PREFIX);
	snprintf(buffer, room, "%s", name ? name : "?");
	return buffer;
}

const char *cfd_guard_hooks_name(int program_fd, char *buffer, size_t room)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(program_fd, &info, &size))
		info.attach_btf_id = 0;
	return name_of_type(info.attach_btf_id, buffer, room);
}

/* --- counting */

struct census {
	uint32_t hooks[CFD_GUARD_HOOKS_MAX]; /* type ids */
	size_t count;
};

static void note_hook(struct census *census, uint32_t hook)
{
	for (size_t i = 0; i < census->count; i++)
		if (census->hooks[i] == hook)
			return;
	if (census->count < CFD_COUNT(census->hooks))
		census->hooks[census->count++] = hook;
}

/* One that is gone since takes nothing up. */
static void note_program(struct census *census, uint32_t id)
{
	CFD_AUTO_FD int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) && !cfd_starts_with(info.name, OUR_PREFIX))
		note_hook(census, info.attach_btf_id);
}

static int note_cgroup(int fd, struct census *census)
{
	uint32_t ids[PROGRAMS_OF_ONE_CGROUP], flags[PROGRAMS_OF_ONE_CGROUP];
	LIBBPF_OPTS(bpf_prog_query_opts, query, .prog_ids = ids, .prog_attach_flags = flags,
		    .prog_cnt = PROGRAMS_OF_ONE_CGROUP);
	int r = bpf_prog_query_opts(fd, BPF_LSM_CGROUP, &query);

	for (uint32_t i = 0; !r && i < query.prog_cnt && i < PROGRAMS_OF_ONE_CGROUP; i++)
		note_program(census, ids[i]);
	return r;
}

struct walk {
	struct census *census;
	int parent, depth;
};

/* A cgroup that goes while it is walked is passed over, and so is what is no cgroup. */
static int walk(const char *name, void *data)
{
	const struct walk *outer = data;
	CFD_AUTO_FD int fd = openat(outer->parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct walk inner = {.census = outer->census, .parent = fd, .depth = outer->depth + 1};
	int r;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ENODEV ? 0 : -errno;
	r = note_cgroup(fd, outer->census);
	return r || inner.depth > DEPTH_MAX ? r : cfd_fd_each(fd, walk, &inner);
}

int cfd_guard_hooks_of_others(const char *root, char names[CFD_GUARD_HOOKS_NAMES], size_t *ret_count,
			      struct cfd_error *err)
{
	struct census census = {0};
	struct walk above = {.census = &census, .parent = AT_FDCWD};
	size_t length = 0;
	int r = walk(root, &above);

	if (r)
		return cfd_fail_errno(err, r, "cannot ask which programs are attached below %s", root);
	names[0] = '\0';
	for (size_t i = 0; i < census.count; i++) {
		char name[64];

		length += (size_t)snprintf(names + length, CFD_GUARD_HOOKS_NAMES - length, "%s%s", i ? ", " : "",
					   name_of_type(census.hooks[i], name, sizeof(name)));
		if (length >= CFD_GUARD_HOOKS_NAMES)
			break;
	}
	*ret_count = census.count;
	return 0;
}

/* --- trying */

int cfd_guard_hooks_try(struct cfd_error *err)
{
	const struct bpf_insn allow[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
					 {.code = BPF_JMP | BPF_EXIT}};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_LSM_CGROUP);
	CFD_AUTO_FD int program = -1;
	char release[65];
	int id;

	libbpf_set_print(NULL);
	id = libbpf_find_vmlinux_btf_id("bprm_check_security", BPF_LSM_CGROUP);
	options.attach_btf_id = id > 0 ? (uint32_t)id : 0;
	program = bpf_prog_load(BPF_PROG_TYPE_LSM, "probe", "GPL", allow, CFD_COUNT(allow), &options);
	if (program >= 0)
		return 0;
	return cfd_fail(err, -EOPNOTSUPP,
			"kernel %s loads no BPF LSM programs for cgroups (%s): it takes Linux 6.1 or later with "
			"CONFIG_BPF_LSM, CAP_BPF, CAP_PERFMON, and a host that does not forbid it",
			cfd_guard_host_release(release, sizeof(release)), strerrordesc_np(-program));
}
