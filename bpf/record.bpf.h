/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mode `record`: what a container uses, once each, with how often. Only containers whose state has CFD_GUARD_RECORD get
 * further than the first question. Unlike the ring, which forgets what nobody reads in time, the map keeps all that it
 * had room for, and each container's entry of kind CFD_GUARD_SESSION counts what it had none for.
 */
#ifndef CFD_BPF_RECORD_H
#define CFD_BPF_RECORD_H

#include "bpf/event.bpf.h"

/* Not preallocated: a host where nothing is recorded pays for the buckets alone. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CFD_GUARD_RECORDS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct cfd_guard_record_key);
	__type(value, struct cfd_guard_record);
} records SEC(".maps");

static const struct cfd_guard_record new_record;

static __always_inline bool is_recorded(const struct cfd_guard_state *state)
{
	return state->flags & CFD_GUARD_RECORD && is_configured(state);
}

static __always_inline void count_unrecorded(const struct cfd_guard_state *state)
{
	struct cfd_guard_record_key key = {.cgroup = state->cgroup, .kind = CFD_GUARD_SESSION};
	struct cfd_guard_record *session = bpf_map_lookup_elem(&records, &key);

	if (session)
		__sync_fetch_and_add(&session->count, 1);
}

/* The record of what was used, counted once more; NULL when there is no room. Whoever made it fills it in. */
static __always_inline struct cfd_guard_record *use(const struct cfd_guard_state *state,
						    const struct cfd_guard_record_key *key, bool *is_new)
{
	struct cfd_guard_record *record = bpf_map_lookup_elem(&records, key);

	if (!record) {
		*is_new = !bpf_map_update_elem(&records, key, &new_record, BPF_NOEXIST);
		record = bpf_map_lookup_elem(&records, key);
	}
	if (record)
		__sync_fetch_and_add(&record->count, 1);
	else
		count_unrecorded(state);
	return record;
}

/*
 * A file by its inode, so that the many names of one program are one record, under the name that came first: its path,
 * where the kernel lets a program ask for it, else (`file` is NULL) its last part.
 */
static __always_inline void record_file(const struct cfd_guard_state *state, __u8 kind, __u64 inode, __u32 device,
					__u32 facts, struct file *file, struct dentry *entry)
{
	struct cfd_guard_record_key key = {.cgroup = state->cgroup, .kind = kind, .inode = inode, .device = device};
	bool is_new = false;
	struct cfd_guard_record *record = use(state, &key, &is_new);
	long length;

	if (!record)
		return;
	__sync_fetch_and_or(&record->facts, facts);
	if (!is_new)
		return;
	if (file)
		length = bpf_d_path(&file->f_path, record->path, sizeof(record->path));
	else
		length = bpf_probe_read_kernel_str(record->path, sizeof(record->path),
						   BPF_CORE_READ(entry, d_name.name));
	if (length < 0)
		record->path[0] = '\0';
}

/* What is denied for what it is, whatever is listed. */
static __always_inline void record_reason(const struct cfd_guard_state *state, __u8 kind, __u8 reason)
{
	struct cfd_guard_record_key key = {.cgroup = state->cgroup, .kind = kind, .reason = reason};
	bool is_new = false;

	use(state, &key, &is_new);
}

/* Sockets that no profile can speak of are recorded when they are refused; others by what they are used for. */
static __always_inline void record_socket(const struct cfd_guard_state *state, __u8 kind, __u8 reason,
					  const struct socket_facts *facts)
{
	struct cfd_guard_record_key key = {.cgroup = state->cgroup, .kind = kind, .protocol = facts->protocol};
	bool is_new = false;

	if (!is_recorded(state))
		return;
	if (reason && reason != CFD_GUARD_NOT_LISTED) {
		key.reason = reason;
		key.family = facts->family;
		key.type = facts->type;
	} else if (kind == CFD_GUARD_CREATE || (facts->family != AF_INET && facts->family != AF_INET6)) {
		return;
	}
	if (kind == CFD_GUARD_BIND && !facts->port && !key.reason) /* a client's: any port */
		return;
	key.port = facts->port;
	key.address = facts->address;
	use(state, &key, &is_new);
}

#endif
