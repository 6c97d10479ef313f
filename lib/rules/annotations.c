/* SPDX-License-Identifier: Apache-2.0 */
/* Annotations that are orders. Those that are merely unknown are removed later, by lib/amend. */
#include "lib/spec/annotations.h"

#include "lib/rules/common.h"

CFD_RULE_CHECK(check_orders)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->annotations.count; i++) {
		const struct cfd_spec_pair *pair = &context->spec->annotations.values[i];
		const char *key = pair->key, *danger = cfd_annotation_danger(key, pair->value);

		if (danger)
			r = cfd_findings_add(findings, rule, key, err, danger, "annotations[\"%s\"]", key);
	}
	return r;
}

// clang-format off
static const struct cfd_rule rules[] = {
	{ "annotation.order", CFD_RULE_NEVER, "an annotation that a runtime, systemd, criu or a plugin takes orders from",
	  "crun's run.oci.seccomp_bpf_data replaces the seccomp filter, run.oci.hooks.stdout writes a file of the host",
	  "crun(1), CRUN OCI annotations; runc docs/systemd.md; CVE-2022-0811", NULL, check_orders },
};
// clang-format on

const struct cfd_rule_group cfd_rules_annotations = {"annotations", rules, CFD_COUNT(rules)};
