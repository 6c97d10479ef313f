/* SPDX-License-Identifier: Apache-2.0 */
/* What mode `record` keeps in the kernel (bpf/record.bpf.h), for one container at a time, named by its cgroup. */
#ifndef CFD_GUARD_RECORDS_H
#define CFD_GUARD_RECORDS_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_guard_record;
struct cfd_guard_record_key;

/*
 * Before the programs are attached: makes the entry that counts what there was no room for. -ENOSPC: there is no room
 * for that either, as other containers are being recorded. Done twice it changes nothing.
 */
int cfd_guard_records_begin(uint64_t cgroup_id, struct cfd_error *err);

/*
 * Calls visit with each thing that was used, once if nobody else calls cfd_guard_records_end meanwhile; stops at its
 * first non-zero return, which it returns. ret_lost: how many uses had no room; UINT64_MAX when that is not known, as
 * the entry that counts them is gone.
 */
int cfd_guard_records_each(uint64_t cgroup_id,
			   int (*visit)(const struct cfd_guard_record_key *key, const struct cfd_guard_record *record,
					void *data),
			   void *data, uint64_t *ret_lost, struct cfd_error *err);

/* Forgets all of it. */
int cfd_guard_records_end(uint64_t cgroup_id, struct cfd_error *err);

#endif
