/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published standards, judged by their own criteria: Pod Security Standards and section 5 of the CIS Docker Benchmark.
 *
 * A standard is a table of controls. A control is decided by rules (lib/rules) under a profile that allows nothing, by
 * a check of its own where a rule is stricter or looser than the control, or by nobody here: then its row says who can
 * tell. No profile, exception or setting of this host takes part, and what cofferdam adds when it creates a container
 * (user namespace, seccomp, no_new_privs) is not counted: the question is what the configuration says.
 * doc/standards.md is the same for people; tests/standards.py compares.
 */
#ifndef CFD_STANDARDS_H
#define CFD_STANDARDS_H

#include "lib/base.h"
#include "lib/err.h"
#include "lib/rules/rules.h"

struct cfd_control_result;

struct cfd_control {
	const char *id;           /* as the standard writes it: "5.10", "hostNamespaces" */
	const char *name;         /* what it is about, in our words */
	const char *elsewhere;    /* config.json does not tell: who does. NULL: decided here */
	const char *const *rules; /* ids, NULL-terminated: whatever one of them finds is against it; or NULL */
	const char *const *kin;   /* ids of rules that refuse the like at create, by another measure; or NULL */
	/* Its own criterion, or NULL. Adds findings whose rule is NULL, or sets the result's `unneeded`. */
	int (*check)(const struct cfd_rules_context *context, struct cfd_control_result *result, struct cfd_error *err);
	const char *says; /* for the rules' messages where those speak of a profile; or NULL */
};

struct cfd_controls {
	const struct cfd_control *rows;
	size_t count;
};

struct cfd_standard {
	const char *name;              /* "pss-baseline" */
	const char *title;             /* with the version that the table was made from */
	struct cfd_controls groups[2]; /* the second holds what the standard adds to another one; may be empty */
};

/* NULL-terminated, in the order of the documentation. */
extern const struct cfd_standard *const cfd_standards[];
const struct cfd_standard *cfd_standard_find(const char *name); /* or NULL */
size_t cfd_standard_count(const struct cfd_standard *standard); /* of controls */
const struct cfd_control *cfd_standard_control(const struct cfd_standard *standard, size_t index);
bool cfd_control_has_rule(const struct cfd_control *control, const char *rule_id); /* among `rules` or `kin` */

enum cfd_control_status { CFD_CONTROL_PASSES, CFD_CONTROL_FAILS, CFD_CONTROL_NOT_APPLICABLE };
const char *cfd_control_status_name(enum cfd_control_status status); /* "pass", "fail", "n/a" */

struct cfd_control_result {
	const struct cfd_control *control;
	struct cfd_findings findings;
	const char *unneeded; /* why the control does not apply to this container or host, or NULL */
};

enum cfd_control_status cfd_control_status(const struct cfd_control_result *result);
/* Why it is not applicable; NULL when it is. */
const char *cfd_control_reason(const struct cfd_control_result *result);

struct cfd_judgement {
	const struct cfd_standard *standard;
	struct cfd_control_result *results; /* one a control, in the standard's order */
	size_t count;
	size_t tally[CFD_CONTROL_NOT_APPLICABLE + 1]; /* how many have which status */
};

/*
 * Judges. Of the context the configuration, the image, the rootfs and the host facts count; profile and config are
 * replaced. An error means that a control could not be decided. Release in both cases.
 */
int cfd_standard_judge(const struct cfd_standard *standard, const struct cfd_rules_context *context,
		       struct cfd_judgement *judgement, struct cfd_error *err);
void cfd_judgement_release(struct cfd_judgement *judgement);

#endif
