/* SPDX-License-Identifier: Apache-2.0 */
/* What the tables of the standards share; for lib/standards only. */
#ifndef CFD_STANDARDS_CONTROLS_H
#define CFD_STANDARDS_CONTROLS_H

#include "lib/standards/standards.h"

extern const struct cfd_standard cfd_standard_pss_baseline, cfd_standard_pss_restricted, cfd_standard_cis_docker;

/* The head of a control's own check. */
#define CFD_CONTROL_CHECK(name)                                                                                        \
	int name(const struct cfd_rules_context *context, struct cfd_control_result *result, struct cfd_error *err)

/* A finding against the control: the value, why, and the JSON path. */
#define cfd_control_against(result, err, value, message, ...)                                                          \
	cfd_findings_add(&(result)->findings, NULL, value, err, message, __VA_ARGS__)

/* Rows: decided here by rules and a check (either may be NULL), in what words; by a check alone, beside rules that
 * refuse the like; or by somebody else. */
#define CFD_RULES(...)                                                                                                 \
	(const char *const[])                                                                                          \
	{                                                                                                              \
		__VA_ARGS__, NULL                                                                                      \
	}
#define CFD_DECIDED(id_, name_, rules_, check_, says_)                                                                 \
	{                                                                                                              \
		.id = id_, .name = name_, .rules = rules_, .check = check_, .says = says_                              \
	}
#define CFD_OWN(id_, name_, check_, kin_)                                                                              \
	{                                                                                                              \
		.id = id_, .name = name_, .check = check_, .kin = kin_                                                 \
	}
#define CFD_ELSEWHERE(id_, name_, elsewhere_)                                                                          \
	{                                                                                                              \
		.id = id_, .name = name_, .elsewhere = elsewhere_                                                      \
	}

/* Checks that both standards have. */
CFD_CONTROL_CHECK(cfd_control_privileged); /* every capability: no engine grants that but by --privileged or ALL */
CFD_CONTROL_CHECK(cfd_control_no_new_privileges);

/*
 * Namespaces of that type that are joined by a path where no engine keeps one: the host's, or another container's. By
 * the text alone nobody can tell which, so they count as the host's.
 */
int cfd_control_joined(const struct cfd_rules_context *context, const char *type, struct cfd_control_result *result,
		       struct cfd_error *err);

#endif
