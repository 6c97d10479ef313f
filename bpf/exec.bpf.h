/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which files may be executed, and what holds for mapping them too (memory.bpf.h). doc/guard.md explains the order of
 * the questions.
 *
 * A script is asked about twice by the kernel, for itself and for its interpreter; a dynamic program once, its loader
 * and libraries only as they are mapped.
 */
#ifndef CFD_BPF_EXEC_H
#define CFD_BPF_EXEC_H

#include "bpf/event.bpf.h"
#include "bpf/record.bpf.h"

#define ELF_MAGIC bpf_htonl(0x7f454c46)
#define SCRIPT_MAGIC bpf_htons(0x2321) /* #! */
#define CTIME_QUERIED (1u << 31)       /* I_CTIME_QUERIED in i_ctime_nsec: multigrain timestamps, 6.13 */

/* A process in a mount namespace of the runtime's is the runtime: it has not entered the container yet. */
static __always_inline bool is_runtime(const struct cfd_guard_state *state)
{
	__u32 inum = bpf_get_current_task_btf()->nsproxy->mnt_ns->ns.inum;

	return inum && (inum == state->outer_mnt_ns[0] || inum == state->outer_mnt_ns[1]);
}

/*
 * Functions with loops are global, so that the verifier goes through each once and not at every place that calls it;
 * that is also why they ask whether state is NULL.
 *
 * Lists ascend and are filled up with numbers that no file has, so halving needs no count. Most have few numbers, or
 * few that are not greater: those are compared in place.
 */
#define FEW 4

static __always_inline bool is_among_few(const __u64 *list, __u64 inode)
{
	return list[0] == inode || list[1] == inode || list[2] == inode || list[3] == inode;
}

#define SORTED_LIST(name, list, size)                                                                                  \
	__noinline int cfd_##name(const struct cfd_guard_state *state, __u64 inode)                                    \
	{                                                                                                              \
		__u32 at = 0;                                                                                          \
                                                                                                                       \
		if (!state)                                                                                            \
			return false;                                                                                  \
		for (__u32 step = (size) / 2; step; step /= 2)                                                         \
			if (state->list[(at + step) & ((size)-1)] <= inode)                                            \
				at += step;                                                                            \
		return state->list[at & ((size)-1)] == inode;                                                          \
	}                                                                                                              \
                                                                                                                       \
	static __always_inline bool name(const struct cfd_guard_state *state, __u64 inode)                             \
	{                                                                                                              \
		return state->list[FEW] > inode ? is_among_few(state->list, inode) : cfd_##name(state, inode);         \
	}                                                                                                              \
	_Static_assert(((size) & ((size)-1)) == 0 && (size) > FEW, #list)

SORTED_LIST(is_shell_inode, shells, CFD_GUARD_SHELLS);
SORTED_LIST(is_allowed_inode, allowed, CFD_GUARD_ALLOWED);
SORTED_LIST(is_wrapper_inode, wrappers, CFD_GUARD_WRAPPERS);

/* The roles of a file that is not on the root filesystem. */
__noinline int cfd_roles_of(const struct cfd_guard_state *state, __u64 inode, __u32 device)
{
	if (!state)
		return 0;
	for (int i = 0; i < CFD_GUARD_FILES_MAX; i++) {
		if (i >= state->file_count)
			return 0;
		if (state->files[i].inode == inode && state->files[i].device == device)
			return (int)state->files[i].roles;
	}
	return 0;
}

/* What is asked of a file, as the container sees it. `node` may be read by probing only. */
struct found {
	__u64 inode;
	__u32 device, links;
	struct inode *node;
	struct dentry *entry, *mount_root;
};

static __always_inline void find(struct file *file, struct found *found)
{
	struct inode *inode = file->f_inode;

	found->inode = inode->i_ino;
	found->device = inode->i_sb->s_dev;
	found->links = inode->i_nlink;
	found->node = inode;
	found->entry = file->f_path.dentry;
	found->mount_root = file->f_path.mnt->mnt_root;
}

static __always_inline __u64 changed_at(struct inode *inode)
{
	struct inode___6_6 *newer = (void *)inode;
	struct inode___old *old = (void *)inode;

	if (bpf_core_field_exists(inode->i_ctime_sec))
		return (__u64)BPF_CORE_READ(inode, i_ctime_sec) * 1000000000ull +
		       (BPF_CORE_READ(inode, i_ctime_nsec) & ~CTIME_QUERIED);
	if (bpf_core_field_exists(newer->__i_ctime))
		return (__u64)BPF_CORE_READ(newer, __i_ctime.tv_sec) * 1000000000ull +
		       ((__u32)BPF_CORE_READ(newer, __i_ctime.tv_nsec) & ~CTIME_QUERIED);
	return (__u64)BPF_CORE_READ(old, i_ctime.tv_sec) * 1000000000ull + (__u32)BPF_CORE_READ(old, i_ctime.tv_nsec);
}

/* An overlay's inode has a dentry in the upper layer once the file was made, changed, renamed or linked. */
static __always_inline bool has_upper(const struct cfd_guard_state *state, struct inode *inode)
{
	void *upper = NULL;

	if (bpf_probe_read_kernel(&upper, sizeof(upper), (void *)inode + (state->upper_offset & 0xfff)))
		return true;
	return upper != NULL;
}

/* Why the file is not one that the image brought. Only its own filesystem's inode numbers and layout mean anything. */
static __always_inline __u8 not_of_image(const struct cfd_guard_state *state, const struct found *found)
{
	struct dentry *mount_root = found->mount_root;

	if (found->links == 0)
		return CFD_GUARD_UNLINKED;
	if (found->device != state->root_dev)
		return CFD_GUARD_OTHER_FS;
	if (state->flags & CFD_GUARD_OVERLAY)
		return has_upper(state, found->node) ? CFD_GUARD_CHANGED : CFD_GUARD_NO_REASON;
	/* A volume may be on the same filesystem, but is mounted from another directory. */
	if (BPF_CORE_READ(mount_root, d_inode, i_ino) != state->root_ino)
		return CFD_GUARD_OTHER_FS;
	return changed_at(found->node) >= state->created ? CFD_GUARD_CHANGED : CFD_GUARD_NO_REASON;
}

/*
 * A file that was named when the container was created, on a volume, or the engine's init, counts as the image's as
 * long as it is what it was then. Looked for last: few containers have any.
 */
static __always_inline __u32 roles_of(const struct cfd_guard_state *state, const struct found *found)
{
	if (!state->file_count || found->links == 0)
		return 0;
	return (__u32)cfd_roles_of(state, found->inode, found->device);
}

static __always_inline __u8 not_brought(const struct cfd_guard_state *state, const struct found *found)
{
	__u8 reason = not_of_image(state, found);

	if (!reason || !roles_of(state, found))
		return reason;
	return changed_at(found->node) >= state->created ? CFD_GUARD_CHANGED : CFD_GUARD_NO_REASON;
}

static __always_inline bool is_init(const struct cfd_guard_state *state, struct task_struct *task)
{
	return (__u32)task->tgid == state->starter && task->group_leader->start_boottime == state->init_started;
}

__noinline int cfd_descends_from_init(const struct cfd_guard_state *state)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (!state)
		return false;
	for (int i = 0; i < CFD_GUARD_ANCESTORS; i++) {
		if (is_init(state, task))
			return true;
		task = task->real_parent;
	}
	return false;
}

static __always_inline bool is_starting(const struct cfd_guard_state *state)
{
	return state->shells_mode == CFD_GUARD_SHELLS_STARTUP && !state->sealed && cfd_descends_from_init(state);
}

static __always_inline __u8 no_shell(const struct cfd_guard_state *state)
{
	if (state->shells_mode == CFD_GUARD_SHELLS_ALLOW)
		return CFD_GUARD_NO_REASON;
	if (state->shells_mode != CFD_GUARD_SHELLS_STARTUP)
		return CFD_GUARD_SHELL;
	if (state->sealed)
		return CFD_GUARD_SHELL_SEALED;
	return cfd_descends_from_init(state) ? CFD_GUARD_NO_REASON : CFD_GUARD_SHELL_FOREIGN;
}

static __always_inline bool is_shell(const struct cfd_guard_state *state, const struct found *found)
{
	return found->device == state->root_dev && is_shell_inode(state, found->inode);
}

/* What holds for executing and for mapping: of the image, and a shell only when shells may run. */
static __always_inline __u8 no_code(const struct cfd_guard_state *state, const struct found *found)
{
	__u8 reason = CFD_GUARD_NO_REASON;

	if (state->flags & CFD_GUARD_IMAGE_ONLY)
		reason = not_brought(state, found);
	if (!reason && state->shells_mode != CFD_GUARD_SHELLS_ALLOW && is_shell(state, found))
		reason = no_shell(state);
	return reason;
}

/* While starting, a shell and its scripts need not be on the list: what they start must be. */
static __always_inline bool is_off_list(const struct cfd_guard_state *state, const struct found *found, bool is_script)
{
	if (!(state->flags & CFD_GUARD_ALLOW_LIST))
		return false;
	if (found->device == state->root_dev && is_allowed_inode(state, found->inode))
		return false;
	if (roles_of(state, found))
		return false;
	return !((is_script || is_shell(state, found)) && is_starting(state));
}

static __always_inline bool is_wrapper(const struct cfd_guard_state *state, const struct found *found)
{
	if (found->device == state->root_dev && is_wrapper_inode(state, found->inode))
		return true;
	return roles_of(state, found) & CFD_GUARD_INIT;
}

/*
 * Whether this process is the starter. The first time that init executes something it is known by its pid alone; from
 * then on by its start time too. What a wrapper starts takes its place, which happens once for each: the new starter
 * has not executed anything yet, so it wraps nothing.
 */
static __always_inline bool is_starter(struct cfd_guard_state *state)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (!state->init_started && (__u32)task->tgid == state->starter)
		state->init_started = task->group_leader->start_boottime;
	if (is_init(state, task))
		return true;
	if (!state->wraps || state->sealed || !is_init(state, task->group_leader->real_parent))
		return false;
	state->wraps = 0;
	state->starter = (__u32)task->tgid;
	state->init_started = task->group_leader->start_boottime;
	return true;
}

/* The starter executes a program: the door stays open for shells and wrappers only. A script is no program. */
static __always_inline void note_start(struct cfd_guard_state *state, const struct found *found, __u32 magic)
{
	if (magic != ELF_MAGIC)
		return;
	state->wraps = 0;
	if (is_shell(state, found))
		return;
	if (is_wrapper(state, found))
		state->wraps = 1;
	else
		state->sealed = 1;
}

static __always_inline void note_path(struct cfd_guard_event *event, struct file *file)
{
	if (bpf_d_path(&file->f_path, event->path, sizeof(event->path)) < 0)
		event->path[0] = '\0';
}

/* Mappings that are allowed are counted, not told: every library of every program that starts. */
static __always_inline struct cfd_guard_event *begin_file_event(struct cfd_guard_state *state, __u8 kind, __u8 verdict,
								__u8 reason, __u8 error)
{
	struct cfd_guard_event *event;

	count(state, kind, verdict);
	if (!is_told(state, verdict) || (kind != CFD_GUARD_EXEC && verdict == CFD_GUARD_ALLOWED_IT))
		return NULL;
	event = begin_event(state, kind, verdict, reason, error);
	if (event)
		note_process(event);
	return event;
}

/*
 * The verdict is asked for once and handed on: an exemption that ends between two questions would have one of them
 * answered otherwise.
 */
static __always_inline int settle_file_as(struct cfd_guard_state *state, __u8 kind, __u8 verdict, __u8 reason,
					  __u8 error, struct file *file)
{
	struct cfd_guard_event *event = begin_file_event(state, kind, verdict, reason, error);

	if (event) {
		if (file)
			note_path(event, file);
		bpf_ringbuf_submit(event, 0);
	}
	return answer(verdict, error);
}

static __always_inline int settle_file(struct cfd_guard_state *state, __u8 kind, __u8 reason, __u8 error,
				       struct file *file)
{
	return settle_file_as(state, kind, verdict_for(state, kind, reason), reason, error, file);
}

/* For mode `record`: what decides which profile would have let this pass, whatever the one in force says. */
static __always_inline __u32 facts_of_file(const struct cfd_guard_state *state, const struct found *found, bool script)
{
	__u32 facts = (is_shell(state, found) ? CFD_GUARD_FACT_SHELL : 0) | (script ? CFD_GUARD_FACT_SCRIPT : 0);

	if (not_of_image(state, found))
		facts |= CFD_GUARD_FACT_FOREIGN;
	if (state->sealed || !cfd_descends_from_init(state))
		facts |= CFD_GUARD_FACT_LATE;
	return facts;
}

static __always_inline void record_exec(const struct cfd_guard_state *state, struct file *file,
					const struct found *found, bool script)
{
	if (is_recorded(state))
		record_file(state, CFD_GUARD_EXEC, found->inode, found->device, facts_of_file(state, found, script),
			    file, NULL);
}

SEC("lsm_cgroup/bprm_check_security")
int BPF_PROG(cfd_exec, struct linux_binprm *bprm)
{
	struct cfd_guard_state *state = container();
	__u8 reason = CFD_GUARD_NO_POLICY, verdict;
	bool by_starter = false;
	struct found found;
	__u32 magic = 0;

	find(bprm->file, &found);
	if (is_configured(state)) {
		if (is_runtime(state))
			return 1;
		bpf_probe_read_kernel(&magic, sizeof(magic), __builtin_preserve_access_index(&bprm->buf));
		if (!state->sealed)
			by_starter = is_starter(state);
		reason = no_code(state, &found);
		if (!reason && is_off_list(state, &found, (__u16)magic == SCRIPT_MAGIC))
			reason = CFD_GUARD_NOT_LISTED;
		record_exec(state, bprm->file, &found, (__u16)magic == SCRIPT_MAGIC);
	}
	verdict = verdict_for(state, CFD_GUARD_EXEC, reason);
	if (by_starter && verdict != CFD_GUARD_DENIED)
		note_start(state, &found, magic);
	/* execve(2) has EACCES for a file that may not be executed, and with it execvp goes on to the next directory.
	 */
	return settle_file_as(state, CFD_GUARD_EXEC, verdict, reason, EACCES, bprm->file);
}

#endif
