/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every mistake of a profile: those that its readers see (lib/profile/lint.c), and those that only the rules and the
 * compiler of system calls know: rules that do not exist, what is never allowed, filters that cannot be built.
 */
#ifndef CFD_LINT_H
#define CFD_LINT_H

#include "lib/base.h"
#include "lib/err.h"

struct cfd_diagnostics;

struct cfd_lint_request {
	const char *file;
	const char *admin_profiles, *shipped_profiles; /* what the file may extend, besides what lies beside it */
	const char *admin_seccomp, *shipped_seccomp;   /* and its filters, besides `seccomp` beside it or its folder */
	int64_t now;                                   /* seconds since the epoch */
};

/* 0 however many mistakes there are, in the order of their places. An error: the file cannot be read. */
int cfd_lint_profile(const struct cfd_lint_request *request, struct cfd_diagnostics *diagnostics,
		     struct cfd_error *err);

#endif
