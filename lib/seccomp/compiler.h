/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling a filter in a child process. libseccomp comes to no end on some rules, so it must be possible to give up on
 * it; and several filters are compiled side by side. A part of lib/seccomp.
 */
#ifndef CFD_SECCOMP_COMPILER_H
#define CFD_SECCOMP_COMPILER_H

#include "lib/base.h"
#include "lib/err.h"

#include <sys/types.h>

struct cfd_seccomp_filter;
struct cfd_subset_program;

/* Writes the compiled filter to the descriptor. 0 or a negative errno. It runs in the child. */
typedef int (*cfd_seccomp_work)(const struct cfd_seccomp_filter *filter, int fd);

struct cfd_seccomp_compiler { /* start from CFD_SECCOMP_COMPILER_NONE */
	const char *what;     /* is compiled, for messages; borrowed */
	pid_t child;          /* 0: none */
	int pipe, program;
};

#define CFD_SECCOMP_COMPILER_NONE                                                                                      \
	{                                                                                                              \
		.pipe = -1, .program = -1                                                                              \
	}

int cfd_seccomp_compiler_start(struct cfd_seccomp_compiler *c, const char *what, cfd_seccomp_work work,
			       const struct cfd_seccomp_filter *filter, struct cfd_error *err);
/* Waits and takes the program. -ETIME: it was given up; -ECHILD: it died; or what `work` returned. */
int cfd_seccomp_compiler_finish(struct cfd_seccomp_compiler *c, struct cfd_subset_program *ret_program,
				struct cfd_error *err);
/* Kills and reaps the child if there is one, and closes. Can be started again. */
void cfd_seccomp_compiler_stop(struct cfd_seccomp_compiler *c);

#endif
