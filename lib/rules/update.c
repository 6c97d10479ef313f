/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `update --resources` may change: limits. The schema has refused or removed what is no section of
 * linux.resources, and process.cgroup-file is asked about `unified`.
 */
#include "lib/json/json.h"
#include "lib/rules/common.h"

#include <errno.h>

static int add_text(const struct cfd_json *rule, struct cfd_buf *buf, struct cfd_error *err)
{
	buf->length = 0;
	return cfd_json_write(rule, buf) ? cfd_fail_memory(err, "a device rule") : 0;
}

/* kubelet hands the container's own rules in with every change of a limit. */
static int is_created_with(const struct cfd_json *created, const char *text, bool *ret_found, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf other = {0};
	bool found = false;
	int r = 0;

	for (size_t i = 0; !r && !found && i < cfd_json_count(created); i++) {
		r = add_text(cfd_json_at(created, i), &other, err);
		found = !r && cfd_streq(other.data, text);
	}
	*ret_found = found;
	return r;
}

CFD_RULE_CHECK(check_device)
{
	const struct cfd_json *rules = cfd_json_get(context->spec->resources, "devices");
	CFD_AUTO_BUF struct cfd_buf text = {0};
	int r = 0;

	for (size_t i = 0; !r && i < cfd_json_count(rules); i++) {
		bool found = !context->spec->device_rules[i].allow;

		r = add_text(cfd_json_at(rules, i), &text, err);
		if (!r && !found)
			r = is_created_with(context->device_rules, text.data, &found, err);
		if (!r && !found)
			r = cfd_findings_add(findings, rule, text.data, err, "the container was created without it",
					     "linux.resources.devices[%zu]", i);
	}
	return r;
}

// clang-format off
static const struct cfd_rule rules[] = {
	{ "update.device", CFD_RULE_ALWAYS, "update with a device rule that the container was created without",
	  "crun puts it in force: access to the host's disks and memory for a running container",
	  CFD_REF_CIS "5.18; " CFD_REF_SPEC "config-linux.md, Allowed Device list", NULL, check_device },
};
// clang-format on

const struct cfd_rule_group cfd_rules_update = {"update", rules, CFD_COUNT(rules)};
