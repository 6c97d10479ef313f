/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a container is exempt from a part of the guard, and who wanted it: a file in its directory, which goes with it.
 * How long it lasts is the kernel's to say (lib/guard/exempt.h).
 */
#ifndef CFD_EXEMPTION_H
#define CFD_EXEMPTION_H

#include "lib/base.h"
#include "lib/err.h"

#define CFD_EXEMPTION_REASON_MAX 200 /* bytes: a ticket's number and a sentence */

struct cfd_exemption {
	char *reason;         /* NULL: none was asked for */
	int64_t since, until; /* seconds since the epoch */
	int64_t login;        /* who logged in, as the kernel's audit has it; -1: unknown */
};

struct cfd_exemptions {
	struct cfd_exemption exec, net;
};

/* A reason for a log: something, no more than CFD_EXEMPTION_REASON_MAX bytes, UTF-8, no control characters. -EINVAL. */
int cfd_exemption_check_reason(const char *reason, struct cfd_error *err);

/* `dirfd` is the container's directory (cfd_state_open_container). No file: there are none. Release it in any case. */
int cfd_exemptions_read(int dirfd, struct cfd_exemptions *exemptions, struct cfd_error *err);
/* Without any the file is removed. */
int cfd_exemptions_write(int dirfd, const struct cfd_exemptions *exemptions, struct cfd_error *err);
void cfd_exemptions_release(struct cfd_exemptions *exemptions);

#endif
