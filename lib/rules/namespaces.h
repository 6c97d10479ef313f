/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of namespaces that lie in namespace_ids.c and namespace_cgroups.c; for lib/rules only. */
#ifndef CFD_RULES_NAMESPACES_H
#define CFD_RULES_NAMESPACES_H

#include "lib/rules/rules.h"

/* Each is the check of the rule of that name, as in struct cfd_rule. */
typedef int cfd_rule_check(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			   struct cfd_findings *findings, struct cfd_error *err);
cfd_rule_check cfd_check_mappings_without_user, cfd_check_user_without_mappings, cfd_check_id_range;
cfd_rule_check cfd_check_host_cgroup, cfd_check_cgroup_path, cfd_check_cgroup_in_use;

#endif
