/* SPDX-License-Identifier: Apache-2.0 */
/* What a process that is started later gets. */
#include "lib/amend/exec.h"

#include "lib/caps.h"
#include "lib/json/json.h"
#include "lib/spec/spec.h"
#include "lib/state/state.h"

static bool is_recorded(const struct cfd_json *child, void *context)
{
	const struct cfd_record *record = context;
	unsigned number;

	return !cfd_caps_number(cfd_json_string(child), &number) && (record->capabilities >> number & 1);
}

static bool is_nothing(const struct cfd_json *child, void *context)
{
	(void)child;
	(void)context;
	return false;
}

/* Absent ones are the container's own to both runtimes, and those were amended at create. */
static void amend_capabilities(struct cfd_json *process, const struct cfd_record *record)
{
	static const struct {
		const char *name;
		bool (*keep)(const struct cfd_json *child, void *context);
	} sets[] = {
		{"bounding", is_recorded},   {"effective", is_recorded}, {"permitted", is_recorded},
		{"inheritable", is_nothing}, {"ambient", is_nothing},
	};
	struct cfd_json *capabilities = cfd_json_get(process, "capabilities");

	for (size_t i = 0; i < CFD_COUNT(sets); i++)
		cfd_json_filter(cfd_json_get(capabilities, sets[i].name), sets[i].keep, (void *)record);
}

static int amend_label(const struct cfd_spec *spec, struct cfd_json *process, const char *key, const char *recorded)
{
	const char *present = cfd_json_string(cfd_json_get(process, key));

	if ((present && *present) || !recorded || !*recorded)
		return 0;
	return cfd_json_set(spec->doc, process, key, cfd_json_new_string(spec->doc, recorded));
}

int cfd_amend_exec(const struct cfd_spec *spec, const struct cfd_record *record, struct cfd_error *err)
{
	struct cfd_json *process = cfd_json_get(spec->root, "process");
	int r = 0;

	amend_capabilities(process, record);
	if (record->no_new_privileges)
		r = cfd_json_set(spec->doc, process, "noNewPrivileges", cfd_json_new_bool(spec->doc, true));
	if (!r)
		r = amend_label(spec, process, "apparmorProfile", record->apparmor_profile);
	if (!r)
		r = amend_label(spec, process, "selinuxLabel", record->selinux_label);
	return r ? cfd_fail_memory(err, "the amended process") : 0;
}
