/* SPDX-License-Identifier: Apache-2.0 */
/* A process by more than its pid: the kernel hands pids out again, so a record names a process by when it began too. */
#ifndef CFD_PROCESS_H
#define CFD_PROCESS_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_process_id {
	int pid;        /* 0: none */
	uint64_t start; /* field 22 of /proc/PID/stat (proc(5)), clock ticks since boot */
};

int cfd_process_self(struct cfd_process_id *ret_process, struct cfd_error *err);
/* -ESRCH: there is no such process, or it has ended and only waits to be reaped. */
int cfd_process_of(int pid, struct cfd_process_id *ret_process, struct cfd_error *err);
/* Whether that very process runs still: zombies and others that got its pid since do not count. */
bool cfd_process_lives(const struct cfd_process_id *process);
/* Ends that very process, and waits a moment for its end. One that has gone is left alone. */
void cfd_process_kill(const struct cfd_process_id *process);

#endif
