/* SPDX-License-Identifier: Apache-2.0 */
/* The half of lib/state that tells who lives and removes the rest; for lib/state/state.c alone. */
#ifndef CFD_SWEEP_H
#define CFD_SWEEP_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_process_id;

struct cfd_state { /* of lib/state/state.h */
	char *path, *stage_path, *subuid, *subgid;
	int dir, containers, ranges;
};

enum cfd_life {
	CFD_LIFE_DEAD,
	/*
	 * The shim was killed while it created the container, and init was left behind. The runtime died with the shim
	 * and knows nothing of it, so no engine can: it waits for a start that cannot come.
	 */
	CFD_LIFE_ORPHANED,
	CFD_LIFE_LIVES,
};

enum cfd_life cfd_sweep_look(struct cfd_state *state, const char *key);
/* Ends an orphan, and removes everything of a container; the caller holds the lock. Gone already is no error. */
int cfd_sweep_remove(struct cfd_state *state, const char *key, struct cfd_error *err);
/* Removes all that do not live. `locked`: the caller holds the lock; else it is taken for each removal. */
int cfd_sweep_all(struct cfd_state *state, bool locked, size_t *ret_count, struct cfd_error *err);

/* A link `PID:START`. 0, or -ENOENT, -EBADMSG and the like. */
int cfd_sweep_read_process(int dirfd, const char *name, struct cfd_process_id *ret_process);

#endif
