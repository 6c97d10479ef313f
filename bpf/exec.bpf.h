/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which files may be executed, or mapped executable. doc/guard.md explains the order of the questions.
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
 * The three functions with loops are global, so that the verifier goes through each once and not at every place that
 * calls it; that is also why they ask whether state is NULL.
 */
__noinline int cfd_is_shell_inode(const struct cfd_guard_state *state, __u64 inode)
{
	if (!state)
		return true;
	for (int i = 0; i < CFD_GUARD_SHELLS; i++) {
		if (i >= state->shell_count)
			return false;
		if (state->shells[i] == inode)
			return true;
	}
	return false;
}

__noinline int cfd_is_allowed_inode(const struct cfd_guard_state *state, __u64 inode)
{
	if (!state)
		return false;
	for (int i = 0; i < CFD_GUARD_ALLOWED; i++) {
		if (i >= state->allowed_count)
			return false;
		if (state->allowed[i] == inode)
			return true;
	}
	return false;
}

static __always_inline __u64 changed_at(struct inode *inode)
{
	struct inode___6_6 *newer = (void *)inode;
	struct inode___old *old = (void *)inode;

	if (bpf_core_field_exists(inode->i_ctime_sec))
		return (__u64)inode->i_ctime_sec * 1000000000ull + (inode->i_ctime_nsec & ~CTIME_QUERIED);
	if (bpf_core_field_exists(newer->__i_ctime))
		return (__u64)newer->__i_ctime.tv_sec * 1000000000ull +
		       ((__u32)newer->__i_ctime.tv_nsec & ~CTIME_QUERIED);
	return (__u64)old->i_ctime.tv_sec * 1000000000ull + (__u32)old->i_ctime.tv_nsec;
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
static __always_inline __u8 not_of_image(const struct cfd_guard_state *state, struct file *file)
{
	struct inode *inode = file->f_inode;

	if (inode->i_nlink == 0)
		return CFD_GUARD_UNLINKED;
	if (inode->i_sb->s_dev != state->root_dev)
		return CFD_GUARD_OTHER_FS;
	if (state->flags & CFD_GUARD_OVERLAY)
		return has_upper(state, inode) ? CFD_GUARD_CHANGED : CFD_GUARD_NO_REASON;
	/* A volume may be on the same filesystem, but is mounted from another directory. */
	if (file->f_path.mnt->mnt_root->d_inode->i_ino != state->root_ino)
		return CFD_GUARD_OTHER_FS;
	return changed_at(inode) >= state->created ? CFD_GUARD_CHANGED : CFD_GUARD_NO_REASON;
}

static __always_inline bool is_init(const struct cfd_guard_state *state, struct task_struct *task)
{
	return (__u32)task->tgid == state->init_pid && task->group_leader->start_boottime == state->init_started;
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

/* What holds for executing and for mapping: of the image, and a shell only when shells may run. */
static __always_inline __u8 no_code(const struct cfd_guard_state *state, struct file *file, bool is_shell)
{
	__u8 reason = CFD_GUARD_NO_REASON;

	if (state->flags & CFD_GUARD_IMAGE_ONLY)
		reason = not_of_image(state, file);
	if (!reason && is_shell)
		reason = no_shell(state);
	return reason;
}

static __always_inline bool is_shell(const struct cfd_guard_state *state, struct inode *inode)
{
	return inode->i_sb->s_dev == state->root_dev && cfd_is_shell_inode(state, inode->i_ino);
}

/* While starting, a shell and its scripts need not be on the list: what they start must be. */
static __always_inline bool is_off_list(const struct cfd_guard_state *state, struct inode *inode, bool shell_or_script)
{
	if (!(state->flags & CFD_GUARD_ALLOW_LIST))
		return false;
	if (inode->i_sb->s_dev == state->root_dev && cfd_is_allowed_inode(state, inode->i_ino))
		return false;
	return !(shell_or_script && is_starting(state));
}

/* The first time that init executes something it is known by its pid alone; from then on by its start time too. */
static __always_inline bool note_init(struct cfd_guard_state *state)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (!state->init_started && (__u32)task->tgid == state->init_pid)
		state->init_started = task->group_leader->start_boottime;
	return is_init(state, task);
}

static __always_inline int settle_file(struct cfd_guard_state *state, __u8 kind, __u8 verdict, __u8 reason, __u8 error,
				       struct file *file)
{
	struct cfd_guard_event *event;

	count(state, kind, verdict);
	/* Every library of every program that starts: counted, not told. */
	if (kind == CFD_GUARD_MMAP && verdict == CFD_GUARD_ALLOWED_IT)
		return 1;
	event = is_told(state, verdict) ? begin_event(state, kind, verdict, reason, error) : NULL;
	if (event) {
		note_process(event);
		if (bpf_d_path(&file->f_path, event->path, sizeof(event->path)) < 0)
			event->path[0] = '\0';
		bpf_ringbuf_submit(event, 0);
	}
	return answer(verdict, error);
}

/* For mode `record`: what decides which profile would have let this pass, whatever the one in force says. */
static __always_inline __u32 facts_of_file(const struct cfd_guard_state *state, struct file *file, bool shell,
					   bool script)
{
	__u32 facts = (shell ? CFD_GUARD_FACT_SHELL : 0) | (script ? CFD_GUARD_FACT_SCRIPT : 0);

	if (not_of_image(state, file))
		facts |= CFD_GUARD_FACT_FOREIGN;
	if (state->sealed || !cfd_descends_from_init(state))
		facts |= CFD_GUARD_FACT_LATE;
	return facts;
}

static __always_inline void record_exec(const struct cfd_guard_state *state, struct file *file, bool shell, bool script)
{
	if (is_recorded(state))
		record_file(state, CFD_GUARD_EXEC, file, facts_of_file(state, file, shell, script));
}

/* Of mappings only what some profile denies: the many libraries of an image are allowed by all. */
static __always_inline void record_mmap(const struct cfd_guard_state *state, struct file *file)
{
	__u32 facts;

	if (!is_recorded(state))
		return;
	facts = facts_of_file(state, file, is_shell(state, file->f_inode), false);
	if (facts & (CFD_GUARD_FACT_SHELL | CFD_GUARD_FACT_FOREIGN))
		record_file(state, CFD_GUARD_MMAP, file, facts);
}

SEC("lsm_cgroup/bprm_check_security")
int BPF_PROG(cfd_exec, struct linux_binprm *bprm)
{
	struct cfd_guard_state *state = container();
	struct file *file = bprm->file;
	struct inode *inode = file->f_inode;
	__u8 reason = CFD_GUARD_NO_POLICY, verdict;
	bool shell = false, by_init = false;
	__u32 magic = 0;

	if (is_configured(state)) {
		if (is_runtime(state))
			return 1;
		bpf_probe_read_kernel(&magic, sizeof(magic), __builtin_preserve_access_index(&bprm->buf));
		by_init = note_init(state);
		shell = is_shell(state, inode);
		reason = no_code(state, file, shell);
		if (!reason && is_off_list(state, inode, shell || (__u16)magic == SCRIPT_MAGIC))
			reason = CFD_GUARD_NOT_LISTED;
		record_exec(state, file, shell, (__u16)magic == SCRIPT_MAGIC);
	}
	verdict = verdict_for(state, CFD_GUARD_EXEC, reason);
	if (verdict != CFD_GUARD_DENIED && by_init && !shell && magic == ELF_MAGIC)
		state->sealed = 1;
	/* execve(2) has EACCES for a file that may not be executed, and with it execvp goes on to the next directory.
	 */
	return settle_file(state, CFD_GUARD_EXEC, verdict, reason, EACCES, file);
}

/* The kernel maps what it executes by the same hook: there the answer is the one that the exec got. */
SEC("lsm_cgroup/mmap_file")
int BPF_PROG(cfd_mmap, struct file *file, unsigned long reqprot, unsigned long prot, unsigned long flags)
{
	struct cfd_guard_state *state = container();
	__u8 reason = CFD_GUARD_NO_POLICY;

	/* prot, not reqprot: the READ_IMPLIES_EXEC personality adds PROT_EXEC to the one only. */
	if (!file || !(prot & PROT_EXEC))
		return 1;
	if (is_configured(state)) {
		if (is_runtime(state))
			return 1;
		reason = no_code(state, file, is_shell(state, file->f_inode));
		record_mmap(state, file);
	}
	/* EPERM is what mmap(2) gives for PROT_EXEC of a file that is mounted noexec. */
	return settle_file(state, CFD_GUARD_MMAP, verdict_for(state, CFD_GUARD_MMAP, reason), reason, EPERM, file);
}

#endif
