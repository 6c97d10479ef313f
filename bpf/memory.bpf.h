/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which memory may be executable: what is mapped so, and what is made so later. Of files the same holds as for
 * executing them (exec.bpf.h); of memory without a file what exec.wx says.
 *
 * prot is looked at, not reqprot: the READ_IMPLIES_EXEC personality adds PROT_EXEC to the one only.
 */
#ifndef CFD_BPF_MEMORY_H
#define CFD_BPF_MEMORY_H

#include "bpf/exec.bpf.h"

#define HUGETLBFS_MAGIC 0x958458f6
#define FMODE_BACKING (1u << 25 | 1u << 24) /* the former from 6.5, the latter from 6.14 and in late 6.12 */

/*
 * What the process opened, of a file that stands behind a mapping; NULL when it is this file itself. The kernel does
 * not tell which bit marks such a file, and the other one of FMODE_BACKING has had other meanings. So what is read
 * where user_path would be counts only when it leads to the root filesystem: behind any other file that memory is the
 * kernel's own, and no dentry.
 */
static __always_inline struct dentry *user_entry(const struct cfd_guard_state *state, struct file *file)
{
	struct backing_file *backing = (void *)file;
	struct dentry *entry;

	if (!bpf_core_field_exists(backing->user_path) || !(file->f_mode & FMODE_BACKING))
		return NULL;
	entry = BPF_CORE_READ(backing, user_path.dentry);
	return BPF_CORE_READ(entry, d_inode, i_sb, s_dev) == state->root_dev ? entry : NULL;
}

/*
 * find() for the file behind a mapping, which for one of an overlay's is the layer's own. What the process opened is
 * its user_path, and on kernels without that its f_path. What cannot be read is 0: a file without links.
 */
static __always_inline void find_behind(const struct cfd_guard_state *state, struct file *file, struct found *found)
{
	struct dentry *entry = user_entry(state, file);
	struct inode *node;

	if (!entry)
		entry = BPF_CORE_READ(file, f_path.dentry);
	node = BPF_CORE_READ(entry, d_inode);
	found->entry = entry;
	found->node = node;
	found->inode = BPF_CORE_READ(node, i_ino);
	found->device = BPF_CORE_READ(node, i_sb, s_dev);
	found->links = BPF_CORE_READ(node, i_nlink);
	found->mount_root = BPF_CORE_READ(file, f_path.mnt, mnt_root); /* asked for where there is no overlay */
}

static __always_inline bool has_name(const struct found *found, const char *name, __u32 size)
{
	struct dentry *entry = found->entry;
	char text[16] = "";

	bpf_probe_read_kernel(text, size, BPF_CORE_READ(entry, d_name.name));
	for (__u32 i = 0; i < size; i++)
		if (text[i] != name[i])
			return false;
	return true;
}

/*
 * Anonymous memory that is shared, or of huge pages, is a file to the kernel. The first one's name has a slash in it,
 * which nobody can give; files of hugetlbfs can be written by mapping them only. A memfd has another name.
 */
static __always_inline bool is_anonymous(const struct found *found)
{
	struct inode *node = found->node;

	if (found->links)
		return false;
	if (has_name(found, "dev/zero", sizeof("dev/zero")))
		return true;
	return BPF_CORE_READ(node, i_sb, s_magic) == HUGETLBFS_MAGIC &&
	       has_name(found, "anon_hugepage", sizeof("anon_hugepage"));
}

/* Of mappings only what some profile denies: the many libraries of an image are allowed by all. */
static __always_inline void record_mapping(const struct cfd_guard_state *state, __u8 kind, struct file *file,
					   const struct found *found, __u8 reason)
{
	__u32 facts;

	if (!is_recorded(state))
		return;
	if (reason == CFD_GUARD_WRITABLE || reason == CFD_GUARD_ANONYMOUS || reason == CFD_GUARD_MODIFIED) {
		record_reason(state, kind, reason); /* exec.wx is about memory, not about files */
		return;
	}
	if (!found->inode) /* anonymous memory, and no word against it */
		return;
	facts = facts_of_file(state, found, false);
	if (facts & (CFD_GUARD_FACT_SHELL | CFD_GUARD_FACT_FOREIGN))
		record_file(state, kind, found->inode, found->device, facts, file, found->entry);
}

static __always_inline __u8 no_wx(const struct cfd_guard_state *state, unsigned long prot, bool anonymous)
{
	if (!(state->flags & CFD_GUARD_WX))
		return CFD_GUARD_NO_REASON;
	if (prot & PROT_WRITE)
		return CFD_GUARD_WRITABLE;
	return anonymous ? CFD_GUARD_ANONYMOUS : CFD_GUARD_NO_REASON;
}

/*
 * What nearly all mappings are, and what judge_mapping() would allow and only count: a file of the image, on an
 * overlay, and no shell. It asks the same, without what the answers to the rest would need.
 */
static __always_inline bool is_image_code(const struct cfd_guard_state *state, struct file *file, unsigned long prot)
{
	const __u32 flags = CFD_GUARD_IMAGE_ONLY | CFD_GUARD_OVERLAY;
	struct inode *inode;

	if (!is_configured(state) || (state->flags & (flags | CFD_GUARD_RECORD)) != flags || prot & PROT_WRITE)
		return false;
	inode = file->f_inode;
	return inode->i_nlink && inode->i_sb->s_dev == state->root_dev && !has_upper(state, inode) &&
	       !is_shell_inode(state, inode->i_ino);
}

/* The kernel maps what it executes by the same hook: there the answer is the one that the exec got. */
static __noinline int judge_mapping(struct cfd_guard_state *state, struct file *file, unsigned long prot)
{
	__u8 reason = CFD_GUARD_NO_POLICY;
	struct found found = {};
	bool anonymous;

	if (is_configured(state)) {
		if (file)
			find(file, &found);
		anonymous = !file || is_anonymous(&found);
		reason = no_wx(state, prot, anonymous);
		if (!reason && anonymous)
			return 1;
		if (!reason)
			reason = no_code(state, &found);
		if ((reason || is_recorded(state)) && is_runtime(state))
			return 1;
		record_mapping(state, CFD_GUARD_MMAP, file, &found, reason);
	}
	/* EPERM is what mmap(2) gives for PROT_EXEC of a file that is mounted noexec. */
	return settle_file(state, CFD_GUARD_MMAP, reason, EPERM, file);
}

SEC("lsm_cgroup/mmap_file")
int BPF_PROG(cfd_mmap, struct file *file, unsigned long reqprot, unsigned long prot, unsigned long flags)
{
	struct cfd_guard_state *state;

	if (!(prot & PROT_EXEC))
		return 1;
	state = container();
	if (!file || !is_image_code(state, file, prot))
		return judge_mapping(state, file, prot);
	count(state, CFD_GUARD_MMAP, CFD_GUARD_ALLOWED_IT);
	return 1;
}

static __always_inline __u8 no_mprotect(const struct cfd_guard_state *state, struct vm_area_struct *area,
					unsigned long prot, struct found *found)
{
	struct file *file = area->vm_file;
	bool anonymous;
	__u8 reason;

	if (file)
		find_behind(state, file, found);
	anonymous = !file || is_anonymous(found);
	reason = no_wx(state, prot, anonymous);
	/* Pages of a file's private mapping that were written to are anonymous memory. */
	if (!reason && (state->flags & CFD_GUARD_WX) && area->anon_vma)
		reason = CFD_GUARD_MODIFIED;
	return reason || anonymous ? reason : no_code(state, found);
}

/* The kernel does not let a program ask for the path here. */
static __always_inline void note_name(struct cfd_guard_event *event, struct dentry *entry)
{
	if (entry && bpf_probe_read_kernel_str(event->path, sizeof(event->path), BPF_CORE_READ(entry, d_name.name)) < 0)
		event->path[0] = '\0';
}

SEC("lsm_cgroup/file_mprotect")
int BPF_PROG(cfd_mprotect, struct vm_area_struct *area, unsigned long reqprot, unsigned long prot)
{
	struct cfd_guard_state *state;
	struct cfd_guard_event *event;
	__u8 reason = CFD_GUARD_NO_POLICY, verdict;
	struct found found = {};

	if (!(prot & PROT_EXEC))
		return 1;
	state = container();
	if (is_configured(state)) {
		reason = no_mprotect(state, area, prot, &found);
		if ((reason || is_recorded(state)) && is_runtime(state))
			return 1;
		if (is_recorded(state) && (reason || !is_anonymous(&found)))
			record_mapping(state, CFD_GUARD_MPROTECT, NULL, &found, reason);
	}
	verdict = verdict_for(state, CFD_GUARD_MPROTECT, reason);
	/* EACCES is what mprotect(2) gives where memory cannot be given that access. */
	event = begin_file_event(state, CFD_GUARD_MPROTECT, verdict, reason, EACCES);
	if (event) {
		note_name(event, found.entry);
		bpf_ringbuf_submit(event, 0);
	}
	return answer(verdict, EACCES);
}

#endif
