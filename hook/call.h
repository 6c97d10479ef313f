/* SPDX-License-Identifier: Apache-2.0 */
/* One call of the hook: what is on standard input, and everything that the stages use. */
#ifndef CFD_HOOK_CALL_H
#define CFD_HOOK_CALL_H

#include "lib/base.h"
#include "lib/config.h"
#include "lib/err.h"
#include "lib/state/state.h"

#define CFD_HOOK_MAX_STATE ((size_t)1 << 20)

struct cfd_json_doc;
struct cfd_policy;
struct cfd_verdict;

struct cfd_call {
	struct cfd_json_doc *doc;
	struct cfd_buf text;     /* precreate: config.json as podman means to write it */
	char *cwd, *cwd_id;      /* precreate: the bundle, and whose it is */
	const char *id, *bundle; /* borrowed from the document, or from the two above */
	int pid;                 /* 0: the container's process has ended */
	struct cfd_config config;
	int audit_fd;
	struct cfd_state *state;
	bool with_runtime; /* precreate: the runtime is cofferdam-runtime, which adds what a hook cannot */
	bool ours;         /* the bundle is one that cofferdam-runtime wrote; `key` is its container's */
	char key[CFD_STATE_KEY_MAX + 1];
};
#define CFD_CALL_INIT                                                                                                  \
	{                                                                                                              \
		.audit_fd = -1                                                                                         \
	}

/* Reads the state to its end (crun before 1.29 fails when a hook does not), then opens what all stages need. */
int cfd_call_open(int input, struct cfd_call *call, struct cfd_error *err);
void cfd_call_release(struct cfd_call *call);

/* cofferdam.json and the audit log alone. */
int cfd_call_open_log(struct cfd_call *call, struct cfd_error *err);

/*
 * The text of a state (runtime-spec, "State"): id, bundle, and pid unless the container has stopped. Keys that are not
 * needed are not looked at. -EINVAL for anything else.
 */
int cfd_call_parse(const char *text, size_t length, struct cfd_call *call, struct cfd_error *err);

/*
 * Judges `text` if there is one, else what is in the bundle, and puts the verdict into the audit log. -EACCES with all
 * of it when the container is refused.
 */
int cfd_call_judge(const struct cfd_call *call, struct cfd_verdict *verdict, struct cfd_error *err);

/*
 * Attaches the guard to the container's cgroup, as the record wants it, and writes into the record what is in force.
 * Done twice it changes nothing. `policy` is NULL when the record wants no guard.
 */
int cfd_call_govern(struct cfd_call *call, struct cfd_record *record, const struct cfd_policy *policy,
		    struct cfd_error *err);

/* The stages; each is whole in its own file. */
int cfd_stage_create(struct cfd_call *call, struct cfd_error *err);
int cfd_stage_stop(struct cfd_call *call, struct cfd_error *err);
/* createRuntime for a bundle that an engine wrote: judges it, insists on what cannot be added any more. */
int cfd_stage_judge(struct cfd_call *call, struct cfd_error *err);
/* Writes to standard output, when all has succeeded. */
int cfd_stage_precreate(struct cfd_call *call, struct cfd_error *err);

/*
 * The other way to open a call: config.json on standard input, at most CFD_JSON_MAX_BYTES, and the container's bundle
 * as working directory. -EOPNOTSUPP for podman without root, -EINVAL when that is no bundle of podman's.
 */
int cfd_precreate_open(int input, struct cfd_call *call, struct cfd_error *err);

#endif
