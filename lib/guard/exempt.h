/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exemptions in the kernel: until when a part of the guard denies nothing in a cgroup. The programs compare the time
 * themselves, so an exemption ends whether or not anybody is left to end it. Why there is one, and who wanted it, is
 * kept by lib/state/exemption.h.
 */
#ifndef CFD_GUARD_EXEMPT_H
#define CFD_GUARD_EXEMPT_H

#include "lib/base.h"
#include "lib/err.h"

/* Longer is no emergency any more: then the profile is wrong, and an exception or another profile is the answer. */
#define CFD_EXEMPT_MAX_SECONDS 3600

/* Bits of `parts`: 1u << CFD_GUARD_PART_... (bpf/guard.h). */

/*
 * The parts of the guard deny nothing in this cgroup for so long, from now on; 0 seconds: they deny again from now on.
 * The other part stays as it is. -ENOENT: no guard of this version is there. -EINVAL: longer than
 * CFD_EXEMPT_MAX_SECONDS. -ENOSPC: CFD_GUARD_EXEMPTIONS_MAX containers have one. Callers take turns.
 */
int cfd_guard_exempt(uint64_t cgroup_id, unsigned parts, unsigned seconds, struct cfd_error *err);

/* How many seconds each part is exempt still, rounded up; 0: it is not. Nothing loaded: all 0. */
int cfd_guard_exempt_left(uint64_t cgroup_id, uint32_t ret_seconds[2], struct cfd_error *err);

/* Forgets what a cgroup that goes has. Nothing there, or nothing loaded, is no error. */
int cfd_guard_exempt_forget(uint64_t cgroup_id, struct cfd_error *err);

/* Forgets what is over, and what is of no cgroup that is governed. -ENOENT: nothing is loaded. */
int cfd_guard_exempt_collect(struct cfd_error *err);

#endif
