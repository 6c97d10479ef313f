/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of mounts that lie in mount_options.c and mount_destinations.c; for lib/rules only. */
#ifndef CFD_RULES_MOUNTS_H
#define CFD_RULES_MOUNTS_H

#include "lib/path.h"
#include "lib/rules/rules.h"

struct cfd_spec_mount;

/* A bind, or one of the filesystems that containers may mount. */
bool cfd_mount_type_known(const struct cfd_spec_mount *mount);
/* The destination, cleaned; false when it cannot be (mount.destination-path reports those). */
bool cfd_mount_destination(const struct cfd_spec_mount *mount, char ret_clean[CFD_PATH_MAX]);

/* Each is the check of the rule of that name, as in struct cfd_rule. */
typedef int cfd_rule_check(const struct cfd_rule *rule, const struct cfd_rules_context *context,
			   struct cfd_findings *findings, struct cfd_error *err);
cfd_rule_check cfd_check_option_unknown, cfd_check_option_contradiction, cfd_check_option_remount,
	cfd_check_option_shared, cfd_check_option_suid;
cfd_rule_check cfd_check_destination_path, cfd_check_destination_root, cfd_check_destination_proc,
	cfd_check_destination_sys, cfd_check_destination_dev, cfd_check_destination_preload,
	cfd_check_destination_duplicate, cfd_check_destination_shadows;

#endif
