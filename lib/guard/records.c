/* SPDX-License-Identifier: Apache-2.0 */
/* The map of mode `record`, read and emptied container by container. */
#include "lib/guard/records.h"

#include "bpf/guard.h"
#include "lib/guard/bpf.h"

#include <errno.h>

#define MAP "records"
#define ROUNDS 4 /* a key that is deleted meanwhile makes the kernel begin again */

int cfd_guard_records_begin(uint64_t cgroup_id, struct cfd_error *err)
{
	const struct cfd_guard_record_key key = {.cgroup = cgroup_id, .kind = CFD_GUARD_SESSION};
	struct cfd_guard_record record = {0};
	CFD_AUTO_FD int map = -1;
	int r = cfd_guard_bpf_open(cfd_guard_bpf_set(), MAP, &map, err);

	if (r || !cfd_guard_bpf_lookup(map, &key, &record))
		return r;
	r = cfd_guard_bpf_update(map, &key, &record);
	if (r == -E2BIG || r == -ENOSPC || r == -ENOMEM)
		return cfd_fail(err, -ENOSPC,
				"no room to record what this container uses: the guard holds %d things that containers "
				"in mode `record` use; end one of those",
				CFD_GUARD_RECORDS_MAX);
	return r ? cfd_fail_errno(err, r, "cannot begin to record") : 0;
}

/* The keys of one container, one after the other in the buffer. */
static int read_keys(int map, uint64_t cgroup_id, struct cfd_buf *keys, struct cfd_error *err)
{
	struct cfd_guard_record_key key, *previous = NULL;

	for (size_t i = 0; !cfd_guard_bpf_next_key(map, previous, &key); i++) {
		if (i == (size_t)ROUNDS * CFD_GUARD_RECORDS_MAX)
			return cfd_fail(err, -EAGAIN, "what is recorded changes too fast to be read; try again");
		previous = &key;
		if (key.cgroup == cgroup_id && cfd_buf_add(keys, &key, sizeof(key)))
			return cfd_fail_memory(err, "what was recorded");
	}
	return 0;
}

int cfd_guard_records_each(uint64_t cgroup_id,
			   int (*visit)(const struct cfd_guard_record_key *key, const struct cfd_guard_record *record,
					void *data),
			   void *data, uint64_t *ret_lost, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf keys = {0};
	CFD_AUTO_FD int map = -1;
	uint64_t lost = UINT64_MAX;
	int r = cfd_guard_bpf_open(cfd_guard_bpf_set(), MAP, &map, err);

	if (!r)
		r = read_keys(map, cgroup_id, &keys, err);
	for (size_t at = 0; !r && at < keys.length; at += sizeof(struct cfd_guard_record_key)) {
		const struct cfd_guard_record_key *key = (const void *)(keys.data + at);
		struct cfd_guard_record record;

		if (cfd_guard_bpf_lookup(map, key, &record))
			continue;
		if (key->kind == CFD_GUARD_SESSION)
			lost = record.count;
		else
			r = visit(key, &record, data);
	}
	if (!r)
		*ret_lost = lost;
	return r;
}

int cfd_guard_records_end(uint64_t cgroup_id, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf keys = {0};
	CFD_AUTO_FD int map = -1;
	int r = cfd_guard_bpf_open(cfd_guard_bpf_set(), MAP, &map, err);

	if (!r)
		r = read_keys(map, cgroup_id, &keys, err);
	for (size_t at = 0; !r && at < keys.length; at += sizeof(struct cfd_guard_record_key)) {
		r = cfd_guard_bpf_delete(map, keys.data + at);
		if (r && r != -ENOENT)
			return cfd_fail_errno(err, r, "cannot forget what was recorded");
		r = 0;
	}
	return r;
}
