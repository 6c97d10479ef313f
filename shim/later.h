/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What exec and update have in common: something is asked of a container that exists; it is judged against the record
 * of it, and the runtime takes this process's place. Health checks exec every few seconds, so the configuration, the
 * audit log and the profile are opened only when there is something to say. A container that has no record is somebody
 * else's, and handed on as it is.
 *
 * The runtime reads a copy of what was judged, in sealed memory that lives as long as it has the descriptor: there is
 * nothing to sweep, and two at once have nothing in common.
 */
#ifndef CFD_SHIM_LATER_H
#define CFD_SHIM_LATER_H

#include "lib/base.h"
#include "lib/config.h"
#include "lib/err.h"
#include "lib/state/state.h"
#include "lib/verdict.h"

#include <limits.h>

struct cfd_args;
struct cfd_json;

struct cfd_later {
	char **argv;           /* borrowed */
	struct cfd_args *args; /* borrowed */
	enum cfd_occasion occasion;
	bool found;       /* the record */
	char *state_path; /* where it was found */
	struct cfd_record record;
	struct cfd_verdict verdict;
	struct cfd_config config;
	int audit_fd;
	char runtime[PATH_MAX];
	char **runtime_argv; /* NULL: argv as it is */
};
#define CFD_LATER_INIT                                                                                                 \
	{                                                                                                              \
		.audit_fd = -1, .verdict = CFD_VERDICT_INIT                                                            \
	}

void cfd_later_release(struct cfd_later *later);

/* Which runtime, and the record of the container. -EINVAL also for an id that is none. */
int cfd_later_find(struct cfd_later *later, struct cfd_error *err);

/*
 * The verdict over later->verdict.spec, written to the audit log when there is a finding or a key that no schema knows.
 * -EACCES: refused. `context` has what the record does not: cgroups, device rules.
 */
int cfd_later_judge(struct cfd_later *later, struct cfd_rules_context *context, struct cfd_error *err);

/* Reads a file of JSON for later->verdict.doc. */
int cfd_later_read(struct cfd_later *later, int fd, const char *name, struct cfd_error *err);

/* The node's text as a file that the runtime inherits, from descriptor `first` on. */
int cfd_later_copy(const struct cfd_json *node, const char *name, int first, int *ret_fd, struct cfd_error *err);

/* Becomes the runtime; returns on failure only. */
int cfd_later_hand_on(struct cfd_later *later, struct cfd_error *err);

/* The text of a refusal, for the engine; a failure that is no verdict goes to the audit log, too. Returns 1. */
int cfd_later_refuse(struct cfd_later *later, const struct cfd_error *err, struct cfd_buf *ret_text);

#endif
