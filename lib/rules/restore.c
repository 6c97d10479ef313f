/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore: config.json is judged as for create, so that a refusal names all that is wrong; but what CRIU brings back is
 * in the checkpoint's images, not there.
 */
#include "lib/rules/common.h"

/*
 * No exception can help: crun calls no createRuntime hook when it restores, so the guard would not be attached, and
 * the processes come back with the ids, capabilities and filter of the image, whatever config.json says.
 */
CFD_RULE_CHECK(check_checkpoint)
{
	(void)context;
	return cfd_findings_add(findings, rule, NULL, err,
				"a checkpoint brings its own system call filter, capabilities and ids, which nothing "
				"here can judge; create the container anew",
				"restore");
}

// clang-format off
static const struct cfd_rule rules[] = {
	{ "restore.checkpoint", CFD_RULE_ALWAYS, "restoring a container from a checkpoint",
	  "whoever can write the checkpoint's images chooses memory, capabilities and ids of a process of the host",
	  "criu(8); CVE-2026-53492", NULL, check_checkpoint },
};
// clang-format on

const struct cfd_rule_group cfd_rules_restore = {"restore", rules, CFD_COUNT(rules)};
