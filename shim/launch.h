/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the runtime and standing in for it: its environment, the signals for it, its status. */
#ifndef CFD_SHIM_LAUNCH_H
#define CFD_SHIM_LAUNCH_H

#include "lib/base.h"
#include "lib/err.h"

/* Replaces this process by the runtime, with the arguments and environment as they are. Returns only on failure. */
int cfd_launch_replace(const char *runtime, char **argv, struct cfd_error *err);

struct cfd_launch {
	int pid;
	int signals; /* signalfd */
};
#define CFD_LAUNCH_INIT                                                                                                \
	{                                                                                                              \
		.signals = -1                                                                                          \
	}

/*
 * Starts the runtime as a child that dies with this process, with a cleaned environment. Every descriptor that was
 * inherited stays open in it.
 */
int cfd_launch_start(const char *runtime, char **argv, struct cfd_launch *launch, struct cfd_error *err);

/*
 * Waits for it. A signal that somebody sent to this process goes on to it; one of a terminal's does not, since the
 * whole process group gets those. Its exit status, or 128 and the number of the signal that ended it.
 */
int cfd_launch_wait(struct cfd_launch *launch, int *ret_status, struct cfd_error *err);
void cfd_launch_release(struct cfd_launch *launch);

/*
 * What the runtime gets of an environment: what crun and runc are told through it, and a fixed PATH; nothing by which
 * code could be loaded. The list is the caller's to free, its strings are borrowed.
 */
char **cfd_launch_environment(char *const *environment);

/*
 * Runs `RUNTIME WORD` with a cleaned environment and no descriptors of the container's, and gives the first size - 1
 * bytes of its standard output as a string: all of a short one. What it ended with does not matter.
 */
int cfd_launch_ask(const char *runtime, const char *word, char *text, size_t size, struct cfd_error *err);

#endif
